//! What an answer of the Track API means for the items that were sent.

use std::time::Duration;

use serde::Deserialize;

/// An answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: all items are taken.
    Accepted,
    /// 207: all items are taken but these.
    Partly(Vec<Refusal>),
    /// 400, or another 4xx: the request as a whole is refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What Customer.io says.
        message: String,
    },
    /// 401 or 403: the credentials are refused.
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// What Customer.io says.
        message: String,
    },
    /// 413: the request is too large.
    TooLarge,
    /// 429: not now.
    Throttled {
        /// When to come back, where the answer says so.
        after: Option<Duration>,
    },
    /// 408 or 5xx: try again.
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
            | Self::Unavailable { status, .. } => status.to_string(),
            Self::TooLarge => "413".to_owned(),
            Self::Throttled { .. } => "429".to_owned(),
            Self::NoAnswer { .. } => "no answer".to_owned(),
        }
    }

    /// What was said, where anything was.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused { message, .. }
            | Self::Unauthorized { message, .. }
            | Self::Unavailable { message, .. }
            | Self::NoAnswer { message } => message,
            Self::Throttled { .. } => "too many requests",
            Self::TooLarge => "the request is too large",
            Self::Accepted | Self::Partly(_) => "",
        }
    }
}

/// One item of a batch that was refused, from a 207.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// Its place in the batch, from 0.
    #[serde(default)]
    pub batch_index: usize,
    /// Customer.io's word for it: `invalid`, `required`.
    #[serde(default)]
    pub reason: String,
    /// The field at fault: `attributes.plan`.
    #[serde(default)]
    pub field: String,
    /// A sentence.
    #[serde(default)]
    pub message: String,
}

/// Reads an answer. `now` is for a `Retry-After` that names a date.
pub fn read(
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
    now: std::time::SystemTime,
) -> Answer {
    let after = retry_after.and_then(|text| retry_after_delay(text, now));
    match status {
        207 => refusals(body).map_or_else(
            || Answer::Unavailable {
                status,
                message: "a 207 whose errors can't be read".to_owned(),
                after,
            },
            |all| {
                if all.is_empty() {
                    Answer::Accepted
                } else {
                    Answer::Partly(all)
                }
            },
        ),
        200..=299 => Answer::Accepted,
        401 | 403 => Answer::Unauthorized {
            status,
            message: message(body),
        },
        413 => Answer::TooLarge,
        429 => Answer::Throttled { after },
        408 | 500..=599 => Answer::Unavailable {
            status,
            message: message(body),
            after,
        },
        300..=399 => Answer::Refused {
            status,
            message: "the server redirects; set customerio.region or customerio.base_url"
                .to_owned(),
        },
        _ => Answer::Refused {
            status,
            message: message(body),
        },
    }
}

fn refusals(body: &[u8]) -> Option<Vec<Refusal>> {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<Refusal>,
    }
    serde_json::from_slice::<Body>(body).ok().map(|b| b.errors)
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

/// The sentence in an error's body: v1 writes `meta.errors` or `meta.error`, v2 `errors`.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Meta {
        error: String,
        errors: Vec<String>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Body {
        meta: Meta,
        errors: Vec<Refusal>,
    }
    if let Ok(read) = serde_json::from_slice::<Body>(body) {
        let mut said = read.meta.errors;
        said.extend((!read.meta.error.is_empty()).then_some(read.meta.error));
        said.extend(read.errors.into_iter().map(|e| e.message));
        if !said.is_empty() {
            return said.join("; ");
        }
    }
    String::from_utf8_lossy(body)
        .trim()
        .chars()
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn answer(status: u16, retry_after: Option<&str>, body: &str) -> Answer {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        read(status, retry_after, body.as_bytes(), now)
    }

    #[test]
    fn answers_are_told_apart_by_what_has_to_be_done() {
        assert_eq!(answer(200, None, "{}"), Answer::Accepted);
        let partly = r#"{"errors":[{"batch_index":1,"reason":"invalid","field":"attributes.plan","message":"too long"}]}"#;
        let Answer::Partly(refused) = answer(207, None, partly) else {
            panic!()
        };
        assert_eq!(
            (refused[0].batch_index, refused[0].field.as_str()),
            (1, "attributes.plan")
        );
        assert_eq!(answer(207, None, r#"{"errors":[]}"#), Answer::Accepted);
        assert!(
            matches!(answer(207, None, "?"), Answer::Unavailable { .. }),
            "what can't be read is tried again"
        );
        assert!(matches!(
            answer(401, None, ""),
            Answer::Unauthorized { status: 401, .. }
        ));
        assert_eq!(answer(413, None, ""), Answer::TooLarge);
        let said = |meta: &str| answer(400, None, meta).message().to_owned();
        assert_eq!(said(r#"{"meta":{"errors":["a","b"]}}"#), "a; b");
        assert_eq!(said(r#"{"meta":{"error":"c"}}"#), "c");
        assert_eq!(said("<html>"), "<html>");
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
