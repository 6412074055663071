//! The task that looks up sampled events.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::amplitude::time::{self, UnixMs};
use crate::customerio::app::AppClient;
use crate::protocol::VerificationStatus;

use super::sampler::VerifierEnds;
use super::schedule::{Sample, Schedule};

/// How often it looks whether a sample is due.
const EVERY: Duration = Duration::from_secs(1);

/// Looks up sampled events.
#[derive(Debug)]
pub struct Verifier {
    client: Arc<AppClient>,
    schedule: Schedule,
}

impl Verifier {
    /// Creates a verifier that is handed `per_minute` samples a minute.
    pub fn new(client: Arc<AppClient>, per_minute: u32) -> Self {
        Self {
            client,
            schedule: Schedule::new(per_minute),
        }
    }

    /// Works until the sampler has ended.
    pub async fn run(mut self, mut ends: VerifierEnds) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                sample = ends.samples.recv() => match sample {
                    Some(sample) => self.add(sample),
                    None => return,
                },
                _ = tick.tick() => {
                    let status = self.work(time::now()).await;
                    ends.status.send_if_modified(|known| {
                        let is_new = *known != status;
                        *known = status;
                        is_new
                    });
                }
            }
        }
    }

    pub(super) fn add(&mut self, sample: Sample) {
        self.schedule.add(sample);
    }

    /// Looks up the samples that are due at `now`. Returns the state after it.
    pub(super) async fn work(&mut self, now: UnixMs) -> VerificationStatus {
        while let Some(sample) = self.schedule.take_due(now) {
            let answer = self.client.verify(&sample.person, &sample.event).await;
            self.schedule.answered(sample, answer, now);
        }
        self.schedule.status(now)
    }
}
