//! The destination's health, judged by one answer.

use std::time::Duration;

use crate::customerio::response::{Answer, ForeignReply};

/// Pause after a 429 that names none.
pub(super) const DEFAULT_PAUSE: Duration = Duration::from_secs(1);

/// The destination's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Works,
    /// It asks for no requests during this time.
    Throttles(Duration),
    /// It fails; with the reason, and the pause that it asks for.
    Fails(String, Option<Duration>),
    /// It refuses the credentials; with the reason and what to do.
    RefusesCredentials(String),
    /// Another server answers in its place.
    Foreign(String),
    /// The request panicked in this program, so it never answered.
    Panicked(String),
    /// The answer may come from a proxy in front of it.
    Unknown,
}

/// The health that an answer shows.
pub fn health(answer: &Answer) -> Health {
    match answer {
        // Only a destination that works refuses single items.
        Answer::Accepted | Answer::Partly(_) | Answer::Refused { .. } => Health::Works,
        // Often a proxy's own limit: the halves will show.
        Answer::TooLarge => Health::Unknown,
        Answer::Throttled { after } => Health::Throttles(after.unwrap_or(DEFAULT_PAUSE)),
        Answer::Unavailable { after, .. } => Health::Fails(describe(answer), *after),
        Answer::NoAnswer { .. } => Health::Fails(describe(answer), None),
        Answer::Foreign(foreign @ ForeignReply { advice, .. }) => {
            Health::Foreign(format!("{foreign}; {advice}"))
        }
        Answer::Panicked { message } => Health::Panicked(message.clone()),
        Answer::Unauthorized { status, message } => {
            let detail = if message.is_empty() {
                String::new()
            } else {
                format!(" ({message})")
            };
            Health::RefusesCredentials(format!(
                "Customer.io refuses the credentials: {status}{detail}; check site ID, API key and region"
            ))
        }
    }
}

/// The answer's label and message.
pub(super) fn describe(answer: &Answer) -> String {
    match answer {
        // The message repeats the label: "no answer no connection: …".
        Answer::NoAnswer { message }
        | Answer::Panicked { message }
        | Answer::Unavailable {
            status: 207,
            message,
            ..
        } => message.clone(),
        Answer::Foreign(foreign) => foreign.to_string(),
        _ => {
            let text = format!("{} {}", answer.label(), answer.message());
            text.trim_end().to_owned()
        }
    }
}
