//! The detail pane: beside the list on a wide screen, below it on a tall one.

use crate::fixture::{Fixture, dead_letter, snapshot};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sluicegate::filter::Mode;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::detail::query::HOLD_MS;
use sluicegate::tui::frame::focus::{OverlayKind, Pane};
use sluicegate::tui::inspector::state::View;
use std::sync::Arc;

const WIDE: (u16, u16) = (160, 45);

/// The event in the detail pane while that doesn't have the focus.
fn shown(fixture: &Fixture) -> Option<u64> {
    let shown = fixture.state.detail.shown.as_ref();
    shown.map(|(_, inspector)| inspector.sequence)
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Action {
    Action::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    })
}

#[test]
fn the_detail_follows_the_cursor() {
    let mut fixture = Fixture::new(WIDE);
    assert_eq!(shown(&fixture), Some(9), "the newest one");
    assert!(fixture.plain().contains("Event 9 ─ newest"));
    // An event that a limit rejects: its outcome and the reason come first.
    fixture.press("/signup\n↓");
    assert_eq!(shown(&fixture), Some(3));
    insta::assert_snapshot!("detail_rejected", fixture.plain());
    fixture.press("\u{1b}↓↓");
    assert_eq!(shown(&fixture), Some(8));
    assert!(fixture.plain().contains("discarded: name: invalid"));
    // A list without an event has no detail.
    fixture.press("/nothing is so\n");
    assert_eq!(shown(&fixture), None);
    assert!(fixture.plain().contains("no event here"));
}

#[test]
fn an_event_stays_on_display_while_newer_ones_arrive() {
    let mut fixture = Fixture::new(WIDE);
    let at_ms = snapshot(Mode::Open).at_ms;
    let pass = |fixture: &mut Fixture, ms: i64, sequence: u64| {
        let mut newer = crate::fixture::records()[0].clone();
        newer.sequence = sequence;
        fixture.ring.lock().extend([newer]);
        let mut later = snapshot(Mode::Open);
        later.at_ms = at_ms + ms;
        fixture.act(Action::Snapshot(Arc::new(later)));
        assert_eq!(fixture.state.events.page.rows[0].sequence, sequence);
        shown(fixture)
    };
    assert_eq!(pass(&mut fixture, HOLD_MS - 1, 10), Some(9));
    assert_eq!(pass(&mut fixture, HOLD_MS, 11), Some(11));
    assert_eq!(pass(&mut fixture, HOLD_MS + 1, 12), Some(11));
    // What is on display is the event that a command acts on.
    fixture.press("m");
    assert!(fixture.state.events.bookmarks.contains(&11));
}

#[test]
fn an_event_that_a_search_leaves_out_goes_at_once() {
    let mut fixture = Fixture::new(WIDE);
    assert_eq!(shown(&fixture), Some(9));
    fixture.press("/signup\n");
    assert!(fixture.plain().contains("Event 3 ─ newest"));
    fixture.press("\u{1b}");
    assert_eq!(shown(&fixture), Some(3), "it is in the list still");
}

#[test]
fn enter_gives_it_the_focus_tab_changes_the_view_and_z_zooms() {
    let mut fixture = Fixture::new(WIDE);
    fixture.press("/purchase\n↓\n");
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::Inspector)
    );
    // The list stays, and so do the keys of the inspector.
    let screen = fixture.plain();
    assert!(screen.contains("Events ─ "), "{screen}");
    assert!(screen.contains("[story] event request"), "{screen}");
    assert!(screen.contains("Tab view"), "{screen}");
    // The overview has no cursor to make a rule of.
    fixture.press("x");
    assert!(fixture.plain().contains("Tab shows it"));
    fixture.press("\t↓↓");
    insta::assert_snapshot!("detail_event", fixture.plain());
    fixture.press("\t");
    assert!(fixture.plain().contains("story event [request]"));
    fixture.press("\t");
    assert!(fixture.plain().contains("[story] event request"));
    // Zoomed it takes the room of all panes, and Esc returns it to its place, then the focus.
    fixture.press("z");
    let screen = fixture.plain();
    assert!(
        screen.contains("Raw event") && !screen.contains("Violations ─"),
        "{screen}"
    );
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("[story] event request"));
    fixture.press("\t\u{1b}");
    assert_eq!(fixture.state.overlays.top_kind(), None);
    // The next event is shown in the same view.
    fixture.press("\u{1b}↓↓");
    assert_eq!(fixture.state.detail.view, View::Event);
    assert!(fixture.plain().contains("story [event] request"));
}

#[test]
fn the_overview_is_scrolled_to_its_end_and_no_further() {
    let mut fixture = Fixture::new((160, 24));
    fixture.press("/signup\n↓\n");
    fixture.press("G");
    let end = fixture.state.overlays.inspector().unwrap().story;
    assert!(end > 10);
    fixture.press("↓↓");
    assert_eq!(fixture.state.overlays.inspector().unwrap().story, end);
    fixture.press("↑");
    assert_eq!(fixture.state.overlays.inspector().unwrap().story, end - 1);
}

#[test]
fn its_border_is_pulled_and_it_is_hidden() {
    let mut fixture = Fixture::new((200, 60));
    let left = MouseButton::Left;
    fixture.act(mouse(MouseEventKind::Down(left), 137, 20));
    fixture.act(mouse(MouseEventKind::Drag(left), 140, 20));
    assert_eq!(
        fixture.act(mouse(MouseEventKind::Up(left), 140, 20)),
        [Effect::Remember]
    );
    insta::assert_snapshot!("detail_dragged", fixture.plain());
    let percent = fixture.state.layout.detail.percent;
    // With the focus it gets wider by keys; a click gives it the focus, and takes it away.
    fixture.act(mouse(MouseEventKind::Down(left), 180, 20));
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::Inspector)
    );
    assert_eq!(fixture.press(">"), [Effect::Remember]);
    assert!(fixture.state.layout.detail.percent > percent);
    fixture.act(mouse(MouseEventKind::Down(left), 60, 21));
    assert_eq!(fixture.state.overlays.top_kind(), None);
    assert_eq!(shown(&fixture), fixture.state.events.cursor);
    // Hidden, an event opens over the list, as on a narrow screen.
    fixture.press("\n\\");
    assert!(fixture.state.layout.detail.hidden);
    assert!(!fixture.plain().contains("[story]"));
    fixture.press("\n");
    assert!(fixture.plain().contains("Raw event") && !fixture.plain().contains("Events ─"));
    fixture.press("\u{1b}=");
    assert!(fixture.plain().contains("[story]"));
}

#[test]
fn on_a_tall_screen_it_is_below_the_list() {
    let mut fixture = Fixture::new((100, 60));
    fixture.press("/signup\n↓");
    insta::assert_snapshot!("detail_below", fixture.plain());
    // Without the room for both, an event opens over the list.
    for size in [(159, 49), (120, 34), (80, 24)] {
        let mut fixture = Fixture::new(size);
        fixture.press("↓\n");
        assert!(!fixture.plain().contains("Events ─"), "{size:?}");
    }
}

#[test]
fn a_person_a_limit_and_the_dead_letters_have_it_too() {
    let mut fixture = Fixture::new(WIDE);
    fixture.press("/u-0001\n↓p");
    assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Person));
    assert_eq!(shown(&fixture), Some(1));
    insta::assert_snapshot!("detail_person", fixture.plain());
    fixture.press("\n");
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::Inspector)
    );
    assert!(fixture.plain().contains("Person ─"));
    fixture.press("\u{1b}\u{1b}\u{1b}");

    let mut fixture = Fixture::new(WIDE);
    fixture.state.focus = Pane::Violations;
    fixture.press("\n");
    fixture.break_down();
    fixture.turn();
    assert_eq!(shown(&fixture), Some(3));
    insta::assert_snapshot!("detail_limit", fixture.plain());

    let mut fixture = Fixture::new(WIDE);
    fixture.press("l");
    let group = fixture.state.snapshot.dead_letters[0].group.clone();
    let newest = Ok(Some(Box::new(dead_letter(2))));
    fixture.act(Action::NewestDeadLetter(group, newest));
    insta::assert_snapshot!("detail_letters", fixture.plain());
    // One that belongs to another row of the list isn't shown.
    fixture.press("↓");
    assert!(!fixture.plain().contains("Dead letter 2"));
    fixture.press("↑\n");
    let letters = Ok(vec![dead_letter(1), dead_letter(2)]);
    fixture.act(Action::DeadLetters(letters));
    fixture.press("↓");
    assert!(fixture.plain().contains("Dead letter 2"));
}

#[test]
fn a_draft_takes_the_place_of_the_list_and_its_detail() {
    let mut fixture = Fixture::new(WIDE);
    fixture.press("f↓ ");
    assert!(fixture.state.draft.is_some());
    assert!(!fixture.plain().contains("[story]"));
    fixture.press("v");
    assert!(fixture.plain().contains("[story]"));
}
