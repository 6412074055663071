//! Sources of events, and the server that other feeds read from.
//!
//! A [`Feed`] sends frames to the pipeline through a [`FeedChannel`] and reports its status. It
//! reads only as fast as the pipeline takes its frames, so that a WebSocket's server is slowed down
//! by TCP. [`server`] is the other end: it serves archives and generated traffic by the same rules.

pub mod channel;
mod frame;
pub mod log;
mod message_id;
mod origin;
pub mod record;
pub mod replay;
pub mod scenario;
pub mod server;
pub mod settings;
mod source;
mod status;
pub mod traffic;
pub mod usage;
pub mod websocket;

pub use channel::{FeedChannel, PipelineClosed};
pub use frame::{Frame, Frames, text_of};
pub use message_id::{MAX_MESSAGE_ID_BYTES, MessageId, is_message_id};
pub use origin::Origin;
pub use settings::Settings;
pub use source::Feed;
pub use status::{FeedState, FeedStatus};
pub use websocket::WebSocketFeed;
pub use websocket::examine::{Found, Hop};
