//! The README's tour, played by its keys.

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
fn sections_one_to_five_watch_tune_find_and_look_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows("✓");
    play(
        &mut terminal,
        &[
            // 1: charts, and the whole way of events.
            ("w", "of 1 h"),
            ("www", "of 10 m"),
            ("0", "shows the events of a stage"),
            ("\x1b", "Violations"),
            // 2: filters and drafts.
            ("f", "o only this"),
            (" ", "Draft ─ 1 change, not applied"),
            ("v", "would pass; now"),
            ("\x1b", "u brings it back"),
            ("u", "draft is back"),
            ("\r", "Event types: 31 of 34 on"),
            ("u", "Undone: "),
            ("U", "Event types: 31 of 34 on"),
            ("H", "Filter history"),
            ("\x1b", "o only this"),
            ("S", "Filter presets"),
            ("\x1b", "o only this"),
            // 3: a rule.
            ("r", "New rule"),
            (
                "event_properties.total > 100.0 && country == \"Germany\"",
                "compiles",
            ),
            ("\x1b", "o only this"),
            // 4: find, open, why.
            (
                "\t/user_id == \"u-00007\"\r",
                "match user_id == \"u-00007\"",
            ),
            ("\x1b", "Violations"),
            ("/purchase\r", "match purchase"),
            ("j\r", "Raw event"),
            ("\t", "Mapped request"),
            ("p", "Person ─ user_id"),
            ("\x1b", "Violations"),
            ("&", "Violations"),
            ("L", "─ sent"),
            ("Yu-00007\r", "Timeline ─ oldest first"),
            ("\x1b", "Violations"),
            // 5: a time, and a range.
            ("\t\t", "v range"),
            ("\x1b[D\x1b[D", "Enter events"),
            ("V", "Two ranges"),
            ("\x1b", "v range"),
            ("v\x1b[D\x1b[Dv", "range "),
            ("Z", "in the range"),
            ("y", "the incident summary"),
        ],
    );
}

#[test]
fn sections_six_to_nine_watch_see_what_fails_and_move_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows_a_dead_letter();
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
