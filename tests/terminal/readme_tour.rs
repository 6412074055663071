//! The last sections of the README's tour, played by their keys.

use crate::pty::{Terminal, demo_in};

/// Presses keys, and waits for what they show. Esc can't be told from a key right behind it.
fn play(terminal: &mut Terminal, steps: &[(&str, &str)]) {
    for (keys, expected) in steps {
        if *keys == "\x1b" {
            terminal.escape();
        } else {
            terminal.press(keys);
        }
        terminal.shows(expected);
    }
}

#[test]
fn sections_six_to_nine_watch_see_what_fails_and_move_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("dead letters 1");
    play(
        &mut terminal,
        &[
            ("Whas_user\r", "has_user"),
            ("\x1b", "watches 10 s"),
            ("/purchase\r", "match purchase"),
            ("E", "Properties ─ "),
            ("\x1b", "Violations"),
            ("\t\r", "in the ring"),
            ("\r", "Raw event"),
            ("\x1b", "in the ring"),
            ("\x1b", "Violations"),
            ("l", "by reason and type"),
            ("\r", "SUMMER-2019"),
            ("D", "deleted for good"),
            ("n", "SUMMER-2019"),
            ("r", "will be"),
            ("\x1b", "by reason and type"),
            ("\x1b", "Violations"),
            ("g", "Nothing more will be sent to shop-demo"),
            ("n", "OPEN"),
            ("d", "Events are decided and mapped"),
            ("n", "OPEN"),
            (" ", "FROZEN"),
            (" ", "Violations"),
            (":theme", "next colour theme"),
            ("\x1b", "Violations"),
            ("?", "[All]"),
            ("\x1b", "Violations"),
            ("P", "personal data hidden"),
            ("C", "colours: "),
            ("M", "the terminal uses the mouse"),
        ],
    );
}
