//! Who sends events, and what became of what they sent.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::amplitude::time::{self, UnixMs};
use crate::log_limit::{Kind, LogLimit};

/// So many are told apart; the one that was heard of least lately makes room for a new one, and
/// before it those of whom nothing was ever taken.
const MOST: usize = 200;

/// Where events come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Entrance {
    /// Amplitude's Webhooks Streaming.
    Webhook,
    /// The HTTP V2 API.
    HttpApi,
    /// The Batch Event Upload API.
    Batch,
    /// The feed, where somebody who reads was refused.
    Feed,
    /// A path that there is not.
    Unknown,
}

impl Entrance {
    /// Its path; for [`Self::Unknown`], that there is none.
    pub fn path(self) -> &'static str {
        match self {
            Self::Webhook => "/webhook",
            Self::HttpApi => "/2/httpapi",
            Self::Batch => "/batch",
            Self::Feed => "/feed",
            Self::Unknown => "wrong path",
        }
    }

    /// How large a request may be, in bytes, compressed or not (HTTP V2 API: 1 MB; Batch Event
    /// Upload API: 20 MB). A webhook is one event.
    pub fn most_bytes(self) -> usize {
        match self {
            Self::Webhook | Self::HttpApi | Self::Feed | Self::Unknown => 1 << 20,
            Self::Batch => 20 << 20,
        }
    }
}

/// Who sends: where it comes in, from where, and what it says that it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sender {
    /// Where it comes in.
    pub entrance: Entrance,
    /// Its address.
    pub address: IpAddr,
    /// Its `User-Agent`, up to a length.
    pub agent: String,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entrance != Entrance::Unknown {
            write!(f, "{} ", self.entrance.path())?;
        }
        write!(f, "{}", self.address)?;
        match self.agent.as_str() {
            "" => Ok(()),
            agent => write!(f, " ({agent})"),
        }
    }
}

/// What became of what a sender sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceRow {
    /// Where it comes in.
    pub entrance: Entrance,
    /// Its address.
    pub address: IpAddr,
    /// What it says that it is.
    pub agent: String,
    /// Events that were taken.
    pub events: u64,
    /// Requests that were taken.
    pub requests: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// The last refusal: its status and reason.
    pub last_refusal: Option<(u16, String)>,
    /// When it was heard of last.
    pub last_ms: UnixMs,
}

/// All of them.
#[derive(Debug)]
pub struct Sources {
    all: Mutex<HashMap<Sender, Source>>,
    limit: Arc<LogLimit>,
}

#[derive(Debug, Default)]
struct Source {
    events: u64,
    requests: u64,
    refused: u64,
    last_refusal: Option<(u16, String)>,
    last_ms: UnixMs,
}

impl Sources {
    /// None yet; lines on refusals go into the log as this limit lets them.
    pub fn new(limit: Arc<LogLimit>) -> Self {
        Self {
            all: Mutex::default(),
            limit,
        }
    }

    /// Events of a request were taken.
    pub fn took(&self, sender: &Sender, events: u64) {
        self.with(sender, |source| {
            source.events += events;
            source.requests += 1;
        });
    }

    /// A request was refused; it goes into the log, unless too many of its kind did.
    pub fn refused(&self, sender: &Sender, status: u16, why: &str) {
        self.with(sender, |source| {
            source.refused += 1;
            source.last_refusal = Some((status, why.to_owned()));
        });
        if self.limit.admits(Kind::Answered(status), sender.address) {
            tracing::warn!("{status} to {sender}: {why}");
        }
    }

    fn with<T>(&self, sender: &Sender, change: impl FnOnce(&mut Source) -> T) -> T {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(sender) {
            // Who only was refused goes first: guesses must not push out who sends.
            let age = |source: &Source| (source.requests > 0, source.last_ms);
            let oldest = all.iter().min_by_key(|(_, source)| age(source));
            if let Some(oldest) = oldest.map(|(sender, _)| sender.clone()) {
                all.remove(&oldest);
            }
        }
        let source = all.entry(sender.clone()).or_default();
        source.last_ms = time::now();
        change(source)
    }

    /// Who they are, those that sent the most first.
    pub fn rows(&self) -> Vec<SourceRow> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(sender, source): (&Sender, &Source)| SourceRow {
            entrance: sender.entrance,
            address: sender.address,
            agent: sender.agent.clone(),
            events: source.events,
            requests: source.requests,
            refused: source.refused,
            last_refusal: source.last_refusal.clone(),
            last_ms: source.last_ms,
        };
        let mut rows: Vec<SourceRow> = all.iter().map(row).collect();
        drop(all);
        rows.sort_by(|a, b| {
            let name = |row: &SourceRow| (row.entrance, row.address, row.agent.clone());
            b.events.cmp(&a.events).then_with(|| name(a).cmp(&name(b)))
        });
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(n: u8) -> Sender {
        Sender {
            entrance: Entrance::Webhook,
            address: IpAddr::from([127, 0, 0, n]),
            agent: "Amplitude/Webhook/1.0".to_owned(),
        }
    }

    #[tokio::test]
    async fn what_became_of_what_each_sent_is_told_and_the_oldest_make_room() {
        let sources = Sources::new(Arc::default());
        sources.took(&sender(1), 2);
        sources.took(&sender(2), 5);
        sources.took(&sender(2), 1);
        sources.refused(&sender(1), 401, "no secret");
        sources.refused(&sender(1), 429, "too many");
        let rows = sources.rows();
        assert_eq!(
            (rows[0].events, rows[0].requests, rows[0].refused),
            (6, 2, 0)
        );
        assert_eq!(
            (rows[1].events, rows[1].requests, rows[1].refused),
            (2, 1, 2)
        );
        assert_eq!(rows[1].last_refusal, Some((429, "too many".to_owned())));
        for port in 0..=255 {
            let address = IpAddr::from([10, 0, 0, port]);
            let sender = Sender {
                address,
                ..sender(0)
            };
            sources.took(&sender, 1);
        }
        assert_eq!(sources.rows().len(), MOST);
        // Who guesses at paths and secrets pushes out nobody who sends.
        let before = sources.rows();
        for guess in 0..=255 {
            let guess = Sender {
                entrance: Entrance::Unknown,
                agent: format!("scanner {guess}"),
                ..sender(9)
            };
            sources.refused(&guess, 404, "There is no such path here");
        }
        let rows = sources.rows();
        assert_eq!(rows.len(), MOST);
        let left = before.iter().filter(|row| rows.contains(row)).count();
        assert_eq!(left, MOST - 1, "one row is theirs");
    }
}
