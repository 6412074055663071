//! A range of time, chosen, summarized, zoomed into and compared by keys.

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

#[test]
fn charts_are_zoomed_and_the_times_before_and_after_a_change_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("✓ ");
    terminal.press("\t\t");
    terminal.shows("V compare");
    terminal.press("\x1b[D\x1b[D\x1b[DV");
    let text = terminal.shows("Two ranges ─ as of ");
    assert!(text.contains("Events by decision"), "{text}");
    terminal.shows("Violations of limits");
    terminal.escape();
    terminal.press("v\x1b[D\x1b[D\x1b[DvZ");
    terminal.shows("Z or Esc goes back");
    let text = terminal.waits_for("the span in the title", |text| !text.contains(" of 10 m"));
    assert!(text.contains("Throughput"), "{text}");
    terminal.escape();
    terminal.shows("10 m ");
}

#[test]
fn two_events_are_selected_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("✓ ");
    terminal.press("vv");
    terminal.shows("2 selected: V compares");
    terminal.press("V");
    terminal.shows("Two events ─ as of ");
    let text = terminal.shows("lag to receipt");
    assert!(text.contains("receipt to delivery"), "{text}");
    terminal.escape();
    terminal.waits_for("the list", |text| !text.contains("Two events"));
}
