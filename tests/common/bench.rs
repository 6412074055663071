//! A dispatcher with a spool of its own, and all that it tells.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use sluicegate::amplitude::{Event, Reading, frame, time};
use sluicegate::config::Settings;
use sluicegate::customerio::sandbox::{Fault, Faults};
use sluicegate::customerio::{Client, Mapping};
use sluicegate::delivery::spool::Spool;
use sluicegate::delivery::spool::writer::{self, Append};
use sluicegate::delivery::{
    Accepted, Channels, Control, DeliveryReport, DeliveryStatus, Dispatch, ItemOutcome, Part,
};
use sluicegate::filter::{Filters, Gate, Mode, SharedGate};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::common::event;

/// A dispatcher towards a server, with a spool of its own, and all that it tells.
pub struct Bench {
    pub folder: Arc<TempDir>,
    pub spool: writer::SpoolHandle,
    pub gate: SharedGate,
    pub control: mpsc::Sender<Control>,
    pub status: watch::Receiver<DeliveryStatus>,
    pub told: JoinHandle<Vec<DeliveryReport>>,
    pub dispatch: JoinHandle<()>,
}

impl Bench {
    pub fn new(settings: &Settings) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), settings)
    }

    /// On a spool that may be there already.
    pub fn on(folder: Arc<TempDir>, settings: &Settings) -> Self {
        let client = Arc::new(Client::new(settings.destination().unwrap()).unwrap());
        let spool = Spool::open(folder.path()).unwrap();
        let newest = spool.newest();
        let (durable, to_send) = mpsc::channel(2);
        let (notices, _) = mpsc::unbounded_channel();
        let feed = "ws://feed".to_owned();
        let spool = writer::start(spool, settings.spool(), feed, durable, notices).unwrap();
        let (control, controls) = mpsc::channel(4);
        let (answered, mut answers) = mpsc::channel(16);
        let (delivery_status, status) = watch::channel(DeliveryStatus::default());
        let gate = SharedGate::new(Gate::new(Mode::Open, Filters::default()).unwrap());
        let channels = Channels {
            fence: None,
            gate: gate.clone(),
            reports: answered,
            status: delivery_status,
        };
        let dispatch = Dispatch::new(client, settings.dispatch(), spool.clone(), newest, channels);
        let told = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(one) = answers.recv().await {
                all.push(one);
            }
            all
        });
        Self {
            folder,
            spool,
            gate,
            control,
            status,
            told,
            dispatch: tokio::spawn(dispatch.run(to_send, controls)),
        }
    }

    pub fn send(&self, accepted: Vec<Accepted>) {
        self.spool.append(Append {
            accepted,
            message: None,
            received: Vec::new(),
            on_durable: Box::new(|| {}),
        });
    }

    /// Number of items in the spool.
    pub fn spooled(&self) -> u64 {
        self.spool.published().borrow().status.items
    }

    /// Lets it settle everything; returns what it told, and how many items are left.
    pub async fn finish(self) -> (Vec<DeliveryReport>, u64) {
        self.spool.end();
        tokio::time::timeout(Duration::from_secs(30), self.dispatch)
            .await
            .unwrap()
            .unwrap();
        let spool = self.spool.clone();
        tokio::task::spawn_blocking(move || spool.close())
            .await
            .unwrap();
        let left = self.spool.published().borrow().status.items;
        (self.told.await.unwrap(), left)
    }

    /// Ends it as a kill would, but for what is out.
    pub async fn give_up(self) -> (Vec<DeliveryReport>, Arc<TempDir>) {
        self.control.send(Control::GiveUp).await.unwrap();
        self.dispatch.await.unwrap();
        let spool = self.spool.clone();
        tokio::task::spawn_blocking(move || spool.close())
            .await
            .unwrap();
        (self.told.await.unwrap(), self.folder)
    }
}

/// The final outcome of each event, by its number.
pub fn outcomes(told: &[DeliveryReport]) -> Vec<(u64, ItemOutcome)> {
    let all = told.iter().flat_map(|a| &a.outcomes);
    let mut last: Vec<(u64, ItemOutcome)> = all
        .filter(|(_, s)| !matches!(s, ItemOutcome::Waiting { .. }))
        .map(|(q, s)| (q.accepted.sequence, s.clone()))
        .collect();
    last.sort_by_key(|(n, _)| *n);
    last
}

pub fn labels(told: &[DeliveryReport]) -> Vec<&str> {
    told.iter().map(|a| a.attempt.answer.as_str()).collect()
}

pub fn accepted(sequence: u64, text: &str) -> Accepted {
    let mut found: Option<Event> = None;
    frame::decode(&text.into(), 0, "message_id", |one| {
        found = Some(one.unwrap());
    });
    let event = found.unwrap();
    let item = Mapping::default()
        .map(&Reading::new(&event), Vec::new())
        .item()
        .unwrap();
    Accepted {
        item,
        sequence,
        part: Part::Event,
        event_type: "Step".into(),
        happened_ms: event.time().unwrap_or_default(),
        received_ms: time::now(),
        origin: None,
    }
}

pub fn some(count: u64) -> Vec<Accepted> {
    (0..count)
        .map(|n| accepted(n, &event(&format!("u-{}", n % 7), n)))
        .collect()
}

pub fn with(script: impl IntoIterator<Item = Fault>) -> Faults {
    Faults {
        script: script.into_iter().collect(),
        ..Faults::default()
    }
}

pub fn all_delivered(told: &[DeliveryReport], count: usize) -> bool {
    let all = outcomes(told);
    all.len() == count
        && all
            .iter()
            .all(|(_, s)| matches!(s, ItemOutcome::Delivered { .. }))
}
