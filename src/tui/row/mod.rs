//! Acting on rows of the events pane without opening them: select, exclude, copy.

pub mod exclude;
pub mod kind;
pub(crate) mod selection;
pub(crate) mod update;
