//! A screen with everything on it, and the ring behind it.
#![allow(dead_code, reason = "each module uses a part of it")]

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sluicegate::amplitude::frame;
use sluicegate::amplitude::time::UnixMs;
use sluicegate::config::Settings;
use sluicegate::customerio::mapping::Route;
use sluicegate::customerio::{Item, Mapping};
use sluicegate::delivery::spool::SpoolStatus;
use sluicegate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup, DeadLetterRow};
use sluicegate::delivery::{Accepted, Attempt, DeliveryStatus, History, Part, Undelivered};
use sluicegate::feed::FeedState;
use sluicegate::filter::gate::{RuleTally, Switch};
use sluicegate::filter::preview::{Batching, Comparison, Previewing};
use sluicegate::filter::{Effect as RuleEffect, Filters, Gate, Mode, Rule};
use sluicegate::pipeline::{Judge, Terms};
use sluicegate::protocol::series::{Line, Series};
use sluicegate::protocol::{
    LatencyRow, LimitRow, Outcome, Rates, Record, Snapshot, Totals, TypeRow,
};
use sluicegate::telemetry::ring::SharedRing;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::filters::preview::query;
use sluicegate::tui::filters::recent_catalog::recent_catalog;
use sluicegate::tui::limits::query::Breakdown;
use sluicegate::tui::person::query::Summary;
use sluicegate::tui::properties::query::Properties;
use sluicegate::tui::session::{QuerySettings, Session};
use sluicegate::tui::state::State;
use sluicegate::tui::widget::theme::Theme;
use sluicegate::tui::{Labels, view};

/// 2027-01-15 08:00:00 UTC.
pub const NOW: UnixMs = 1_800_000_000_000;

pub fn filters() -> Filters {
    let rule = |name: &str, effect, when: &str, on| Rule {
        name: name.to_owned(),
        effect,
        when: when.to_owned(),
        on,
        sample: 100.0,
        note: if name == "internal" {
            "our own people".to_owned()
        } else {
            String::new()
        },
    };
    Filters {
        unseen_types: Switch::On,
        types: [
            ("Song Played".to_owned(), Switch::Off),
            ("session_start".to_owned(), Switch::Off),
        ]
        .into(),
        rules: vec![
            rule(
                "internal",
                RuleEffect::Exclude,
                r#"user_id.startsWith("staff")"#,
                true,
            ),
            rule(
                "eu only",
                RuleEffect::Include,
                r#"country == "Germany""#,
                false,
            ),
        ],
    }
}

/// Events, judged by the real gate and the real limits.
pub fn judged(events: impl IntoIterator<Item = String>) -> Vec<Record> {
    let settings = Settings::default();
    let gate = Arc::new(arc_swap::ArcSwap::from_pointee(
        Gate::new(Mode::Open, filters()).unwrap(),
    ));
    let terms = Arc::new(arc_swap::ArcSwap::from_pointee(Terms::of(&settings)));
    let mut judge = Judge::new(gate, terms, &settings);
    let mut all = Vec::new();
    for text in events {
        frame::decode(&text.into(), NOW, "message_id", |one| {
            all.push(judge.judge(one.unwrap(), &mut Vec::new()));
        });
    }
    all
}

/// Events of every outcome.
pub fn records() -> Vec<Record> {
    let long_id = "x".repeat(160);
    let events = [
        r#"{"event_type":"Purchase Completed","user_id":"u-0001","insert_id":"1","time":1799999999500,"event_properties":{"total":12.50,"items":[{"name":"Café Mug","quantity":2}]},"user_properties":{"plan":"pro"}}"#,
        r#"{"event_type":"Song Played","user_id":"u-0002","insert_id":"2","time":1799999999500}"#,
        &format!(
            r#"{{"event_type":"Signup Completed","user_id":"{long_id}","insert_id":"3","time":1799999999500}}"#
        ),
        r#"{"event_type":"Product Viewed","user_id":"staff-7","insert_id":"4","time":1799999999500}"#,
        r#"{"event_type":"Password Reset","user_id":"u-0005","insert_id":"5","time":1799999999500,"event_properties":{"recipient":"ann@example.com"}}"#,
        r#"{"event_type":"Product Viewed","device_id":"d-6","insert_id":"6","time":1799999999500}"#,
        r#"{"event_type":"Product Added","user_id":"u-0007","insert_id":"7","time":1799999999500}"#,
        r#"{"event_type":"Cart Viewed","user_id":"u-0008","insert_id":"8","time":1799999999500}"#,
        r#"{"event_type":"Checkout Started","user_id":"u-0009","insert_id":"9","time":1799999999500}"#,
    ];
    let mut all = judged(events.map(str::to_owned));
    let attempt = |answer: &str, message: &str| Attempt {
        at_ms: NOW + 250,
        took_ms: 84,
        answer: answer.to_owned(),
        message: message.to_owned(),
        items: 12,
    };
    let mut tell = |index: usize, attempts: Vec<Attempt>, outcome| {
        let story = &mut all[index].story;
        story.attempts = attempts.into_iter().map(Arc::new).collect();
        story.outcome = outcome;
    };
    tell(
        0,
        vec![attempt("503", "unavailable"), attempt("200", "")],
        Outcome::Delivered { took_ms: 1_334 },
    );
    tell(
        4,
        vec![attempt("200", "")],
        Outcome::Delivered { took_ms: 84 },
    );
    tell(
        6,
        vec![attempt("503", "unavailable")],
        Outcome::Waiting {
            next_ms: NOW + 3_000,
        },
    );
    let refused = Outcome::Undelivered {
        why: Undelivered::Discarded,
        reason: "invalid: too long".to_owned(),
        field: "name".to_owned(),
    };
    tell(7, vec![attempt("207", "")], refused);
    all
}

/// A row of dead letters.
pub fn dead_letter_row(event_type: &str, count: u64) -> DeadLetterRow {
    DeadLetterRow {
        group: DeadLetterGroup {
            why: Undelivered::Discarded,
            reason: "invalid: property value cannot be longer than 1000 bytes".to_owned(),
            field: "attributes.plan".to_owned(),
            event_type: event_type.to_owned(),
        },
        count,
        again: 0,
        newest_ms: NOW - 60_000,
    }
}

/// One of them.
pub fn dead_letter(number: i64) -> DeadLetter {
    let body = format!(
        r#"{{"type":"person","action":"event","identifiers":{{"id":"u-{number:04}"}},"name":"Cart Viewed","timestamp":1799999999,"id":"01K","attributes":{{"plan":"{}","items":[1,2]}}}}"#,
        "x".repeat(40)
    );
    let row = dead_letter_row("Cart Viewed", 2).group;
    DeadLetter {
        number,
        at_ms: NOW - 60_000,
        why: row.why,
        reason: row.reason,
        field: row.field,
        answer: "207".to_owned(),
        message: String::new(),
        history: History {
            requests: 1,
            failures: 0,
            first_ms: Some(NOW - 60_300),
            ..History::default()
        },
        again: number == 17,
        accepted: Accepted {
            item: Item {
                id: 7_u128.into(),
                person: 7,
                route: Route::Batch,
                body: body.into(),
            },
            sequence: 0,
            part: Part::Event,
            event_type: "Cart Viewed".into(),
            happened_ms: NOW - 62_000,
            received_ms: NOW - 61_000,
        },
    }
}

pub fn delivery() -> DeliveryStatus {
    DeliveryStatus {
        spool: SpoolStatus {
            items: 1_204,
            bytes: 2_408_000,
            quota_bytes: 1_000_000_000,
            oldest_ms: Some(NOW - 2_300),
            dead_letters: 3,
            dead_letter_bytes: 4_100,
            keep_dead_letters_ms: 30 * 86_400_000,
            ..SpoolStatus::default()
        },
        in_flight: 2,
        rate: 100.0,
        rate_limit: 100,
        server: Some("customer.io us".to_owned()),
        ..DeliveryStatus::default()
    }
}

pub fn snapshot(mode: Mode) -> Snapshot {
    let mut series = Series::default();
    for second in 0..=60 {
        let at = NOW - 60_000 + second * 1_000;
        let wave = 1_000 + (second * 37 % 400) as u32;
        series.add(Line::Received, wave, at);
        series.add(Line::Accepted, wave / 4, at);
        series.add(Line::Delivered, wave / 4, at);
        series.add(Line::Rejected, u32::from(second % 9 == 0), at);
    }
    let all = records();
    let limit = |record: &Record, count| {
        let worst = record.story.violations[0].clone();
        LimitRow {
            code: worst.code,
            policy: worst.policy,
            count,
            recent: count,
            trend: (0..60).map(|n| n % 7 * count / 60).collect(),
            worst_type: record.event_type().into(),
            worst,
            last_ms: NOW,
            last_sequence: record.sequence,
        }
    };
    let types = [
        ("Song Played", 120_404, 300.2),
        ("session_start", 90_100, 120.0),
        ("Product Viewed", 41_208, 110.5),
        ("Purchase Completed", 1_204, 4.2),
        ("Password Reset", 12, 0.02),
    ];
    Snapshot {
        at_ms: NOW,
        started_ms: NOW - 60_000,
        totals: Totals {
            received: 252_928,
            accepted: 41_211,
            delivered: 41_208,
            success_on_first_attempt: 41_201,
            success_after_retry: 7,
            discarded: 3,
            malformed: 2,
            ..Totals::default()
        },
        rates: Rates {
            received: 1_204.0,
            accepted: 311.0,
            delivered: 311.0,
            rejected: 2.0,
        },
        series: Arc::new(series),
        feed: sluicegate::feed::FeedStatus {
            state: FeedState::Live,
            connects: 1,
            ..Default::default()
        },
        feed_lag_ms: Some(1_200),
        mode: Some(mode),
        filters: Arc::new(filters()),
        rules: tallies(),
        types: Arc::new(
            types
                .map(|(name, count, rate)| TypeRow {
                    name: name.into(),
                    count,
                    accepted: count / 2,
                    rate,
                })
                .to_vec(),
        ),
        limits: Arc::new(vec![
            limit(&all[2], 12),
            limit(&all[5], 3),
            limit(&all[4], 197),
        ]),
        latency: LatencyRow {
            count: 41_208,
            p50_ms: 84,
            p95_ms: 210,
            p99_ms: 480,
        },
        answers: [
            ("200".to_owned(), 311),
            ("207".to_owned(), 1),
            ("503".to_owned(), 2),
        ]
        .into(),
        requests_per_minute: 31,
        delivery: delivery(),
        dead_letters: Arc::new(vec![
            dead_letter_row("Cart Viewed", 2),
            dead_letter_row("Product Added", 1),
        ]),
        ..Snapshot::default()
    }
}

pub fn tallies() -> Vec<RuleTally> {
    let internal = RuleTally {
        reached: 1_000,
        matched: 41,
        held_back: 41,
        timed: 16,
        timed_ns: 19_200,
        ..RuleTally::default()
    };
    vec![internal, RuleTally::default()]
}

/// A screen with everything on it, and the ring behind it.
pub struct Fixture {
    session: Session,
    pub ring: SharedRing,
}

impl Deref for Fixture {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Fixture {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}

impl Fixture {
    pub fn new(size: (u16, u16)) -> Self {
        Self::with(size, Mode::Open)
    }

    pub fn with(size: (u16, u16), mode: Mode) -> Self {
        let mut fixture = Self::empty(size);
        fixture.ring.lock().extend(records());
        fixture.act(Action::Snapshot(Arc::new(snapshot(mode))));
        fixture
    }

    /// A screen before the first event and the first snapshot.
    pub fn empty(size: (u16, u16)) -> Self {
        let labels = Labels {
            workspace: "shop-prod".to_owned(),
            destination: "customer.io us · site 1a2b…".to_owned(),
            feed: "ws://relay:4080/feed".to_owned(),
            save_to: Some("s.toml".into()),
            server: String::new(),
        };
        let settings = QuerySettings {
            mapping: Mapping::default(),
            batching: Batching {
                age: Duration::from_millis(250),
                bytes: 500_000,
            },
        };
        let ring = SharedRing::new(64 << 20);
        let mut fixture = Self {
            session: Session::new(State::new(labels, size), settings, ring.clone()),
            ring,
        };
        fixture.turn();
        fixture
    }

    /// A frame: the events pane, and the preview of the draft.
    pub fn turn(&mut self) {
        self.session.refresh();
        let Some(question) = self.session.question() else {
            return;
        };
        let comparison = Comparison::new(&question.before, &question.after).unwrap();
        let mut previewing = Previewing::new(comparison, question.batching, false, 0);
        let mut last = None;
        query::make(&self.ring, &mut previewing, &AtomicBool::new(false), |p| {
            last = Some(p);
            true
        });
        self.session.act(Action::Previewed(Box::new(last.unwrap())));
    }

    /// Applies an action, with the catalog and the summary that it asks for, and draws a frame.
    /// Returns the effects that the shell would carry out.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let effects = self.session.act(action);
        if effects.contains(&Effect::Catalog) {
            let catalog = Arc::new(recent_catalog(&self.ring));
            self.session.act(Action::Catalog(catalog));
        }
        self.summarize();
        self.turn();
        effects
    }

    /// Counts the violations of the open limit by place.
    pub fn break_down(&mut self) {
        if let Some(opened) = self.state.overlays.limit() {
            let code = opened.code;
            let found = Breakdown::of(code, &self.ring, &Mapping::default());
            self.act(Action::BrokenDown(code, Box::new(found)));
        }
    }

    /// Collects the properties of the open event type.
    pub fn explore(&mut self) {
        if let Some(open) = self.state.overlays.properties() {
            let event_type = open.event_type.clone();
            let found = Box::new(Properties::of(&event_type, &self.ring));
            self.act(Action::Properties(event_type, found));
        }
    }

    /// Summarizes the events of the open person, once.
    fn summarize(&mut self) {
        let person = self.state.overlays.person();
        if let Some(person) = person.filter(|person| person.summary.is_none()) {
            let identity = person.identity.clone();
            let mut summary = Summary::of(&identity, &self.ring);
            summary.dead_letters = vec![dead_letter(17)];
            let summarized = Action::Summarized(identity, Box::new(summary));
            self.session.act(summarized);
        }
    }

    pub fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for c in keys.chars() {
            let code = match c {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                '\u{1b}' => KeyCode::Esc,
                '↓' => KeyCode::Down,
                '↑' => KeyCode::Up,
                '⌫' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            };
            effects.extend(self.act(Action::Key(KeyEvent::new(code, KeyModifiers::NONE))));
        }
        effects
    }

    pub fn draw(&self, theme: &Theme) -> String {
        let (width, height) = self.state.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal
            .draw(|frame| view::draw(frame, &self.state, theme))
            .unwrap();
        terminal.backend().to_string()
    }

    pub fn plain(&self) -> String {
        self.draw(&Theme::plain(false))
    }
}
