//! Rules: written, completed, moved, made from a field.

use crate::filters::filters_sent;
use crate::fixture::{Fixture, filters};
use sluicegate::filter::RuleEffect;
use sluicegate::tui::action::Effect;
use sluicegate::tui::frame::popup::Popup;

#[test]
fn a_note_is_written_with_its_rule_and_told_under_the_cursor() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f↓↓↓↓↓e\t\t");
    fixture.press(" of Berlin");
    fixture.press("\n");
    assert_eq!(
        fixture.state.filters.rules[0].note,
        "our own people of Berlin"
    );
    assert!(fixture.plain().contains("our own people of Berlin"));
}

#[test]
fn a_field_of_an_event_becomes_a_rule() {
    let mut fixture = Fixture::new((120, 34));
    // The first line of the document is the event as a whole.
    fixture.press("/purchase\n↓\nx");
    assert!(fixture.plain().contains("this holds several values"));
    fixture.press("↓x");
    insta::assert_snapshot!("exclude_this", fixture.plain());
    let sent = filters_sent(&fixture.press("\n"));
    let rule = sent.rules.last().unwrap();
    assert_eq!(rule.when, "event_type == \"Purchase Completed\"");
    assert_eq!(rule.effect, RuleEffect::Exclude);
    fixture.press("↓i");
    let sent = filters_sent(&fixture.press("\n"));
    let rule = sent.rules.last().unwrap();
    assert_eq!(rule.when, "user_id == \"u-0001\"");
    assert_eq!(rule.effect, RuleEffect::Include);
    fixture.press("\tx");
    assert!(fixture.plain().contains("Tab shows it"));
}

#[test]
fn a_condition_is_completed_from_what_was_seen() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("revent_type == ");
    insta::assert_snapshot!("completion", fixture.plain());
    fixture.press("\"Pa\t");
    let screen = fixture.plain();
    assert!(
        screen.contains("when     event_type == \"Password Reset\""),
        "{screen}"
    );
    assert!(screen.contains("would be filtered 1"), "{screen}");
    let sent = filters_sent(&fixture.press("\n"));
    assert_eq!(sent.rules[2].when, "event_type == \"Password Reset\"");
    // What was written is there to be recalled, before the rules that there are.
    fixture.press("r↑");
    assert!(
        fixture
            .plain()
            .contains("when     event_type == \"Password")
    );
    fixture.press("↑");
    assert!(
        fixture
            .plain()
            .contains("when     user_id.startsWith(\"staff\")")
    );
}

#[test]
fn rules_are_toggled_by_number_moved_written_and_deleted() {
    let mut fixture = Fixture::new((120, 34));
    assert!(filters_sent(&fixture.press("2\n")).rules[1].on);
    let sent = filters_sent(&fixture.press("f↓↓↓↓↓J\n"));
    assert_eq!(sent.rules[1].name, "internal");
    // The rule comes into force with what the draft has beside it.
    fixture.press("1");
    let sent = filters_sent(&fixture.press("rhas_user\n"));
    assert_eq!(
        (
            sent.rules.len(),
            sent.rules[0].on,
            sent.rules[2].when.as_str(),
            sent.rules[2].on
        ),
        (3, false, "has_user", true)
    );
    assert_eq!(fixture.press("D"), []);
    assert_eq!(filters_sent(&fixture.press("\n")).rules.len(), 2);
    assert_eq!(fixture.press("9"), []);
    assert!(fixture.plain().contains("no rule 9"));
}

#[test]
fn a_rule_that_is_wrong_never_reaches_the_pipeline() {
    let mut fixture = Fixture::new((120, 34));
    for keys in [
        "r\n",
        "revnt_type == 1\n",
        "rhas_user\t⌫⌫⌫0\n",
        "rhas_user\t\t\t⌫⌫⌫⌫⌫⌫\n",
    ] {
        assert_eq!(fixture.press(keys), [Effect::Catalog], "{keys}");
        assert!(
            matches!(fixture.state.popup, Some(Popup::Rule(_))),
            "{keys} leaves the editor"
        );
        fixture.press("\u{1b}");
    }
    assert_eq!(fixture.state.filters, filters());
}

#[test]
fn a_condition_that_is_not_true_or_false_says_so_and_is_not_applied() {
    for (written, says) in [
        ("size_bytes", "size_bytes is not true or false: compare it"),
        ("1 + 2", "this is a number or a text, not true or false"),
        (
            "event_properties.total",
            "event_properties.total is not true or false in recent events",
        ),
    ] {
        let mut fixture = Fixture::new((120, 34));
        fixture.press("r");
        fixture.press(written);
        assert!(fixture.plain().contains(says), "{}", fixture.plain());
        assert!(fixture.plain().contains("nothing yet: the condition"));
        assert_eq!(fixture.press("\n"), [], "{written}");
        assert!(matches!(fixture.state.popup, Some(Popup::Rule(_))));
        // Nor is it watched.
        fixture.press("\u{1b}W");
        fixture.press(written);
        assert!(fixture.plain().contains(says), "{}", fixture.plain());
        fixture.press("\n");
        assert!(fixture.state.watches.is_empty(), "{written}");
    }
}

#[test]
fn the_preview_tells_of_events_on_which_a_condition_fails() {
    let mut fixture = Fixture::new((120, 34));
    let written = "event_properties.total.startsWith(\"1\")";
    fixture.press("r");
    fixture.press(written);
    let says = "⚠ rule 3 fails on 1 of 7 events: startsWith does not take";
    assert!(fixture.plain().contains(says), "{}", fixture.plain());
    // In the draft too.
    fixture.press("\n");
    fixture.press("1");
    assert!(
        fixture.plain().contains("rule 3 fails on"),
        "{}",
        fixture.plain()
    );
}

#[test]
fn a_property_that_no_event_has_gets_a_hint() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("revent_properties.totl > 3.0");
    let says =
        "no event of the last 9 has event_properties.totl; did you mean event_properties.total?";
    assert!(fixture.plain().contains(says), "{}", fixture.plain());
    fixture.press("\u{1b}Wevent_properties.totl > 3.0");
    assert!(fixture.plain().contains(says), "{}", fixture.plain());
}
