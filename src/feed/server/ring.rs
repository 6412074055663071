//! The recent messages in memory, and the progress of each client.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use bytestring::ByteString;
use serde::Serialize;
use uuid::Uuid;

use crate::amplitude::time::UnixMs;
use crate::feed::log::Position;
use crate::feed::usage::{Usage, age_ms};

use super::options::Options;
use super::positions::{Forgotten, Positions};

/// Maximum number of messages that a client is sent at once.
const BATCH_MESSAGES: usize = 64;

/// The recent messages and the connected clients.
#[derive(Debug, Default)]
pub(super) struct Ring {
    messages: VecDeque<(Uuid, ByteString)>,
    /// The number of the first message in `messages`, counted from the server's start.
    first: u64,
    bytes: usize,
    /// The id of the newest evicted message.
    evicted: Option<Uuid>,
    /// Whether no more messages will be published.
    pub(super) ended: bool,
    clients: BTreeMap<u64, Client>,
    /// Number of clients that ever connected.
    connected: u64,
    /// The id of the newest message, of this run or an earlier one.
    newest: Option<Uuid>,
    /// The positions of all known clients.
    positions: Positions,
}

/// A connected client.
#[derive(Debug)]
struct Client {
    name: String,
    since_ms: UnixMs,
    sent: u64,
    cursor: Cursor,
}

/// The progress of a client.
#[derive(Debug, Clone, Copy)]
enum Cursor {
    /// It receives the log's messages after this one.
    Log(Uuid),
    /// The number of the ring's message that it receives next.
    Ring(u64),
}

/// The messages that a client receives next.
pub(super) enum NextMessages {
    /// Messages, possibly none yet, and the number of the one after them.
    Some(Vec<(Uuid, ByteString)>, u64),
    /// All messages were sent, and no more will come.
    Ended,
    /// This number of messages were evicted before the client received them.
    Evicted(u64),
}

/// The status of a connected client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientStatus {
    /// Its name or address.
    pub name: String,
    /// Time of connection.
    pub since_ms: UnixMs,
    /// Number of messages sent to it.
    pub sent: u64,
    /// Number of messages that it has yet to receive; unknown while it reads from the log.
    pub behind: Option<u64>,
    /// Age of the oldest of them, in milliseconds.
    pub lag_ms: i64,
    /// Milliseconds since the message that it acknowledged last was published, if it has one.
    pub acknowledged_ms: Option<i64>,
}

impl Ring {
    /// Creates the ring of a server that continues an earlier run.
    pub(super) fn resuming(newest: Option<Uuid>, positions: HashMap<String, Position>) -> Self {
        Self {
            newest,
            evicted: newest,
            positions: Positions::restored(positions),
            ..Self::default()
        }
    }

    /// Returns an id for the next message: the current time, but always greater than all earlier ids.
    pub(super) fn next_id(&mut self) -> Uuid {
        let now = Uuid::now_v7();
        let id = match self.newest {
            Some(newest) if now <= newest => Uuid::from_u128(newest.as_u128() + 1),
            _ => now,
        };
        self.newest = Some(id);
        id
    }

    /// Adds a message, and evicts the oldest ones beyond the maximum size.
    pub(super) fn push(&mut self, id: Uuid, text: ByteString, options: &Options) {
        self.bytes += text.len();
        self.messages.push_back((id, text));
        let slowest = self.slowest().filter(|_| options.wait_for_slow);
        let evict_before = slowest.unwrap_or(u64::MAX);
        while self.bytes > options.ring_bytes
            && self.messages.len() > 1
            && self.first < evict_before
        {
            if let Some((id, old)) = self.messages.pop_front() {
                self.bytes -= old.len();
                self.first += 1;
                self.evicted = Some(id);
            }
        }
    }

    /// Whether one more message can be published: it evicts nothing that a connected client still
    /// needs, and no client is `max_behind` messages behind.
    pub(super) fn has_room(&self, options: &Options, max_behind: u64) -> bool {
        match self.slowest() {
            Some(_) if !options.wait_for_slow => true,
            Some(slowest) => {
                // A message that a connected client has yet to receive must not be evicted.
                let room = self.bytes < options.ring_bytes || slowest > self.first;
                room && self.end() - slowest < max_behind
            }
            None => !options.wait_for_client,
        }
    }

    /// Adds a client, and returns its number. The first client receives everything in the ring.
    pub(super) fn add_client(&mut self, name: &str, now_ms: UnixMs) -> u64 {
        let at = if self.connected == 0 {
            self.first
        } else {
            self.end()
        };
        self.connected += 1;
        let client = Client {
            name: name.to_owned(),
            since_ms: now_ms,
            sent: 0,
            cursor: Cursor::Ring(at),
        };
        self.clients.insert(self.connected, client);
        self.connected
    }

    /// Removes a client.
    pub(super) fn remove_client(&mut self, client: u64) {
        self.clients.remove(&client);
    }

    /// The message that a client acknowledged last.
    pub(super) fn acknowledged(&self, name: &str) -> Option<Uuid> {
        self.positions.get(name)
    }

    /// Sets a client's position. Returns whether the message is a new one.
    pub(super) fn acknowledge(&mut self, name: &str, position: Position) -> bool {
        self.positions.put(name, position)
    }

    /// Whether positions must be forgotten.
    pub(super) fn has_too_many_positions(&self) -> bool {
        self.positions.are_too_many()
    }

    /// Records that a client connected or disconnected. Returns its position, if it has one.
    pub(super) fn touch_client(&mut self, name: &str, now_ms: UnixMs) -> Option<Position> {
        self.positions.touch(name, now_ms)
    }

    /// Forgets positions that are too old or too many.
    pub(super) fn forget_clients(&mut self, now_ms: UnixMs) -> Forgotten {
        let connected: HashSet<&str> = self.clients.values().map(|c| c.name.as_str()).collect();
        self.positions
            .prune(now_ms, |name| connected.contains(name))
    }

    /// Removes a client.on behind this message, or with the first that is kept after it; whether
    /// nothing that came after it has left.
    pub(super) fn resume_after(&mut self, client: u64, id: Uuid) -> bool {
        let index = self.messages.partition_point(|(m, _)| *m <= id);
        self.set_cursor(client, Cursor::Ring(self.first + index as u64));
        self.evicted.is_none_or(|left| left <= id)
    }

    /// Records that a client received the log's messages up to this id.
    pub(super) fn sent_from_log(&mut self, client: u64, sent_to: Uuid, sent: u64) {
        self.set_cursor(client, Cursor::Log(sent_to));
        self.count_sent(client, sent);
    }

    /// Records that a client received the ring's messages before the number `next`.
    pub(super) fn sent(&mut self, client: u64, next: u64, sent: u64) {
        self.set_cursor(client, Cursor::Ring(next));
        self.count_sent(client, sent);
    }

    fn set_cursor(&mut self, client: u64, cursor: Cursor) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.cursor = cursor;
        }
    }

    fn count_sent(&mut self, client: u64, sent: u64) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.sent += sent;
        }
    }

    /// The messages that a client receives next. a few messages at a time.
    pub(super) fn next(&self, client: u64) -> NextMessages {
        let cursor = self.clients.get(&client).map(|client| client.cursor);
        // The caller is a connected client that reads from the ring.
        let Some(Cursor::Ring(from)) = cursor else {
            return NextMessages::Ended;
        };
        if from < self.first {
            return NextMessages::Evicted(self.first - from);
        }
        let some = self.messages.iter().skip((from - self.first) as usize);
        let some: Vec<_> = some.take(BATCH_MESSAGES).cloned().collect();
        if self.ended && some.is_empty() {
            return NextMessages::Ended;
        }
        let next = from + some.len() as u64;
        NextMessages::Some(some, next)
    }

    /// Number of connected clients.
    pub(super) fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Whether clients were connected, and none is any more.
    pub(super) fn all_clients_left(&self) -> bool {
        self.connected > 0 && self.clients.is_empty()
    }

    /// The status of each connected client.
    pub(super) fn client_statuses(&self, now_ms: UnixMs) -> Vec<ClientStatus> {
        let ago = |id| age_ms(id, now_ms);
        let row = |client: &Client| {
            let (behind, lag_ms) = match client.cursor {
                Cursor::Log(sent_to) if sent_to.is_nil() => (None, 0),
                Cursor::Log(sent_to) => (None, ago(sent_to)),
                Cursor::Ring(next) => {
                    let index = next.saturating_sub(self.first) as usize;
                    let oldest = self.messages.get(index).map(|(id, _)| ago(*id));
                    (Some(self.end().saturating_sub(next)), oldest.unwrap_or(0))
                }
            };
            ClientStatus {
                name: client.name.clone(),
                since_ms: client.since_ms,
                sent: client.sent,
                behind,
                lag_ms,
                acknowledged_ms: self.positions.get(&client.name).map(ago),
            }
        };
        self.clients.values().map(row).collect()
    }

    /// The size and age of the messages.
    pub(super) fn usage(&self, max_bytes: usize, now_ms: UnixMs) -> Usage {
        let oldest = self.messages.front().map(|(id, _)| age_ms(*id, now_ms));
        Usage {
            messages: self.messages.len() as u64,
            bytes: self.bytes as u64,
            max_bytes: max_bytes as u64,
            age_ms: oldest.unwrap_or(0),
        }
    }

    /// The number of the message that the slowest client receives next.
    fn slowest(&self) -> Option<u64> {
        let numbers = self
            .clients
            .values()
            .filter_map(|client| match client.cursor {
                Cursor::Ring(next) => Some(next),
                Cursor::Log(_) => None,
            });
        numbers.min()
    }

    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::usage::published_ms;

    fn small(bytes: usize) -> Options {
        Options {
            ring_bytes: bytes,
            wait_for_slow: false,
            ..Options::default()
        }
    }

    fn pushed(ring: &mut Ring, count: usize, options: &Options) -> Vec<Uuid> {
        let push = |_| {
            let id = ring.next_id();
            ring.push(id, "ten bytes!".into(), options);
            id
        };
        (0..count).map(push).collect()
    }

    #[test]
    fn resuming_reports_whether_a_later_message_was_evicted() {
        let (mut ring, options) = (Ring::default(), small(50));
        let ids = pushed(&mut ring, 8, &options);
        let client = ring.add_client("a", 0);
        // Five messages of ten bytes fit: three were evicted.
        assert!(!ring.resume_after(client, ids[1]), "the third is missing");
        assert!(ring.resume_after(client, ids[2]));
        let NextMessages::Some(some, next) = ring.next(client) else {
            panic!()
        };
        assert_eq!(some.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[3..]);
        ring.sent(client, next, 5);
        pushed(&mut ring, 7, &options);
        assert!(matches!(ring.next(client), NextMessages::Evicted(2)));
    }

    #[test]
    fn a_client_lags_by_its_unsent_messages_and_the_age_of_the_oldest() {
        let (mut ring, options) = (Ring::default(), small(1_000));
        let client = ring.add_client("name:a", 5);
        let ids = pushed(&mut ring, 3, &options);
        let position = Position {
            id: ids[0],
            last_seen_ms: 5,
        };
        assert!(ring.acknowledge("name:a", position));
        ring.sent(client, 1, 1);
        let rows = ring.client_statuses(published_ms(ids[1]) + 40);
        let expected = ClientStatus {
            name: "name:a".to_owned(),
            since_ms: 5,
            sent: 1,
            behind: Some(2),
            lag_ms: 40,
            acknowledged_ms: Some(published_ms(ids[1]) + 40 - published_ms(ids[0])),
        };
        assert_eq!(rows, [expected]);
        ring.sent(client, 3, 2);
        let row = &ring.client_statuses(published_ms(ids[2]) + 40)[0];
        assert_eq!((row.sent, row.behind, row.lag_ms), (3, Some(0), 0));
        ring.remove_client(client);
        assert!(ring.all_clients_left() && ring.client_statuses(0).is_empty());
    }
}
