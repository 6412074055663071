//! Forwarders that share a stream of events in NATS `JetStream`, so that one of them may fail.
//!
//! ```text
//!  relay ──▶ PREFIX.events.PARTITION ──▶ members ──▶ Customer.io
//!            stream PREFIX-events          │  ▲
//!            bucket PREFIX-group  ◀─────────┘  │ leases, filters, members
//!            stream PREFIX-dead   ◀────────────┘ dead letters
//! ```
//!
//! # Promises
//!
//! - An event that a [`Publisher`] has published is in the stream until a member has settled it:
//!   delivered, filtered out, rejected, or a dead letter in the other stream. Only then is it
//!   acknowledged, and only then removed.
//! - A partition holds all events of its people, and one member holds a partition at a time. A member
//!   that can't renew a lease stops sending, and cuts what it is sending, a sixth of the term before
//!   another member takes the partition over. Each member measures the term from what it sees, by its
//!   own monotonic clock, so clocks need not agree.
//! - Whoever takes a partition over continues, in the stream's order, behind the event up to which
//!   everything is settled: the last holder has written it into the lease when it renewed it last, three
//!   times a term. Events behind it that were sent already are sent again under the same ids.
//! - The newest message of the stream stays even when it is settled: a killed nats-server 2.9 forgets the
//!   numbers of an empty stream and counts from 1 again. A holder that finds the stream shorter than
//!   what was settled reads it from its beginning, and says so.
//!
//! # Consumers
//!
//! A consumer delivers a message again that nobody acknowledged, but then behind newer ones, which would
//! break the order. So each holding has a durable consumer of its own: the new holder creates
//! `pPARTITION-GENERATION`, which starts behind what the lease says, names it in the lease, and deletes
//! the old one. A former holder that wakes up later finds its consumer gone. The old one's
//! acknowledgements say nothing: when settled messages are removed, a nats-server 2.9 forgets which
//! others it has delivered, and takes them for acknowledged.
//! A member does the same when it notices that a delivery is missing, from the numbers that a
//! consumer gives its deliveries.
//!
//! Everything here works with nats-server 2.9.

mod admin;
mod bridge;
mod bucket_watch;
mod connection;
mod consumer;
mod dead_letter_index;
mod dead_letters;
mod error;
mod examine;
mod feed;
mod handle;
mod lease;
mod lease_table;
mod location;
mod member;
mod members;
mod names;
mod outstanding;
mod person;
mod publisher;
mod records;
mod roster;
mod seen_lease;
mod session;
mod settings;
mod shared;
mod shared_filters;
mod tunnel;

pub use admin::{Creation, GroupStatus, create, status};
pub use bridge::{BridgeReport, bridge};
pub use connection::Connection;
pub use dead_letters::{ExportError, GroupDeadLetters};
pub use error::GroupError;
pub use examine::{Finding, examine};
pub use feed::{GroupFeed, Joined, StreamEnds, host_name, join};
pub use handle::{GroupHandle, GroupView};
pub use location::{Location, LocationError};
pub use publisher::Publisher;
pub use records::{GroupState, MemberFigures, MemberRecord, SharedFilters};
pub use settings::NatsSettings;
pub use shared_filters::FilterChange;
pub use tunnel::Tunnel;
