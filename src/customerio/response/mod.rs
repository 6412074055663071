//! The meaning of a reply for the items that were sent. Only Customer.io's own replies decide
//! about an item; whatever else answers in its place keeps all items where they are.
//!
//! | status | body | meaning |
//! |---|---|---|
//! | 200 | none, or a JSON object that names no error | delivered |
//! | 207 to a batch | an object whose `errors` name items of the batch by `batch_index` | those are refused, the others delivered |
//! | 207 to a batch | an object whose errors can't be matched with the items | unreadable: nobody is failed by guess, all are tried again like after a 5xx, and split until one stands alone |
//! | 400, 422 | none, or an object with `errors`, `error` or `meta` | refused |
//! | 401, 403 | none, or text or an object with such words | the credentials are refused |
//! | 401, 403 | a page; or without such words, and with headers of a proxy | a proxy refuses |
//! | 407 | any | a proxy refuses |
//! | 413 | any, to a batch of several; to one item none, or an object with such words | too large |
//! | 429 | any | not now |
//! | 408, 5xx but 511 | any | try again |
//! | any other status or body | | another server answers |
//!
//! 200 and 207 are the only successes that Customer.io documents, the latter for batches only.
//! 202 and 204 are no deliveries, with an empty body neither: Customer.io sends neither, 202
//! says that nothing was done yet, and 204 is what sign-in networks, ad blockers and health
//! checks answer to anything. 206 is a part of an answer.

mod words;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use reqwest::header::RETRY_AFTER;

use crate::http::reply::{Content, Reply};
use crate::text::excerpt;

pub use words::Refusal;
use words::Words;

/// The kinds of requests, for which different replies are documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The workspace's region, by v1.
    Region,
    /// To take this many items, by v2.
    Batch(usize),
    /// To take one item, by v1.
    Single,
}

/// An answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200: all items are taken.
    Accepted,
    /// 207: all items are taken but these, by their place in the batch.
    Partly(BTreeMap<usize, Refusal>),
    /// 400 or 422: the request as a whole is refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The words of Customer.io.
        refusal: Refusal,
    },
    /// 401 or 403: the credentials are refused.
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// The words of Customer.io.
        message: String,
    },
    /// 413: the request is too large.
    TooLarge,
    /// 429: not now.
    Throttled {
        /// When to come back, where the answer says so.
        after: Option<Duration>,
    },
    /// 408 or 5xx, or a 207 that can't be read: try again.
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The words of the server.
        message: String,
        /// When to come back, where the answer says so.
        after: Option<Duration>,
    },
    /// There was no answer: no connection, a time-out, a hang-up.
    NoAnswer {
        /// What happened, in words.
        message: String,
    },
    /// Another server than Customer.io answered: nothing is known of the items.
    Foreign(Foreign),
    /// The task that sent the request panicked: a fault of this program.
    Panicked {
        /// What happened, in words.
        message: String,
    },
}

/// The reply of a server that is not Customer.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Whose it is, as far as that shows.
    pub who: Stranger,
    /// What it replied, on one line, with the status.
    pub summary: String,
    /// What to check, and to do about it.
    pub advice: &'static str,
}

/// Who answers in place of Customer.io.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranger {
    /// A sign-in page, a wrong address, any other server.
    Server,
    /// A proxy that lets the request not through.
    Proxy,
}

const CHECK_ADDRESS: &str = "is customerio.base_url right?";
const CHECK_NETWORK: &str = "is customerio.base_url right? Does this network want a sign-in first?";
const CHECK_REDIRECT: &str = "set customerio.region or customerio.base_url; \
     does this network want a sign-in first?";
const CHECK_PROXY: &str = "check the proxy (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), whether it lets \
     Customer.io through, and customerio.base_url";
const CHECK_PROXY_LOGIN: &str = "put a user name and a password that the proxy takes into its \
     address (HTTPS_PROXY, HTTP_PROXY)";

impl Foreign {
    /// Another server's reply.
    pub fn server(reply: &Reply) -> Self {
        let advice = match reply.status {
            300..=399 => CHECK_REDIRECT,
            200..=299 | 511 => CHECK_NETWORK,
            _ => CHECK_ADDRESS,
        };
        Self {
            who: Stranger::Server,
            summary: reply.summary(),
            advice,
        }
    }

    /// A proxy's refusal, with this status.
    pub fn proxy(status: u16, summary: String) -> Self {
        let advice = match status {
            407 => CHECK_PROXY_LOGIN,
            _ => CHECK_PROXY,
        };
        Self {
            who: Stranger::Proxy,
            summary,
            advice,
        }
    }
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.who {
            Stranger::Server => write!(f, "another server answers: {}", self.summary),
            Stranger::Proxy => write!(f, "a proxy refuses: {}", self.summary),
        }
    }
}

impl Answer {
    /// The answer in a word, for counts and traces: `200`, `503`, `no answer`.
    pub fn label(&self) -> String {
        match self {
            Self::Accepted => "200".to_owned(),
            Self::Partly(_) => "207".to_owned(),
            Self::Unavailable { status: 207, .. } => "unreadable 207".to_owned(),
            Self::Refused { status, .. }
            | Self::Unauthorized { status, .. }
            | Self::Unavailable { status, .. } => status.to_string(),
            Self::TooLarge => "413".to_owned(),
            Self::Throttled { .. } => "429".to_owned(),
            Self::NoAnswer { .. } => "no answer".to_owned(),
            Self::Foreign(Foreign { who, .. }) => match who {
                Stranger::Server => "another server".to_owned(),
                Stranger::Proxy => "a proxy".to_owned(),
            },
            Self::Panicked { .. } => "a fault".to_owned(),
        }
    }

    /// The words of the answer, where it has any.
    pub fn message(&self) -> String {
        match self {
            Self::Refused { refusal, .. } => refusal.message.clone(),
            Self::Unauthorized { message, .. }
            | Self::Unavailable { message, .. }
            | Self::NoAnswer { message }
            | Self::Panicked { message } => message.clone(),
            Self::Foreign(foreign) => foreign.to_string(),
            Self::Throttled { .. } => "too many requests".to_owned(),
            Self::TooLarge => "the request is too large".to_owned(),
            Self::Partly(refusals) => match refusals.len() {
                1 => "1 item is refused".to_owned(),
                count => format!("{count} items are refused"),
            },
            Self::Accepted => String::new(),
        }
    }
}

/// Reads a reply. `now` is for a `Retry-After` that names a date.
pub fn read(asked: Asked, reply: &Reply, now: SystemTime) -> Answer {
    let after = || retry_after_delay(reply.header(RETRY_AFTER), now);
    let status = reply.status;
    match (status, asked) {
        (200, _) => success(reply),
        (207, Asked::Batch(items)) => partly(items, reply),
        (400 | 422, Asked::Batch(_) | Asked::Single) => refused(reply),
        (401 | 403, _) => unauthorized(reply),
        (407, _) => Answer::Foreign(Foreign::proxy(status, reply.summary())),
        // Whoever it is that finds a request of several too large, halves fit sooner.
        (413, Asked::Batch(2..)) => Answer::TooLarge,
        (413, Asked::Batch(_) | Asked::Single) if is_empty_or_failure(reply) => Answer::TooLarge,
        (429, _) => Answer::Throttled { after: after() },
        (408 | 500..=510 | 512..=599, _) => Answer::Unavailable {
            status,
            message: words::message(reply),
            after: after(),
        },
        _ => foreign(reply),
    }
}

fn foreign(reply: &Reply) -> Answer {
    Answer::Foreign(Foreign::server(reply))
}

fn success(reply: &Reply) -> Answer {
    let is_ours = match reply.content() {
        Content::Empty => !reply.is_page(),
        Content::Object(text) => !Words::read(text).is_failure(),
        Content::Other => false,
    };
    if is_ours {
        Answer::Accepted
    } else {
        foreign(reply)
    }
}

fn partly(items: usize, reply: &Reply) -> Answer {
    let unreadable = |why: &str| Answer::Unavailable {
        status: 207,
        message: format!(
            "a 207 whose errors can't be matched with the items that were sent: {}",
            excerpt(why, words::MESSAGE_CHARS)
        ),
        after: None,
    };
    match reply.content() {
        // A batch of many faults: parts of it have fewer.
        Content::Other if reply.is_cut => unreadable("the answer is too long"),
        Content::Empty => unreadable("it has no body"),
        Content::Other => foreign(reply),
        Content::Object(text) => match words::refusals_by_index(text, items) {
            Ok(refusals) if refusals.is_empty() => Answer::Accepted,
            Ok(refusals) => Answer::Partly(refusals),
            Err(why) => unreadable(&why),
        },
    }
}

/// Whether the body may be that of an error of Customer.io's.
fn is_empty_or_failure(reply: &Reply) -> bool {
    match reply.content() {
        Content::Empty => !reply.is_page(),
        Content::Object(text) => Words::read(text).is_failure(),
        Content::Other => false,
    }
}

fn refused(reply: &Reply) -> Answer {
    if !is_empty_or_failure(reply) {
        return foreign(reply);
    }
    let refusal = match reply.content() {
        Content::Object(text) => Words::read(text).refusal(),
        _ => Refusal::default(),
    };
    Answer::Refused {
        status: reply.status,
        refusal,
    }
}

fn unauthorized(reply: &Reply) -> Answer {
    let has_words = match reply.content() {
        Content::Object(text) => Words::read(text).is_failure(),
        _ => false,
    };
    // Customer.io's own balancer names itself in `Via`: its words count more.
    if !has_words && (reply.is_page() || reply.came_by_proxy()) {
        return Answer::Foreign(Foreign::proxy(reply.status, reply.summary()));
    }
    if !has_words && matches!(reply.content(), Content::Object(_)) {
        return foreign(reply);
    }
    Answer::Unauthorized {
        status: reply.status,
        message: words::message(reply),
    }
}

/// No answer keeps us quiet for longer than this: a typo in a proxy must not stop delivery for days.
const LONGEST_QUIET: Duration = Duration::from_secs(3_600);

/// Seconds, or a date: RFC 9110, `Retry-After`.
pub(crate) fn retry_after_delay(text: &str, now: SystemTime) -> Option<Duration> {
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
mod tests;
