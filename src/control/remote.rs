//! A forwarder in another process, as a screen uses it.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;

use crate::customerio::Mapping;
use crate::customerio::app::{Look, Question};
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterSelection};
use crate::filter::preview::Batching;
use crate::protocol::{Applied, Command, Snapshot, VersionedFilters};
use crate::telemetry::ring::SharedRing;

use super::about::{About, AboutAnswer};
use super::access::Role;
use super::client::{Client, ClientError};
use super::group::GroupClients;
use super::mirror::{MirrorEnds, Run};
use super::wire::WireRecord;
use super::wire_letter::WireLetter;

/// Maximum time until the state shows a change.
const KNOWN_WITHIN: Duration = Duration::from_secs(3);

/// A forwarder in another process, or all members of a group. Clones are of the same.
#[derive(Debug, Clone)]
pub struct Remote {
    clients: Clients,
    ends: MirrorEnds,
    settings: Arc<Mutex<RemoteSettings>>,
    /// The events that are here as a whole, where the others are summaries.
    whole: Arc<Mutex<BTreeSet<u64>>>,
}

/// The clients of what a screen is on.
#[derive(Debug, Clone)]
enum Clients {
    One(Client),
    Group(GroupClients),
}

impl Clients {
    /// The client for what one forwarder can do.
    fn any(&self) -> Result<Client, ClientError> {
        match self {
            Self::One(client) => Ok(client.clone()),
            Self::Group(members) => members.any(),
        }
    }

    /// The clients for what each forwarder must do.
    fn all(&self) -> Result<Vec<Client>, ClientError> {
        match self {
            Self::One(client) => Ok(vec![client.clone()]),
            Self::Group(members) => {
                let all = members.all();
                if all.is_empty() {
                    // Which fails, and says why.
                    members.any()?;
                }
                Ok(all)
            }
        }
    }
}

/// The settings of a forwarder that a screen's queries depend on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RemoteSettings {
    /// The mapping of events to requests.
    pub mapping: Mapping,
    /// The limits of a batch.
    pub batching: Batching,
}

impl Remote {
    /// The forwarder of `client`, whose state and events come to `ends`.
    pub async fn connect(client: Client, ends: MirrorEnds) -> Result<Self, ClientError> {
        Self::on(Clients::One(client), ends).await
    }

    /// The members of a group, whose sum comes to `ends`.
    pub async fn connect_group(
        members: GroupClients,
        ends: MirrorEnds,
    ) -> Result<Self, ClientError> {
        Self::on(Clients::Group(members), ends).await
    }

    async fn on(clients: Clients, ends: MirrorEnds) -> Result<Self, ClientError> {
        let settings = clients.any()?.get("/v1/settings").await?;
        Ok(Self {
            clients,
            ends,
            settings: Arc::new(Mutex::new(settings)),
            whole: Arc::default(),
        })
    }

    /// What the forwarder is, or a member of the group, and who asks.
    pub async fn about(&self) -> Result<AboutAnswer, ClientError> {
        self.clients.any()?.get("/v1/about").await
    }

    /// Whether an event is here as a summary only, and the rest of it may be fetched.
    pub fn is_summary(&self, sequence: u64) -> bool {
        self.ends.transfer.summaries
            && sequence > self.offset()
            && !self.whole().contains(&sequence)
    }

    /// Fetches the whole of an event. One that the forwarder no longer has stays a summary.
    pub async fn fetch(&self, sequence: u64) -> Result<(), ClientError> {
        let Run {
            process,
            started_ms,
            offset,
        } = *self.run();
        let number = sequence.saturating_sub(offset);
        let path = format!("/v1/event?pid={process}&started_ms={started_ms}&sequence={number}");
        let found = self.clients.any()?.get::<WireRecord>(&path).await;
        if matches!(found, Ok(_) | Err(ClientError::Refused { .. })) {
            let mut whole = self.whole();
            whole.insert(sequence);
            // Those that have left the ring are not needed.
            *whole = whole.split_off(&self.ring().lock().first());
        }
        if let Some(record) = found?.into_record(offset) {
            self.ring().lock().replace(sequence, record.content);
        }
        Ok(())
    }

    fn offset(&self) -> u64 {
        self.run().offset
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        let run = self.ends.run.lock();
        run.unwrap_or_else(PoisonError::into_inner)
    }

    fn whole(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.whole.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recent events.
    pub fn ring(&self) -> &SharedRing {
        &self.ends.ring
    }

    /// The state, as it changes.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.ends.snapshots.clone()
    }

    /// The forwarder, and the role of whoever is at the screen.
    pub fn known(&self) -> Option<(About, Role)> {
        let known = self.ends.known.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The settings that queries depend on.
    pub fn settings(&self) -> RemoteSettings {
        let settings = self.settings.lock();
        settings.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The filters in force with their version, as far as they are known here.
    pub fn versioned_filters(&self) -> VersionedFilters {
        let snapshot = self.ends.snapshots.borrow();
        VersionedFilters {
            version: snapshot.filters_version,
            filters: snapshot.filters.clone(),
        }
    }

    /// Carries out a command.
    pub async fn apply(&self, command: Command) -> Result<Applied, ClientError> {
        let (method, path, body) = match command {
            Command::SetGate(mode) => (Method::PUT, "/v1/gate", json!({ "mode": mode })),
            Command::SetFilters { base, filters } => {
                let body = json!({ "base": base, "filters": filters });
                (Method::PUT, "/v1/filters", body)
            }
            Command::UndoFilters { base } => {
                (Method::POST, "/v1/filters/undo", json!({ "base": base }))
            }
            Command::Resume => return self.resume().await,
            Command::RetryDeadLetters(which) => {
                (Method::POST, "/v1/dead-letters/retry", json!(which))
            }
            Command::DiscardDeadLetters(which) => {
                (Method::POST, "/v1/dead-letters/discard", json!(which))
            }
        };
        let client = self.clients.any()?;
        let applied: Applied = client.change(method, path, &body).await?;
        // So that the screen doesn't show older filters after the answer.
        self.wait_for_filters(applied.filters_version).await;
        Ok(applied)
    }

    /// Has delivery tried again, by each forwarder.
    async fn resume(&self) -> Result<Applied, ClientError> {
        let mut last = Applied::default();
        for client in self.clients.all()? {
            last = client
                .change(Method::POST, "/v1/resume", &json!({}))
                .await?;
        }
        Ok(last)
    }

    /// Waits until the state shows this version of the filters, but not long.
    async fn wait_for_filters(&self, version: u64) {
        let mut snapshots = self.ends.snapshots.clone();
        let is_known = snapshots.wait_for(|snapshot| snapshot.filters_version >= version);
        // A state that doesn't come is reported as a lost connection.
        let _ = tokio::time::timeout(KNOWN_WITHIN, is_known).await;
    }

    /// Reloads the forwarder's configuration, or that of each member. Returns what it changed, which is
    /// named by member where they differ.
    pub async fn reload(&self) -> Result<String, ClientError> {
        let mut messages: Vec<(String, String)> = Vec::new();
        for client in self.clients.all()? {
            let answer: Applied = client
                .change(Method::POST, "/v1/reload", &json!({}))
                .await?;
            self.wait_for_filters(answer.filters_version).await;
            messages.push((client.place(), answer.message));
        }
        let settings = self.clients.any()?.get("/v1/settings").await?;
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        let first = messages.first().map(|(_, message)| message.clone());
        let first = first.unwrap_or_default();
        if messages.iter().all(|(_, message)| *message == first) {
            return Ok(first);
        }
        let named = messages.iter();
        let named: Vec<String> = named.map(|(name, it)| format!("{name}: {it}")).collect();
        Ok(named.join("; "))
    }

    /// Asks Customer.io, by the key that the forwarder has.
    pub async fn ask_customerio(&self, question: &Question) -> Result<Look, ClientError> {
        self.clients
            .any()?
            .ask("/v1/customerio/ask", question)
            .await
    }

    /// The newest of the selected dead letters.
    pub async fn dead_letters(
        &self,
        which: &DeadLetterSelection,
        most: u64,
    ) -> Result<Vec<DeadLetter>, ClientError> {
        let body = json!({ "which": which, "most": most });
        let path = "/v1/dead-letters/list";
        let found: Vec<WireLetter> = self.clients.any()?.ask(path, &body).await?;
        Ok(found.into_iter().map(WireLetter::into_letter).collect())
    }

    /// Writes all selected dead letters to `to`, a line each. Returns their number.
    pub async fn export(
        &self,
        which: &DeadLetterSelection,
        to: &mut (dyn io::Write + Send),
    ) -> Result<u64, String> {
        let path = "/v1/dead-letters/export";
        let asking = async { self.clients.any()?.text(path, &json!(which)).await };
        let text = asking.await.map_err(|error| error.to_string())?;
        to.write_all(&text).map_err(|error| error.to_string())?;
        Ok(memchr::memchr_iter(b'\n', &text).count() as u64)
    }
}
