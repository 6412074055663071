//! Checks an event against all limits.

use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Reading};
use crate::customerio::mapping::Mapping;

use super::policies::Policies;
use super::policy::{Policy, Scope};
use super::subject::Subject;
use super::table::{Code, LIMITS};
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
            found.push(Violation {
                code: limit.code,
                policy,
                measured: breach.measured,
                limit: limit.limit,
                unit: limit.unit,
                path: breach.path,
                sentence: breach.sentence,
            });
        }
    }
    found
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
