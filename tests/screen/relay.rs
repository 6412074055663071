//! A relay's own screen: what it says, and what keys do.

use std::net::IpAddr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use sluicegate::config;
use sluicegate::feed::log::Damage;
use sluicegate::feed::server::{ClientStatus, LogStatus};
use sluicegate::feed::usage::Usage;
use sluicegate::relay::sources::SourceStatus;
use sluicegate::relay::{Endpoint, RelayStatus};
use sluicegate::tui::relay::layout::RelayPane;
use sluicegate::tui::relay::state::{RelayEffect, RelayLabels, RelayState};
use sluicegate::tui::relay::{LogLine, view};
use sluicegate::tui::widget::theme::Theme;

use crate::fixture::NOW;
use crate::looks::{SIZES, assert_ascii, assert_readable};

fn source(endpoint: Endpoint, last: u8, agent: &str, events: u64) -> SourceStatus {
    SourceStatus {
        endpoint,
        address: IpAddr::from([10, 0, 0, last]),
        agent: agent.to_owned(),
        events,
        requests: events,
        refused: 0,
        last_refusal: None,
        last_ms: NOW - 400,
    }
}

fn client(name: &str, sent: u64, behind: Option<u64>, lag_ms: i64) -> ClientStatus {
    ClientStatus {
        name: name.to_owned(),
        since_ms: NOW - 3_600_000,
        sent,
        behind,
        lag_ms,
        acknowledged_ms: behind.map(|_| lag_ms + 200),
    }
}

fn usage(messages: u64, max_bytes: u64) -> Usage {
    Usage {
        messages,
        bytes: messages * 1_400,
        max_bytes,
        age_ms: 2_400_000,
    }
}

/// How a relay stands after so many seconds of traffic.
fn standing(second: u64) -> RelayStatus {
    let events = 200 * second;
    let mut failing = source(Endpoint::Batch, 9, "python-requests/2.31", 0);
    failing.refused = 3 * second;
    let why = "Request missing required field: user_id".to_owned();
    failing.last_refusal = Some((400, why));
    RelayStatus {
        at_ms: NOW + second as i64 * 1_000,
        since_ms: NOW - 7_200_000,
        received: 1_000_000 + events,
        refused: 3 * second,
        ring: usage(30_000 + events, 64 << 20),
        log: Some(LogStatus {
            usage: usage(420_000 + events, 1_000_000_000),
            retention_ms: 86_400_000,
            fault: None,
            damage: Damage::default(),
        }),
        sources: vec![
            source(
                Endpoint::Webhook,
                7,
                "Amplitude/Webhook/1.0",
                990_000 + events,
            ),
            source(Endpoint::HttpApi, 8, "\u{1b}[31mnode\u{202e}", 10_000),
            failing,
        ],
        clients: vec![
            client("name:forwarder", 999_000 + events, Some(0), 0),
            client(
                "name:watcher in the office",
                50 * second,
                Some(12_400),
                84_000,
            ),
            client("10.0.0.4", 900 * second, None, 1_400_000),
        ],
    }
}

fn labels() -> RelayLabels {
    RelayLabels {
        url: "http://10.0.0.1:4080".to_owned(),
        feed_url: "ws://10.0.0.1:4080/feed".to_owned(),
        asks: "senders are asked for the secret, readers for the token".to_owned(),
    }
}

fn serving() -> RelayState {
    let mut state = RelayState::new(labels(), config::Theme::Dark, standing(0), (120, 34));
    let line = |n: i64, text: &str| LogLine {
        at_ms: NOW + n * 1_000,
        text: text.to_owned(),
    };
    let mut lines: Vec<LogLine> = (0..20)
        .map(|n| line(n, &format!("INFO client 10.0.0.{n} came")))
        .collect();
    lines.push(line(
        20,
        "WARN client 10.0.0.4 was cut: it took nothing for 10s",
    ));
    lines.push(line(21, "WARN 400 to /batch 10.0.0.9 (python-requests/2.31): Request missing required field: user_id (and 12 since)"));
    lines.push(line(22, "ERROR relay.pem is \u{1b}]0;no certificate\u{7}"));
    for second in 1..=30 {
        state.update(standing(second), lines.clone());
    }
    state
}

fn drawn(state: &RelayState, size: (u16, u16), theme: &Theme) -> Buffer {
    let state = sized(state, size);
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal
        .draw(|frame| view::draw(frame, &state, theme))
        .unwrap();
    terminal.backend().buffer().clone()
}

fn sized(state: &RelayState, size: (u16, u16)) -> RelayState {
    let mut state = state.clone();
    state.size = size;
    state
}

fn text(state: &RelayState, size: (u16, u16)) -> String {
    let state = sized(state, size);
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let theme = Theme::plain(false);
    terminal
        .draw(|frame| view::draw(frame, &state, &theme))
        .unwrap();
    terminal.backend().to_string()
}

fn press(state: &mut RelayState, keys: &[KeyCode]) -> Vec<RelayEffect> {
    let press = |code: &KeyCode| state.press(KeyEvent::new(*code, KeyModifiers::NONE));
    keys.iter().filter_map(press).collect()
}

fn scenes() -> [(&'static str, RelayState); 7] {
    let with = |keys: &[KeyCode]| {
        let mut state = serving();
        press(&mut state, keys);
        state
    };
    let mut new = standing(0);
    (new.sources, new.clients, new.log) = (Vec::new(), Vec::new(), None);
    (new.received, new.refused, new.ring) = (0, 0, Usage::default());
    let mut broken = serving();
    if let Some(log) = &mut broken.status.log {
        let why = "cannot keep messages in /var/lib/sluicegate/relay: database or disk is full";
        log.fault = Some(why.to_owned());
    }
    let mut damaged = serving();
    if let Some(log) = &mut damaged.status.log {
        let why = "the log of messages was damaged (database disk image is malformed): 41,983 messages were saved, 37 are lost";
        log.damage.description = Some(why.to_owned());
        log.damage.lost = 37;
    }
    [
        ("relay", serving()),
        ("relay_log_damaged", damaged),
        (
            "relay_new",
            RelayState::new(labels(), config::Theme::Dark, new, (120, 34)),
        ),
        ("relay_log_fails", broken),
        ("relay_help", with(&[KeyCode::Char('?')])),
        ("relay_leaving", with(&[KeyCode::Char('q')])),
        (
            "relay_log_scrolled",
            with(&[KeyCode::BackTab, KeyCode::PageUp]),
        ),
    ]
}

#[test]
fn every_scene_of_a_relay_at_three_sizes() {
    for (name, state) in scenes() {
        let at = |size: (u16, u16)| format!("{}x{}\n{}", size.0, size.1, text(&state, size));
        insta::assert_snapshot!(name, SIZES.map(at).join("\n"));
    }
}

#[test]
fn every_scene_of_a_relay_can_be_read_in_every_theme_and_in_ascii() {
    for (name, state) in scenes() {
        for size in SIZES {
            assert_readable(name, size, |theme| drawn(&state, size, theme));
        }
    }
    // What senders say of themselves comes as it is; here it is made of nothing else.
    for (name, mut state) in scenes() {
        state.status.sources.truncate(1);
        state.lines.pop();
        for size in SIZES {
            assert_ascii(name, size, |theme| drawn(&state, size, theme));
        }
    }
}

#[test]
fn who_sends_to_a_wrong_path_is_shown_with_the_path_and_the_one_to_use() {
    let mut state = serving();
    let mut lost = source(Endpoint::Unknown, 5, "curl/8", 0);
    lost.refused = 7;
    let why = "POST /httpapi: There is no such path here: use /2/httpapi".to_owned();
    lost.last_refusal = Some((404, why));
    state.status.sources.insert(0, lost);
    let shown = text(&state, (180, 40));
    let row = shown.lines().find(|line| line.contains("wrong path"));
    let row = row.unwrap_or_else(|| panic!("{shown}"));
    assert!(row.contains("10.0.0.5") && row.contains(" 7 "), "{row}");
    assert!(
        row.contains("404 POST /httpapi: There is no such path here: use /2/httpapi"),
        "{row}"
    );
}

#[test]
fn a_terminal_that_is_too_small_is_told_so() {
    let told = text(&serving(), (60, 10));
    assert!(told.contains("terminal too small: 80×24 needed"), "{told}");
    text(&serving(), (1, 1));
}

#[test]
fn rates_are_averages_of_the_last_seconds() {
    let state = serving();
    assert!(
        (state.rate_in() - 200.0).abs() < 0.01,
        "{}",
        state.rate_in()
    );
    let [forwarder, watcher, _] = &state.status.clients[..] else {
        panic!()
    };
    assert!((state.rate_to(forwarder) - 200.0).abs() < 0.01);
    assert!((state.rate_to(watcher) - 50.0).abs() < 0.01);
    assert!(
        (state.rate_out() - 1_150.0).abs() < 0.01,
        "{}",
        state.rate_out()
    );
    assert!((state.rate_of(&state.status.sources[0]) - 200.0).abs() < 0.01);
}

#[test]
fn leaving_is_confirmed_while_someone_reads_and_lists_scroll_to_their_ends() {
    let mut state = serving();
    assert!(press(&mut state, &[KeyCode::Char('q'), KeyCode::Char('n')]).is_empty());
    let leave = press(&mut state, &[KeyCode::Char('q'), KeyCode::Char('y')]);
    assert_eq!(leave, [RelayEffect::Close]);
    state.status.clients.clear();
    assert_eq!(
        press(&mut state, &[KeyCode::Char('q')]),
        [RelayEffect::Close]
    );
    let room = state.shown(RelayPane::Log).len();
    assert_eq!(state.shown(RelayPane::Log), 23 - room..23, "the log's end");
    press(&mut state, &[KeyCode::BackTab, KeyCode::Home]);
    assert_eq!(state.shown(RelayPane::Log), 0..room);
    press(&mut state, &[KeyCode::Down, KeyCode::Down]);
    assert_eq!(state.shown(RelayPane::Log), 2..2 + room);
    press(&mut state, &[KeyCode::End]);
    assert_eq!(state.shown(RelayPane::Log), 23 - room..23);
    state.size = (80, 24);
    press(&mut state, &[KeyCode::Tab, KeyCode::End]);
    let shown = state.shown(RelayPane::Sources);
    assert!(shown.end == 3 && shown.start > 0, "{shown:?}");
    let before = state.colours;
    press(&mut state, &[KeyCode::Char('C')]);
    assert_ne!(state.colours, before);
}
