//! The limits of an event's time.

use crate::text::duration;

use super::breach::Breach;
use super::subject::Subject;

/// Maximum age of an event that can trigger a campaign, in ms: Customer.io Track API v2,
/// `timestamp`.
pub const CAMPAIGN_AGE_MS: i64 = 72 * 60 * 60 * 1_000;
/// Maximum lead of a device's clock that is not reported, in ms: phones are set by hand.
pub(super) const FUTURE_MS: i64 = 5 * 60 * 1_000;
/// The Unix seconds that Customer.io accepts: from 1970 to the year 5138, as larger numbers look
/// like milliseconds.
const SECONDS: std::ops::Range<i64> = 1..100_000_000_000;

pub(super) fn time_invalid(subject: &Subject<'_, '_>) -> Option<Breach> {
    let error = subject.mapped.time.as_ref().err()?;
    Some(Breach::new(0, "event_time", error.to_string()))
}

pub(super) fn time_missing(subject: &Subject<'_, '_>) -> Option<Breach> {
    (!subject.mapped.has_time).then(|| {
        let sentence = "the event has neither event_time nor time: the time of receipt is sent";
        Breach::new(0, "event_time", sentence)
    })
}

pub(super) fn time_out_of_range(subject: &Subject<'_, '_>) -> Option<Breach> {
    let seconds = subject.mapped.timestamp()?;
    (!SECONDS.contains(&seconds)).then(|| {
        let sentence = format!(
            "Customer.io would replace the time {seconds} s by now: the event could trigger \
             campaigns as if it had just happened"
        );
        Breach::new(0, "event_time", sentence)
    })
}

pub(super) fn time_in_future(subject: &Subject<'_, '_>) -> Option<Breach> {
    let ahead = subject
        .mapped
        .time
        .as_ref()
        .ok()?
        .saturating_sub(subject.now_ms);
    (ahead > FUTURE_MS).then(|| {
        let sentence = format!("the event is {} in the future", duration(ahead));
        Breach::new(ahead.unsigned_abs() as usize, "event_time", sentence)
    })
}

pub(super) fn too_old_for_campaigns(subject: &Subject<'_, '_>) -> Option<Breach> {
    let age = subject
        .now_ms
        .saturating_sub(*subject.mapped.time.as_ref().ok()?);
    (age > CAMPAIGN_AGE_MS).then(|| {
        let sentence = format!(
            "the event is {} old: it can trigger no campaign",
            duration(age)
        );
        Breach::new(age.unsigned_abs() as usize, "event_time", sentence)
    })
}
