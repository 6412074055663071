//! The detail pane beside a list. It shows the event under the cursor as the inspector does, and takes
//! the focus when the inspector is opened.

pub(crate) mod overview;
pub mod query;
pub mod state;
pub(crate) mod update;
pub(crate) mod view;
