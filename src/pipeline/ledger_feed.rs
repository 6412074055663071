//! What the observer tells the ledger.

use std::sync::Arc;

use ulid::Ulid;

use crate::delivery::{DeliveryStatus, ItemOutcome, Queued};
use crate::feed::{FeedState, FeedStatus};
use crate::filter::Decision;
use crate::ledger::{LastAudit, NewRow, Note, Outcome, Recorder};
use crate::protocol;

/// Tells the ledger of decisions, outcomes and outages.
#[derive(Debug)]
pub(super) struct LedgerFeed {
    /// None where the settings turn the ledger off.
    recorder: Option<Recorder>,
    /// Whether the feed is a playback: its connection says nothing about the forwarder's.
    is_playback: bool,
    is_feed_live: bool,
    is_delivery_halted: bool,
}

impl LedgerFeed {
    /// Creates the feed of a ledger, if there is one.
    pub(super) fn new(mut recorder: Option<Recorder>, is_playback: bool) -> Self {
        if let Some(recorder) = &mut recorder
            && !is_playback
        {
            let why = "connecting".to_owned();
            recorder.note(Note::FeedDown { why });
        }
        Self {
            recorder,
            is_playback,
            is_feed_live: false,
            is_delivery_halted: false,
        }
    }

    /// The result of the last audit.
    pub(super) fn last_audit(&self) -> Option<Arc<LastAudit>> {
        self.recorder.as_ref()?.last_audit()
    }

    /// Records the decisions of events, whose dedupe ids are `ids`. Returns a text for the operator, if
    /// there is one.
    pub(super) fn decided(&mut self, records: &[protocol::Record], ids: &[Ulid]) -> Option<String> {
        let recorder = self.recorder.as_mut()?;
        let key = recorder.key().clone();
        let events = records.iter().filter_map(|record| {
            let decision = record.story.decision.clone()?;
            Some((record, record.event()?, decision))
        });
        let rows = events.zip(ids).map(|((record, event, decision), id)| {
            let person = event.user_id().or_else(|| event.device_id());
            NewRow {
                key: key.event(*id),
                person: person.map_or(0, |person| key.person(&person)),
                event_type: shared_type(record),
                outcome: match (&decision, &record.story.outcome) {
                    (Decision::Accepted, protocol::Outcome::DryRun) => Outcome::DryRun,
                    (Decision::Accepted, _) => Outcome::Waiting,
                    _ => Outcome::NotSent,
                },
                decision: Some(decision),
                received_ms: record.received_ms,
                took_ms: 0,
            }
        });
        let rows = rows.collect();
        recorder.record(rows)
    }

    /// Records the outcomes of a request, also for events of an earlier run. Returns a text for the
    /// operator, if there is one.
    pub(super) fn settled(
        &mut self,
        outcomes: &[(Queued, ItemOutcome)],
        now_ms: i64,
    ) -> Option<String> {
        let recorder = self.recorder.as_mut()?;
        let key = recorder.key().clone();
        let events = outcomes.iter().filter(|(queued, _)| queued.is_event());
        let rows = events.filter_map(|(queued, outcome)| {
            let accepted = &queued.accepted;
            let outcome = match outcome {
                ItemOutcome::Delivered { .. } => Outcome::Delivered,
                ItemOutcome::Undelivered { why, .. } => (*why).into(),
                ItemOutcome::Waiting { .. } => return None,
            };
            Some(NewRow {
                key: key.event(accepted.item.id),
                person: 0,
                event_type: accepted.event_type.clone(),
                decision: None,
                outcome,
                received_ms: accepted.received_ms,
                took_ms: (now_ms - accepted.received_ms).max(0).unsigned_abs(),
            })
        });
        let rows = rows.collect();
        recorder.record(rows)
    }

    /// Notes when the feed or delivery stops and goes on.
    pub(super) fn watch(&mut self, feed: &FeedStatus, delivery: &DeliveryStatus) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let is_live = feed.state == FeedState::Live;
        if is_live != self.is_feed_live && !self.is_playback {
            self.is_feed_live = is_live;
            recorder.note(match &feed.state {
                FeedState::Live => Note::FeedUp,
                FeedState::Connecting => Note::FeedDown {
                    why: "connecting".to_owned(),
                },
                FeedState::Down { why, .. } => Note::FeedDown { why: why.clone() },
            });
        }
        let halted = delivery.breaker.why();
        if halted.is_some() != self.is_delivery_halted {
            self.is_delivery_halted = halted.is_some();
            recorder.note(match halted {
                Some(why) => Note::DeliveryHalted {
                    why: why.to_owned(),
                },
                None => Note::DeliveryResumed,
            });
        }
    }
}

/// The type that all events of it share.
fn shared_type(record: &protocol::Record) -> Arc<str> {
    match &record.content {
        protocol::Content::Event { event_type, .. } => event_type.clone(),
        protocol::Content::Malformed { .. } => "".into(),
    }
}
