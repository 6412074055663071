//! The limits of the person's identifier.

use crate::customerio::mapping::{Person, Route};
use crate::customerio::sizes::ID_BYTES;

use super::wording::{breach, over, shown};
use super::{Code, Limit, Policy, Scope, Subject, Unit};

pub(super) const ID_MISSING: Limit = Limit {
    code: Code::IdMissing,
    name: "id_missing",
    policy: Policy::Reject,
    summary: "the event names a person",
    source: "Amplitude, Customer.io destination: a user ID is required",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Unsendable,
    check: |s| {
        s.mapped.person.is_none().then(|| {
            let device = s.reading.event().device_id();
            let who = device.map_or_else(
                || "no device either".to_owned(),
                |d| format!("device {}", shown(&d)),
            );
            breach(
                0,
                s.mapped.person_path.clone(),
                format!("the event names no person ({who})"),
            )
        })
    },
};

pub(super) const ID_INVALID: Limit = Limit {
    code: Code::IdInvalid,
    name: "id_invalid",
    policy: Policy::Reject,
    summary: "the person's ID is none of those that Amplitude refuses",
    source: "Amplitude, HTTP V2 API: invalid user and device IDs",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let value = s.mapped.person.as_ref()?.value();
        is_refused(value).then(|| {
            let says = format!("{} is no person: Amplitude refuses this ID", shown(value));
            breach(0, person_path(s), says)
        })
    },
};

pub(super) const ID_TOO_LONG: Limit = Limit {
    code: Code::IdTooLong,
    name: "id_too_long",
    policy: Policy::Reject,
    summary: "the person's ID is at most 150 bytes",
    source: "Customer.io Track API, customer limits; Amplitude, Customer.io destination",
    limit: ID_BYTES as u64,
    unit: Unit::Bytes,
    scope: Scope::Event,
    check: |s| {
        let value = s.mapped.person.as_ref()?.value();
        over(value.len(), ID_BYTES, || {
            (person_path(s), "the person's ID".to_owned())
        })
    },
};

pub(super) const ID_AMBIGUOUS_BY_V1: Limit = Limit {
    code: Code::IdAmbiguousByV1,
    name: "id_ambiguous_by_v1",
    policy: Policy::Warn,
    summary: "an ID that goes by v1 looks neither like an email address nor like a cio_id",
    source: "Customer.io Track API v1, customers: the identifier's kind is told from its shape",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let person = s.mapped.person.as_ref()?;
        let kind = person.taken_by_v1_as()?;
        let what = match s.route {
            Some(Route::V1 { .. }) => "the event",
            _ if identify_goes_by_v1(s) => "the identify",
            _ => return None,
        };
        let says = format!(
            "{what} is over 32 kB and goes by v1, which takes the ID {} for an {kind}: it may reach \
             another person. If it is one, set mapping.recognize = true; if not, set \
             limits.id_ambiguous_by_v1 = \"reject\"",
            shown(person.value())
        );
        Some(breach(1, person_path(s), says))
    },
};

fn identify_goes_by_v1(s: &Subject<'_, '_>) -> bool {
    let identify = s.mapping.send_users.then(|| s.identify());
    let item = identify.and_then(|all| s.mapped.identify_item(s.mapping, all, s.reading));
    item.is_some_and(|found| matches!(found.item.route, Route::V1 { .. }))
}

fn person_path(s: &Subject<'_, '_>) -> String {
    match s.mapped.person {
        Some(Person::Anonymous(_)) => "device_id".to_owned(),
        _ => s.mapped.person_path.clone(),
    }
}

/// Amplitude's refused IDs, and two that no path of Customer.io's v1 can name.
fn is_refused(id: &str) -> bool {
    const REFUSED: [&str; 16] = [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "{}",
        "lmy47d",
        "0",
        "-1",
        "",
        "00000000-0000-0000-0000-000000000000",
        ".",
        "..",
    ];
    REFUSED
        .iter()
        .any(|refused| id.trim().eq_ignore_ascii_case(refused))
}
