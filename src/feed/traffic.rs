//! Made-up traffic for the demonstration: a shop with a music app, its users, and now and
//! then everything that can be wrong with an event.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use crate::amplitude::time::{self, UnixMs};

use super::scenario::Twists;

/// Event types and how often they come, relative to each other.
const TYPES: [(&str, u32); 31] = [
    ("Song Played", 210),
    ("session_start", 120),
    ("session_end", 90),
    ("[Amplitude] Page Viewed", 90),
    ("[Amplitude] Screen Viewed", 80),
    ("[Amplitude] Element Clicked", 70),
    ("Product Viewed", 70),
    ("Search Performed", 42),
    ("Song Liked", 34),
    ("Playlist Opened", 30),
    ("Product Added", 24),
    ("Cart Viewed", 18),
    ("Video Watched", 16),
    ("Screen: Home", 16),
    ("Notification Received", 14),
    ("Checkout Started", 10),
    ("Purchase Completed", 9),
    ("Song Shared", 8),
    ("Playlist Created", 7),
    ("Notification Opened", 7),
    ("Product Removed", 6),
    ("Coupon Applied", 5),
    ("Review Submitted", 4),
    ("Signup Completed", 4),
    ("Payment Failed", 3),
    ("Order Shipped", 3),
    ("Subscription Renewed", 3),
    ("Password Reset", 2),
    ("Plan Upgraded", 2),
    ("Refund Issued", 1),
    ("$identify", 5),
];

const FIRST_NAMES: [&str; 16] = [
    "ann", "björn", "chloé", "daichi", "emre", "fatima", "grzegorz", "hana", "ines", "jürgen",
    "keiko", "lucía", "マリ", "нина", "omar", "zoë",
];
const COUNTRIES: [(&str, &str, &str); 8] = [
    ("Germany", "Köln", "de"),
    ("United States", "Portland", "en"),
    ("Japan", "東京", "ja"),
    ("Brazil", "São Paulo", "pt"),
    ("France", "Orléans", "fr"),
    ("United Kingdom", "York", "en"),
    ("Poland", "Łódź", "pl"),
    ("Mexico", "Mérida", "es"),
];
const SONGS: [&str; 10] = [
    "Für Elise",
    "Jóga",
    "上を向いて歩こう",
    "Águas de Março",
    "Non, je ne regrette rien",
    "Cielito Lindo",
    "Blue in Green",
    "Подмосковные вечера",
    "Sinnerman 🎹",
    "Hoppípolla",
];
const PRODUCTS: [&str; 8] = [
    "Turntable",
    "Kopfhörer",
    "Ukulele",
    "Metronome",
    "Vinyl “Abbey Road”",
    "Café Mug",
    "Guitar Strings",
    "Piano Bench",
];

/// A coupon that no workspace of the demonstration takes: its events become dead letters.
pub const OLD_COUPON: &str = "SUMMER-2019";
const COUPONS: [&str; 6] = [
    "WELCOME", "SPRING", "FRIENDS", "VINYL10", "ENCORE", OLD_COUPON,
];

/// One in so many events is wrong in some way.
const ONE_WRONG_IN: u32 = 90;

/// The kinds of wrong that are made, in turn.
const WRONGS: usize = 21;

/// A source of events.
#[derive(Debug)]
pub struct Traffic {
    random: StdRng,
    people: usize,
    made: u64,
    wrong: usize,
    last: Option<String>,
    twists: Twists,
}

impl Traffic {
    /// The same seed makes the same traffic.
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            people: 4_000,
            made: 0,
            wrong: 0,
            last: None,
            twists: Twists::default(),
        }
    }

    /// Makes events different from now on.
    pub fn twist(&mut self, twists: Twists) {
        self.twists = twists;
    }

    /// How many events should come a second around `second`, where `rate` is usual: slow waves,
    /// a burst now and then, and a quiet spell.
    pub fn wave(rate: f64, second: f64) -> f64 {
        let slow = 1.0 + 0.25 * (second / 19.0).sin() + 0.1 * (second / 3.7).sin();
        match second.rem_euclid(60.0) {
            at if (20.0..24.0).contains(&at) => rate * slow * 2.2,
            at if (41.0..45.0).contains(&at) => rate * slow * 0.25,
            _ => rate * slow,
        }
    }

    /// The next event's text, happening about now.
    pub fn next(&mut self, now_ms: UnixMs) -> String {
        self.made += 1;
        if self.random.random_ratio(1, ONE_WRONG_IN) {
            self.wrong += 1;
            if let Some(text) = self.wrong_event(now_ms) {
                return text;
            }
        }
        let mut event = self.event(now_ms);
        self.change(&mut event);
        let text = self.in_a_dialect(event);
        self.last = Some(text.clone());
        text
    }

    /// Changes an event as the scenario wants it now.
    fn change(&mut self, event: &mut Map<String, Value>) {
        let twists = self.twists;
        if twists.launch && self.random.random_ratio(3, 10) {
            event.insert("event_type".to_owned(), json!("Launch Page Viewed"));
            let section = ["hero", "pricing", "faq"].choose(&mut self.random);
            event.insert("event_properties".to_owned(), json!({ "section": section }));
        }
        if twists.long_ids
            && self.random.random_ratio(3, 10)
            && event.get("user_id").is_some_and(Value::is_string)
        {
            let token = format!("eyJhbGciOiJIUzI1NiJ9.{:0>160}", self.made);
            event.insert("user_id".to_owned(), json!(token));
        }
        if twists.totals_as_text
            && let Some(Value::Object(properties)) = event.get_mut("event_properties")
            && let Some(total) = properties.get_mut("total")
        {
            *total = json!(format!("{total} EUR"));
        }
    }

    fn event(&mut self, now_ms: UnixMs) -> Map<String, Value> {
        let total: u32 = TYPES.iter().map(|(_, weight)| weight).sum();
        let mut draw = self.random.random_range(0..total);
        let event_type = TYPES.iter().find_map(|(name, weight)| {
            let hit = draw < *weight;
            draw = draw.saturating_sub(*weight);
            hit.then_some(*name)
        });
        self.event_of(event_type.unwrap_or("Song Played"), now_ms)
    }

    fn event_of(&mut self, event_type: &str, now_ms: UnixMs) -> Map<String, Value> {
        // Most of what happens is done by few.
        let share: f64 = self.random.random();
        let person = (share * share * self.people as f64) as usize;
        let happened = now_ms - self.random.random_range(40..1_800);
        let server_side = matches!(
            event_type,
            "Order Shipped" | "Subscription Renewed" | "Refund Issued"
        );
        let anonymous = !server_side && self.random.random_ratio(6, 100);
        let (country, city, language) = COUNTRIES[person % COUNTRIES.len()];
        let platform = if server_side {
            "Server"
        } else {
            ["iOS", "Android", "Web"][person % 3]
        };
        let device = format!(
            "{:08X}-5EED-4000-8000-{:012X}",
            person * 2_654_435 % 0xFFFF_FFFF,
            person
        );
        let uuid = uuid::Builder::from_random_bytes(self.random.random())
            .into_uuid()
            .to_string();
        let number = self.made;
        let event = json!({
            "$insert_id": format!("{event_type}:{number}"),
            "uuid": uuid,
            "amplitude_id": 500_000_000 + person,
            "app": 100_001,
            "event_id": number,
            "event_type": event_type,
            "event_time": time::to_export(happened),
            "client_event_time": time::to_export(happened),
            "server_upload_time": time::to_export(now_ms),
            "user_id": if anonymous { Value::Null } else { json!(user_id(person)) },
            "device_id": if server_side { Value::Null } else { json!(device) },
            "session_id": if server_side { -1 } else { happened - happened.rem_euclid(1_800_000) },
            "platform": platform,
            "os_name": if server_side { "" } else { ["ios", "android", "chrome"][person % 3] },
            "os_version": (["18.5", "15", "139.0"][person % 3]),
            "device_family": (["Apple iPhone", "Google Pixel", "Linux"][person % 3]),
            "language": language,
            "country": country,
            "city": city,
            "ip_address": format!("203.0.113.{}", person % 250),
            "library": if server_side { "http/2.0" } else { "amplitude-ts/2.11.1" },
            "version_name": "3.14.1",
            "amplitude_attribution_ids": Value::Null,
            "paying": Value::Null,
            "groups": if person.is_multiple_of(9) { json!({ "company": ["acme"] }) } else { json!({}) },
            "group_properties": {},
            "event_properties": self.properties(event_type),
            "user_properties": user_properties(person),
        });
        match event {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    fn properties(&mut self, event_type: &str) -> Value {
        let random = &mut self.random;
        let price = f64::from(random.random_range(300..24_000_u32)) / 100.0;
        let product = PRODUCTS.choose(random).copied().unwrap_or_default();
        let song = SONGS.choose(random).copied().unwrap_or_default();
        match event_type {
            name if name.starts_with("Song") || name.starts_with("Playlist") => {
                json!({ "song": song, "seconds": random.random_range(1..400), "shuffle": random.random::<bool>() })
            }
            "Purchase Completed" | "Checkout Started" | "Cart Viewed" | "Order Shipped"
            | "Refund Issued" => json!({
                "order_id": format!("o-{}", random.random_range(10_000..99_999)),
                "total": price,
                "currency": (["EUR", "USD", "JPY"].choose(random)),
                "items": [{ "name": product, "price": price, "quantity": random.random_range(1..4) }],
                "coupon": Value::Null,
            }),
            name if name.starts_with("Product") => {
                json!({ "product": product, "price": price, "category": "music", "in_stock": true })
            }
            "Search Performed" => {
                json!({ "query": song.to_lowercase(), "results": random.random_range(0..90) })
            }
            "[Amplitude] Page Viewed" => {
                json!({ "[Amplitude] Page Path": "/shop/äöü", "[Amplitude] Page Title": product })
            }
            "[Amplitude] Screen Viewed" => json!({ "[Amplitude] Screen Name": "Now Playing" }),
            "Video Watched" => json!({ "video": song, "percent": random.random_range(1..=100) }),
            "Coupon Applied" => json!({ "code": COUPONS.choose(random), "total": price }),
            "Payment Failed" => json!({ "reason": "card_declined", "total": price }),
            _ => json!({}),
        }
    }

    /// Four in ten events are written as an SDK writes them: HTTP V2's names and times.
    fn in_a_dialect(&mut self, mut event: Map<String, Value>) -> String {
        if self.random.random_ratio(6, 10) {
            return Value::Object(event).to_string();
        }
        let happened = event
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
        event.insert("time".to_owned(), json!(happened));
        Value::Object(event).to_string()
    }

    /// The next kind of wrong in turn; nothing where it needs an event before it and there is none.
    fn wrong_event(&mut self, now_ms: UnixMs) -> Option<String> {
        let long = |n: usize| "x".repeat(n);
        let change = |event: &mut Map<String, Value>, field: &str, value: Value| {
            event.insert(field.to_owned(), value);
        };
        let mut event = match self.wrong % WRONGS {
            0 | 6 => self.event_of("Signup Completed", now_ms),
            4 | 9 => self.event_of("Video Watched", now_ms),
            3 => self.event_of("Password Reset", now_ms),
            _ => self.event(now_ms),
        };
        match self.wrong % WRONGS {
            0 => change(&mut event, "user_id", json!(format!("guest|{}", long(154)))),
            1 => change(&mut event, "user_id", json!("undefined")),
            2 => change(
                &mut event,
                "event_type",
                json!(format!("Viewed {}", long(100))),
            ),
            3 => change(
                &mut event,
                "event_properties",
                json!({ "recipient": "ann@example.com", "template": "reset" }),
            ),
            4 => change(
                &mut event,
                "event_properties",
                json!({ "video": "Jóga", "transcript": long(98_000 + self.wrong * 31 % 40_000) }),
            ),
            5 => change(&mut event, "event_time", json!("yesterday")),
            6 => {
                let many: Map<String, Value> =
                    (0..312).map(|i| (format!("trait_{i}"), json!(i))).collect();
                change(&mut event, "user_properties", Value::Object(many));
            }
            7 => change(
                &mut event,
                "event_time",
                json!(time::to_export(now_ms + 7_200_000)),
            ),
            8 => change(
                &mut event,
                "event_time",
                json!(time::to_export(now_ms - 5 * 86_400_000)),
            ),
            9 => change(
                &mut event,
                "event_properties",
                json!({ "video": "Jóga", "transcript": long(40_000) }),
            ),
            10 => change(&mut event, "event_type", json!("  ")),
            11 => change(
                &mut event,
                "user_properties",
                json!({ "bio": long(1_200), "plan": "free" }),
            ),
            12 => return self.last.clone(),
            13 => return Some(
                r#"{"event_type":"Song Played","user_id":"u-00007","event_properties":{"song":"#
                    .to_owned(),
            ),
            14 => change(&mut event, "event_type", json!("_all")),
            15 => {
                change(&mut event, "event_time", Value::Null);
                change(&mut event, "client_event_time", Value::Null);
            }
            16 => change(
                &mut event,
                "event_time",
                json!("1970-01-01 00:00:00.000000"),
            ),
            17 => change(
                &mut event,
                "event_properties",
                json!({ "cart": r#"[{"sku":"mug","quantity":2}]"# }),
            ),
            18 => {
                let deep = (0..80).fold(json!(1), |inner, _| json!([inner]));
                change(&mut event, "event_properties", json!({ "tree": deep }));
            }
            19 => {
                change(&mut event, "price", json!(9.99));
                change(&mut event, "revenue", json!(19.98));
            }
            _ => change(&mut event, "user_properties", json!({ long(160): 1 })),
        }
        Some(Value::Object(event).to_string())
    }
}

fn user_id(person: usize) -> String {
    format!("u-{person:05}")
}

fn user_properties(person: usize) -> Value {
    let name = FIRST_NAMES[person % FIRST_NAMES.len()];
    let staff = person % 23 == 3;
    let domain = if staff { "sluice.shop" } else { "example.com" };
    json!({
        "name": name,
        "email": format!("{name}.{person}@{domain}"),
        "plan": (["free", "free", "pro", "family"][person % 4]),
        "songs_played": person * 7 % 900,
        "newsletter": person.is_multiple_of(2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame;
    use crate::customerio::Mapping;
    use crate::limits::{Code, LIMITS, Policies, check_alone};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn twists_change_what_the_scenario_wants_and_nothing_once_they_end() {
        let mut traffic = Traffic::new(1);
        let mut made = |twists| {
            traffic.twist(twists);
            let texts: Vec<String> = (0..2_000)
                .map(|_| traffic.next(1_800_000_000_000))
                .collect();
            let with = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
            (
                with("Launch Page Viewed"),
                with("eyJhbGciOiJIUzI1NiJ9"),
                with(" EUR\""),
            )
        };
        let all = Twists {
            totals_as_text: true,
            long_ids: true,
            launch: true,
        };
        let (launch, long, text) = made(all);
        assert!((400..800).contains(&launch), "{launch}");
        assert!((400..800).contains(&long), "{long}");
        assert!((30..300).contains(&text), "{text}");
        assert_eq!(made(Twists::default()), (0, 0, 0));
    }

    #[test]
    fn the_traffic_has_every_type_both_dialects_and_every_violation() {
        let mut traffic = Traffic::new(1);
        let mut broken: BTreeMap<Code, u32> = BTreeMap::new();
        let (mut types, mut sdk, mut anonymous, mut malformed) = (BTreeSet::new(), 0, 0, 0);
        let mut last_text = String::new();
        for _ in 0..20_000 {
            let text = traffic.next(1_800_000_000_000);
            let seen_before = text == last_text;
            frame::decode(
                &text.clone().into(),
                1_800_000_000_000,
                "message_id",
                |one| match one {
                    Ok(event) => {
                        types.insert(event.event_type().unwrap_or_default().into_owned());
                        sdk += u32::from(event.text().contains(r#""insert_id""#));
                        anonymous += u32::from(event.user_id().is_none());
                        for v in check_alone(
                            &event,
                            &Mapping::default(),
                            &Policies::default(),
                            1_800_000_000_000,
                            seen_before,
                        ) {
                            *broken.entry(v.code).or_default() += 1;
                        }
                    }
                    Err(_) => malformed += 1,
                },
            );
            last_text = text;
        }
        assert!(types.len() > 30 && sdk > 5_000 && anonymous > 500 && malformed > 3);
        // These need other settings than the demonstration's.
        let by_settings = [
            Code::IdAmbiguousByV1,
            Code::ReservedAttribute,
            Code::OperationUnsent,
            // The traffic is made of values that this program's own JSON can hold.
            Code::NumberOutOfRange,
        ];
        for limit in LIMITS.iter().filter(|l| !by_settings.contains(&l.code)) {
            assert!(
                broken.contains_key(&limit.code),
                "nothing breaks {}",
                limit.code
            );
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_traffic() {
        let some = |seed| {
            (0..50)
                .map(|_| 0)
                .scan(Traffic::new(seed), |t, _| Some(t.next(0)))
                .collect::<Vec<_>>()
        };
        assert_eq!(some(3), some(3));
        assert_ne!(some(3), some(4));
    }
}
