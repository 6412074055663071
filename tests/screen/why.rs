//! "Why didn't it arrive?": asked, answered with evidence, and followed to the events.

use sluicegate::tui::action::Effect;
use sluicegate::tui::frame::focus::OverlayKind;

use crate::fixture::Fixture;

#[test]
fn a_question_is_answered_in_sentences_with_the_timeline() {
    let mut fixture = Fixture::new((120, 34));
    for (asked, expected) in [
        (
            "u-0001",
            "u-0001 sent 1 event in the last 0 ms: 1 delivered.",
        ),
        (
            "u-0001",
            "The last one left at 08:00:00 and Customer.io answered 200 after 84 ms.",
        ),
        (
            "song played",
            "1 Song Played came in the last 0 ms: 1 filtered out (type not selected).",
        ),
        ("song played", "Select its type to send such events."),
        ("3", "1 rejected by id_too_long."),
        ("ann@example.com", "u-0005 sent 1 event"),
        (
            "u-0007 product added",
            "u-0007 sent 1 Product Added in the last 0 ms: 1 queued, in flight or retrying.",
        ),
        ("u-0007", "it is retried at 08:00:03."),
        ("u-0008", "discarded, name: invalid: too long"),
        (
            "u-9999",
            "None of the 9 events of the last 0 ms is “u-9999” or names it.",
        ),
        ("purchase", "IDs are case-sensitive."),
    ] {
        fixture.press(&format!("Y{asked}\n"));
        let screen = fixture.plain();
        assert!(
            screen.contains(expected),
            "{expected:?} is not in\n{screen}"
        );
    }
    // All at once are one overlay: Esc leaves it.
    fixture.press("\u{1b}");
    assert!(fixture.state.overlays.is_empty());
}

#[test]
fn the_answer_leads_to_its_events_and_to_the_person() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("Yproduct viewed\n");
    assert_eq!(fixture.press("\n"), [Effect::Inspect(6)]);
    fixture.press("\u{1b}");
    assert_eq!(fixture.state.overlays.top_kind(), Some(OverlayKind::Why));
    assert_eq!(fixture.press("↑p"), [Effect::Who(4)]);
    assert!(fixture.plain().contains("Person ─ user_id staff-7"));
    // A question from there begins with the person.
    fixture.press("Y");
    assert!(fixture.plain().contains("why? staff-7"));
    fixture.press("\u{1b}\u{1b}\u{1b}");
    assert!(fixture.state.overlays.is_empty());
}

#[test]
fn a_question_about_nothing_is_not_asked() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("Y  \n");
    assert!(fixture.plain().contains("write an ID"));
    fixture.press("\u{1b}");
    assert!(fixture.state.overlays.is_empty());
    // The palette finds it by its words.
    fixture.press(":arrive\n");
    assert!(fixture.plain().contains("why? "));
}

#[test]
fn a_question_and_its_answer_hide_who_people_are() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("PYann@example.com\n");
    let screen = fixture.plain();
    assert!(screen.contains("sent 1 event"), "{screen}");
    assert!(
        !screen.contains("u-0005") && !screen.contains("ann@"),
        "{screen}"
    );
}
