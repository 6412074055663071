use crossterm::event::{KeyCode, KeyModifiers};

use super::*;
use crate::tui::frame::focus::{InputContext, OverlayKind, Pane};
use crate::tui::input::keymap::binding::Scope::{In, Inspector};

fn does(key: KeyCode, pane: Pane, overlay: Option<OverlayKind>) -> Option<Command> {
    let context = InputContext {
        pane,
        overlay,
        has_draft: false,
    };
    Keymap::default().look_up(KeyEvent::new(key, KeyModifiers::NONE), context)
}

#[test]
fn a_key_means_what_its_place_says() {
    let space = KeyCode::Char(' ');
    for (key, pane, overlay, expected) in [
        (space, Pane::Events, None, Some(Command::Freeze)),
        (space, Pane::Filters, None, Some(Command::Toggle)),
        (
            space,
            Pane::Filters,
            Some(OverlayKind::Inspector),
            Some(Command::Fold),
        ),
        (
            KeyCode::Char('3'),
            Pane::Events,
            None,
            Some(Command::Rule(3)),
        ),
        (
            KeyCode::Char('r'),
            Pane::Events,
            None,
            Some(Command::NewRule),
        ),
        (
            KeyCode::Char('r'),
            Pane::Events,
            Some(OverlayKind::DeadLetters),
            Some(Command::Retry),
        ),
        (KeyCode::F(9), Pane::Events, None, None),
    ] {
        assert_eq!(does(key, pane, overlay), expected, "{key:?}");
    }
}

#[test]
fn a_few_letters_find_what_can_be_done() {
    let context = InputContext {
        pane: Pane::Events,
        overlay: None,
        has_draft: false,
    };
    let map = Keymap::default();
    let first = |letters| map.palette(letters, context).first().map(|b| b.name);
    assert_eq!(first("gate"), Some("gate"));
    assert_eq!(first("dltr"), Some("dead-letters"));
    assert_eq!(first("last change"), Some("undo"));
    assert_eq!(first("DRY"), Some("dry-run"));
    assert_eq!(first("qqqq"), None);
    // All are there, each once, with what means something here first.
    let all = map.palette("", context);
    assert!(all[0].scope == In(Pane::Events) && all.len() > 40);
    let inspecting = InputContext {
        overlay: Some(OverlayKind::Inspector),
        ..context
    };
    let person = map.palette("person", inspecting);
    assert_eq!(person[0].scope, Inspector);
}

#[test]
fn no_key_means_two_things_in_one_place_and_every_name_is_its_own() {
    let all: Vec<_> = KEYS.iter().chain(POPUP_KEYS).collect();
    for (i, a) in all.iter().enumerate() {
        for b in &all[i + 1..] {
            assert_ne!(a.name, b.name);
            let clash = a.scope == b.scope
                && a.command != b.command
                && a.keys.iter().any(|k| b.keys.contains(k));
            assert!(!clash, "{} and {} share a key", a.name, b.name);
        }
    }
}

#[test]
fn the_settings_give_other_keys_and_what_is_wrong_with_them_is_told() {
    let own = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let pair = |(name, all): &(&str, &[&str])| ((*name).to_owned(), keys(all));
        pairs.iter().map(pair).collect()
    };
    let given = own(&[
        ("gate", &["F9", "ctrl-G"]),
        ("freeze", &[]),
        ("up", &["up", "Alt-k"]),
        ("quit", &["Q"]),
    ]);
    let map = Keymap::with(&given).unwrap();
    let context = InputContext {
        pane: Pane::Events,
        overlay: None,
        has_draft: false,
    };
    let does = |code, modifiers| map.look_up(KeyEvent::new(code, modifiers), context);
    assert_eq!(does(KeyCode::F(9), KeyModifiers::NONE), Some(Command::Gate));
    let g = KeyCode::Char('g');
    assert_eq!(does(g, KeyModifiers::CONTROL), Some(Command::Gate));
    assert_eq!(does(g, KeyModifiers::NONE), None);
    assert_eq!(does(KeyCode::Char(' '), KeyModifiers::NONE), None);
    assert_eq!(
        does(KeyCode::Char('k'), KeyModifiers::ALT),
        Some(Command::Up)
    );
    assert_eq!(does(KeyCode::Up, KeyModifiers::NONE), Some(Command::Up));
    let c = KeyCode::Char('c');
    assert_eq!(does(c, KeyModifiers::CONTROL), Some(Command::Quit));
    assert_eq!(map.key(Command::Gate), "F9");
    assert_eq!(map.key(Command::Freeze), "freeze");
    assert!(
        map.footer(context)
            .iter()
            .all(|b| b.command != Command::Freeze)
    );
    let told = |pairs| -> Vec<String> {
        let wrong = Keymap::with(&own(pairs)).unwrap_err();
        let line = |e: &KeyError| format!("{}: {e}", e.name());
        wrong.iter().map(line).collect()
    };
    assert_eq!(
        told(&[("gate", &["?"]), ("zoon", &["Z"]), ("help", &["3"])]),
        [
            "zoon: unknown command: did you mean zoom?; the palette (:) lists all commands",
            "help: 3 is already bound to rule in the same scope",
        ]
    );
    let wrong = told(&[("gate", &["?", "Hyper-x"])]);
    assert!(
        wrong[0].starts_with("gate: unknown key \"Hyper-x\""),
        "{wrong:?}"
    );
    assert_eq!(
        wrong[1],
        "gate: ? is already bound to help in the same scope"
    );
}
