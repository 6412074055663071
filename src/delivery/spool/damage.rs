//! Damage to a spool.

/// Damage that was found, and what could be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damage {
    /// Number of lost items.
    pub items: u64,
    /// For the operator: what was damaged, what was saved, where the rest is.
    pub notices: Vec<String>,
}

impl Damage {
    pub(super) fn add(&mut self, items: u64, notice: String) {
        self.items += items;
        self.notices.push(notice);
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.items += other.items;
        self.notices.extend(other.notices);
    }
}
