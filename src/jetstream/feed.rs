//! Joining a group: the feed that a pipeline reads, and what it tells the group.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::delivery::fence::Fence;
use crate::delivery::spool::writer::{SpoolHandle, StreamOutcome};
use crate::feed::{Feed, FeedChannel};

use super::connection::Connection;
use super::error::GroupError;
use super::handle::{GroupHandle, GroupView};
use super::location::Location;
use super::member::{Member, MemberEnds};
use super::records::MemberFigures;
use super::settings::NatsSettings;
use super::shared::Shared;
use super::shared_filters::Applied;

/// Time for which the first connection is tried again.
const FIRST_CONNECTION: Duration = Duration::from_secs(30);
/// Delay before it is.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// Maximum dead letters that a member's screens count and choose from: the newest.
const MAX_DEAD_LETTERS: usize = 100_000;

/// A group that was joined.
#[derive(Debug)]
pub struct Joined {
    /// The feed of the partitions that the member will hold.
    pub feed: GroupFeed,
    /// The pipeline's ends.
    pub ends: StreamEnds,
    /// What the pipeline says to the group.
    pub handle: GroupHandle,
}

/// The ends of a shared stream that a pipeline uses in the place of a spool.
#[derive(Debug)]
pub struct StreamEnds {
    /// The partitions that may be sent for.
    pub fence: Fence,
    /// Receives the messages that are settled.
    pub outcomes: mpsc::UnboundedSender<StreamOutcome>,
    /// Where the member finds the items, once they are kept.
    pub items: Arc<OnceLock<SpoolHandle>>,
}

/// The feed of a member.
#[derive(Debug)]
pub struct GroupFeed {
    connection: Connection,
    me: String,
    term: Duration,
    fence: Fence,
    items: Arc<OnceLock<SpoolHandle>>,
    ends: MemberEnds,
}

/// Connects to a group, and prepares to be a member of it. A server that can't be reached is tried
/// again for half a minute.
pub async fn join(settings: &NatsSettings, location: &Location) -> Result<Joined, GroupError> {
    let connection = first_connection(settings, location).await?;
    let me = member_name(&settings.member);
    let (outcomes, outcomes_received) = mpsc::unbounded_channel();
    let (filters, filters_received) = watch::channel(None);
    let (applied, applied_received) = watch::channel(Applied::default());
    let (view, view_received) = watch::channel(GroupView::default());
    let (state, state_received) = watch::channel(Arc::default());
    let dead_letters = connection.dead_letters(MAX_DEAD_LETTERS).await?;
    let ledger_key = connection.ledger_key().await?;
    let figures: Arc<Mutex<MemberFigures>> = Arc::default();
    let (fence, items) = (Fence::default(), Arc::default());
    let handle = GroupHandle {
        connection: connection.clone(),
        me: me.clone(),
        filters: filters_received,
        figures: figures.clone(),
        applied,
        view: view_received,
        state: state_received,
        dead_letters,
        ledger_key,
    };
    let feed = GroupFeed {
        connection,
        me,
        term: settings.lease,
        fence: fence.clone(),
        items: Arc::clone(&items),
        ends: MemberEnds {
            outcomes: outcomes_received,
            figures,
            filters,
            applied: applied_received,
            view,
            state,
        },
    };
    let ends = StreamEnds {
        fence,
        outcomes,
        items,
    };
    Ok(Joined { feed, ends, handle })
}

async fn first_connection(
    settings: &NatsSettings,
    location: &Location,
) -> Result<Connection, GroupError> {
    let give_up = Instant::now() + FIRST_CONNECTION;
    loop {
        match Connection::open(settings, location).await {
            Err(error @ GroupError::Connect { .. }) if Instant::now() < give_up => {
                tracing::warn!("{error}; it is tried again");
                tokio::time::sleep(RETRY_DELAY).await;
            }
            other => return other,
        }
    }
}

impl Feed for GroupFeed {
    fn run(self: Box<Self>, channel: FeedChannel) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let Some(items) = self.items.get().cloned() else {
                tracing::error!("a fault of this program: a member without items");
                return;
            };
            let shared = Shared {
                connection: self.connection,
                channel: Arc::new(channel),
                fence: self.fence,
                items,
                me: self.me,
                term: self.term,
            };
            Member::new(shared, self.ends).run().await;
        })
    }

    fn name(&self) -> String {
        self.connection.shown().to_owned()
    }
}

/// The configured name of this member, else one that no other process has.
fn member_name(configured: &str) -> String {
    if !configured.is_empty() {
        return configured.to_owned();
    }
    let host: String = host_name()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .take(32)
        .collect();
    let (pid, random) = (std::process::id(), rand::random::<u16>());
    format!("{host}-{pid}-{random:04x}")
}

/// The name of this machine.
#[cfg(unix)]
pub fn host_name() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// The name of this machine.
#[cfg(not(unix))]
pub fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "member".to_owned())
}
