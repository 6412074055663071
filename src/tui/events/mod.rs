//! The list of events: lists, finding, paging, jumping and exporting.

pub mod columns;
pub(crate) mod current;
pub mod export;
pub(crate) mod export_file;
pub mod find;
pub mod find_prompt;
pub(crate) mod find_update;
pub(crate) mod find_view;
pub mod finder;
pub(crate) mod jump;
pub mod list;
pub mod outcome;
pub mod page;
pub(crate) mod reveal;
mod scan;
pub mod seek;
pub(crate) mod severity_style;
pub mod state;
mod title;
pub(crate) mod update;
pub(crate) mod view;
