//! One screen over all members of a group.
//!
//! Each member is followed as an attached screen follows a forwarder: by its control API, which is reached
//! through the group's servers. Their events are put into one ring in the order of their receipt, with
//! numbers of their own, and their states are added. What the operator does is asked of one member where
//! it is the group's, and of all where it is each member's.

mod bridge;
mod clients;
mod followed;
mod mirror;
mod sum;

pub use clients::GroupClients;
pub use mirror::GroupMirror;
