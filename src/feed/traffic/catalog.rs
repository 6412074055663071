//! The shop of the demonstration: its event types, products and users.

use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

/// Event types with their relative frequencies.
pub(super) const EVENT_TYPES: [(&str, u32); 31] = [
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
/// Country, city and language.
pub(super) const COUNTRIES: [(&str, &str, &str); 8] = [
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

/// A coupon that the demonstration's Customer.io refuses: its events become dead letters.
pub const OLD_COUPON: &str = "SUMMER-2019";
const COUPONS: [&str; 6] = [
    "WELCOME", "SPRING", "FRIENDS", "VINYL10", "ENCORE", OLD_COUPON,
];

/// The properties of an event of this type.
pub(super) fn event_properties(event_type: &str, random: &mut StdRng) -> Value {
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

/// The id of the user with this number.
pub(super) fn user_id(person: usize) -> String {
    format!("u-{person:05}")
}

/// The properties of the user with this number.
pub(super) fn user_properties(person: usize) -> Value {
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
