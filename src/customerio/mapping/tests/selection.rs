//! `include`, `exclude` and `dates`.

use super::*;

/// An event with `MARK` in every place that some setting selects.
const MARKED: &str = r#"{"event_type":"$identify","user_id":"u","time":1767225600000,"plan":{"a":"MARK","b":1},
    "platform":"MARK","price":"MARK","event_properties":{"a":"MARK","c.d":"MARK","b":[{"a":"MARK","k":1},"MARK"],"n":{"n":{"a":"MARK","k":1}}},
    "user_properties":{"a":"MARK","k":1,"$set":{"a":"MARK","s":1},"$setOnce":{"a":"MARK"},"$add":{"a":"MARK","n":1}},
    "group_properties":{"a":"MARK","$set":{"a":"MARK"}},"groups":{"a":"MARK"}}"#;

#[test]
fn excluded_paths_are_in_no_request() {
    let everything = [
        "event_properties.a",
        "event_properties.c.d",
        "event_properties.b",
        "event_properties.n.n.a",
        "user_properties.a",
        "group_properties.a",
        "groups.a",
        "plan.a",
        "platform",
        "price",
    ];
    let whole = [
        "event_properties",
        "user_properties",
        "group_properties",
        "groups",
        "plan",
        "platform",
        "price",
    ];
    for layout in [Layout::Nested, Layout::Flat] {
        for dates in [Dates::Keep, Dates::Unix] {
            for excluded in [&everything[..], &whole] {
                let change = |m: &mut Mapping| {
                    (m.layout, m.dates, m.revenue) = (layout, dates, true);
                    m.fields = paths(&["plan", "platform"]);
                    m.exclude = paths(excluded);
                };
                let mut mapping = Mapping::default();
                change(&mut mapping);
                let of_paths = |p: &Problem| p.setting == "mapping.exclude";
                assert!(!mapping.problems().iter().any(of_paths));
                let sent = body(&mapping, MARKED).to_string();
                assert!(!sent.contains("MARK"), "{excluded:?}: {sent}");
                let sent = identify(change, MARKED).map(|item| item.body);
                let sent = String::from_utf8(sent.unwrap_or_default().to_vec()).unwrap();
                assert!(!sent.contains("MARK"), "{excluded:?}: {sent}");
                assert_eq!(sent.is_empty(), excluded == whole, "{sent}");
            }
        }
    }
}

#[test]
fn only_included_paths_are_sent() {
    let only = |include: &[&str]| {
        let include = paths(include);
        attributes_of(MARKED, |m| {
            m.fields = paths(&["plan", "platform"]);
            m.include = include;
        })
    };
    assert_eq!(only(&["plan.b"]), json!({"plan": {"b": 1}}));
    assert_eq!(
        only(&["event_properties.b.k", "platform"]),
        json!({"b": [{"k": 1}], "platform": "MARK"})
    );
    assert_eq!(
        only(&["user_properties.s", "user_properties.n"]),
        json!({"user_properties": {"$set": {"s": 1}, "$add": {"n": 1}}})
    );
    let included = |m: &mut Mapping| m.include = paths(&["user_properties.$set.s"]);
    assert_eq!(identified(included, MARKED), json!({"s": 1}));
    let operation = |m: &mut Mapping| m.exclude = paths(&["user_properties.$set"]);
    assert_eq!(identified(operation, MARKED), json!({"a": "MARK", "k": 1}));
}

#[test]
fn a_value_nested_too_deeply_to_be_filtered_is_not_sent() {
    let deep = format!("{}\"MARK\"{}", r#"{"a":"#.repeat(80), "}".repeat(80));
    let text = format!(
        r#"{{"event_type":"a","user_id":"u","time":1767225600000,"event_properties":{{"x":{deep}}}}}"#
    );
    let path = format!("event_properties.x{}", ".a".repeat(80));
    let sent = attributes_of(&text, |m| m.exclude = vec![path]).to_string();
    assert!(!sent.contains("MARK"), "{sent}");
}

#[test]
fn dates_become_seconds_unless_they_are_before_1970() {
    let text = r#"{"event_type":"a","user_id":"u","time":1767225600000,"server_received_time":"2026-01-31 10:00:00",
        "event_properties":{"birthday":"1965-04-02","epoch":"1970-01-01","signed":"2024-08-14T20:36:48.6527521Z","list":["2026-01-31",{"x":"2026-01-31"}]},
        "user_properties":{"$set":{"created_at":"2022-04-16T12:55:40.395"},"born":"1969-12-31T23:59:59Z"}}"#;
    let unix = |m: &mut Mapping| {
        m.dates = Dates::Unix;
        m.fields = paths(&["server_received_time"]);
    };
    let sent = attributes_of(text, unix);
    assert_eq!(
        sent,
        json!({"birthday": "1965-04-02", "epoch": 0, "signed": 1_723_667_808,
            "list": [1_769_817_600, {"x": 1_769_817_600}], "server_received_time": 1_769_853_600,
            "user_properties": {"$set": {"created_at": 1_650_113_740}, "born": "1969-12-31T23:59:59Z"}})
    );
    assert_eq!(
        identified(unix, text),
        json!({"created_at": 1_650_113_740, "born": "1969-12-31T23:59:59Z"})
    );
}
