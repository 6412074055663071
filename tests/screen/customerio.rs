//! Asking Customer.io from an event and from a person, and its answer in one timeline.

use sluicegate::customerio::Mapping;
use sluicegate::customerio::app::{Activity, EventAnswer, Look};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::customerio::about::AskedAbout;
use sluicegate::tui::customerio::query::Prepared;
use sluicegate::tui::frame::focus::OverlayKind;
use sluicegate::tui::widget::theme::Theme;

use crate::fixture::Fixture;

fn activity(kind: &str, name: &str, at_s: i64, delivery: &str) -> Activity {
    Activity {
        id: String::new(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        at_s,
        delivery_id: delivery.to_owned(),
    }
}

/// Answers the question that the screen has asked.
fn answer(fixture: &mut Fixture, effects: &[Effect], event: Option<EventAnswer>) {
    let about = asked(effects);
    let prepared = Prepared::of(&about, &fixture.ring, &Mapping::default()).unwrap();
    let at_s = match &prepared.question.event {
        Some(event) => event.at_s,
        None => fixture.state.snapshot.at_ms / 1_000,
    };
    let look = Look {
        asked_ms: fixture.state.snapshot.at_ms,
        has_profile: true,
        attributes: 12,
        event,
        activities: vec![
            activity("opened_email", "", at_s + 40, "m-1"),
            activity("delivered_email", "", at_s + 9, "m-1"),
            activity("sent_email", "", at_s + 3, "m-1"),
            activity("skipped_update", "", at_s + 2, ""),
            activity("failed_event", "Coupon\u{1b}[31m Applied", at_s + 1, ""),
            activity("event", "Purchase Completed", at_s, ""),
            activity("bounced_email", "", at_s - 90_000, "m-0"),
        ],
        has_more: true,
    };
    let found = Box::new(prepared.with(look));
    fixture.act(Action::CustomerIoAnswered(about, Ok(found)));
}

fn asked(effects: &[Effect]) -> AskedAbout {
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::AskCustomerIo(about) => Some(about.clone()),
        _ => None,
    });
    asked.expect("Customer.io is asked")
}

/// Opens the inspector on the first event of a person, and asks.
fn ask_about_event(fixture: &mut Fixture) -> Vec<Effect> {
    fixture.press("/u-0001\n");
    fixture.press("\n");
    fixture.press("c")
}

#[test]
fn an_event_is_asked_about_and_the_mail_after_it_is_told() {
    let mut fixture = Fixture::new((120, 34));
    let effects = ask_about_event(&mut fixture);
    assert!(matches!(asked(&effects), AskedAbout::Event(_)));
    assert!(fixture.plain().contains("asking Customer.io"));
    // One question at a time.
    assert_eq!(fixture.press("c"), []);
    answer(&mut fixture, &effects, Some(EventAnswer::Found));
    let screen = fixture.plain();
    for expected in [
        "u-0001 has a profile at Customer.io, with 12 attributes.",
        "is there: Customer.io applied it.",
        "Taken with 200 and not applied: 1 × event failed after the 200, 1 × older update skipped.",
        "1 message since the event: email opened at ",
        "Only the newest 7 activities",
        "◉ email opened",
        "» email sent",
        "⊘ email bounced",
    ] {
        assert!(
            screen.contains(expected),
            "{expected:?} is not in\n{screen}"
        );
    }
    assert!(!screen.contains('\u{1b}'));
    insta::assert_snapshot!("event", screen);
    // From the event's row to the event, and back.
    for _ in 0..8 {
        if !fixture.press("\n").is_empty() {
            break;
        }
        assert!(fixture.plain().contains("only events of this forwarder"));
        fixture.press("↑");
    }
    assert_eq!(
        fixture.state.overlays.top_kind(),
        Some(OverlayKind::Inspector)
    );
}

#[test]
fn each_answer_about_an_event_has_its_sentence() {
    for (event, expected) in [
        (
            EventAnswer::Failed,
            "took it with 200, and then did not apply it",
        ),
        (
            EventAnswer::Missing,
            "is not there yet: it can take minutes",
        ),
        (
            EventAnswer::Undecided,
            "was not found among the newest activities",
        ),
        (EventAnswer::TooOld, "older than the 30 days"),
    ] {
        let mut fixture = Fixture::new((120, 34));
        let effects = ask_about_event(&mut fixture);
        answer(&mut fixture, &effects, Some(event));
        let screen = fixture.plain();
        assert!(
            screen.contains(expected),
            "{expected:?} is not in\n{screen}"
        );
    }
}

#[test]
fn a_person_is_asked_about_at_every_size() {
    for size in [(80, 24), (160, 45), (200, 60)] {
        let mut fixture = Fixture::new(size);
        fixture.press("/u-0001\n");
        fixture.press("p");
        assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Person));
        let effects = fixture.press("c");
        assert!(matches!(asked(&effects), AskedAbout::Person(_)));
        answer(&mut fixture, &effects, None);
        let name = format!("person_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, fixture.plain());
        fixture.press("\u{1b}");
        assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Person));
    }
}

#[test]
fn without_an_answer_it_says_why_and_is_asked_again() {
    let mut fixture = Fixture::new((120, 34));
    let effects = ask_about_event(&mut fixture);
    let about = asked(&effects);
    let why = "Customer.io can't be asked without an App API key: set verify.app_api_key";
    fixture.act(Action::CustomerIoAnswered(
        about.clone(),
        Err(why.to_owned()),
    ));
    assert!(fixture.plain().contains("set verify.app_api_key"));
    assert_eq!(asked(&fixture.press("c")), about);
    // An answer to another question is not taken for this one.
    let other = AskedAbout::Event(9_999);
    fixture.act(Action::CustomerIoAnswered(other, Err("another".to_owned())));
    assert!(fixture.plain().contains("asking Customer.io"));
}

#[test]
fn people_are_masked_and_the_ascii_set_is_enough() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("P");
    let effects = ask_about_event(&mut fixture);
    answer(&mut fixture, &effects, Some(EventAnswer::Found));
    let screen = fixture.draw(&Theme::plain(true));
    let below = screen.split("Customer.io - ").nth(1).unwrap();
    assert!(!below.contains("u-0001"), "{screen}");
    assert!(
        screen.contains("M email opened") && screen.contains("X email bounced"),
        "{screen}"
    );
    // The escape sequence in a name stays a visible symbol.
    assert!(screen.replace('␛', "").is_ascii(), "{screen}");
}
