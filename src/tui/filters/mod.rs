//! The filters: event types and rules, with draft, preview, presets and history.

pub(crate) mod apply;
pub mod conflict;
mod edited;
pub mod editor;
pub(crate) mod for_time;
pub mod history;
pub mod presets;
pub mod preview;
pub mod recent_catalog;
pub mod state;
pub(crate) mod undo;
pub(crate) mod update;
pub mod view;
