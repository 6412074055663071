//! What became of a request: for its items, and for everything else.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::response::Answer;
use crate::delivery::batch::{self, Says, Verdict};
use crate::delivery::breaker::{Failure, Passage};
use crate::delivery::cargo::Cargo;
use crate::delivery::retries::{Load, Streak};
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::delivery::spool::writer::Settlement;
use crate::delivery::{Answered, Attempt, Queued, Settled};

use super::{Dispatch, Sent, in_ms};

/// What waits longer than this to be tried again holds no bytes in memory.
const HOT: Duration = Duration::from_secs(1);

/// A moment by both clocks: one that never jumps, and the one on the wall.
#[derive(Debug, Clone, Copy)]
struct Now {
    at: Instant,
    ms: UnixMs,
}

impl Dispatch {
    pub(super) async fn settle(&mut self, sent: Sent) {
        let now = Now {
            at: Instant::now(),
            ms: time::now(),
        };
        let Sent {
            mut items,
            streak,
            at,
            at_ms,
            answer,
        } = sent;
        self.requests -= 1;
        self.held_bytes -= items.iter().map(Queued::bytes).sum::<usize>();
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
        let counts = self.heed(&answer, &mut items, streak, now);
        let verdict = batch::settle(
            items,
            &answer,
            counts.is_some(),
            (at_ms, took),
            &self.settings.retry,
            rand::random(),
        );
        let settled = self.carry_out(verdict, &attempt, counts.unwrap_or_default(), now);
        let answered = Answered {
            attempt,
            settled,
            notice,
        };
        // The receiver ends only when the whole pipeline does.
        let _ = self.answered.send(answered).await;
    }

    /// What the answer means for everything. Where it is a failure that counts as an attempt,
    /// the streak that it belongs to.
    fn heed(
        &mut self,
        answer: &Answer,
        items: &mut [Queued],
        streak: Streak,
        now: Now,
    ) -> Option<Streak> {
        match batch::says(answer) {
            Says::Works => {
                self.rate.taken(now.at);
                self.answers();
            }
            Says::Nothing => {}
            Says::Quiet(after) => {
                self.rate.throttled(now.at);
                self.quiet_until = self.quiet_until.max(Some(now.at + after));
                self.answers();
            }
            Says::Fails(why, after) => {
                let failure = self.breaker.failed(&why, after, now.at, now.ms);
                if failure == Failure::Opens {
                    tracing::error!("Customer.io is down, all events are kept: {why}");
                }
                return self.failed(failure, items, streak, now);
            }
            Says::Foreign(why) => {
                let failure = self.breaker.foreign(&why, now.at, now.ms);
                match failure {
                    Failure::Opens => tracing::error!("all events are kept: {why}"),
                    Failure::Counts => tracing::warn!("a request is tried again: {why}"),
                    Failure::OfOutage => {}
                }
                return self.failed(failure, items, streak, now);
            }
            Says::Panicked(why) => {
                tracing::error!("{why}");
                let failure = self.breaker.failed(&why, None, now.at, now.ms);
                return self.failed(failure, items, streak, now);
            }
            Says::Refuses(why) => {
                tracing::error!(
                    "all events are kept, and nothing is sent until that is mended: {why}"
                );
                self.breaker.refused(&why, now.ms);
            }
        }
        None
    }

    /// Counts a failure as an attempt of the items, or takes back what counted of its streak.
    fn failed(
        &mut self,
        failure: Failure,
        items: &mut [Queued],
        streak: Streak,
        now: Now,
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
                // Now it shows that the whole streak was the outage's, also after a restart.
                self.spool.settle(Settlement {
                    put_off: self.retries.excuse(number),
                    next_ms: now.ms,
                    ..Settlement::default()
                });
            }
            Failure::OfOutage => {}
        }
        for queued in items {
            streak.excuse(&mut queued.history);
        }
        None
    }

    /// The destination answers: an outage is over, if there was one.
    fn answers(&mut self) {
        if self.breaker.works() {
            tracing::info!("Customer.io answers again: delivery goes on");
        }
    }

    /// Does what a verdict says; what became of each item, for its story.
    fn carry_out(
        &mut self,
        verdict: Verdict,
        attempt: &Attempt,
        mut streak: Streak,
        now: Now,
    ) -> Vec<(Queued, Settled)> {
        let Verdict {
            settled: mut told,
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
        for (queued, settled) in &told {
            self.lanes.release(queued.person());
            match settled {
                Settled::Undelivered {
                    why,
                    reason,
                    field,
                    message,
                } => {
                    let letter = DeadLetter {
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
                    };
                    settlement.letters.push((queued.place, letter));
                }
                _ => settlement.settled.push(queued.place),
            }
        }
        let passage = self.breaker.passage();
        let next_ms = match passage {
            Passage::Probe(at) => settlement.next_ms.max(in_ms(at)),
            Passage::Free | Passage::None => settlement.next_ms,
        };
        for queued in again.iter().flatten().chain(&behind) {
            told.push((queued.clone(), Settled::Waiting { next_ms }));
            settlement.put_off.push((queued.place, queued.history));
        }
        self.spool.settle(settlement);
        self.lanes.put_behind(behind, now.at);
        let cold = wait > HOT || passage != Passage::Free;
        for items in again {
            self.try_again(items, streak, now.at + wait, cold);
        }
        told
    }

    /// Keeps items until then, `cold` without their bytes.
    fn try_again(&mut self, items: Vec<Queued>, streak: Streak, until: Instant, cold: bool) {
        for queued in &items {
            // What would wait behind items that expired waits behind these.
            let person = queued.person();
            self.lanes.occupy(person);
            if cold {
                self.lanes.cool(person);
            }
        }
        let mut cargo = Cargo::Here(items);
        if cold {
            cargo = cargo.spooled();
        }
        self.held_bytes += cargo.here_bytes();
        self.retries.park(Load { cargo, streak }, until);
    }
}
