//! The report as text and as Markdown.

use std::fmt::Write as _;

use super::report::{Counts, NOT_COMPARED, Report};
use crate::text::{duration, grouped, visible};

impl Report {
    /// The report as text. It may hold names from outside, as they are.
    pub fn text(&self) -> String {
        let mut out = format!("audit of {} to {}\n\n", self.from, self.to);
        for (name, count) in rows(&self.total) {
            let _ = writeln!(out, "{name:<34} {:>14}", grouped(count));
        }
        for (title, counts) in self.reasons() {
            let _ = writeln!(out, "\n{title}");
            for (name, count) in counts {
                let _ = writeln!(out, "  {:<40} {:>14}", shown(name), grouped(*count));
            }
        }
        let lag = |name: &str, it: &super::report::Percentiles| {
            let times = [it.p50, it.p95, it.p99, it.max].map(|ms| duration(ms.cast_signed()));
            let [p50, p95, p99, max] = times;
            format!("{name}: p50 {p50}, p95 {p95}, p99 {p99}, max {max}\n")
        };
        let _ = write!(
            out,
            "\n{}{}",
            lag("event to receipt", &self.event_to_received_ms),
            lag("receipt to delivery", &self.received_to_delivered_ms)
        );
        self.tables(&mut out);
        if !self.gaps.is_empty() {
            out.push_str("\nworst gaps\n");
        }
        for gap in &self.gaps {
            let _ = writeln!(
                out,
                "  {} {}, {} to {}: {}\n    such as {}",
                grouped(gap.events),
                gap.kind.name(),
                gap.from,
                gap.to,
                shown(&gap.cause),
                gap.examples.join(", ")
            );
        }
        let _ = writeln!(out, "\n{NOT_COMPARED}");
        out
    }

    /// Appends the counts by hour and by type.
    fn tables(&self, out: &mut String) {
        for (title, counts) in self.breakdowns() {
            let _ = writeln!(out, "\n{}", in_columns(&title.to_lowercase(), &COLUMNS));
            for (name, it) in counts {
                let cells = cells(it);
                let _ = writeln!(
                    out,
                    "{}",
                    in_columns(&shown(name), &cells.each_ref().map(String::as_str))
                );
            }
        }
    }

    /// The counts by hour and by type, with their titles.
    fn breakdowns(&self) -> [(&'static str, &std::collections::BTreeMap<String, Counts>); 2] {
        [("By hour", &self.hours), ("By type", &self.types)]
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!(
            "# Audit of {} to {}\n\n| | events |\n|---|---:|\n",
            self.from, self.to
        );
        for (name, count) in rows(&self.total) {
            let _ = writeln!(out, "| {name} | {} |", grouped(count));
        }
        for (title, counts) in self.reasons() {
            let _ = writeln!(out, "\n## {title}\n\n| | events |\n|---|---:|");
            for (name, count) in counts {
                let _ = writeln!(out, "| {} | {} |", in_cell(name), grouped(*count));
            }
        }
        for (title, counts) in self.breakdowns() {
            let heading = COLUMNS.join(" | ");
            let rule = "---:|".repeat(COLUMNS.len());
            let _ = writeln!(out, "\n## {title}\n\n| | {heading} |\n|---|{rule}");
            for (name, it) in counts {
                let _ = writeln!(out, "| {} | {} |", in_cell(name), cells(it).join(" | "));
            }
        }
        if !self.gaps.is_empty() {
            out.push_str("\n## Worst gaps\n\n");
        }
        for gap in &self.gaps {
            let _ = writeln!(
                out,
                "- **{} {}**, {} to {}: {} (such as `{}`)",
                grouped(gap.events),
                gap.kind.name(),
                gap.from,
                gap.to,
                in_cell(&gap.cause),
                gap.examples.join("`, `")
            );
        }
        let _ = writeln!(out, "\n{NOT_COMPARED}");
        out
    }

    /// The counts by reason, without empty ones.
    pub(super) fn reasons(&self) -> Vec<(&'static str, &std::collections::BTreeMap<String, u64>)> {
        let all = [
            ("Filtered out by", &self.filtered_by),
            ("Rejected by", &self.rejected_by),
            ("Dead letters", &self.dead_letters_by),
            (
                "Today's filters would decide differently",
                &self.decided_differently_today,
            ),
        ];
        all.into_iter().filter(|(_, it)| !it.is_empty()).collect()
    }
}

/// The columns of the counts by hour and by type.
const COLUMNS: [&str; 6] = [
    "in export",
    "missing",
    "filtered",
    "rejected",
    "delivered",
    "undelivered",
];

/// The cells of a row below [`COLUMNS`].
fn cells(it: &Counts) -> [String; 6] {
    [
        it.in_export,
        it.missing,
        it.filtered,
        it.rejected,
        it.delivered,
        it.undelivered(),
    ]
    .map(grouped)
}

/// A row of a table in text: a name, and cells aligned at their right.
fn in_columns(name: &str, cells: &[&str]) -> String {
    let mut line = format!("{name:<30}");
    for cell in cells {
        let _ = write!(line, " {cell:>11}");
    }
    line
}

/// The counts with their names, from the export to the outcome.
fn rows(it: &Counts) -> [(&'static str, u64); 13] {
    [
        ("in Amplitude's export", it.in_export),
        ("  missing: never received", it.missing),
        ("  received", it.received),
        ("    filtered out", it.filtered),
        ("    rejected by a limit", it.rejected),
        ("    accepted", it.accepted),
        ("      delivered", it.delivered),
        ("      waiting in the spool", it.waiting),
        ("      dead letters", it.dead_letters),
        ("      dry run: not sent", it.dry_run),
        ("extra: not in the export", it.extra),
        ("  doubled: one event with two ids", it.doubled),
        ("repeated in the export", it.repeated_in_export),
    ]
}

/// A name from outside on one line, without control characters.
pub(super) fn shown(name: &str) -> String {
    let name = if name.is_empty() { "(no name)" } else { name };
    name.chars().take(200).map(visible).collect()
}

/// A name from outside in Markdown.
fn in_cell(name: &str) -> String {
    let mut out = String::new();
    for c in shown(name).chars() {
        if "\\`*_{}[]<>()#|!".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
