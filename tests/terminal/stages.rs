//! The quick lists, the stages of the pipeline, a question, and acting from rows, played by keys.

use crate::pty::demo_in;

#[test]
fn the_whole_way_is_seen_and_each_stage_leads_to_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.waits_for("the strip", |text| {
        let strip = text.lines().nth(1).unwrap_or_default();
        strip.contains("filtered") && strip.contains("dead") && strip.contains("3 s")
    });
    terminal.press("0");
    terminal.shows("Pipeline ─ events since");
    terminal.shows("by the shut gate");
    // Down to those that a type filters out.
    terminal.press("jj\r");
    terminal.shows("─ filtered out by type");
    // The quick lists.
    terminal.press("L");
    terminal.shows("list: all (L for the next)");
    terminal.press("LL");
    let text = terminal.shows("─ problems");
    assert!(!text.contains("✓ "), "{text}");
    terminal.press("L");
    terminal.shows("─ filtered out");
    terminal.escape();
    // Matches among all events, and alone.
    terminal.press("/Product Viewed\r");
    terminal.shows("match Product Viewed");
    terminal.press("&");
    terminal.shows("─ all, matches marked");
    terminal.press("n&");
    terminal.shows("only the matches of the search");
}

#[test]
fn a_question_is_answered_and_rows_are_acted_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("✓ ");
    terminal.press("Ycart viewed\r");
    terminal.shows("Cart Viewed came in the last");
    terminal.shows("The last one ");
    terminal.press("kk\r");
    terminal.shows("Decision");
    terminal.escape();
    terminal.shows("Timeline ─ oldest first");
    terminal.press("p");
    terminal.shows("Person ─ ");
    terminal.escape();
    terminal.escape();
    terminal.press("Ynobody-at-all\r");
    terminal.shows("the feed never brought it");
    terminal.escape();
    // Several rows, into a file.
    terminal.press("vvv");
    terminal.shows("─ 3 selected");
    terminal.press("Xs");
    terminal.shows("3 events written to");
    let files = std::fs::read_dir(folder.path()).unwrap();
    let written = files.map(|file| file.unwrap().path());
    let written = written.filter(|path| path.extension().is_some_and(|end| end == "ndjson"));
    let written: Vec<String> = written
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].lines().count(), 3);
    terminal.escape();
    // A type is excluded from its row, in a draft: that of an event that was sent, as others may be off.
    terminal.press("GL");
    terminal.shows("─ sent");
    terminal.press("kk");
    terminal.shows("newer above");
    terminal.press("xt");
    terminal.shows("drafted: this type is excluded");
}
