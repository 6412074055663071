//! Requests to paths that a relay doesn't have, and with methods that its paths don't take:
//! which path was probably meant.

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use super::sources::Entrance;

/// Bytes of a body that are looked at to tell what it is.
pub(super) const HEAD_BYTES: usize = 4_096;
/// Characters of a path that are logged.
const PATH_CHARS: usize = 60;
/// Characters of a method that are logged.
const METHOD_CHARS: usize = 10;
/// A part of a path that is this long and has a digit may be a key or a token.
const KEY_CHARS: usize = 16;
/// A part of a path that is this long and stands in the secret is a part of the secret.
const PART_CHARS: usize = 4;

/// Paths that others have, or that are written by mistake, and what is meant.
const MEANT: [(&str, Target); 27] = [
    ("/httpapi", Target::HttpApi),
    ("/1/httpapi", Target::HttpApi),
    ("/v2/httpapi", Target::HttpApi),
    ("/api/2/httpapi", Target::HttpApi),
    ("/2/http", Target::HttpApi),
    ("/2", Target::HttpApi),
    ("/api", Target::HttpApi),
    ("/event", Target::HttpApi),
    ("/track", Target::HttpApi),
    ("/2/batch", Target::Batch),
    ("/api/batch", Target::Batch),
    ("/batch/2/httpapi", Target::Batch),
    ("/webhooks", Target::Webhook),
    ("/hook", Target::Webhook),
    ("/amplitude", Target::Webhook),
    ("/identify", Target::Identify),
    ("/2/identify", Target::Identify),
    ("/groupidentify", Target::Identify),
    ("/2/groupidentify", Target::Identify),
    ("/ws", Target::Feed),
    ("/websocket", Target::Feed),
    ("/stream", Target::Feed),
    ("/events", Target::Feed),
    ("/health", Target::Health),
    ("/healthcheck", Target::Health),
    ("/status", Target::Health),
    ("/ping", Target::Health),
];

/// What somebody wanted who asked for a path that isn't there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    HttpApi,
    Batch,
    Webhook,
    /// The legacy Identify API, which a relay doesn't have.
    Identify,
    Feed,
    Health,
}

impl Target {
    fn path(self) -> &'static str {
        match self {
            Self::HttpApi | Self::Identify => Entrance::HttpApi.path(),
            Self::Batch => Entrance::Batch.path(),
            Self::Webhook => Entrance::Webhook.path(),
            Self::Feed => Entrance::Feed.path(),
            Self::Health => "/healthz",
        }
    }
}

/// What a body that came to a wrong path is, as far as its beginning tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An HTTP V2 envelope.
    Envelope,
    /// One event.
    Event,
    /// The form of an API from before HTTP V2.
    Form,
    Unknown,
}

fn kind(head: &[u8]) -> Kind {
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    let head = head.trim_ascii_start();
    if head.starts_with(b"{") || head.starts_with(b"[") {
        return match () {
            () if has(br#""events""#) || has(br#""api_key""#) => Kind::Envelope,
            () if has(br#""event_type""#) => Kind::Event,
            () => Kind::Unknown,
        };
    }
    let names: [&[u8]; 6] = [
        b"client=",
        b"e=",
        b"api_key=",
        b"event=",
        b"identification=",
        b"checksum=",
    ];
    if names.iter().any(|name| head.starts_with(name)) {
        return Kind::Form;
    }
    Kind::Unknown
}

/// The refusal of a request to a path that there is not; `head` is how its body begins. It says the
/// same whether the secret is right or wrong.
pub(super) fn not_found(path: &str, head: &[u8]) -> Refusal {
    let bare = bare(path);
    // Who names the secret in the path goes on naming it there.
    let before = if path.starts_with("/s/") {
        "/s/SECRET"
    } else {
        ""
    };
    let kind = kind(head);
    let by_path = meant(&bare);
    let takes_no_body = matches!(by_path, None | Some(Target::Feed | Target::Health));
    let target = match kind {
        Kind::Envelope | Kind::Form if takes_no_body => Some(Target::HttpApi),
        Kind::Event if takes_no_body => Some(Target::Webhook),
        _ => by_path,
    };
    let to = target.map(|target| format!("{before}{}", target.path()));
    let says = match (&to, kind, target) {
        (Some(to), Kind::Form, _) => format!(
            "this is the form of an API from before HTTP V2, which is not taken; use an SDK that sends to {to}"
        ),
        (Some(to), _, Some(Target::Identify)) => {
            format!("the Identify API is not taken; send an event of the type $identify to {to}")
        }
        (Some(to), ..) => format!("use {to}"),
        (None, ..) => {
            "events are taken at /webhook, /2/httpapi and /batch, and the feed is at /feed"
                .to_owned()
        }
    };
    let mut refusal = Refusal::new(404, &format!("There is no such path here: {says}"));
    if let Some(to) = to {
        refusal.body["use"] = to.into();
    }
    refusal
}

/// The refusal of a request whose path is there, and takes other methods.
pub(super) fn wrong_method(path: &str) -> Refusal {
    let takes = match entrance(path) {
        Entrance::Webhook | Entrance::HttpApi | Entrance::Batch => "POST",
        Entrance::Feed | Entrance::Unknown => "GET",
    };
    Refusal::new(
        405,
        &format!("This path takes another method: send {takes}"),
    )
}

/// Where a request came in: at a known path, which others reach in front of which they name the
/// secret or behind which they write a slash, or elsewhere.
pub(super) fn entrance(path: &str) -> Entrance {
    let bare = bare(path);
    let known = [
        Entrance::Webhook,
        Entrance::HttpApi,
        Entrance::Batch,
        Entrance::Feed,
    ];
    let found = known.into_iter().find(|entrance| entrance.path() == bare);
    found.unwrap_or(Entrance::Unknown)
}

/// The path without the secret in front of it, and without slashes that mean nothing.
fn bare(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&"s") {
        parts.drain(..parts.len().min(2));
    }
    format!("/{}", parts.join("/")).to_ascii_lowercase()
}

/// What is meant by a path: what is known of it, or the known path that it is most like.
fn meant(bare: &str) -> Option<Target> {
    let own = [
        Target::HttpApi,
        Target::Batch,
        Target::Webhook,
        Target::Feed,
        Target::Health,
    ];
    if let Some((_, target)) = MEANT.iter().find(|(path, _)| *path == bare) {
        return Some(*target);
    }
    // A path behind another one, as where a proxy is asked with its prefix.
    if let Some(target) = own.into_iter().find(|own| bare.ends_with(own.path())) {
        return Some(target);
    }
    if bare.len() > PATH_CHARS {
        return None;
    }
    let distance = |own: &Target| strsim::damerau_levenshtein(own.path(), bare);
    let nearest = own.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 2).then_some(nearest)
}

/// A request as it can be logged: without secrets. It is not for answers, which would tell by it
/// what the secret is.
pub(super) fn shown(method: &Method, path: &str, secret: &str) -> String {
    let is_secret = |part: &str| {
        let part = percent_decode_str(part).decode_utf8_lossy();
        let is_key = part.len() >= KEY_CHARS && part.bytes().any(|b| b.is_ascii_digit());
        let is_part = part.len() >= PART_CHARS && secret.contains(&*part);
        is_key || is_part || !secret.is_empty() && part.contains(secret)
    };
    let mut behind_s = false;
    let parts = path.split('/').map(|part| {
        let hides = !part.is_empty() && (behind_s || is_secret(part));
        behind_s = part == "s";
        if hides { "…" } else { part }
    });
    let path = parts.collect::<Vec<_>>().join("/");
    let method = method.as_str().chars().take(METHOD_CHARS);
    let asked = method.chain([' ']).chain(path.chars().take(PATH_CHARS));
    asked.map(crate::text::visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(path: &str, body: &str) -> (String, String) {
        let refusal = not_found(path, body.as_bytes());
        let used = refusal.body["use"].as_str().unwrap_or_default().to_owned();
        (refusal.reason(), used)
    }

    #[test]
    fn the_path_that_was_meant_is_told_by_the_path_and_by_what_came() {
        let envelope = r#"{"api_key":"k","events":[{"event_type":"A"}]}"#;
        let event = r#" {"event_type":"A"}"#;
        for (path, body, used) in [
            ("/", envelope, "/2/httpapi"),
            ("/", event, "/webhook"),
            ("/", "", ""),
            ("/httpapi", "", "/2/httpapi"),
            ("/HTTPAPI/", "", "/2/httpapi"),
            ("//2//httpapi", "", "/2/httpapi"),
            ("/2/htpapi", "", "/2/httpapi"),
            ("/relay/2/httpapi", "", "/2/httpapi"),
            ("/2/batch", "", "/batch"),
            ("/webhok", "", "/webhook"),
            ("/identify", "identification=%5B%5D", "/2/httpapi"),
            ("/identify", "", "/2/httpapi"),
            ("/", "client=k&e=%5B%5D&v=2", "/2/httpapi"),
            ("/ws", "", "/feed"),
            ("/events", event, "/webhook"),
            ("/events", envelope, "/2/httpapi"),
            ("/health", "", "/healthz"),
            ("/wp-admin", "", ""),
            ("/s/x/httpapi", "", "/s/SECRET/2/httpapi"),
            ("/s/x", event, "/s/SECRET/webhook"),
            ("/s", "", ""),
        ] {
            let (says, told) = answer(path, body);
            assert_eq!(told, used, "{path} {body}: {says}");
            assert!(used.is_empty() || says.contains(used), "{says}");
        }
        let (says, _) = answer("/identify", "");
        assert!(says.contains("$identify"), "{says}");
        let (says, _) = answer("/", "client=k&e=%5B%5D");
        assert!(says.contains("from before HTTP V2"), "{says}");
    }

    #[test]
    fn neither_a_secret_nor_a_key_nor_an_escape_sequence_is_shown() {
        let shown = |path: &str| shown(&Method::POST, path, "swordfish");
        for (path, expected) in [
            ("/s/swordfish/httpapi", "POST /s/…/httpapi"),
            ("/s/guess/httpapi", "POST /s/…/httpapi"),
            ("/swordfish/webhook", "POST /…/webhook"),
            ("/%73wordfish/webhook", "POST /…/webhook"),
            ("/xswordfishx", "POST /…"),
            ("/sword", "POST /…"),
            ("/0f1e2d3c4b5a69788796a5b4c3d2e1f0", "POST /…"),
            ("/2/httpapi", "POST /2/httpapi"),
            ("/\u{1b}[31m", "POST /␛[31m"),
        ] {
            assert_eq!(shown(path), expected, "{path}");
        }
        assert_eq!(shown(&"/ab".repeat(500)).chars().count(), 5 + PATH_CHARS);
    }

    #[test]
    fn a_known_path_is_known_with_the_secret_in_front_and_slashes_behind() {
        for (path, expected) in [
            ("/webhook", Entrance::Webhook),
            ("/webhook/", Entrance::Webhook),
            ("/s/x/2/httpapi/", Entrance::HttpApi),
            ("/batch", Entrance::Batch),
            ("/feed", Entrance::Feed),
            ("/healthz", Entrance::Unknown),
            ("/s/webhook", Entrance::Unknown),
            ("/", Entrance::Unknown),
        ] {
            assert_eq!(entrance(path), expected, "{path}");
        }
    }
}
