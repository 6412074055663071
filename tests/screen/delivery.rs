//! The gate, the end of the program, and what keeps delivery from going on.

use crate::filters::reloaded;
use crate::fixture::{Fixture, NOW, snapshot};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sluicegate::delivery::{BreakerState as Breaker, DeliveryStatus};
use sluicegate::feed::{FeedState, FeedStatus};
use sluicegate::filter::{Filters, Mode};
use sluicegate::protocol::{
    Command, Snapshot, UnverifiedEvent, VerificationCounts, VerificationStatus,
};
use sluicegate::tui::action::{Action, Effect, ReloadOutcome};
use std::sync::Arc;

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
    assert!(!fixture.plain().contains("⚠ since"));
}

/// The screen with a changed delivery status.
fn with_delivery(change: impl FnOnce(&mut DeliveryStatus)) -> String {
    let mut fixture = Fixture::new((120, 34));
    let mut now = snapshot(Mode::Open);
    change(&mut now.delivery);
    fixture.act(Action::Snapshot(Arc::new(now)));
    fixture.plain()
}

/// The screen with a changed feed status.
fn with_feed(change: impl FnOnce(&mut FeedStatus)) -> String {
    let mut fixture = Fixture::new((120, 34));
    let mut now = snapshot(Mode::Open);
    change(&mut now.feed);
    fixture.act(Action::Snapshot(Arc::new(now)));
    fixture.plain()
}

#[test]
fn what_keeps_delivery_from_going_on_is_told_with_what_to_do() {
    let outage = with_delivery(|s| {
        s.retrying = 312;
        s.breaker = Breaker::Open {
            why: "503 down for maintenance".to_owned(),
            since_ms: NOW - 125_000,
            probe_ms: NOW + 4_000,
        };
    });
    insta::assert_snapshot!("outage", outage);
    let disk = with_delivery(|s| {
        s.spool.fault =
            Some("the disk with the spool /var/spool is full: make room on it".to_owned());
    });
    insta::assert_snapshot!("disk_full", disk);
    for (screen, texts) in [
        (
            outage,
            [
                "DOWN, retry in 4.0 s",
                "down for 2 min: 503",
                "retrying 312",
            ],
        ),
        (
            disk,
            ["feed paused", "SPOOL CAN'T BE WRITTEN", "make room on it"],
        ),
    ] {
        for text in texts {
            assert!(screen.contains(text), "{text:?} is not in\n{screen}");
        }
    }
}

#[test]
fn events_that_stay_queued_say_so_and_why_and_the_header_shows_gate_and_destination() {
    let down = Breaker::Open {
        why: "503 Service Unavailable".to_owned(),
        since_ms: NOW - 125_000,
        probe_ms: NOW + 4_000,
    };
    let refused = Breaker::Refused {
        why: "401".to_owned(),
        since_ms: NOW - 5_000,
    };
    for (breaker, header, row) in [
        (down, "DOWN, retry in 4.0 s", "queued: Customer.io is down"),
        (refused, "delivery HALTED", "queued: credentials refused"),
    ] {
        for size in [(80, 24), (120, 34)] {
            let mut fixture = Fixture::new(size);
            let mut now = snapshot(Mode::Open);
            now.delivery.breaker = breaker.clone();
            fixture.act(Action::Snapshot(Arc::new(now)));
            let screen = fixture.plain();
            let first = screen.lines().next().unwrap();
            assert!(
                first.contains("▲ OPEN") && first.contains(header),
                "{first}"
            );
            // An event without an attempt, and one whose attempt failed.
            let start = row.get(..14).unwrap();
            assert!(
                screen.matches(start).count() >= 2,
                "{row:?} is not in\n{screen}"
            );
            assert!(!screen.contains("on its way") && !screen.contains("will retry"));
            // The whole reason is on the open event.
            fixture.press("↓\n");
            let screen = fixture.plain();
            assert!(screen.contains(row), "{screen}");
            assert!(!screen.contains("waits for its batch"), "{screen}");
        }
    }
    let mut fixture = Fixture::new((120, 34));
    assert!(fixture.plain().contains("on its way"));
    let mut shut = snapshot(Mode::Shut);
    shut.delivery.gate_shut = true;
    fixture.act(Action::Snapshot(Arc::new(shut)));
    assert!(fixture.plain().contains("queued: the gate is"));
}

#[test]
fn every_problem_of_feed_and_delivery_is_shown() {
    for (screen, says) in [
        (
            &with_delivery(|s| s.spool.lost = 3),
            vec!["the disk lost 3 accepted items"],
        ),
        (
            &with_feed(|feed| feed.given_up = 1),
            vec![
                "events may have been missed: the feed could not resume; the log has the message's id",
            ],
        ),
        (
            &with_delivery(|s| s.spool.full = true),
            vec!["SPOOL FULL", "feed paused", "reached its quota"],
        ),
        (
            &with_delivery(|s| s.spool.bytes = 850_000_000),
            vec!["spool 85 % full"],
        ),
        (
            &with_delivery(|s| s.gate_shut = true),
            vec!["queued 1,204", "the gate is not open"],
        ),
        (
            &with_delivery(|s| s.throttled_until_ms = Some(NOW + 30_000)),
            vec!["throttles (429): retry in 30.0 s"],
        ),
        (
            &with_delivery(|s| s.rate = 12.5),
            vec!["rate limit 12.5 of 100/s"],
        ),
    ] {
        for part in says {
            assert!(screen.contains(part), "{part:?} is not on\n{screen}");
        }
    }
}

#[test]
fn the_settings_are_read_again_by_a_key_or_a_signal_and_delivery_tried_by_another() {
    let mut fixture = Fixture::new((120, 34));
    assert_eq!(fixture.act(Action::Hangup), [Effect::Reload]);
    let key = KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL);
    assert_eq!(fixture.act(Action::Key(key)), [Effect::Reload]);
    let says = "settings reloaded: types applied".to_owned();
    let reread = ReloadOutcome {
        notice: says,
        ..ReloadOutcome::default()
    };
    fixture.act(reloaded(reread, Filters::default()));
    let screen = fixture.plain();
    assert!(
        screen.contains("types applied") && screen.contains("Rules: 0 of 0"),
        "{screen}"
    );
    fixture.act(Action::Reloaded(Err("nothing is changed: no".to_owned())));
    assert!(fixture.plain().contains("nothing is changed: no"));
    assert_eq!(fixture.press("T"), [Effect::Pipeline(Command::Resume)]);
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
fn sampled_events_are_counted_over_an_hour_and_those_not_applied_alert() {
    let verification = |failed| VerificationStatus {
        per_minute: 6,
        waiting: 4,
        hour: VerificationCounts {
            verified: 118,
            failed,
            ..VerificationCounts::default()
        },
        total: VerificationCounts::default(),
        unverified: vec![UnverifiedEvent {
            at_ms: NOW,
            delivered_ms: NOW - 60_000,
            name: "Purchase\u{1b}[31m Completed".to_owned(),
            id: "01A".to_owned(),
            reason: "Customer.io took it with 200, and then failed it (failed_event)".to_owned(),
        }],
        problem: None,
    };
    let shown = |size, failed| {
        let mut fixture = Fixture::new(size);
        let now = Snapshot {
            verification: verification(failed),
            ..snapshot(Mode::Open)
        };
        fixture.act(Action::Snapshot(Arc::new(now)));
        fixture
    };
    let calm = shown((120, 34), 0).plain();
    assert!(
        calm.contains("verified 118 of 118 (1 h) · 31 req/min"),
        "{calm}"
    );
    assert!(!calm.contains("not applied"), "{calm}");
    let mut alarmed = shown((160, 45), 2);
    let screen = alarmed.plain();
    assert!(
        screen.contains("2 of 120 sampled events were delivered and not applied"),
        "{screen}"
    );
    assert!(!screen.contains('\u{1b}'));
    alarmed.press("\t\t\tz");
    insta::assert_snapshot!("sampled_zoomed", alarmed.plain());
    assert!(alarmed.plain().contains("verified 118 of 120 (last hour)"));
    // A narrow pane keeps its other figures.
    let narrow = shown((80, 24), 0).plain();
    assert!(
        narrow.contains("req/min") && !narrow.contains("verified"),
        "{narrow}"
    );
}
