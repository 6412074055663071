//! Watched conditions, alerts, and the history of the throughput.

use crate::fixture::{Fixture, NOW, snapshot};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sluicegate::amplitude::time::UnixMs;
use sluicegate::filter::Mode;
use sluicegate::protocol::Snapshot;
use sluicegate::protocol::series::{Line, Series};
use sluicegate::telemetry::watches::{HISTORY_SECONDS, WatchEvaluator};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::events::seek::Seek;
use sluicegate::tui::frame::focus::Pane;
use std::sync::Arc;

/// What the watches have seen in the ring by now.
pub(crate) fn watched(fixture: &mut Fixture, now: UnixMs) -> Vec<Effect> {
    let mut evaluator = WatchEvaluator::keeping(HISTORY_SECONDS);
    let conditions = fixture
        .state
        .watches
        .iter()
        .map(|watch| watch.when.as_str());
    evaluator.run(conditions, &fixture.ring, now);
    fixture.act(Action::Watched(evaluator.counts()))
}

#[test]
fn a_watched_condition_notifies_when_its_rate_is_too_high() {
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
    let says = "shop-prod: 8.0/s match has_user".to_owned();
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
fn a_high_share_of_rejected_events_is_an_alert() {
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
    let says = "limits rejected 10 % of the events past the filters in 1 min, most by id_too_long";
    assert!(
        screen.contains(says) && screen.contains("] to see one"),
        "{screen}"
    );
    // The key of the banner goes to a violation of the limit that it names, not to the newest of any.
    fixture.press("]");
    assert_eq!(fixture.state.events.cursor, Some(3));
    fixture.press("]");
    let says = "no older event in the ring violates id_too_long, the limit of the alert";
    assert!(fixture.plain().contains(says), "{}", fixture.plain());
    // A search that hides it is named.
    fixture.press("\u{1b}/product\n]");
    let says = "no older match of “product” violates id_too_long, the limit of the alert (Esc";
    assert!(fixture.plain().contains(says), "{}", fixture.plain());
    fixture.press("\u{1b}");
    fixture.state.rejected_alert_percent = 0.0;
    fixture.act(Action::Snapshot(Arc::new(snapshot(Mode::Open))));
    assert_eq!(fixture.state.alert, None);
    fixture.press("]");
    assert_eq!(
        fixture.state.events.cursor,
        Some(6),
        "the newest of any limit"
    );
}

#[test]
fn the_time_cursor_shows_rates_and_incidents() {
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
        .map(|a| a.incident.description())
        .collect();
    assert_eq!(happened, ["gate shut", "gate opened", "filters changed"]);
    insta::assert_snapshot!("annotations", fixture.plain());
    fixture.state.focus = Pane::Throughput;
    fixture.press("←←←←←←←←←←");
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
