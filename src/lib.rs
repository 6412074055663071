//! sluicegate: see every Amplitude event, decide which ones reach Customer.io, and prove that
//! they arrived.
//!
//! # The way an event goes
//!
//! It goes one way. No stage knows the one before it, and none knows the screen.
//!
//! - A [`feed`] hands over frames: a WebSocket, which mends itself and resumes.
//! - [`amplitude`] finds the events in a frame. An event keeps the bytes it came in; what is
//!   read of it is borrowed, and parsed only if someone asks.
//! - [`customerio::mapping`] writes what would be sent of it, by copying raw values.
//! - [`limits`] measure that: a table, one entry a limit, each with its source.
//! - [`filter`] decides: event types, then rules in CEL. The decision names what decided.
//! - [`delivery`] batches what is accepted, keeps each person's order, and tries again.
//! - [`telemetry`] is told by every stage what it did, and publishes snapshots.
//!
//! [`pipeline`] wires these into tasks with bounded channels between them: where delivery
//! can't go on, items wait, then frames wait, then the feed is not read. Nothing is dropped on
//! the way.
//!
//! # The screen
//!
//! [`tui`] sees only snapshots and records, and acts only by commands: that is [`protocol`]. It
//! is plain state, a pure `update`, a pure `view`, and a shell around them that waits.
//!
//! # Promises
//!
//! - Every event has a decision, and every decision says why.
//! - An accepted event is delivered at least once, or it is kept with the reason why not. Its
//!   id is made from the event alone ([`customerio::dedupe`]), so Customer.io takes it once,
//!   however often it is sent. What waits is in memory: a process that is killed loses it, and
//!   a feed that resumes, or a replay, brings it again under the same id.
//! - Nothing that comes from outside reaches a terminal as anything but text.
//! - Memory is bounded by bytes: frames, queues, the ring of recent events, dead letters.

pub mod amplitude;
pub mod cli;
pub mod command;
pub mod config;
pub mod customerio;
pub mod delivery;
pub mod feed;
pub mod filter;
pub mod limits;
pub mod pipeline;
pub mod protocol;
pub mod telemetry;
pub mod tui;
