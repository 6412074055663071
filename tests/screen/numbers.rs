//! Numbers: over which time they count, on which scale they are drawn, and how they are written.

use std::sync::Arc;

use crate::fixture::{Fixture, NOW, snapshot};
use sluicegate::filter::Mode;
use sluicegate::protocol::{Line, Series};
use sluicegate::tui::action::Action;

#[test]
fn rows_that_are_compared_share_one_scale_and_the_title_names_it() {
    // After an outage more is delivered than received.
    let mut series = Series::default();
    for second in 0..=60 {
        let at = NOW - 60_000 + second * 1_000;
        series.add(Line::Received, 100, at);
        series.add(Line::Delivered, if second > 30 { 800 } else { 0 }, at);
        series.add(Line::Rejected, 50, at);
    }
    for (size, scale) in [
        ((80, 24), "top 800/s · 10 m"),
        ((120, 34), "top 800/s · 1 min of 10 m"),
    ] {
        let mut fixture = Fixture::new(size);
        let mut now = snapshot(Mode::Open);
        now.series = Arc::new(series.clone());
        fixture.act(Action::Snapshot(Arc::new(now)));
        let screen = fixture.plain();
        let row = |name: &str| {
            let start = format!("\"│ {name}");
            let row = screen
                .lines()
                .find(|line| line.starts_with(&start))
                .unwrap();
            let (_, row) = row.split_once("/s  ").unwrap();
            row.split('│').next().unwrap().trim().to_owned()
        };
        assert!(screen.contains(scale), "{screen}");
        assert!(row("received").chars().all(|c| c == '▁'), "{screen}");
        assert!(row("rejected").chars().all(|c| c == '▁'), "{screen}");
        assert!(row("delivered").ends_with("███"), "{screen}");
    }
}

#[test]
fn every_number_says_over_which_time_it_counts() {
    let mut fixture = Fixture::new((200, 60));
    let screen = fixture.plain();
    for says in [
        "Throughput over 3 s",
        "since start  252,928 received",
        "Delivery ─ since start",
        "last 10 min: p50 84 ms   p95 210 ms",
        "by count since start",
        "⚠ 15 in 10 m",
        "212 in 10 m",
        "2 malformed frames since start",
        "9 in the ring",
    ] {
        assert!(screen.contains(says), "{says:?} is not in\n{screen}");
    }
    let rules = screen
        .lines()
        .find(|line| line.contains("Rules: 1 of 2"))
        .unwrap();
    assert!(rules.contains("since start │"), "{rules}");
    fixture.press("ft");
    assert!(fixture.plain().contains("by rate over 5 s"));
}

#[test]
fn a_number_is_written_as_it_is_read() {
    let mut fixture = Fixture::new((120, 34));
    let mut now = snapshot(Mode::Open);
    // A rule that filters nothing out, and one that does it once in a million.
    now.rules[0].filtered_out = 0;
    now.rules[1].reached = 1_000_000;
    now.rules[1].filtered_out = 1;
    Arc::make_mut(&mut now.filters).rules[1].on = true;
    // One of a million is not delivered; and the limiter has learned a rate.
    now.totals.delivered = 999_999;
    now.totals.discarded = 1;
    now.delivery.rate = 12.5;
    now.delivery.retrying = 1_204;
    now.delivery.next_retry_ms = Some(NOW + 3_000);
    now.totals.malformed = 1;
    fixture.state.filters = (*now.filters).clone();
    fixture.act(Action::Snapshot(Arc::new(now)));
    fixture.state.size = (80, 24);
    fixture.turn();
    let screen = fixture.plain();
    assert!(screen.contains("internal      0 %"), "{screen}");
    assert!(screen.contains("−<0.1 %"), "{screen}");
    assert!(screen.contains("delivered 99.99 %"), "{screen}");
    assert!(screen.contains("rate limit 12.5 of 100/s"), "{screen}");
    assert!(screen.contains("1 malformed frame since start"), "{screen}");
    assert!(screen.contains("delivered 1.3 s"), "{screen}");
}

#[test]
fn the_counts_of_a_limit_say_what_each_counts() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("\t\n");
    fixture.break_down();
    let screen = fixture.plain();
    for says in [
        "id_too_long ─ 1 violation in the ring",
        "use of it by the newest 7 events that passed the filters",
        "since before 08:00:00",
    ] {
        assert!(screen.contains(says), "{says:?} is not in\n{screen}");
    }
}
