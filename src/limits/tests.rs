//! Tests of all limits, by subject, with the events that they share.

mod cases;
mod documentation;
mod identify;
mod person;
mod policies;

use super::*;
use crate::amplitude::frame::tests_support::event;
use crate::amplitude::time::UnixMs;
use crate::customerio::mapping::Mapping;

const NOW: UnixMs = 1_800_000_000_000;

/// The violations of an event under the default settings.
fn broken(text: &str) -> Vec<Violation> {
    broken_by(|_, _| {}, text)
}

/// The violations of an event under changed settings.
fn broken_by(change: impl FnOnce(&mut Mapping, &mut Policies), text: &str) -> Vec<Violation> {
    let (mut mapping, mut policies) = (Mapping::default(), Policies::default());
    change(&mut mapping, &mut policies);
    check_alone(&event(text), &mapping, &policies, NOW, false)
}

/// Switches identifies on.
fn sending(mapping: &mut Mapping, _: &mut Policies) {
    mapping.send_users = true;
}

/// An event at `NOW` by `user`, with more fields.
fn by(user: &str, more: &str) -> String {
    format!(r#"{{"event_type":"Signup","user_id":"{user}","time":{NOW},"uuid":"u"{more}}}"#)
}

/// An event with these user properties, as JSON inside an object.
fn with_properties(properties: &str) -> String {
    by("u-1", &format!(r#","user_properties":{{{properties}}}"#))
}
