//! Collects the properties of an event type: frequency, types and values of each, and changes since the
//! first event in the ring. A property that changes its type breaks campaigns that compare
//! it.

use rustc_hash::FxHashMap;

use crate::amplitude::json::{self, Kind};
use crate::amplitude::time::UnixMs;
use crate::filter::catalog::LISTS;
use crate::filter::expression_builder::step;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;

/// Maximum depth of nested properties.
const DEEPEST: usize = 3;
/// Maximum properties collected.
const MOST: usize = 2_000;
/// Maximum different values counted per property.
const VALUES: usize = 200;
/// Maximum size of a counted value, in bytes.
const VALUE_BYTES: usize = 80;
/// Number of the most frequent values shown.
const TOP: usize = 5;
/// Minimum number of earlier events without it that makes a property new.
const SETTLED: u64 = 20;

/// The properties of an event type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// Number of events of the type in the ring.
    pub events: u64,
    /// The properties, by list and then by path.
    pub all: Vec<Property>,
}

/// One property.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// The path, as in a condition.
    pub path: String,
    /// Number of events that have it, `null` or not.
    pub count: u64,
    /// The types of the values, the most frequent first.
    pub kinds: Vec<(Kind, u64)>,
    /// The most frequent values as JSON, with their counts.
    pub top: Vec<(String, u64)>,
    /// Whether there are more different values than are counted.
    pub many: bool,
    /// The mean size of the values, in bytes.
    pub mean_bytes: u64,
    /// The largest size of a value, in bytes.
    pub most_bytes: u64,
    /// The change since the first event in the ring.
    pub change: Option<Change>,
}

/// A change of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    New {
        /// The time of its first occurrence.
        since_ms: UnixMs,
    },
    /// Its values have another type than before.
    Kind {
        /// The type before.
        was: Kind,
        /// The new type.
        now: Kind,
        /// The time of the first value with the new type.
        since_ms: UnixMs,
    },
}

impl Properties {
    /// Collects the properties of the events of this type in the ring.
    pub fn of(event_type: &str, ring: &SharedRing) -> Self {
        let of_type = |record: &Record| {
            let is_it = record.event().is_some() && record.event_type() == event_type;
            is_it.then(|| record.clone())
        };
        let (mut next, mut walk) = (0, Walk::default());
        while let Some(records) = ring.copy_batch(&mut next, of_type) {
            records.iter().for_each(|record| walk.event(record));
        }
        walk.end()
    }
}

/// The list of properties that a value is in, and its event.
#[derive(Clone, Copy)]
struct Source<'r> {
    /// Index into `LISTS`.
    list: usize,
    record: &'r Record,
}

#[derive(Default)]
struct Walk {
    events: u64,
    found: FxHashMap<String, PropertyCounts>,
}

struct PropertyCounts {
    list: usize,
    count: u64,
    bytes: u64,
    most_bytes: u64,
    kinds: Vec<KindCount>,
    values: FxHashMap<String, u64>,
    many: bool,
    /// Number of events of the type before its first occurrence.
    before: u64,
    first_ms: UnixMs,
}

struct KindCount {
    kind: Kind,
    count: u64,
    /// Number of events that had the property before, with another type.
    before: u64,
    first_ms: UnixMs,
}

impl Walk {
    fn event(&mut self, record: &Record) {
        for (key, value) in json::entries(record.text()).unwrap_or_default() {
            let Some(list) = LISTS.iter().position(|list| *list == key) else {
                continue;
            };
            let source = Source { list, record };
            self.object(value, LISTS[list], source, 1);
        }
        self.events += 1;
    }

    fn object(&mut self, raw: &str, path: &str, source: Source<'_>, depth: usize) {
        for (name, value) in json::entries(raw).unwrap_or_default() {
            let path = format!("{path}{}", step(&name));
            if depth < DEEPEST && json::kind(value) == Kind::Object {
                self.object(value, &path, source, depth + 1);
            }
            self.value(path, value, source);
        }
    }

    fn value(&mut self, path: String, value: &str, source: Source<'_>) {
        let Source { list, record } = source;
        if self.found.len() >= MOST && !self.found.contains_key(&path) {
            return;
        }
        let new = || PropertyCounts {
            list,
            count: 0,
            bytes: 0,
            most_bytes: 0,
            kinds: Vec::new(),
            values: FxHashMap::default(),
            many: false,
            before: self.events,
            first_ms: record.received_ms,
        };
        let found = self.found.entry(path).or_insert_with(new);
        let kind = json::kind(value);
        match found.kinds.iter_mut().find(|k| k.kind == kind) {
            Some(of_kind) => of_kind.count += 1,
            None => found.kinds.push(KindCount {
                kind,
                count: 1,
                before: found.count,
                first_ms: record.received_ms,
            }),
        }
        found.count += 1;
        found.bytes += value.len() as u64;
        found.most_bytes = found.most_bytes.max(value.len() as u64);
        if value.len() > VALUE_BYTES || matches!(kind, Kind::Object | Kind::Array) {
            return;
        }
        let is_full = found.values.len() >= VALUES;
        match found.values.get_mut(value) {
            Some(count) => *count += 1,
            None if is_full => found.many = true,
            None => _ = found.values.insert(value.to_owned(), 1),
        }
    }

    fn end(self) -> Properties {
        let mut all: Vec<(usize, Property)> = self
            .found
            .into_iter()
            .map(|(path, found)| (found.list, found.end(path)))
            .collect();
        all.sort_by(|(a, x), (b, y)| (a, &x.path).cmp(&(b, &y.path)));
        Properties {
            events: self.events,
            all: all.into_iter().map(|(_, property)| property).collect(),
        }
    }
}

impl PropertyCounts {
    fn end(self, path: String) -> Property {
        let change = self.change();
        let mut kinds: Vec<(Kind, u64)> = self.kinds.iter().map(|k| (k.kind, k.count)).collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut top: Vec<(String, u64)> = self.values.into_iter().collect();
        top.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        top.truncate(TOP);
        Property {
            path,
            count: self.count,
            kinds,
            top,
            many: self.many,
            mean_bytes: self.bytes / self.count.max(1),
            most_bytes: self.most_bytes,
            change,
        }
    }

    /// The change, if there is one. `null` is a value of every type.
    fn change(&self) -> Option<Change> {
        let typed = || self.kinds.iter().filter(|k| k.kind != Kind::Null);
        let was = typed().next()?.kind;
        let mut later = typed().skip(1).filter(|k| k.before >= SETTLED);
        if let Some(now) = later.next() {
            return Some(Change::Kind {
                was,
                now: now.kind,
                since_ms: now.first_ms,
            });
        }
        (self.before >= SETTLED).then_some(Change::New {
            since_ms: self.first_ms,
        })
    }
}

/// The name of a JSON type.
pub fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool => "true/false",
        Kind::Number => "number",
        Kind::String => "text",
        Kind::Array => "list",
        Kind::Object => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Decision;
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    #[test]
    fn each_property_tells_what_it_is_and_what_has_changed() {
        let ring = SharedRing::new(1 << 20);
        let of = |n: u64| {
            let total = if n > 30 {
                format!("\"{n}.00 EUR\"")
            } else {
                format!("{n}.5")
            };
            let coupon = if n > 25 { r#","a b":null"# } else { "" };
            let plan = if n.is_multiple_of(4) { "pro" } else { "free" };
            let name = if n.is_multiple_of(2) { "A" } else { "B" };
            let text = format!(
                r#"{{"event_type":"{name}","user_id":"u","event_properties":{{"total":{total}{coupon},"deep":{{"x":[1]}}}},"user_properties":{{"plan":"{plan}"}}}}"#
            );
            record(n, &text, Decision::Accepted, Outcome::OnItsWay)
        };
        ring.lock().extend((1..=100).map(of));
        let found = Properties::of("A", &ring);
        assert_eq!(found.events, 50);
        let paths: Vec<&str> = found.all.iter().map(|p| p.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "event_properties.deep",
                "event_properties.deep.x",
                "event_properties.total",
                r#"event_properties["a b"]"#,
                "user_properties.plan",
            ]
        );
        let total = &found.all[2];
        assert_eq!(total.kinds, [(Kind::String, 35), (Kind::Number, 15)]);
        // Fifteen events are too few to detect a change.
        assert_eq!(total.change, None);
        let plan = &found.all[4];
        assert_eq!(
            plan.top,
            [("\"free\"".to_owned(), 25), ("\"pro\"".to_owned(), 25)]
        );
        assert_eq!((plan.count, plan.most_bytes), (50, 6));
        assert_eq!(Properties::of("C", &ring), Properties::default());
    }

    #[test]
    fn a_changed_type_and_a_new_property_are_detected() {
        let more = SharedRing::new(1 << 20);
        more.lock().extend((1..=200).map(|n| {
            let value = if n > 100 { "\"1\"" } else { "1" };
            let new = if n > 150 { r#","new":true"# } else { "" };
            let text = format!(
                r#"{{"event_type":"A","user_id":"u","event_properties":{{"n":{value}{new}}}}}"#
            );
            record(n, &text, Decision::Accepted, Outcome::OnItsWay)
        }));
        let changes: Vec<Option<Change>> = Properties::of("A", &more)
            .all
            .iter()
            .map(|p| p.change)
            .collect();
        assert_eq!(
            changes,
            [
                Some(Change::Kind {
                    was: Kind::Number,
                    now: Kind::String,
                    since_ms: 101_000
                }),
                Some(Change::New { since_ms: 151_000 }),
            ]
        );
    }
}
