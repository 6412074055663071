//! The recent messages, and where each client stands among them.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use bytestring::ByteString;
use serde::Serialize;
use uuid::Uuid;

use crate::amplitude::time::UnixMs;
use crate::feed::fill::{Fill, age_ms};
use crate::feed::log::Position;

use super::Options;
use super::positions::{Forgotten, Positions};

/// So many messages are handed out at once.
const AT_ONCE: usize = 64;

/// The ring, and its clients.
#[derive(Debug, Default)]
pub(super) struct Ring {
    messages: VecDeque<(Uuid, ByteString)>,
    /// The number of the first message in `messages`, counted from the start.
    first: u64,
    bytes: usize,
    /// The id of the newest message that has left.
    left: Option<Uuid>,
    /// Whether no more comes.
    pub(super) ended: bool,
    clients: BTreeMap<u64, Client>,
    came: u64,
    /// The id of the newest message, of this run or of one before.
    newest: Option<Uuid>,
    /// How far each reader is.
    positions: Positions,
}

/// A client that is connected.
#[derive(Debug)]
struct Client {
    name: String,
    since_ms: UnixMs,
    sent: u64,
    at: At,
}

/// Where a client is.
#[derive(Debug, Clone, Copy)]
enum At {
    /// It is sent what the log has behind this message.
    Log(Uuid),
    /// The number of the message that it is sent next.
    Ring(u64),
}

/// What a client is sent next.
pub(super) enum Next {
    /// These, perhaps none yet; and the number of the one after them.
    Messages(Vec<(Uuid, ByteString)>, u64),
    /// Nothing more, ever.
    Ended,
    /// So many messages that it should have been sent have left.
    Gone(u64),
}

/// How a client stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClientRow {
    /// Its name, or its address.
    pub name: String,
    /// When it came.
    pub since_ms: UnixMs,
    /// Messages that it was sent.
    pub sent: u64,
    /// Messages that it has not been sent yet; not known while it reads the log.
    pub behind: Option<u64>,
    /// How old the oldest of those is.
    pub lag_ms: i64,
    /// How long ago what it acknowledged last was published, where it ever did.
    pub acknowledged_ms: Option<i64>,
}

impl Ring {
    /// The ring of a server that goes on behind messages of an earlier run.
    pub(super) fn behind(newest: Option<Uuid>, positions: HashMap<String, Position>) -> Self {
        Self {
            newest,
            left: newest,
            positions: Positions::of(positions),
            ..Self::default()
        }
    }

    /// An id for the next message: of now, and behind all others, whatever the clock says.
    pub(super) fn next_id(&mut self) -> Uuid {
        let now = Uuid::now_v7();
        let id = match self.newest {
            Some(newest) if now <= newest => Uuid::from_u128(newest.as_u128() + 1),
            _ => now,
        };
        self.newest = Some(id);
        id
    }

    /// Keeps a message for those who are here, and for those who come back soon.
    pub(super) fn keep(&mut self, id: Uuid, text: ByteString, options: &Options) {
        self.bytes += text.len();
        self.messages.push_back((id, text));
        let slowest = self.slowest().filter(|_| options.wait_for_slow);
        let keep_from = slowest.unwrap_or(u64::MAX);
        while self.bytes > options.ring_bytes && self.messages.len() > 1 && self.first < keep_from {
            if let Some((id, old)) = self.messages.pop_front() {
                self.bytes -= old.len();
                self.first += 1;
                self.left = Some(id);
            }
        }
    }

    /// Whether there is room for one more, before which nobody is left too far behind.
    pub(super) fn has_room(&self, options: &Options, behind: u64) -> bool {
        match self.slowest() {
            Some(_) if !options.wait_for_slow => true,
            Some(slowest) => {
                // What a client that is here has not been sent yet must not leave.
                let room = self.bytes < options.ring_bytes || slowest > self.first;
                room && self.end() - slowest < behind
            }
            None => !options.wait_for_client,
        }
    }

    /// A client comes; its number. Before anyone was there, all that was published waits for it.
    pub(super) fn come(&mut self, name: &str, now_ms: UnixMs) -> u64 {
        let at = if self.came == 0 {
            self.first
        } else {
            self.end()
        };
        self.came += 1;
        let client = Client {
            name: name.to_owned(),
            since_ms: now_ms,
            sent: 0,
            at: At::Ring(at),
        };
        self.clients.insert(self.came, client);
        self.came
    }

    /// A client goes.
    pub(super) fn go(&mut self, client: u64) {
        self.clients.remove(&client);
    }

    /// The message that a reader acknowledged last.
    pub(super) fn acknowledged(&self, name: &str) -> Option<Uuid> {
        self.positions.get(name)
    }

    /// A reader acknowledges a message; whether that is news.
    pub(super) fn acknowledge(&mut self, name: &str, position: Position) -> bool {
        self.positions.put(name, position)
    }

    /// Whether there are more positions than are kept.
    pub(super) fn knows_too_many(&self) -> bool {
        self.positions.are_too_many()
    }

    /// A reader came or went; its position, where it has one.
    pub(super) fn hear_of(&mut self, name: &str, now_ms: UnixMs) -> Option<Position> {
        self.positions.hear_of(name, now_ms)
    }

    /// Forgets positions that are too old, or too many.
    pub(super) fn forget(&mut self, now_ms: UnixMs) -> Forgotten {
        let here: HashSet<&str> = self.clients.values().map(|c| c.name.as_str()).collect();
        self.positions.prune(now_ms, |name| here.contains(name))
    }

    /// A client goes on behind this message, or with the first that is kept after it; whether
    /// nothing that came after it has left.
    pub(super) fn go_on_behind(&mut self, client: u64, id: Uuid) -> bool {
        let index = self.messages.partition_point(|(m, _)| *m <= id);
        self.put(client, At::Ring(self.first + index as u64));
        self.left.is_none_or(|left| left <= id)
    }

    /// A client reads the log, and has it up to this message.
    pub(super) fn reads_log(&mut self, client: u64, upto: Uuid, sent: u64) {
        self.put(client, At::Log(upto));
        self.count(client, sent);
    }

    /// A client was sent what stands before this number, which took so many messages.
    pub(super) fn was_sent(&mut self, client: u64, next: u64, sent: u64) {
        self.put(client, At::Ring(next));
        self.count(client, sent);
    }

    fn put(&mut self, client: u64, at: At) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.at = at;
        }
    }

    fn count(&mut self, client: u64, sent: u64) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.sent += sent;
        }
    }

    /// What a client is sent next, a few messages at a time.
    pub(super) fn next(&self, client: u64) -> Next {
        let at = self.clients.get(&client).map(|client| client.at);
        // Whoever asks is here, and behind the log.
        let Some(At::Ring(from)) = at else {
            return Next::Ended;
        };
        if from < self.first {
            return Next::Gone(self.first - from);
        }
        let some = self.messages.iter().skip((from - self.first) as usize);
        let some: Vec<_> = some.take(AT_ONCE).cloned().collect();
        if self.ended && some.is_empty() {
            return Next::Ended;
        }
        let next = from + some.len() as u64;
        Next::Messages(some, next)
    }

    /// How many clients are here.
    pub(super) fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Whether someone was here, and nobody is any more.
    pub(super) fn is_left(&self) -> bool {
        self.came > 0 && self.clients.is_empty()
    }

    /// How each client stands.
    pub(super) fn rows(&self, now_ms: UnixMs) -> Vec<ClientRow> {
        let ago = |id| age_ms(id, now_ms);
        let row = |client: &Client| {
            let (behind, lag_ms) = match client.at {
                At::Log(upto) if upto.is_nil() => (None, 0),
                At::Log(upto) => (None, ago(upto)),
                At::Ring(next) => {
                    let index = next.saturating_sub(self.first) as usize;
                    let oldest = self.messages.get(index).map(|(id, _)| ago(*id));
                    (Some(self.end().saturating_sub(next)), oldest.unwrap_or(0))
                }
            };
            ClientRow {
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

    /// How full it is.
    pub(super) fn fill(&self, most_bytes: usize, now_ms: UnixMs) -> Fill {
        let oldest = self.messages.front().map(|(id, _)| age_ms(*id, now_ms));
        Fill {
            messages: self.messages.len() as u64,
            bytes: self.bytes as u64,
            most_bytes: most_bytes as u64,
            age_ms: oldest.unwrap_or(0),
        }
    }

    /// The number of the message that the slowest client is sent next.
    fn slowest(&self) -> Option<u64> {
        let places = self.clients.values().filter_map(|client| match client.at {
            At::Ring(next) => Some(next),
            At::Log(_) => None,
        });
        places.min()
    }

    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::fill::published_ms;

    fn small(bytes: usize) -> Options {
        Options {
            ring_bytes: bytes,
            wait_for_slow: false,
            ..Options::default()
        }
    }

    fn kept(ring: &mut Ring, count: usize, options: &Options) -> Vec<Uuid> {
        let keep = |_| {
            let id = ring.next_id();
            ring.keep(id, "ten bytes!".into(), options);
            id
        };
        (0..count).map(keep).collect()
    }

    #[test]
    fn who_goes_on_behind_a_message_is_told_when_something_after_it_has_left() {
        let (mut ring, options) = (Ring::default(), small(50));
        let ids = kept(&mut ring, 8, &options);
        let client = ring.come("a", 0);
        // Five of ten bytes are kept: three have left.
        assert!(!ring.go_on_behind(client, ids[1]), "the third is missing");
        assert!(ring.go_on_behind(client, ids[2]));
        let Next::Messages(some, next) = ring.next(client) else {
            panic!()
        };
        assert_eq!(some.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[3..]);
        ring.was_sent(client, next, 5);
        kept(&mut ring, 7, &options);
        assert!(matches!(ring.next(client), Next::Gone(2)));
    }

    #[test]
    fn a_client_is_behind_by_what_it_was_not_sent_and_as_old_as_the_oldest_of_it() {
        let (mut ring, options) = (Ring::default(), small(1_000));
        let client = ring.come("name:a", 5);
        let ids = kept(&mut ring, 3, &options);
        let position = Position {
            id: ids[0],
            heard_ms: 5,
        };
        assert!(ring.acknowledge("name:a", position));
        ring.was_sent(client, 1, 1);
        let rows = ring.rows(published_ms(ids[1]) + 40);
        let expected = ClientRow {
            name: "name:a".to_owned(),
            since_ms: 5,
            sent: 1,
            behind: Some(2),
            lag_ms: 40,
            acknowledged_ms: Some(published_ms(ids[1]) + 40 - published_ms(ids[0])),
        };
        assert_eq!(rows, [expected]);
        ring.was_sent(client, 3, 2);
        let row = &ring.rows(published_ms(ids[2]) + 40)[0];
        assert_eq!((row.sent, row.behind, row.lag_ms), (3, Some(0), 0));
        ring.go(client);
        assert!(ring.is_left() && ring.rows(0).is_empty());
    }
}
