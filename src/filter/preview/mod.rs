//! The preview of a draft: the effect of filters that are not applied yet, measured on recent
//! events.
//!
//! Both the applied filters and the draft decide each event, newest first; a condition that both
//! have is evaluated once. The mode plays no part: a preview shows the effect of the *filters*.

mod builder;
mod comparison;
mod result;

pub use builder::{Batching, PreviewBuilder};
pub use comparison::{Comparison, PreviewEvent};
pub use result::{ChangedEvents, Example, Passing, Preview, most_first};

#[cfg(test)]
mod tests;
