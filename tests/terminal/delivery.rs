//! The gate and the dead letters.

use std::time::Duration;

use crate::pty::{Terminal, program_without_umask};
use crate::rights;

#[test]
fn the_gate_opens_only_after_a_confirmation_that_names_the_workspace() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("OPEN");
    terminal.press("g");
    terminal.shows("Nothing more will be sent to shop-demo");
    terminal.press("y");
    terminal.shows("SHUT");
    terminal.press("g");
    terminal.shows("Events will be sent to shop-demo");
    terminal.press("n");
    terminal.shows("SHUT");
    terminal.press("d");
    terminal.shows("DRY RUN");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn dead_letters_are_found_with_their_reason_read_tried_again_and_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program_without_umask();
    command.args(["demo", "--rate", "2000"]);
    command.cwd(folder.path());
    let mut terminal = Terminal::start(command);
    terminal.shows_a_dead_letter();
    terminal.press("l");
    terminal.shows("by reason and type");
    terminal.shows("the workspace takes no such value");
    terminal.press("X");
    terminal.shows("written to dead-letters-");
    assert_eq!(rights::assert_files_private(folder.path()).len(), 1);
    terminal.press("\r");
    terminal.shows("Request");
    terminal.shows("code: \"SUMMER-2019\"");
    terminal.press("p");
    terminal.shows("Person ─ user_id");
    let text = terminal.shows("not delivered");
    assert!(text.contains("match user_id =="), "{text}");
    terminal.press("\x1b");
    terminal.shows("Violations");
    terminal.press("l");
    terminal.shows("by reason and type");
    terminal.press("\r");
    terminal.shows("code: \"SUMMER-2019\"");
    terminal.press("D");
    terminal.shows("It is deleted for good");
    terminal.press("y");
    terminal.shows("1 dead letter discarded");
    // Out of the row, if others of it are left, and out of the list.
    while !terminal.text().contains("Violations") {
        terminal.press("\x1b");
        std::thread::sleep(Duration::from_millis(150));
    }
    // Others have come meanwhile, or come soon; the row of the one that is gone may stand a
    // moment longer.
    terminal.shows("(l lists)");
    terminal.press("l");
    terminal.shows("the workspace takes no such value");
    while !terminal.text().contains("code: \"SUMMER-2019\"") {
        terminal.press("\r");
        std::thread::sleep(Duration::from_millis(400));
    }
    terminal.press("r");
    terminal.shows("1 dead letter will be tried again");
}
