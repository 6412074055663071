//! The screen without a terminal: what keys do, and what every pane looks like.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod fixture;
mod looks;
mod palette;
mod relay;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sluicegate::amplitude::frame;
use sluicegate::amplitude::time::UnixMs;
use sluicegate::config::Settings;
use sluicegate::delivery::spool::dead_letters::DeadLetterSelection;
use sluicegate::delivery::{BreakerState as Breaker, DeliveryStatus};
use sluicegate::feed::FeedState;
use sluicegate::filter::gate::Switch;
use sluicegate::filter::{Effect as RuleEffect, Filters, Gate, Mode};
use sluicegate::limits::Policy;
use sluicegate::pipeline::{Judge, Terms};
use sluicegate::protocol::series::{Line, Series};
use sluicegate::protocol::{Command, LimitRow, Record, Snapshot, TypeRow};
use sluicegate::telemetry::ring::SharedRing;
use sluicegate::tui::action::{Action, Effect, Reread};
use sluicegate::tui::events::export::Events;
use sluicegate::tui::events::find::Find;
use sluicegate::tui::events::finder::Finder;
use sluicegate::tui::events::seek::Seek;
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::frame::layout::Layout;
use sluicegate::tui::frame::popup::Popup;
use sluicegate::tui::person::query::Identity;
use sluicegate::tui::properties::query::Properties;
use sluicegate::tui::view;
use sluicegate::tui::watches::query::Rounds;
use sluicegate::tui::widget::theme::Theme;

use fixture::{Fixture, NOW, filters, judged, letter, letters, snapshot};

fn filters_sent(effects: &[Effect]) -> Filters {
    match effects.last() {
        Some(Effect::Pipeline(Command::SetFilters(filters))) => filters.clone(),
        other => panic!("no filters are sent: {other:?}"),
    }
}

#[test]
fn presets_are_kept_compared_and_switched_to_by_way_of_a_draft() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("Ss");
    let kept = fixture.press("usual\n");
    let in_force = fixture.state.filters.clone();
    let name = "usual".to_owned();
    assert_eq!(kept, [Effect::SavePreset(name, Some(in_force.clone()))]);
    fixture.press("\u{1b}");
    // Another one is kept from a draft, which stays one.
    fixture.press("f2oSs");
    let effects = fixture.press("launch day\n");
    let launch = fixture.state.draft.as_ref().unwrap().filters.clone();
    assert!(launch.rules[1].on);
    let saves = Effect::SavePreset("launch day".to_owned(), Some(launch.clone()));
    assert_eq!(effects, [saves]);
    fixture.press("\u{1b}\u{1b}");
    assert_eq!(fixture.state.draft, None);
    fixture.press("S");
    insta::assert_snapshot!("presets", fixture.plain());
    fixture.press("↓ ↑");
    let screen = fixture.plain();
    assert!(screen.contains("From “usual” to “launch day”"), "{screen}");
    let effects = fixture.press("\n");
    assert_eq!(effects, []);
    assert_eq!(fixture.state.edited(), &launch);
    assert_eq!(fixture.state.filters, in_force, "a preset is only drafted");
    let effects = fixture.press("\n");
    assert_eq!(effects, [Effect::Pipeline(Command::SetFilters(launch))]);
    // Deleting asks, and any key but y is a no.
    fixture.press("SDn");
    assert_eq!(fixture.state.presets.len(), 2);
    let gone = fixture.press("Dy");
    assert_eq!(gone, [Effect::SavePreset("launch day".to_owned(), None)]);
    assert_eq!(fixture.state.presets.len(), 1);
    // Where the file is read again, its presets are those.
    fixture.act(Action::Reloaded(Ok((
        Reread::default(),
        Filters::default(),
    ))));
    assert!(fixture.state.presets.is_empty());
    assert!(fixture.plain().contains("none yet: s keeps the filters"));
}

#[test]
fn events_are_gone_to_marked_and_written_to_a_file() {
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
    assert_eq!(fixture.state.inspector.as_ref().unwrap().sequence, 6);
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
    assert!(fixture.plain().contains("write 14:02:31 (UTC)"));
    fixture.press("⌫⌫⌫⌫⌫⌫⌫⌫⌫08:00\n");
    assert_eq!(fixture.state.events.cursor, Some(9));
    assert!(
        fixture
            .plain()
            .contains("the events until 08:00:00, 0 ms ago")
    );
    let marked = Events::Bookmarked([6, 8].into());
    assert_eq!(fixture.press("Xm"), [Effect::ExportEvents(marked)]);
    assert_eq!(fixture.press("Xe"), [Effect::ExportEvents(Events::One(9))]);
    assert_eq!(
        fixture.press("Xh"),
        [Effect::ExportEvents(Events::HeldBack)]
    );
    assert_eq!(fixture.press("Xf"), []);
    assert!(fixture.plain().contains("nothing is looked for"));
    fixture.press("/~u-000[12]\"\n");
    let found = Events::Found(Find::parse("~u-000[12]\"").unwrap());
    assert_eq!(fixture.press("Xf"), [Effect::ExportEvents(found)]);
    assert_eq!(fixture.state.events.page.matched, 2);
    fixture.press("X");
    assert!(fixture.plain().contains("the events with a bookmark"));
}

/// What the watches have seen in the ring by now.
fn watched(fixture: &mut Fixture, now: UnixMs) -> Vec<Effect> {
    let mut rounds = Rounds::default();
    rounds.go(&fixture.state.watches, &fixture.ring, now);
    fixture.act(Action::Watched(rounds.seen()))
}

#[test]
fn a_condition_is_watched_and_tells_when_it_is_met_too_often() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("W");
    let screen = fixture.plain();
    assert!(
        screen.contains("a condition, such as event_properties.total"),
        "{screen}"
    );
    fixture.press("has_usr\n");
    assert!(fixture.plain().contains("did you mean has_user?"));
    assert_eq!(fixture.press("⌫er\tmuch\n"), []);
    assert!(
        fixture
            .plain()
            .contains("a number of events a second, or none")
    );
    assert_eq!(fixture.press("⌫⌫⌫⌫0.5\n"), [Effect::Remember]);
    assert_eq!(watched(&mut fixture, NOW), [], "the second is not over yet");
    // Of nine events eight name a user, all in one second.
    let told = watched(&mut fixture, NOW + 1_000);
    let says = "shop-prod: 8.0 a second meet has_user".to_owned();
    let title = "watch: sluicegate shop-prod".to_owned();
    assert_eq!(told, [Effect::Notify(says), Effect::Title(title)]);
    assert_eq!(watched(&mut fixture, NOW + 1_000), [], "it is told once");
    insta::assert_snapshot!("watches", fixture.plain());
    fixture.press("\u{1b}");
    insta::assert_snapshot!("watch_alert", fixture.plain());
    // Half an event a second, over ten of them, is not over the threshold.
    watched(&mut fixture, NOW + 60_000);
    assert_eq!(fixture.state.alert, None);
    // Enter finds what meets it, e changes it, D drops it.
    fixture.press("W\n");
    assert_eq!(fixture.state.events.find.as_ref().unwrap().text, "has_user");
    assert_eq!(fixture.state.events.page.matched, 8);
    fixture.press("We\t⌫⌫⌫\n");
    assert_eq!(fixture.state.watches[0].above, None);
    assert_eq!(fixture.press("D"), [Effect::Remember]);
    assert!(fixture.state.watches.is_empty());
    // What is looked for is what is offered.
    fixture.press("\u{1b}\u{1b}/user_id == \"u-0001\"\nW");
    assert_eq!(fixture.press("\n"), [Effect::Remember]);
    assert_eq!(fixture.state.watches[0].when, "user_id == \"u-0001\"");
}

#[test]
fn limits_that_reject_much_are_an_alert() {
    let mut fixture = Fixture::new((120, 34));
    fixture.state.rejected_alert_percent = 5.0;
    let mut now = snapshot(Mode::Open);
    let mut series = Series::default();
    for second in 0..30 {
        series.add(Line::Accepted, 9, NOW + second * 1_000);
        series.add(Line::Rejected, 1, NOW + second * 1_000);
    }
    now.series = Arc::new(series);
    fixture.act(Action::Snapshot(Arc::new(now)));
    let screen = fixture.plain();
    let says = "limits reject 10 % of what the filters let on, most by id_too_long";
    assert!(
        screen.contains(says) && screen.contains("] goes to one"),
        "{screen}"
    );
    fixture.state.rejected_alert_percent = 0.0;
    fixture.act(Action::Snapshot(Arc::new(snapshot(Mode::Open))));
    assert_eq!(fixture.state.alert, None);
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
    assert!(fixture.plain().contains("Send events"));
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
        after.contains("Send events") && after.contains("Events"),
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
    fixture.act(mouse(MouseEventKind::Down(left), 20, 7));
    fixture.act(mouse(MouseEventKind::Drag(left), 20, 12));
    fixture.act(mouse(MouseEventKind::Up(left), 20, 12));
    assert_eq!(fixture.state.layout.upper_rows, Some(12));
    insta::assert_snapshot!("dragged", fixture.plain());
}

#[test]
fn the_mouse_chooses_opens_scrolls_and_is_handed_to_the_terminal() {
    let mut fixture = Fixture::new((120, 34));
    let press = MouseEventKind::Down(MouseButton::Left);
    // The third event; pressed again it opens.
    fixture.act(mouse(press, 60, 11));
    assert_eq!(fixture.state.events.cursor, Some(7));
    assert_eq!(fixture.act(mouse(press, 60, 11)), [Effect::Inspect(7)]);
    fixture.act(mouse(MouseEventKind::ScrollDown, 100, 15));
    assert_eq!(fixture.state.inspector.as_ref().unwrap().line, 3);
    fixture.press("\u{1b}");
    // A type is chosen, then switched; so is a rule.
    fixture.act(mouse(press, 10, 11));
    assert_eq!(fixture.state.draft, None);
    fixture.act(mouse(press, 10, 11));
    assert!(!fixture.state.edited().selects("Product Viewed"));
    fixture.act(mouse(press, 10, 24));
    fixture.act(mouse(press, 10, 24));
    assert!(!fixture.state.edited().rules[0].on);
    fixture.press("\u{1b}");
    // A limit is chosen, then opened.
    fixture.act(mouse(press, 20, 29));
    assert!(fixture.state.limit.is_none());
    fixture.act(mouse(press, 20, 29));
    assert!(fixture.state.limit.is_some());
    fixture.press("\u{1b}?");
    fixture.act(mouse(MouseEventKind::ScrollDown, 1, 1));
    assert!(matches!(fixture.state.popup, Some(Popup::Help(1))));
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
fn who_people_are_is_hidden_on_every_pane_and_in_copies() {
    let personal = ["u-00", "staff-7", "d-6", "ann@", "example.com"];
    let mut fixture = Fixture::new((200, 60));
    fixture.press("P");
    let mut look = |keys: &str| {
        let mut effects = fixture.press(keys);
        let screen = fixture.plain();
        for part in personal {
            assert!(!screen.contains(part), "{part} after {keys}:\n{screen}");
        }
        effects.retain(|effect| matches!(effect, Effect::Copy(..)));
        effects
    };
    look("");
    look("/recipient\n↓\n");
    for choice in ["ye", "ym", "yc", "yt", "yp"] {
        let copied = look(choice);
        let [Effect::Copy(_, text)] = &copied[..] else {
            panic!("{choice} copies nothing")
        };
        for part in personal {
            assert!(!text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("id•"), "{text}");
    }
    look("\t");
    look("p");
    look("\u{1b}\u{1b}\u{1b}/user_id == \"u-0001\"\n↓\n");
    look("x");
    look("\u{1b}");
    look("ruser_id == ");
    look("\u{1b}");
    look("\u{1b}\u{1b}\u{1b}f↓↓↓↓↓e");
    look("\u{1b}l");
    look("\n");
    fixture.act(Action::Letters(Ok(vec![letter(1), letter(2)])));
    fixture.press("\n");
    let screen = fixture.plain();
    assert!(
        screen.contains("id•") && !screen.contains("u-00"),
        "{screen}"
    );
    // The same person looks the same; without it all is as it was.
    fixture.press("\u{1b}\u{1b}\u{1b}\u{1b}\u{1b}");
    insta::assert_snapshot!("privacy", fixture.plain());
    fixture.press("P");
    assert!(fixture.plain().contains("u-0009"));
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
        .properties
        .as_ref()
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
    assert!(fixture.state.properties.is_none());
}

#[test]
fn the_course_has_a_cursor_and_tells_what_happened_when() {
    let mut fixture = Fixture::new((120, 34));
    let series = snapshot(Mode::Open).series;
    let mut at = |seconds_ago: i64, change: &dyn Fn(&mut Snapshot)| {
        let mut then = snapshot(Mode::Open);
        then.at_ms = NOW - seconds_ago * 1_000;
        then.series = series.clone();
        change(&mut then);
        fixture.act(Action::Snapshot(Arc::new(then)));
    };
    at(20, &|then| then.mode = Some(Mode::Shut));
    at(15, &|_| {});
    at(10, &|then| then.filters = Arc::default());
    at(0, &|then| then.filters = Arc::default());
    let happened: Vec<&str> = fixture
        .state
        .annotations
        .iter()
        .map(|a| a.what.says())
        .collect();
    assert_eq!(happened, ["gate shut", "gate opened", "filters changed"]);
    insta::assert_snapshot!("annotations", fixture.plain());
    fixture.state.focus = Pane::Throughput;
    fixture.press("hhhhhhhhhh");
    insta::assert_snapshot!("moment", fixture.plain());
    let effects = fixture.press("\n");
    assert!(
        matches!(effects[..], [Effect::Seek(Seek::Time(_), None)]),
        "{effects:?}"
    );
    // Esc takes the cursor away; Enter without one says what to do.
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.moment_ms, None);
    fixture.state.focus = Pane::Throughput;
    assert_eq!(fixture.press("\n"), []);
    assert!(fixture.plain().contains("choose a time first"));
    for key in [KeyCode::Left, KeyCode::Right] {
        for _ in 0..200 {
            fixture.act(Action::Key(KeyEvent::new(key, KeyModifiers::NONE)));
        }
        assert!(fixture.state.moment_ms.is_some());
        fixture.plain();
    }
}

#[test]
fn a_note_is_written_with_its_rule_and_told_under_the_cursor() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f↓↓↓↓↓e\t\t");
    fixture.press(" of Berlin");
    fixture.press("\n");
    assert_eq!(
        fixture.state.filters.rules[0].note,
        "our own people of Berlin"
    );
    assert!(fixture.plain().contains("our own people of Berlin"));
}

#[test]
fn a_feed_that_is_down_and_a_delivery_that_is_halted_are_told() {
    let mut fixture = Fixture::new((120, 34));
    let mut down = snapshot(Mode::Open);
    down.feed.state = FeedState::Down {
        why: "connection refused: nothing listens at ws://relay:4080/feed".to_owned(),
        next_ms: NOW + 4_000,
    };
    down.delivery.breaker = Breaker::Refused {
        why: "Customer.io refuses the credentials: 401; check site ID, API key and region"
            .to_owned(),
        since_ms: NOW - 5_000,
    };
    let title = |says: &str| vec![Effect::Title(says.to_owned())];
    let halted = title("DELIVERY HALTED: sluicegate shop-prod");
    assert_eq!(
        fixture.act(Action::Snapshot(Arc::new(down.clone()))),
        halted
    );
    assert_eq!(fixture.act(Action::Snapshot(Arc::new(down.clone()))), []);
    let screen = fixture.plain();
    assert!(
        screen.contains("since 07:59:55 Customer.io refuses"),
        "{screen}"
    );
    assert!(
        screen.contains("feed down: connection refused") && screen.contains("HALTED"),
        "{screen}"
    );
    assert!(
        screen.contains("check site ID, API key") && screen.contains("and region"),
        "{screen}"
    );
    fixture.press("g");
    assert!(matches!(
        fixture.press("y").last(),
        Some(Effect::Pipeline(Command::Resume))
    ));
    down.delivery.breaker = Breaker::Closed;
    let feed_down = title("FEED DOWN: sluicegate shop-prod");
    assert_eq!(fixture.act(Action::Snapshot(Arc::new(down))), feed_down);
    let well = fixture.act(Action::Snapshot(Arc::new(snapshot(Mode::Open))));
    assert_eq!(well, title("sluicegate shop-prod"));
    assert!(!fixture.plain().contains("since"));
}

/// The screen while delivery stands like this.
fn while_standing(change: impl FnOnce(&mut DeliveryStatus)) -> String {
    let mut fixture = Fixture::new((120, 34));
    let mut now = snapshot(Mode::Open);
    change(&mut now.delivery);
    fixture.act(Action::Snapshot(Arc::new(now)));
    fixture.plain()
}

#[test]
fn what_keeps_delivery_from_going_on_is_told_with_what_to_do() {
    let outage = while_standing(|s| {
        s.retrying = 312;
        s.breaker = Breaker::Open {
            why: "503 down for maintenance".to_owned(),
            since_ms: NOW - 125_000,
            probe_ms: NOW + 4_000,
        };
    });
    insta::assert_snapshot!("outage", outage);
    let disk = while_standing(|s| {
        s.spool.fault =
            Some("the disk with the spool /var/spool is full: make room on it".to_owned());
    });
    insta::assert_snapshot!("disk_full", disk);
    for (screen, says) in [
        (
            &outage,
            vec![
                "DOWN, asked again in 4.0 s",
                "down for 2 min: 503",
                "retrying 312",
            ],
        ),
        (
            &disk,
            vec!["feed not read", "SPOOL CAN'T BE WRITTEN", "make room on it"],
        ),
        (
            &while_standing(|s| s.spool.lost = 3),
            vec!["the disk lost 3 accepted items"],
        ),
        (
            &while_standing(|s| s.spool.full = true),
            vec!["SPOOL FULL", "feed not read", "reached its quota"],
        ),
        (
            &while_standing(|s| s.spool.bytes = 850_000_000),
            vec!["spool 85 % full"],
        ),
        (
            &while_standing(|s| s.gate_shut = true),
            vec!["spool 1,204 held", "the gate is not open"],
        ),
        (
            &while_standing(|s| s.throttled_until_ms = Some(NOW + 30_000)),
            vec!["asks for quiet: 429, again in 30.0 s"],
        ),
        (
            &while_standing(|s| s.rate = 12.5),
            vec!["rate limit 12.5 of 100/s"],
        ),
    ] {
        for part in says {
            assert!(screen.contains(part), "{part:?} is not on\n{screen}");
        }
    }
}

#[test]
fn dead_letters_are_listed_opened_read_tried_again_exported_and_discarded() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("l");
    insta::assert_snapshot!("letters", fixture.plain());
    let group = letters("Cart Viewed", 2).group;
    let asked = fixture.press("\n");
    assert_eq!(
        asked,
        [Effect::Letters(DeadLetterSelection::Group(group.clone()))]
    );
    let found = vec![letter(18), letter(17)];
    fixture.act(Action::Letters(Ok(found)));
    fixture.press("↓");
    insta::assert_snapshot!("letters_of_a_row", fixture.plain());
    fixture.press("\n↓↓");
    insta::assert_snapshot!("letter", fixture.plain());
    assert_eq!(
        fixture.press("e"),
        [Effect::ExportLetters(DeadLetterSelection::One(17))]
    );
    let retry = |which| Effect::Pipeline(Command::RetryDeadLetters(which));
    assert_eq!(
        fixture.press("r"),
        [retry(DeadLetterSelection::One(17))],
        "one is tried at once"
    );
    let again = fixture.act(Action::Applied(Ok(
        "1 dead letter will be tried again".to_owned()
    )));
    assert_eq!(
        again,
        [Effect::Letters(DeadLetterSelection::Group(group.clone()))]
    );
    assert!(fixture.plain().contains("will be tried again"));
    fixture.press("D");
    assert!(fixture.plain().contains("gone for good"));
    let discard = Effect::Pipeline(Command::DiscardDeadLetters(DeadLetterSelection::One(17)));
    assert_eq!(fixture.press("y"), [discard]);
    fixture.press("\u{1b}\u{1b}");
    assert!(
        fixture.plain().contains("by reason and type"),
        "{}",
        fixture.plain()
    );
    assert!(fixture.press("r").is_empty());
    assert!(
        fixture
            .plain()
            .contains("2 dead letters go back into the spool")
    );
    assert_eq!(
        fixture.press("y"),
        [retry(DeadLetterSelection::Group(group.clone()))]
    );
    fixture.press("R");
    assert!(fixture.plain().contains("3 dead letters"), "of both types");
    assert_eq!(
        fixture.press("y"),
        [retry(DeadLetterSelection::Reason(group.reason))]
    );
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("Send events"));
    fixture.act(Action::Letters(Err(
        "the dead letters can't be used: no".to_owned()
    )));
    assert!(fixture.plain().contains("can't be used"));
}

#[test]
fn without_dead_letters_the_screen_says_what_they_would_be() {
    let mut fixture = Fixture::new((80, 24));
    let mut none = snapshot(Mode::Open);
    none.dead_letters = Arc::default();
    fixture.act(Action::Snapshot(Arc::new(none)));
    fixture.press("l");
    assert!(fixture.plain().contains("there are none"));
    for keys in ["r", "R", "e", "D", "\n", "↓", " "] {
        assert!(fixture.press(keys).is_empty(), "{keys}");
    }
    fixture.press("q");
    assert!(fixture.plain().contains("Violations"));
}

#[test]
fn the_settings_are_read_again_by_a_key_or_a_signal_and_delivery_tried_by_another() {
    let mut fixture = Fixture::new((120, 34));
    assert_eq!(fixture.act(Action::Hangup), [Effect::Reload]);
    let key = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL);
    assert_eq!(fixture.act(Action::Key(key)), [Effect::Reload]);
    let says = "settings read again: types in force".to_owned();
    let reread = Reread {
        says,
        ..Reread::default()
    };
    fixture.act(Action::Reloaded(Ok((reread, Filters::default()))));
    let screen = fixture.plain();
    assert!(
        screen.contains("types in force") && screen.contains("Rules: 0 of 0"),
        "{screen}"
    );
    fixture.act(Action::Reloaded(Err("nothing is changed: no".to_owned())));
    assert!(fixture.plain().contains("nothing is changed: no"));
    assert_eq!(fixture.press("T"), [Effect::Pipeline(Command::Resume)]);
}

#[test]
fn a_screen_that_is_too_small_says_so() {
    assert!(
        Fixture::new((40, 10))
            .plain()
            .contains("too small: 80×24 needed")
    );
    for size in [(1, 1), (79, 24), (80, 23), (250, 70)] {
        Fixture::new(size).plain();
    }
}

#[test]
fn what_is_edited_is_a_draft_until_it_is_applied_whole() {
    let mut fixture = Fixture::new((120, 34));
    let on = |filters: &Filters| -> Vec<String> {
        let types = filters.types.iter().filter(|(_, s)| **s == Switch::On);
        types.map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(fixture.press("f ↓↓ "), [], "nothing is sent of a draft");
    assert_eq!(fixture.state.filters, filters());
    let screen = fixture.plain();
    assert!(
        screen.contains("Draft ─ 2 changes, not in force"),
        "{screen}"
    );
    assert!(screen.contains("[x]*Song Played") && screen.contains("[ ]*Product Viewed"));
    insta::assert_snapshot!("draft", screen);
    let mut narrow = Fixture::new((80, 24));
    narrow.press("f ↓↓ ");
    insta::assert_snapshot!("draft_80x24", narrow.plain());
    fixture.press("v");
    insta::assert_snapshot!("draft_events", fixture.plain());
    let sent = filters_sent(&fixture.press("\n"));
    assert_eq!(sent.types["Song Played"], Switch::On);
    assert_eq!(sent.types["Product Viewed"], Switch::Off);
    assert!(fixture.state.draft.is_none());
    assert!(
        fixture
            .plain()
            .contains("in force: Product Viewed off, Song Played on")
    );

    let sent = filters_sent(&fixture.press("o\n"));
    assert_eq!(on(&sent), ["Product Viewed"]);
    let sent = filters_sent(&fixture.press("a\n"));
    assert!(sent.types.values().all(|s| *s == Switch::On));
    let sent = filters_sent(&fixture.press("N\n"));
    assert!(on(&sent).is_empty());
    let sent = filters_sent(&fixture.press("an\n"));
    assert_eq!(sent.unseen_types, Switch::Off);
    assert!(sent.selects("Song Played"), "what came by is not new");
}

#[test]
fn a_draft_is_discarded_and_one_that_changes_nothing_closes_itself() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f ");
    assert!(fixture.state.draft.is_some());
    fixture.press(" ");
    assert!(fixture.state.draft.is_none(), "it is as it was");
    fixture.press(" \u{1b}");
    assert!(fixture.state.draft.is_none());
    assert!(fixture.plain().contains("the draft is discarded"));
    assert_eq!(fixture.press("u"), [], "there is nothing to take back");
    // Saving is of what is in force.
    fixture.press(" ");
    assert_eq!(fixture.press("s"), []);
    assert!(fixture.plain().contains("the draft is not in force"));
    // Undo takes back what was done last: the draft.
    assert_eq!(fixture.press("u"), []);
    assert!(fixture.state.draft.is_none());
}

#[test]
fn changes_are_undone_redone_and_told() {
    let mut fixture = Fixture::new((120, 34));
    let one = filters_sent(&fixture.press("f \n"));
    let two = filters_sent(&fixture.press("1\n"));
    assert!(one.rules[0].on && !two.rules[0].on);
    assert_eq!(filters_sent(&fixture.press("u")), one);
    assert_eq!(filters_sent(&fixture.press("u")), filters());
    assert_eq!(fixture.press("u"), []);
    assert_eq!(filters_sent(&fixture.press("U")), one);
    assert_eq!(fixture.press("H"), []);
    insta::assert_snapshot!("history", fixture.plain());
    match fixture.press("s").as_slice() {
        [Effect::ExportHistory(ndjson)] => assert_eq!(ndjson.lines().count(), 5),
        other => panic!("the log is not written: {other:?}"),
    }
    // What the configuration file brought can be taken back too.
    fixture.press("\u{1b}");
    let reread = Reread {
        says: "read".to_owned(),
        ..Reread::default()
    };
    fixture.act(Action::Reloaded(Ok((reread, two))));
    assert_eq!(filters_sent(&fixture.press("u")), one);
}

#[test]
fn a_change_is_in_force_for_a_time_and_then_taken_back() {
    let mut fixture = Fixture::new((120, 34));
    let later = |ms| {
        let mut later = snapshot(Mode::Open);
        later.at_ms = NOW + ms;
        Action::Snapshot(Arc::new(later))
    };
    fixture.press("f A");
    assert!(
        fixture.plain().contains("in force for 15min"),
        "{}",
        fixture.plain()
    );
    fixture.press("⌫⌫⌫⌫⌫no");
    assert_eq!(fixture.press("\n"), [], "that is no time");
    assert!(fixture.plain().contains("write 15min"));
    let sent = filters_sent(&fixture.press("⌫⌫15min\n"));
    assert!(sent.selects("Song Played"));
    assert!(fixture.plain().contains("back in 15 min"));
    // What is changed meanwhile stays; what is saved is what stays.
    filters_sent(&fixture.press("2\n"));
    match fixture.press("s").as_slice() {
        [Effect::Save(saved)] => assert!(!saved.selects("Song Played") && saved.rules[1].on),
        other => panic!("nothing is saved: {other:?}"),
    }
    assert_eq!(fixture.act(later(899_000)), []);
    let back = filters_sent(&fixture.act(later(900_000)));
    assert!(!back.selects("Song Played") && back.rules[1].on);
    assert!(
        fixture
            .plain()
            .contains("the time is over: Song Played off")
    );
    assert_eq!(fixture.act(later(1_900_000)), []);
    // It can be taken back before: then nothing is left to do.
    fixture.press(" A\n");
    filters_sent(&fixture.press("u"));
    assert_eq!(fixture.act(later(3_000_000)), []);
}

#[test]
fn a_field_of_an_event_becomes_a_rule() {
    let mut fixture = Fixture::new((120, 34));
    // The first line of the document is the event as a whole.
    fixture.press("/purchase\n↓\nx");
    assert!(fixture.plain().contains("this holds several values"));
    fixture.press("↓x");
    insta::assert_snapshot!("exclude_this", fixture.plain());
    let sent = filters_sent(&fixture.press("\n"));
    let rule = sent.rules.last().unwrap();
    assert_eq!(rule.when, "event_type == \"Purchase Completed\"");
    assert_eq!(rule.effect, RuleEffect::Exclude);
    fixture.press("↓i");
    let sent = filters_sent(&fixture.press("\n"));
    let rule = sent.rules.last().unwrap();
    assert_eq!(rule.when, "user_id == \"u-0001\"");
    assert_eq!(rule.effect, RuleEffect::Include);
    fixture.press("\tx");
    assert!(fixture.plain().contains("Tab goes to it"));
}

#[test]
fn a_condition_is_completed_from_what_was_seen() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("revent_type == ");
    insta::assert_snapshot!("completion", fixture.plain());
    fixture.press("\"Pa\t");
    let screen = fixture.plain();
    assert!(
        screen.contains("when     event_type == \"Password Reset\""),
        "{screen}"
    );
    assert!(screen.contains("would be held back 1"), "{screen}");
    let sent = filters_sent(&fixture.press("\n"));
    assert_eq!(sent.rules[2].when, "event_type == \"Password Reset\"");
    // What was written is there to be recalled, before the rules that there are.
    fixture.press("r↑");
    assert!(
        fixture
            .plain()
            .contains("when     event_type == \"Password")
    );
    fixture.press("↑");
    assert!(
        fixture
            .plain()
            .contains("when     user_id.startsWith(\"staff\")")
    );
}

#[test]
fn rules_are_toggled_by_number_moved_written_and_deleted() {
    let mut fixture = Fixture::new((120, 34));
    assert!(filters_sent(&fixture.press("2\n")).rules[1].on);
    let sent = filters_sent(&fixture.press("f↓↓↓↓↓J\n"));
    assert_eq!(sent.rules[1].name, "internal");
    // The rule comes into force with what the draft has beside it.
    fixture.press("1");
    let sent = filters_sent(&fixture.press("rhas_user\n"));
    assert_eq!(
        (
            sent.rules.len(),
            sent.rules[0].on,
            sent.rules[2].when.as_str(),
            sent.rules[2].on
        ),
        (3, false, "has_user", true)
    );
    assert_eq!(fixture.press("D"), []);
    assert_eq!(filters_sent(&fixture.press("\n")).rules.len(), 2);
    assert_eq!(fixture.press("9"), []);
    assert!(fixture.plain().contains("there is no rule 9"));
}

#[test]
fn a_rule_that_is_wrong_never_reaches_the_pipeline() {
    let mut fixture = Fixture::new((120, 34));
    for keys in [
        "r\n",
        "revnt_type == 1\n",
        "rhas_user\t⌫⌫⌫0\n",
        "rhas_user\t\t\t⌫⌫⌫⌫⌫⌫\n",
    ] {
        assert_eq!(fixture.press(keys), [Effect::Catalog], "{keys}");
        assert!(
            matches!(fixture.state.popup, Some(Popup::Rule(_))),
            "{keys} leaves the editor"
        );
        fixture.press("\u{1b}");
    }
    assert_eq!(fixture.state.filters, filters());
}

#[test]
fn the_gate_moves_only_after_a_yes() {
    let mut open = Fixture::new((120, 34));
    assert_eq!(open.press("gn"), []);
    assert_eq!(open.press("gx\u{1b}"), []);
    assert_eq!(
        open.press("gy"),
        [Effect::Pipeline(Command::SetGate(Mode::Shut))]
    );
    assert_eq!(
        open.press("d"),
        [],
        "out of an open gate, a dry run is asked for"
    );
    assert_eq!(
        open.press("y"),
        [Effect::Pipeline(Command::SetGate(Mode::DryRun))]
    );
    let mut shut = Fixture::with((120, 34), Mode::Shut);
    assert_eq!(
        shut.press("gy"),
        [Effect::Pipeline(Command::SetGate(Mode::Open))]
    );
    assert_eq!(
        shut.press("d"),
        [Effect::Pipeline(Command::SetGate(Mode::DryRun))]
    );
}

#[test]
fn quitting_asks_where_it_stops_forwarding_and_a_second_time_hurries() {
    let mut open = Fixture::new((120, 34));
    assert_eq!(open.press("q"), []);
    assert_eq!(open.press("y"), [Effect::Drain]);
    assert!(open.plain().contains("Draining"));
    assert_eq!(open.press("j"), []);
    assert_eq!(open.press("q"), [Effect::Hurry]);
    assert_eq!(
        Fixture::with((120, 34), Mode::Shut).press("q"),
        [Effect::Drain]
    );
    assert_eq!(open.act(Action::Drained), [Effect::Close]);
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
    fixture.press(" ");
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
    assert_eq!(fixture.press("y"), [], "it means nothing in a list");
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
    fixture.act(Action::Letters(Ok(vec![letter(18)])));
    assert!(copied(fixture.press("yt")).contains("dead letter 18"));
    assert_eq!(fixture.press("ye"), []);
    assert!(fixture.plain().contains("keeps what is sent"));
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
    fixture.act(Action::Letters(Ok(vec![letter(18)])));
    assert_eq!(fixture.press("p"), []);
    let person = fixture.state.person.as_ref().unwrap();
    assert_eq!(person.identity, Identity::User(letter(18).person()));
    // An event of a device alone is of the device.
    let mut fixture = Fixture::new((80, 24));
    fixture.press("/!has_user\n↓p");
    insta::assert_snapshot!("person_of_a_device", fixture.plain());
}

#[test]
fn a_violation_leads_to_its_last_event_with_the_path_marked() {
    let mut fixture = Fixture::new((120, 34));
    assert_eq!(fixture.press("\t\n"), []);
    let code = fixture.state.limit.as_ref().unwrap().code;
    fixture.break_down();
    let breaking = Events::Breaking(code);
    assert_eq!(fixture.press("e"), [Effect::ExportEvents(breaking)]);
    assert_eq!(fixture.press("\n"), [Effect::Inspect(3)]);
    let screen = fixture.plain();
    let marked = screen
        .lines()
        .find(|line| line.contains("user_id: \"xx"))
        .unwrap();
    assert!(marked.contains('!'), "{marked}");
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("id_too_long ─ broken once"));
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("Send events"));
}

#[test]
fn a_command_that_the_pipeline_refuses_takes_the_filters_back() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("1\n");
    fixture.act(Action::Applied(Err("rule “x”: no".to_owned())));
    assert_eq!(fixture.state.filters, filters());
    assert!(fixture.plain().contains("rule “x”: no"));
}

#[test]
fn saving_asks_for_the_file_and_tells_what_came_of_it() {
    let mut fixture = Fixture::new((120, 34));
    assert!(matches!(fixture.press("s").as_slice(), [Effect::Save(_)]));
    fixture.act(Action::Told(Err(
        "cannot save the filters to s.toml: disk full".to_owned(),
    )));
    assert!(fixture.plain().contains("disk full"));
    fixture.state.labels.save_to = None;
    assert_eq!(fixture.press("s"), []);
}

const HOSTILE: [&str; 8] = [
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{202e}gnirts",
    "a\u{200b}\u{200d}b",
    "\r\n\t",
    "👩‍👩‍👧‍👦👍🏽🇩🇪",
    "\u{301}\u{301}\u{301}",
    "\u{9b}31m",
    "ﷺ\u{fdfd}",
];

/// Events whose every text is hostile, and a snapshot that shows what it can of them.
fn hostile() -> (Vec<Record>, Snapshot) {
    let long = "W".repeat(100_000);
    let events: String = HOSTILE
        .iter()
        .chain(&[long.as_str()])
        .map(|text| {
            let text = serde_json::to_string(text).unwrap();
            format!(r#"{{"event_type":{text},"user_id":{text},"time":{NOW},"event_properties":{{{text}:{text}}}}}"#) + "\n"
        })
        .collect();
    let gate = Arc::new(arc_swap::ArcSwap::from_pointee(
        Gate::new(Mode::Open, Filters::default()).unwrap(),
    ));
    let settings = Settings::default();
    let terms = Arc::new(arc_swap::ArcSwap::from_pointee(Terms::of(&settings)));
    let mut judge = Judge::new(gate, terms, &settings);
    let mut all = Vec::new();
    frame::decode(&events.into(), NOW, "message_id", |one| {
        all.push(judge.judge(one.unwrap(), &mut Vec::new()));
    });
    let mut hostile_snapshot = snapshot(Mode::Open);
    hostile_snapshot.types = Arc::new(
        all.iter()
            .map(|r| TypeRow {
                name: r.event_type().into(),
                count: 1,
                accepted: 1,
                rate: 1.0,
            })
            .collect(),
    );
    let broken = all
        .iter()
        .flat_map(|r| r.story.violations.iter().map(move |v| (r, v)));
    hostile_snapshot.limits = Arc::new(
        broken
            .map(|(r, v)| LimitRow {
                code: v.code,
                policy: Policy::Warn,
                count: 1,
                recent: 1,
                trend: vec![1],
                worst_type: r.event_type().into(),
                worst: v.clone(),
                last_ms: NOW,
                last_sequence: r.sequence,
            })
            .collect(),
    );
    hostile_snapshot.feed.state = FeedState::Down {
        why: HOSTILE.concat(),
        next_ms: NOW,
    };
    (all, hostile_snapshot)
}

#[test]
fn hostile_text_moves_nothing_on_the_screen() {
    let (all, hostile_snapshot) = hostile();
    for size in [(80, 24), (120, 34), (200, 60)] {
        let mut fixture = Fixture::new(size);
        let ring = SharedRing::new(64 << 20);
        ring.lock().extend(all.clone());
        fixture.finder = Finder::new(ring.clone());
        fixture.ring = ring;
        fixture.act(Action::Snapshot(Arc::new(hostile_snapshot.clone())));
        let mut walked = (false, false, false, false, false);
        let walk: Vec<&str> = "f| |↓ |v|\u{1b}|N|\n|H|\u{1b}|\u{1b}".split('|').collect();
        for keys in [
            "",
            "\n",
            "\t",
            "\u{1b}",
            "fz",
            "z\t\t\n",
            "\u{1b}/",
            "\u{1b}r",
            "event_type == ",
            "\t",
            "\t\t",
            "\u{1b}",
        ]
        .into_iter()
        .chain(walk)
        // One event after the other: itself, its person, and what would become a rule.
        .chain(["F↓", "\n", "↓x", "\u{1b}", "y", "\u{1b}", "p", "\u{1b}"])
        .chain([
            "↓↓", "\n", "p", "\u{1b}", "↓↓", "p", "\u{1b}", ":", "\u{1b}",
        ])
        // Where the limits are broken.
        .chain(["\t\n", "\u{1b}"])
        // What the events are made of, each type; what is marked, kept and watched.
        .chain([
            "fE",
            "↓↓",
            "\u{1b}",
            "↓E",
            "P",
            "↓↓\n",
            "P",
            "m",
            "Ss]0;x\u{7}\n",
            "\u{1b}",
        ])
        .chain([
            "Wevent_type != \"\\u001b\"",
            "\n",
            "\u{1b}",
            "M",
            "C",
            "\\",
            "=",
        ]) {
            fixture.press(keys);
            let state = &fixture.state;
            walked.0 |= state.draft.is_some() && state.preview.is_some();
            walked.1 |= state.person.is_some();
            walked.2 |= matches!(&state.popup, Some(Popup::Rule(editor)) if editor.menu.is_some());
            walked.3 |= state.limit.is_some();
            walked.4 |= state.properties.is_some();
            if let Some(open) = &fixture.state.properties {
                let event_type = open.event_type.clone();
                let found = Box::new(Properties::of(&event_type, &fixture.ring));
                fixture.act(Action::Properties(event_type, found));
            }
            if !fixture.state.watches.is_empty() {
                watched(&mut fixture, NOW + 1_000);
            }
            fixture.break_down();
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
            terminal
                .draw(|f| view::draw(f, &fixture.state, &Theme::dark(false)))
                .unwrap();
            let buffer = terminal.backend().buffer();
            for cell in buffer.content() {
                let bad = cell
                    .symbol()
                    .chars()
                    .any(|c| c.is_control() || sluicegate::tui::widget::text::visible(c) != c);
                assert!(!bad, "{:?} is on the screen", cell.symbol());
            }
            // The clock keeps its place whatever stands before it.
            let header: String = (0..size.0).map(|x| buffer[(x, 0)].symbol()).collect();
            assert!(header.trim_end().ends_with("08:00:00Z"), "{header}");
        }
        assert_eq!(walked, (true, true, true, true, true));
    }
}
