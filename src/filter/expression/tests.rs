use super::{Condition, Evaluation, Variables};
use crate::amplitude::Reading;
use crate::amplitude::frame::tests_support::event;

const EVENT: &str = r#"{"event_type":"Purchase Completed","user_id":"u-1","device_id":"d","time":1799999999000,
    "ip":"203.0.113.7","app_version":"1.2","country":null,"session_id":-1,
    "event_properties":{"price":12.5,"items":["a","b"],"internal":false,"plan":null,"deep":{"x":{"y":7}}},
    "user_properties":{"email":"ann@example.com"},"groups":{"company":["acme"]}}"#;

fn verdict(condition: &str) -> Evaluation {
    let event = event(EVENT);
    let reading = Reading::new(&event);
    let variables = Variables::new(&reading);
    Condition::compile(condition)
        .unwrap()
        .evaluate(&variables.context())
}

#[test]
fn conditions_see_every_field_by_its_export_name_in_both_dialects() {
    for holds in [
        r#"event_type == "Purchase Completed""#,
        r#"ip_address == "203.0.113.7" && version_name == "1.2""#,
        r#"event_time == "2027-01-15 07:59:59.000000""#,
        "event_properties.price > 12 && event_properties.price < 13.0",
        "event_properties.deep.x.y == 7",
        r#""a" in event_properties.items && size(event_properties.items) == 2"#,
        r#"user_properties.email.endsWith("@example.com")"#,
        r#"user_properties["email"].matches("^ann@")"#,
        r#"groups.company[0] == "acme""#,
        "has_user && age_ms == 1000 && size_bytes > 100",
        "session_id == -1 && country == null",
        "!event_properties.internal",
        "has(event_properties.price) && !has(event_properties.nope)",
        r#""price" in event_properties"#,
        r#"event_properties.exists(k, k == "price")"#,
        r#"user_properties == {"email": "ann@example.com"}"#,
        r#"event_type.lowerAscii().startsWith("purchase")"#,
    ] {
        assert_eq!(verdict(holds), Evaluation::True, "{holds}");
    }
}

#[test]
fn a_missing_property_makes_a_condition_false_and_no_error() {
    for missing in [
        "event_properties.nope == 1",
        "event_properties.nope != 1",
        "!event_properties.nope",
        "event_properties.plan > 3",
        "event_properties.deep.nope.more == 1",
        r#"country.startsWith("U")"#,
        r#"user_properties.email == "ann@example.com" && event_properties.nope"#,
        "event_properties.items[7] == 1",
        "event_properties.plan",
    ] {
        assert_eq!(verdict(missing), Evaluation::False, "{missing}");
    }
    assert_eq!(
        verdict("event_properties.nope == 1 || event_properties.price > 1.0"),
        Evaluation::True
    );
}

#[test]
fn values_that_can_not_be_compared_are_an_error() {
    let Evaluation::Error(text) = verdict(r#"event_properties.price > "ten""#) else {
        panic!("no error")
    };
    assert_eq!(text, "> does not take a number and a string");
    let Evaluation::Error(text) = verdict("event_properties.price") else {
        panic!("no error")
    };
    assert_eq!(text, "gives a number, not true or false");
}

#[test]
fn a_compile_error_has_a_message_and_a_column() {
    for (source, message, column) in [
        ("", "write a condition", 0),
        (r#"evnt_type == "x""#, "did you mean event_type?", 0),
        ("event_type = 'x'", "write == to compare", 11),
        ("event_type ==", "something is missing here", 13),
        ("event_type == 'x' & has_user", "write &&", 18),
        ("event_type == 'x", "no closing quote", 14),
        ("event_type.startWith('x')", "did you mean startsWith?", 11),
        ("event_type == 'x' has_user", "not expected here", 18),
        ("price > 3", "needs event_properties.", 0),
    ] {
        let error = Condition::compile(source).unwrap_err();
        assert!(error.message.contains(message), "{source}: {error}");
        assert_eq!(error.column, column, "{source}: {error}");
    }
}
