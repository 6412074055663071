//! What happens to items after the Track API took them, and how the App API answers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::contains::contains;
use super::item::Item;

/// Customer.io's rate limit for most endpoints of the App API, in requests a second.
const REQUESTS_PER_SECOND: u32 = 10;

/// What happens to items after the Track API took them, and how the App API answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppFaults {
    /// Time until an activity can be seen, in milliseconds.
    pub delay_ms: u64,
    /// Requests to the App API a second, above which it answers 429.
    pub requests_per_second: u32,
    /// The statuses of the next requests to the App API, in this order.
    pub script: VecDeque<u16>,
    /// Events that contain this text are taken with 200, and then failed.
    pub fail_event: Option<String>,
    /// The share of events, from 0 to 1, that are taken with 200 and then failed.
    pub fail_event_share: f64,
    /// Events that contain this text are taken with 200, and then are nowhere.
    pub lose_event: Option<String>,
    /// The share of events that are taken with 200, and then are nowhere.
    pub lose_event_share: f64,
    /// Updates of attributes that contain this text are taken with 200, and then failed.
    pub fail_update: Option<String>,
    /// Events that contain this text trigger a mail.
    pub mail_on: Option<String>,
}

impl Default for AppFaults {
    fn default() -> Self {
        Self {
            delay_ms: 0,
            requests_per_second: REQUESTS_PER_SECOND,
            script: VecDeque::new(),
            fail_event: None,
            fail_event_share: 0.0,
            lose_event: None,
            lose_event_share: 0.0,
            fail_update: None,
            mail_on: None,
        }
    }
}

/// What happens to an item that the Track API took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Applied,
    /// It becomes `failed_event` or `failed_attribute_change`.
    Failed,
    /// It is nowhere.
    Lost,
}

impl AppFaults {
    /// Decides what happens to an item; `chance` is random, from 0 to 1.
    pub(super) fn fate(&self, item: &Item<'_>, chance: f64) -> Fate {
        if item.is_identify() {
            return if has(item, self.fail_update.as_ref()) {
                Fate::Failed
            } else {
                Fate::Applied
            };
        }
        if has(item, self.fail_event.as_ref()) || chance < self.fail_event_share {
            Fate::Failed
        } else if has(item, self.lose_event.as_ref())
            || chance < self.fail_event_share + self.lose_event_share
        {
            Fate::Lost
        } else {
            Fate::Applied
        }
    }

    /// Whether an event triggers a mail.
    pub(super) fn sends_mail(&self, item: &Item<'_>) -> bool {
        !item.is_identify() && has(item, self.mail_on.as_ref())
    }
}

/// Whether the name or the data of an item contains a text.
fn has(item: &Item<'_>, text: Option<&String>) -> bool {
    let data = item.attributes.map_or("", |raw| raw.get());
    contains(item.name().as_bytes(), text) || contains(data.as_bytes(), text)
}
