//! The frame around the panes: the division of the screen, the focus, header, footer and banner.

pub mod alert;
pub mod focus;
pub mod layout;
pub mod notice;
