//! The mouse in the inspector and in other overlays.

use crate::fixture::{Fixture, dead_letter};
use crate::range::spread;
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
pub fn press(fixture: &mut Fixture, text: &str) -> Vec<Effect> {
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

#[test]
fn a_press_chooses_rows_of_a_person_an_answer_and_a_group_of_dead_letters() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/u-0001\n↓p");
    let cursor = fixture.state.events.cursor;
    press_below(&mut fixture, "Events ─", 1);
    assert_ne!(fixture.state.events.cursor, cursor, "{}", fixture.plain());
    press_below(&mut fixture, "Events ─", 1);
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::Inspector)
    );

    let mut fixture = Fixture::new((120, 34));
    fixture.press("YProduct Viewed\n");
    let row = |fixture: &Fixture| fixture.state.overlays.why().unwrap().row();
    let last = row(&fixture);
    assert!(last > 0, "{}", fixture.plain());
    press_below(&mut fixture, "Timeline ─", 1);
    assert_eq!(row(&fixture), 0);
    press_below(&mut fixture, "Timeline ─", 1);
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::Inspector)
    );

    let mut fixture = Fixture::new((120, 34));
    fixture.press("l\n");
    let letters = vec![dead_letter(18), dead_letter(17)];
    fixture.act(Action::DeadLetters(Ok(letters)));
    let opened = |fixture: &Fixture| {
        let letters = fixture.state.overlays.dead_letters().unwrap();
        let opened = letters.opened.as_ref().unwrap();
        (opened.cursor, opened.line)
    };
    press(&mut fixture, "     17  ");
    assert_eq!(opened(&fixture), (1, None));
    press(&mut fixture, "     17  ");
    assert_eq!(opened(&fixture), (1, Some(0)));
}

#[test]
fn a_press_chooses_a_line_of_the_detail_pane() {
    let mut fixture = Fixture::new((200, 60));
    fixture.press("/password\n↓\n\t");
    let line = |fixture: &Fixture| fixture.state.overlays.inspector().unwrap().line;
    press(&mut fixture, "insert_id: ");
    assert!(line(&fixture) > 0, "{}", fixture.plain());
    press(&mut fixture, "event_properties: ");
    let is_folded = |fixture: &Fixture| {
        let open = fixture.state.overlays.inspector().unwrap();
        !open.folded[0].is_empty()
    };
    assert!(!is_folded(&fixture));
    press(&mut fixture, "event_properties: ");
    assert!(is_folded(&fixture), "{}", fixture.plain());
}

#[test]
fn the_strip_reacts_while_an_overlay_is_open() {
    let mut fixture = Fixture::new((160, 45));
    fixture.press("l");
    press(&mut fixture, "rejected");
    assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Stages));
}

#[test]
fn a_press_in_the_charts_places_the_time_cursor_and_another_goes_to_its_events() {
    let mut fixture = spread((160, 45));
    fixture.press("\u{1b}");
    let at = |fixture: &mut Fixture, column| {
        fixture.act(Action::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row: 4,
            modifiers: KeyModifiers::NONE,
        }))
    };
    // Names and rates are no points.
    at(&mut fixture, 10);
    assert_eq!(fixture.state.moment_ms, None);
    at(&mut fixture, 60);
    let moment = fixture.state.moment_ms.unwrap();
    fixture.press("v");
    at(&mut fixture, 64);
    let range = fixture.state.range.as_ref().unwrap().range;
    assert_eq!(range.from_ms, moment);
    assert!(range.length_ms() >= 4_000, "{range:?}");
    let effects = at(&mut fixture, 64);
    assert!(matches!(effects[..], [Effect::Seek(..)]), "{effects:?}");
    // A second press in the delivery pane lists the dead letters, as Enter does.
    press(&mut fixture, "Delivery");
    press_below(&mut fixture, "Delivery", 1);
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::DeadLetters)
    );
}
