//! Checks an event against all limits.

use ulid::Ulid;

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::customerio::mapping::Mapping;

use super::breach::Breach;
use super::event::duplicate_of;
use super::policies::Policies;
use super::policy::{Policy, Scope};
use super::subject::Subject;
use super::table::{Code, LIMITS, Limit};
use super::violation::Violation;

/// All violations of an event, in the order of the table.
pub fn check(subject: &Subject<'_, '_>, policies: &Policies) -> Vec<Violation> {
    let mut found = Vec::new();
    for limit in LIMITS {
        let policy = match (policies.of(limit.code), limit.scope) {
            (_, Scope::Required) => Policy::Reject,
            (Policy::Off, _) => continue,
            (Policy::Reject, Scope::Identify) if !subject.mapping.send_users => Policy::Warn,
            (policy, _) => policy,
        };
        if let Some(breach) = (limit.check)(subject) {
            found.push(violation(limit, policy, breach));
        }
    }
    found
}

/// Adds to the violations of an event that it was accepted before, under the dedupe id `id`.
pub fn add_duplicate(
    event: &Event,
    id: Ulid,
    policies: &Policies,
    violations: &mut Vec<Violation>,
) {
    let policy = policies.of(Code::Duplicate);
    if policy == Policy::Off {
        return;
    }
    let duplicate = violation(Code::Duplicate.limit(), policy, duplicate_of(event, id));
    let place = violations.partition_point(|other| other.code < Code::Duplicate);
    violations.insert(place, duplicate);
}

fn violation(limit: &Limit, policy: Policy, breach: Breach) -> Violation {
    Violation {
        code: limit.code,
        policy,
        measured: breach.measured,
        limit: limit.limit,
        unit: limit.unit,
        path: breach.path,
        sentence: breach.sentence,
    }
}

/// The value that a limit on a size or a number measures, in the limit's unit, even if the event
/// keeps the limit. None if the limit measures nothing, or the event lacks the value.
pub fn measure(code: Code, subject: &Subject<'_, '_>) -> Option<u64> {
    let measured = (code.limit().measure?)(subject)?;
    Some(measured as u64)
}

/// Maps and checks one event outside of a pipeline, as `lint` does.
pub fn check_alone(
    event: &Event,
    mapping: &Mapping,
    policies: &Policies,
    now_ms: UnixMs,
    seen_before: bool,
) -> Vec<Violation> {
    let reading = Reading::new(event);
    let mapped = mapping.map(&reading, Vec::new());
    let mut subject = Subject::new(&reading, &mapped, mapping, now_ms);
    subject.seen_before = seen_before;
    check(&subject, policies)
}
