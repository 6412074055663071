use super::Anonymous::{Drop, Send};
use super::*;
use crate::amplitude::frame::tests_support::event;
use crate::amplitude::json as raw_json;
use proptest::prelude::*;
use serde_json::{Value, json};

fn body(mapping: &Mapping, text: &str) -> Value {
    let event = event(text);
    let mapped = mapping.map(&Reading::new(&event), Vec::new());
    serde_json::from_slice(&mapped.item().unwrap().body).unwrap()
}

fn attributes(change: impl FnOnce(&mut Mapping)) -> Value {
    let mut mapping = Mapping::default();
    change(&mut mapping);
    body(&mapping, EVENT)["attributes"].clone()
}

/// The identify of an event with `send_users` on, as it would be sent.
fn identify(change: impl FnOnce(&mut Mapping), text: &str) -> Option<Item> {
    let mut mapping = Mapping {
        send_users: true,
        ..Mapping::default()
    };
    change(&mut mapping);
    let event = event(text);
    let reading = Reading::new(&event);
    let mapped = mapping.map(&reading, Vec::new());
    let found = mapped.identify_item(&mapping, &mapping.identify(&reading), &reading);
    found.map(|found| found.item)
}

fn identified(change: impl FnOnce(&mut Mapping), text: &str) -> Value {
    let item = identify(change, text).unwrap();
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    sent["attributes"].clone()
}

fn paths(all: &[&str]) -> Vec<String> {
    all.iter().map(|path| (*path).to_owned()).collect()
}

const EVENT: &str = r#"{"event_type":"  Purchase Completed ","user_id":"u/1 ü","device_id":"d-1",
    "event_time":"2026-01-01 00:00:00.900000","uuid":"x","platform":"iOS","country":null,
    "event_properties":{"price":12.50,"at":"2026-01-31T10:00:00Z","deep":{"a":1,"b":[true,null]}},
    "user_properties":{"plan":"pro","email":"ann@example.com"},
    "group_properties":{"tier":{"n":1e3}},"groups":{"company":["acme"]}}"#;

#[test]
fn an_event_goes_as_an_event_of_its_person_with_everything_it_has() {
    let sent = body(&Mapping::default(), EVENT);
    assert_eq!(
        sent,
        json!({
            "type": "person", "action": "event", "identifiers": {"id": "u/1 ü"},
            "name": "Purchase Completed", "timestamp": 1_767_225_600, "id": sent["id"],
            "attributes": {
                "price": 12.50, "at": "2026-01-31T10:00:00Z", "deep": {"a": 1, "b": [true, null]},
                "user_properties": {"plan": "pro", "email": "ann@example.com"},
                "group_properties": {"tier": {"n": 1e3}}, "groups": {"company": ["acme"]},
            }
        })
    );
    let screen = EVENT.replace("  Purchase Completed ", "[Amplitude] Screen Viewed");
    assert_eq!(body(&Mapping::default(), &screen)["action"], "event");
}

#[test]
fn settings_choose_what_goes_along_and_under_which_name() {
    let flat = attributes(|m| m.layout = Layout::Flat);
    assert_eq!(
        (
            &flat["user_plan"],
            &flat["group_tier"],
            &flat["groups_company"]
        ),
        (&json!("pro"), &json!({"n": 1e3}), &json!(["acme"]))
    );
    let included = attributes(|m| {
        m.include = vec!["event_properties.deep.a".into(), "user_properties".into()];
    });
    assert_eq!(
        included,
        json!({"deep": {"a": 1}, "user_properties": {"plan": "pro", "email": "ann@example.com"}})
    );
    let excluded = attributes(|m| {
        m.exclude = vec![
            "user_properties.email".into(),
            "event_properties.deep".into(),
            "groups".into(),
        ];
    });
    assert_eq!(
        excluded,
        json!({"price": 12.5, "at": "2026-01-31T10:00:00Z", "user_properties": {"plan": "pro"}, "group_properties": {"tier": {"n": 1e3}}})
    );
    let dated = attributes(|m| m.dates = Dates::Unix);
    assert_eq!(
        (&dated["at"], &dated["price"]),
        (&json!(1_769_853_600), &json!(12.5))
    );
    let fields =
        attributes(|m| m.fields = vec!["platform".into(), "country".into(), "nope".into()]);
    assert_eq!(
        (
            fields.get("platform"),
            fields.get("country"),
            fields.get("nope")
        ),
        (Some(&json!("iOS")), None, None)
    );
}

#[test]
fn an_event_property_wins_its_name_and_what_it_would_cover_gets_a_longer_one() {
    let text = r#"{"event_type":"a","user_id":"u","time":1767225600000,"event_properties":{"user_properties":1},"user_properties":{"plan":2}}"#;
    let sent = body(&Mapping::default(), text);
    assert_eq!(
        sent["attributes"],
        json!({"user_properties": 1, "amplitude_user_properties": {"plan": 2}})
    );
}

#[test]
fn people_are_named_as_the_settings_say() {
    let with = |person: &str, recognize, anonymous, user: &str| {
        let mapping = Mapping {
            person: person.to_owned(),
            recognize,
            anonymous,
            ..Mapping::default()
        };
        let text = EVENT.replace(r#""u/1 ü""#, user);
        let event = event(&text);
        mapping
            .map(&Reading::new(&event), Vec::new())
            .item()
            .map(|item| serde_json::from_slice::<Value>(&item.body).unwrap()["identifiers"].clone())
    };
    for (person, recognize, anonymous, user, expected) in [
        (
            "user_id",
            false,
            Drop,
            r#""a@b.co""#,
            Some(json!({"id": "a@b.co"})),
        ),
        (
            "user_id",
            true,
            Drop,
            r#""a@b.co""#,
            Some(json!({"email": "a@b.co"})),
        ),
        (
            "user_id",
            true,
            Drop,
            r#""cio_0a1b""#,
            Some(json!({"cio_id": "0a1b"})),
        ),
        (
            "user_id",
            true,
            Drop,
            r#""not@mail""#,
            Some(json!({"id": "not@mail"})),
        ),
        ("user_id", false, Drop, "42", Some(json!({"id": "42"}))),
        ("user_id", false, Drop, "null", None),
        (
            "user_id",
            false,
            Send,
            "null",
            Some(json!({"anonymous_id": "d-1"})),
        ),
        (
            "user_properties.email",
            true,
            Drop,
            "null",
            Some(json!({"email": "ann@example.com"})),
        ),
        ("user_properties.nope", true, Drop, r#""u""#, None),
    ] {
        assert_eq!(
            with(person, recognize, anonymous, user),
            expected,
            "{person} {user}"
        );
    }
}

#[test]
fn an_event_over_32_kb_goes_by_v1_with_its_person_percent_encoded_whole() {
    let large = EVENT.replace(
        r#""price":12.50"#,
        &format!(r#""price":"{}""#, "x".repeat(40_000)),
    );
    let event = event(&large);
    let mapped = Mapping::default().map(&Reading::new(&event), Vec::new());
    let item = mapped.item().unwrap();
    assert_eq!(
        item.route,
        Route::V1 {
            put: false,
            path: "/api/v1/customers/u%2F1%20%C3%BC/events".to_owned()
        }
    );
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    assert_eq!(
        (&sent["name"], &sent["type"], &sent["timestamp"]),
        (
            &json!("Purchase Completed"),
            &json!("event"),
            &json!(1_767_225_600)
        )
    );
    assert_eq!(sent["data"]["user_properties"]["plan"], "pro");
}

#[test]
fn an_identify_carries_user_properties_and_leaves_out_what_would_be_refused() {
    let long = EVENT.replace(
        r#""plan":"pro""#,
        &format!(r#""plan":"pro","bio":"{}""#, "é".repeat(501)),
    );
    let item = identify(|_| {}, &long).unwrap();
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    assert_eq!(
        sent["attributes"],
        json!({"plan": "pro", "email": "ann@example.com"})
    );
    assert_eq!(sent["action"], "identify");
    let update = identified(|_| {}, UPDATE);
    assert_eq!(update, json!({"plan": "pro", "email": "a@b.c"}));
}

const UPDATE: &str = r#"{"event_type":"$identify","user_id":"u","device_id":"d","time":1767225600999,"user_properties":
    {"plan":"free","$add":{"n":1},"$set":{"plan":"pro","email":"a@b.c"},"$unset":{"email":"-"},"$clearAll":"-"}}"#;

#[test]
fn an_identify_carries_the_time_of_its_event_by_v2_and_by_v1() {
    let item = identify(|_| {}, UPDATE).unwrap();
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    assert_eq!(sent["timestamp"], 1_767_225_600);
    let many: Vec<String> = (0..40)
        .map(|n| format!(r#""p{n}":"{}","#, "x".repeat(990)))
        .collect();
    let large = UPDATE.replace(
        r#""plan":"free","#,
        &format!(r#"{}"_timestamp":5,"plan":"free","#, many.concat()),
    );
    let item = identify(|_| {}, &large).unwrap();
    let path = "/api/v1/customers/u".to_owned();
    assert_eq!(item.route, Route::V1 { put: true, path });
    let (attributes, sent): (raw_json::Entries<'_>, Value) = (
        raw_json::entries(std::str::from_utf8(&item.body).unwrap()).unwrap(),
        serde_json::from_slice(&item.body).unwrap(),
    );
    assert_eq!(sent["_timestamp"], 1_767_225_600);
    let times = attributes.iter().filter(|(key, _)| key == "_timestamp");
    assert_eq!(times.count(), 1);
}

#[test]
fn a_late_and_an_early_identify_that_set_the_same_differ_in_time_only() {
    let event = event(UPDATE);
    let reading = Reading::new(&event);
    let mapping = Mapping {
        send_users: true,
        ..Mapping::default()
    };
    let mut mapped = mapping.map(&reading, Vec::new());
    let sets = |mapped: &Mapped<'_>| {
        let identify = mapping.identify(&reading);
        let found = mapped.identify_item(&mapping, &identify, &reading);
        found.map(|found| (found.sets, found.item.body)).unwrap()
    };
    let early = sets(&mapped);
    mapped.time = Ok(1);
    let late = sets(&mapped);
    assert_eq!(early.0, late.0);
    assert_ne!(early.1, late.1);
}

#[test]
fn the_identify_of_a_person_names_the_device_whose_anonymous_events_are_sent() {
    let send = |m: &mut Mapping| m.anonymous = Send;
    assert_eq!(identified(send, UPDATE)["anonymous_id"], "d");
    assert_eq!(identified(|_| {}, UPDATE).get("anonymous_id"), None);
    let off = |m: &mut Mapping| (m.anonymous, m.link_anonymous) = (Send, false);
    assert_eq!(identified(off, UPDATE).get("anonymous_id"), None);
    // Linking needs no user properties, and doesn't send them by itself.
    let only_link = |m: &mut Mapping| (m.anonymous, m.send_users) = (Send, false);
    assert_eq!(identified(only_link, UPDATE), json!({"anonymous_id": "d"}));
    // What the operator sets is stronger, and no name stands twice.
    let own = UPDATE.replace(r#""email":"a@b.c""#, r#""anonymous_id":"x""#);
    let item = identify(send, &own).unwrap();
    let text = std::str::from_utf8(&item.body).unwrap();
    assert_eq!(text.matches("anonymous_id").count(), 1, "{text}");
    // Nobody is identified by a device alone.
    let nobody = UPDATE.replace(r#""user_id":"u""#, r#""user_id":"  ""#);
    assert_eq!(identify(send, &nobody), None);
    assert_eq!(
        with_person(send, &nobody),
        Some(json!({"anonymous_id": "d"}))
    );
}

fn with_person(change: impl FnOnce(&mut Mapping), text: &str) -> Option<Value> {
    let mut mapping = Mapping::default();
    change(&mut mapping);
    let event = event(text);
    let item = mapping.map(&Reading::new(&event), Vec::new()).item()?;
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    Some(sent["identifiers"].clone())
}

#[test]
fn an_event_without_a_time_is_sent_with_that_of_its_receipt() {
    let sent = body(&Mapping::default(), r#"{"event_type":"a","user_id":"u"}"#);
    assert_eq!(sent["timestamp"], 1_800_000_000);
    for (times, expected) in [
        (
            r#""time":null,"event_time":"2026-01-01 00:00:00""#,
            1_767_225_600,
        ),
        (r#""event_time":null,"time":1767225600000"#, 1_767_225_600),
        (
            r#""client_event_time":"2026-01-01T00:00:00""#,
            1_767_225_600,
        ),
        (r#""event_time":"1969-12-31 23:59:59""#, -1),
        (r#""time":0"#, 0),
    ] {
        let text = format!(r#"{{"event_type":"a","user_id":"u",{times}}}"#);
        assert_eq!(
            body(&Mapping::default(), &text)["timestamp"],
            expected,
            "{times}"
        );
    }
    let unreadable = event(r#"{"event_type":"a","user_id":"u","time":"soon"}"#);
    let mapped = Mapping::default().map(&Reading::new(&unreadable), Vec::new());
    assert_eq!(mapped.item(), None);
}

/// An event in which `MARK` stands in every place that leaves by some setting.
const MARKED: &str = r#"{"event_type":"$identify","user_id":"u","time":1767225600000,"plan":{"a":"MARK","b":1},
    "platform":"MARK","price":"MARK","event_properties":{"a":"MARK","c.d":"MARK","b":[{"a":"MARK","k":1},"MARK"],"n":{"n":{"a":"MARK","k":1}}},
    "user_properties":{"a":"MARK","k":1,"$set":{"a":"MARK","s":1},"$setOnce":{"a":"MARK"},"$add":{"a":"MARK","n":1}},
    "group_properties":{"a":"MARK","$set":{"a":"MARK"}},"groups":{"a":"MARK"}}"#;

#[test]
fn what_is_excluded_leaves_in_no_request() {
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
fn only_what_is_included_leaves() {
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

fn attributes_of(text: &str, change: impl FnOnce(&mut Mapping)) -> Value {
    let mut mapping = Mapping::default();
    change(&mut mapping);
    body(&mapping, text)["attributes"].clone()
}

#[test]
fn what_lies_deeper_than_can_be_looked_into_stays_behind_where_something_is_excluded_there() {
    let deep = format!("{}\"MARK\"{}", r#"{"a":"#.repeat(80), "}".repeat(80));
    let text = format!(
        r#"{{"event_type":"a","user_id":"u","time":1767225600000,"event_properties":{{"x":{deep}}}}}"#
    );
    let path = format!("event_properties.x{}", ".a".repeat(80));
    let sent = attributes_of(&text, |m| m.exclude = vec![path]).to_string();
    assert!(!sent.contains("MARK"), "{sent}");
}

#[test]
fn dates_become_seconds_everywhere_but_those_before_1970() {
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

#[test]
fn a_path_that_can_match_nothing_is_named() {
    let problems = |change: &dyn Fn(&mut Mapping)| {
        let mut mapping = Mapping::default();
        change(&mut mapping);
        let told = mapping.problems();
        told.iter()
            .map(|p| (p.setting, p.message.clone()))
            .collect::<Vec<_>>()
    };
    let excluding = |path: &'static str| move |m: &mut Mapping| m.exclude = paths(&[path]);
    for fine in [
        "event_properties",
        "user_properties.a.b",
        "user_properties.$set.email",
        "group_properties.x",
        "groups",
    ] {
        assert_eq!(problems(&excluding(fine)), [], "{fine}");
    }
    for wrong in [
        "email",
        "",
        "user_properties.",
        ".user_properties",
        "user_properties..email",
        "User_Properties.email",
        " user_properties.email",
        "event_type",
        "platform",
        "device_id",
        "user_property.email",
    ] {
        let told = problems(&excluding(wrong));
        assert_eq!(told.len(), 1, "{wrong}");
        assert!(told[0].1.contains("can match nothing"), "{}", told[0].1);
    }
    let people = problems(&excluding("user_id"));
    assert!(people[0].1.contains("names the person"), "{people:?}");
    let device = problems(&|m| (m.anonymous, m.exclude) = (Send, paths(&["device_id"])));
    assert!(device[0].1.contains("anonymous_id"), "{device:?}");
    let both = problems(&|m| {
        m.include = paths(&["user_properties.a"]);
        m.exclude = paths(&["user_properties"]);
    });
    assert_eq!(both[0].0, "mapping.include");
    for fields in [
        &(|m: &mut Mapping| m.fields = paths(&["plan.branch"])) as &dyn Fn(&mut Mapping),
        &|m| (m.fields, m.exclude) = (paths(&["plan"]), paths(&["plan"])),
        &|m| (m.fields, m.include) = (paths(&["plan"]), paths(&["groups"])),
    ] {
        assert_eq!(problems(fields)[0].0, "mapping.fields");
    }
}

#[test]
fn no_object_that_is_written_has_a_name_twice() {
    let text = r#"{"event_type":"a","user_id":"u","time":1767225600000,"user_properties":{"plan":1,"pl\u0061n":2,"$set":{"plan":3}},"groups":{"x":1,"x":2},
        "platform":"ios","amplitude_platform":1,
        "event_properties":{"\ud800":1,"\udc01":2,"a":1,"a":2,"platform":3,"amplitude_platform":4,"user_plan":5}}"#;
    let fields = |m: &mut Mapping| m.fields = paths(&["platform", "platform", "user_properties"]);
    for layout in [Layout::Nested, Layout::Flat] {
        let mut mapping = Mapping {
            layout,
            ..Mapping::default()
        };
        fields(&mut mapping);
        let event = event(text);
        let mapped = mapping.map(&Reading::new(&event), Vec::new());
        let entries = raw_json::entries(std::str::from_utf8(&mapped.attributes).unwrap()).unwrap();
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
        let sent: Value = serde_json::from_slice(&mapped.attributes).unwrap();
        assert_eq!((&sent["a"], &sent["\u{fffd}"]), (&json!(2), &json!(2)));
        assert_eq!(sent["amplitude_amplitude_platform"], "ios");
    }
    assert_eq!(identified(|_| {}, text), json!({"plan": 3}));
}

#[test]
fn lone_surrogates_are_one_replacement_character_in_all_that_is_sent() {
    let text = r#"{"event_type":"a\ud800","user_id":"u\udfff","time":1767225600000,"event_properties":{"k\ud83d":"v\ude00","ok":"\ud83d\ude00"},"user_properties":{"p\ud800":["\udc00"]}}"#;
    let sent = body(&Mapping::default(), text);
    assert_eq!(
        (&sent["name"], &sent["identifiers"]["id"]),
        (&json!("a\u{fffd}"), &json!("u\u{fffd}"))
    );
    assert_eq!(
        sent["attributes"],
        json!({"k\u{fffd}": "v\u{fffd}", "ok": "😀", "user_properties": {"p\u{fffd}": ["\u{fffd}"]}})
    );
    let rewritten = attributes_of(text, |m| m.exclude = paths(&["groups.x"]));
    assert_eq!(rewritten, sent["attributes"]);
}

#[test]
fn revenue_goes_along_where_it_is_asked_for() {
    let text = r#"{"event_type":"Buy","user_id":"u","time":1767225600000,"price":9.99,"quantity":2,"revenue":null,"productId":"sku","event_properties":{"quantity":3}}"#;
    assert_eq!(attributes_of(text, |_| {}), json!({"quantity": 3}));
    assert_eq!(
        attributes_of(text, |m| m.revenue = true),
        json!({"quantity": 3, "price": 9.99, "amplitude_quantity": 2, "productId": "sku"})
    );
}

/// Properties with keys of a few, operations and dots among them; each leaf is to be numbered.
fn any_properties() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("a"),
        Just("b"),
        Just("a.b"),
        Just("$set"),
        Just("$unset"),
        Just("é")
    ];
    let leaf = prop_oneof![Just(json!("LEAF")), Just(json!(1)), Just(Value::Null)];
    let tree = leaf.prop_recursive(4, 20, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..4).prop_map(|entries| {
                Value::Object(
                    entries
                        .into_iter()
                        .map(|(k, v)| (k.to_owned(), v))
                        .collect(),
                )
            }),
        ]
    });
    tree.prop_map(|tree| {
        if tree.is_object() {
            tree
        } else {
            json!({ "a": tree })
        }
    })
}

/// Numbers the leaves of `value`, and notes the path of each: arrays are passed over, and
/// operations at the top of user and group properties.
fn number_leaves(value: &mut Value, path: &str, leaves: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            *text = format!("LEAF{}END", leaves.len());
            leaves.push(path.to_owned());
        }
        Value::Array(all) => all.iter_mut().for_each(|v| number_leaves(v, path, leaves)),
        Value::Object(all) => {
            for (key, value) in all {
                let is_operation =
                    key.starts_with('$') && matches!(path, "user_properties" | "group_properties");
                if is_operation && (value.is_object() || value.is_array()) {
                    number_leaves(value, path, leaves);
                } else {
                    number_leaves(value, &format!("{path}.{key}"), leaves);
                }
            }
        }
        _ => {}
    }
}

/// Any JSON value, nested a few levels.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x00-\\x7f]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,8}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever an event holds and whatever paths are excluded: nothing at one of them, or below
    /// one, leaves in the event or in the identify, and all the rest does in the event.
    #[test]
    fn exactly_what_is_excluded_stays_behind(
        mut parts in [any_properties(), any_properties(), any_properties(), any_properties()],
        chosen in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        cut in proptest::collection::vec(0_usize..4, 4),
        flat in any::<bool>(),
    ) {
        let names = ["event_properties", "user_properties", "group_properties", "groups"];
        let mut leaves = Vec::new();
        for (part, name) in parts.iter_mut().zip(names) {
            number_leaves(part, name, &mut leaves);
        }
        let of_leaf = |(index, cut): (&prop::sample::Index, &usize)| {
            let path = if leaves.is_empty() { "groups" } else { index.get(&leaves).as_str() };
            let keys: Vec<&str> = path.split('.').collect();
            keys[..keys.len().saturating_sub(*cut).max(1)].join(".")
        };
        let exclude: Vec<String> = chosen.iter().zip(&cut).map(of_leaf).collect();
        let mapping = Mapping {
            layout: if flat { Layout::Flat } else { Layout::Nested },
            exclude: exclude.clone(),
            send_users: true,
            ..Mapping::default()
        };
        let [event_part, user, group, groups] = &parts;
        let text = json!({
            "event_type": "a", "user_id": "u", "time": 1_767_225_600_000_i64,
            "event_properties": event_part, "user_properties": user,
            "group_properties": group, "groups": groups,
        });
        let event = event(&text.to_string());
        let reading = Reading::new(&event);
        let mapped = mapping.map(&reading, Vec::new());
        let item = mapped.item().unwrap();
        let identify = mapped.identify_item(&mapping, &mapping.identify(&reading), &reading);
        let sent = String::from_utf8(item.body.to_vec()).unwrap();
        let attributes = identify.map(|i| i.item.body.to_vec()).unwrap_or_default();
        let attributes = String::from_utf8(attributes).unwrap();
        for (number, path) in leaves.iter().enumerate() {
            let mark = format!("LEAF{number}END");
            let is_out = exclude.iter().any(|out| path == out || path.starts_with(&format!("{out}.")));
            prop_assert_eq!(sent.contains(&mark), !is_out, "{} {:?} {}", path, exclude, sent);
            prop_assert!(!is_out || !attributes.contains(&mark), "{} {:?} {}", path, exclude, attributes);
        }
    }

    /// What is sent is valid JSON and holds every property, unchanged.
    #[test]
    fn everything_that_an_event_has_arrives(
        own in proptest::collection::btree_map("\\PC{1,8}", any_json(), 0..5),
        user in proptest::collection::btree_map("\\PC{1,8}", any_json(), 1..5),
        id in "\\PC{1,20}".prop_filter("an ID of spaces is none", |id| !id.trim().is_empty()),
    ) {
        let event_json = json!({"event_type": "a", "user_id": id, "time": 1_767_225_600_000_i64, "event_properties": own, "user_properties": user});
        let sent = body(&Mapping::default(), &event_json.to_string());
        prop_assert_eq!(&sent["identifiers"]["id"], &json!(id.trim()));
        for (name, value) in &own {
            prop_assert_eq!(&sent["attributes"][name.as_str()], value);
        }
        let beside = if own.contains_key("user_properties") { "amplitude_user_properties" } else { "user_properties" };
        prop_assert_eq!(&sent["attributes"][beside], &json!(user));
    }
}
