//! "Why didn't it arrive?": an ID, an e-mail address or an event's name, answered in sentences with
//! their evidence, and the timeline of the events.

pub mod query;
pub mod sentences;
pub mod state;
pub(crate) mod subject;
pub(crate) mod update;
pub(crate) mod view;
