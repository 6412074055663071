//! A range of time, chosen and summarized by keys.

use crate::pty::demo_in;

#[test]
fn a_range_is_chosen_by_keys_and_its_summary_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("✓ ");
    terminal.press("\t\t");
    terminal.shows("← earlier");
    terminal.press("\x1b[D");
    terminal.shows("received, ");
    terminal.press("v");
    terminal.shows("range begun");
    terminal.press("\x1b[D\x1b[D\x1b[D\x1b[Dv");
    terminal.shows("y copies its summary");
    // The chip, and what the range limits.
    terminal.shows(" Esc]");
    terminal.shows("in the range");
    terminal.press("y");
    terminal.shows("the incident summary");
    terminal.escape();
    terminal.waits_for("all events", |text| !text.contains(" Esc]"));
}
