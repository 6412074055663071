//! Widgets that several panes use.

pub mod ascii;
pub(crate) mod choice;
pub(crate) mod completion;
pub(crate) mod condition;
pub mod condition_input;
pub mod document;
pub mod headline;
pub mod json;
pub mod list;
pub mod pane;
pub mod sparkline;
pub mod text;
pub mod theme;
pub mod too_small;
