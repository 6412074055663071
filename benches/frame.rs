//! A frame of the screen on a full ring, in the memory of a test's backend: every pane has something to
//! draw, and the detail pane follows the newest event.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use criterion::{Criterion, criterion_group, criterion_main};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sluicegate::amplitude::frame;
use sluicegate::amplitude::time::{self, UnixMs};
use sluicegate::config::Settings;
use sluicegate::customerio::Mapping;
use sluicegate::feed::traffic::Traffic;
use sluicegate::filter::preview::Batching;
use sluicegate::filter::{Filters, Gate, Mode, SharedGate};
use sluicegate::pipeline::{Judge, JudgeRules};
use sluicegate::protocol::series::{Line, Series};
use sluicegate::protocol::{LatencyRow, Snapshot};
use sluicegate::telemetry::counters::Counters;
use sluicegate::telemetry::ring::SharedRing;
use sluicegate::tui::action::Action;
use sluicegate::tui::session::{QuerySettings, Session};
use sluicegate::tui::state::State;
use sluicegate::tui::widget::theme::Theme;
use sluicegate::tui::{Labels, view};

/// Size of the ring: the default of `screen.ring_bytes`.
const RING_BYTES: usize = 64 << 20;

/// A ring that is full, and the counts of all events that came.
fn full_ring(now: UnixMs) -> (SharedRing, Counters) {
    let settings = Settings::default();
    let gate = Gate::new(Mode::Open, Filters::default()).expect("there are no rules");
    let judge_rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(&settings)));
    let mut judge = Judge::new(SharedGate::new(gate), judge_rules, &settings);
    let ring = SharedRing::new(RING_BYTES);
    let mut traffic = Traffic::new(1);
    let mut counters = Counters::default();
    // The oldest event leaves when the ring is full.
    while ring
        .lock()
        .from(0)
        .next()
        .is_none_or(|oldest| oldest.sequence == 1)
    {
        frame::decode(&traffic.next(now).into(), now, "message_id", |one| {
            if let Ok(event) = one {
                let record = judge.judge(event, &mut Vec::new());
                counters.count(&record);
                ring.lock().extend([record]);
            }
        });
    }
    (ring, counters)
}

/// Rates over four hours.
fn series(now: UnixMs) -> Series {
    let mut series = Series::default();
    for second in (0..4 * 3_600).rev() {
        let count = 1_000 + (second * 37 % 400) as u32;
        for line in [Line::Received, Line::Accepted, Line::Delivered] {
            series.add(line, count, now - second * 1_000);
        }
        series.add(Line::Rejected, count / 90, now - second * 1_000);
    }
    series
}

fn snapshot(now: UnixMs, counters: &mut Counters) -> Snapshot {
    Snapshot {
        at_ms: now,
        started_ms: now - 4 * 3_600_000,
        mode: Some(Mode::Open),
        totals: counters.totals,
        types: Arc::new(counters.types(now)),
        limits: Arc::new(counters.limits(now)),
        series: Arc::new(series(now)),
        latency: LatencyRow {
            count: 41_208,
            p50_ms: 84,
            p95_ms: 210,
            p99_ms: 480,
        },
        latency_bands: [0, 40, 9_100, 21_000, 8_900, 2_000, 160, 8, 0, 0, 0, 0],
        answers: [("200".to_owned(), 311), ("503".to_owned(), 2)].into(),
        ..Snapshot::default()
    }
}

/// A frame as the shell makes it: the rows of the lists are read from the ring, then all is drawn; and the
/// drawing alone.
fn frames(c: &mut Criterion) {
    let now = time::now();
    let (ring, mut counters) = full_ring(now);
    let snapshot = Arc::new(snapshot(now, &mut counters));
    let theme = Theme::dark(false);
    let mut group = c.benchmark_group("frame");
    for (columns, rows) in [(80, 24), (200, 60)] {
        let settings = QuerySettings {
            mapping: Mapping::default(),
            batching: Batching {
                age: Duration::from_millis(250),
                bytes: 500_000,
            },
        };
        let state = State::new(Labels::default(), (columns, rows));
        let mut session = Session::new(state, settings, ring.clone());
        session.act(Action::Snapshot(snapshot.clone()));
        session.refresh(None);
        let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
        group.bench_function(format!("{columns}x{rows}"), |b| {
            b.iter(|| {
                session.refresh(None);
                terminal
                    .draw(|frame| view::draw(frame, &session.state, &theme))
                    .expect("a test's backend can't fail");
            });
        });
        group.bench_function(format!("{columns}x{rows}, drawing alone"), |b| {
            b.iter(|| {
                terminal
                    .draw(|frame| view::draw(frame, &session.state, &theme))
                    .expect("a test's backend can't fail");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
