//! The quick lists of events, matches among all events, and the stages of the pipeline.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use sluicegate::tui::action::Action;
use sluicegate::tui::events::list::EventList;
use sluicegate::tui::frame::focus::{OverlayKind, Pane};
use sluicegate::tui::stages::stage::Stage;

use crate::fixture::Fixture;

/// The sequence numbers of the visible events.
fn listed(fixture: &Fixture) -> Vec<u64> {
    let rows = fixture.state.events.page.rows.iter();
    rows.map(|row| row.sequence).collect()
}

#[test]
fn one_key_cycles_the_lists_and_the_title_says_which() {
    let mut fixture = Fixture::new((120, 34));
    for (name, expected) in [
        ("following ─ sent", vec![9, 8, 7, 5, 1]),
        ("following ─ problems", vec![8, 7, 6, 5, 3]),
        ("following ─ filtered out", vec![4, 2]),
        ("following ─ all", vec![9, 8, 7, 6, 5, 4, 3, 2, 1]),
    ] {
        fixture.press("L");
        let screen = fixture.plain();
        assert!(screen.contains(&format!("Events ─ {name} ")), "{screen}");
        assert_eq!(listed(&fixture), expected, "{name}");
    }
    // A search is within the list, and so are jumps.
    fixture.press("LLL/reset\n");
    assert!(fixture.plain().contains("0 of 2 match reset"));
    fixture.press("\u{1b}}");
    assert!(
        fixture
            .plain()
            .contains("no older event in this list (filtered out) failed (Esc shows all events)")
    );
    // Esc first leaves the list.
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.events.list, EventList::All);
}

#[test]
fn a_person_has_all_events_whatever_list_was_shown() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("LL/reset\n↓p");
    assert_eq!(listed(&fixture), [5]);
    assert_eq!(fixture.state.events.list, EventList::All);
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.events.list, EventList::Problems);
}

#[test]
fn matches_are_shown_alone_or_among_all_events() {
    let mut fixture = Fixture::new((120, 34));
    assert_eq!(fixture.press("&"), []);
    assert!(
        fixture
            .plain()
            .contains("no search is active: / starts one")
    );
    fixture.press("/product viewed\n&");
    assert_eq!(listed(&fixture).len(), 9);
    let screen = fixture.plain();
    assert!(screen.contains("all, matches marked"), "{screen}");
    assert_eq!(
        screen.matches('▪').count(),
        2 + 2,
        "on the rows and beside them"
    );
    fixture.press("n");
    assert_eq!(fixture.state.events.cursor, Some(6));
    fixture.press("n");
    assert_eq!(fixture.state.events.cursor, Some(4));
    fixture.press("n");
    assert!(
        fixture
            .plain()
            .contains("no older match of “product viewed”")
    );
    fixture.press("N");
    assert_eq!(fixture.state.events.cursor, Some(6));
    fixture.press("&");
    assert_eq!(listed(&fixture), [6, 4]);
}

#[test]
fn each_stage_leads_to_its_events() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("0");
    for (steps, stage, expected) in [
        (2, Stage::ByType, vec![2]),
        (3, Stage::ByRules, vec![4]),
        (4, Stage::ByRule("internal".into()), vec![4]),
        (6, Stage::Rejected, vec![6, 3]),
        (13, Stage::Delivered, vec![5, 1]),
        (14, Stage::Retrying, vec![7]),
    ] {
        let mut fixture = Fixture::new((120, 34));
        fixture.press("0");
        fixture.press(&"↓".repeat(steps));
        assert_eq!(fixture.state.overlays.stages().unwrap().stage, stage);
        fixture.press("\n");
        assert_eq!(listed(&fixture), expected, "{stage:?}");
        assert_eq!(fixture.state.focus, Pane::Events);
        let title = format!("Events ─ following ─ {}", stage.description());
        assert!(fixture.plain().contains(&title));
    }
    // The last one has a view of its own.
    fixture.press("↓↓↓↓↓↓↓↓↓↓↓↓↓↓↓↓↓↓\n");
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::DeadLetters)
    );
    fixture.press("\u{1b}");
    assert!(
        fixture.state.overlays.stages().is_some(),
        "it is below them"
    );
    fixture.press("0");
    assert!(fixture.state.overlays.is_empty());
}

#[test]
fn the_strip_is_on_every_wide_screen_and_leads_to_a_stage() {
    for (size, keys, is_there) in [
        ((120, 34), "", true),
        ((119, 34), "", false),
        ((160, 45), "z", true),
        ((120, 24), "l", true),
        ((200, 60), "", true),
    ] {
        let mut fixture = Fixture::new(size);
        fixture.press(keys);
        let screen = fixture.plain();
        let strip = screen.contains("1,204/s → filtered ");
        assert_eq!(strip, is_there, "{size:?}\n{screen}");
    }
    let mut fixture = Fixture::new((120, 34));
    let screen = fixture.plain();
    let row = screen.lines().nth(1).unwrap().trim_matches('"');
    let column = row.chars().take_while(|c| *c != 'q').count() as u16;
    fixture.act(Action::Mouse(MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column,
        row: 1,
        modifiers: KeyModifiers::NONE,
    }));
    assert_eq!(
        fixture.state.overlays.stages().unwrap().stage,
        Stage::Queued
    );
}
