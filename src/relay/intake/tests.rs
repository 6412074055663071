use super::*;
use std::io::Write as _;

const NOW: UnixMs = 1_800_000_000_000;

#[test]
fn the_events_of_an_envelope_keep_their_bytes() {
    let body = br#"{"api_key":"k","events":[
        {"event_type":"A","user_id":"u","time":1,"event_properties":{"n":1.50}},
        {"device_id":"d","event_type":"B"}],"options":{"min_id_length":1}}"#;
    assert_eq!(
        envelope(body, NOW).unwrap(),
        [
            r#"{"event_type":"A","user_id":"u","time":1,"event_properties":{"n":1.50}}"#,
            r#"{"time":1800000000000,"device_id":"d","event_type":"B"}"#,
        ]
    );
}

#[test]
fn an_invalid_envelope_is_refused_with_its_fields_and_events() {
    let refused = |body: &str| envelope(body.as_bytes(), NOW).unwrap_err();
    for (body, field) in [
        (r#"{"events":[]}"#, "api_key"),
        (r#"{"api_key":"","events":[]}"#, "api_key"),
        (r#"{"api_key":"k"}"#, "events"),
        (r#"{"api_key":"k","events":[]}"#, "events"),
    ] {
        assert_eq!(refused(body), Refusal::missing(field), "{body}");
    }
    let mixed = refused(
        r#"{"api_key":"k","events":[{"event_type":"A","user_id":"u"},{"user_id":"u"},{"event_type":""},7]}"#,
    );
    assert_eq!(mixed.status, 400);
    assert_eq!(
        mixed.body["events_with_missing_fields"],
        json!({"event_type":[1, 2, 3],"user_id":[2, 3]})
    );
    let invalid = refused(
        r#"{"api_key":"k","events":[{"event_type":"A","user_id":"u","time":"now"},{"event_type":7,"user_id":"u","event_properties":[]}]}"#,
    );
    assert_eq!(
        invalid.body["events_with_invalid_fields"],
        json!({"event_properties": [1], "event_type": [1], "time": [0]})
    );
    assert_eq!(
        invalid.reason(),
        "Invalid field values on some events: event_properties, event_type, time"
    );
    let reason = "Request missing required field: event_type, user_id";
    assert_eq!(mixed.reason(), reason);
    assert_eq!(refused("{\"api_key\"").status, 400);
    let event = r#"{"event_type":"A","user_id":"u"}"#;
    let many = format!(
        r#"{{"api_key":"k","events":[{}]}}"#,
        vec![event; MAX_EVENTS + 1].join(",")
    );
    assert_eq!(refused(&many), Refusal::too_large());
}

#[test]
fn a_webhook_is_an_event_an_array_or_an_identify_payload() {
    let unmapped = WebhookMapping::default();
    let parsed = |body: &str| webhook(body.as_bytes(), &unmapped, NOW);
    let events = |body: &str| parsed(body).unwrap().events;
    let event = r#"{"event_type":"A","event_time":"2027-01-15 08:00:00.000000","user_id":"u"}"#;
    assert_eq!(events(event), [event]);
    assert_eq!(events(&format!("\u{feff}{event}\n{event}")), [event, event]);
    assert_eq!(events(&format!(" [{event}, {event}]")), [event, event]);
    assert_eq!(events("[]"), [""; 0]);
    assert_eq!(
        events(r#"{"user_id":"u","user_properties":{"plan":"pro"}}"#),
        [
            r#"{"time":1800000000000,"event_type":"$identify","user_id":"u","user_properties":{"plan":"pro"}}"#
        ]
    );
    for wrong in [
        "",
        "{",
        "7",
        r#""text""#,
        "[7]",
        r#"{"x":1}"#,
        "{} {}",
        "\u{feff}{}",
    ] {
        assert_eq!(parsed(wrong).unwrap_err().status, 400, "{wrong}");
    }
    assert_eq!(webhook(b"\xff{}", &unmapped, NOW).unwrap_err().status, 400);
}

#[test]
fn an_invalid_element_is_skipped_in_a_webhook_and_fails_an_envelope() {
    let event = r#"{"event_type":"A","time":1,"user_id":"u"}"#;
    for broken in [
        r#"{"event_type":"N","p":NaN}"#,
        "7",
        r#"{"x":1}"#,
        "{\"a\":\"\u{7}\"}",
    ] {
        let list = format!("[{event},{broken},{event}]");
        let parsed = webhook(list.as_bytes(), &WebhookMapping::default(), NOW).unwrap();
        assert_eq!(
            (parsed.events, parsed.broken),
            (vec![event.to_owned(); 2], 1)
        );
        assert!(parsed.why.is_some_and(|why| why.status == 400), "{broken}");
        let envelope_of = format!(r#"{{"api_key":"k","events":{list}}}"#);
        assert_eq!(
            envelope(envelope_of.as_bytes(), NOW).unwrap_err().status,
            400
        );
    }
    let marked = format!("\u{feff}{{\"api_key\":\"k\",\"events\":[{event}]}}");
    assert_eq!(envelope(marked.as_bytes(), NOW).unwrap(), [event]);
    let many = format!("[{}]", vec![event; MAX_EVENTS + 1].join(","));
    let refused = webhook(many.as_bytes(), &WebhookMapping::default(), NOW);
    assert_eq!(refused, Err(Refusal::too_large()));
}

proptest::proptest! {
    #[test]
    fn no_body_makes_the_relay_panic(
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        text in "[\\PC\\n{}\\[\\]\":,]{0,120}",
    ) {
        let lines = [("event_type", "name"), ("user_properties.plan", "a.b"), ("event_properties", "*")];
        let lines = lines.map(|(field, path)| (field.to_owned(), path.to_owned()));
        let mapping = WebhookMapping::new(&lines.into()).unwrap();
        for body in [&body[..], text.as_bytes()] {
            let _ = webhook(body, &mapping, NOW);
            let _ = webhook(body, &WebhookMapping::default(), NOW);
            let _ = envelope(body, NOW);
            let _ = decompress(&Bytes::copy_from_slice(body), Some("gzip"), 100);
        }
        identity(&text);
        let event = format!(r#"{{"api_key":"k","events":[{text}]}}"#);
        let _ = envelope(event.as_bytes(), NOW);
    }
}

#[test]
fn a_body_is_decompressed_up_to_its_limit() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&[b'x'; 5_000]).unwrap();
    let packed: Bytes = packed.finish().unwrap().into();
    assert_eq!(
        decompress(&packed, Some("gzip"), 5_000).unwrap().len(),
        5_000
    );
    assert_eq!(
        decompress(&packed, Some("gzip"), 4_999),
        Err(Refusal::too_large())
    );
    let cut = packed.slice(..packed.len() - 9);
    assert_eq!(
        decompress(&cut, Some("gzip"), 5_000).unwrap_err().status,
        400
    );
    let plain = Bytes::from_static(b"x");
    assert_eq!(decompress(&plain, Some("br"), 9).unwrap_err().status, 400);
    assert_eq!(decompress(&plain, None, 9).unwrap(), plain);
}
