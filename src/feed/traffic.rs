//! Generated traffic for the demonstration: a shop with a music app, its users, and occasional
//! events with every kind of violation.

mod catalog;
mod faults;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::amplitude::time::{self, UnixMs};

use super::scenario::Anomalies;

use catalog::{COUNTRIES, EVENT_TYPES, event_properties, user_id, user_properties};
use faults::{Context, FAULTS, Fields};

pub use catalog::OLD_COUPON;

/// One in this many events is faulty.
const FAULTY_ONE_IN: u32 = 90;
/// Number of users.
const USERS: usize = 4_000;

/// A generator of events.
#[derive(Debug)]
pub struct Traffic {
    random: StdRng,
    /// Number of events so far.
    count: u64,
    /// Number of faulty events so far.
    faulty: usize,
    /// The last event that is not faulty.
    last: Option<String>,
    anomalies: Anomalies,
}

impl Traffic {
    /// Creates a generator. The same seed makes the same traffic.
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            count: 0,
            faulty: 0,
            last: None,
            anomalies: Anomalies::default(),
        }
    }

    /// Sets the anomalies of the events from now on.
    pub fn set_anomalies(&mut self, anomalies: Anomalies) {
        self.anomalies = anomalies;
    }

    /// The rate at `second`, in events per second, for an average of `rate`: slow waves, a burst
    /// and a quiet time each minute.
    pub fn rate_at(rate: f64, second: f64) -> f64 {
        let slow = 1.0 + 0.25 * (second / 19.0).sin() + 0.1 * (second / 3.7).sin();
        match second.rem_euclid(60.0) {
            at if (20.0..24.0).contains(&at) => rate * slow * 2.2,
            at if (41.0..45.0).contains(&at) => rate * slow * 0.25,
            _ => rate * slow,
        }
    }

    /// Generates the text of the next event, with a time shortly before `now_ms`.
    pub fn next(&mut self, now_ms: UnixMs) -> String {
        self.count += 1;
        if self.random.random_ratio(1, FAULTY_ONE_IN) {
            self.faulty += 1;
            if let Some(text) = self.faulty_event(now_ms) {
                return text;
            }
        }
        let mut event = self.event(now_ms);
        self.apply_anomalies(&mut event);
        let text = self.in_random_dialect(event);
        self.last = Some(text.clone());
        text
    }

    fn apply_anomalies(&mut self, event: &mut Fields) {
        let anomalies = self.anomalies;
        if anomalies.launch && self.random.random_ratio(3, 10) {
            event.insert("event_type".to_owned(), json!("Launch Page Viewed"));
            let section = ["hero", "pricing", "faq"].choose(&mut self.random);
            event.insert("event_properties".to_owned(), json!({ "section": section }));
        }
        if anomalies.long_ids
            && self.random.random_ratio(3, 10)
            && event.get("user_id").is_some_and(Value::is_string)
        {
            let token = format!("eyJhbGciOiJIUzI1NiJ9.{:0>160}", self.count);
            event.insert("user_id".to_owned(), json!(token));
        }
        if anomalies.totals_as_text
            && let Some(Value::Object(properties)) = event.get_mut("event_properties")
            && let Some(total) = properties.get_mut("total")
        {
            *total = json!(format!("{total} EUR"));
        }
    }

    /// Generates an event of a random type.
    fn event(&mut self, now_ms: UnixMs) -> Fields {
        let total: u32 = EVENT_TYPES.iter().map(|(_, weight)| weight).sum();
        let mut draw = self.random.random_range(0..total);
        let event_type = EVENT_TYPES.iter().find_map(|(name, weight)| {
            let hit = draw < *weight;
            draw = draw.saturating_sub(*weight);
            hit.then_some(*name)
        });
        self.event_of(event_type.unwrap_or("Song Played"), now_ms)
    }

    fn event_of(&mut self, event_type: &str, now_ms: UnixMs) -> Fields {
        // Squared: few users cause most events.
        let uniform: f64 = self.random.random();
        let user = (uniform * uniform * USERS as f64) as usize;
        let time_ms = now_ms - self.random.random_range(40..1_800);
        let is_server = matches!(
            event_type,
            "Order Shipped" | "Subscription Renewed" | "Refund Issued"
        );
        let is_anonymous = !is_server && self.random.random_ratio(6, 100);
        let uuid = uuid::Builder::from_random_bytes(self.random.random())
            .into_uuid()
            .to_string();
        let number = self.count;
        let mut event = fields(json!({
            "$insert_id": format!("{event_type}:{number}"),
            "uuid": uuid,
            "amplitude_id": 500_000_000 + user,
            "app": 100_001,
            "event_id": number,
            "event_type": event_type,
            "event_time": time::to_export(time_ms),
            "client_event_time": time::to_export(time_ms),
            "server_upload_time": time::to_export(now_ms),
            "user_id": if is_anonymous { Value::Null } else { json!(user_id(user)) },
            "session_id": if is_server { -1 } else { time_ms - time_ms.rem_euclid(1_800_000) },
            "ip_address": format!("203.0.113.{}", user % 250),
            "version_name": "3.14.1",
            "amplitude_attribution_ids": Value::Null,
            "paying": Value::Null,
            "groups": if user.is_multiple_of(9) { json!({ "company": ["acme"] }) } else { json!({}) },
            "group_properties": {},
            "event_properties": event_properties(event_type, &mut self.random),
            "user_properties": user_properties(user),
        }));
        event.extend(device_fields(user, is_server));
        event
    }

    /// Writes six in ten events in the Export dialect, and the others in that of SDKs (HTTP V2).
    fn in_random_dialect(&mut self, mut event: Fields) -> String {
        if self.random.random_ratio(6, 10) {
            return Value::Object(event).to_string();
        }
        let time_ms = event
            .get("event_time")
            .and_then(|t| time::parse(&t.to_string()).ok());
        for (export, sdk) in [
            ("$insert_id", "insert_id"),
            ("ip_address", "ip"),
            ("version_name", "app_version"),
        ] {
            if let Some(value) = event.remove(export) {
                event.insert(sdk.to_owned(), value);
            }
        }
        for export in [
            "event_time",
            "uuid",
            "client_event_time",
            "server_upload_time",
            "app",
            "amplitude_id",
        ] {
            event.remove(export);
        }
        event.insert("time".to_owned(), json!(time_ms));
        Value::Object(event).to_string()
    }

    /// Generates the next kind of faulty event; none if it repeats an event and there is none.
    fn faulty_event(&mut self, now_ms: UnixMs) -> Option<String> {
        let fault = &FAULTS[self.faulty % FAULTS.len()];
        let event = match fault.event_type {
            Some(event_type) => self.event_of(event_type, now_ms),
            None => self.event(now_ms),
        };
        let context = Context {
            now_ms,
            count: self.faulty,
        };
        fault.change.apply(event, &context, self.last.as_ref())
    }
}

/// The fields of an event that describe the user's device.
fn device_fields(user: usize, is_server: bool) -> Fields {
    let (country, city, language) = COUNTRIES[user % COUNTRIES.len()];
    let device = format!(
        "{:08X}-5EED-4000-8000-{:012X}",
        user * 2_654_435 % 0xFFFF_FFFF,
        user
    );
    let platform = ["iOS", "Android", "Web"][user % 3];
    let os_name = ["ios", "android", "chrome"][user % 3];
    fields(json!({
        "device_id": if is_server { Value::Null } else { json!(device) },
        "platform": if is_server { "Server" } else { platform },
        "os_name": if is_server { "" } else { os_name },
        "os_version": (["18.5", "15", "139.0"][user % 3]),
        "device_family": (["Apple iPhone", "Google Pixel", "Linux"][user % 3]),
        "language": language,
        "country": country,
        "city": city,
        "library": if is_server { "http/2.0" } else { "amplitude-ts/2.11.1" },
    }))
}

fn fields(event: Value) -> Fields {
    match event {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

#[cfg(test)]
mod tests;
