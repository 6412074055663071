//! One case for each limit: an event that breaks it, and a neighbour that keeps it.

use super::*;

struct Case {
    code: Code,
    breaks: String,
    measured: u64,
    path: &'static str,
    keeps: String,
}

fn case(code: Code, breaks: &str, found: (u64, &'static str), keeps: &str) -> Case {
    let (measured, path) = found;
    Case {
        code,
        breaks: breaks.to_owned(),
        measured,
        path,
        keeps: keeps.to_owned(),
    }
}

fn with_event_properties(inner: &str) -> String {
    by("u-1", &format!(r#","event_properties":{{{inner}}}"#))
}

fn named(name: &str) -> String {
    format!(r#"{{"event_type":"{name}","user_id":"u-1","time":{NOW}}}"#)
}

fn timed(time: i64) -> String {
    format!(r#"{{"event_type":"a","user_id":"u-1","time":{time}}}"#)
}

/// The entry of a property whose name has this many bytes.
fn property_named(bytes: usize) -> String {
    format!(r#""{}":1"#, "n".repeat(bytes))
}

fn person() -> Vec<Case> {
    let device =
        format!(r#"{{"event_type":"a","device_id":"d-12345","user_id":null,"time":{NOW}}}"#);
    vec![
        case(Code::IdMissing, &device, (0, "user_id"), &by("u-1", "")),
        case(
            Code::IdInvalid,
            &by("None", ""),
            (0, "user_id"),
            &by("Nonesuch", ""),
        ),
        case(
            Code::IdInvalid,
            &by("00000000-0000-0000-0000-000000000000", ""),
            (0, "user_id"),
            &by("10000000-0000-0000-0000-000000000000", ""),
        ),
        // Bytes, not characters: 51 of three bytes each are 153, 50 are 150.
        case(
            Code::IdTooLong,
            &by(&"日".repeat(51), ""),
            (153, "user_id"),
            &by(&"日".repeat(50), ""),
        ),
    ]
}

fn attributes() -> Vec<Case> {
    let many = |count: usize| {
        let all: Vec<String> = (0..count).map(|i| format!(r#""p{i}":1"#)).collect();
        with_properties(&all.join(","))
    };
    let value = |bytes: usize| with_properties(&format!(r#""bio":"{}""#, "v".repeat(bytes)));
    vec![
        case(
            Code::TooManyAttributes,
            &many(301),
            (301, "user_properties"),
            &many(300),
        ),
        case(
            Code::AttributeNameTooLong,
            &with_properties(&property_named(151)),
            (
                151,
                "user_properties.nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…",
            ),
            &with_properties(&property_named(150)),
        ),
        case(
            Code::AttributeValueTooLong,
            &value(1001),
            (1001, "user_properties.bio"),
            &value(1000),
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case(
            Code::EventNameMissing,
            &named("   "),
            (0, "event_type"),
            &named(" a "),
        ),
        case(
            Code::EventNameTooLong,
            &named(&"é".repeat(51)),
            (102, "event_type"),
            &named(&"é".repeat(50)),
        ),
        case(
            Code::EventNameReserved,
            &named("_all"),
            (0, "event_type"),
            &named("all"),
        ),
    ]
}

fn sizes() -> Vec<Case> {
    // {"k":"…"} has 8 bytes around its value.
    let data = |bytes: usize| with_event_properties(&format!(r#""k":"{}""#, "x".repeat(bytes - 8)));
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        with_event_properties(&format!(r#""n":{open}1{close}"#))
    };
    vec![
        case(
            Code::EventDataTooLarge,
            &data(100_001),
            (100_001, "event_properties.k"),
            &data(100_000),
        ),
        case(
            Code::NestedTooDeeply,
            &nested(64),
            (65, "event_properties"),
            &nested(63),
        ),
        case(
            Code::ByV1,
            &data(32_000),
            (32_000, "event_properties"),
            &data(31_000),
        ),
    ]
}

fn properties() -> Vec<Case> {
    vec![
        case(
            Code::ReservedProperty,
            &with_event_properties(r#""recipient":"a@b.c""#),
            (1, "event_properties.recipient"),
            &with_event_properties(r#""a":{"recipient":1}"#),
        ),
        case(
            Code::JsonAsText,
            &with_event_properties(r#""cart":"{\"sku\":1}""#),
            (1, "event_properties.cart"),
            &with_event_properties(
                r#""cart":{"sku":1},"[Amplitude] X":"[Amplitude] Y","a":"{no}""#,
            ),
        ),
        case(
            Code::JsonAsText,
            &with_properties(r#""a":1,"list":"[1,2]""#),
            (1, "user_properties.list"),
            &with_properties(r#""list":[1,2]"#),
        ),
        case(
            Code::NumberOutOfRange,
            &with_event_properties(r#""n":[1e999]"#),
            (1, "event_properties"),
            &with_event_properties(r#""n":[1e308],"s":"1e999""#),
        ),
        case(
            Code::RevenueUnsent,
            &by("u-1", r#","revenue":19.98,"price":null"#),
            (1, "revenue"),
            &by("u-1", r#","revenue":null,"event_properties":{"revenue":1}"#),
        ),
    ]
}

fn times() -> Vec<Case> {
    let unreadable = r#"{"event_type":"a","user_id":"u-1","time":"soon"}"#;
    let missing = r#"{"event_type":"a","user_id":"u-1","time":null}"#;
    let path = "event_time";
    vec![
        case(Code::TimeInvalid, unreadable, (0, path), &timed(NOW)),
        case(Code::TimeMissing, missing, (0, path), &timed(NOW)),
        case(Code::TimeOutOfRange, &timed(-1), (0, path), &timed(NOW)),
        case(
            Code::TimeInFuture,
            &timed(NOW + 300_001),
            (300_001, path),
            &timed(NOW + 300_000),
        ),
        case(
            Code::TooOldForCampaigns,
            &timed(NOW - CAMPAIGN_AGE_MS - 1),
            (259_200_001, path),
            &timed(NOW - CAMPAIGN_AGE_MS),
        ),
    ]
}

fn all() -> impl Iterator<Item = Case> {
    let groups = [
        person(),
        attributes(),
        names(),
        sizes(),
        properties(),
        times(),
    ];
    groups.into_iter().flatten()
}

#[test]
fn each_limit_is_broken_by_one_case_and_kept_by_its_neighbour() {
    for Case {
        code,
        breaks,
        measured,
        path,
        keeps,
    } in all()
    {
        let found = broken(&breaks);
        let violation = found.iter().find(|v| v.code == code);
        let violation = violation.unwrap_or_else(|| panic!("{code} is not among {found:?}"));
        assert_eq!(
            (violation.measured, violation.path.as_ref()),
            (measured, path),
            "{code}"
        );
        assert!(!violation.sentence.is_empty());
        assert!(
            broken(&keeps).iter().all(|v| v.code != code),
            "{code} is broken by its neighbour"
        );
    }
}

#[test]
fn no_limit_lacks_a_case() {
    // These need settings or a history, and have tests of their own.
    let elsewhere = [
        Code::Duplicate,
        Code::IdAmbiguousByV1,
        Code::ReservedAttribute,
        Code::OperationUnsent,
    ];
    for limit in LIMITS {
        let has_case = all().any(|case| case.code == limit.code);
        assert_ne!(has_case, elsewhere.contains(&limit.code), "{}", limit.name);
    }
}

#[test]
fn an_event_that_was_accepted_before_is_a_duplicate() {
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
