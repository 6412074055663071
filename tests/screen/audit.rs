//! The audit on the screen: its course, the hours, what is behind one, and the way to an event.

use sluicegate::audit::{Counts, Example, GapKind, HourDetail};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::audit::state::Finding;
use sluicegate::tui::frame::focus::OverlayKind;
use sluicegate::tui::widget::theme::Theme;
use ulid::Ulid;

use crate::fixture::Fixture;

/// The first hour: 2026-11-23T00.
const FIRST: i64 = 498_720;

/// A week in which an hour of the third day is missing, some events of another are dead letters, and one
/// hour is not in the export.
fn week() -> Finding {
    let mut finding = Finding::default();
    for hour in (0..168).filter(|hour| *hour != 30) {
        let missing = if hour == 60 { 400 } else { 0 };
        let dead = if hour == 100 { 3 } else { 0 };
        let counts = Counts {
            in_export: if hour == 120 { 0 } else { 1_204 },
            missing,
            received: 1_204 - missing,
            accepted: 700,
            filtered: 504 - missing,
            delivered: 700 - dead,
            dead_letters: dead,
            extra: u64::from(hour == 120),
            ..Counts::default()
        };
        let mut detail = HourDetail {
            counts,
            ..HourDetail::default()
        };
        for (name, part) in [("Purchase Completed", 4), ("Cart\u{1b}[31m Viewed", 2)] {
            let counts = Counts {
                in_export: 1_204 / part,
                missing: missing / part,
                ..counts
            };
            detail.types.insert(name.to_owned(), counts);
        }
        if missing + dead > 0 {
            let (kind, cause) = match missing {
                0 => (
                    GapKind::DeadLetters,
                    "refused: see `sluicegate dead-letters list`",
                ),
                _ => (
                    GapKind::Missing,
                    "the feed was down from 2026-11-25 12:00:01 to 12:21:44",
                ),
            };
            let text = format!("{}: {cause}", kind.name());
            detail.causes.insert(text, missing + dead);
            detail.examples = (0..20)
                .map(|number| example(hour, number, kind, cause))
                .collect();
        }
        finding.total.in_export += counts.in_export;
        finding.total.missing += missing;
        finding.total.dead_letters += dead;
        finding.hours.push((FIRST + hour, detail));
    }
    finding
}

fn example(hour: i64, number: i64, kind: GapKind, cause: &str) -> Example {
    let at_ms = (FIRST + hour) * 3_600_000 + number * 61_000;
    Example {
        id: Ulid::from_parts(at_ms.unsigned_abs(), number.unsigned_abs().into()),
        at_ms,
        event_type: "Purchase Completed".to_owned(),
        kind,
        cause: cause.to_owned(),
    }
}

fn audited(size: (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(size);
    assert_eq!(fixture.press("B"), [Effect::Audit(1)]);
    fixture.act(Action::Audited(1, Ok(Box::new(week()))));
    fixture
}

#[test]
fn the_worst_hour_is_shown_first_with_its_causes_types_and_events() {
    for size in [(80, 24), (120, 34), (200, 60)] {
        let fixture = audited(size);
        let screen = fixture.plain();
        for expected in [
            "400 missing, 3 undelivered",
            "2026-11-25 12:00 UTC",
            "the feed was down",
        ] {
            assert!(
                screen.contains(expected),
                "{expected:?} is not in\n{screen}"
            );
        }
        // The escape sequence in a name is shown as text.
        assert!(!screen.contains('\u{1b}'), "{screen}");
        insta::assert_snapshot!(format!("audit_{}x{}", size.0, size.1), screen);
    }
    let ascii = audited((120, 34)).draw(&Theme::plain(true));
    assert!(ascii.replace('␛', "").is_ascii(), "{ascii}");
}

#[test]
fn the_cursor_goes_over_hours_and_days_and_into_the_events_of_an_hour() {
    let mut fixture = audited((120, 34));
    fixture.press("→");
    assert!(fixture.plain().contains("2026-11-25 13:00 UTC"));
    fixture.press("\n");
    assert!(fixture.plain().contains("every event of this hour arrived"));
    fixture.press("←↓");
    assert!(fixture.plain().contains("2026-11-26 12:00 UTC"));
    fixture.press("↑\n↓↓");
    let found = fixture.press("\n");
    let chosen = example(60, 2, GapKind::Missing, "").id;
    assert_eq!(found, [Effect::FindAudited(chosen)]);
    // An event that is no longer in memory: what the ledger knows.
    fixture.act(Action::AuditedEvent(chosen, None));
    let screen = fixture.plain();
    assert!(
        screen.contains("the ledger says: missing, the feed was down"),
        "{screen}"
    );
    insta::assert_snapshot!("audit_events_of_an_hour", screen);
    // One that is there is inspected, and the way leads back to it.
    let effects = fixture.act(Action::AuditedEvent(chosen, Some(3)));
    assert_eq!(effects, [Effect::Inspect(3)]);
    fixture.press("\u{1b}");
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Audit));
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.overlays.top_kind(), None);
    // The result stays.
    assert_eq!(fixture.press("B"), []);
    assert_eq!(fixture.press("B"), [Effect::Audit(2)]);
}

#[test]
fn an_audit_goes_on_while_its_view_is_closed_and_can_be_stopped() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("B");
    fixture.act(Action::AuditReads(1, 5, 168));
    fixture.act(Action::AuditReads(1, 4, 168));
    assert!(fixture.plain().contains("5 of 168 files read"));
    // One at a time.
    assert_eq!(fixture.press("B"), []);
    fixture.press("\u{1b}");
    fixture.act(Action::Audited(1, Ok(Box::new(week()))));
    let screen = fixture.plain();
    assert!(
        screen.contains("audit: 400 events missing, 3 undelivered"),
        "{screen}"
    );
    fixture.press("B");
    fixture.press("B");
    assert_eq!(fixture.press("x"), [Effect::StopAudit]);
    assert!(fixture.plain().contains("stopped"));
    // What the stopped run still answers is ignored.
    fixture.act(Action::Audited(2, Err("stopped".to_owned())));
    assert!(fixture.plain().contains("B starts it again"));
    assert_eq!(fixture.press("B"), [Effect::Audit(4)]);
    let why = "no hours of an export are in /srv/amplitude-export";
    fixture.act(Action::Audited(4, Err(why.to_owned())));
    assert!(fixture.plain().contains(why));
}
