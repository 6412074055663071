//! The detail pane beside the events.

use crate::pty::{Terminal, program_without_umask};

#[test]
fn the_detail_beside_the_events_follows_is_read_and_zoomed() {
    let mut terminal = Terminal::open(&["demo", "--rate", "400"]);
    terminal.shows("feed live");
    terminal.resize(160, 45);
    terminal.shows("─ newest");
    terminal.press("/event_type == \"Purchase Completed\"\r");
    terminal.shows("✓ Purchase");
    terminal.press("j");
    let text = terminal.waits_for("the event under the cursor", |text| {
        text.contains("[story] event request") && !text.contains("─ newest")
    });
    assert!(text.contains("Purchase Completed"), "{text}");
    // The focus, the next view, and a rule of a field, all beside the list.
    terminal.press("\r\t");
    let text = terminal.shows("story [event] request");
    assert!(
        text.contains("Violations") && text.contains("Events ─"),
        "{text}"
    );
    terminal.press("z");
    terminal.waits_for("the zoomed event", |text| {
        text.contains("Raw event") && !text.contains("Violations ─")
    });
    terminal.escape();
    terminal.shows("story [event] request");
    // A click on the list takes the focus back: Tab goes to the next pane again.
    terminal.press("\x1b[<0;60;20M\x1b[<0;60;20m");
    terminal.shows("Enter inspect");
    // The border goes where it is pulled, and stays there.
    terminal.press("\x1b[<0;111;20M\x1b[<32;90;20M\x1b[<0;90;20m");
    terminal.waits_for("a wider detail", |text| {
        let rows = text
            .lines()
            .nth(20)
            .map(|row| row.chars().collect::<Vec<_>>());
        // The share is kept in percent: it may be a column off.
        rows.is_some_and(|row| row.get(87..91).is_some_and(|cells| cells.contains(&'│')))
    });
    terminal.resize(80, 50);
    terminal.shows("story [event] request");
    terminal.resize(80, 24);
    terminal.waits_for("no room for it", |text| !text.contains("[event]"));
}

#[test]
fn a_field_becomes_a_column_of_the_events() {
    let mut terminal = Terminal::open(&["demo", "--rate", "400"]);
    terminal.shows("feed live");
    terminal.press("|");
    terminal.shows("Columns of the events");
    terminal.press("fcountry\r");
    terminal.shows("[x] country");
    terminal.press("K");
    terminal.escape();
    terminal.shows(" country ");
    terminal.shows("Germany");
    terminal.press("|=");
    terminal.escape();
    terminal.waits_for("the usual columns", |text| !text.contains("Germany"));
}

#[test]
fn chosen_columns_are_kept_between_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    std::fs::write(&path, "gate = \"shut\"\n").unwrap();
    let watch = || {
        let mut command = program_without_umask();
        command.args(["watch", "--feed-url", "ws://127.0.0.1:1", "--config"]);
        command.arg(&path);
        command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
        command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
        command.env("XDG_STATE_HOME", folder.path());
        Terminal::start(command)
    };
    let mut terminal = watch();
    terminal.shows("SHUT");
    terminal.press("|fcountry\r");
    terminal.shows("[x] country");
    terminal.press(">>");
    terminal.shows(" columns ");
    terminal.escape();
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    drop(terminal);
    let mut again = watch();
    again.shows("SHUT");
    again.press("|");
    let text = again.shows("[x] country");
    let row = text.lines().find(|line| line.contains("[x] country"));
    assert!(row.is_some_and(|row| row.contains(" columns ")), "{text}");
    again.escape();
    again.press("q");
    assert_eq!(again.ends(), 0);
}
