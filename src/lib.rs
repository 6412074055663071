//! sluicegate: see every Amplitude event, decide which ones reach Customer.io, and prove that
//! they arrived.
//!
//! # Architecture
//!
//! ```text
//!             ┌ amplitude ┐   ┌ filter ┐   ┌ customerio ┐   ┌ limits ┐   ┌──────── delivery ────────┐
//!  feed ────▶ │ decode    │──▶│ decide │──▶│ map        │──▶│ check  │──▶│ spool ─▶ batch ─▶ client │──▶ Customer.io
//!  websocket  └───────────┘   └────────┘   └────────────┘   └────────┘   └───────────┬──────────────┘
//!  archive                                                                           ▼
//!             every stage reports to telemetry                                  dead letters
//!                                    │
//!                         Snapshot ▼ ▲ Command
//!                                   tui
//! ```
//!
//! Data flows one way. No stage knows the one before it, and none knows the screen.
//!
//! 1. A [`feed`] receives frames over a WebSocket. It reconnects by itself and resumes after the
//!    last message.
//! 2. [`amplitude`] finds the events in a frame. An event keeps the bytes in which it arrived; its
//!    fields are borrowed from them, and parsed only when they are asked for.
//! 3. [`filter`] decides: event types first, then rules in CEL, then the gate's mode. The decision
//!    names what decided.
//! 4. [`customerio::mapping`] writes the data to be sent, by copying raw JSON values.
//! 5. [`limits`] measures that data. The table of limits has one entry per limit, with its source.
//! 6. [`delivery::spool`] makes the accepted event durable. Only then is the feed acknowledged.
//! 7. [`delivery`] batches events, keeps each person's order, and retries. An event that can't be
//!    delivered becomes a dead letter.
//!
//! [`pipeline`] runs these stages as tasks with bounded channels between them. Steps 2 to 5 are done by
//! several tasks where there are cores for them, and judged in the order of the events; messages and
//! results are passed on many at a time under load. If delivery can't go on, events wait in the spool.
//! If the spool is full or can't be written, frames wait, and then the feed is not read. Nothing is
//! dropped on the way. Each stage reports to the pipeline's observer, which counts with [`telemetry`]
//! and publishes snapshots.
//!
//! The screen ([`tui`]) sees only snapshots and records, and acts only by commands; both are defined
//! in [`protocol`]. It has the shape of Elm: plain state, a pure `update`, a pure `view`, and a shell
//! around them that reads the terminal and runs effects.
//!
//! [`relay`] is a server of its own. Amplitude has no WebSocket, so the relay takes what Amplitude
//! sends over HTTP and serves it as a feed ([`feed::server`], [`feed::log`]).
//!
//! With [`jetstream`], forwarders share a stream that holds the events, and steps 1 and 6 are its: there
//! is no spool then, and an event is acknowledged when it is settled.
//!
//! # Dependencies
//!
//! A module depends only on those in its own line or below, and no two files depend on each other in
//! a circle. `tests/layout.rs` holds the list and checks every path in the code.
//!
//! ```text
//! command          a file per subcommand
//! cli              the command line
//! tui              the screen: a folder per pane, with its query, update and view
//! control          the control API: who may do what, server, client
//! privacy          masks people: on screens, and for viewers
//! audit            the ledger compared with Amplitude's export
//! pipeline         the tasks; their start, drain and end
//! config           settings: defaults, file, environment, flags; validation
//! relay            Amplitude's HTTP in, a WebSocket feed out
//! alerting         states that somebody is told of
//! telemetry        counters, latency, the ring of recent events
//! protocol         snapshots, records, commands
//! ledger           every decision and outcome, for weeks; keyed hashes
//! jetstream        forwarders that share a NATS stream: leases, consumers, filters
//! delivery         queue per person, batch, breaker, rate limiter, retry; the spool on disk
//! feed             WebSocket client, replay, recording; server and log
//! filter           types and rules; expressions, previews, explanations
//! limits           the table of limits
//! customerio       mapping, dedupe ID, client, answers, sandbox
//! amplitude        events in both formats, frames, archives, exports
//! network http owner_only sqlite signals …    each a small subject of its own
//! text             numbers, durations, and text from outside made harmless
//! ```
//!
//! # Promises
//!
//! - Every event has a decision, and every decision has a reason.
//! - From the moment an event is accepted it is delivered at least once. Thanks to its
//!   deterministic ID ([`customerio::dedupe`]) Customer.io keeps it once. Otherwise it is a dead
//!   letter that someone can see.
//! - Each person's events are delivered in the order in which they were accepted.
//! - Text from outside is only ever shown as text, whatever escape sequences it holds ([`text`]).
//! - Files with events, people or keys are readable by their owner only ([`owner_only`]).
//! - Memory is bounded by bytes: frames, queues, the ring of recent events. So is the disk.

pub mod alerting;
pub mod amplitude;
pub mod audit;
mod blocking;
pub mod browser;
pub mod cli;
pub mod command;
pub mod config;
pub mod control;
pub mod customerio;
pub mod delivery;
pub mod descriptors;
pub mod feed;
pub mod filter;
pub mod http;
pub mod jetstream;
pub mod ledger;
pub mod limits;
pub mod log_limit;
pub mod network;
pub mod owner_only;
pub mod pipeline;
pub mod privacy;
pub mod protocol;
pub mod relay;
mod service_manager;
pub mod setting_form;
mod signals;
pub mod sqlite;
pub mod telemetry;
pub mod text;
pub mod tui;
