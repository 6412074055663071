//! Applying an answer: to the items of its request, and to the breaker and the rate limiter.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::customerio::response::Answer;
use crate::delivery::batch::Batch;
use crate::delivery::breaker::{Failure, Permit};
use crate::delivery::clock::Moment;
use crate::delivery::pending::{PendingBatch, Streak};
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::delivery::spool::writer::Settlement;
use crate::delivery::verdict::{self, Exchange, Health, Verdict};
use crate::delivery::{Attempt, DeliveryReport, ItemOutcome, Queued};

use super::dispatcher::Dispatch;
use super::tasks::Sent;

/// Items that wait longer than this for a retry are not kept in memory.
const MEMORY_WAIT: Duration = Duration::from_secs(1);

impl Dispatch {
    pub(super) async fn settle(&mut self, sent: Sent) {
        let now = Moment::now();
        let Sent {
            mut items,
            streak,
            at,
            at_ms,
            answer,
            in_flight,
        } = sent;
        self.requests -= 1;
        self.outstanding_bytes -= items.iter().map(Queued::bytes).sum::<usize>();
        let took = now.at.duration_since(at);
        let attempt = Arc::new(Attempt {
            at_ms,
            took_ms: took.as_millis() as u32,
            answer: answer.label(),
            message: answer.message(),
            items: items.len() as u32,
        });
        let notice = match &answer {
            Answer::Panicked { message } => Some(message.clone()),
            _ => None,
        };
        let counted = self.update_health(&answer, &mut items, streak, now);
        let exchange = Exchange {
            answer: &answer,
            counts: counted.is_some(),
            sent_ms: at_ms,
            took,
        };
        let verdict = verdict::settle(items, &exchange, &self.settings.retry, rand::random());
        let outcomes = self.apply(verdict, &attempt, counted.unwrap_or_default(), now);
        let report = DeliveryReport {
            attempt,
            outcomes,
            notice,
        };
        drop(in_flight);
        // The receiver ends only with the whole pipeline.
        let _ = self.channels.reports.send(report).await;
    }

    /// Updates the breaker and the rate limiter. Returns the streak of a failure that counts as
    /// an attempt.
    fn update_health(
        &mut self,
        answer: &Answer,
        items: &mut [Queued],
        streak: Streak,
        now: Moment,
    ) -> Option<Streak> {
        match verdict::health(answer) {
            Health::Works => {
                self.rate.succeeded(now.at);
                self.destination_works();
            }
            Health::Unknown => {}
            Health::Throttles(pause) => {
                self.rate.throttled(now.at);
                self.paused_until = self.paused_until.max(Some(now.at + pause));
                self.destination_works();
            }
            Health::Fails(why, after) => {
                let failure = self.breaker.failed(&why, after, now);
                if failure == Failure::Opens {
                    let kind = "delivery_down";
                    tracing::error!(
                        kind,
                        reason = why,
                        "Customer.io is down, all events are kept: {why}"
                    );
                }
                return self.count_failure(failure, items, streak, now);
            }
            Health::Foreign(why) => {
                let failure = self.breaker.foreign(&why, now);
                match failure {
                    Failure::Opens => {
                        let kind = "delivery_down";
                        tracing::error!(kind, reason = why, "all events are kept: {why}");
                    }
                    Failure::Counts => tracing::warn!("a request is tried again: {why}"),
                    Failure::OfOutage => {}
                }
                return self.count_failure(failure, items, streak, now);
            }
            Health::Panicked(why) => {
                tracing::error!("{why}");
                let failure = self.breaker.failed(&why, None, now);
                return self.count_failure(failure, items, streak, now);
            }
            Health::RefusesCredentials(why) => {
                tracing::error!(
                    kind = "delivery_halted",
                    reason = why,
                    "all events are kept, and nothing is sent until the credentials are fixed: {why}"
                );
                self.breaker.refused(&why, now.ms);
            }
        }
        None
    }

    /// Counts a failure as an attempt of the items, or refunds the attempts of its streak.
    fn count_failure(
        &mut self,
        failure: Failure,
        items: &mut [Queued],
        streak: Streak,
        now: Moment,
    ) -> Option<Streak> {
        let number = self.breaker.streak();
        let streak = if streak.number == number {
            streak
        } else {
            Streak::default()
        };
        match failure {
            Failure::Counts => {
                return Some(Streak {
                    number,
                    own: streak.own + 1,
                    ..streak
                });
            }
            Failure::Opens => {
                // The outage caused the whole streak: refund it on disk too, for a restart.
                self.spool.settle(Settlement {
                    rescheduled: self.retries.refund(number),
                    next_ms: now.ms,
                    ..Settlement::default()
                });
            }
            Failure::OfOutage => {}
        }
        for queued in items {
            streak.refund(&mut queued.history);
        }
        None
    }

    fn destination_works(&mut self) {
        if self.breaker.works() {
            tracing::info!(
                kind = "delivery_up",
                "Customer.io answers again: delivery continues"
            );
        }
    }

    /// Carries out a verdict. Returns the outcome of each item.
    fn apply(
        &mut self,
        verdict: Verdict,
        attempt: &Attempt,
        mut streak: Streak,
        now: Moment,
    ) -> Vec<(Queued, ItemOutcome)> {
        let Verdict {
            settled: mut outcomes,
            again,
            behind,
            wait,
            tried,
        } = verdict;
        streak.own_ms += tried.as_millis() as u64;
        let mut settlement = Settlement {
            next_ms: now.ms + wait.as_millis() as i64,
            ..Settlement::default()
        };
        for (queued, outcome) in &outcomes {
            self.queues.release(queued.person());
            match dead_letter(queued, outcome, attempt, now) {
                Some(letter) => settlement.dead_letters.push((queued.position, letter)),
                None => settlement.settled.push(queued.position),
            }
        }
        let permit = self.breaker.permit();
        let next_ms = match permit {
            Permit::Probe(at) => settlement.next_ms.max(now.wall_ms(at)),
            Permit::Any | Permit::None => settlement.next_ms,
        };
        for queued in again.iter().flatten().chain(&behind) {
            outcomes.push((queued.clone(), ItemOutcome::Waiting { next_ms }));
            settlement
                .rescheduled
                .push((queued.position, queued.history));
        }
        self.spool.settle(settlement);
        self.queues.push_front(behind, now.at);
        let drop_bytes = wait > MEMORY_WAIT || permit != Permit::Any;
        for items in again {
            self.retry(items, streak, now.at + wait, drop_bytes);
        }
        outcomes
    }

    /// Schedules a retry; with `drop_bytes` the items are read back from the spool then.
    fn retry(&mut self, items: Vec<Queued>, streak: Streak, at: Instant, drop_bytes: bool) {
        for queued in &items {
            // Later items of the person queue behind the retry.
            let person = queued.person();
            self.queues.block(person);
            if drop_bytes {
                self.queues.drop_bytes(person);
            }
        }
        let mut batch = Batch::InMemory(items);
        if drop_bytes {
            batch = batch.spooled();
        }
        self.outstanding_bytes += batch.memory_bytes();
        self.retries.schedule(PendingBatch { batch, streak }, at);
    }
}

/// The dead letter of an item, where it can't be delivered.
fn dead_letter(
    queued: &Queued,
    outcome: &ItemOutcome,
    attempt: &Attempt,
    now: Moment,
) -> Option<DeadLetter> {
    let ItemOutcome::Undelivered {
        why,
        reason,
        field,
        message,
    } = outcome
    else {
        return None;
    };
    Some(DeadLetter {
        number: 0,
        at_ms: now.ms,
        why: *why,
        reason: reason.clone(),
        field: field.clone(),
        answer: attempt.answer.clone(),
        message: message.clone(),
        history: queued.history,
        again: false,
        accepted: queued.accepted.clone(),
    })
}
