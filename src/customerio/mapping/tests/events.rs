//! Events as they are sent.

use super::*;

#[test]
fn an_event_is_sent_as_an_event_of_its_person_with_all_its_data() {
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
fn settings_select_the_data_that_is_sent_and_its_names() {
    let flat = attributes_of(EVENT, |m| m.layout = Layout::Flat);
    assert_eq!(
        (
            &flat["user_plan"],
            &flat["group_tier"],
            &flat["groups_company"]
        ),
        (&json!("pro"), &json!({"n": 1e3}), &json!(["acme"]))
    );
    let included = attributes_of(EVENT, |m| {
        m.include = vec!["event_properties.deep.a".into(), "user_properties".into()];
    });
    assert_eq!(
        included,
        json!({"deep": {"a": 1}, "user_properties": {"plan": "pro", "email": "ann@example.com"}})
    );
    let excluded = attributes_of(EVENT, |m| {
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
    let dated = attributes_of(EVENT, |m| m.dates = Dates::Unix);
    assert_eq!(
        (&dated["at"], &dated["price"]),
        (&json!(1_769_853_600), &json!(12.5))
    );
    let fields = attributes_of(EVENT, |m| {
        m.fields = vec!["platform".into(), "country".into(), "nope".into()];
    });
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
fn an_event_property_keeps_its_name_and_a_conflicting_part_is_prefixed() {
    let text = r#"{"event_type":"a","user_id":"u","time":1767225600000,"event_properties":{"user_properties":1},"user_properties":{"plan":2}}"#;
    let sent = body(&Mapping::default(), text);
    assert_eq!(
        sent["attributes"],
        json!({"user_properties": 1, "amplitude_user_properties": {"plan": 2}})
    );
}

/// The identifiers of an event whose `user_id` is `user`, under these settings.
fn identifiers_of(user: &str, change: impl FnOnce(&mut Mapping)) -> Option<Value> {
    let mut mapping = Mapping::default();
    change(&mut mapping);
    let event = event(&EVENT.replace(r#""u/1 ü""#, user));
    let item = mapping.map(&Reading::new(&event), Vec::new()).item()?;
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    Some(sent["identifiers"].clone())
}

#[test]
fn people_are_identified_as_the_settings_say() {
    let id = |user| identifiers_of(user, |_| {});
    assert_eq!(id(r#""a@b.co""#), Some(json!({"id": "a@b.co"})));
    assert_eq!(id("42"), Some(json!({"id": "42"})));
    assert_eq!(id("null"), None);
    let recognized = |user| identifiers_of(user, |m| m.recognize = true);
    for (user, expected) in [
        (r#""a@b.co""#, json!({"email": "a@b.co"})),
        (r#""cio_0a1b""#, json!({"cio_id": "0a1b"})),
        (r#""not@mail""#, json!({"id": "not@mail"})),
    ] {
        assert_eq!(recognized(user), Some(expected), "{user}");
    }
    let anonymous = identifiers_of("null", |m| m.anonymous = Send);
    assert_eq!(anonymous, Some(json!({"anonymous_id": "d-1"})));
    let at = |path: &str, user| {
        identifiers_of(user, |m| {
            path.clone_into(&mut m.person);
            m.recognize = true;
        })
    };
    let email = at("user_properties.email", "null");
    assert_eq!(email, Some(json!({"email": "ann@example.com"})));
    assert_eq!(at("user_properties.nope", r#""u""#), None);
}

#[test]
fn an_event_over_32_kb_is_sent_by_v1_with_its_person_percent_encoded() {
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
fn an_event_without_a_time_is_sent_with_the_time_of_receipt() {
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

#[test]
fn no_written_object_contains_a_name_twice() {
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
        let entries = raw_json::entries(std::str::from_utf8(mapped.attributes()).unwrap()).unwrap();
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
        let sent: Value = serde_json::from_slice(mapped.attributes()).unwrap();
        assert_eq!((&sent["a"], &sent["\u{fffd}"]), (&json!(2), &json!(2)));
        assert_eq!(sent["amplitude_amplitude_platform"], "ios");
    }
    assert_eq!(identified(|_| {}, text), json!({"plan": 3}));
}

#[test]
fn lone_surrogates_are_sent_as_replacement_characters() {
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
fn revenue_fields_are_sent_if_the_setting_says_so() {
    let text = r#"{"event_type":"Buy","user_id":"u","time":1767225600000,"price":9.99,"quantity":2,"revenue":null,"productId":"sku","event_properties":{"quantity":3}}"#;
    assert_eq!(attributes_of(text, |_| {}), json!({"quantity": 3}));
    assert_eq!(
        attributes_of(text, |m| m.revenue = true),
        json!({"quantity": 3, "price": 9.99, "amplitude_quantity": 2, "productId": "sku"})
    );
}
