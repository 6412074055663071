//! The mouse in the footer, in popups, and in the tour.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sluicegate::filter::Mode;
use sluicegate::protocol::Command as PipelineCommand;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::frame::popup::Popup;

use crate::fixture::Fixture;
use crate::home::with_tour;

#[test]
fn the_mouse_presses_keys_of_the_footer_and_rows_of_popups() {
    let mut fixture = Fixture::new((120, 34));
    let find = |fixture: &Fixture, text: &str| {
        let screen = fixture.plain();
        let (row, line) = screen
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(text))
            .unwrap_or_else(|| panic!("{text} is not on\n{screen}"));
        let before = line.split(text).next().unwrap();
        // A quotation mark begins each line.
        (before.chars().count() as u16 - 1, row as u16)
    };
    let press = |fixture: &mut Fixture, text: &str| {
        let (column, row) = find(fixture, text);
        let kind = MouseEventKind::Down(MouseButton::Left);
        fixture.act(Action::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    };
    press(&mut fixture, "f filters");
    assert_eq!(fixture.state.focus, Pane::Filters);
    press(&mut fixture, "g gate");
    press(&mut fixture, "n no");
    assert!(fixture.state.popup.is_none());
    press(&mut fixture, "g gate");
    let shut = PipelineCommand::SetGate(Mode::Shut);
    assert_eq!(press(&mut fixture, "y yes"), [Effect::Pipeline(shut)]);
    // A choice, and a row of the palette: a press selects it, or runs the one that is selected.
    fixture.press("X");
    let effects = press(&mut fixture, "all events in the ring");
    assert!(
        matches!(effects[..], [Effect::ExportEvents(_)]),
        "{effects:?}"
    );
    fixture.press(":dry↓");
    press(&mut fixture, "dry run: decide");
    assert!(matches!(&fixture.state.popup, Some(Popup::Palette(open)) if open.row == 0));
    press(&mut fixture, "dry run: decide");
    assert!(matches!(fixture.state.popup, Some(Popup::Confirm(_))));
    fixture.press("\u{1b}Whas_user\nrsize_bytes > 3\n");
    // The throughput pane names it too.
    press(&mut fixture, "│ has_user");
    press(&mut fixture, "│ has_user");
    assert_eq!(fixture.state.events.find.as_ref().unwrap().text, "has_user");
    // Outside of a popup it is closed; a question stays.
    fixture.press("\u{1b}:");
    press(&mut fixture, "Throughput");
    assert!(fixture.state.popup.is_none());
    fixture.press("g");
    press(&mut fixture, "Throughput");
    assert!(matches!(fixture.state.popup, Some(Popup::Confirm(_))));
}

#[test]
fn the_mouse_goes_on_in_the_tour_and_leaves_it_for_the_panes() {
    let mut fixture = with_tour((120, 34));
    let press = |fixture: &mut Fixture, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        fixture.act(Action::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    };
    assert_eq!(press(&mut fixture, 100, 28), []);
    assert!(fixture.plain().contains("Try this"));
    let seen = Effect::TourSeen("/home/ann/tour-seen".into());
    assert_eq!(press(&mut fixture, 60, 12), [seen]);
    assert!(fixture.state.popup.is_none());
    assert_eq!(fixture.state.events.cursor, Some(7), "the row is chosen");
}

#[test]
fn the_mouse_presses_the_keys_of_the_rule_editor_and_the_parts_of_the_help() {
    let mut fixture = Fixture::new((120, 34));
    let press = |fixture: &mut Fixture, text: &str| {
        let screen = fixture.plain();
        let mut lines = screen.lines().enumerate();
        let found = lines.find(|(_, line)| line.contains(text));
        let (row, line) = found.unwrap_or_else(|| panic!("{text} is not on\n{screen}"));
        let before = line.split(text).next().unwrap();
        fixture.act(Action::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: before.chars().count() as u16 - 1,
            row: row as u16,
            modifiers: KeyModifiers::NONE,
        }))
    };
    fixture.press("rhas_user");
    press(&mut fixture, "Enter apply   Esc");
    assert!(fixture.state.popup.is_none(), "{}", fixture.plain());
    assert_eq!(fixture.state.edited().rules.len(), 3);
    fixture.press("?");
    press(&mut fixture, " Throughput ");
    let screen = fixture.plain();
    assert!(screen.contains("[Throughput]"), "{screen}");
    assert!(
        !screen.contains("quit, then") && screen.contains(":events-then"),
        "{screen}"
    );
    // Outside of them, popups that only tell something are closed.
    press(&mut fixture, "shop-prod");
    assert!(fixture.state.popup.is_none());
    fixture.press("H");
    press(&mut fixture, "shop-prod");
    assert!(fixture.state.popup.is_none());
}
