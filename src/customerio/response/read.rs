//! Reads replies by their status and body.
//!
//! | status | body | meaning |
//! |---|---|---|
//! | 200 | none, or a JSON object that names no error | delivered |
//! | 207 to a batch | an object whose `errors` name items of the batch by `batch_index` | those are refused, the others delivered |
//! | 207 to a batch | an object whose errors can't be matched with the items | unreadable: no item is refused by guess; all are retried as after a 5xx, and split until one is alone |
//! | 400, 422 | none, or an object with `errors`, `error` or `meta` | refused |
//! | 401, 403 | none, or text or an object with such words | unauthorized |
//! | 401, 403 | a page; or without such words, and with headers of a proxy | a proxy refuses |
//! | 407 | any | a proxy refuses |
//! | 413 | any, to a batch of several; to one item none, or an object with such words | too large |
//! | 429 | any | throttled |
//! | 408, 5xx but 511 | any | retry |
//! | any other status or body | | another server answers |
//!
//! 200 and 207 are the only successes that Customer.io documents, the latter for batches only. 202
//! and 204 don't mean a delivery, even with an empty body: Customer.io sends neither, 202 means that
//! nothing was done yet, and sign-in networks, ad blockers and health checks answer 204 to anything.
//! 206 is a part of an answer.

use std::time::SystemTime;

use reqwest::header::RETRY_AFTER;

use crate::http::reply::{Content, Reply};
use crate::text::excerpt;

use super::answer::Answer;
use super::error_body::{self, ErrorBody, Refusal};
use super::foreign::ForeignReply;
use super::retry_after::retry_after_delay;

/// The kind of a request, which decides the documented replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// For the workspace's region, by v1.
    Region,
    /// To accept this many items, by v2.
    Batch(usize),
    /// To accept one item, by v1.
    Single,
}

/// Reads a reply. `now` is needed for a `Retry-After` with a date.
pub fn read(kind: RequestKind, reply: &Reply, now: SystemTime) -> Answer {
    let after = || retry_after_delay(reply.header(RETRY_AFTER), now);
    let status = reply.status;
    match (status, kind) {
        (200, _) => success(reply),
        (207, RequestKind::Batch(items)) => partly(items, reply),
        (400 | 422, RequestKind::Batch(_) | RequestKind::Single) => refused(reply),
        (401 | 403, _) => unauthorized(reply),
        (407, _) => Answer::Foreign(ForeignReply::proxy(status, reply.summary())),
        // Whoever refuses a batch of several as too large: halves may fit.
        (413, RequestKind::Batch(2..)) => Answer::TooLarge,
        (413, RequestKind::Batch(_) | RequestKind::Single) if is_empty_or_failure(reply) => {
            Answer::TooLarge
        }
        (429, _) => Answer::Throttled { after: after() },
        (408 | 500..=510 | 512..=599, _) => Answer::Unavailable {
            status,
            message: error_body::message(reply),
            after: after(),
        },
        _ => foreign(reply),
    }
}

fn foreign(reply: &Reply) -> Answer {
    Answer::Foreign(ForeignReply::server(reply))
}

fn success(reply: &Reply) -> Answer {
    let is_ours = match reply.content() {
        Content::Empty => !reply.is_page(),
        Content::Object(text) => !ErrorBody::read(text).is_failure(),
        Content::Other => false,
    };
    if is_ours {
        Answer::Accepted
    } else {
        foreign(reply)
    }
}

fn partly(items: usize, reply: &Reply) -> Answer {
    let unreadable = |reason: &str| Answer::Unavailable {
        status: 207,
        message: format!(
            "a 207 whose errors can't be matched with the items that were sent: {}",
            excerpt(reason, error_body::MESSAGE_CHARS)
        ),
        after: None,
    };
    match reply.content() {
        // A batch with very many errors: a part of it has fewer.
        Content::Other if reply.is_cut => unreadable("the answer is too long"),
        Content::Empty => unreadable("it has no body"),
        Content::Other => foreign(reply),
        Content::Object(text) => match error_body::refusals_by_index(text, items) {
            Ok(refusals) if refusals.is_empty() => Answer::Accepted,
            Ok(refusals) => Answer::Partly(refusals),
            Err(reason) => unreadable(&reason),
        },
    }
}

/// Whether the body may be that of an error of Customer.io.
fn is_empty_or_failure(reply: &Reply) -> bool {
    match reply.content() {
        Content::Empty => !reply.is_page(),
        Content::Object(text) => ErrorBody::read(text).is_failure(),
        Content::Other => false,
    }
}

fn refused(reply: &Reply) -> Answer {
    if !is_empty_or_failure(reply) {
        return foreign(reply);
    }
    let refusal = match reply.content() {
        Content::Object(text) => ErrorBody::read(text).refusal(),
        _ => Refusal::default(),
    };
    Answer::Refused {
        status: reply.status,
        refusal,
    }
}

fn unauthorized(reply: &Reply) -> Answer {
    let has_errors = match reply.content() {
        Content::Object(text) => ErrorBody::read(text).is_failure(),
        _ => false,
    };
    // Customer.io's own balancer adds `Via`, so an error body takes precedence over headers.
    if !has_errors && (reply.is_page() || reply.came_by_proxy()) {
        return Answer::Foreign(ForeignReply::proxy(reply.status, reply.summary()));
    }
    if !has_errors && matches!(reply.content(), Content::Object(_)) {
        return foreign(reply);
    }
    Answer::Unauthorized {
        status: reply.status,
        message: error_body::message(reply),
    }
}
