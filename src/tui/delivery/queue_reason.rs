//! The reason why accepted events stay queued.

use crate::delivery::{BreakerState, DeliveryStatus};

/// The reason why accepted events stay queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueReason {
    /// Customer.io refuses the credentials.
    Refused,
    /// Customer.io is down.
    Down,
    /// The gate is shut, or in dry run.
    GateNotOpen,
    /// Customer.io asked for a pause (429).
    Throttled,
}

impl QueueReason {
    /// The reason, unless queued events are sent as usual.
    pub fn of(delivery: &DeliveryStatus) -> Option<Self> {
        match &delivery.breaker {
            BreakerState::Refused { .. } => Some(Self::Refused),
            BreakerState::Open { .. } => Some(Self::Down),
            BreakerState::Closed if delivery.gate_shut => Some(Self::GateNotOpen),
            BreakerState::Closed => delivery.throttled_until_ms.map(|_| Self::Throttled),
        }
    }

    /// A clause that follows "queued: ".
    pub fn description(self) -> &'static str {
        match self {
            Self::Refused => "credentials refused",
            Self::Down => "Customer.io is down",
            Self::GateNotOpen => "the gate is not open",
            Self::Throttled => "Customer.io throttles",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_reason_is_given() {
        let down = BreakerState::Open {
            why: String::new(),
            since_ms: 0,
            probe_ms: 0,
        };
        let refused = BreakerState::Refused {
            why: String::new(),
            since_ms: 0,
        };
        for (breaker, gate_shut, throttled, expected) in [
            (BreakerState::Closed, false, None, None),
            (refused, true, Some(1), Some(QueueReason::Refused)),
            (down, true, Some(1), Some(QueueReason::Down)),
            (
                BreakerState::Closed,
                true,
                Some(1),
                Some(QueueReason::GateNotOpen),
            ),
            (
                BreakerState::Closed,
                false,
                Some(1),
                Some(QueueReason::Throttled),
            ),
        ] {
            let delivery = DeliveryStatus {
                breaker,
                gate_shut,
                throttled_until_ms: throttled,
                ..DeliveryStatus::default()
            };
            assert_eq!(QueueReason::of(&delivery), expected);
        }
    }
}
