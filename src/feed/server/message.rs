//! Messages as they are sent to clients.

use bytestring::ByteString;
use futures_util::{Sink, SinkExt as _};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use crate::amplitude::json;

use super::subscription::EventTypes;

/// The field that holds a message's id.
const ID_FIELD: &str = "message_id";

/// Returns the event with its message id as the first field. An id that the event already has, as
/// in a recording of a feed, is removed: it would be mistaken for this one.
pub(super) fn with_id(event: &str, id: Uuid) -> ByteString {
    let event = json::without(event, ID_FIELD);
    json::with_first(&event, ID_FIELD, &format!("\"{id}\"")).into()
}

/// Sends the messages after `floor` that have one of these types. Returns their number.
pub(super) async fn send(
    sink: &mut (impl Sink<Message, Error = Error> + Unpin),
    messages: &[(Uuid, ByteString)],
    floor: Uuid,
    types: &EventTypes,
) -> Result<u64, Error> {
    let mut sent = 0;
    for (id, text) in messages {
        if *id > floor && types.matches(text) {
            sink.feed(Message::text(String::from(&**text))).await?;
            sent += 1;
        }
    }
    sink.flush().await.map(|()| sent)
}

/// A close frame.
pub(super) fn close(code: CloseCode, reason: String) -> Message {
    Message::Close(Some(CloseFrame {
        code,
        reason: reason.into(),
    }))
}
