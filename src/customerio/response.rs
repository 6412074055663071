//! What an answer of the Track API means for the items that were sent.
//!
//! Only Customer.io's own answers mean anything for them. What Customer.io documents is 200 and 207
//! with a JSON object, and what it refuses with 400 and 401; 200 without a body is taken too, as it
//! says the same. Anything else that looks like success is another server's: a captive portal, a
//! proxy, a wrong `base_url`. So are 201, 202 and 204, which Customer.io never answers: what stands
//! in front of it and answers so has at most put the request into a queue of its own. Then nothing
//! counts as delivered, nothing counts as refused, and everything is kept.

use std::time::Duration;

use serde_json::Value;

use crate::text;

/// A text of an answer is kept up to this many characters: it stands in the story of every event
/// of the request, in dead letters and in logs.
const SAID_CHARS: usize = 300;

/// An answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: all items are taken.
    Accepted,
    /// 207: all items are taken but these, each named once.
    Partly(Vec<Refusal>),
    /// 400, or another 4xx: the request as a whole is refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What Customer.io says.
        refusal: Refusal,
    },
    /// 401 or 403: the credentials are refused.
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// What Customer.io says.
        message: String,
    },
    /// Another server than Customer.io answers: a captive portal, a proxy, a wrong address.
    Foreign {
        /// The HTTP status.
        status: u16,
        /// What it says: its first line.
        message: String,
    },
    /// 407, or a proxy's own refusal.
    Proxy {
        /// The HTTP status.
        status: u16,
        /// What it says: its first line.
        message: String,
    },
    /// 413: the request is too large.
    TooLarge,
    /// 429: not now.
    Throttled {
        /// When to come back, where the answer says so.
        after: Option<Duration>,
    },
    /// 408 or 5xx, or a 207 that doesn't name what it refuses: try again.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// What the server says.
        message: String,
        /// When to come back, where the answer says so.
        after: Option<Duration>,
    },
    /// There was no answer: no connection, a time-out, a hang-up.
    NoAnswer {
        /// What happened, in words.
        message: String,
    },
}

impl Answer {
    /// The answer in a word, for counts and traces: `200`, `503`, `no answer`.
    pub fn label(&self) -> String {
        match self {
            Self::Accepted => "200".to_owned(),
            Self::Partly(_) => "207".to_owned(),
            Self::Refused { status, .. }
            | Self::Unauthorized { status, .. }
            | Self::Foreign { status, .. }
            | Self::Proxy { status, .. }
            | Self::Unavailable { status, .. } => status.to_string(),
            Self::TooLarge => "413".to_owned(),
            Self::Throttled { .. } => "429".to_owned(),
            Self::NoAnswer { .. } => "no answer".to_owned(),
        }
    }

    /// What was said, where anything was.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused { refusal, .. } => &refusal.message,
            Self::Unauthorized { message, .. }
            | Self::Foreign { message, .. }
            | Self::Proxy { message, .. }
            | Self::Unavailable { message, .. }
            | Self::NoAnswer { message } => message,
            Self::Throttled { .. } => "too many requests",
            Self::TooLarge => "the request is too large",
            Self::Accepted | Self::Partly(_) => "",
        }
    }
}

/// Why an item was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the batch, from 0.
    pub batch_index: usize,
    /// Customer.io's word for it: `invalid`, `required`. Empty where it has none.
    pub reason: String,
    /// The field at fault: `attributes.plan`.
    pub field: String,
    /// A sentence.
    pub message: String,
}

/// What an answer is read from.
#[derive(Debug, Clone, Copy)]
pub struct Received<'r> {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<&'r str>,
    /// The body, as far as it was read.
    pub body: &'r [u8],
    /// How many items the request carried.
    pub items: usize,
}

/// Reads an answer. `now` is for a `Retry-After` that names a date.
pub fn read(received: Received<'_>, now: std::time::SystemTime) -> Answer {
    let Received {
        status,
        retry_after,
        body,
        items,
    } = received;
    let after = retry_after.and_then(|text| retry_after_delay(text, now));
    let body = Body::of(body);
    let foreign = |message| Answer::Foreign { status, message };
    match (status, &body) {
        (200, Body::Empty) => Answer::Accepted,
        (200, Body::Object(object)) if !has_errors(object) => Answer::Accepted,
        (207, Body::Object(object)) => match partly(object, items) {
            Some(refusals) if refusals.is_empty() => Answer::Accepted,
            Some(refusals) => Answer::Partly(refusals),
            None => Answer::Unavailable {
                status,
                message: "the items that it refuses are not named as documented".to_owned(),
                after,
            },
        },
        (200..=299, _) => foreign(body.first_line()),
        (300..=399, _) => Answer::Refused {
            status,
            refusal: Refusal {
                message: "the server redirects; set customerio.region or customerio.base_url"
                    .to_owned(),
                ..Refusal::default()
            },
        },
        (407, _) => Answer::Proxy {
            status,
            message: body.first_line(),
        },
        (413, _) => Answer::TooLarge,
        (429, _) => Answer::Throttled { after },
        (408 | 500..=599, _) => Answer::Unavailable {
            status,
            message: body.message(),
            after,
        },
        // What refuses without a word of Customer.io's may not be Customer.io.
        (401 | 403, Body::Other(_)) => Answer::Proxy {
            status,
            message: body.first_line(),
        },
        (401 | 403, _) => Answer::Unauthorized {
            status,
            message: body.message(),
        },
        (400 | 422, Body::Other(_)) => foreign(body.first_line()),
        _ => Answer::Refused {
            status,
            refusal: body.refusal(),
        },
    }
}

/// The body of an answer.
enum Body {
    /// There is none.
    Empty,
    /// A JSON object, as all of Customer.io's are.
    Object(serde_json::Map<String, Value>),
    /// Anything else: its first line.
    Other(String),
}

impl Body {
    fn of(body: &[u8]) -> Self {
        let body = body.trim_ascii();
        if body.is_empty() {
            return Self::Empty;
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Self::Object(object),
            _ => Self::Other(first_line(body)),
        }
    }

    /// What it begins with, on one line.
    fn first_line(&self) -> String {
        match self {
            Self::Empty => "nothing".to_owned(),
            Self::Object(object) => said(&serde_json::to_string(object).unwrap_or_default()),
            Self::Other(line) => line.clone(),
        }
    }

    /// What is said of the whole request.
    fn message(&self) -> String {
        match self {
            Self::Other(line) => line.clone(),
            _ => self.refusal().message,
        }
    }

    /// Why the whole request is refused: v1 writes `meta.errors` or `meta.error`, v2 `errors` with
    /// the same fields as a 207.
    fn refusal(&self) -> Refusal {
        let Self::Object(object) = self else {
            return Refusal::default();
        };
        if let Some(errors) = object.get("errors").and_then(Value::as_array) {
            let all = errors.iter().map(|error| refusal(error, 0));
            return all.reduce(joined).unwrap_or_default();
        }
        let meta = object.get("meta").unwrap_or(&Value::Null);
        let several = meta.get("errors").and_then(Value::as_array);
        let texts = several.into_iter().flatten().chain(meta.get("error"));
        let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
        Refusal {
            message: said(&texts.join("; ")),
            ..Refusal::default()
        }
    }
}

/// Whether an object says that something is wrong, as no answer of success does.
fn has_errors(object: &serde_json::Map<String, Value>) -> bool {
    match object.get("errors") {
        None | Some(Value::Null) => false,
        Some(Value::Array(errors)) => !errors.is_empty(),
        Some(_) => true,
    }
}

/// What a 207 refuses of `items` items, or nothing where it doesn't name all of it: no item is
/// refused by guess. One that is named twice is refused once, with both reasons.
fn partly(object: &serde_json::Map<String, Value>, items: usize) -> Option<Vec<Refusal>> {
    let errors = object.get("errors")?.as_array()?;
    let mut refusals: Vec<Refusal> = Vec::new();
    for error in errors {
        let index = match error.get("batch_index") {
            Some(index) => usize::try_from(index.as_u64()?).ok()?,
            // Where only one was sent, it can only be that one.
            None if items == 1 && error.is_object() => 0,
            None => return None,
        };
        if index >= items {
            return None;
        }
        let next = refusal(error, index);
        match refusals.iter_mut().find(|known| known.batch_index == index) {
            Some(known) => *known = joined(std::mem::take(known), next),
            None => refusals.push(next),
        }
    }
    Some(refusals)
}

fn refusal(error: &Value, batch_index: usize) -> Refusal {
    let text = |name| said(error.get(name).and_then(Value::as_str).unwrap_or_default());
    Refusal {
        batch_index,
        reason: text("reason"),
        field: text("field"),
        message: text("message"),
    }
}

/// Two reasons for one item: the first one's word and field, and what both say.
fn joined(first: Refusal, second: Refusal) -> Refusal {
    let message = match (first.message.as_str(), second.message.as_str()) {
        (one, "") | ("", one) => one.to_owned(),
        (one, other) => said(&format!("{one}; {other}")),
    };
    Refusal { message, ..first }
}

/// A text of an answer as it is kept: on one line, and cut.
fn said(text: &str) -> String {
    let shown = text.trim().chars().map(text::visible);
    let mut short: String = shown.take(SAID_CHARS).collect();
    if text.trim().chars().nth(SAID_CHARS).is_some() {
        short.push('…');
    }
    short
}

/// The first line of text that is no JSON object.
fn first_line(body: &[u8]) -> String {
    let most = &body[..body.len().min(4 * SAID_CHARS)];
    let text = String::from_utf8_lossy(most);
    said(text.trim().lines().next().unwrap_or_default())
}

/// No answer keeps us quiet for longer than this: a typo in a proxy must not stop delivery for days.
const LONGEST_QUIET: Duration = Duration::from_secs(3_600);

/// Seconds, or a date: RFC 9110, `Retry-After`.
fn retry_after_delay(text: &str, now: std::time::SystemTime) -> Option<Duration> {
    let text = text.trim();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(now).unwrap_or_default()
        }
    };
    Some(asked.min(LONGEST_QUIET))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    fn now() -> std::time::SystemTime {
        UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    /// The answer to a request of three items.
    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> Answer {
        of_items(3, status, retry_after, body.as_bytes())
    }

    fn of_items(items: usize, status: u16, retry_after: Option<&str>, body: &[u8]) -> Answer {
        let received = Received {
            status,
            retry_after,
            body,
            items,
        };
        read(received, now())
    }

    #[test]
    fn answers_are_told_apart_by_what_has_to_be_done() {
        let partly = r#"{"errors":[{"batch_index":1,"reason":"invalid","field":"attributes.plan","message":"too long"}]}"#;
        let Answer::Partly(refused) = answer(207, None, partly) else {
            panic!()
        };
        assert_eq!(
            (refused[0].batch_index, refused[0].field.as_str()),
            (1, "attributes.plan")
        );
        assert_eq!(answer(207, None, r#"{"errors":[]}"#), Answer::Accepted);
        for body in ["", r#"{"meta":{"error":"Unauthorized request"}}"#] {
            assert!(matches!(
                answer(401, None, body),
                Answer::Unauthorized { status: 401, .. }
            ));
        }
        assert_eq!(answer(413, None, ""), Answer::TooLarge);
        let said = |meta: &str| answer(400, None, meta).message().to_owned();
        assert_eq!(said(r#"{"meta":{"errors":["a","b"]}}"#), "a; b");
        assert_eq!(said(r#"{"meta":{"error":"c"}}"#), "c");
    }

    #[test]
    fn only_what_customer_io_documents_is_delivered() {
        for body in ["{}", "", " \n{ }\r\n", r#"{"errors":[]}"#, r#"{"meta":{}}"#] {
            assert_eq!(answer(200, None, body), Answer::Accepted, "{body}");
        }
        for (status, body, expected) in [
            (200, "<html>\n<title>Sign in</title>", "<html>"),
            (200, "OK", "OK"),
            (200, "[]", "[]"),
            (200, "null", "null"),
            (
                200,
                r#"{"errors":[{"message":"no"}]}"#,
                r#"{"errors":[{"message":"no"}]}"#,
            ),
            (200, r#"{"errors":"no"}"#, r#"{"errors":"no"}"#),
            (200, r#"{"cut"#, r#"{"cut"#),
            (200, "\u{1b}[31m\u{9b}x", "␛[31m�x"),
            (201, "{}", "{}"),
            (202, "", "nothing"),
            (204, "", "nothing"),
            (206, "{}", "{}"),
            (207, "<h1>no</h1>", "<h1>no</h1>"),
            (400, "<html>blocked", "<html>blocked"),
            (422, "no", "no"),
        ] {
            let message = expected.to_owned();
            assert_eq!(
                answer(status, None, body),
                Answer::Foreign { status, message },
                "{body}"
            );
        }
        for (status, body) in [
            (407, ""),
            (407, "{}"),
            (403, "<h1>No!</h1>"),
            (401, "denied"),
        ] {
            let told = answer(status, None, body);
            assert!(
                matches!(told, Answer::Proxy { .. }),
                "{status} {body}: {told:?}"
            );
        }
    }

    #[test]
    fn a_207_that_names_not_all_of_what_it_refuses_refuses_nothing() {
        let body = |errors: &str| format!(r#"{{"errors":[{errors}]}}"#);
        for errors in [
            r#"{"reason":"invalid"}"#,
            r#"{"batch_index":-1}"#,
            r#"{"batch_index":3}"#,
            r#"{"batch_index":"1"}"#,
            r#"{"batch_index":1.5}"#,
            r#"{"batch_index":null}"#,
            r#"{"batch_index":99999999999999999999}"#,
            r#"{"batch_index":0},{"message":"which?"}"#,
            "1",
            "null",
        ] {
            let told = answer(207, None, &body(errors));
            assert!(
                matches!(told, Answer::Unavailable { status: 207, .. }),
                "{errors}: {told:?}"
            );
        }
        for object in [
            "{}",
            r#"{"errors":null}"#,
            r#"{"errors":{"batch_index":0}}"#,
        ] {
            let told = answer(207, None, object);
            assert!(matches!(told, Answer::Unavailable { .. }), "{object}");
        }
        let twice = body(
            r#"{"batch_index":2,"reason":"invalid","field":"a","message":"x"},{"batch_index":2,"reason":"required","field":"b","message":"y"}"#,
        );
        let Answer::Partly(refused) = answer(207, None, &twice) else {
            panic!()
        };
        assert_eq!(refused.len(), 1);
        assert_eq!(
            (refused[0].field.as_str(), refused[0].message.as_str()),
            ("a", "x; y")
        );
        // The only item that was sent needs no name.
        let alone = of_items(1, 207, None, body(r#"{"message":"x"}"#).as_bytes());
        assert!(matches!(alone, Answer::Partly(refused) if refused[0].batch_index == 0));
    }

    #[test]
    fn a_400_names_reason_and_field_as_a_207_does() {
        let v2 =
            r#"{"errors":[{"reason":"invalid","field":"attributes.plan","message":"too long"}]}"#;
        let Answer::Refused { refusal, .. } = answer(400, None, v2) else {
            panic!()
        };
        assert_eq!(
            (refusal.reason, refusal.field, refusal.message),
            (
                "invalid".to_owned(),
                "attributes.plan".to_owned(),
                "too long".to_owned()
            )
        );
    }

    #[test]
    fn what_is_said_is_cut_and_on_one_line() {
        let long = format!(r#"{{"meta":{{"error":"a\nb{}"}}}}"#, "é".repeat(100_000));
        let said = answer(400, None, &long).message().to_owned();
        assert_eq!(said.chars().count(), SAID_CHARS + 1);
        assert!(said.starts_with("a␊b"));
        let html = "x".repeat(1 << 20);
        assert_eq!(
            answer(503, None, &html).message().len(),
            SAID_CHARS + "…".len()
        );
    }

    proptest! {
        /// Whatever comes is read without a panic, and says no more than is kept.
        #[test]
        fn any_answer_is_read(
            status in 100_u16..=599,
            retry_after in proptest::option::of("\\PC{0,30}"),
            body in proptest::collection::vec(any::<u8>(), 0..300),
            errors in "[\\[\\]{}\":,a-z0-9_\\-é]{0,80}",
            items in 0_usize..4,
        ) {
            let json = format!(r#"{{"errors":[{{"batch_index":1,"message":"{errors}"}},{errors}]}}"#);
            for body in [&body[..], json.as_bytes()] {
                let told = of_items(items, status, retry_after.as_deref(), body);
                prop_assert!(told.message().chars().count() <= SAID_CHARS + 1);
                if let Answer::Partly(refusals) = told {
                    prop_assert!(refusals.iter().all(|r| r.batch_index < items));
                }
            }
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let after = |text| match answer(429, text, "") {
            Answer::Throttled { after } => after,
            other => panic!("{other:?}"),
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
        assert_eq!(after(Some("18446744073709551615")), Some(LONGEST_QUIET));
        assert_eq!(after(Some("soon")), None);
        assert_eq!(after(None), None);
    }
}
