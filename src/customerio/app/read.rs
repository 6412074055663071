//! Reads the answers of the App API.

use std::time::{Duration, SystemTime};

use reqwest::header::RETRY_AFTER;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::customerio::response::retry_after_delay;
use crate::http::reply::{Content, Reply};
use crate::text::excerpt;

use super::activity::Activity;
use super::error::AppError;

/// The pause after a 429 that names none.
const PAUSE: Duration = Duration::from_secs(2);
/// Maximum length of a message, in characters.
const MESSAGE_CHARS: usize = 160;
/// Maximum length of a name or a type, in characters.
const NAME_CHARS: usize = 200;

/// The last second of the year 9999: later times can't be shown.
const LAST_SECOND: i64 = 253_402_300_799;

/// A page of activities.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) activities: Vec<Activity>,
    /// The token of the next page; empty at the end.
    #[serde(default)]
    pub(super) next: Option<String>,
}

/// The answer with a profile.
#[derive(Debug, Deserialize)]
pub(super) struct ProfileBody<'b> {
    #[serde(borrow)]
    pub(super) customer: Customer<'b>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Customer<'b> {
    #[serde(borrow, default)]
    pub(super) attributes: Option<&'b RawValue>,
}

/// The text of an answer with 200; none for a 404.
pub(super) fn text(reply: &Reply) -> Result<Option<&str>, AppError> {
    let text = match reply.content() {
        Content::Object(text) => text,
        Content::Empty | Content::Other => {
            return Err(match reply.status {
                429 => throttled(reply),
                _ if reply.is_cut => AppError::Strange("the answer is too large".to_owned()),
                _ => AppError::Strange(reply.summary()),
            });
        }
    };
    match reply.status {
        200 => Ok(Some(text)),
        404 => Ok(None),
        status @ (401 | 403) => Err(AppError::WrongKey { status }),
        429 => Err(throttled(reply)),
        status @ 400..=499 => Err(AppError::Refused {
            status,
            message: message(text),
        }),
        _ => Err(AppError::Strange(reply.summary())),
    }
}

fn throttled(reply: &Reply) -> AppError {
    let after = retry_after_delay(reply.header(RETRY_AFTER), SystemTime::now());
    let after = after.filter(|after| !after.is_zero());
    AppError::RateLimited {
        after: after.unwrap_or(PAUSE),
    }
}

/// The message of an error: `errors[0].detail`, or `meta.error`.
fn message(text: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let found = body["errors"][0]["detail"]
        .as_str()
        .or(body["meta"]["error"].as_str())
        .unwrap_or(text);
    excerpt(found, MESSAGE_CHARS)
}

/// A page of activities, their texts at a harmless length.
pub(super) fn page(text: &str) -> Result<Page, AppError> {
    let strange = |error: serde_json::Error| AppError::Strange(error.to_string());
    let mut page: Page = serde_json::from_str(text).map_err(strange)?;
    for activity in &mut page.activities {
        if !(0..=LAST_SECOND).contains(&activity.at_s) {
            activity.at_s = 0;
        }
        for text in [
            &mut activity.id,
            &mut activity.kind,
            &mut activity.name,
            &mut activity.delivery_id,
        ] {
            if text.chars().count() > NAME_CHARS {
                *text = text.chars().take(NAME_CHARS).collect();
            }
        }
    }
    page.next = page.next.filter(|next| !next.is_empty());
    Ok(page)
}
