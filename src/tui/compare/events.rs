//! The differences of two events: decision, outcome, lag, and properties.

use std::collections::BTreeMap;

use crate::amplitude::{json, time};
use crate::filter::Decision;
use crate::privacy::mask::{self, Privacy};
use crate::protocol::{Outcome, Record};
use crate::text::{counted, duration, grouped};
use crate::tui::compare::table::{Row, Section, Table};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::outcome_of;
use crate::tui::person::query::Identity;
use crate::tui::widget::text;

/// Maximum characters of a value: more are never visible.
const MAX_CHARACTERS: usize = 400;

/// Compares two events. `queued` is the reason why accepted events stay queued.
pub(crate) fn compare(
    records: &[Record; 2],
    queued: Option<QueueReason>,
    privacy: Option<Privacy>,
    are_summaries: bool,
) -> Table {
    let note =
        "Only summaries of events are here: properties of events that were not opened are missing.";
    let name = |letter: &str, record: &Record| {
        let clock = time::to_clock(record.received_ms);
        format!("{letter} {} {clock}", grouped(record.sequence))
    };
    let mut sections = vec![history(records, queued, privacy)];
    sections.extend(properties(records, privacy));
    Table {
        names: [name("A", &records[0]), name("B", &records[1])],
        notes: are_summaries.then(|| note.to_owned()).into_iter().collect(),
        sections,
        has_changes: false,
    }
}

/// The steps of both events.
fn history(
    records: &[Record; 2],
    queued: Option<QueueReason>,
    privacy: Option<Privacy>,
) -> Section {
    let ids: Vec<String> = records.iter().filter_map(person).collect();
    let masked = |text: String| match privacy {
        Some(privacy) => privacy.text(&text, &ids),
        None => text,
    };
    let row = |label: &str, value: &dyn Fn(&Record) -> String| {
        Row::new(label, records.each_ref().map(value))
    };
    let lag = |record: &Record| {
        let happened = record.event().and_then(|event| event.time().ok());
        happened.map_or_else(none, |ms| duration((record.received_ms - ms).max(0)))
    };
    let latency = |record: &Record| match record.story.outcome {
        Outcome::Delivered { took_ms } => duration(i64::from(took_ms)),
        _ => none(),
    };
    let shown_person =
        |record: &Record| person(record).map_or_else(none, |id| mask::shown(privacy, &id));
    Section {
        title: "Decision and outcome".to_owned(),
        rows: vec![
            row("type", &|record| {
                text::event_name(record.event_type()).to_owned()
            }),
            row("person", &shown_person),
            row("decision", &decision),
            row("outcome", &|record| masked(outcome_of(record, queued).2)),
            row("lag to receipt", &lag),
            row("receipt to delivery", &latency),
            row("attempts", &|record| {
                record.story.attempts.len().to_string()
            }),
            row("violations", &violations),
        ],
    }
}

fn none() -> String {
    "–".to_owned()
}

fn person(record: &Record) -> Option<String> {
    let identity = record.event().and_then(Identity::of)?;
    Some(identity.id().to_owned())
}

fn decision(record: &Record) -> String {
    match &record.story.decision {
        None => "malformed: no event".to_owned(),
        Some(Decision::Accepted) => "accepted".to_owned(),
        Some(Decision::Filtered { by }) => format!("filtered out: {by}"),
        Some(Decision::Rejected { code }) => format!("rejected: {code}"),
    }
}

fn violations(record: &Record) -> String {
    let codes = record.story.violations.iter().map(|v| v.code.to_string());
    let codes: Vec<String> = codes.collect();
    if codes.is_empty() {
        "none".to_owned()
    } else {
        codes.join(", ")
    }
}

/// The properties that differ: with different values, only in one, only in the other.
fn properties(records: &[Record; 2], privacy: Option<Privacy>) -> Vec<Section> {
    let documents = records.each_ref().map(|record| match privacy {
        Some(privacy) => privacy.document(record.text()),
        None => record.text().to_owned(),
    });
    let [a, b] = documents.each_ref().map(|document| leaves(document));
    let mut different = Vec::new();
    let mut only = [Vec::new(), Vec::new()];
    let mut equal = 0;
    for (path, value) in &a {
        match b.get(path) {
            Some(other) if other == value => equal += 1,
            Some(other) => different.push(Row::new(path, [shown(value), shown(other)])),
            None => only[0].push(Row::new(path, [shown(value), String::new()])),
        }
    }
    for (path, value) in b.iter().filter(|(path, _)| !a.contains_key(*path)) {
        only[1].push(Row::new(path, [String::new(), shown(value)]));
    }
    let [only_a, only_b] = only;
    let sections = [
        ("Different values", different),
        ("Only in A", only_a),
        ("Only in B", only_b),
    ];
    let mut found: Vec<Section> = sections
        .into_iter()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(title, rows)| Section {
            title: format!("{title}: {}", counted(rows.len() as u64, "field")),
            rows,
        })
        .collect();
    let equal = format!("Equal: {}", counted(equal, "field"));
    found.push(Section {
        title: equal,
        rows: Vec::new(),
    });
    found
}

/// The values of an event by their paths. An array is one value.
fn leaves(document: &str) -> BTreeMap<String, &str> {
    let mut found = BTreeMap::new();
    collect(document, String::new(), 0, &mut found);
    found
}

fn collect<'d>(raw: &'d str, path: String, depth: usize, found: &mut BTreeMap<String, &'d str>) {
    let entries = json::entries(raw).filter(|entries| !entries.is_empty());
    match entries.filter(|_| depth <= json::MAX_DEPTH) {
        Some(entries) => {
            for (key, value) in entries {
                let below = match path.as_str() {
                    "" => key.into_owned(),
                    path => format!("{path}.{key}"),
                };
                collect(value.trim(), below, depth + 1, found);
            }
        }
        // What is no object has no fields.
        None if path.is_empty() => {}
        None => _ = found.insert(path, raw),
    }
}

/// A value as it is written: a text has quotes, so that it is told from a number.
fn shown(raw: &str) -> String {
    raw.chars().take(MAX_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tests_support::record;

    const A: &str = r#"{"event_type":"Buy","user_id":"u-1","time":1799999999500,"event_properties":{"total":12.50,"coupon":"X","email":"a@b.example"},"groups":{}}"#;
    const B: &str = r#"{"event_type":"Buy","user_id":"u-2","time":1799999999500,"event_properties":{"total":"12.50","items":[1,2],"email":"a@b.example"},"groups":{}}"#;

    fn rows(table: &Table, title: &str) -> Vec<(String, [String; 2])> {
        let section = table.sections.iter().find(|s| s.title.starts_with(title));
        let rows = section.unwrap_or_else(|| panic!("{title} in {table:?}"));
        let rows = rows.rows.iter();
        rows.map(|row| (row.label.clone(), row.values.clone()))
            .collect()
    }

    #[test]
    fn two_events_are_compared_field_by_field() {
        let mut delivered = record(2, A, Decision::Accepted, Outcome::Delivered { took_ms: 84 });
        let mut queued = record(3, B, Decision::Accepted, Outcome::OnItsWay);
        delivered.received_ms = 1_800_000_000_000;
        queued.received_ms = 1_800_000_000_500;
        let pair = [delivered, queued];
        let table = compare(&pair, None, None, false);
        let pairs = |rows: &[(&str, [&str; 2])]| -> Vec<(String, [String; 2])> {
            let row = |(label, values): &(&str, [&str; 2])| {
                ((*label).to_owned(), values.map(str::to_owned))
            };
            rows.iter().map(row).collect()
        };
        assert_eq!(
            rows(&table, "Different values: 2 fields"),
            pairs(&[
                ("event_properties.total", ["12.50", "\"12.50\""]),
                ("user_id", ["\"u-1\"", "\"u-2\""]),
            ])
        );
        let coupon = [("event_properties.coupon", ["\"X\"", ""])];
        assert_eq!(rows(&table, "Only in A: 1 field"), pairs(&coupon));
        let items = [("event_properties.items", ["", "[1,2]"])];
        assert_eq!(rows(&table, "Only in B: 1 field"), pairs(&items));
        assert_eq!(rows(&table, "Equal: 4 fields"), []);
        let steps = rows(&table, "Decision and outcome");
        for step in pairs(&[
            ("outcome", ["delivered 84 ms", "on its way"]),
            ("lag to receipt", ["500 ms", "1.0 s"]),
            ("receipt to delivery", ["84 ms", "–"]),
        ]) {
            assert!(steps.contains(&step), "{step:?} in {steps:?}");
        }
        // Nothing personal is left in it.
        let hidden = format!(
            "{:?}",
            compare(&pair, None, Some(Privacy { salt: 1 }), true)
        );
        for personal in ["u-1", "u-2", "a@b.example"] {
            assert!(!hidden.contains(personal), "{personal} in {hidden}");
        }
    }
}
