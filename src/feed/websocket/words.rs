//! How a WebSocket ended, in words.

use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::network::tls;
use crate::text::excerpt;

use super::frames::TooLarge;

/// A close frame's reason has at most 123 bytes: RFC 6455, 5.5.1.
const REASON_CHARS: usize = 123;

/// The reason for a connection that ended without a close frame.
pub(super) const ENDED_SILENTLY: &str = "the server ended the connection without a word";

/// Why reading or writing failed.
pub(super) fn in_words(error: &WsError) -> String {
    match error {
        WsError::Io(error) => {
            tls::in_words(error, Some("feed.ca_file")).unwrap_or_else(|| error.to_string())
        }
        WsError::Protocol(error) => format!("the server breaks the WebSocket protocol: {error}"),
        other => other.to_string(),
    }
}

/// What a close frame says: RFC 6455, 7.4.1.
pub(super) fn close_in_words(frame: Option<&CloseFrame>) -> String {
    let Some(frame) = frame else {
        return "the server closed the connection without a code or a reason".to_owned();
    };
    let code = u16::from(frame.code);
    if code == 1002 && frame.reason == "Protocol violation" {
        // A code that may not be sent (RFC 6455, 7.4) is replaced by this one before we see it.
        return "the server closed the connection over a violation of the WebSocket protocol, by us or by its own code".to_owned();
    }
    let meaning = match code {
        1000 => "it is done",
        1001 => "it is going away",
        1002 => "it sees a protocol error",
        1003 => "it can't take this kind of data",
        1007 => "it received text that is no UTF-8",
        1008 => "a policy forbids it",
        1009 => "a message was too large for it",
        1010 => "it misses an extension",
        1011 => "it failed inside",
        1012 => "it restarts",
        1013 => "it is overloaded, try later",
        1014 => "its gateway failed",
        _ => "for a reason of its own",
    };
    let said = if frame.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", excerpt(&frame.reason, REASON_CHARS))
    };
    format!("the server closed the connection, {meaning} ({code}{said})")
}

/// Whether an error in reading can come of what the server sends at this place.
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

/// Whether a server can close for the message behind which it was asked to resume: it refuses the
/// request, or fails over it. RFC 6455, 7.4.1; codes from 3000 on are the server's own.
pub(super) fn may_be_request(frame: Option<&CloseFrame>) -> bool {
    frame.is_some_and(|frame| matches!(u16::from(frame.code), 1002 | 1003 | 1007..=1011 | 3000..))
}
