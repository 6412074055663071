//! File modes and links of the system.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(super) use other::*;
#[cfg(unix)]
pub(super) use unix::{
    has_other_names, is_link_error, make_folder, options, refuse_links, restrict, shared,
};
