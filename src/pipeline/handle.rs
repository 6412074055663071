//! The handle of a running pipeline, through which screens and commands watch and steer it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, watch};

use crate::config::Settings;
use crate::customerio::app::{AppClient, AppError, Look, Question};
use crate::customerio::client::Destination;
use crate::delivery::Control;
use crate::delivery::spool::writer::SpoolHandle;
use crate::filter::{Filters, RuleError, SharedGate};
use crate::jetstream::{GroupError, GroupHandle};
use crate::protocol::Snapshot;
use crate::telemetry::ring::SharedRing;

use super::change_log::ChangeLog;
use super::dead_letter_error::DeadLetterError;
use super::failure::Failure;
use super::judge_rules::JudgeRules;

/// A handle of a running pipeline. Clones belong to the same pipeline.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) gate: SharedGate,
    pub(super) rules: Arc<ArcSwap<JudgeRules>>,
    /// The settings that were loaded last.
    pub(super) settings: Arc<Mutex<Settings>>,
    /// The settings that this run was started with.
    pub(super) started: Arc<Settings>,
    pub(super) destination: Arc<Mutex<Destination>>,
    pub(super) control: mpsc::Sender<Control>,
    pub(super) spool: SpoolHandle,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
    pub(super) ring: SharedRing,
    pub(super) notices: mpsc::UnboundedSender<String>,
    pub(super) failure: Failure,
    pub(super) change_log: ChangeLog,
    /// Customer.io's App API; none without a key.
    pub(super) customerio: Option<Arc<AppClient>>,
    /// The group that this forwarder belongs to.
    pub(super) group: Option<GroupHandle>,
}

/// A command that could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A rule is invalid.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The dead letters can't be read or changed.
    #[error(transparent)]
    DeadLetters(#[from] DeadLetterError),
    /// The group's filters can't be changed.
    #[error("nothing is changed: {0}")]
    Group(#[from] GroupError),
    /// Another reason, in words.
    #[error("{0}")]
    Other(String),
}

impl Handle {
    /// Sends a command to delivery. Does nothing once delivery has ended.
    pub(crate) async fn control(&self, control: Control) {
        let _ = self.control.send(control).await;
    }

    /// Retries delivery now.
    pub(super) async fn resume_delivery(&self) {
        self.control(Control::Resume).await;
    }

    /// Asks Customer.io for an operator what became of a person and an event.
    pub async fn ask_customerio(&self, question: &Question) -> Result<Look, AppError> {
        match &self.customerio {
            Some(client) => client.look(question).await,
            None => Err(AppError::NoKey),
        }
    }

    /// Shows a notice to the operator. Does nothing once the observer has ended.
    pub fn notify(&self, text: String) {
        let _ = self.notices.send(text);
    }

    /// Waits until the pipeline has failed: a part of it has ended by itself.
    pub async fn failed(&self) {
        self.failure.wait().await;
    }

    /// The group that this forwarder belongs to, if it belongs to one.
    pub fn group(&self) -> Option<&GroupHandle> {
        self.group.as_ref()
    }

    /// The filters in force.
    pub fn filters(&self) -> Filters {
        self.gate.load().filters().clone()
    }

    /// Receives snapshots as they are published.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The ring of recent events.
    pub fn ring(&self) -> &SharedRing {
        &self.ring
    }

    /// The folder of the spool, which has the dead letters too.
    pub fn spool_folder(&self) -> &Path {
        self.spool.folder()
    }

    /// The rules by which events are mapped and checked.
    pub fn judge_rules(&self) -> Arc<JudgeRules> {
        self.rules.load_full()
    }
}
