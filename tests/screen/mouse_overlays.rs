//! The mouse in the inspector and in other overlays.

use crate::fixture::Fixture;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::frame::focus::OverlayKind;

/// Presses the left button some rows below a text of the screen.
fn press_below(fixture: &mut Fixture, text: &str, rows: u16) -> Vec<Effect> {
    let screen = fixture.plain();
    let found = screen.lines().enumerate().find(|(_, l)| l.contains(text));
    let (row, line) = found.unwrap_or_else(|| panic!("{text} is not on\n{screen}"));
    let before = line.split(text).next().unwrap();
    fixture.act(Action::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        // A quotation mark begins each line.
        column: before.chars().count() as u16 - 1,
        row: row as u16 + rows,
        modifiers: KeyModifiers::NONE,
    }))
}

/// Presses the left button on a text of the screen.
fn press(fixture: &mut Fixture, text: &str) -> Vec<Effect> {
    press_below(fixture, text, 0)
}

#[test]
fn a_press_moves_the_cursor_of_an_overlay_and_another_acts_on_the_row() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("0");
    press(&mut fixture, "by type");
    assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Stages));
    press(&mut fixture, "by type");
    assert_eq!(fixture.state.overlays.top_kind(), None);
    assert!(fixture.plain().contains("filtered out by type"));

    fixture.press("\u{1b}l");
    press(&mut fixture, "Product Added");
    assert_eq!(fixture.state.overlays.dead_letters().unwrap().row, 1);
    let effects = press(&mut fixture, "Product Added");
    assert!(
        matches!(effects[..], [Effect::DeadLetters(_)]),
        "{effects:?}"
    );
}

#[test]
fn a_press_in_the_inspector_chooses_a_line_and_another_folds_it() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/password\n\n");
    let line = |fixture: &Fixture| fixture.state.overlays.inspector().unwrap().line;
    assert_eq!(line(&fixture), 0);
    press(&mut fixture, "insert_id");
    let chosen = line(&fixture);
    assert!(chosen > 0);
    // The border and the history are no lines.
    press(&mut fixture, "Raw event");
    press(&mut fixture, "Decision");
    assert_eq!(line(&fixture), chosen);
    let is_folded = |fixture: &Fixture| {
        let open = fixture.state.overlays.inspector().unwrap();
        !open.folded[0].is_empty()
    };
    press(&mut fixture, "event_properties");
    assert!(!is_folded(&fixture));
    press(&mut fixture, "event_properties");
    assert!(is_folded(&fixture), "{}", fixture.plain());
}
