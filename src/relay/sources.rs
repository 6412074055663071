//! Counts of accepted and refused requests per sender.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::amplitude::time::{self, UnixMs};
use crate::log_limit::{Kind, LogLimit};

use super::endpoint::Endpoint;
use super::sender::Sender;

/// Maximum number of senders. A new one replaces the one that was silent for the longest time, first
/// among those of which nothing was ever accepted.
const MAX_SENDERS: usize = 200;

/// The counts of one sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// The endpoint that it sends to.
    #[serde(rename = "entrance")]
    pub endpoint: Endpoint,
    /// Its address.
    pub address: IpAddr,
    /// Its `User-Agent`.
    pub agent: String,
    /// Number of accepted events.
    pub events: u64,
    /// Number of accepted requests.
    pub requests: u64,
    /// Number of refused requests.
    pub refused: u64,
    /// Status and reason of the last refusal.
    pub last_refusal: Option<(u16, String)>,
    /// Time of its last request.
    pub last_ms: UnixMs,
}

/// The counts of all senders.
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
    /// Starts without senders. Refusals are logged within this limit.
    pub fn new(limit: Arc<LogLimit>) -> Self {
        Self {
            all: Mutex::default(),
            limit,
        }
    }

    /// Counts an accepted request.
    pub fn accepted(&self, sender: &Sender, events: u64) {
        self.with(sender, |source| {
            source.events += events;
            source.requests += 1;
        });
    }

    /// Counts a refused request, and logs it within the limit.
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
        if all.len() >= MAX_SENDERS && !all.contains_key(sender) {
            // Senders that were only refused go first: scanners must not displace real senders.
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

    /// The counts of each sender, most events first.
    pub fn statuses(&self) -> Vec<SourceStatus> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(sender, source): (&Sender, &Source)| SourceStatus {
            endpoint: sender.endpoint,
            address: sender.address,
            agent: sender.agent.clone(),
            events: source.events,
            requests: source.requests,
            refused: source.refused,
            last_refusal: source.last_refusal.clone(),
            last_ms: source.last_ms,
        };
        let mut rows: Vec<SourceStatus> = all.iter().map(row).collect();
        drop(all);
        rows.sort_by(|a, b| {
            let name = |row: &SourceStatus| (row.endpoint, row.address, row.agent.clone());
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
            endpoint: Endpoint::Webhook,
            address: IpAddr::from([127, 0, 0, n]),
            agent: "Amplitude/Webhook/1.0".to_owned(),
        }
    }

    #[tokio::test]
    async fn requests_are_counted_per_sender_and_the_oldest_senders_are_replaced() {
        let sources = Sources::new(Arc::default());
        sources.accepted(&sender(1), 2);
        sources.accepted(&sender(2), 5);
        sources.accepted(&sender(2), 1);
        sources.refused(&sender(1), 401, "no secret");
        sources.refused(&sender(1), 429, "too many");
        let rows = sources.statuses();
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
            sources.accepted(&sender, 1);
        }
        assert_eq!(sources.statuses().len(), MAX_SENDERS);
        // A scanner that guesses paths and secrets displaces no real sender.
        let before = sources.statuses();
        for guess in 0..=255 {
            let guess = Sender {
                endpoint: Endpoint::Unknown,
                agent: format!("scanner {guess}"),
                ..sender(9)
            };
            sources.refused(&guess, 404, "There is no such path here");
        }
        let rows = sources.statuses();
        assert_eq!(rows.len(), MAX_SENDERS);
        let left = before.iter().filter(|row| rows.contains(row)).count();
        assert_eq!(left, MAX_SENDERS - 1, "all scanners share one row");
    }
}
