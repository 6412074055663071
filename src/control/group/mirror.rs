//! The events and the state of all members, for one screen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::amplitude::time;
use crate::control::about::About;
use crate::control::access::Role;
use crate::control::mirror::{MirrorEnds, Transfer};
use crate::jetstream::{Connection, GroupState};
use crate::protocol::{LinkStatus, Snapshot};
use crate::telemetry::ring::SharedRing;

use super::clients::GroupClients;
use super::followed::Followed;
use super::sum::{Part, sum};

/// Interval at which what has come is taken over.
const EVERY: Duration = Duration::from_millis(200);
/// Maximum time for the members that are there at the start to send what they remember: it is put into
/// one order.
const FIRST: Duration = Duration::from_secs(2);

/// The events and the state of all members, for one screen.
#[derive(Debug)]
pub struct GroupMirror {
    connection: Connection,
    state: watch::Receiver<Arc<GroupState>>,
    clients: GroupClients,
    members: BTreeMap<String, Followed>,
    ring: SharedRing,
    snapshots: watch::Sender<Arc<Snapshot>>,
    known: Arc<Mutex<Option<(About, Role)>>>,
    /// The number of the next event.
    next: u64,
    /// Events that no screen got, of members that have gone.
    missed: u64,
}

impl GroupMirror {
    /// A mirror of the group whose members `state` names, with at most `ring_bytes` of recent events.
    pub fn new(
        connection: Connection,
        state: watch::Receiver<Arc<GroupState>>,
        ring_bytes: usize,
    ) -> (Self, MirrorEnds, GroupClients) {
        let (snapshots, received) = watch::channel(Arc::default());
        let ring = SharedRing::new(ring_bytes);
        let known = Arc::new(Mutex::new(None));
        let clients = GroupClients::new(connection.shown());
        let ends = MirrorEnds {
            ring: ring.clone(),
            snapshots: received,
            known: known.clone(),
            run: Arc::default(),
            transfer: Transfer::default(),
        };
        let mirror = Self {
            connection,
            state,
            clients: clients.clone(),
            members: BTreeMap::new(),
            ring,
            snapshots,
            known,
            next: 1,
            missed: 0,
        };
        (mirror, ends, clients)
    }

    /// Follows the members until the task is aborted.
    pub async fn run(mut self) {
        let started = Instant::now();
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.follow_members();
            let is_first = self.next == 1 && started.elapsed() < FIRST;
            if !is_first {
                self.take_over();
            }
            self.publish();
        }
    }

    /// Follows the members that are there now.
    fn follow_members(&mut self) {
        let state = self.state.borrow_and_update().clone();
        let is_there = |name: &str| state.members.iter().any(|member| member.name == name);
        let (clients, missed) = (&self.clients, &mut self.missed);
        self.members.retain(|name, member| {
            let stays = is_there(name);
            if !stays {
                clients.remove(name);
                *missed += missed_of(member);
            }
            stays
        });
        for member in &state.members {
            let name = &member.name;
            if self.members.contains_key(name) {
                continue;
            }
            match Followed::start(self.connection.clone(), name) {
                Ok(followed) => {
                    self.clients.add(name, followed.bridge.client().clone());
                    self.members.insert(name.clone(), followed);
                }
                Err(error) => tracing::debug!("{name}: {error}; it is tried again"),
            }
        }
        for (name, member) in &self.members {
            self.clients.set_connected(name, member.lost().is_none());
        }
    }

    /// Takes over what the members have sent.
    fn take_over(&mut self) {
        let mut members: Vec<&mut Followed> = self.members.values_mut().collect();
        let (mut stories, mut records) = (Vec::new(), Vec::new());
        for (index, member) in members.iter_mut().enumerate() {
            // Before the new events, whose stories are new, too.
            stories.extend(member.changed_stories());
            let new = member.new_records().into_iter();
            records.extend(new.map(|record| (index, record)));
        }
        records.sort_by_key(|(_, record)| record.received_ms);
        for ((index, record), here) in records.iter_mut().zip(self.next..) {
            members[*index].numbers.add(record.sequence, here);
            record.sequence = here;
        }
        self.next += records.len() as u64;
        let first = {
            let mut ring = self.ring.lock();
            for (here, story) in stories {
                ring.update(here, |old| *old = story);
            }
            ring.extend(records.into_iter().map(|(_, record)| record));
            ring.first()
        };
        for member in members {
            member.numbers.forget_before(first);
        }
    }

    /// Shows the screen the sum of the members' states.
    fn publish(&self) {
        let snapshots = self.members.iter().filter_map(|(name, member)| {
            let snapshot = member.snapshot()?;
            Some((name.as_str(), snapshot))
        });
        let snapshots: Vec<(&str, Snapshot)> = snapshots.collect();
        let parts: Vec<Part<'_>> = snapshots.iter().map(|(name, part)| (*name, part)).collect();
        // What was there last stays, as long as nothing newer is known.
        let mut sum = if parts.is_empty() {
            Snapshot::clone(&self.snapshots.borrow())
        } else {
            sum(&parts)
        };
        sum.ring = self.ring.lock().row();
        sum.group = Some(Arc::new(self.group_state()));
        let missed: u64 = self.members.values().map(missed_of).sum();
        sum.link = Some(LinkStatus {
            lost: self.lost().map(|why| (why, time::now())),
            missed: self.missed + missed,
            summaries: false,
            people_masked: false,
        });
        self.take_note_of_role();
        self.snapshots.send_replace(Arc::new(sum));
    }

    /// The members as the group has them, with the trouble of those that can't be followed.
    fn group_state(&self) -> GroupState {
        let mut state = GroupState::clone(&self.state.borrow());
        for member in &mut state.members {
            let followed = self.members.get(&member.name);
            if let Some(why) = followed.and_then(Followed::lost) {
                let trouble = member.figures.trouble.get_or_insert_default();
                if trouble.is_empty() {
                    *trouble = format!("its events are not shown: {why}");
                }
            }
        }
        state
    }

    /// Why the screen shows nothing new, if no member sends anything.
    fn lost(&self) -> Option<String> {
        if let Some(why) = self.connection.lost() {
            return Some(why);
        }
        if self.members.is_empty() {
            return Some("no member of the group is there; start one".to_owned());
        }
        let mut first = None;
        for (name, member) in &self.members {
            let why = member.lost()?;
            first.get_or_insert_with(|| format!("{name}: {why}"));
        }
        first
    }

    /// The role is that at a member: through the group's servers everyone is an operator.
    fn take_note_of_role(&self) {
        let known = self.members.values().find_map(|member| {
            let known = member.ends.known.lock();
            known.unwrap_or_else(PoisonError::into_inner).clone()
        });
        if known.is_some() {
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        }
    }
}

/// The events of a member that the screen was not sent.
fn missed_of(member: &Followed) -> u64 {
    let snapshot = member.ends.snapshots.borrow();
    snapshot.link.as_ref().map_or(0, |link| link.missed)
}
