//! An item that is ready to be sent, and the kind of request that carries it.

use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// The kind of request that carries an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// With others in `POST /api/v2/batch`.
    Batch,
    /// Alone, to v1, because it exceeds the 32 kB of a batch item.
    V1 {
        /// `PUT` for an identify; otherwise `POST`.
        put: bool,
        /// The path after the server, percent-encoded.
        path: String,
    },
}

/// One event or one identify that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The dedupe id of the event. An identify has the id of its event, but is sent without one.
    pub id: Ulid,
    /// A hash of the person: items of one person keep their order.
    pub person: u64,
    /// The request that carries it.
    pub route: Route,
    /// The JSON to send.
    pub body: Bytes,
}

/// An item whose body is written into a block that several items share.
///
/// A block of its own for each event would cost more than writing the event.
#[derive(Debug)]
pub struct WrittenItem {
    /// As in [`Item`].
    pub id: Ulid,
    /// As in [`Item`].
    pub person: u64,
    /// As in [`Item`].
    pub route: Route,
    /// The position of its body in the block.
    pub body: Range<usize>,
}

impl WrittenItem {
    /// The item, with its body as a slice of the block that it was written into.
    pub fn in_block(self, block: &Bytes) -> Item {
        Item {
            id: self.id,
            person: self.person,
            route: self.route,
            body: block.slice(self.body),
        }
    }
}
