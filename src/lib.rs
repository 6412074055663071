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
//! - [`delivery::spool`] has an item on disk before it counts as accepted, and before the feed is
//!   acknowledged.
//! - [`delivery`] batches items, keeps each person's order, and retries. An item that can't be
//!   delivered becomes a dead letter.
//! - Every stage reports to the pipeline's observer, which counts with [`telemetry`] and publishes
//!   snapshots.
//!
//! [`pipeline`] wires these into tasks with bounded channels between them. Where delivery can't
//! go on, items wait in the spool; where the spool is full or can't be written, frames wait, and
//! then the feed is not read. Nothing is dropped on the way.
//!
//! [`relay`] is a program of its own beside that: Amplitude has no WebSocket, so it takes what
//! Amplitude sends over HTTP and serves it as a feed ([`feed::server`], [`feed::log`]).
//!
//! [`sqlite`] has what the files of the spool and of that log share: a damaged one is replaced by
//! what is sound in it, and the loss is counted and told.
//!
//! [`network`] is the way to other machines: addresses, which are shown without their secrets,
//! proxies, and connecting.
//!
//! # The screen
//!
//! [`tui`] sees only snapshots and records, and acts only by commands: that is [`protocol`]. It
//! is plain state, a pure `update`, a pure `view`, and a shell around them that waits.
//!
//! # Promises
//!
//! - Every event has a decision, and every decision says why.
//! - From the moment an event is accepted it is delivered at least once, and with its
//!   deterministic id ([`customerio::dedupe`]) effectively once; or it is a dead letter that
//!   someone can see. [`delivery`] tells how.
//! - Each person's events are delivered in the order in which they were accepted.
//! - Nothing that comes from outside reaches a terminal as anything but text.
//! - Files with events, people or keys in them are for their owner only ([`owner_only`]).
//! - Memory is bounded by bytes: frames, queues, the ring of recent events. So is the disk.

pub mod amplitude;
pub mod browser;
pub mod cli;
pub mod command;
pub mod config;
pub mod customerio;
pub mod delivery;
pub mod descriptors;
pub mod feed;
pub mod filter;
pub mod http;
pub mod limits;
pub mod log_limit;
pub mod network;
pub mod owner_only;
pub mod pipeline;
pub mod protocol;
pub mod relay;
pub mod setting_form;
mod signals;
pub mod sqlite;
pub mod telemetry;
pub mod text;
pub mod tui;
