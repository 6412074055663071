//! Where a message of a shared stream comes from.

/// The place of a message in a stream that several forwarders share.
///
/// The stream keeps the message until the forwarder acknowledges it, so the forwarder needs no spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The partition of the stream.
    pub partition: u16,
    /// The holding of the partition in which the message was received: a number that this process
    /// gives each time it takes a partition over.
    pub holding: u32,
    /// The message's sequence number in the stream.
    pub sequence: u64,
}
