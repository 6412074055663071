//! What several panes share.

pub mod json;
pub mod pane;
pub mod sparkline;
pub mod text;
