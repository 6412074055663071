//! The size and the cost of an event in the ledger, in several formats.
//!
//! `cargo bench --bench ledger`

use std::time::Instant;

use sluicegate::ledger::{Dictionary, HashKey, NewRow, Outcome, ROW_BYTES, Row, pack_rows};
use ulid::Ulid;

const EVENTS: u64 = 500_000;
/// Rows of a journal, which is packed by itself.
const JOURNAL_ROWS: usize = 131_072;
const BEGIN_MS: u64 = 1_795_000_000_000 / 3_600_000 * 3_600_000;

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// The rows of an hour: 31 types, 6 of 10 events are delivered, one of 20 comes hours late. In an
/// outage, half of them are delivered an hour later.
fn rows(has_outage: bool) -> Vec<Row> {
    let (key, mut random) = (HashKey::from_bytes([7; 16]), Random(1));
    let mut rows = Vec::new();
    for number in 0..EVENTS {
        let late = if random.below(20) == 0 {
            random.below(86_400_000)
        } else {
            0
        };
        let received = BEGIN_MS + number * 3_600_000 / EVENTS;
        let happened = received - late - 300 - random.below(2_000);
        let is_sent = random.below(10) < 6;
        let waits = has_outage && random.below(2) == 0;
        let mut new = NewRow {
            key: key.event(Ulid::from_parts(
                happened,
                u128::from(random.below(1 << 31)) << 31,
            )),
            person: random.below(65_535) as u16 + 1,
            event_type: "".into(),
            decision: None,
            outcome: if is_sent {
                Outcome::Waiting
            } else {
                Outcome::NotSent
            },
            received_ms: received.cast_signed(),
            took_ms: 0,
        };
        let event_type = random.below(31).min(random.below(31)) as u16 + 1;
        let decision = if is_sent {
            1
        } else {
            2 + random.below(3) as u16
        };
        rows.push(Row::new(&new, event_type, decision));
        if is_sent {
            new.person = 0;
            new.outcome = Outcome::Delivered;
            new.took_ms = 80 + random.below(300) + u64::from(waits) * 3_600_000;
            rows.push(Row::new(&new, event_type, 0));
        }
    }
    rows
}

/// The formats, by name.
fn formats(rows: &[Row]) -> Vec<(&'static str, usize, f64)> {
    let fixed = || {
        let mut out = Vec::with_capacity(rows.len() * ROW_BYTES);
        rows.iter().for_each(|row| row.encode(&mut out));
        out
    };
    let measure = |name, format: &dyn Fn() -> usize| {
        let started = Instant::now();
        let size = format();
        let micros = started.elapsed().as_secs_f64() * 1e6 / EVENTS as f64;
        (name, size, micros)
    };
    let zstd = |bytes: &[u8]| zstd::bulk::compress(bytes, 3).map_or(0, |packed| packed.len());
    vec![
        measure("fixed rows: the journal", &|| fixed().len()),
        measure("fixed rows, zstd", &|| zstd(&fixed())),
        measure("sorted fixed rows, zstd", &|| {
            let mut sorted = rows.to_vec();
            sorted.sort_by_key(|row| row.key);
            let mut out = Vec::new();
            sorted.iter().for_each(|row| row.encode(&mut out));
            zstd(&out)
        }),
        measure("sorted columns: the packed file", &|| {
            let journals = rows.chunks(JOURNAL_ROWS);
            journals
                .map(|rows| pack_rows(rows.to_vec(), &Dictionary::default()).bytes.len())
                .sum()
        }),
    ]
}

fn main() {
    for (name, has_outage) in [("delivered at once", false), ("an hour late", true)] {
        println!("{name}:");
        for (format, size, micros) in formats(&rows(has_outage)) {
            let bytes = size as f64 / EVENTS as f64;
            println!("  {format:<34} {bytes:>6.2} bytes  {micros:>6.3} µs an event");
        }
    }
}
