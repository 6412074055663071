//! The step of the tour.

/// Number of steps.
pub const STEPS: usize = 3;

/// The open tour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tour {
    /// The step, from 0.
    pub step: usize,
}
