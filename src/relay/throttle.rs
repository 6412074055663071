//! Limits the rate of events, in total and per user and device, so that a runaway device does not
//! flood the feed. Like Amplitude, it uses the average over the last 30 seconds, so that a burst
//! after a network outage passes (HTTP V2 API, upload limits: 30 per second for a user or device;
//! Batch Event Upload API: 1,000).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::refusal::Refusal;

/// The window of the average.
const WINDOW: Duration = Duration::from_secs(30);

/// Maximum rates in events per second; 0 means unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Of all events.
    pub all: u32,
    /// Of the SDK events of each user and each device.
    pub each: u32,
}

/// The user and device of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its `user_id`.
    pub user: Option<String>,
    /// Its `device_id`.
    pub device: Option<String>,
}

/// Limits the rate of events.
#[derive(Debug)]
pub struct Throttle {
    limits: RateLimits,
    recent: Mutex<Recent>,
}

/// The events of the last two windows.
#[derive(Debug)]
struct Recent {
    /// Start of the current window.
    started: Instant,
    all: Counts,
    users: FxHashMap<String, Counts>,
    devices: FxHashMap<String, Counts>,
}

/// Number of events in the current window and in the previous one.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    current: u32,
    previous: u32,
}

impl Counts {
    /// Estimates the events of the last 30 seconds: the previous window counts in proportion to the
    /// rest of the current one. `elapsed` is the fraction of the current window that has passed.
    fn estimate(self, elapsed: f64) -> f64 {
        f64::from(self.current) + f64::from(self.previous) * (1.0 - elapsed)
    }
}

impl Throttle {
    /// Starts without events.
    pub fn new(limits: RateLimits, now: Instant) -> Self {
        let recent = Recent {
            started: now,
            all: Counts::default(),
            users: FxHashMap::default(),
            devices: FxHashMap::default(),
        };
        Self {
            limits,
            recent: Mutex::new(recent),
        }
    }

    /// Whether users and devices are limited.
    pub fn counts_identities(&self) -> bool {
        self.limits.each > 0
    }

    /// Counts the `count` events of a request, or refuses all of them if some exceed a limit.
    /// `identities` has an entry per event if [`Self::counts_identities`], else none.
    pub fn admit(
        &self,
        count: usize,
        identities: &[Identity],
        now: Instant,
    ) -> Result<(), Refusal> {
        if self.limits == RateLimits::default() {
            return Ok(());
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = recent.roll(now);
        let max = |per_second: u32| f64::from(per_second) * WINDOW.as_secs_f64();
        let RateLimits { all, each } = self.limits;
        if all > 0 && recent.all.estimate(elapsed) + count as f64 > max(all) {
            return Err(total_exceeded(all));
        }
        if each > 0 {
            recent.check_each(identities, each, max(each), elapsed)?;
        }
        recent.all.current += count as u32;
        let Recent { users, devices, .. } = &mut *recent;
        for one in identities {
            for (name, counts) in [(&one.user, &mut *users), (&one.device, &mut *devices)] {
                if let Some(name) = name {
                    counts.entry(name.clone()).or_default().current += 1;
                }
            }
        }
        Ok(())
    }
}

impl Recent {
    /// Starts a new window if the current one has ended. Returns the fraction of it that has passed.
    /// Users and devices without events for a identitiesle window are forgotten.
    fn roll(&mut self, now: Instant) -> f64 {
        let passed = now.duration_since(self.started);
        if passed >= WINDOW {
            let is_next = passed < 2 * WINDOW;
            let shift = |counts: &mut Counts| {
                counts.previous = if is_next { counts.current } else { 0 };
                counts.current = 0;
                counts.previous > 0
            };
            shift(&mut self.all);
            self.users.retain(|_, counts| shift(counts));
            self.devices.retain(|_, counts| shift(counts));
            let windows = passed.as_secs() / WINDOW.as_secs();
            self.started += WINDOW * windows as u32;
        }
        now.duration_since(self.started).as_secs_f64() / WINDOW.as_secs_f64()
    }

    /// Refuses a request in which a user or device exceeds the limit. Like Amplitude, lists them and
    /// the indices of their events.
    fn check_each(
        &self,
        identities: &[Identity],
        per_second: u32,
        max: f64,
        elapsed: f64,
    ) -> Result<(), Refusal> {
        let mut coming: [BTreeMap<&str, f64>; 2] = Default::default();
        for one in identities {
            for (names, name) in coming.iter_mut().zip([&one.user, &one.device]) {
                if let Some(name) = name {
                    *names.entry(name).or_default() += 1.0;
                }
            }
        }
        for (names, counts) in coming.iter_mut().zip([&self.users, &self.devices]) {
            names.retain(|name, coming| {
                *coming += counts.get(*name).map_or(0.0, |c| c.estimate(elapsed));
                *coming > max
            });
        }
        let [users, devices] = coming;
        if users.is_empty() && devices.is_empty() {
            return Ok(());
        }
        let is_in = |names: &BTreeMap<&str, f64>, name: &Option<String>| {
            name.as_deref().is_some_and(|name| names.contains_key(name))
        };
        let indices = identities.iter().enumerate().filter_map(|(index, one)| {
            (is_in(&users, &one.user) || is_in(&devices, &one.device)).then_some(index)
        });
        let mut refusal = Refusal::new(429, "Too many requests for some devices and users");
        let rates = |names: &BTreeMap<&str, f64>| -> Value {
            let rate = |(name, events): (&&str, &f64)| {
                let per_second = (events / WINDOW.as_secs_f64()).ceil();
                ((*name).to_owned(), json!(per_second as u64))
            };
            Value::Object(names.iter().map(rate).collect())
        };
        refusal.body["eps_threshold"] = per_second.into();
        refusal.body["throttled_users"] = rates(&users);
        refusal.body["throttled_devices"] = rates(&devices);
        refusal.body["throttled_events"] = indices.collect();
        Err(refusal)
    }
}

fn total_exceeded(per_second: u32) -> Refusal {
    let error = format!("More than {per_second} events per second: retry later");
    let mut refusal = Refusal::new(429, &error);
    refusal.body["eps_threshold"] = per_second.into();
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(user: &str, device: &str) -> Identity {
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Identity {
            user: some(user),
            device: some(device),
        }
    }

    #[test]
    fn without_limits_everything_is_admitted() {
        let now = Instant::now();
        let throttle = Throttle::new(RateLimits::default(), now);
        assert!(!throttle.counts_identities());
        assert!(throttle.admit(1_000_000, &[], now).is_ok());
    }

    #[test]
    fn a_burst_passes_within_the_average_of_30_seconds() {
        let start = Instant::now();
        let limits = RateLimits { all: 10, each: 0 };
        let throttle = Throttle::new(limits, start);
        let at = |second: u64| start + Duration::from_secs(second);
        assert!(throttle.admit(200, &[], start).is_ok());
        let refusal = throttle.admit(101, &[], at(1)).unwrap_err();
        assert_eq!(
            (refusal.status, &refusal.body["eps_threshold"]),
            (429, &json!(10))
        );
        assert!(
            throttle.admit(100, &[], at(1)).is_ok(),
            "refused events do not count"
        );
        assert!(throttle.admit(1, &[], at(29)).is_err());
        // After half a window, the previous one counts half.
        assert!(throttle.admit(151, &[], at(45)).is_err());
        assert!(throttle.admit(150, &[], at(45)).is_ok());
        // After a long pause, nothing counts.
        assert!(throttle.admit(300, &[], at(200)).is_ok());
    }

    #[test]
    fn a_throttled_user_or_device_is_listed_with_its_rate_and_events() {
        let now = Instant::now();
        let throttle = Throttle::new(RateLimits { all: 0, each: 1 }, now);
        let calm = vec![of("calm", "d-1"); 30];
        assert!(throttle.admit(30, &calm, now).is_ok());
        let mut identities = vec![of("other", "d-2")];
        identities.extend(vec![of("", "wild"); 31]);
        identities.push(of("calm", ""));
        let refusal = throttle
            .admit(identities.len(), &identities, now)
            .unwrap_err();
        let body = &refusal.body;
        assert_eq!(body["throttled_users"], json!({ "calm": 2 }));
        assert_eq!(body["throttled_devices"], json!({ "wild": 2 }));
        let places: Vec<usize> = (1..=32).collect();
        assert_eq!(body["throttled_events"], json!(places));
        // The other events of a refused request can be retried at once.
        assert!(throttle.admit(1, &identities[..1], now).is_ok());
        assert!(
            throttle
                .admit(1, &[of("calm", "")], now + WINDOW * 2)
                .is_ok()
        );
    }
}
