//! How many events a second are taken: of all who send, and of each user and device, so that one
//! that runs wild does not fill the feed. Measured as Amplitude does it: as an average over the
//! last half minute, so that a burst after a time without network gets through (HTTP V2 API,
//! upload limits: 30 a second for a user or device; Batch Event Upload API: 1,000).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::refusal::Refusal;

/// Rates are averages over this time.
const WINDOW: Duration = Duration::from_secs(30);

/// Events a second that are taken; 0 is any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of all who send.
    pub all: u32,
    /// Of each user, and of each device, that an SDK sends events of.
    pub each: u32,
}

/// Who an event is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// Its `user_id`.
    pub user: Option<String>,
    /// Its `device_id`.
    pub device: Option<String>,
}

/// What was taken lately, and how much may be.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    lately: Mutex<Lately>,
}

#[derive(Debug)]
struct Lately {
    /// When the present window began.
    began: Instant,
    all: Counts,
    users: FxHashMap<String, Counts>,
    devices: FxHashMap<String, Counts>,
}

/// Events in the present window, and in the one before.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    now: u32,
    before: u32,
}

impl Counts {
    /// Events in the last half minute, as far as two counts tell: the earlier window counts by
    /// the share of it that is not over.
    fn lately(self, share: f64) -> f64 {
        f64::from(self.now) + f64::from(self.before) * (1.0 - share)
    }
}

impl Throttle {
    /// One that has seen nothing yet.
    pub fn new(limits: Limits, now: Instant) -> Self {
        let lately = Lately {
            began: now,
            all: Counts::default(),
            users: FxHashMap::default(),
            devices: FxHashMap::default(),
        };
        Self {
            limits,
            lately: Mutex::new(lately),
        }
    }

    /// Whether who an event is of matters.
    pub fn asks_who(&self) -> bool {
        self.limits.each > 0
    }

    /// Counts the events of a request, or refuses all of them where some are too many; it takes
    /// `count` of them, of these users and devices where that was asked.
    pub fn take(&self, count: usize, who: &[Who], now: Instant) -> Result<(), Refusal> {
        if self.limits == Limits::default() {
            return Ok(());
        }
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let share = lately.roll(now);
        let most = |per_second: u32| f64::from(per_second) * WINDOW.as_secs_f64();
        let Limits { all, each } = self.limits;
        if all > 0 && lately.all.lately(share) + count as f64 > most(all) {
            return Err(too_many_of_all(all));
        }
        if each > 0 {
            lately.check_each(who, each, most(each), share)?;
        }
        lately.all.now += count as u32;
        let Lately { users, devices, .. } = &mut *lately;
        for one in who {
            for (name, counts) in [(&one.user, &mut *users), (&one.device, &mut *devices)] {
                if let Some(name) = name {
                    counts.entry(name.clone()).or_default().now += 1;
                }
            }
        }
        Ok(())
    }
}

impl Lately {
    /// Begins a new window where it is time; the share of the present one that is over. Who sent
    /// nothing for a whole window is forgotten.
    fn roll(&mut self, now: Instant) -> f64 {
        let over = now.duration_since(self.began);
        if over >= WINDOW {
            let is_next = over < 2 * WINDOW;
            let turn = |counts: &mut Counts| {
                counts.before = if is_next { counts.now } else { 0 };
                counts.now = 0;
                counts.before > 0
            };
            turn(&mut self.all);
            self.users.retain(|_, counts| turn(counts));
            self.devices.retain(|_, counts| turn(counts));
            let windows = over.as_secs() / WINDOW.as_secs();
            self.began += WINDOW * windows as u32;
        }
        now.duration_since(self.began).as_secs_f64() / WINDOW.as_secs_f64()
    }

    /// Refuses a request in which a user or device has too many, as Amplitude does: with those
    /// who have, and the places of their events.
    fn check_each(
        &self,
        who: &[Who],
        per_second: u32,
        most: f64,
        share: f64,
    ) -> Result<(), Refusal> {
        let mut coming: [BTreeMap<&str, f64>; 2] = Default::default();
        for one in who {
            for (names, name) in coming.iter_mut().zip([&one.user, &one.device]) {
                if let Some(name) = name {
                    *names.entry(name).or_default() += 1.0;
                }
            }
        }
        for (names, counts) in coming.iter_mut().zip([&self.users, &self.devices]) {
            names.retain(|name, coming| {
                *coming += counts.get(*name).map_or(0.0, |c| c.lately(share));
                *coming > most
            });
        }
        let [users, devices] = coming;
        if users.is_empty() && devices.is_empty() {
            return Ok(());
        }
        let is_in = |names: &BTreeMap<&str, f64>, name: &Option<String>| {
            name.as_deref().is_some_and(|name| names.contains_key(name))
        };
        let places = who.iter().enumerate().filter_map(|(index, one)| {
            (is_in(&users, &one.user) || is_in(&devices, &one.device)).then_some(index)
        });
        let mut refusal = Refusal::new(429, "Too many requests for some devices and users");
        let rates = |names: &BTreeMap<&str, f64>| -> Value {
            let rate = |(name, lately): (&&str, &f64)| {
                let per_second = (lately / WINDOW.as_secs_f64()).ceil();
                ((*name).to_owned(), json!(per_second as u64))
            };
            Value::Object(names.iter().map(rate).collect())
        };
        refusal.body["eps_threshold"] = per_second.into();
        refusal.body["throttled_users"] = rates(&users);
        refusal.body["throttled_devices"] = rates(&devices);
        refusal.body["throttled_events"] = places.collect();
        Err(refusal)
    }
}

fn too_many_of_all(per_second: u32) -> Refusal {
    let says = format!("More than {per_second} events a second: send them again later");
    let mut refusal = Refusal::new(429, &says);
    refusal.body["eps_threshold"] = per_second.into();
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(user: &str, device: &str) -> Who {
        let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        Who {
            user: some(user),
            device: some(device),
        }
    }

    #[test]
    fn without_limits_everything_is_taken() {
        let now = Instant::now();
        let throttle = Throttle::new(Limits::default(), now);
        assert!(!throttle.asks_who());
        assert!(throttle.take(1_000_000, &[], now).is_ok());
    }

    #[test]
    fn a_burst_gets_through_as_far_as_the_average_of_half_a_minute_goes() {
        let start = Instant::now();
        let limits = Limits { all: 10, each: 0 };
        let throttle = Throttle::new(limits, start);
        let at = |second: u64| start + Duration::from_secs(second);
        assert!(throttle.take(200, &[], start).is_ok());
        let refusal = throttle.take(101, &[], at(1)).unwrap_err();
        assert_eq!(
            (refusal.status, &refusal.body["eps_threshold"]),
            (429, &json!(10))
        );
        assert!(
            throttle.take(100, &[], at(1)).is_ok(),
            "what is refused does not count"
        );
        assert!(throttle.take(1, &[], at(29)).is_err());
        // Half a window later half of the earlier one is forgotten.
        assert!(throttle.take(151, &[], at(45)).is_err());
        assert!(throttle.take(150, &[], at(45)).is_ok());
        // And after a pause, everything.
        assert!(throttle.take(300, &[], at(200)).is_ok());
    }

    #[test]
    fn who_sends_too_much_is_named_with_its_rate_and_the_places_of_its_events() {
        let now = Instant::now();
        let throttle = Throttle::new(Limits { all: 0, each: 1 }, now);
        let calm = vec![of("calm", "d-1"); 30];
        assert!(throttle.take(30, &calm, now).is_ok());
        let mut who = vec![of("other", "d-2")];
        who.extend(vec![of("", "wild"); 31]);
        who.push(of("calm", ""));
        let refusal = throttle.take(who.len(), &who, now).unwrap_err();
        let body = &refusal.body;
        assert_eq!(body["throttled_users"], json!({ "calm": 2 }));
        assert_eq!(body["throttled_devices"], json!({ "wild": 2 }));
        let places: Vec<usize> = (1..=32).collect();
        assert_eq!(body["throttled_events"], json!(places));
        // The others of a refused request can be sent again at once.
        assert!(throttle.take(1, &who[..1], now).is_ok());
        assert!(
            throttle
                .take(1, &[of("calm", "")], now + WINDOW * 2)
                .is_ok()
        );
    }
}
