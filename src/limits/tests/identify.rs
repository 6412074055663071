//! Limits of the identify.

use super::*;

#[test]
fn limits_of_the_identify_measure_its_attributes_and_reject_only_while_identifies_are_sent() {
    let many: Vec<String> = (0..301).map(|i| format!(r#""p{i}":1"#)).collect();
    let many = many.join(",");
    let in_set = with_properties(&format!(r#""$set":{{{many}}}"#));
    let policy = |change: &dyn Fn(&mut Mapping, &mut Policies), text: &str, code| {
        let found = broken_by(change, text);
        let found = found.iter().find(|v| v.code == code);
        found.map(|v| (v.policy, v.measured))
    };
    let code = Code::TooManyAttributes;
    assert_eq!(policy(&sending, &in_set, code), Some((Policy::Reject, 301)));
    assert_eq!(policy(&|_, _| {}, &in_set, code), Some((Policy::Warn, 301)));
    let excluding = |m: &mut Mapping, p: &mut Policies| {
        sending(m, p);
        m.exclude = vec!["user_properties.p7".to_owned()];
    };
    assert_eq!(policy(&excluding, &in_set, code), None);
    // Operations other than $set don't count.
    let operations = with_properties(&format!(r#""$set":{{"a":1}},"$unset":{{{many}}}"#));
    assert_eq!(policy(&sending, &operations, code), None);
    for (code, property) in [
        (
            Code::AttributeNameTooLong,
            format!(r#""{}":1"#, "n".repeat(151)),
        ),
        (
            Code::AttributeValueTooLong,
            format!(r#""bio":"{}""#, "v".repeat(1001)),
        ),
    ] {
        let text = with_properties(&format!(r#""$set":{{{property}}}"#));
        let rejecting = |m: &mut Mapping, p: &mut Policies| {
            p.set(code, Policy::Reject);
            m.send_users = true;
        };
        assert_eq!(policy(&rejecting, &text, code).unwrap().0, Policy::Reject);
        let without = |m: &mut Mapping, p: &mut Policies| {
            rejecting(m, p);
            m.send_users = false;
        };
        assert_eq!(policy(&without, &text, code).unwrap().0, Policy::Warn);
        let unset = with_properties(&format!(r#""$append":{{{property}}}"#));
        assert_eq!(policy(&rejecting, &unset, code), None);
    }
}

#[test]
fn attributes_with_a_special_meaning_are_reported_each_with_its_effect() {
    let reserved = r#""$set":{"id":"other","cio_id":"abc","anonymous_id":"an-1","email":"A@example.com","created_at":"2022-04-16T12:55:40","unsubscribed":true,"_update":true,"plan":"pro"}"#;
    let found = broken_by(sending, &with_properties(reserved));
    let violation = found
        .iter()
        .find(|v| v.code == Code::ReservedAttribute)
        .unwrap();
    assert_eq!((violation.measured, violation.policy), (7, Policy::Warn));
    for name in [
        "id changes",
        "cio_id",
        "anonymous_id",
        "email",
        "created_at",
        "unsubscribed",
        "_update",
    ] {
        assert!(
            violation.sentence.contains(name),
            "{name}: {}",
            violation.sentence
        );
    }
    let is_reported = |change: fn(&mut Mapping, &mut Policies), properties: &str| {
        let found = broken_by(change, &with_properties(properties));
        found.iter().any(|v| v.code == Code::ReservedAttribute)
    };
    assert!(!is_reported(|_, _| {}, reserved), "no identify is sent");
    for (properties, expected) in [
        (r#""plan":"pro","created_at":1650113740"#, false),
        (r#""created_at":"1650113740""#, false),
        (r#""created_at":1650113740000"#, true),
        (r#""created_at":-5"#, true),
        (r#""created_at":null"#, true),
        (r#""ID":"x""#, false),
    ] {
        assert_eq!(is_reported(sending, properties), expected, "{properties}");
    }
    let excluded = |m: &mut Mapping, p: &mut Policies| {
        sending(m, p);
        m.exclude = vec!["user_properties.id".to_owned()];
    };
    assert!(!is_reported(excluded, r#""id":"x""#));
}

#[test]
fn operations_that_cant_be_sent_are_reported_with_their_properties() {
    let text = with_properties(
        r#""$set":{"a":1},"$unset":{"b":"-"},"$add":{"c":2},"$setOnce":{"d":"x"},"$clearAll":"-""#,
    );
    let found = broken_by(sending, &text);
    let violation = found
        .iter()
        .find(|v| v.code == Code::OperationUnsent)
        .unwrap();
    assert_eq!(
        (violation.measured, violation.path.as_ref()),
        (4, "user_properties.$unset")
    );
    assert_eq!(
        violation.sentence,
        "$unset (b), $add (c), $setOnce (d), $clearAll can't be sent: an identify only sets attributes"
    );
    let quiet = broken_by(sending, &with_properties(r#""$set":{"a":1}"#));
    assert_eq!(quiet, []);
    // Without identifies, operations are sent in the event's data as they are.
    assert_eq!(broken_by(|_, _| {}, &text), []);
}
