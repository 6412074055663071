//! The observer's side of verification: it offers delivered events, and publishes the state.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::{mpsc, watch};

use crate::amplitude::time::UnixMs;
use crate::customerio::app::Question;
use crate::delivery::Accepted;
use crate::protocol::VerificationStatus;

use super::reservoir::Reservoir;
use super::schedule::Sample;

/// Samples that wait for the verifier.
const WAITING: usize = 64;

/// Chooses delivered events for the verifier.
#[derive(Debug)]
pub struct Sampler {
    reservoir: Reservoir<(Accepted, UnixMs)>,
    random: SmallRng,
    samples: mpsc::Sender<Sample>,
    status: watch::Receiver<VerificationStatus>,
}

/// The verifier's ends of the channels.
#[derive(Debug)]
pub struct VerifierEnds {
    pub(super) samples: mpsc::Receiver<Sample>,
    pub(super) status: watch::Sender<VerificationStatus>,
}

impl Sampler {
    /// Creates a sampler that chooses `per_minute` events, with this seed.
    pub fn new(per_minute: u32, seed: u64) -> (Self, VerifierEnds) {
        let (to_verifier, samples) = mpsc::channel(WAITING);
        let (publish, status) = watch::channel(VerificationStatus {
            per_minute,
            ..VerificationStatus::default()
        });
        let offers = Self {
            reservoir: Reservoir::new(per_minute),
            random: SmallRng::seed_from_u64(seed),
            samples: to_verifier,
            status,
        };
        let ends = VerifierEnds {
            samples,
            status: publish,
        };
        (offers, ends)
    }

    /// Offers a delivered event. It is copied only if it is chosen.
    pub fn offer(&mut self, accepted: &Accepted, now: UnixMs) {
        let random = &mut self.random;
        self.reservoir.offer(
            now,
            |count| random.random_range(0..count),
            || (accepted.clone(), now),
        );
    }

    /// Hands the chosen event on, if its interval has ended. An event of nobody can't be looked up.
    pub fn hand_on(&mut self, now: UnixMs) {
        let Some((accepted, delivered_ms)) = self.reservoir.take(now) else {
            return;
        };
        let item = &accepted.item;
        if let Some(question) = Question::about(&item.route, &item.body)
            && let Some(sample) = Sample::new(question, delivered_ms)
        {
            // If the verifier is that far behind, it has enough to do.
            let _ = self.samples.try_send(sample);
        }
    }

    /// The state of verification.
    pub fn status(&self) -> VerificationStatus {
        self.status.borrow().clone()
    }
}
