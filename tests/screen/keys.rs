//! Keys do what the screen says they do, and messages leave prompts and hints alone.

use std::sync::Arc;

use crate::fixture::{Fixture, NOW, judged, snapshot};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sluicegate::delivery::BreakerState;
use sluicegate::filter::Mode;
use sluicegate::protocol::Command;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::frame::focus::Pane;

/// A screen with 200 events, the newest with number 200.
fn long() -> Fixture {
    let mut fixture = Fixture::new((120, 34));
    let event = |n: u64| {
        let name = if n.is_multiple_of(2) { "Even" } else { "Odd" };
        format!(
            r#"{{"event_type":"{name}","user_id":"u-{n}","insert_id":"k{n}","time":1799999999500}}"#
        )
    };
    let more = judged((10..=200).map(event)).into_iter().zip(10..);
    fixture
        .ring
        .lock()
        .extend(more.map(|(mut record, sequence)| {
            record.sequence = sequence;
            record
        }));
    fixture.turn();
    fixture
}

fn press_code(fixture: &mut Fixture, code: KeyCode) {
    fixture.act(Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

/// The footer, and the row above it.
fn last_rows(fixture: &Fixture) -> [String; 2] {
    let screen = fixture.plain();
    let mut rows = screen.lines().rev().map(str::to_owned);
    [rows.next().unwrap(), rows.next().unwrap()]
}

#[test]
fn the_end_and_a_page_go_where_they_say_the_first_time() {
    for find in ["", "/Odd\n"] {
        let mut fixture = long();
        fixture.press(find);
        let newest = fixture.state.events.page.rows[0].sequence;
        fixture.press("G");
        let events = &fixture.state.events;
        let oldest = events.page.rows.last().unwrap();
        assert_eq!(events.cursor, Some(oldest.sequence), "after {find:?}");
        assert_eq!(
            events.page.above + events.page.rows.len() as u64,
            events.page.matched
        );
        // A page at a time, back to the newest.
        press_code(&mut fixture, KeyCode::Home);
        assert!(fixture.state.events.following);
        let rows = fixture.state.events.page.rows.len() as u64;
        press_code(&mut fixture, KeyCode::PageDown);
        let step = if find.is_empty() { 1 } else { 2 };
        let cursor = fixture.state.events.cursor.unwrap();
        assert_eq!(cursor, newest - step * (rows - 1), "after {find:?}");
        press_code(&mut fixture, KeyCode::PageDown);
        assert!(fixture.state.events.cursor_row().is_some());
        assert!(fixture.state.events.cursor.unwrap() < cursor);
    }
    // In the inspector, the next match is inspected even if it is below the visible rows.
    let mut fixture = long();
    fixture.press("/Odd\nG\n");
    let oldest = fixture.state.overlays.inspector().unwrap().sequence;
    assert_eq!(fixture.press("N").len(), 2, "it is found and inspected");
    assert_eq!(
        fixture.state.overlays.inspector().unwrap().sequence,
        oldest + 2
    );
}

#[test]
fn a_message_covers_neither_a_prompt_nor_the_keys() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("m");
    let [footer, above] = last_rows(&fixture);
    assert!(
        footer.contains("? help") && footer.contains("q quit"),
        "{footer}"
    );
    assert!(above.contains("bookmark set: ' returns to it"), "{above}");
    fixture.press("@soon\n");
    let [footer, above] = last_rows(&fixture);
    assert!(footer.contains("go to soon"), "{footer}");
    assert!(above.contains("⚠ write a time such as 14:02:31"), "{above}");
    fixture.press("\u{1b}f A");
    fixture.press("⌫⌫⌫⌫⌫\n");
    let [footer, above] = last_rows(&fixture);
    assert!(footer.contains("apply for "), "{footer}");
    assert!(
        above.contains("⚠ write a duration such as 15min"),
        "{above}"
    );
}

#[test]
fn a_message_ends_with_its_subject() {
    // A message about a place ends when the place is left; a result stays.
    let mut fixture = Fixture::new((120, 34));
    fixture.press("@soon\n");
    assert!(fixture.plain().contains("write a time"));
    fixture.press("\u{1b}");
    assert!(!fixture.plain().contains("write a time"));
    fixture.act(Action::Notice(Ok(
        "12 events written to x.ndjson".to_owned()
    )));
    fixture.press("\t\t");
    assert!(fixture.plain().contains("12 events written"));
    // One about the feed ends when the feed goes down again.
    let with_feed = |is_down: bool| {
        let mut now = snapshot(Mode::Open);
        if is_down {
            now.feed.state = sluicegate::feed::FeedState::Down {
                why: "closed".to_owned(),
                next_ms: NOW,
            };
        }
        Action::Snapshot(Arc::new(now))
    };
    fixture.act(with_feed(true));
    fixture.act(with_feed(false));
    assert!(fixture.plain().contains("the feed is live again"));
    fixture.act(with_feed(true));
    assert!(!fixture.plain().contains("the feed is live again"));
}

#[test]
fn escape_in_another_pane_keeps_the_draft_and_discarding_is_undone() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f ↓ \t\u{1b}\u{1b}");
    let draft = fixture.state.draft.clone().unwrap();
    assert!(
        fixture
            .plain()
            .contains("the draft stays: f goes to it, Esc there discards it")
    );
    fixture.press("f\u{1b}");
    assert!(fixture.state.draft.is_none());
    assert!(
        fixture
            .plain()
            .contains("draft discarded (u brings it back)")
    );
    assert_eq!(fixture.press("u"), []);
    assert_eq!(fixture.state.draft, Some(draft));
    assert!(fixture.plain().contains("[x]*Song Played"));
    // Once something is applied, the draft that was discarded is gone.
    fixture.press("\u{1b}");
    fixture.press("1\n");
    assert!(matches!(
        fixture.press("u").as_slice(),
        [Effect::Pipeline(_)]
    ));
}

#[test]
fn undo_in_a_draft_takes_back_one_step() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f ↓ ↓ ");
    let marks = |fixture: &Fixture| fixture.plain().matches("]*").count();
    assert_eq!(marks(&fixture), 3);
    assert_eq!(fixture.press("u"), []);
    assert_eq!(marks(&fixture), 2);
    assert!(
        fixture
            .plain()
            .contains("Undone in the draft: Product Viewed on")
    );
    fixture.press("u");
    assert_eq!(marks(&fixture), 1);
    fixture.press("U");
    assert_eq!(marks(&fixture), 2);
    fixture.press("uu");
    assert!(fixture.state.draft.is_none());
    assert!(fixture.plain().contains("no draft is left"));
    assert_eq!(fixture.press("U"), []);
    assert_eq!(marks(&fixture), 1);
}

#[test]
fn asking_customer_io_again_is_answered() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("T");
    assert!(fixture.plain().contains("Customer.io is not down"));
    let down = |requests: u64, probe_ms: i64| {
        let mut now = snapshot(Mode::Open);
        now.totals.requests = requests;
        now.delivery.breaker = BreakerState::Open {
            why: "503 Service Unavailable".to_owned(),
            since_ms: NOW - 60_000,
            probe_ms,
        };
        Action::Snapshot(Arc::new(now))
    };
    fixture.act(down(7, NOW + 20_000));
    assert_eq!(fixture.press("T"), [Effect::Pipeline(Command::Resume)]);
    assert!(fixture.plain().contains("asking Customer.io now…"));
    // On its way, and answered.
    fixture.act(down(7, NOW));
    assert!(fixture.plain().contains("asking Customer.io now…"));
    fixture.act(down(8, NOW + 30_000));
    let screen = fixture.plain();
    let answer = "still down: 503 Service Unavailable; next try in 30.0 s";
    assert!(screen.contains(answer), "{screen}");
    fixture.press("T");
    fixture.act(Action::Snapshot(Arc::new(snapshot(Mode::Open))));
    let answer = "Customer.io answers again: sending 1,204 queued items";
    assert!(fixture.plain().contains(answer), "{}", fixture.plain());
}

#[test]
fn with_a_draft_enter_opens_an_event_that_is_seen() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f \t");
    assert_eq!(fixture.state.focus, Pane::Events);
    assert!(fixture.plain().contains("would pass now"));
    assert_eq!(fixture.press("\n"), [], "no event is seen yet");
    let screen = fixture.plain();
    assert!(
        screen.contains("events as the draft would decide them"),
        "{screen}"
    );
    assert!(screen.contains("would pass; now"), "{screen}");
    assert_eq!(fixture.press("↓↓\n"), [Effect::Inspect(8)]);
}

#[test]
fn a_command_of_the_palette_that_cannot_act_says_why_before_it_is_chosen() {
    let mut fixture = Fixture::new((120, 34));
    for (letters, why) in [
        ("apply", "not now: no draft: change a filter first"),
        ("undo", "not now: nothing to undo"),
        ("next-bookmark", "not now: no bookmark yet: m sets one"),
        ("fold", "not now: on an open event: Enter opens one"),
        ("retry-reason", "not now: in the dead letters: l lists them"),
    ] {
        fixture.press(":");
        fixture.press(letters);
        let screen = fixture.plain();
        assert!(screen.contains(why), "{why} is not in\n{screen}");
        assert_eq!(fixture.press("\n"), []);
    }
    // Where it can act, its help is back.
    fixture.press("f :undo");
    assert!(!fixture.plain().contains("nothing to undo"));
}
