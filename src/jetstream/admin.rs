//! Creating a group, and looking at it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Operation;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, RawMessageErrorKind, RetentionPolicy, State, StorageType,
};
use serde::Serialize;

use super::connection::{Connection, connect, context};
use super::error::{GroupError, InGroup as _, in_time};
use super::location::Location;
use super::names::{self, LAYOUT, Names};
use super::records::{LAYOUT_VERSION, LayoutRecord, LeaseRecord, MemberRecord};
use super::settings::NatsSettings;

/// The duplicate window of a bucket, as the server's own tools set it.
const BUCKET_DUPLICATES: Duration = Duration::from_secs(120);

/// Maximum time to read the state of a group.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a failed request was for.
const READ_STATE: &str = "read the group's state";

/// What a group is created with.
#[derive(Debug, Clone)]
pub struct Creation {
    /// Number of partitions, which can't be changed later.
    pub partitions: u16,
    /// Copies of each stream on the servers of a cluster: 1, 3 or 5.
    pub replicas: usize,
    /// Maximum bytes of events that are not settled; -1 for any number. Publishers are refused beyond
    /// it.
    pub max_bytes: i64,
    /// Time for which a repeated event is recognized.
    pub duplicate_window: Duration,
    /// Time for which dead letters are kept; any time if it is zero.
    pub keep_dead_letters: Duration,
}

/// The state of a group.
#[derive(Debug, Clone, Serialize)]
pub struct GroupStatus {
    /// Number of partitions.
    pub partitions: u16,
    /// Copies of each stream.
    pub replicas: usize,
    /// Events in the stream that are not settled or not removed yet.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// The members.
    pub members: Vec<MemberRecord>,
    /// The partitions that nobody holds.
    pub free: Vec<u16>,
    /// The revision of the shared filters; 0 if nobody has set them.
    pub filters_revision: u64,
}

/// Creates the streams and the bucket of a group, or changes what can be changed of them. Refuses to
/// change the number of partitions.
pub async fn create(
    settings: &NatsSettings,
    location: &Location,
    wanted: &Creation,
) -> Result<Connection, GroupError> {
    let (client, _) = connect(settings, location).await?;
    let context = context(&client);
    let names = Names::new(&location.prefix);
    create_stream(&context, bucket_stream(&names, wanted)).await?;
    let bucket = context.get_key_value(names.bucket()).await;
    let bucket = bucket.in_group("open the bucket")?;
    let layout = bucket.get(LAYOUT).await.in_group("read the layout")?;
    match layout {
        Some(text) => {
            let found: LayoutRecord = serde_json::from_slice(&text).in_group("read the layout")?;
            if found.partitions != wanted.partitions {
                return Err(GroupError::Partitions {
                    found: found.partitions,
                    wanted: wanted.partitions,
                });
            }
        }
        None => {
            let layout = LayoutRecord {
                layout: LAYOUT_VERSION,
                partitions: wanted.partitions,
            };
            let text = serde_json::to_vec(&layout).in_group("write the layout")?;
            let created = bucket.create(LAYOUT, text.into()).await;
            created.in_group("write the layout")?;
        }
    }
    for config in [events_stream(&names, wanted), dead_stream(&names, wanted)] {
        create_stream(&context, config).await?;
    }
    Connection::open(settings, location).await
}

async fn create_stream(context: &Context, config: Config) -> Result<(), GroupError> {
    let created = context.create_or_update_stream(config).await;
    created.in_group("create a stream")?;
    Ok(())
}

/// What all streams of a group have in common: they are kept on disk, on this many servers.
fn kept(wanted: &Creation) -> Config {
    Config {
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: wanted.replicas,
        duplicate_window: wanted.duplicate_window,
        ..Config::default()
    }
}

/// The stream behind a bucket. The client library creates buckets only with servers from 2.10 on, as it
/// reads from the account what older ones don't tell.
fn bucket_stream(names: &Names, wanted: &Creation) -> Config {
    let bucket = names.bucket();
    Config {
        name: format!("KV_{bucket}"),
        description: Some("sluicegate: leases, members and filters".to_owned()),
        subjects: vec![format!("$KV.{bucket}.>")],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        duplicate_window: BUCKET_DUPLICATES,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        ..kept(wanted)
    }
}

/// Events stay until they are settled: nothing is removed by age, and a full stream refuses new ones.
fn events_stream(names: &Names, wanted: &Creation) -> Config {
    Config {
        name: names.events_stream(),
        description: Some("sluicegate: events that are not settled".to_owned()),
        subjects: vec![names.all_events()],
        discard: DiscardPolicy::New,
        max_bytes: wanted.max_bytes,
        ..kept(wanted)
    }
}

fn dead_stream(names: &Names, wanted: &Creation) -> Config {
    Config {
        name: names.dead_stream(),
        description: Some("sluicegate: dead letters".to_owned()),
        subjects: vec![names.all_dead()],
        discard: DiscardPolicy::Old,
        max_age: wanted.keep_dead_letters,
        ..kept(wanted)
    }
}

/// Looks at a group.
pub async fn status(connection: &Connection) -> Result<GroupStatus, GroupError> {
    // The entries come in messages of their own, which have no time limit.
    in_time(PATIENCE, READ_STATE, read_status(connection)).await
}

async fn read_status(connection: &Connection) -> Result<GroupStatus, GroupError> {
    let what = READ_STATE;
    let events = connection.events.get_info().await.in_group(what)?;
    let dead = connection
        .context
        .get_stream(connection.names.dead_stream())
        .await
        .in_group(what)?;
    let mut leases = vec![LeaseRecord::default(); usize::from(connection.partitions)];
    let (mut members, mut filters_revision) = (BTreeMap::new(), 0);
    let entries = connection.entries().await?;
    for entry in entries {
        let lease = names::leased(&entry.key);
        if let Some(lease) = lease.and_then(|partition| leases.get_mut(usize::from(partition))) {
            *lease = serde_json::from_slice(&entry.value).in_group(what)?;
        } else if let Some(name) = names::member_of(&entry.key) {
            if entry.operation == Operation::Put {
                let record = serde_json::from_slice(&entry.value).in_group(what)?;
                members.insert(name.to_owned(), record);
            } else {
                // It may have left while the entries were read.
                members.remove(name);
            }
        } else if entry.key == names::FILTERS {
            filters_revision = entry.revision;
        }
    }
    let settled = settled_last(connection, &events.state, &leases).await?;
    let partitions = (0..connection.partitions).zip(&leases);
    let free = partitions.filter(|(_, lease)| lease.owner.is_none());
    Ok(GroupStatus {
        partitions: connection.partitions,
        replicas: events.config.num_replicas,
        events: events.state.messages - settled,
        bytes: if settled == events.state.messages {
            0
        } else {
            events.state.bytes
        },
        dead_letters: dead.cached_info().state.messages,
        members: members.into_values().collect(),
        free: free.map(|(partition, _)| partition).collect(),
        filters_revision,
    })
}

/// 1 if the newest message of the stream is settled, which stays there all the same; else 0.
async fn settled_last(
    connection: &Connection,
    state: &State,
    leases: &[LeaseRecord],
) -> Result<u64, GroupError> {
    if state.messages == 0 {
        return Ok(0);
    }
    let message = connection.events.get_raw_message(state.last_sequence).await;
    let subject = match message {
        Ok(message) => message.subject,
        // Its owner has removed it meanwhile, as a newer one is there.
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(0),
        Err(error) => return Err(GroupError::failed(READ_STATE, error)),
    };
    let partition = connection.names.partition_of(&subject);
    let lease = partition.and_then(|partition| leases.get(usize::from(partition)));
    Ok(u64::from(
        lease.is_some_and(|lease| lease.floor >= state.last_sequence),
    ))
}
