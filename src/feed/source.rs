//! The interface of all sources of events.

use std::future::Future;
use std::pin::Pin;

use super::channel::FeedChannel;

/// A source of events.
pub trait Feed: Send {
    /// Sends frames until the pipeline closes its end of the channel. A feed reconnects by itself
    /// when its connection breaks.
    fn run(self: Box<Self>, channel: FeedChannel) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// The name shown on screen.
    fn name(&self) -> String;
}
