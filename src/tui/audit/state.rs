//! The state of the audit.

use crate::audit::{Counts, Example, HourDetail};

/// Milliseconds of an hour.
pub(crate) const HOUR_MS: i64 = 3_600_000;

/// The last audit, which goes on while its view is closed.
#[derive(Debug, Default)]
pub struct LastAudit {
    /// The number of the run. Answers of earlier ones are ignored.
    pub run: u64,
    /// Its course.
    pub course: Course,
}

/// The course of an audit.
#[derive(Debug, Default)]
pub enum Course {
    /// None was made.
    #[default]
    None,
    /// Files are read: the number read, and of all.
    Reading(usize, usize),
    /// The operator stopped it.
    Stopped,
    /// It can't be made, with the reason.
    Failed(String),
    /// It is finished.
    Done(Box<Finding>),
}

/// The result of an audit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finding {
    /// The counts of all events.
    pub total: Counts,
    /// The hours since 1970 with events, in their order.
    pub hours: Vec<(i64, HourDetail)>,
    /// Number of older files in the folder that were left out.
    pub left_out: usize,
}

/// The open view of the audit.
#[derive(Debug, Default)]
pub struct OpenedAudit {
    /// The hour under the cursor, since 1970. None: the worst one.
    pub hour: Option<i64>,
    /// The example under the cursor, while an hour is open.
    pub example: Option<usize>,
}

impl OpenedAudit {
    /// The index of the hour under the cursor.
    pub(crate) fn index(&self, finding: &Finding) -> usize {
        let hours = &finding.hours;
        let lost = |at: &usize| {
            let counts = &hours[*at].1.counts;
            counts.missing + counts.undelivered()
        };
        match self.hour {
            Some(hour) => hours
                .partition_point(|(at, ..)| *at < hour)
                .min(hours.len().saturating_sub(1)),
            None => {
                let worst = (0..hours.len()).rev().max_by_key(lost);
                worst.unwrap_or_default()
            }
        }
    }

    /// The examples of the hour under the cursor.
    pub(crate) fn examples<'f>(&self, finding: &'f Finding) -> &'f [Example] {
        let hour = finding.hours.get(self.index(finding));
        hour.map_or(&[], |(_, detail)| &detail.examples)
    }
}
