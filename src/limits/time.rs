//! The limits of an event's time.
use crate::text::duration;

use super::wording::breach;
use super::{Code, Limit, Policy, Scope, Unit};

/// Events older than this trigger no campaign: Customer.io Track API v2, `timestamp`.
pub const CAMPAIGN_AGE_MS: i64 = 72 * 60 * 60 * 1_000;
/// A clock this far ahead is believed: phones are set by hand.
const FUTURE_MS: i64 = 5 * 60 * 1_000;
/// The Unix seconds that Customer.io takes as they are: after 1970, and before what milliseconds
/// look like (the year 5138).
const SECONDS: std::ops::Range<i64> = 1..100_000_000_000;

pub(super) const TIME_INVALID: Limit = Limit {
    code: Code::TimeInvalid,
    name: "time_invalid",
    policy: Policy::Reject,
    summary: "the event's time can be read",
    source: "Amplitude, Export and HTTP V2 APIs: event_time, time",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Unsendable,
    check: |s| {
        let error = s.mapped.time.as_ref().err()?;
        Some(breach(0, "event_time", error.to_string()))
    },
};

pub(super) const TIME_MISSING: Limit = Limit {
    code: Code::TimeMissing,
    name: "time_missing",
    policy: Policy::Warn,
    summary: "the event says when it happened; else the time of receipt is sent",
    source: "Amplitude, HTTP V2 API, time; Customer.io Track API v2, timestamp",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        (!s.mapped.has_time).then(|| {
            let says = "the event has neither event_time nor time: it is sent with the time at \
                        which it was received";
            breach(0, "event_time", says.to_owned())
        })
    },
};

pub(super) const TIME_OUT_OF_RANGE: Limit = Limit {
    code: Code::TimeOutOfRange,
    name: "time_out_of_range",
    policy: Policy::Reject,
    summary: "the event's time is after 1970 and before the year 5138",
    source: "Customer.io Track API, timestamp: it takes any other for now",
    limit: 1,
    unit: Unit::None,
    scope: Scope::Event,
    check: |s| {
        let seconds = s.mapped.timestamp()?;
        (!SECONDS.contains(&seconds)).then(|| {
            let says = format!(
                "Customer.io would take the time {seconds} s for now: the event could trigger \
                 campaigns as if it had just happened"
            );
            breach(0, "event_time", says)
        })
    },
};

pub(super) const TIME_IN_FUTURE: Limit = Limit {
    code: Code::TimeInFuture,
    name: "time_in_future",
    policy: Policy::Warn,
    summary: "the event is not more than 5 minutes ahead of this machine's clock",
    source: "sluicegate: a device's clock is wrong, or a time zone was added twice",
    limit: FUTURE_MS.unsigned_abs(),
    unit: Unit::Ms,
    scope: Scope::Event,
    check: |s| {
        let ahead = s.mapped.time.as_ref().ok()?.saturating_sub(s.now_ms);
        (ahead > FUTURE_MS).then(|| {
            let says = format!("the event happens in {}", duration(ahead));
            breach(ahead.unsigned_abs() as usize, "event_time", says)
        })
    },
};

pub(super) const TOO_OLD_FOR_CAMPAIGNS: Limit = Limit {
    code: Code::TooOldForCampaigns,
    name: "too_old_for_campaigns",
    policy: Policy::Warn,
    summary: "the event is at most 72 hours old, to trigger campaigns",
    source: "Customer.io Track API v2, timestamp",
    limit: CAMPAIGN_AGE_MS.unsigned_abs(),
    unit: Unit::Ms,
    scope: Scope::Event,
    check: |s| {
        let age = s.now_ms.saturating_sub(*s.mapped.time.as_ref().ok()?);
        (age > CAMPAIGN_AGE_MS).then(|| {
            let says = format!(
                "the event is {} old: it can trigger no campaign",
                duration(age)
            );
            breach(age.unsigned_abs() as usize, "event_time", says)
        })
    },
};
