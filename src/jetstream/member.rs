//! A member of a group: it shows itself, takes its share of the partitions, and hands over what is
//! beyond it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::kv::{Entry, Operation};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::amplitude::time::{self, UnixMs};
use crate::delivery::spool::writer::StreamOutcome;

use super::bucket_watch::BucketWatch;
use super::connection::LinkState;
use super::error::{GroupError, InGroup as _, in_time};
use super::handle::GroupView;
use super::lease::{Claim, LeaseError};
use super::lease_table::{LeaseTable, Step};
use super::names;
use super::records::{GroupState, LeaseRecord, MemberFigures, MemberRecord, SharedFilters};
use super::roster::Roster;
use super::session::{Input, Session};
use super::shared::Shared;
use super::shared_filters::{Applied, FilterChange};

/// Interval at which the leases are looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A member of a group, which runs until its pipeline ends.
pub(super) struct Member {
    shared: Shared,
    /// None once nothing more is settled.
    outcomes: Option<mpsc::UnboundedReceiver<StreamOutcome>>,
    figures: Arc<Mutex<MemberFigures>>,
    filters: watch::Sender<Option<FilterChange>>,
    applied: watch::Receiver<Applied>,
    view: watch::Sender<GroupView>,
    roster: Roster,
    table: LeaseTable,
    sessions: BTreeMap<u16, OpenSession>,
    tasks: JoinSet<Ended>,
    partition_of: BTreeMap<Id, u16>,
    holdings: u32,
    started_ms: UnixMs,
    is_leaving: bool,
}

struct OpenSession {
    holding: u32,
    inputs: mpsc::UnboundedSender<Input>,
}

/// How a session has ended.
struct Ended {
    result: Result<(), LeaseError>,
    /// The lease as it is then, with its revision, where another member seems to have written it.
    lease: Option<(u64, LeaseRecord)>,
}

/// The member's ends of its pipeline's channels.
#[derive(Debug)]
pub(super) struct MemberEnds {
    pub(super) outcomes: mpsc::UnboundedReceiver<StreamOutcome>,
    pub(super) figures: Arc<Mutex<MemberFigures>>,
    pub(super) filters: watch::Sender<Option<FilterChange>>,
    pub(super) applied: watch::Receiver<Applied>,
    pub(super) view: watch::Sender<GroupView>,
    pub(super) state: watch::Sender<Arc<GroupState>>,
}

impl Member {
    pub(super) fn new(shared: Shared, ends: MemberEnds) -> Self {
        let partitions = shared.connection.partitions;
        Self {
            table: LeaseTable::new(&shared.me, partitions, shared.term),
            shared,
            outcomes: Some(ends.outcomes),
            figures: ends.figures,
            filters: ends.filters,
            applied: ends.applied,
            view: ends.view,
            roster: Roster::new(ends.state),
            sessions: BTreeMap::new(),
            tasks: JoinSet::new(),
            partition_of: BTreeMap::new(),
            holdings: 0,
            started_ms: time::now(),
            is_leaving: false,
        }
    }

    /// Works until the pipeline ends and all partitions are handed over.
    pub(super) async fn run(mut self) {
        let frames = self.shared.channel.frames.clone();
        let mut link = self.shared.connection.link.clone();
        let mut heartbeat = interval(self.shared.term / 3);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Its own entries come back all the time, unless the watch is dead.
        let silence = self.shared.term * 2;
        let mut watch = BucketWatch::new(&self.shared.connection, names::ALL, silence);
        let mut connects = link.borrow().connects;
        self.show_link(&link.borrow().clone());
        loop {
            if self.is_leaving && self.sessions.is_empty() {
                self.leave().await;
                return;
            }
            tokio::select! {
                () = frames.closed(), if !self.is_leaving => self.begin_leaving(),
                outcome = next_outcome(&mut self.outcomes) => match outcome {
                    Some(outcome) => self.pass_on(outcome),
                    None => self.nothing_more(),
                },
                Some(ended) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => {
                    self.session_ended(ended);
                }
                entry = watch.next() => self.saw(&entry),
                Ok(()) = link.changed() => {
                    let now = link.borrow_and_update().clone();
                    self.show_link(&now);
                    if now.connects > connects {
                        connects = now.connects;
                        self.tell_all(|| Input::Reconnected);
                    }
                }
                _ = heartbeat.tick() => self.show_itself().await,
                _ = look.tick(), if watch.is_current() && !self.is_leaving => self.look(),
            }
        }
    }

    fn saw(&mut self, entry: &Entry) {
        let now = Instant::now();
        let is_there = entry.operation == Operation::Put;
        if let Some(partition) = names::leased(&entry.key) {
            if let Some(lease) = self.table.lease(partition) {
                lease.saw(entry.revision, lease_of(entry), now);
            }
        } else if let Some(name) = names::member_of(&entry.key) {
            if is_there {
                let record = serde_json::from_slice::<MemberRecord>(&entry.value).ok();
                let learned_rate = record.as_ref().and_then(|record| self.learned_rate(record));
                self.table.saw_member(name, learned_rate, now);
                if let Some(record) = record {
                    self.roster.saw(name, record, entry.revision);
                }
            } else {
                self.table.member_left(name);
                self.roster.left(name);
            }
        } else if entry.key == names::FILTERS && is_there {
            match serde_json::from_slice::<SharedFilters>(&entry.value) {
                Ok(shared) => self.filters.send_modify(|known| {
                    if known
                        .as_ref()
                        .is_none_or(|known| known.revision < entry.revision)
                    {
                        *known = Some(FilterChange {
                            revision: entry.revision,
                            shared,
                        });
                    }
                }),
                Err(error) => tracing::error!(
                    "the group's filters can't be read, and stay as they are: {error}"
                ),
            }
        }
    }

    /// The rate that a member has learned for its partitions, as one for the whole workspace.
    fn learned_rate(&self, record: &MemberRecord) -> Option<f64> {
        let held = record.partitions.len();
        let partitions = f64::from(self.shared.connection.partitions);
        let rate = record.figures.learned_rate.filter(|_| held > 0)?;
        Some(rate * partitions / held as f64)
    }

    fn look(&mut self) {
        let view = GroupView {
            held: self.table.sessions().len() as u16,
            partitions: self.shared.connection.partitions,
            learned_rate: self.table.learned_rate(),
        };
        self.view
            .send_if_modified(|known| std::mem::replace(known, view) != view);
        let steps = self.table.steps(Instant::now());
        self.roster.show(&self.table, &self.shared);
        for step in steps {
            match step {
                Step::Claim {
                    partition,
                    revision,
                    record,
                } => {
                    self.holdings += 1;
                    self.begin_session(Claim {
                        partition,
                        holding: self.holdings,
                        revision,
                        record,
                    });
                }
                Step::Release { partition } => {
                    self.table.closes(partition);
                    self.tell(partition, Input::HandOver);
                }
            }
        }
    }

    fn begin_session(&mut self, claim: Claim) {
        let (inputs, received) = mpsc::unbounded_channel();
        let (partition, holding) = (claim.partition, claim.holding);
        self.table.began(partition);
        let open = OpenSession { holding, inputs };
        self.sessions.insert(partition, open);
        let task = self.tasks.spawn(hold(self.shared.clone(), claim, received));
        self.partition_of.insert(task.id(), partition);
    }

    fn session_ended(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let (id, Ended { result, lease }) = ended.unwrap_or_else(|error| {
            tracing::error!("a fault of this program: {error}; please report it");
            let (result, lease) = (Ok(()), None);
            (error.id(), Ended { result, lease })
        });
        let Some(partition) = self.partition_of.remove(&id) else {
            return;
        };
        self.sessions.remove(&partition);
        self.table.ended(partition);
        self.shared.fence.revoke(partition);
        if let Some((revision, record)) = lease
            && let Some(seen) = self.table.lease(partition)
        {
            seen.read(revision, record, Instant::now());
        }
        match result {
            Ok(()) => tracing::debug!("partition {partition} is handed over"),
            // Two members often try at the same time.
            Err(LeaseError::Taken) => {
                tracing::debug!("partition {partition}: another member has it");
            }
            Err(error) => {
                tracing::warn!("partition {partition} is lost: {error}");
                self.table.rest(partition, Instant::now());
            }
        }
    }

    fn pass_on(&mut self, outcome: StreamOutcome) {
        let (partition, holding, input) = match outcome {
            StreamOutcome::Settled {
                origin,
                dead_letters,
            } => (
                origin.partition,
                origin.holding,
                Input::Settled {
                    sequence: origin.sequence,
                    dead_letters,
                },
            ),
            StreamOutcome::Released { partition, holding } => (partition, holding, Input::Released),
        };
        let session = self.sessions.get(&partition);
        if session.is_some_and(|session| session.holding == holding) {
            self.tell(partition, input);
        }
    }

    fn tell(&self, partition: u16, input: Input) {
        if let Some(session) = self.sessions.get(&partition) {
            // A session that has ended is removed soon.
            let _ = session.inputs.send(input);
        }
    }

    fn tell_all(&self, input: impl Fn() -> Input) {
        for partition in self.sessions.keys() {
            self.tell(*partition, input());
        }
    }

    fn begin_leaving(&mut self) {
        self.is_leaving = true;
        self.tell_all(|| Input::HandOver);
    }

    /// The pipeline's items are gone: nothing more will be settled.
    fn nothing_more(&mut self) {
        self.is_leaving = true;
        self.tell_all(|| Input::NothingMore);
        self.outcomes = None;
    }

    /// Shows the others that it is there.
    async fn show_itself(&mut self) {
        if self.is_leaving {
            return;
        }
        let applied = self.applied.borrow().clone();
        let figures = self.figures.lock();
        let figures = figures.unwrap_or_else(PoisonError::into_inner).clone();
        let record = MemberRecord {
            name: self.shared.me.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_ms: self.started_ms,
            at_ms: time::now(),
            partitions: self.table.sessions().iter().copied().collect(),
            lease_ms: self.shared.term.as_millis() as u64,
            figures,
            filters_revision: applied.revision,
            filters_error: applied.error,
        };
        let writing = self.write_record(&record);
        let written = in_time(self.shared.patience(), "write a member's state", writing).await;
        if let Err(error) = written {
            tracing::debug!("{error}; it is tried again");
        }
    }

    async fn write_record(&self, record: &MemberRecord) -> Result<(), GroupError> {
        let text = serde_json::to_vec(record).in_group("write a member's state")?;
        let key = names::member(&self.shared.me);
        let written = self.shared.connection.bucket.put(key, text.into()).await;
        written.in_group("write a member's state")?;
        Ok(())
    }

    async fn leave(&self) {
        let connection = &self.shared.connection;
        let leaving = async {
            let key = names::member(&self.shared.me);
            if let Err(error) = connection.bucket.delete(key).await {
                tracing::debug!("NATS: the member's entry stays for a while: {error}");
            }
            let _ = connection.client.flush().await;
        };
        let _ = timeout(self.shared.patience(), leaving).await;
    }

    fn show_link(&self, link: &LinkState) {
        self.shared.channel.status.send_modify(|status| {
            status.state = link.feed_state(time::now());
            status.connects = link.connects;
        });
    }
}

/// Holds a partition until it is handed over or lost.
async fn hold(shared: Shared, claim: Claim, inputs: mpsc::UnboundedReceiver<Input>) -> Ended {
    let partition = claim.partition;
    let result = Session::hold(shared.clone(), claim, inputs).await;
    let lease = match result {
        Err(LeaseError::Taken) => {
            // A server that was killed may have lost what was written last: the watch doesn't tell.
            let reading = shared.connection.bucket.entry(names::lease(partition));
            match timeout(shared.patience(), reading).await {
                Ok(Ok(Some(entry))) => Some((entry.revision, lease_of(&entry))),
                Ok(Ok(None)) => Some((0, LeaseRecord::default())),
                Ok(Err(_)) | Err(_) => None,
            }
        }
        _ => None,
    };
    Ended { result, lease }
}

/// The lease of an entry. One that can't be read is free.
fn lease_of(entry: &Entry) -> LeaseRecord {
    let record = (entry.operation == Operation::Put).then_some(&entry.value);
    let record = record.and_then(|text| serde_json::from_slice(text).ok());
    record.unwrap_or_default()
}

/// The next outcome; never where nothing more is settled. None once the pipeline's items are gone.
async fn next_outcome(
    outcomes: &mut Option<mpsc::UnboundedReceiver<StreamOutcome>>,
) -> Option<StreamOutcome> {
    match outcomes {
        Some(outcomes) => outcomes.recv().await,
        None => std::future::pending().await,
    }
}
