//! Requests to wrong paths or with wrong methods: suggests the path that was probably meant.

use axum::http::Method;
use percent_encoding::percent_decode_str;

use super::endpoint::Endpoint;
use super::refusal::Refusal;

/// Bytes of a body that are inspected to recognize its kind.
pub(super) const HEAD_BYTES: usize = 4_096;
/// Maximum logged characters of a path.
const PATH_CHARS: usize = 60;
/// Maximum logged characters of a method.
const METHOD_CHARS: usize = 10;
/// A path segment of at least this length with a digit may be a key or a token.
const KEY_CHARS: usize = 16;
/// A path segment of at least this length that occurs in the secret counts as a part of it.
const FRAGMENT_CHARS: usize = 4;

/// Paths of other APIs and common mistakes, with the target that is meant.
const KNOWN_MISTAKES: [(&str, Target); 27] = [
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

/// The target that a sender probably wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    HttpApi,
    Batch,
    Webhook,
    /// The legacy Identify API, which a relay does not support.
    Identify,
    Feed,
    Health,
}

impl Target {
    fn path(self) -> &'static str {
        match self {
            Self::HttpApi | Self::Identify => Endpoint::HttpApi.path(),
            Self::Batch => Endpoint::Batch.path(),
            Self::Webhook => Endpoint::Webhook.path(),
            Self::Feed => Endpoint::Feed.path(),
            Self::Health => "/healthz",
        }
    }
}

/// The kind of a body, recognized by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    /// An HTTP V2 envelope.
    Envelope,
    /// One event.
    Event,
    /// A form of an API older than HTTP V2.
    Form,
    Unknown,
}

fn kind(head: &[u8]) -> BodyKind {
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    let head = head.trim_ascii_start();
    if head.starts_with(b"{") || head.starts_with(b"[") {
        return match () {
            () if has(br#""events""#) || has(br#""api_key""#) => BodyKind::Envelope,
            () if has(br#""event_type""#) => BodyKind::Event,
            () => BodyKind::Unknown,
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
        return BodyKind::Form;
    }
    BodyKind::Unknown
}

/// The refusal of a request to a path that does not exist; `head` is the beginning of its body. It
/// does not depend on the secret.
pub(super) fn not_found(path: &str, head: &[u8]) -> Refusal {
    let bare = bare(path);
    // A sender that puts the secret into the path continues to do so.
    let prefix = if path.starts_with("/s/") {
        "/s/SECRET"
    } else {
        ""
    };
    let kind = kind(head);
    let by_path = meant(&bare);
    let takes_no_body = matches!(by_path, None | Some(Target::Feed | Target::Health));
    let target = match kind {
        BodyKind::Envelope | BodyKind::Form if takes_no_body => Some(Target::HttpApi),
        BodyKind::Event if takes_no_body => Some(Target::Webhook),
        _ => by_path,
    };
    let to = target.map(|target| format!("{prefix}{}", target.path()));
    let hint = match (&to, kind, target) {
        (Some(to), BodyKind::Form, _) => format!(
            "this is a form of an API older than HTTP V2, which is not supported; use an SDK that sends to {to}"
        ),
        (Some(to), _, Some(Target::Identify)) => {
            format!(
                "the Identify API is not supported; send an event of the type $identify to {to}"
            )
        }
        (Some(to), ..) => format!("use {to}"),
        (None, ..) => {
            "send events to /webhook, /2/httpapi or /batch, and subscribe to /feed".to_owned()
        }
    };
    let mut refusal = Refusal::new(404, &format!("There is no such path here: {hint}"));
    if let Some(to) = to {
        refusal.body["use"] = to.into();
    }
    refusal
}

/// The refusal of a request with a method that its path does not allow.
pub(super) fn wrong_method(path: &str) -> Refusal {
    let method = match endpoint(path) {
        Endpoint::Webhook | Endpoint::HttpApi | Endpoint::Batch => "POST",
        Endpoint::Feed | Endpoint::Unknown => "GET",
    };
    Refusal::new(
        405,
        &format!("This path does not allow that method: use {method}"),
    )
}

/// The endpoint of a path, with or without the secret in front and slashes at the end.
pub(super) fn endpoint(path: &str) -> Endpoint {
    let bare = bare(path);
    let known = [
        Endpoint::Webhook,
        Endpoint::HttpApi,
        Endpoint::Batch,
        Endpoint::Feed,
    ];
    let found = known.into_iter().find(|endpoint| endpoint.path() == bare);
    found.unwrap_or(Endpoint::Unknown)
}

/// The path without the secret in front and without empty segments.
fn bare(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.first() == Some(&"s") {
        parts.drain(..parts.len().min(2));
    }
    format!("/{}", parts.join("/")).to_ascii_lowercase()
}

/// The target that is meant by a path: a known mistake, or the most similar path.
fn meant(bare: &str) -> Option<Target> {
    let own = [
        Target::HttpApi,
        Target::Batch,
        Target::Webhook,
        Target::Feed,
        Target::Health,
    ];
    if let Some((_, target)) = KNOWN_MISTAKES.iter().find(|(path, _)| *path == bare) {
        return Some(*target);
    }
    // A path with a prefix in front, as when a proxy does not remove its own.
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

/// A request's method and path without secrets, for the log. Unsuitable for answers, which would let
/// a sender guess the secret.
pub(super) fn redacted(method: &Method, path: &str, secret: &str) -> String {
    let is_secret = |part: &str| {
        let part = percent_decode_str(part).decode_utf8_lossy();
        let is_key = part.len() >= KEY_CHARS && part.bytes().any(|b| b.is_ascii_digit());
        let is_fragment = part.len() >= FRAGMENT_CHARS && secret.contains(&*part);
        is_key || is_fragment || !secret.is_empty() && part.contains(secret)
    };
    let mut after_s = false;
    let parts = path.split('/').map(|part| {
        let hides = !part.is_empty() && (after_s || is_secret(part));
        after_s = part == "s";
        if hides { "…" } else { part }
    });
    let path = parts.collect::<Vec<_>>().join("/");
    let method = method.as_str().chars().take(METHOD_CHARS);
    let request = method.chain([' ']).chain(path.chars().take(PATH_CHARS));
    request.map(crate::text::visible).collect()
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
    fn the_suggested_path_depends_on_the_path_and_the_body() {
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
        assert!(says.contains("older than HTTP V2"), "{says}");
    }

    #[test]
    fn secrets_keys_and_escape_sequences_are_redacted() {
        let redacted = |path: &str| redacted(&Method::POST, path, "swordfish");
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
            assert_eq!(redacted(path), expected, "{path}");
        }
        assert_eq!(redacted(&"/ab".repeat(500)).chars().count(), 5 + PATH_CHARS);
    }

    #[test]
    fn an_endpoint_is_recognized_with_the_secret_in_front_and_slashes_at_the_end() {
        for (path, expected) in [
            ("/webhook", Endpoint::Webhook),
            ("/webhook/", Endpoint::Webhook),
            ("/s/x/2/httpapi/", Endpoint::HttpApi),
            ("/batch", Endpoint::Batch),
            ("/feed", Endpoint::Feed),
            ("/healthz", Endpoint::Unknown),
            ("/s/webhook", Endpoint::Unknown),
            ("/", Endpoint::Unknown),
        ] {
            assert_eq!(endpoint(path), expected, "{path}");
        }
    }
}
