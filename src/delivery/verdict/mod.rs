//! The meaning of an answer: for each item of its request, and for the destination as a whole.
//!
//! A request that is refused as a whole is halved until the bad item is alone. One that keeps
//! failing while others succeed is quartered, so that the cause is alone before its attempts are
//! used up. The parts share no person, so that no part waits for another; where only one person
//! is left, the rest waits behind the first part.
//!
//! Only Customer.io's own words settle an item. An answer of another server, and one that can't
//! be matched with the items, says nothing about any of them: all are tried again.

mod health;
mod settle;
mod split;
#[cfg(test)]
mod tests;

pub use health::{Health, health};
pub use settle::{Exchange, Verdict, settle};
