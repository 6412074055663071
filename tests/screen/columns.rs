//! The columns of the events: those for a width, and those that are chosen.

use crate::fixture::Fixture;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::events::columns::column::Column;
use sluicegate::tui::events::columns::state::ChosenColumn;
use sluicegate::tui::frame::popup::Popup;

/// The names of the chosen columns.
fn chosen(fixture: &Fixture) -> Vec<&str> {
    let columns = fixture.state.columns.iter();
    columns.map(|chosen| chosen.column.name()).collect()
}

#[test]
fn a_wide_list_has_more_columns() {
    let mut fixture = Fixture::new((200, 40));
    let narrow = fixture.plain();
    assert!(!narrow.contains("attempts"), "{narrow}");
    fixture.press("z");
    insta::assert_snapshot!("columns_wide", fixture.plain());
    // The strip and the titles take a row each, and the mouse knows it.
    fixture.act(Action::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 60,
        row: 4,
        modifiers: KeyModifiers::NONE,
    }));
    assert_eq!(fixture.state.events.cursor, Some(9));
}

#[test]
fn columns_are_chosen_moved_and_sized() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("|");
    insta::assert_snapshot!("column_chooser", fixture.plain());
    // A field, at once in the list, and remembered.
    let effects = fixture.press("fevent_properties.total\n");
    assert_eq!(effects, [Effect::Remember]);
    assert_eq!(
        chosen(&fixture),
        [
            "received",
            "type",
            "person",
            "size",
            "outcome",
            "event_properties.total"
        ]
    );
    // It goes before the outcome, and the size is hidden.
    fixture.press("K");
    fixture.press("↑ ");
    assert_eq!(
        chosen(&fixture),
        [
            "received",
            "type",
            "person",
            "event_properties.total",
            "outcome"
        ]
    );
    assert_eq!(fixture.press(">>"), [Effect::Remember, Effect::Remember]);
    let width = fixture.state.columns[3].width;
    assert!(width.is_some());
    fixture.press("<");
    assert!(fixture.state.columns[3].width < width);
    fixture.press("0");
    assert_eq!(fixture.state.columns[3].width, None);
    // Attempts and latency come from the others.
    fixture.press("↓↓↓↓ ↓↓ \u{1b}");
    insta::assert_snapshot!("columns_chosen", fixture.plain());
    // Twice the same, and none at all, are refused.
    fixture.press("|fevent_properties.total\n");
    assert!(fixture.plain().contains("is a column already"));
    fixture.press("f\n");
    assert!(fixture.plain().contains("write the path of a field"));
    fixture.press("\u{1b}");
    for _ in 0..20 {
        fixture.press("kkkkkkkkkkkk ");
    }
    assert_eq!(chosen(&fixture).len(), 1);
    assert!(fixture.plain().contains("the last column stays"));
    fixture.press("=");
    assert_eq!(chosen(&fixture), [""; 0]);
    fixture.press("\u{1b}");
    assert!(fixture.state.popup.is_none());
}

#[test]
fn the_chooser_keeps_its_last_row_in_sight() {
    let mut fixture = Fixture::new((80, 24));
    fixture.press("|jjjjjjjjjjjjjj");
    assert!(matches!(&fixture.state.popup, Some(Popup::Columns(open)) if open.row == 8));
    assert!(fixture.plain().contains("[ ] delivered at"));
}

#[test]
fn names_and_reasons_are_cut_only_without_room() {
    let mut fixture = Fixture::new((200, 60));
    // A hidden detail leaves its room to the list.
    fixture.press("\n\\");
    let screen = fixture.plain();
    for whole in ["Purchase Completed ", "discarded: name: invalid: too long"] {
        let list = screen.lines().filter(|line| line.contains("08:00:00.000"));
        assert!(
            list.clone().any(|line| line.contains(whole)),
            "{whole} is cut in\n{screen}"
        );
    }
}

#[test]
fn personal_fields_are_hidden_in_their_column() {
    let mut fixture = Fixture::new((160, 45));
    let user = ChosenColumn::from(Column::Field("user_id".to_owned()));
    fixture.state.columns = vec![Column::Type.into(), user];
    fixture.turn();
    let titled = |screen: &str| screen.contains(" user_id ");
    assert!(titled(&fixture.plain()) && fixture.plain().contains("u-0009"));
    fixture.press("P");
    let screen = fixture.plain();
    assert!(
        !screen.contains("u-0009") && screen.contains("id•"),
        "{screen}"
    );
}
