//! A forwarder's part in a group: it applies the group's filters, and shows its figures.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::amplitude::time;
use crate::delivery::Control;
use crate::filter::{Filters, Gate, RuleError};
use crate::jetstream::{FilterChange, GroupHandle, GroupView, MemberFigures, SharedFilters};
use crate::protocol::{Author, Command, Snapshot};

use super::change_log::AdoptedChange;
use super::handle::{CommandError, Handle};
use super::steering::{SteerError, described};

/// Interval at which the figures are shown to the group.
const INTERVAL: Duration = Duration::from_secs(1);

impl Handle {
    /// Changes the group's mode or filters, if there is a group and the command changes them: all
    /// members apply what it has then. Fails if another member was faster, and changes nothing. New
    /// filters get the next version, as they do here.
    pub(super) async fn change_group(
        &self,
        author: &Author,
        command: &Command,
    ) -> Result<(), SteerError> {
        let Some(group) = &self.group else {
            return Ok(());
        };
        let gate = self.gate.load();
        let (mode, filters) = match command {
            Command::SetGate(mode) => (*mode, gate.filters().clone()),
            Command::SetFilters { base, filters } => {
                self.check_base(*base)?;
                (gate.mode(), filters.clone())
            }
            Command::UndoFilters { base } => {
                self.check_base(*base)?;
                let back = self.change_log.replaced();
                let back = back.ok_or(SteerError::NothingToUndo)?;
                (gate.mode(), Filters::clone(&back))
            }
            _ => return Ok(()),
        };
        // A rule that can't be compiled never reaches the others.
        Gate::new(mode, filters.clone()).map_err(CommandError::from)?;
        let version = self.change_log.version();
        let is_same = matches!(command, Command::SetGate(_));
        let shared = SharedFilters {
            mode,
            filters,
            version: if is_same { version } else { version + 1 },
            author: author.name.clone(),
            from: format!("{}, at {}", author.from, group.name()),
            at_ms: time::now(),
        };
        group
            .set_filters(&shared)
            .await
            .map_err(CommandError::from)?;
        Ok(())
    }

    /// Applies filters and a mode that another member has made.
    async fn adopt(&self, author: Author, shared: SharedFilters) -> Result<(), RuleError> {
        let _one_at_a_time = self.change_log.turn().await;
        let gate = self.gate.load();
        let mut change = None;
        if *gate.filters() != shared.filters {
            let replaced = gate.shared_filters();
            let what = format!("filters: {}", described(&replaced, &shared.filters));
            self.gate.set_filters(shared.filters)?;
            change = Some(AdoptedChange {
                author: author.clone(),
                what,
                replaced,
            });
        }
        self.change_log.adopt_filters(shared.version, change);
        if gate.mode() != shared.mode {
            self.gate.set_mode(shared.mode);
            let what = format!("gate: {}", shared.mode.name());
            self.change_log.add(author, what);
        }
        Ok(())
    }
}

/// Applies the filters and the mode of the group as others change them, until the task is aborted.
pub(super) async fn follow_filters(handle: Handle, group: GroupHandle) {
    let mut changes = group.filters();
    loop {
        let newest = changes.borrow_and_update().clone();
        if let Some(change) = newest
            && change.revision > group.applied_revision()
        {
            apply(&handle, &group, change).await;
        }
        if changes.changed().await.is_err() {
            // The member has ended.
            return;
        }
    }
}

async fn apply(handle: &Handle, group: &GroupHandle, change: FilterChange) {
    let FilterChange { revision, shared } = change;
    let (author, version) = (
        Author::new(&shared.author, shared.from.clone()),
        shared.version,
    );
    match handle.adopt(author, shared).await {
        Ok(()) => group.applies(revision, version),
        Err(error) => {
            let text = format!(
                "the group's filters can't be applied here, and the former ones stay: {error}; use \
                 the same version of sluicegate everywhere"
            );
            tracing::error!("{text}");
            handle.notify(text);
            group.does_not_apply(error.to_string());
        }
    }
}

/// Shows the group the member's figures, and takes the member's share of the rate, until the task is
/// aborted.
pub(super) async fn report_figures(handle: Handle, group: GroupHandle) {
    let snapshots = handle.snapshots();
    let mut tick = tokio::time::interval(INTERVAL);
    let mut limit = None;
    loop {
        tick.tick().await;
        group.report(figures(&snapshots.borrow()));
        let settings = handle.settings();
        let share = share_of(settings.delivery.requests_per_second, group.view());
        if limit != Some(share) {
            limit = Some(share);
            let mut dispatch = settings.dispatch();
            dispatch.requests_per_second = share;
            handle.control(Control::Settings(Box::new(dispatch))).await;
        }
    }
}

/// A member's share of the workspace's rate: by the partitions that it holds, and at least 1 request a
/// second. Where another member has learned from refusals that the workspace takes less, it is a share
/// of that.
fn share_of(whole: NonZeroU32, view: GroupView) -> NonZeroU32 {
    let whole = f64::from(whole.get());
    let whole = view
        .learned_rate
        .map_or(whole, |learned| learned.min(whole));
    let share = whole * f64::from(view.held) / f64::from(view.partitions.max(1));
    NonZeroU32::new(share as u32).unwrap_or(NonZeroU32::MIN)
}

fn figures(snapshot: &Snapshot) -> MemberFigures {
    let delivery = &snapshot.delivery;
    let trouble = delivery.spool.fault.as_deref().or(delivery.breaker.why());
    MemberFigures {
        received_per_second: snapshot.rates.received,
        delivered_per_second: snapshot.rates.delivered,
        queued: delivery.spool.items,
        oldest_ms: delivery.spool.oldest_ms,
        latency_p95_ms: snapshot.latency.p95_ms,
        trouble: trouble.map(str::to_owned),
        learned_rate: (delivery.rate < f64::from(delivery.rate_limit)).then_some(delivery.rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_workspace_is_shared_by_partitions_and_lowered_by_what_others_learned() {
        let share = |held, learned_rate| {
            let view = GroupView {
                held,
                partitions: 64,
                learned_rate,
            };
            share_of(NonZeroU32::new(100).unwrap(), view).get()
        };
        assert_eq!(share(64, None), 100);
        assert_eq!(share(32, None), 50);
        assert_eq!(share(0, None), 1, "it sends nothing, as it holds nothing");
        assert_eq!(share(32, Some(20.0)), 10);
        assert_eq!(share(32, Some(500.0)), 50);
    }
}
