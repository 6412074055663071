//! One message of a feed on its way to the pipeline.

use bytestring::ByteString;
use tokio::sync::OwnedSemaphorePermit;

use crate::amplitude::Malformed;
use crate::amplitude::time::UnixMs;

/// One message that a feed received.
#[derive(Debug)]
pub struct Frame {
    /// Its text, or the place where it is malformed.
    pub text: Result<ByteString, Malformed>,
    /// Time of receipt.
    pub received_ms: UnixMs,
    /// Whether it is the first one after a reconnect.
    pub resumed: bool,
    /// Its part of the memory for unprocessed frames; released on drop.
    pub permit: OwnedSemaphorePermit,
}
