//! Charts of several rows, the histogram of latencies, and the heat map, on tall screens.

use crate::fixture::{Fixture, snapshot};
use sluicegate::filter::Mode;
use sluicegate::tui::action::Action;
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::widget::theme::Theme;
use std::sync::Arc;

#[test]
fn tall_screens_have_charts_of_several_rows_a_histogram_and_a_heat_map() {
    for (size, name) in [((160, 45), "charts_160x45"), ((200, 60), "charts_200x60")] {
        let fixture = Fixture::new(size);
        let screen = fixture.plain();
        insta::assert_snapshot!(name, screen);
        // The charts share a scale, which is named, and each names its highest value.
        assert_eq!(screen.matches("each 0 to 1,39").count(), 1, "{screen}");
        assert!(screen.contains(" highest 34"), "{screen}");
        assert!(screen.contains("Latency of the last 10 min, 41,208 events"));
    }
}

#[test]
fn charts_are_readable_in_ascii_and_without_colour() {
    let fixture = Fixture::new((200, 60));
    let screen = fixture.draw(&Theme::plain(true));
    assert!(screen.is_ascii(), "{screen}");
    insta::assert_snapshot!("charts_ascii", screen);
}

#[test]
fn low_screens_keep_a_row_per_line() {
    for size in [(80, 24), (120, 34), (160, 43)] {
        let screen = Fixture::new(size).plain();
        for absent in ["highest", "each 0 to", "Latency of", "Rejections in"] {
            assert!(!screen.contains(absent), "{absent} in {screen}");
        }
    }
}

#[test]
fn a_zoomed_pane_draws_its_chart_as_high_as_it_can() {
    let mut fixture = Fixture::new((120, 34));
    fixture.state.focus = Pane::Throughput;
    fixture.press("z");
    insta::assert_snapshot!("charts_zoomed", fixture.plain());
    fixture.press("z");
    fixture.state.focus = Pane::Violations;
    fixture.press("z");
    let screen = fixture.plain();
    assert!(
        screen.contains("Rejections in 10 min, type by limit"),
        "{screen}"
    );
    insta::assert_snapshot!("heat_map_zoomed", screen);
    // Without a rejection there is no map.
    let mut none = snapshot(Mode::Open);
    none.limits = Arc::default();
    fixture.act(Action::Snapshot(Arc::new(none)));
    assert!(!fixture.plain().contains("Rejections in"));
}

#[test]
fn a_tall_screen_has_the_heat_map_however_many_limits_are_violated() {
    let mut many = snapshot(Mode::Open);
    let limits = many.limits.iter().cycle().take(14).cloned();
    many.limits = Arc::new(limits.collect());
    let many = Arc::new(many);
    for size in [(200, 60), (250, 70), (120, 60)] {
        let mut fixture = Fixture::new(size);
        fixture.act(Action::Snapshot(many.clone()));
        let screen = fixture.plain();
        for text in [
            "Rejections in 10 min, type by limit: ",
            "█ most, 9",
            "id_too_long",
        ] {
            assert!(screen.contains(text), "{text} at {size:?} in {screen}");
        }
        // All limits can be reached.
        fixture.state.focus = Pane::Violations;
        fixture.press("G");
        assert_eq!(fixture.state.violation, 13);
    }
}
