//! Panes, mouse, and a small screen.

use crate::fixture::{Fixture, snapshot};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sluicegate::delivery::BreakerState;
use sluicegate::filter::Mode;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::frame::layout::Layout;
use sluicegate::tui::frame::popup::Popup;
use std::sync::Arc;

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> Action {
    Action::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    })
}

#[test]
fn panes_are_hidden_and_moved_by_keys_and_by_the_mouse() {
    let mut fixture = Fixture::new((120, 34));
    // The violations go, and the focus with them; the events stay.
    assert_eq!(fixture.press("\t\\"), [Effect::Remember]);
    assert_eq!(fixture.press("\\"), [Effect::Remember]);
    assert_eq!(fixture.state.focus, Pane::Delivery);
    assert_eq!(fixture.press("\\f\\"), [Effect::Remember, Effect::Remember]);
    assert_eq!(fixture.state.focus, Pane::Events);
    assert_eq!(fixture.press("\\"), []);
    insta::assert_snapshot!("all_hidden", fixture.plain());
    assert_eq!(fixture.press("f"), [], "going to the filters shows them");
    assert!(fixture.plain().contains("Rules: "));
    fixture.press("=");
    assert_eq!(fixture.state.layout, Layout::default());
    assert!(fixture.plain().contains("Violations"));
    // Wider and narrower, higher and lower, and never off the screen.
    fixture.press("f>>");
    let before = fixture.plain();
    fixture.press(">>>>>>>>>>>>>>>>>>>>>>>>>>>>----------------");
    let after = fixture.plain();
    assert_ne!(before, after);
    assert!(
        after.contains("Rules: ") && after.contains("Events"),
        "{after}"
    );
    fixture.press("=");
    // The border between filters and events is pulled to the middle, and let go.
    let left = MouseButton::Left;
    fixture.act(mouse(MouseEventKind::Down(left), 33, 12));
    fixture.act(mouse(MouseEventKind::Drag(left), 60, 13));
    let effects = fixture.act(mouse(MouseEventKind::Up(left), 60, 13));
    assert_eq!(effects, [Effect::Remember]);
    assert_eq!(fixture.state.layout.filters_percent, Some(50));
    fixture.act(mouse(MouseEventKind::Down(left), 20, 8));
    fixture.act(mouse(MouseEventKind::Drag(left), 20, 13));
    fixture.act(mouse(MouseEventKind::Up(left), 20, 13));
    assert_eq!(fixture.state.layout.upper_rows, Some(12));
    insta::assert_snapshot!("dragged", fixture.plain());
}

#[test]
fn the_mouse_chooses_opens_scrolls_and_is_handed_to_the_terminal() {
    let mut fixture = Fixture::new((120, 34));
    let press = MouseEventKind::Down(MouseButton::Left);
    // The third event; pressed again it opens.
    fixture.act(mouse(press, 60, 12));
    assert_eq!(fixture.state.events.cursor, Some(7));
    assert_eq!(fixture.act(mouse(press, 60, 12)), [Effect::Inspect(7)]);
    fixture.act(mouse(MouseEventKind::ScrollDown, 100, 15));
    assert_eq!(fixture.state.overlays.inspector().unwrap().line, 3);
    fixture.press("\u{1b}");
    // A type is chosen, then switched; so is a rule.
    fixture.act(mouse(press, 10, 12));
    assert_eq!(fixture.state.draft, None);
    fixture.act(mouse(press, 10, 12));
    assert!(!fixture.state.edited().selects("Product Viewed"));
    fixture.act(mouse(press, 10, 24));
    fixture.act(mouse(press, 10, 24));
    assert!(!fixture.state.edited().rules[0].on);
    fixture.press("\u{1b}");
    // A limit is chosen, then opened.
    fixture.act(mouse(press, 20, 29));
    assert!(fixture.state.overlays.limit().is_none());
    fixture.act(mouse(press, 20, 29));
    assert!(fixture.state.overlays.limit().is_some());
    fixture.press("\u{1b}?");
    fixture.act(mouse(MouseEventKind::ScrollDown, 1, 1));
    assert!(matches!(&fixture.state.popup, Some(Popup::Help(help)) if help.scroll == 1));
    fixture.press("\u{1b}");
    let before = fixture.state.has_mouse;
    assert_eq!(fixture.press("M"), [Effect::Mouse(!before)]);
    // Whatever is pressed wherever breaks nothing.
    for column in 0..125 {
        for row in 0..40 {
            fixture.act(mouse(press, column, row));
            fixture.act(mouse(MouseEventKind::Drag(MouseButton::Left), row, column));
            fixture.act(mouse(MouseEventKind::Up(MouseButton::Left), row, column));
            fixture.press("\u{1b}");
        }
    }
    fixture.plain();
}

#[test]
fn a_small_screen_says_the_most_important() {
    let mut fixture = Fixture::new((40, 10));
    insta::assert_snapshot!("miniature", fixture.plain());
    // A question is read in full, and answered.
    fixture.press("g");
    let screen = fixture.plain();
    assert!(
        screen.contains("y yes") && screen.contains("drop"),
        "{screen}"
    );
    fixture.press("n");
    // Events fill the room that is left, and are found.
    let mut fixture = Fixture::new((60, 22));
    fixture.press("/signup");
    let screen = fixture.plain();
    assert!(screen.contains("1 of 9 match signup"), "{screen}");
    assert!(screen.contains(" /signup "), "{screen}");
    fixture.press("\n");
    insta::assert_snapshot!("miniature_with_events", fixture.plain());
}

#[test]
fn a_small_screen_says_what_is_wrong() {
    let mut fixture = Fixture::new((40, 10));
    let mut down = snapshot(Mode::Open);
    down.delivery.breaker = BreakerState::Open {
        why: "connection refused".to_owned(),
        since_ms: down.at_ms - 60_000,
        probe_ms: down.at_ms + 5_000,
    };
    fixture.act(Action::Snapshot(Arc::new(down)));
    let screen = fixture.plain();
    for says in [
        "OPEN",
        "DOWN, retry in 5.0 s",
        "connection refused",
        "queued 1,204",
    ] {
        assert!(screen.contains(says), "{says:?} is not in\n{screen}");
    }
}

#[test]
fn no_size_is_too_small_to_draw() {
    for columns in [1, 3, 5, 10, 20, 39, 40, 79] {
        for rows in [1, 2, 3, 5, 9, 10, 16, 23] {
            for keys in [
                "", "g", "?", ":", "S", "W", "/x", "q", "X", "H", "r", "l\n", "p", "\n",
            ] {
                let mut fixture = Fixture::new((columns, rows));
                fixture.press(keys);
                fixture.plain();
            }
        }
    }
}

#[test]
fn the_header_keeps_what_is_queued_and_rejected_and_the_footer_the_way_out() {
    let screen = Fixture::new((80, 24)).plain();
    let header = screen.lines().next().unwrap();
    for says in [
        "shop-prod",
        "feed live",
        "OPEN",
        "queued 1,204",
        "⚠ 15",
        "08:00:00Z",
    ] {
        assert!(header.contains(says), "{says:?} is not in {header}");
    }
    for keys in ["\n", "p", "l", "f "] {
        let mut fixture = Fixture::new((80, 24));
        fixture.press(keys);
        let screen = fixture.plain();
        let footer = screen.lines().last().unwrap();
        assert!(footer.contains("Esc "), "{keys:?}: {footer}");
    }
}
