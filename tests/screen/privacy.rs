//! Hiding people, and text that is hostile to a terminal.

use crate::fixture::{Fixture, NOW, dead_letter, snapshot};
use crate::watches::watched;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use sluicegate::amplitude::frame;
use sluicegate::config::Settings;
use sluicegate::feed::FeedState;
use sluicegate::filter::{Filters, Gate, Mode, SharedGate};
use sluicegate::limits::Policy;
use sluicegate::pipeline::{Judge, JudgeRules};
use sluicegate::protocol::{LimitRow, Record, Snapshot, TypeRow};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::frame::popup::Popup;
use sluicegate::tui::view;
use sluicegate::tui::widget::text::visible;
use sluicegate::tui::widget::theme::Theme;
use std::sync::Arc;

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
    fixture.act(Action::DeadLetters(Ok(vec![
        dead_letter(1),
        dead_letter(2),
    ])));
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
    let gate = SharedGate::new(Gate::new(Mode::Open, Filters::default()).unwrap());
    let settings = Settings::default();
    let judge_rules = Arc::new(arc_swap::ArcSwap::from_pointee(JudgeRules::of(&settings)));
    let mut judge = Judge::new(gate, judge_rules, &settings);
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
                policy: Policy::Reject,
                count: 1,
                recent: 1,
                trend: vec![1],
                types: vec![(r.event_type().into(), 1)],
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

/// Keys that lead through every pane, overlay and popup.
const WALK: &[&str] = &[
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
    "f",
    " ",
    "↓ ",
    "v",
    "\u{1b}",
    "N",
    "\n",
    "H",
    "\u{1b}",
    "\u{1b}",
    "F↓",
    "\n",
    "↓x",
    "\u{1b}",
    "y",
    "\u{1b}",
    "p",
    "\u{1b}",
    "↓↓",
    "\n",
    "p",
    "\u{1b}",
    "↓↓",
    "p",
    "\u{1b}",
    ":",
    "\u{1b}",
    "\t\n",
    "\u{1b}",
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
    "Wevent_type != \"\\u001b\"",
    "\n",
    "\u{1b}",
    "M",
    "C",
    "\\",
    "=",
];

/// No control character is on the screen, and the clock keeps its place.
fn assert_harmless(buffer: &Buffer) {
    for cell in buffer.content() {
        let is_hostile = |c: char| c.is_control() || visible(c) != c;
        let is_bad = cell.symbol().chars().any(is_hostile);
        assert!(!is_bad, "{:?} is on the screen", cell.symbol());
    }
    let columns = buffer.area.width;
    let header: String = (0..columns).map(|x| buffer[(x, 0)].symbol()).collect();
    assert!(header.trim_end().ends_with("08:00:00Z"), "{header}");
}

#[test]
fn hostile_text_moves_nothing_on_the_screen() {
    let (all, hostile_snapshot) = hostile();
    for size in [(80, 24), (120, 34), (200, 60)] {
        let mut fixture = Fixture::empty(size);
        fixture.ring.lock().extend(all.clone());
        fixture.act(Action::Snapshot(Arc::new(hostile_snapshot.clone())));
        let mut walked = (false, false, false, false, false);
        for keys in WALK {
            fixture.press(keys);
            let state = &fixture.state;
            walked.0 |= state.draft.is_some() && state.preview.is_some();
            walked.1 |= state.overlays.person().is_some();
            walked.2 |=
                matches!(&state.popup, Some(Popup::Rule(editor)) if editor.when.menu.is_some());
            walked.3 |= state.overlays.limit().is_some();
            walked.4 |= state.overlays.properties().is_some();
            fixture.explore();
            if !fixture.state.watches.is_empty() {
                watched(&mut fixture, NOW + 1_000);
            }
            fixture.break_down();
            let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
            terminal
                .draw(|f| view::draw(f, &fixture.state, &Theme::dark(false)))
                .unwrap();
            assert_harmless(terminal.backend().buffer());
        }
        assert_eq!(walked, (true, true, true, true, true));
    }
}

#[test]
fn hiding_people_leaves_the_addresses_of_servers() {
    let mut fixture = Fixture::new((120, 34));
    fixture.state.labels.feed = "ws://10.0.0.5:4080/feed".to_owned();
    fixture.state.labels.destination = "sandbox 127.0.0.1:39177".to_owned();
    let mut down = snapshot(Mode::Open);
    down.feed.state = FeedState::Down {
        why: "connection refused: nothing listens at ws://10.0.0.5:4080/feed".to_owned(),
        next_ms: NOW,
    };
    fixture.act(Action::Snapshot(Arc::new(down)));
    fixture.press("P");
    let screen = fixture.plain();
    assert!(screen.contains("ws://10.0.0.5:4080"), "{screen}");
    assert!(screen.contains("sandbox 127.0.0.1:39177"), "{screen}");
    assert!(!screen.contains("u-0009"), "{screen}");
}
