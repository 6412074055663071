//! A range of time, chosen in the throughput pane: what it limits, and its incident summary.

use crate::fixture::{Fixture, NOW, records, snapshot};
use sluicegate::filter::Mode;
use sluicegate::protocol::Snapshot;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::frame::focus::Pane;
use std::sync::Arc;

/// A screen whose events were received one by one, each ten seconds after the one before.
pub fn spread(size: (u16, u16)) -> Fixture {
    let mut fixture = Fixture::empty(size);
    let all = records();
    let count = all.len() as i64;
    let spread = all.into_iter().zip(0..).map(|(mut record, n)| {
        record.received_ms = NOW - 2_000 - (count - 1 - n) * 5_000;
        record
    });
    fixture.ring.lock().extend(spread);
    let mut at = |seconds_ago: i64, change: &dyn Fn(&mut Snapshot)| {
        let mut then = snapshot(Mode::Open);
        then.at_ms = NOW - seconds_ago * 1_000;
        change(&mut then);
        fixture.act(Action::Snapshot(Arc::new(then)));
    };
    at(40, &|_| {});
    at(12, &|then| then.mode = Some(Mode::Shut));
    at(0, &|_| {});
    fixture.state.focus = Pane::Throughput;
    fixture
}

#[test]
fn a_range_limits_events_types_and_violations_until_it_is_removed() {
    let mut fixture = spread((160, 45));
    let all = fixture.state.events.page.shown;
    assert!(all > 4);
    // Without a time, it says how to begin.
    fixture.press("v");
    assert!(
        fixture.plain().contains("choose a time first"),
        "{}",
        fixture.plain()
    );
    fixture.press("←v");
    assert!(fixture.plain().contains("range begun"));
    fixture.press(&"←".repeat(10));
    let range = fixture.state.range.clone().unwrap();
    assert!(
        range.is_open && range.range.length_ms() >= 10_000,
        "{range:?}"
    );
    fixture.press("v");
    let screen = fixture.plain();
    insta::assert_snapshot!("range", screen);
    let label = range.range.label();
    assert!(screen.contains(&format!("[{label} Esc]")), "{screen}");
    assert!(screen.contains("in the range"), "{screen}");
    let shown = fixture.state.events.page.shown;
    assert!(shown > 0 && shown < all, "{shown} of {all}");
    assert_eq!(
        fixture
            .state
            .range
            .as_ref()
            .unwrap()
            .figures
            .as_ref()
            .unwrap()
            .totals
            .received,
        shown
    );
    // The time cursor moves on without it.
    fixture.press("←←←");
    assert_eq!(fixture.state.range.as_ref().unwrap().range, range.range);
    fixture.press("\u{1b}");
    assert_eq!(
        (fixture.state.range.is_none(), fixture.state.moment_ms),
        (true, None)
    );
    assert_eq!(fixture.state.events.page.shown, all);
    assert!(!fixture.plain().contains("in the range"));
}

#[test]
fn a_summary_of_the_range_is_copied_as_markdown() {
    let mut fixture = spread((160, 45));
    fixture.press("y");
    assert!(
        fixture.plain().contains("no range is chosen: v begins one"),
        "{}",
        fixture.plain()
    );
    fixture.press("←v");
    fixture.press(&"←".repeat(40));
    let effects = fixture.press("y");
    let [Effect::Copy("the incident summary", summary)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert!(
        summary.contains("# Incident summary: `shop-prod`"),
        "{summary}"
    );
    assert!(summary.contains("gate shut"), "{summary}");
    insta::assert_snapshot!("range_summary", summary);
}

#[test]
fn bookmarks_and_gate_moves_are_labelled_on_the_timeline() {
    let mut fixture = spread((160, 45));
    fixture.state.focus = Pane::Events;
    fixture.press("↓↓m");
    let screen = fixture.plain();
    assert!(
        screen.contains("gate shut") && screen.contains("bookmark"),
        "{screen}"
    );
    insta::assert_snapshot!("timeline", screen);
    let marks = fixture.state.annotations.len();
    fixture.press("m");
    assert_eq!(fixture.state.annotations.len(), marks - 1);
}

#[test]
fn the_charts_zoom_into_the_range_and_one_key_goes_back() {
    let mut fixture = spread((160, 45));
    fixture.press("Z");
    assert!(fixture.plain().contains("no range is chosen: v begins one"));
    fixture.press("←v");
    fixture.press(&"←".repeat(20));
    fixture.press("Z");
    let range = fixture.state.range.as_ref().unwrap().range;
    assert_eq!(fixture.state.span, Some(range));
    let screen = fixture.plain();
    let length = sluicegate::text::duration(range.length_ms());
    let title = format!("· {}, {length}", range.label());
    assert!(screen.contains(&title), "{title} in {screen}");
    insta::assert_snapshot!("range_zoomed", screen);
    // The time cursor moves on by seconds, not by columns, and stays in the range.
    let before = fixture.state.moment_ms.unwrap();
    fixture.press("→→");
    assert_eq!(fixture.state.moment_ms, Some(before + 2_000));
    fixture.press(&"→".repeat(40));
    assert_eq!(fixture.state.moment_ms, Some(range.to_ms - 1_000));
    // Back by the same key, by Esc, or by the key of the time span; the range stays.
    fixture.press("Z");
    assert_eq!(fixture.state.span, None);
    fixture.press("Z\u{1b}");
    assert_eq!(
        (fixture.state.span, fixture.state.range.is_some()),
        (None, true)
    );
    let window = fixture.state.window;
    fixture.press("Zw");
    assert_eq!((fixture.state.span, fixture.state.window), (None, window));
    // Elsewhere Esc removes the range, and the charts go back with it.
    fixture.press("Z");
    fixture.state.focus = Pane::Events;
    fixture.press("\u{1b}");
    assert_eq!(
        (fixture.state.span, fixture.state.range.is_none()),
        (None, true)
    );
}
