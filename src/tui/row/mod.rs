//! Acting on rows of the events pane without opening them: select, exclude, copy, retry.

pub mod exclude;
pub mod kind;
pub mod retried_event;
pub(crate) mod retry;
pub(crate) mod selection;
pub(crate) mod update;
