//! The state of all members of a group as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::delivery::spool::SpoolStatus;
use crate::delivery::{BreakerState, DeliveryStatus};
use crate::feed::{FeedState, FeedStatus};
use crate::protocol::{
    DurationBuckets, LatencyBands, LatencyRow, LimitRow, Notice, Rates, Snapshot, Totals, TypeRow,
    VerificationStatus,
};

/// Notices that are shown.
const NOTICES: usize = 50;

/// A member's name and state.
pub(super) type Part<'p> = (&'p str, &'p Snapshot);

/// The states of members as one. Counts and rates are sums. What can't be added is that of the member
/// which is worst off, named, and of latencies the highest. The filters are the newest.
pub(super) fn sum(parts: &[Part<'_>]) -> Snapshot {
    let Some((_, lead)) = parts.iter().max_by_key(|(_, part)| part.filters_version) else {
        return Snapshot::default();
    };
    let mut sum = Snapshot {
        totals: Totals::default(),
        rates: Rates::default(),
        series: Arc::default(),
        latency_bands: LatencyBands::default(),
        latency_buckets: DurationBuckets::default(),
        lag_buckets: DurationBuckets::default(),
        answers: BTreeMap::new(),
        requests_per_minute: 0,
        feed: feed(parts),
        types: Arc::new(types(parts)),
        limits: Arc::new(limits(parts)),
        latency: latency(parts),
        delivery: delivery(parts, &lead.delivery),
        verification: verification(parts),
        notices: notices(parts),
        ..Snapshot::clone(lead)
    };
    let series = Arc::make_mut(&mut sum.series);
    for (_, part) in parts {
        sum.at_ms = sum.at_ms.max(part.at_ms);
        sum.started_ms = sum.started_ms.min(part.started_ms);
        sum.behind_ms = sum.behind_ms.max(part.behind_ms);
        sum.feed_lag_ms = sum.feed_lag_ms.max(part.feed_lag_ms);
        sum.requests_per_minute += part.requests_per_minute;
        sum.totals.merge(&part.totals);
        sum.rates.merge(&part.rates);
        series.merge(&part.series);
        sum.latency_buckets.merge(&part.latency_buckets);
        sum.lag_buckets.merge(&part.lag_buckets);
        for (band, count) in sum.latency_bands.iter_mut().zip(part.latency_bands) {
            *band += count;
        }
        for (label, count) in &part.answers {
            *sum.answers.entry(label.clone()).or_default() += count;
        }
        sum.last_audit = newest(sum.last_audit, part.last_audit.as_ref(), |audit| {
            audit.at_ms
        });
        sum.last_change = newest(sum.last_change, part.last_change.as_ref(), |it| it.at_ms);
        if !std::ptr::eq(*part, *lead) && part.filters_version == lead.filters_version {
            for (tally, more) in sum.rules.iter_mut().zip(&part.rules) {
                tally.merge(more);
            }
        }
    }
    sum
}

fn newest<T: Clone>(one: Option<T>, other: Option<&T>, at_ms: impl Fn(&T) -> i64) -> Option<T> {
    match (&one, other) {
        (Some(known), Some(other)) if at_ms(known) >= at_ms(other) => one,
        (_, Some(other)) => Some(other.clone()),
        (_, None) => one,
    }
}

/// The feed of the members: down if it is for any of them.
fn feed(parts: &[Part<'_>]) -> FeedStatus {
    let mut sum = FeedStatus {
        state: FeedState::Live,
        ..FeedStatus::default()
    };
    for (name, part) in parts {
        let feed = &part.feed;
        match (&feed.state, &sum.state) {
            (FeedState::Down { why, next_ms }, _) => {
                sum.state = FeedState::Down {
                    why: format!("{name}: {why}"),
                    next_ms: *next_ms,
                };
            }
            (FeedState::Connecting, FeedState::Live) => sum.state = FeedState::Connecting,
            _ => {}
        }
        sum.connects += feed.connects;
        sum.given_up += feed.given_up;
        let blocked = [sum.blocked_since_ms, feed.blocked_since_ms];
        sum.blocked_since_ms = blocked.into_iter().flatten().min();
    }
    sum
}

fn types(parts: &[Part<'_>]) -> Vec<TypeRow> {
    let mut sums: BTreeMap<Arc<str>, TypeRow> = BTreeMap::new();
    for row in parts.iter().flat_map(|(_, part)| part.types.iter()) {
        match sums.get_mut(&row.name) {
            Some(sum) => sum.merge(row),
            None => {
                sums.insert(row.name.clone(), row.clone());
            }
        }
    }
    let mut rows: Vec<TypeRow> = sums.into_values().collect();
    TypeRow::sort(&mut rows);
    rows
}

fn limits(parts: &[Part<'_>]) -> Vec<LimitRow> {
    let mut sums: BTreeMap<_, LimitRow> = BTreeMap::new();
    for row in parts.iter().flat_map(|(_, part)| part.limits.iter()) {
        match sums.get_mut(&row.code) {
            Some(sum) => sum.merge(row),
            None => {
                sums.insert(row.code, row.clone());
            }
        }
    }
    let mut rows: Vec<LimitRow> = sums.into_values().collect();
    LimitRow::sort(&mut rows);
    rows
}

/// The highest percentiles of any member.
fn latency(parts: &[Part<'_>]) -> LatencyRow {
    let mut sum = LatencyRow::default();
    for (_, part) in parts {
        let row = &part.latency;
        sum.count += row.count;
        sum.p50_ms = sum.p50_ms.max(row.p50_ms);
        sum.p95_ms = sum.p95_ms.max(row.p95_ms);
        sum.p99_ms = sum.p99_ms.max(row.p99_ms);
    }
    sum
}

fn delivery(parts: &[Part<'_>], lead: &DeliveryStatus) -> DeliveryStatus {
    let mut sum = DeliveryStatus {
        spool: SpoolStatus {
            // All members count those of the same stream.
            dead_letters: lead.spool.dead_letters,
            ..SpoolStatus::default()
        },
        server: lead.server.clone(),
        ..DeliveryStatus::default()
    };
    for (name, part) in parts {
        let own = &part.delivery;
        let (all, spool) = (&mut sum.spool, &own.spool);
        all.items += spool.items;
        all.bytes += spool.bytes;
        all.quota_bytes += spool.quota_bytes;
        all.carried += spool.carried;
        all.lost += spool.lost;
        all.full |= spool.full;
        all.oldest_ms = [all.oldest_ms, spool.oldest_ms].into_iter().flatten().min();
        let fault = spool.fault.as_ref().map(|why| format!("{name}: {why}"));
        all.fault = all.fault.take().or(fault);
        sum.in_flight += own.in_flight;
        sum.retrying += own.retrying;
        sum.rate += own.rate;
        sum.rate_limit = sum.rate_limit.saturating_add(own.rate_limit);
        sum.gate_shut |= own.gate_shut;
        let next = [sum.next_retry_ms, own.next_retry_ms];
        sum.next_retry_ms = next.into_iter().flatten().min();
        sum.throttled_until_ms = sum.throttled_until_ms.max(own.throttled_until_ms);
        sum.breaker = worse(sum.breaker, &own.breaker, name);
    }
    sum
}

/// The worse of two states of a breaker; that of a member names it.
fn worse(sum: BreakerState, own: &BreakerState, name: &str) -> BreakerState {
    let named = |why: &str| format!("{name}: {why}");
    match (&sum, own) {
        (BreakerState::Refused { .. }, _) | (_, BreakerState::Closed) => sum,
        (_, BreakerState::Refused { why, since_ms }) => BreakerState::Refused {
            why: named(why),
            since_ms: *since_ms,
        },
        (BreakerState::Open { .. }, _) => sum,
        (
            _,
            BreakerState::Open {
                why,
                since_ms,
                probe_ms,
            },
        ) => BreakerState::Open {
            why: named(why),
            since_ms: *since_ms,
            probe_ms: *probe_ms,
        },
    }
}

fn verification(parts: &[Part<'_>]) -> VerificationStatus {
    let mut sum = VerificationStatus::default();
    for (_, part) in parts {
        let own = &part.verification;
        sum.per_minute += own.per_minute;
        sum.waiting += own.waiting;
        sum.hour.merge(&own.hour);
        sum.total.merge(&own.total);
        sum.unverified.extend(own.unverified.iter().cloned());
        sum.problem = sum.problem.or_else(|| own.problem.clone());
    }
    sum.unverified.sort_by_key(|event| event.at_ms);
    sum
}

/// The notices of all, which name their member.
fn notices(parts: &[Part<'_>]) -> Vec<Notice> {
    let named = |(name, part): &Part<'_>| {
        let name = (*name).to_owned();
        let notice = move |notice: &Notice| Notice {
            at_ms: notice.at_ms,
            text: format!("{name}: {}", notice.text),
        };
        part.notices.iter().map(notice).collect::<Vec<_>>()
    };
    let mut all: Vec<Notice> = parts.iter().flat_map(named).collect();
    all.sort_by_key(|notice| notice.at_ms);
    let surplus = all.len().saturating_sub(NOTICES);
    all.split_off(surplus)
}
