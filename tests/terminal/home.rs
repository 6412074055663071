//! The first minutes: the tour, the help, saved filters, exports, the summary at the end, and `watch`
//! without a feed.

use crate::pty::{Terminal, demo_in, program_without_umask};

#[test]
fn the_demo_shows_a_tour_once_and_ends_with_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let demo = || {
        let mut command = program_without_umask();
        command.args(["demo", "--rate", "500"]);
        command.env("XDG_STATE_HOME", folder.path().join("state"));
        command.cwd(folder.path());
        Terminal::start(command)
    };
    let mut terminal = demo();
    terminal.shows("What you see");
    terminal.press("\r");
    terminal.shows("Try this");
    // A key that the tour names acts, and ends it.
    terminal.press("f");
    terminal.shows("Space toggle");
    assert!(!terminal.text().contains("Try this"));
    terminal.press("/purch");
    terminal.shows("event types and rules match");
    terminal.press("\r");
    // The filters are saved to a file that is named.
    terminal.press("s");
    terminal.shows("sluicegate-demo.toml");
    let saved = std::fs::read_to_string(folder.path().join("sluicegate-demo.toml")).unwrap();
    assert!(
        saved.contains("session_start") && saved.contains("internal"),
        "{saved}"
    );
    // Quitting says what happened.
    terminal.press("q");
    terminal.shows("Quit?");
    terminal.press("y");
    assert_eq!(terminal.ends(), 0);
    let text = terminal.shows("shop-demo, from start to quit:");
    assert!(
        text.contains("received") && text.contains("delivery rate"),
        "{text}"
    );
    // The next start has no tour, until it is asked for.
    let mut terminal = demo();
    terminal.shows(" %   first attempt");
    assert!(!terminal.text().contains("What you see"));
    terminal.press(":tour\r");
    terminal.shows("What you see");
    terminal.press("?");
    terminal.shows("[All]");
    terminal.press("/pause");
    terminal.shows("freeze the display");
}

#[test]
fn an_export_names_its_folder_and_its_path_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows(" %   first attempt");
    terminal.press("X");
    terminal.shows("Export to a file in");
    terminal.press("a");
    terminal.shows("O opens it, in ");
    terminal.press("O");
    terminal.waits_for("the path is copied", |text| {
        text.contains("path copied") || text.contains("opened /")
    });
    let raw = terminal.raw.lock().unwrap();
    assert!(memchr::memmem::find(&raw, b"\x1b]52;c;").is_some());
}

#[test]
fn watch_without_a_feed_says_what_to_do() {
    let mut command = program_without_umask();
    command.arg("watch");
    let mut terminal = Terminal::start(command);
    assert_eq!(terminal.ends(), 2);
    let text = terminal.text();
    for expected in [
        "SLUICEGATE_FEED_URL=ws://relay:4080/feed",
        "SLUICEGATE_CUSTOMERIO_SITE_ID=",
        "sluicegate config init",
        "sluicegate relay",
        "sluicegate demo",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}
