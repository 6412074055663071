//! Finds the elements of a text: one event, an array, newline-delimited events, HTTP V2 envelopes,
//! or several of these after one another, on one line each or on many.
//!
//! A broken element costs only itself. Valid text is read once. After a broken element, [`scan`]
//! looks once for the place where the next one may begin. Text beyond that place that the failed
//! attempt has read is not parsed as a whole again: in it, each element is first scanned for its
//! end and then parsed by itself. So every byte is visited a bounded number of times.
//!
//! The text may also be a window of a longer one. An element that the end of the window cuts is
//! left until it is asked for again with more text.

mod element;
mod list;
mod recovery;
mod scan;
mod splitter;
mod step;
#[cfg(test)]
mod tests;

pub(super) use splitter::Splitter;
pub(super) use step::{SplitOptions, Step};
