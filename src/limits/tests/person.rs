//! Limits of the person, and of the time that is sent.

use super::*;

#[test]
fn an_id_that_v1_would_take_for_another_kind_is_reported_if_it_is_sent_by_v1() {
    let large = |user: &str| {
        by(
            user,
            &format!(r#","event_properties":{{"k":"{}"}}"#, "x".repeat(40_000)),
        )
    };
    let sentence_of = |change: fn(&mut Mapping, &mut Policies), text: &str| {
        let found = broken_by(change, text);
        let violation = found.iter().find(|v| v.code == Code::IdAmbiguousByV1);
        violation.map(|v| v.sentence.clone())
    };
    for id in ["ann@example.com", "cio_0a1b"] {
        let sentence = sentence_of(|_, _| {}, &large(id)).unwrap();
        assert!(sentence.contains("mapping.recognize"), "{sentence}");
        assert_eq!(
            sentence_of(|_, _| {}, &by(id, "")),
            None,
            "v2 names the kind"
        );
        assert_eq!(sentence_of(|m, _| m.recognize = true, &large(id)), None);
    }
    assert_eq!(sentence_of(|_, _| {}, &large("u-1")), None);
    let attributes: Vec<String> = (0..40)
        .map(|n| format!(r#""p{n}":"{}""#, "x".repeat(990)))
        .collect();
    let identify = format!(
        r#"{{"event_type":"$identify","user_id":"ann@example.com","time":{NOW},"user_properties":{{"$set":{{{}}}}}}}"#,
        attributes.join(",")
    );
    assert!(sentence_of(sending, &identify).is_some());
}

#[test]
fn a_time_that_customer_io_would_replace_by_now_is_rejected() {
    for time in [
        "0",
        "-1",
        "-1767225600000",
        r#""1970-01-01 00:00:00""#,
        r#""1970-01-01T00:00:00.999Z""#,
        r#""1965-04-02 00:00:00""#,
        r#""5200-01-01 00:00:00""#,
    ] {
        let text = format!(r#"{{"event_type":"a","user_id":"u-1","time":{time}}}"#);
        let found = broken(&text);
        let violation = found.iter().find(|v| v.code == Code::TimeOutOfRange);
        assert_eq!(violation.map(|v| v.policy), Some(Policy::Reject), "{time}");
    }
    let seconds = broken(r#"{"event_type":"a","user_id":"u-1","time":1767225600}"#);
    assert_eq!(seconds[0].code, Code::TimeInvalid);
}

#[test]
fn an_id_of_spaces_is_missing_and_spaces_around_an_id_are_not_counted() {
    let padded = format!("  {}  ", "x".repeat(150));
    assert_eq!(broken(&by(&padded, "")), []);
    let missing = broken(&by("   ", r#","device_id":"d-1""#));
    assert_eq!(missing[0].code, Code::IdMissing);
    let sent = broken_by(
        |m, _| m.anonymous = crate::customerio::mapping::Anonymous::Send,
        &by(" \\t ", r#","device_id":"d-1""#),
    );
    assert_eq!(sent, []);
}

#[test]
fn a_reserved_property_is_found_even_if_its_name_has_escapes() {
    let text = by("u-1", r#","event_properties":{"rec\u0069pient":"a@b.c"}"#);
    assert_eq!(broken(&text)[0].code, Code::ReservedProperty);
}
