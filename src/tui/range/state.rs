//! The chosen range of time.

use std::sync::Arc;

use crate::tui::range::query::Figures;
use crate::tui::range::time_range::TimeRange;

/// The range that the operator chose.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenRange {
    /// The point of the time cursor where it began.
    pub first: TimeRange,
    /// The range.
    pub range: TimeRange,
    /// Whether moving the time cursor changes its end.
    pub is_open: bool,
    /// What the ring holds of it. None while that is counted.
    pub figures: Option<Arc<Figures>>,
}

impl ChosenRange {
    /// A range of one point, which the time cursor extends.
    pub fn new(point: TimeRange) -> Self {
        Self {
            first: point,
            range: point,
            is_open: true,
            figures: None,
        }
    }

    /// Extends the range to a point of the time cursor, if it follows it.
    pub fn extend(&mut self, point: TimeRange) {
        let range = self.first.joined(point);
        if self.is_open && range != self.range {
            self.range = range;
            self.figures = None;
        }
    }
}
