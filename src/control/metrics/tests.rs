//! The metrics of a made-up forwarder.

use std::collections::BTreeMap;

use crate::feed::usage::Usage;
use crate::protocol::{Totals, TypeRow};

use super::type_labels::MAX_TYPES;
use super::*;

fn about() -> About {
    About::this(
        "a \"workspace\"\n".to_owned(),
        "sandbox".to_owned(),
        "ws://feed".to_owned(),
    )
}

fn text_of_forwarder(snapshot: Arc<Snapshot>) -> String {
    let screens = [(Role::Viewer, 2), (Role::Operator, 1)];
    Metrics::default().text(&about(), snapshot, screens)
}

fn text_of_relay() -> String {
    relay_text(RelayStatus {
        at_ms: 0,
        since_ms: 0,
        received: 3,
        refused: 0,
        ring: Usage::default(),
        log: None,
        sources: Vec::new(),
        clients: Vec::new(),
    })
}

fn row(name: &str, count: u64, accepted: u64) -> TypeRow {
    TypeRow {
        name: name.into(),
        count,
        accepted,
        rate: 0.0,
    }
}

/// Name, type and help of each family.
fn families(text: &str) -> BTreeMap<String, (String, String)> {
    let mut families: BTreeMap<String, (String, String)> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' ')) {
            families.entry(name.to_owned()).or_default().0 = kind.to_owned();
        }
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' ')) {
            families.entry(name.to_owned()).or_default().1 = help.to_owned();
        }
    }
    families
}

#[test]
fn every_family_has_its_row_in_the_documentation_and_the_prefix() {
    let of_group = Snapshot {
        group: Some(Arc::default()),
        ..Snapshot::default()
    };
    let text = text_of_forwarder(Arc::new(of_group));
    let of_relay = text_of_relay();
    assert!(text.ends_with("# EOF\n") && of_relay.ends_with("# EOF\n"));
    let documented = include_str!("../../../assets/metrics.md");
    let mut told = families(&text);
    told.extend(families(&of_relay));
    for (name, (kind, help)) in &told {
        assert!(name.starts_with("sluicegate_"), "{name}");
        let row = format!("| `{name}` | {kind} | {help} |");
        assert!(documented.contains(&row), "{row}");
    }
    let rows = documented
        .lines()
        .filter(|l| l.starts_with("| `sluicegate_"));
    assert_eq!(rows.count(), told.len(), "a row for each and no more");
}

#[test]
fn text_from_outside_stays_within_its_label() {
    let snapshot = Snapshot {
        types: Arc::new(vec![row("a\"b\\c\nd", 3, 1)]),
        ..Snapshot::default()
    };
    let text = text_of_forwarder(Arc::new(snapshot));
    let line = r#"sluicegate_events_by_type_total{event_type="a\"b\\c\nd",decision="accepted"} 1"#;
    assert!(text.lines().any(|l| l == line), "{text}");
    assert!(text.contains(r#"workspace="a \"workspace\"\n""#), "{text}");
}

#[test]
fn screens_are_counted_by_role_and_a_relay_has_names_of_its_own() {
    let text = text_of_forwarder(Arc::default());
    assert!(text.contains("sluicegate_control_screens{role=\"viewer\"} 2"));
    let of_relay = families(&text_of_relay());
    assert!(
        of_relay
            .keys()
            .all(|name| name.starts_with("sluicegate_relay_"))
    );
}

#[test]
fn histograms_count_up_to_infinity() {
    let mut snapshot = Snapshot {
        totals: Totals::default(),
        ..Snapshot::default()
    };
    for ms in [3, 80, 20_000_000] {
        snapshot.latency_buckets.add(ms);
    }
    let text = text_of_forwarder(Arc::new(snapshot));
    for line in [
        r#"sluicegate_delivery_latency_seconds_bucket{le="0.005"} 1"#,
        r#"sluicegate_delivery_latency_seconds_bucket{le="0.1"} 2"#,
        r#"sluicegate_delivery_latency_seconds_bucket{le="+Inf"} 3"#,
        "sluicegate_delivery_latency_seconds_count 3",
        "sluicegate_delivery_latency_seconds_sum 20000.083",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
}

#[test]
fn no_counter_of_a_type_falls_and_their_number_is_bounded() {
    let mut labels = TypeLabels::default();
    let mut before: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    for round in 1..5_u64 {
        // Each round has new types, which are more frequent than the ones before.
        let rows = (0..round * 90).rev();
        let rows: Vec<TypeRow> = rows
            .map(|n| row(&format!("t{n}"), round * 1_000 + n, n))
            .collect();
        let counts = labels.counts(&rows);
        assert!(counts.len() <= MAX_TYPES + 1);
        let all: u64 = counts.iter().map(|c| c.accepted + c.not_accepted).sum();
        assert_eq!(all, rows.iter().map(|row| row.count).sum::<u64>());
        for one in counts {
            let now = one.accepted + one.not_accepted;
            let then = before.insert(one.name.clone(), now);
            assert!(then.is_none_or(|then| then <= now), "{}", one.name);
        }
    }
}
