//! The message about an alert.

use serde_json::json;

use crate::amplitude::time::{self, UnixMs};
use crate::protocol::Snapshot;
use crate::text::duration;

use super::course::{Change, Status};
use super::rule::{AlertRule, Format};
use super::state::AlertState;

/// A message about an alert.
#[derive(Debug, Clone)]
pub(super) struct Message {
    name: String,
    state: AlertState,
    workspace: String,
    /// The forwarder's name in its group; empty if it belongs to none.
    member: String,
    at_ms: UnixMs,
    change: Change,
}

impl Status {
    /// Its name in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::StillFiring => "still firing",
            Self::Recovered => "recovered",
        }
    }
}

impl Message {
    pub(super) fn new(
        rule: &AlertRule,
        workspace: &str,
        snapshot: &Snapshot,
        change: Change,
    ) -> Self {
        let member = snapshot.group.as_ref().and_then(|group| group.me.clone());
        Self {
            name: rule.name.clone(),
            state: rule.when,
            workspace: workspace.to_owned(),
            member: member.unwrap_or_default(),
            at_ms: snapshot.at_ms,
            change,
        }
    }

    /// The message in a sentence.
    pub(super) fn text(&self) -> String {
        let name = &self.name;
        let place = match self.member.as_str() {
            "" => self.workspace.clone(),
            member => format!("{}, {member}", self.workspace),
        };
        let Change {
            status,
            since_ms,
            says,
        } = &self.change;
        let lasted = duration((self.at_ms - since_ms).max(0));
        let status = status.name();
        match self.change.status {
            Status::Firing => format!("[{place}] {name}: {says}"),
            Status::StillFiring => format!("[{place}] {name}, {status} after {lasted}: {says}"),
            Status::Recovered => {
                format!("[{place}] {name}: {status} after {lasted}. It was: {says}")
            }
        }
    }

    /// The body for a webhook.
    pub(super) fn body(&self, format: Format) -> String {
        let text = self.text();
        match format {
            Format::Slack => json!({ "text": text }),
            Format::Json => json!({
                "alert": self.name,
                "state": self.state,
                "status": self.change.status.name(),
                "workspace": self.workspace,
                "member": self.member,
                "message": self.change.says,
                "text": text,
                "since": time::to_rfc3339(self.change.since_ms),
                "at": time::to_rfc3339(self.at_ms),
            }),
        }
        .to_string()
    }

    /// Writes it to the log.
    pub(super) fn log(&self) {
        let (alert, status) = (self.name.as_str(), self.change.status.name());
        let (state, since) = (self.state.name(), time::to_rfc3339(self.change.since_ms));
        let (workspace, member) = (self.workspace.as_str(), self.member.as_str());
        let text = self.text();
        if self.change.status == Status::Recovered {
            tracing::info!(
                kind = "alert",
                alert,
                state,
                status,
                since,
                workspace,
                member,
                "alert: {text}"
            );
        } else {
            tracing::error!(
                kind = "alert",
                alert,
                state,
                status,
                since,
                workspace,
                member,
                "alert: {text}"
            );
        }
    }

    /// The variables for a command.
    pub(super) fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("SLUICEGATE_ALERT", self.name.clone()),
            (
                "SLUICEGATE_ALERT_STATUS",
                self.change.status.name().to_owned(),
            ),
            ("SLUICEGATE_ALERT_WORKSPACE", self.workspace.clone()),
            ("SLUICEGATE_ALERT_MEMBER", self.member.clone()),
            ("SLUICEGATE_ALERT_MESSAGE", self.change.says.clone()),
            ("SLUICEGATE_ALERT_TEXT", self.text()),
        ]
    }
}
