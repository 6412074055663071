use super::*;
use crate::amplitude::frame::tests_support::event;

const NOW: UnixMs = 1_800_000_000_000;

fn broken(text: &str) -> Vec<Violation> {
    check_alone(
        &event(text),
        &Mapping::default(),
        &Policies::default(),
        NOW,
        false,
    )
}

/// An event at `NOW` by `user`, with more fields.
fn by(user: &str, more: &str) -> String {
    format!(r#"{{"event_type":"Signup","user_id":"{user}","time":{NOW},"uuid":"u"{more}}}"#)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: one entry a limit")]
fn each_limit_is_broken_by_one_case_and_kept_by_its_neighbour() {
    let many = |n: usize| {
        (0..n)
            .map(|i| format!(r#""p{i}":1"#))
            .collect::<Vec<_>>()
            .join(",")
    };
    let users = |inner: &str| by("u-1", &format!(r#","user_properties":{{{inner}}}"#));
    let events = |inner: &str| by("u-1", &format!(r#","event_properties":{{{inner}}}"#));
    let named = |name: &str| format!(r#"{{"event_type":"{name}","user_id":"u-1","time":{NOW}}}"#);
    let timed = |time: i64| format!(r#"{{"event_type":"a","user_id":"u-1","time":{time}}}"#);
    // {"k":"…"} is 8 bytes around its value.
    let data = |n: usize| events(&format!(r#""k":"{}""#, "x".repeat(n - 8)));
    // code, breaks, measured, path, keeps
    let table = [
        (
            Code::IdMissing,
            format!(r#"{{"event_type":"a","device_id":"d-12345","user_id":null,"time":{NOW}}}"#),
            0,
            "user_id",
            by("u-1", ""),
        ),
        (
            Code::IdInvalid,
            by("None", ""),
            0,
            "user_id",
            by("Nonesuch", ""),
        ),
        (
            Code::IdInvalid,
            by("00000000-0000-0000-0000-000000000000", ""),
            0,
            "user_id",
            by("10000000-0000-0000-0000-000000000000", ""),
        ),
        // Bytes, not characters: 51 of three bytes each are 153, 50 are 150.
        (
            Code::IdTooLong,
            by(&"日".repeat(51), ""),
            153,
            "user_id",
            by(&"日".repeat(50), ""),
        ),
        (
            Code::TooManyAttributes,
            users(&many(301)),
            301,
            "user_properties",
            users(&many(300)),
        ),
        (
            Code::AttributeNameTooLong,
            users(&format!(r#""{}":1"#, "n".repeat(151))),
            151,
            "user_properties.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…",
            users(&format!(r#""{}":1"#, "n".repeat(150))),
        ),
        (
            Code::AttributeValueTooLong,
            users(&format!(r#""bio":"{}""#, "v".repeat(1001))),
            1001,
            "user_properties.bio",
            users(&format!(r#""bio":"{}""#, "v".repeat(1000))),
        ),
        (
            Code::EventNameMissing,
            named("   "),
            0,
            "event_type",
            named(" a "),
        ),
        (
            Code::EventNameTooLong,
            named(&"é".repeat(51)),
            102,
            "event_type",
            named(&"é".repeat(50)),
        ),
        (
            Code::EventNameReserved,
            named("_all"),
            0,
            "event_type",
            named("all"),
        ),
        (
            Code::EventDataTooLarge,
            data(100_001),
            100_001,
            "event_properties.k",
            data(100_000),
        ),
        (
            Code::ReservedProperty,
            events(r#""recipient":"a@b.c""#),
            1,
            "event_properties.recipient",
            events(r#""a":{"recipient":1}"#),
        ),
        (
            Code::TimeInvalid,
            named("a").replace("1800000000000", "\"soon\""),
            0,
            "event_time",
            named("a"),
        ),
        (
            Code::TimeMissing,
            r#"{"event_type":"a","user_id":"u-1","time":null}"#.to_owned(),
            0,
            "event_time",
            named("a"),
        ),
        (Code::TimeOutOfRange, timed(-1), 0, "event_time", timed(NOW)),
        (
            Code::JsonAsText,
            events(r#""cart":"{\"sku\":1}""#),
            1,
            "event_properties.cart",
            events(r#""cart":{"sku":1},"[Amplitude] X":"[Amplitude] Y","a":"{no}""#),
        ),
        (
            Code::JsonAsText,
            users(r#""a":1,"list":"[1,2]""#),
            1,
            "user_properties.list",
            users(r#""list":[1,2]"#),
        ),
        (
            Code::NumberOutOfRange,
            events(r#""n":[1e999]"#),
            1,
            "event_properties",
            events(r#""n":[1e308],"s":"1e999""#),
        ),
        (
            Code::NestedTooDeeply,
            events(&format!(r#""n":{}1{}"#, "[".repeat(64), "]".repeat(64))),
            65,
            "event_properties",
            events(&format!(r#""n":{}1{}"#, "[".repeat(63), "]".repeat(63))),
        ),
        (
            Code::RevenueUnsent,
            by("u-1", r#","revenue":19.98,"price":null"#),
            1,
            "revenue",
            by("u-1", r#","revenue":null,"event_properties":{"revenue":1}"#),
        ),
        (
            Code::TimeInFuture,
            timed(NOW + 300_001),
            300_001,
            "event_time",
            timed(NOW + 300_000),
        ),
        (
            Code::TooOldForCampaigns,
            timed(NOW - CAMPAIGN_AGE_MS - 1),
            259_200_001,
            "event_time",
            timed(NOW - CAMPAIGN_AGE_MS),
        ),
        (
            Code::ByV1,
            data(32_000),
            32_000,
            "event_properties",
            data(31_000),
        ),
    ];
    for (code, breaks, measured, path, keeps) in table {
        let found = broken(&breaks);
        let violation = found.iter().find(|v| v.code == code);
        let violation = violation.unwrap_or_else(|| panic!("{code} is not among {found:?}"));
        assert_eq!(
            (violation.measured, violation.path.as_ref()),
            (measured, path),
            "{code}"
        );
        assert!(!violation.says.is_empty());
        assert!(
            broken(&keeps).iter().all(|v| v.code != code),
            "{code} is broken by its neighbour"
        );
    }
    let twice = check_alone(
        &event(&by("u-1", "")),
        &Mapping::default(),
        &Policies::default(),
        NOW,
        true,
    );
    assert_eq!(
        (twice[0].code, twice[0].path.as_ref()),
        (Code::Duplicate, "uuid")
    );
}

#[test]
fn the_table_is_in_the_order_of_its_codes_and_names_them_as_the_settings_do() {
    for (index, limit) in LIMITS.iter().enumerate() {
        assert_eq!(limit.code as usize, index);
        assert_eq!(serde_json::to_value(limit.code).unwrap(), limit.code.name());
        assert!(!limit.source.is_empty() && !limit.summary.is_empty());
    }
}

#[test]
fn a_limit_that_is_off_is_not_checked() {
    let mut policies = Policies::default();
    policies.set(Code::IdInvalid, Policy::Off);
    let found = check_alone(
        &event(&by("null", "")),
        &Mapping::default(),
        &policies,
        NOW,
        false,
    );
    assert_eq!(found, []);
}

/// An event of `user` with these user properties, as JSON inside an object.
fn with_properties(properties: &str) -> String {
    by("u-1", &format!(r#","user_properties":{{{properties}}}"#))
}

fn broken_by(change: impl FnOnce(&mut Mapping, &mut Policies), text: &str) -> Vec<Violation> {
    let (mut mapping, mut policies) = (Mapping::default(), Policies::default());
    change(&mut mapping, &mut policies);
    check_alone(&event(text), &mapping, &policies, NOW, false)
}

fn sending(mapping: &mut Mapping, _: &mut Policies) {
    mapping.send_users = true;
}

#[test]
fn limits_of_the_identify_measure_what_it_carries_and_reject_only_where_one_is_sent() {
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
    // What is no attribute doesn't count.
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
fn attributes_with_a_meaning_of_their_own_are_told_each_with_what_it_does() {
    let reserved = r#""$set":{"id":"other","cio_id":"abc","anonymous_id":"an-1","email":"A@example.com","created_at":"2022-04-16T12:55:40","unsubscribed":true,"_update":true,"plan":"pro"}"#;
    let found = broken_by(sending, &with_properties(reserved));
    let told = found
        .iter()
        .find(|v| v.code == Code::ReservedAttribute)
        .unwrap();
    assert_eq!((told.measured, told.policy), (7, Policy::Warn));
    for name in [
        "id changes",
        "cio_id",
        "anonymous_id",
        "email",
        "created_at",
        "unsubscribed",
        "_update",
    ] {
        assert!(told.says.contains(name), "{name}: {}", told.says);
    }
    let is_told = |change: fn(&mut Mapping, &mut Policies), properties: &str| {
        let found = broken_by(change, &with_properties(properties));
        found.iter().any(|v| v.code == Code::ReservedAttribute)
    };
    assert!(!is_told(|_, _| {}, reserved), "no identify is sent");
    for (properties, expected) in [
        (r#""plan":"pro","created_at":1650113740"#, false),
        (r#""created_at":"1650113740""#, false),
        (r#""created_at":1650113740000"#, true),
        (r#""created_at":-5"#, true),
        (r#""created_at":null"#, true),
        (r#""ID":"x""#, false),
    ] {
        assert_eq!(is_told(sending, properties), expected, "{properties}");
    }
    let excluded = |m: &mut Mapping, p: &mut Policies| {
        sending(m, p);
        m.exclude = vec!["user_properties.id".to_owned()];
    };
    assert!(!is_told(excluded, r#""id":"x""#));
}

#[test]
fn operations_that_cant_be_sent_are_told_with_what_stays_behind() {
    let text = with_properties(
        r#""$set":{"a":1},"$unset":{"b":"-"},"$add":{"c":2},"$setOnce":{"d":"x"},"$clearAll":"-""#,
    );
    let found = broken_by(sending, &text);
    let told = found
        .iter()
        .find(|v| v.code == Code::OperationUnsent)
        .unwrap();
    assert_eq!(
        (told.measured, told.path.as_ref()),
        (4, "user_properties.$unset")
    );
    assert_eq!(
        told.says,
        "$unset (b), $add (c), $setOnce (d), $clearAll can't be sent: an identify only sets \
         attributes, so this stays behind"
    );
    let quiet = broken_by(sending, &with_properties(r#""$set":{"a":1}"#));
    assert_eq!(quiet, []);
    // Where no identify is sent, they go along with the event as they are.
    assert_eq!(broken_by(|_, _| {}, &text), []);
}

#[test]
fn an_id_that_v1_would_take_for_another_kind_is_told_where_v1_is_taken() {
    let large = |user: &str| {
        by(
            user,
            &format!(r#","event_properties":{{"k":"{}"}}"#, "x".repeat(40_000)),
        )
    };
    let is_told = |change: fn(&mut Mapping, &mut Policies), text: &str| {
        let found = broken_by(change, text);
        let told = found.iter().find(|v| v.code == Code::IdAmbiguousByV1);
        told.map(|v| v.says.clone())
    };
    for id in ["ann@example.com", "cio_0a1b"] {
        let says = is_told(|_, _| {}, &large(id)).unwrap();
        assert!(says.contains("mapping.recognize"), "{says}");
        assert_eq!(is_told(|_, _| {}, &by(id, "")), None, "v2 names the kind");
        assert_eq!(is_told(|m, _| m.recognize = true, &large(id)), None);
    }
    assert_eq!(is_told(|_, _| {}, &large("u-1")), None);
    let attributes: Vec<String> = (0..40)
        .map(|n| format!(r#""p{n}":"{}""#, "x".repeat(990)))
        .collect();
    let identify = format!(
        r#"{{"event_type":"$identify","user_id":"ann@example.com","time":{NOW},"user_properties":{{"$set":{{{}}}}}}}"#,
        attributes.join(",")
    );
    assert!(is_told(sending, &identify).is_some());
}

#[test]
fn a_time_that_customer_io_takes_for_now_is_rejected() {
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
        let told = found.iter().find(|v| v.code == Code::TimeOutOfRange);
        assert_eq!(told.map(|v| v.policy), Some(Policy::Reject), "{time}");
    }
    let seconds = broken(r#"{"event_type":"a","user_id":"u-1","time":1767225600}"#);
    assert_eq!(seconds[0].code, Code::TimeInvalid);
}

#[test]
fn an_id_of_spaces_is_none_and_spaces_around_one_are_not_counted() {
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
fn a_reserved_property_is_found_however_its_name_is_written() {
    let text = by("u-1", r#","event_properties":{"rec\u0069pient":"a@b.c"}"#);
    assert_eq!(broken(&text)[0].code, Code::ReservedProperty);
}

#[test]
fn what_cant_be_sent_is_rejected_whatever_the_settings_say() {
    let nobody = r#"{"event_type":"a","time":1800000000000}"#;
    let unreadable = r#"{"event_type":"a","user_id":"u-1","time":"soon"}"#;
    for (code, text) in [(Code::IdMissing, nobody), (Code::TimeInvalid, unreadable)] {
        for policy in [Policy::Warn, Policy::Off] {
            let found = broken_by(|_, p| p.set(code, policy), text);
            assert_eq!((found[0].code, found[0].policy), (code, Policy::Reject));
            let mut policies = Policies::default();
            policies.set(code, policy);
            let impossible: Vec<Code> = policies.impossible().map(|l| l.code).collect();
            assert_eq!(impossible, [code]);
        }
    }
    assert_eq!(Policies::default().impossible().count(), 0);
}
