//! What the metrics say of a group of forwarders.

use std::fmt::Error;

use crate::protocol::Snapshot;

use super::exposition::{Exposition, Family};

/// The forwarder's place in its group, if it belongs to one.
pub(super) fn group(snapshot: &Snapshot, to: &mut Exposition<'_>) -> Result<(), Error> {
    let Some(group) = snapshot.group.as_deref() else {
        return Ok(());
    };
    let me = group.me.as_deref().unwrap_or_default();
    to.info(
        Family::new(
            "group",
            "The group of forwarders, and the member's name in it",
        ),
        &[("group", group.place.as_str()), ("member", me)],
    )?;
    to.gauge(
        Family::new("group_members", "Members of the group that are there"),
        group.members.len() as f64,
    )?;
    to.gauge(
        Family::new("group_partitions", "Partitions of the group"),
        f64::from(group.partitions),
    )?;
    let own = group.members.iter().find(|member| member.name == me);
    to.gauge(
        Family::new("group_partitions_held", "Partitions that this member holds"),
        own.map_or(0, |own| own.partitions.len()) as f64,
    )
}
