//! When a sampled event is looked up, and what the answers mean. Pure: time comes from outside.

use std::collections::VecDeque;

use crate::amplitude::time::UnixMs;
use crate::customerio::app::{
    AppError, EventAnswer, EventKey, EventLook, PersonKey, PersonKind, Question,
};
use crate::protocol::{UnverifiedEvent, VerificationCounts, VerificationStatus};

/// Time from delivery to the first look, in milliseconds.
const FIRST_LOOK_MS: i64 = 60_000;
/// Times from the first look to the next ones, in milliseconds: Customer.io can be late.
const NEXT_LOOKS_MS: [i64; 3] = [2 * 60_000, 10 * 60_000, 60 * 60_000];
/// Time until the next try if Customer.io can't be asked, in milliseconds.
const TRY_AGAIN_MS: i64 = 60_000;
/// Time after its delivery at which an event is given up without an answer, in milliseconds.
const GIVE_UP_MS: i64 = 3 * 60 * 60_000;
/// The time over which answers are counted, in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// Maximum unverified events that are kept.
const UNVERIFIED: usize = 20;

/// A sampled event.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(super) person: PersonKey,
    pub(super) event: EventKey,
    delivered_ms: UnixMs,
    /// Looks so far that found nothing.
    looks: usize,
    due_ms: UnixMs,
}

/// An answer that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Verified,
    Failed,
    Missing,
    Undecided,
}

/// The samples that are still to be looked up, and the answers.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    waiting: Vec<Sample>,
    /// The answers of the last hour.
    answers: VecDeque<(UnixMs, Verdict)>,
    status: VerificationStatus,
}

impl Sample {
    /// A sample, which is looked up a minute after its delivery. None if Customer.io has no profile
    /// to ask about.
    pub(super) fn new(question: Question, delivered_ms: UnixMs) -> Option<Self> {
        if question.person.kind == PersonKind::AnonymousId {
            return None;
        }
        Some(Self {
            person: question.person,
            event: question.event?,
            delivered_ms,
            looks: 0,
            due_ms: delivered_ms + FIRST_LOOK_MS,
        })
    }
}

impl Schedule {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            status: VerificationStatus {
                per_minute,
                ..VerificationStatus::default()
            },
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, sample: Sample) {
        self.waiting.push(sample);
    }

    /// Takes the next sample that is due.
    pub(super) fn take_due(&mut self, now: UnixMs) -> Option<Sample> {
        let is_due = |sample: &Sample| sample.due_ms <= now;
        let index = self.waiting.iter().position(is_due)?;
        Some(self.waiting.swap_remove(index))
    }

    /// Takes over the answer about a sample.
    pub(super) fn answered(
        &mut self,
        mut sample: Sample,
        answer: Result<EventLook, AppError>,
        now: UnixMs,
    ) {
        let look = match answer {
            Ok(look) => look,
            Err(error @ AppError::NotAskable(_)) => {
                tracing::debug!("a sampled event can't be looked up: {error}");
                return self.count(Verdict::Undecided, now);
            }
            Err(error) => {
                let problem = error.to_string();
                if self.status.problem.as_ref() != Some(&problem) {
                    tracing::warn!("delivered events can't be verified: {problem}");
                }
                self.status.problem = Some(problem);
                if now - sample.delivered_ms >= GIVE_UP_MS {
                    return self.count(Verdict::Undecided, now);
                }
                sample.due_ms = now + TRY_AGAIN_MS;
                return self.waiting.push(sample);
            }
        };
        self.status.problem = None;
        match look.answer {
            EventAnswer::Found => self.count(Verdict::Verified, now),
            EventAnswer::Undecided | EventAnswer::TooOld => self.count(Verdict::Undecided, now),
            EventAnswer::Failed => {
                let reason = "Customer.io took it with 200, and then failed it (failed_event)";
                self.unverified(&sample, reason, now);
                self.count(Verdict::Failed, now);
            }
            EventAnswer::Missing => match NEXT_LOOKS_MS.get(sample.looks) {
                Some(after) => {
                    sample.looks += 1;
                    sample.due_ms = sample.delivered_ms + FIRST_LOOK_MS + after;
                    self.waiting.push(sample);
                }
                None => {
                    let reason = if look.has_profile {
                        "it is not among the person's activities, an hour after its delivery"
                    } else {
                        "the person has no profile at Customer.io, an hour after its delivery"
                    };
                    self.unverified(&sample, reason, now);
                    self.count(Verdict::Missing, now);
                }
            },
        }
    }

    fn unverified(&mut self, sample: &Sample, reason: &str, now: UnixMs) {
        let EventKey { name, id, .. } = &sample.event;
        tracing::warn!(
            kind = "not_applied",
            id,
            name,
            reason,
            "a delivered event is not at Customer.io: {reason}"
        );
        let all = &mut self.status.unverified;
        if all.len() == UNVERIFIED {
            all.remove(0);
        }
        all.push(UnverifiedEvent {
            at_ms: now,
            delivered_ms: sample.delivered_ms,
            name: name.clone(),
            id: id.clone(),
            reason: reason.to_owned(),
        });
    }

    fn count(&mut self, verdict: Verdict, now: UnixMs) {
        self.answers.push_back((now, verdict));
        add(&mut self.status.total, verdict);
    }

    /// The state at `now`.
    pub(super) fn status(&mut self, now: UnixMs) -> VerificationStatus {
        while self
            .answers
            .front()
            .is_some_and(|(at, _)| now - at >= HOUR_MS)
        {
            self.answers.pop_front();
        }
        let mut hour = VerificationCounts::default();
        for (_, verdict) in &self.answers {
            add(&mut hour, *verdict);
        }
        self.status.hour = hour;
        self.status.waiting = self.waiting.len() as u64;
        self.status.clone()
    }
}

fn add(counts: &mut VerificationCounts, verdict: Verdict) {
    match verdict {
        Verdict::Verified => counts.verified += 1,
        Verdict::Failed => counts.failed += 1,
        Verdict::Missing => counts.missing += 1,
        Verdict::Undecided => counts.undecided += 1,
    }
}
