//! The counts of several forwarders as one, and the order of rows.

use std::iter::repeat_n;
use std::ops::AddAssign;

use super::snapshot::{FilteredBy, LimitRow, Rates, Totals, TypeRow};
use super::verification::VerificationCounts;

impl Totals {
    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            received,
            received_bytes,
            malformed,
            accepted,
            dry_run,
            filtered,
            filtered_by,
            rejected,
            delivered,
            success_on_first_attempt,
            success_after_retry,
            expired,
            discarded,
            violations,
            requests,
        } = other;
        self.received += received;
        self.received_bytes += received_bytes;
        self.malformed += malformed;
        self.accepted += accepted;
        self.dry_run += dry_run;
        self.filtered += filtered;
        self.filtered_by.merge(filtered_by);
        self.rejected += rejected;
        self.delivered += delivered;
        self.success_on_first_attempt += success_on_first_attempt;
        self.success_after_retry += success_after_retry;
        self.expired += expired;
        self.discarded += discarded;
        self.violations += violations;
        self.requests += requests;
    }
}

impl Rates {
    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            received,
            accepted,
            delivered,
            rejected,
            filtered_by,
        } = other;
        self.received += received;
        self.accepted += accepted;
        self.delivered += delivered;
        self.rejected += rejected;
        self.filtered_by.merge(filtered_by);
    }
}

impl<N: Copy + AddAssign> FilteredBy<N> {
    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            event_type,
            rule,
            gate,
            property_update,
        } = *other;
        self.event_type += event_type;
        self.rule += rule;
        self.gate += gate;
        self.property_update += property_update;
    }
}

impl VerificationCounts {
    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        let Self {
            verified,
            failed,
            missing,
            undecided,
        } = other;
        self.verified += verified;
        self.failed += failed;
        self.missing += missing;
        self.undecided += undecided;
    }
}

impl TypeRow {
    /// Adds the counts of the same type elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.accepted += other.accepted;
        self.rate += other.rate;
    }

    /// Puts the most frequent first.
    pub fn sort(rows: &mut [Self]) {
        rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
    }
}

impl LimitRow {
    /// Adds the violations of the same limit elsewhere. Of the worst one it keeps the worse, and of the last
    /// one the later.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.recent += other.recent;
        // Both end now; the longer one reaches further back.
        let missing = other.trend.len().saturating_sub(self.trend.len());
        self.trend.splice(0..0, repeat_n(0, missing));
        for (step, more) in self.trend.iter_mut().rev().zip(other.trend.iter().rev()) {
            *step += more;
        }
        for (name, count) in &other.types {
            match self.types.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += count,
                None => self.types.push((name.clone(), *count)),
            }
        }
        self.sort_types();
        if other.worst.measured > self.worst.measured {
            self.worst = other.worst.clone();
            self.worst_type = other.worst_type.clone();
        }
        if other.last_ms > self.last_ms {
            self.last_ms = other.last_ms;
            self.last_sequence = other.last_sequence;
        }
    }

    /// Puts those that reject first, then the most frequent.
    pub fn sort(rows: &mut [Self]) {
        rows.sort_by(|a, b| {
            let by_recent = b.recent.cmp(&a.recent);
            a.policy
                .cmp(&b.policy)
                .then(by_recent)
                .then(a.code.cmp(&b.code))
        });
    }

    /// Puts the most frequent event type first.
    pub fn sort_types(&mut self) {
        self.types
            .sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }
}
