//! Comparing two events, and two ranges of time.

use sluicegate::tui::compare::state::Pair;
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::frame::popup::Popup;
use sluicegate::tui::range::time_range::TimeRange;

use crate::fixture::Fixture;
use crate::range::spread;

fn ranges(fixture: &Fixture) -> [TimeRange; 2] {
    match &fixture.state.popup {
        Some(Popup::Compare(open)) => open.ranges().unwrap(),
        other => panic!("no comparison: {other:?}"),
    }
}

#[test]
fn two_selected_events_are_compared_side_by_side() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("V");
    assert!(
        fixture
            .plain()
            .contains("select two events to compare, with v")
    );
    fixture.press("v");
    fixture.press("V");
    assert!(fixture.plain().contains("select one more event"));
    fixture.press("↓v");
    assert!(fixture.plain().contains("2 selected: V compares"));
    fixture.press("V");
    match &fixture.state.popup {
        Some(Popup::Compare(open)) => assert_eq!(open.pair, Pair::Events([7, 9])),
        other => panic!("no comparison: {other:?}"),
    }
    // Two with other properties.
    fixture.press("\u{1b}");
    fixture.state.events.selected = [1, 5].into();
    fixture.press("V");
    let screen = fixture.plain();
    insta::assert_snapshot!("compare_events", screen);
    for text in [
        "Two events",
        "Different values: ",
        "Only in ",
        "lag to receipt",
    ] {
        assert!(screen.contains(text), "{text} in {screen}");
    }
    // The selection stays, for the next step.
    fixture.press("\u{1b}");
    assert!(fixture.state.popup.is_none());
    assert_eq!(fixture.state.events.selected.len(), 2);
    // The palette knows it by other words.
    fixture.press(":diff\n");
    assert!(matches!(fixture.state.popup, Some(Popup::Compare(_))));
    // A third event is one too many.
    fixture.press("\u{1b}vV");
    assert!(
        fixture
            .plain()
            .contains("3 events are selected: two can be compared")
    );
}

#[test]
fn a_low_screen_scrolls_the_comparison_to_its_end_and_back_at_once() {
    let mut fixture = Fixture::new((80, 24));
    fixture.state.events.selected = [1, 5].into();
    fixture.press("V");
    let top = fixture.plain();
    assert!(top.contains("↑ ↓ scroll, Esc closes"), "{top}");
    fixture.press("G");
    let end = fixture.plain();
    insta::assert_snapshot!("compare_events_80x24", end);
    assert!(end.contains("Equal: "), "{end}");
    fixture.press("↑");
    assert_ne!(fixture.plain(), end);
    fixture.press("gg");
    assert_eq!(fixture.plain(), top);
}

#[test]
fn two_ranges_are_compared_by_rates_violations_and_deliveries() {
    let mut fixture = spread((160, 45));
    fixture.press("V");
    assert!(
        fixture.plain().contains("choose a time first"),
        "{}",
        fixture.plain()
    );
    // The later range is chosen first; the earlier one is A all the same.
    fixture.press("←v");
    fixture.press(&"←".repeat(6));
    fixture.press("V");
    let late = fixture.state.kept_range.unwrap();
    assert!(fixture.plain().contains("kept: v begins the other one"));
    fixture.press("\u{1b}");
    assert!(fixture.state.range.is_none());
    assert!(fixture.plain().contains("kept to compare: ← and v begin"));
    fixture.press("←");
    fixture.press(&"←".repeat(12));
    fixture.press("v");
    fixture.press(&"←".repeat(6));
    fixture.press("V");
    let [a, b] = ranges(&fixture);
    assert_eq!(b, late);
    assert!(a.to_ms <= b.from_ms, "{a:?} {b:?}");
    assert_eq!(fixture.state.kept_range, None);
    let screen = fixture.plain();
    insta::assert_snapshot!("compare_ranges", screen);
    for text in [
        "Two ranges",
        "Events by decision",
        "as of now",
        "Violations of limits",
        "the largest difference of rates first",
    ] {
        assert!(screen.contains(text), "{text} in {screen}");
    }
}

#[test]
fn a_range_is_compared_with_the_time_before_it_and_so_is_the_time_cursor() {
    let mut fixture = spread((160, 45));
    fixture.press("←v←←←VV");
    let [a, b] = ranges(&fixture);
    assert_eq!((a.to_ms, a.length_ms()), (b.from_ms, b.length_ms()));
    // Before and after the time cursor, as after a deploy. What is older than the ring is named.
    let mut fixture = spread((160, 45));
    fixture.press("←");
    fixture.press(&"←".repeat(16));
    fixture.press("V");
    let [a, b] = ranges(&fixture);
    assert_eq!(Some(b.from_ms), fixture.state.moment_ms);
    assert_eq!((a.to_ms, a.length_ms()), (b.from_ms, b.length_ms()));
    let left_ms = fixture.state.snapshot.at_ms - b.to_ms;
    assert!(
        (0..1_000).contains(&left_ms),
        "whole seconds: {left_ms} left"
    );
    let screen = fixture.plain();
    assert!(screen.contains("A is counted from then on"), "{screen}");
    fixture.press("\u{1b}");
    fixture.press(&"←".repeat(16));
    fixture.press("V");
    let screen = fixture.plain();
    assert!(screen.contains("it holds nothing of A"), "{screen}");
}

#[test]
fn esc_lets_go_of_the_kept_range() {
    let mut fixture = spread((160, 45));
    fixture.press("←v←←V\u{1b}\u{1b}");
    assert_eq!(fixture.state.kept_range, None);
    fixture.state.focus = Pane::Events;
    assert!(!fixture.plain().contains("kept to compare"));
}
