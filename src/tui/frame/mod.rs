//! The frame around the panes: layout, focus, overlays, popups, header, footer and banner.

pub mod alert;
pub(crate) mod banner;
pub(crate) mod confirm;
pub mod dock;
pub mod focus;
pub(crate) mod footer;
pub(crate) mod header;
pub mod layout;
pub(crate) mod miniature;
pub(crate) mod news;
pub mod notice;
pub(crate) mod notice_view;
pub mod overlays;
pub mod popup;
pub(crate) mod update;
