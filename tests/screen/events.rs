//! Events: found, gone to, followed, inspected, copied.

use crate::fixture::{Fixture, dead_letter, judged, snapshot};
use sluicegate::filter::Mode;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::events::export::Events;
use sluicegate::tui::events::find::Find;
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::person::query::Identity;
use sluicegate::tui::properties::query::Properties;
use std::sync::Arc;

#[test]
fn events_are_jumped_to_bookmarked_and_exported() {
    let mut fixture = Fixture::new((120, 34));
    // 8 can't be delivered, 7 waits; the newest of them first.
    fixture.press("}");
    assert_eq!(fixture.state.events.cursor, Some(8));
    fixture.press("m}");
    assert_eq!(fixture.state.events.cursor, Some(7));
    fixture.press("}");
    assert!(
        fixture
            .plain()
            .contains("no older event in the ring failed")
    );
    fixture.press("{");
    assert_eq!(fixture.state.events.cursor, Some(8));
    // Those that break a limit; the inspector goes along.
    fixture.press("\n]");
    assert_eq!(fixture.state.overlays.inspector().unwrap().sequence, 6);
    fixture.press("m\u{1b}");
    insta::assert_snapshot!("bookmarks", fixture.plain());
    fixture.press("'");
    assert_eq!(fixture.state.events.cursor, Some(8), "it goes round");
    fixture.press("'");
    assert_eq!(fixture.state.events.cursor, Some(6));
    // All were received at 08:00:00.
    fixture.press("@7:59\n");
    let screen = fixture.plain();
    assert!(
        screen.contains("the ring holds no event from 07:59:00"),
        "{screen}"
    );
    fixture.press("@yesterday\n");
    assert!(fixture.plain().contains("such as 14:02:31 (UTC)"));
    fixture.press("⌫⌫⌫⌫⌫⌫⌫⌫⌫08:00\n");
    assert_eq!(fixture.state.events.cursor, Some(9));
    assert!(fixture.plain().contains("events up to 08:00:00, 0 ms ago"));
    let marked = Events::Bookmarked([6, 8].into());
    assert_eq!(fixture.press("Xm"), [Effect::ExportEvents(marked)]);
    assert_eq!(fixture.press("Xe"), [Effect::ExportEvents(Events::One(9))]);
    assert_eq!(
        fixture.press("Xo"),
        [Effect::ExportEvents(Events::FilteredOut)]
    );
    assert_eq!(fixture.press("Xf"), []);
    assert!(fixture.plain().contains("no search is active"));
    fixture.press("/~u-000[12]\"\n");
    let found = Events::Found(Find::parse("~u-000[12]\"").unwrap());
    assert_eq!(fixture.press("Xf"), [Effect::ExportEvents(found)]);
    assert_eq!(fixture.state.events.page.matched, 2);
    fixture.press("X");
    assert!(fixture.plain().contains("the events with a bookmark"));
}

#[test]
fn freezing_holds_the_display_and_never_what_is_behind_it() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press(" ");
    let mut later = snapshot(Mode::Open);
    later.rates.received = 9_999.0;
    fixture.act(Action::Snapshot(Arc::new(later)));
    let screen = fixture.plain();
    assert!(
        screen.contains("FROZEN") && screen.contains("1,204/s") && !screen.contains("9,999/s"),
        "{screen}"
    );
    assert!(
        screen.contains("PANES FROZEN 08:00:00") && screen.contains("live 08:00:00Z"),
        "{screen}"
    );
    assert!(screen.contains("the top line, alerts and dead letters stay live"));
    // Neither outcomes nor new events change what is shown.
    let delivered = sluicegate::protocol::Outcome::Delivered { took_ms: 1 };
    fixture
        .ring
        .lock()
        .update(9, |story| story.outcome = delivered);
    let mut newer = fixture.ring.lock().get(9).unwrap().clone();
    newer.sequence = 10;
    fixture.ring.lock().extend([newer]);
    fixture.turn();
    assert!(
        fixture.plain().contains("on its way"),
        "{}",
        fixture.plain()
    );
    assert!(fixture.plain().contains("9 in the ring"));
    fixture.press("↓↑↑↑");
    assert_eq!(
        fixture.state.events.cursor,
        Some(9),
        "it ends where it was frozen"
    );
    fixture.press("/checkout");
    assert_eq!(fixture.state.events.page.matched, 1);
    fixture.press("\u{1b} ");
    assert!(
        !fixture.plain().contains("on its way"),
        "{}",
        fixture.plain()
    );
    assert!(fixture.plain().contains("10 in the ring"));
    assert!(fixture.plain().contains("9,999/s"));
}

#[test]
fn the_cursor_walks_through_the_events_and_back_to_following() {
    let mut fixture = Fixture::new((80, 24));
    fixture.press("↓↓");
    assert_eq!(
        (fixture.state.events.following, fixture.state.events.cursor),
        (false, Some(8))
    );
    let effects = fixture.press("\n");
    assert_eq!(effects, [Effect::Inspect(8)]);
    assert_eq!(
        fixture.press("n"),
        [Effect::Inspect(7)],
        "n goes to the next older one"
    );
    fixture.press("\u{1b}\u{1b}");
    assert!(fixture.state.events.following && fixture.state.events.cursor.is_none());
}

#[test]
fn a_find_narrows_as_it_is_typed_and_escape_clears_it() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/product viewed");
    assert_eq!(fixture.state.events.page.matched, 2);
    fixture.press("\n");
    assert_eq!(fixture.state.focus, Pane::Events);
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.events.page.matched, 9);
}

#[test]
fn an_event_and_a_dead_letter_are_copied_in_every_form() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/purchase\n↓\ny");
    insta::assert_snapshot!("copy", fixture.plain());
    let copied = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Copy(_, text)] => text.clone(),
        other => panic!("nothing is copied: {other:?}"),
    };
    assert!(copied(fixture.press("e")).starts_with("{\"event_type\":\"Purchase Completed\""));
    let curl = copied(fixture.press("yc"));
    assert!(
        curl.starts_with("curl -X POST 'https://track.customer.io/api/v2/batch'"),
        "{curl}"
    );
    assert!(copied(fixture.press("yt")).starts_with("**`Purchase Completed`**, event 1\n"));
    assert_eq!(copied(fixture.press("yp")), "u-0001");
    assert_eq!(fixture.press("y\u{1b}"), []);
    // What names no person is sent nowhere.
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/!has_user\n↓\n");
    assert_eq!(fixture.press("yc"), []);
    assert!(fixture.plain().contains("it can't be sent"));
    fixture.press("\u{1b}l\n");
    fixture.act(Action::DeadLetters(Ok(vec![dead_letter(18)])));
    assert!(copied(fixture.press("yt")).contains("dead letter 18"));
    assert_eq!(fixture.press("ye"), []);
    assert!(fixture.plain().contains("holds the request"));
}

#[test]
fn a_person_is_followed_from_an_event_and_from_a_dead_letter() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/reset\n↓");
    assert_eq!(fixture.press("p"), [Effect::Who(5)]);
    insta::assert_snapshot!("person", fixture.plain());
    assert_eq!(fixture.press("↓\n"), [Effect::Inspect(5)]);
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("Person ─ user_id u-0005"));
    // Out of it, what was looked for before is looked for again.
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.events.find.as_ref().unwrap().text, "reset");
    // From an inspected event, and from a letter.
    fixture.press("\u{1b}\n");
    assert!(matches!(fixture.press("p").as_slice(), [Effect::Who(_)]));
    fixture.press("\u{1b}l\n");
    fixture.act(Action::DeadLetters(Ok(vec![dead_letter(18)])));
    assert_eq!(fixture.press("p"), []);
    let person = fixture.state.overlays.person().unwrap();
    assert_eq!(person.identity, Identity::User(dead_letter(18).person()));
    // An event of a device alone is of the device.
    let mut fixture = Fixture::new((80, 24));
    fixture.press("/!has_user\n↓p");
    insta::assert_snapshot!("person_of_a_device", fixture.plain());
}

#[test]
fn a_violation_leads_to_its_last_event_with_the_path_marked() {
    let mut fixture = Fixture::new((120, 34));
    assert_eq!(fixture.press("\t\n"), []);
    let code = fixture.state.overlays.limit().unwrap().code;
    fixture.break_down();
    let breaking = Events::Breaking(code);
    assert_eq!(fixture.press("X"), [Effect::ExportEvents(breaking)]);
    assert_eq!(fixture.press("\n"), [Effect::Inspect(3)]);
    let screen = fixture.plain();
    let marked = screen
        .lines()
        .find(|line| line.contains("user_id: \"xx"))
        .unwrap();
    assert!(marked.contains('!'), "{marked}");
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("id_too_long ─ 1 violation"));
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("Rules: "));
}

#[test]
fn the_properties_of_a_type_are_told_with_what_has_changed() {
    let mut fixture = Fixture::new((120, 34));
    // From now on the total is a text, and there is a coupon.
    let event = |n: u64| {
        let total = if n > 60 { r#""12.50 EUR""# } else { "12.5" };
        let coupon = if n > 80 { r#","coupon":"SPRING""# } else { "" };
        format!(
            r#"{{"event_type":"Purchase Completed","user_id":"u-{n}","insert_id":"p{n}","time":1799999999500,"event_properties":{{"total":{total}{coupon}}},"user_properties":{{"email":"ann@example.com"}}}}"#
        )
    };
    let judged = judged((10..=100).map(event));
    let judged = judged.into_iter().zip(10..).map(|(mut record, sequence)| {
        record.sequence = sequence;
        record
    });
    fixture.ring.lock().extend(judged);
    fixture.turn();
    fixture.press("f↓↓↓E");
    let event_type = fixture
        .state
        .overlays
        .properties()
        .unwrap()
        .event_type
        .clone();
    assert_eq!(&*event_type, "Purchase Completed");
    let found = Box::new(Properties::of(&event_type, &fixture.ring));
    fixture.act(Action::Properties(event_type, found));
    fixture.press("↓↓↓");
    insta::assert_snapshot!("properties", fixture.plain());
    fixture.press("P");
    assert!(!fixture.plain().contains("ann@"));
    fixture.press("↑");
    assert!(!fixture.plain().contains("ann@"));
    fixture.press("\n");
    let find = fixture.state.events.find.as_ref().unwrap();
    assert!(
        find.text
            .starts_with(r#"event_type == "Purchase Completed" && event_properties"#)
    );
    assert_eq!(fixture.state.events.page.matched, 92);
    fixture.press("E\u{1b}");
    assert!(fixture.state.overlays.properties().is_none());
}

#[test]
fn a_malformed_frame_is_wrapped_and_its_fault_is_marked() {
    let mut fixture = Fixture::new((120, 34));
    let long = "x".repeat(300);
    let frame = format!(r#"{{"event_type":"Signup","note":"{long}" "user_id":"u-1"}}"#);
    let fault = frame.find(" \"user_id").unwrap() + 1;
    let mut found = None;
    let text = frame.clone().into();
    sluicegate::amplitude::frame::decode(&text, crate::fixture::NOW, "message_id", |one| {
        found = one.err();
    });
    let malformed = found.unwrap();
    assert_eq!(malformed.at_byte, fault);
    let mut record = fixture.ring.lock().get(9).unwrap().clone();
    record.sequence = 10;
    record.content = sluicegate::protocol::Content::Malformed { malformed, text };
    record.story.decision = None;
    record.story.outcome = sluicegate::protocol::Outcome::NotSent;
    fixture.ring.lock().extend([record]);
    fixture.turn();
    fixture.press("↓\n");
    let screen = fixture.plain();
    insta::assert_snapshot!("malformed", screen);
    // The caret is below the first character of what does not belong there.
    let rows: Vec<&str> = screen.lines().collect();
    let caret = rows
        .iter()
        .position(|row| row.trim_end_matches(['│', '"', ' ']).ends_with('^'));
    let caret = caret.unwrap_or_else(|| panic!("no caret in\n{screen}"));
    let column = rows[caret].chars().position(|c| c == '^').unwrap();
    let marked: String = rows[caret - 1].chars().skip(column).take(8).collect();
    assert_eq!(marked, "\"user_id");
    fixture.press("P");
    assert!(!fixture.plain().contains("u-1"), "{}", fixture.plain());
}

#[test]
fn a_frozen_screen_still_shows_the_gate_and_the_destination() {
    for size in [(80, 24), (120, 34)] {
        let mut fixture = Fixture::new(size);
        fixture.press(" ");
        let mut down = snapshot(Mode::Open);
        down.delivery.breaker = sluicegate::delivery::BreakerState::Open {
            why: "503".to_owned(),
            since_ms: crate::fixture::NOW,
            probe_ms: crate::fixture::NOW + 4_000,
        };
        fixture.act(Action::Snapshot(Arc::new(down)));
        let screen = fixture.plain();
        let header = screen.lines().next().unwrap();
        for part in ["FROZEN", "▲ OPEN", "DOWN, retry in 4.0 s", "08:00:00Z"] {
            assert!(header.contains(part), "{part} is not in {header}");
        }
    }
}
