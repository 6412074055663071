//! The limits of the person's identifier.

use crate::customerio::Route;
use crate::customerio::mapping::Person;
use crate::customerio::sizes::ID_BYTES;

use super::breach::Breach;
use super::subject::Subject;
use super::wording::quoted;

pub(super) fn id_missing(subject: &Subject<'_, '_>) -> Option<Breach> {
    subject.mapped.person.is_none().then(|| {
        let device = subject.reading.event().device_id();
        let who = device.map_or_else(
            || "nor a device".to_owned(),
            |d| format!("device {}", quoted(&d)),
        );
        Breach::new(
            0,
            subject.mapping.person.clone(),
            format!("the event names no person ({who})"),
        )
    })
}

pub(super) fn id_invalid(subject: &Subject<'_, '_>) -> Option<Breach> {
    let value = subject.mapped.person.as_ref()?.value();
    is_refused(value).then(|| {
        let sentence = format!(
            "{} is not a person: Amplitude refuses this ID",
            quoted(value)
        );
        Breach::new(0, person_path(subject), sentence)
    })
}

pub(super) fn id_bytes(subject: &Subject<'_, '_>) -> Option<usize> {
    Some(subject.mapped.person.as_ref()?.value().len())
}

pub(super) fn id_too_long(subject: &Subject<'_, '_>) -> Option<Breach> {
    Breach::if_over(id_bytes(subject)?, ID_BYTES, || {
        (person_path(subject), "the person's ID".to_owned())
    })
}

pub(super) fn id_ambiguous_by_v1(subject: &Subject<'_, '_>) -> Option<Breach> {
    let person = subject.mapped.person.as_ref()?;
    let kind = person.taken_by_v1_as()?;
    let sent = if subject.mapped.is_sent_by_v1() {
        "the event"
    } else if is_identify_sent_by_v1(subject) {
        "the identify"
    } else {
        return None;
    };
    let sentence = format!(
        "{sent} is over 32 kB and is sent by v1, which takes the ID {} for an {kind}: it may reach \
         another person. If the ID is an {kind}, set mapping.recognize = true; if not, set \
         limits.id_ambiguous_by_v1 = \"reject\"",
        quoted(person.value())
    );
    Some(Breach::new(1, person_path(subject), sentence))
}

fn is_identify_sent_by_v1(subject: &Subject<'_, '_>) -> bool {
    let identify = subject.mapping.send_users.then(|| subject.identify());
    let item = identify.and_then(|all| {
        subject
            .mapped
            .identify_item(subject.mapping, all, subject.reading)
    });
    item.is_some_and(|found| matches!(found.item.route, Route::V1 { .. }))
}

fn person_path(subject: &Subject<'_, '_>) -> String {
    match subject.mapped.person {
        Some(Person::Anonymous(_)) => "device_id".to_owned(),
        _ => subject.mapping.person.clone(),
    }
}

/// Whether Amplitude refuses the ID, or it is `.` or `..`, which no path of Customer.io's v1 can
/// contain. Source: Amplitude, HTTP V2 API, invalid user and device IDs.
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
