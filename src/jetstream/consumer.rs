//! The consumer of a holding.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Config, Stream as Messages};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};

use super::connection::Connection;
use super::error::{GroupError, InGroup as _};
use super::names;

/// Time after which a message is delivered again that is neither settled nor in progress.
pub(super) const ACK_WAIT: Duration = Duration::from_secs(30);
/// Maximum messages of a partition that are received and not settled. The server sends no more.
const MAX_UNSETTLED: i64 = 1_000;
/// Messages that are asked for at a time.
const BATCH: usize = 64;
/// Time without a message or a heartbeat after which a pull has failed.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Time after which a pull ends and is made again.
const PULL: Duration = Duration::from_secs(20);
/// What a failed request was for.
pub(super) const READ_STATE: &str = "read the stream's state";

impl Connection {
    /// The newest message that the stream of events has had.
    pub(super) async fn last_message(&self) -> Result<u64, GroupError> {
        let info = self.events.get_info().await.in_group(READ_STATE)?;
        Ok(info.state.last_sequence)
    }

    /// Removes messages of a partition up to `floor`, up to which all are settled. The newest message of
    /// the stream stays: a server that is killed forgets the numbers of an empty stream, counts from 1
    /// again, and what it numbers up to the floor would be delivered to nobody.
    pub(super) async fn remove_settled(
        &self,
        partition: u16,
        floor: u64,
    ) -> Result<(), GroupError> {
        let what = "remove settled events";
        let last = self.last_message().await?;
        if last < floor {
            // Its numbers mean other messages than those that were settled.
            return Err(GroupError::failed(what, "the stream has begun anew"));
        }
        let end = last.min(floor + 1);
        let subject = self.names.events(partition);
        let purging = self.events.purge().filter(subject).sequence(end);
        purging.await.in_group(what)?;
        Ok(())
    }

    /// Creates the consumer of a generation, which starts behind `floor`.
    pub(super) async fn create_consumer(
        &self,
        partition: u16,
        generation: u64,
        floor: u64,
    ) -> Result<Consumer<Config>, GroupError> {
        let name = names::consumer(partition, generation);
        let config = Config {
            durable_name: Some(name.clone()),
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: floor + 1,
            },
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: MAX_UNSETTLED,
            filter_subject: self.names.events(partition),
            // The lease says where to go on without it. A group of servers that agree on each step of
            // each consumer would cost a cluster more than the events do.
            num_replicas: 1,
            memory_storage: true,
            ..Config::default()
        };
        let created = match self.events.create_consumer(config.clone()).await {
            Err(error) => {
                // One that a former attempt has left behind starts elsewhere.
                tracing::debug!("NATS: consumer {name} is made anew: {error}");
                self.delete_consumer(&name).await;
                self.events.create_consumer(config).await
            }
            created => created,
        };
        created.in_group("create a consumer")
    }

    /// Deletes a consumer, if there is one. One that stays delivers nothing to anybody.
    pub(super) async fn delete_consumer(&self, name: &str) {
        if let Err(error) = self.events.delete_consumer(name).await {
            tracing::debug!("NATS: consumer {name} is not deleted: {error}");
        }
    }
}

/// Starts to receive the messages of a consumer.
pub(super) async fn receive(consumer: &Consumer<Config>) -> Result<Messages, GroupError> {
    let messages = consumer
        .stream()
        .max_messages_per_batch(BATCH)
        .expires(PULL)
        .heartbeat(HEARTBEAT)
        .messages();
    messages.await.in_group("receive from a consumer")
}
