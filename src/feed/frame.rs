//! Messages of a feed on their way to the pipeline.

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::OwnedSemaphorePermit;

use crate::amplitude::Malformed;
use crate::amplitude::time::UnixMs;

use super::origin::Origin;

/// One message that a feed received.
#[derive(Debug)]
pub struct Frame {
    /// Its text, or the place where it is malformed.
    pub text: Result<ByteString, Malformed>,
    /// Time of receipt.
    pub received_ms: UnixMs,
    /// Whether it is the first one after a reconnect.
    pub resumed: bool,
    /// Its place in a shared stream, if it comes from one.
    pub origin: Option<Origin>,
}

impl Frame {
    /// The size of its text in bytes; 0 if it is malformed.
    pub fn size_bytes(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len())
    }
}

/// Messages that came together, in order. Passing them on together costs little more than passing on
/// one.
#[derive(Debug)]
pub struct Frames {
    /// The messages.
    pub frames: Vec<Frame>,
    /// Their part of the memory for unprocessed frames; released on drop.
    pub permit: OwnedSemaphorePermit,
}

/// The text of a message, or where it is malformed.
pub fn text_of(bytes: &Bytes) -> Result<ByteString, Malformed> {
    ByteString::try_from(bytes.clone()).map_err(|error| Malformed::not_utf8(bytes, &error))
}
