//! Maps Amplitude events to Customer.io's events and identifies.
//!
//! Every event becomes an `event` of its person: event properties at the top of the attributes;
//! user properties, group properties and groups beside them under those names. JSON types stay,
//! because raw values are copied. Everything that is sent passes `selection`.

mod attributes;
mod event_item;
mod identify;
mod identify_item;
mod item_body;
mod mapped;
mod person;
mod problems;
mod selection;
mod settings;
#[cfg(test)]
mod tests;

pub use identify::{Identify, Operation};
pub use identify_item::IdentifyItem;
pub use mapped::Mapped;
pub use person::Person;
pub use problems::Problem;
pub use settings::{Anonymous, Dates, Layout, Mapping};
