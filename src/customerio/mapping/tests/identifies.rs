//! Identifies as they are sent.

use super::*;

const UPDATE: &str = r#"{"event_type":"$identify","user_id":"u","device_id":"d","time":1767225600999,"user_properties":
    {"plan":"free","$add":{"n":1},"$set":{"plan":"pro","email":"a@b.c"},"$unset":{"email":"-"},"$clearAll":"-"}}"#;

#[test]
fn an_identify_contains_user_properties_but_not_those_that_would_be_refused() {
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

#[test]
fn an_identify_contains_the_time_of_its_event_by_v2_and_by_v1() {
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
fn identifies_that_set_the_same_at_different_times_have_the_same_hash() {
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
fn an_identify_contains_the_device_while_anonymous_events_are_sent() {
    let send = |m: &mut Mapping| m.anonymous = Send;
    assert_eq!(identified(send, UPDATE)["anonymous_id"], "d");
    assert_eq!(identified(|_| {}, UPDATE).get("anonymous_id"), None);
    let off = |m: &mut Mapping| (m.anonymous, m.link_anonymous) = (Send, false);
    assert_eq!(identified(off, UPDATE).get("anonymous_id"), None);
    // Linking needs no user properties, and doesn't send them.
    let only_link = |m: &mut Mapping| (m.anonymous, m.send_users) = (Send, false);
    assert_eq!(identified(only_link, UPDATE), json!({"anonymous_id": "d"}));
    // A user property of that name takes precedence, and no name is repeated.
    let own = UPDATE.replace(r#""email":"a@b.c""#, r#""anonymous_id":"x""#);
    let item = identify(send, &own).unwrap();
    let text = std::str::from_utf8(&item.body).unwrap();
    assert_eq!(text.matches("anonymous_id").count(), 1, "{text}");
    // A device alone identifies nobody.
    let nobody = UPDATE.replace(r#""user_id":"u""#, r#""user_id":"  ""#);
    assert_eq!(identify(send, &nobody), None);
    assert_eq!(
        identifiers(send, &nobody),
        Some(json!({"anonymous_id": "d"}))
    );
}

/// The identifiers of an event, as they would be sent.
fn identifiers(change: impl FnOnce(&mut Mapping), text: &str) -> Option<Value> {
    let mut mapping = Mapping::default();
    change(&mut mapping);
    let event = event(text);
    let item = mapping.map(&Reading::new(&event), Vec::new()).item()?;
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    Some(sent["identifiers"].clone())
}
