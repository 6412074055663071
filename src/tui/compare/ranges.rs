//! The differences of two ranges of time: rates, deliveries, violations, event types.

use std::collections::BTreeMap;

use crate::amplitude::time;
use crate::limits::Code;
use crate::text::{counted, duration, grouped};
use crate::tui::compare::table::{Row, Section, Table};
use crate::tui::range::query::Figures;
use crate::tui::range::time_range::TimeRange;
use crate::tui::widget::text;

/// Maximum event types in the table: those whose rates differ most.
const MOST_TYPES: usize = 200;

/// Columns of a count, and of its rate or share.
const COUNT: usize = 10;

/// A range, and what the ring holds of it.
#[derive(Clone, Copy)]
struct Side<'f> {
    range: TimeRange,
    figures: &'f Figures,
}

/// Compares two ranges by their figures.
pub(crate) fn compare(ranges: [TimeRange; 2], figures: &[Figures; 2]) -> Table {
    let [a, b] = figures.each_ref();
    let sides = [
        Side {
            range: ranges[0],
            figures: a,
        },
        Side {
            range: ranges[1],
            figures: b,
        },
    ];
    let name = |letter: &str, range: TimeRange| {
        let length = duration(range.length_ms());
        format!("{letter} {}, {length}", range.label())
    };
    let notes = [("A", sides[0]), ("B", sides[1])];
    Table {
        names: [name("A", ranges[0]), name("B", ranges[1])],
        notes: notes.iter().filter_map(|(l, side)| side.note(l)).collect(),
        sections: vec![
            decisions(sides),
            deliveries(sides),
            violations(sides),
            types(sides),
        ],
        has_changes: true,
    }
}

impl Side<'_> {
    /// The seconds of the range that the ring holds. None if it holds nothing of it.
    fn seconds(&self) -> Option<f64> {
        let covered = self.figures.covered(self.range)?;
        Some((covered.length_ms() as f64 / 1_000.0).max(1.0))
    }

    /// Says from when on the range is counted, if the ring begins later.
    fn note(&self, letter: &str) -> Option<String> {
        let oldest = self.figures.oldest_ms.map(time::to_clock_seconds);
        match (self.figures.covered(self.range), oldest) {
            (Some(covered), _) if covered == self.range => None,
            (Some(_), Some(oldest)) => Some(format!(
                "The ring begins at {oldest}: {letter} is counted from then on."
            )),
            (None, Some(oldest)) => Some(format!(
                "The ring begins at {oldest}: it holds nothing of {letter}."
            )),
            (_, None) => Some(format!("The ring is empty: it holds nothing of {letter}.")),
        }
    }

    /// A count over the covered time in events a second.
    fn rate(&self, count: u64) -> Option<f64> {
        self.seconds().map(|seconds| count as f64 / seconds)
    }

    /// A count with its rate: `12,040  40/s`.
    fn counted(&self, count: u64) -> String {
        match self.rate(count) {
            Some(rate) => beside(count, &text::rate(rate)),
            None => "–".to_owned(),
        }
    }
}

/// A count with its rate or share, both in columns.
fn beside(count: u64, rate: &str) -> String {
    let count = text::fit_right(&grouped(count), COUNT);
    format!("{count}{}", text::fit_right(rate, COUNT))
}

/// A row of counts with their rates, and the change of the rate.
fn row_of_counts(label: impl Into<String>, sides: [Side<'_>; 2], counts: [u64; 2]) -> Row {
    let [a, b] = sides;
    let values = [a.counted(counts[0]), b.counted(counts[1])];
    let change = change(a.rate(counts[0]), b.rate(counts[1]));
    let row = Row::new(label, values);
    Row {
        is_different: !change.is_empty(),
        ..row
    }
    .with_change(change)
}

/// The change between two values: `+12 %`, `new`, `gone`. Empty if it is less than half a percent.
fn change(before: Option<f64>, after: Option<f64>) -> String {
    let (Some(before), Some(after)) = (before, after) else {
        return String::new();
    };
    if before <= 0.0 {
        return if after > 0.0 { "new" } else { "" }.to_owned();
    }
    if after <= 0.0 {
        return "gone".to_owned();
    }
    let percent = (after / before - 1.0) * 100.0;
    match percent.abs() {
        p if p < 0.5 => String::new(),
        _ if after / before >= 10.0 => format!("× {:.0}", after / before),
        p if percent < 0.0 => format!("−{p:.0} %"),
        p => format!("+{p:.0} %"),
    }
}

fn decisions(sides: [Side<'_>; 2]) -> Section {
    let totals = sides.map(|side| &side.figures.totals);
    let row = |label, counts| row_of_counts(label, sides, counts);
    let mut rows = vec![
        row("received", totals.map(|t| t.received)),
        row("accepted", totals.map(|t| t.accepted)),
        row("filtered out", totals.map(|t| t.filtered)),
        row("rejected", totals.map(|t| t.rejected)),
    ];
    let malformed = totals.map(|t| t.malformed);
    if malformed != [0, 0] {
        rows.push(row("malformed", malformed));
    }
    Section {
        title: "Events by decision".to_owned(),
        rows,
    }
}

fn deliveries(sides: [Side<'_>; 2]) -> Section {
    let outcomes = sides.map(|side| side.figures.outcomes);
    let accepted = sides.map(|side| side.figures.totals.accepted);
    let row = |label: &str, counts: [u64; 2]| {
        let [a, b] = [0, 1].map(|at| match accepted[at] {
            _ if sides[at].seconds().is_none() => "–".to_owned(),
            0 => text::fit_right(&grouped(counts[at]), COUNT),
            all => beside(counts[at], &text::percent(counts[at], all)),
        });
        let share = |at: usize| {
            let all = accepted[at];
            (all > 0).then(|| counts[at] as f64 * 100.0 / all as f64)
        };
        let points = share(0).zip(share(1)).map(|(before, after)| after - before);
        let change = match points {
            Some(points) if points >= 0.05 => format!("+{points:.1} points"),
            Some(points) if points <= -0.05 => format!("−{:.1} points", points.abs()),
            _ => String::new(),
        };
        let row = Row::new(label, [a, b]);
        Row {
            is_different: !change.is_empty(),
            ..row
        }
        .with_change(change)
    };
    let mut rows = vec![
        row("delivered", outcomes.map(|o| o.delivered())),
        row("after a retry", outcomes.map(|o| o.after_retry)),
        row("queued or in flight", outcomes.map(|o| o.queued)),
        row("waiting for a retry", outcomes.map(|o| o.retrying)),
        row("dead letters", outcomes.map(|o| o.dead_letters)),
    ];
    let dry_run = outcomes.map(|o| o.dry_run);
    if dry_run != [0, 0] {
        rows.push(row("dry run, not sent", dry_run));
    }
    rows.extend(latencies(sides));
    Section {
        title: "Outcome of accepted events as of now, and their share".to_owned(),
        rows,
    }
}

fn latencies(sides: [Side<'_>; 2]) -> [Row; 2] {
    let latency = sides.map(|side| side.figures.latency_ms);
    let row = |label: &str, values: [Option<u64>; 2]| {
        let shown =
            |ms: Option<u64>| ms.map_or_else(|| "–".to_owned(), |ms| duration(ms.cast_signed()));
        let [before, after] = values.map(|ms| ms.map(|ms| ms as f64));
        let change = change(before, after);
        let row = Row::new(label, values.map(shown));
        row.with_change(change)
    };
    [
        row("latency p50", latency.map(|l| l.map(|(p50, _)| p50))),
        row("latency p95", latency.map(|l| l.map(|(_, p95)| p95))),
    ]
}

fn violations(sides: [Side<'_>; 2]) -> Section {
    let mut counts: BTreeMap<Code, [u64; 2]> = BTreeMap::new();
    for (at, side) in sides.iter().enumerate() {
        for limit in &side.figures.limits {
            counts.entry(limit.code).or_default()[at] += limit.recent;
        }
    }
    let mut rows: Vec<Row> = counts
        .into_iter()
        .map(|(code, counts)| row_of_counts(code.to_string(), sides, counts))
        .collect();
    if rows.is_empty() {
        rows.push(Row::new("none", Default::default()));
    }
    Section {
        title: "Violations of limits".to_owned(),
        rows,
    }
}

/// The event types, those whose rates differ most first.
fn types(sides: [Side<'_>; 2]) -> Section {
    let mut counts: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (at, side) in sides.iter().enumerate() {
        for row in &side.figures.types {
            counts.entry(&row.name).or_default()[at] += row.count;
        }
    }
    let total = counts.len();
    let difference = |counts: [u64; 2]| {
        let [a, b] = [0, 1].map(|at| sides[at].rate(counts[at]).unwrap_or_default());
        (b - a).abs()
    };
    let mut sorted: Vec<(&str, [u64; 2])> = counts.into_iter().collect();
    sorted.sort_by(|(_, a), (_, b)| difference(*b).total_cmp(&difference(*a)));
    sorted.truncate(MOST_TYPES);
    let row = |(name, counts)| row_of_counts(text::event_name(name), sides, counts);
    let title = match total {
        0 => "No event types".to_owned(),
        1 => "1 event type".to_owned(),
        _ => format!(
            "{}, the largest difference of rates first",
            counted(total as u64, "event type")
        ),
    };
    Section {
        title,
        rows: sorted.into_iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Totals, TypeRow};
    use crate::tui::range::query::Outcomes;

    fn figures(received: u64, types: &[(&str, u64)], oldest_ms: i64) -> Figures {
        let row = |(name, count): &(&str, u64)| TypeRow {
            name: (*name).into(),
            count: *count,
            accepted: *count,
            rate: 0.0,
        };
        Figures {
            totals: Totals {
                received,
                accepted: received,
                ..Totals::default()
            },
            outcomes: Outcomes {
                first_attempt: received,
                ..Outcomes::default()
            },
            types: types.iter().map(row).collect(),
            oldest_ms: Some(oldest_ms),
            ..Figures::default()
        }
    }

    fn range(from_s: i64, to_s: i64) -> TimeRange {
        TimeRange {
            from_ms: from_s * 1_000,
            to_ms: to_s * 1_000,
        }
    }

    #[test]
    fn ranges_are_compared_by_rates_over_the_time_that_the_ring_holds() {
        let before = figures(100, &[("A", 60), ("Old", 40)], 50_000);
        let after = figures(600, &[("A", 120), ("New", 480)], 50_000);
        // The ring holds 50 of the first 100 seconds.
        let table = compare([range(0, 100), range(100, 160)], &[before, after]);
        assert_eq!(
            table.notes,
            ["The ring begins at 00:00:50: A is counted from then on."]
        );
        let row = |label: &str| {
            let rows = table.sections.iter().flat_map(|s| &s.rows);
            rows.into_iter().find(|row| row.label == label).unwrap()
        };
        assert_eq!(
            row("received").values,
            ["       100     2.0/s", "       600      10/s"]
        );
        assert_eq!(row("received").change, "+400 %");
        assert_eq!((&*row("New").change, &*row("Old").change), ("new", "gone"));
        assert_eq!(row("delivered").change, "", "the shares are equal");
        let types = table.sections.last().unwrap();
        let order: Vec<&str> = types.rows.iter().map(|row| &*row.label).collect();
        assert_eq!(order, ["New", "A", "Old"]);
    }

    #[test]
    fn a_range_before_the_ring_has_no_rates() {
        let before = figures(0, &[], 100_000);
        let after = figures(600, &[("A", 600)], 100_000);
        let table = compare([range(0, 100), range(100, 160)], &[before, after]);
        assert_eq!(
            table.notes,
            ["The ring begins at 00:01:40: it holds nothing of A."]
        );
        let received = &table.sections[0].rows[0];
        assert_eq!(received.values[0], "–");
        assert_eq!(received.change, "");
    }
}
