//! Descriptions of the errors and close frames of a WebSocket.

use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::network::tls;
use crate::text::excerpt;

use super::frames::TooLarge;

/// Maximum size of a close frame's reason, in bytes (RFC 6455, 5.5.1).
const REASON_CHARS: usize = 123;

/// The description of a connection that ended without a close frame.
pub(super) const ENDED_SILENTLY: &str = "the server ended the connection without a close frame";

/// Describes why reading or writing failed.
pub(super) fn describe(error: &WsError) -> String {
    match error {
        WsError::Io(error) => {
            tls::describe(error, Some("feed.ca_file")).unwrap_or_else(|| error.to_string())
        }
        WsError::Protocol(error) => format!("the server breaks the WebSocket protocol: {error}"),
        other => other.to_string(),
    }
}

/// Describes a close frame (RFC 6455, 7.4.1).
pub(super) fn describe_close(frame: Option<&CloseFrame>) -> String {
    let Some(frame) = frame else {
        return "the server closed the connection without a code or a reason".to_owned();
    };
    let code = u16::from(frame.code);
    if code == 1002 && frame.reason == "Protocol violation" {
        // The codec replaces a code that must not be sent (RFC 6455, 7.4) by this one.
        return "the server closed the connection over a violation of the WebSocket protocol, by us or by its own code".to_owned();
    }
    let meaning = match code {
        1000 => "it is done",
        1001 => "it is going away",
        1002 => "it sees a protocol error",
        1003 => "it can't take this kind of data",
        1007 => "it received text that is not UTF-8",
        1008 => "a policy forbids it",
        1009 => "a message was too large for it",
        1010 => "an extension is missing",
        1011 => "it had an internal error",
        1012 => "it restarts",
        1013 => "it is overloaded",
        1014 => "its gateway failed",
        _ => "for an unknown reason",
    };
    let said = if frame.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", excerpt(&frame.reason, REASON_CHARS))
    };
    format!("the server closed the connection, {meaning} ({code}{said})")
}

/// Whether a read error can be caused by the message that the server sends.
pub(super) fn may_be_message(error: &WsError) -> bool {
    match error {
        WsError::Protocol(error) => !matches!(error, ProtocolError::ResetWithoutClosingHandshake),
        WsError::Capacity(_) | WsError::Utf8(_) => true,
        WsError::Io(error) => error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooLarge>),
        _ => false,
    }
}

/// Whether the request to resume after a message can be the cause of a close: the server refuses it,
/// or fails on it (RFC 6455, 7.4.1). Codes from 3000 are defined by the server.
pub(super) fn may_be_request(frame: Option<&CloseFrame>) -> bool {
    frame.is_some_and(|frame| matches!(u16::from(frame.code), 1002 | 1003 | 1007..=1011 | 3000..))
}
