//! Replies of all kinds, and their meaning.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::retry_after::MAX_DELAY;
use super::*;
use crate::http::reply::tests_support::reply;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777)
}

fn answer(status: u16, body: &str) -> Answer {
    read(RequestKind::Batch(3), &reply(status, &[], body), now())
}

/// The sender of a reply that is not Customer.io's.
fn foreign_sender(answer: &Answer) -> Option<ForeignSender> {
    match answer {
        Answer::Foreign(foreign) => Some(foreign.sender),
        _ => None,
    }
}

#[test]
fn only_200_with_no_body_or_an_object_without_an_error_delivers() {
    for body in [
        "",
        "\n",
        "{}",
        " {} ",
        "\u{feff}{}",
        r#"{"request_id":"r"}"#,
        r#"{"errors":[]}"#,
        r#"{"errors":null,"meta":{}}"#,
    ] {
        for kind in [
            RequestKind::Batch(3),
            RequestKind::Batch(1),
            RequestKind::Single,
        ] {
            let read = read(kind, &reply(200, &[], body), now());
            assert_eq!(read, Answer::Accepted, "{body:?}");
        }
    }
    let refused = r#"{"errors":[{"batch_index":0,"reason":"invalid"}]}"#;
    for body in [
        "<html><title>Sign in to the network</title></html>",
        "OK",
        "[]",
        "null",
        "1",
        "\"{}\"",
        "{",
        "{}{}",
        refused,
        r#"{"error":"no such account"}"#,
        r#"{"meta":{"errors":["no"]}}"#,
        r#"{"meta":{"error":"no"}}"#,
        r#"{"errors":[],"errors":["no"]}"#,
    ] {
        let read = answer(200, body);
        assert_eq!(
            foreign_sender(&read),
            Some(ForeignSender::Server),
            "{body:?}: {read:?}"
        );
    }
    let page = [("content-type", "text/html; charset=utf-8")];
    let read = read(RequestKind::Batch(3), &reply(200, &page, ""), now());
    assert_eq!(
        foreign_sender(&read),
        Some(ForeignSender::Server),
        "an empty page"
    );
}

#[test]
fn no_other_success_delivers_whatever_its_body() {
    for status in [
        201, 202, 203, 204, 205, 206, 208, 226, 299, 100, 302, 304, 511,
    ] {
        for body in ["", "{}", "<html>", "[]"] {
            let read = answer(status, body);
            assert_eq!(
                foreign_sender(&read),
                Some(ForeignSender::Server),
                "{status} {body:?}"
            );
        }
    }
    let read = read(
        RequestKind::Single,
        &reply(207, &[], r#"{"errors":[]}"#),
        now(),
    );
    assert_eq!(
        foreign_sender(&read),
        Some(ForeignSender::Server),
        "v1 has no 207"
    );
}

#[test]
fn a_207_names_items_by_index_and_joins_the_errors_of_one() {
    let body = r#"{"errors":[
        {"batch_index":1,"reason":"invalid","field":"attributes.plan","message":"too long"},
        {"batch_index":1,"reason":"required","field":"name","message":"name is required"},
        {"batch_index":2,"reason":"invalid","field":null}]}"#;
    let Answer::Partly(refusals) = answer(207, body) else {
        panic!()
    };
    assert_eq!(refusals.keys().copied().collect::<Vec<_>>(), [1, 2]);
    let Refusal {
        reason,
        field,
        message,
    } = &refusals[&1];
    assert_eq!(
        (reason.as_str(), field.as_str(), message.as_str()),
        (
            "invalid, required",
            "attributes.plan, name",
            "too long; name is required"
        )
    );
    assert_eq!(answer(207, r#"{"errors":[]}"#), Answer::Accepted);
}

#[test]
fn a_207_that_cant_be_matched_refuses_no_item() {
    let named = |index: &str| format!(r#"{{"errors":[{{"batch_index":{index}}}]}}"#);
    let twice = r#"{"errors":[{"batch_index":0,"reason":"a"},{"batch_index":0,"reason":"a"}]}"#;
    for body in [
        named("3"),
        named("18446744073709551615"),
        named("18446744073709551616"),
        named("-1"),
        named("1.0"),
        named("\"1\""),
        named("null"),
        named("true"),
        named("[0]"),
        r#"{"errors":[{"reason":"invalid"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":0},{"reason":"invalid"}]}"#.to_owned(),
        r#"{"errors":[{"batch_index":0,"batch_index":1}]}"#.to_owned(),
        r#"{"errors":["invalid"]}"#.to_owned(),
        r#"{"errors":{"batch_index":0}}"#.to_owned(),
        r#"{"errors":null}"#.to_owned(),
        twice.to_owned(),
        "{}".to_owned(),
        String::new(),
    ] {
        let read = answer(207, &body);
        assert!(
            matches!(read, Answer::Unavailable { status: 207, .. }),
            "{body}: {read:?}"
        );
        assert_eq!(read.label(), "unreadable 207");
    }
    let alone = reply(207, &[], r#"{"errors":[{"message":"x"}]}"#);
    let alone = read(RequestKind::Batch(1), &alone, now());
    assert!(
        matches!(&alone, Answer::Partly(refusals) if refusals.contains_key(&0)),
        "the only item that was sent needs no name"
    );
    for body in ["<html>", "?", "[]"] {
        assert_eq!(
            foreign_sender(&answer(207, body)),
            Some(ForeignSender::Server)
        );
    }
    let mut long = reply(207, &[], r#"{"errors":["#);
    long.is_cut = true;
    assert!(matches!(
        read(RequestKind::Batch(3), &long, now()),
        Answer::Unavailable { status: 207, .. }
    ));
}

#[test]
fn only_customer_io_can_refuse() {
    let refusal = |status, body: &str| match answer(status, body) {
        Answer::Refused { refusal, .. } => refusal,
        other => panic!("{body}: {other:?}"),
    };
    let v2 = r#"{"errors":[{"reason":"invalid","field":"name","message":"too long"}]}"#;
    let named = refusal(400, v2);
    assert_eq!(
        (named.reason.as_str(), named.field.as_str()),
        ("invalid", "name")
    );
    assert_eq!(named.message, "too long");
    let said = |body: &str| refusal(422, body).message;
    assert_eq!(said(r#"{"meta":{"errors":["a","b"]}}"#), "a; b");
    assert_eq!(said(r#"{"meta":{"error":"c"}}"#), "c");
    assert_eq!(said(r#"{"error":"d"}"#), "d");
    assert_eq!(said(""), "");
    for body in [
        "<html>",
        "Bad Request",
        "[]",
        r#"{"message":"Bad Request"}"#,
    ] {
        assert_eq!(
            foreign_sender(&answer(400, body)),
            Some(ForeignSender::Server),
            "{body}"
        );
    }
    assert_eq!(answer(413, "<html>"), Answer::TooLarge, "halves fit");
    let one = |body: &str| read(RequestKind::Batch(1), &reply(413, &[], body), now());
    assert_eq!(one(r#"{"meta":{"error":"too large"}}"#), Answer::TooLarge);
    assert_eq!(one(""), Answer::TooLarge);
    assert_eq!(foreign_sender(&one("<html>")), Some(ForeignSender::Server));
}

/// A status, headers and a body, and who answers so; nobody where Customer.io does.
type Case = (
    u16,
    &'static [(&'static str, &'static str)],
    &'static str,
    Option<ForeignSender>,
);

#[test]
fn a_proxys_refusal_is_not_taken_for_wrong_credentials() {
    const WORDS: &str = r#"{"meta":{"error":"Unauthorized request"}}"#;
    const VIA: (&str, &str) = ("via", "1.1 google");
    const WANTS: (&str, &str) = ("proxy-authenticate", "Basic realm=\"corp\"");
    let cases: [Case; 11] = [
        (401, &[], WORDS, None),
        (403, &[VIA], WORDS, None),
        (401, &[], "", None),
        (401, &[], "Unauthorized", None),
        (403, &[], "<h1>No!</h1>", Some(ForeignSender::Proxy)),
        (403, &[], "<html>no</html>", Some(ForeignSender::Proxy)),
        (401, &[VIA], "", Some(ForeignSender::Proxy)),
        (403, &[VIA], "denied", Some(ForeignSender::Proxy)),
        (401, &[WANTS], "", Some(ForeignSender::Proxy)),
        (407, &[WANTS], "{}", Some(ForeignSender::Proxy)),
        (
            403,
            &[],
            r#"{"message":"Forbidden"}"#,
            Some(ForeignSender::Server),
        ),
    ];
    for (status, headers, body, expected) in cases {
        let read = read(RequestKind::Batch(3), &reply(status, headers, body), now());
        assert_eq!(
            foreign_sender(&read),
            expected,
            "{status} {headers:?} {body}"
        );
        if expected.is_none() {
            assert!(matches!(read, Answer::Unauthorized { .. }), "{read:?}");
        }
    }
    let page = [("content-type", "text/html")];
    let page = reply(403, &page, "No!");
    assert_eq!(
        foreign_sender(&read(RequestKind::Batch(3), &page, now())),
        Some(ForeignSender::Proxy)
    );
}

#[test]
fn a_look_up_refuses_no_item_and_delivers_none() {
    for status in [207, 400, 413, 422] {
        for body in ["", "{}", r#"{"errors":[]}"#, r#"{"meta":{"error":"no"}}"#] {
            let read = read(RequestKind::Region, &reply(status, &[], body), now());
            assert_eq!(
                foreign_sender(&read),
                Some(ForeignSender::Server),
                "{status} {body}"
            );
        }
    }
}

#[test]
fn texts_of_an_answer_are_short_and_harmless() {
    let long = "\u{1b}]52;c;x\u{7}\r\n".repeat(50_000);
    let long = serde_json::to_string(&long).unwrap();
    let errors =
        format!(r#"[{{"batch_index":0,"reason":{long},"field":{long},"message":{long}}}]"#);
    let bodies = [
        format!(r#"{{"errors":{errors}}}"#),
        format!(r#"{{"meta":{{"errors":[{long},{long}],"error":{long}}}}}"#),
        format!(r#"{{"x":{long}}}"#),
        format!("<html>{long}"),
        long,
    ];
    for status in [200, 207, 302, 400, 401, 403, 404, 407, 408, 413, 429, 500] {
        for body in &bodies {
            let read = answer(status, body);
            let mut kept = vec![read.message()];
            if let Answer::Partly(refusals) = &read {
                let all = refusals.values();
                kept.extend(all.flat_map(|r| [&r.reason, &r.field, &r.message].map(Clone::clone)));
            }
            for text in kept {
                assert!(text.chars().count() < 500, "{status}: {}", text.len());
                let harmless = text.chars().all(|c| crate::text::visible(c) == c);
                assert!(harmless, "{status}: {text}");
            }
        }
    }
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    let after = |text: Option<&str>| {
        let headers: Vec<_> = text.map(|text| ("retry-after", text)).into_iter().collect();
        match read(RequestKind::Batch(3), &reply(429, &headers, ""), now()) {
            Answer::Throttled { after } => after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(after(Some("7")), Some(Duration::from_secs(7)));
    assert_eq!(
        after(Some("Sun, 06 Nov 1994 08:49:47 GMT")),
        Some(Duration::from_secs(10))
    );
    assert_eq!(
        after(Some("Sun, 06 Nov 1994 08:00:00 GMT")),
        Some(Duration::ZERO)
    );
    assert_eq!(after(Some("18446744073709551615")), Some(MAX_DELAY));
    assert_eq!(after(Some("soon")), None);
    assert_eq!(after(None), None);
}

proptest::proptest! {
    /// Whatever comes, nothing panics, no other success says that all items are there, and none
    /// names an item that was not sent.
    #[test]
    fn any_reply_is_read(
        status in 100_u16..1_000,
        start in proptest::sample::select(vec!["", "{", "{\"errors\":[", "{\"errors\":[{\"batch_index\":", "<"]),
        rest in ".{0,60}",
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..20),
        items in 1_usize..4,
    ) {
        let mut reply = reply(status, &[], "");
        reply.body = [start.as_bytes(), rest.as_bytes(), &bytes[..]].concat();
        for kind in [RequestKind::Region, RequestKind::Batch(items), RequestKind::Single] {
            let read = read(kind, &reply, now());
            let _ = (read.label(), read.message());
            if read == Answer::Accepted {
                proptest::prop_assert!(status == 200 || status == 207);
            }
            if let Answer::Partly(refusals) = read {
                proptest::prop_assert!(refusals.keys().all(|index| *index < items));
            }
        }
    }
}
