//! The incident summary of a range: what happened, figures, violations and the outcome, as Markdown.

use std::fmt::Write as _;

use crate::amplitude::time::{self, UnixMs};
use crate::text::{counted, duration, grouped};
use crate::tui::copy::format::code;
use crate::tui::range::query::Figures;
use crate::tui::range::time_range::TimeRange;
use crate::tui::throughput::state::Annotation;

/// Maximum event types and reasons in a summary.
const MOST: usize = 10;

/// What a summary tells of.
pub struct Incident<'i> {
    /// The workspace.
    pub workspace: &'i str,
    /// The range.
    pub range: TimeRange,
    /// Its figures.
    pub figures: &'i Figures,
    /// What happened, also outside the range.
    pub annotations: &'i [Annotation],
    /// The time of the summary.
    pub now_ms: UnixMs,
}

/// The summary as Markdown.
pub fn markdown(incident: &Incident<'_>) -> String {
    let range = incident.range;
    let stamp = |ms| format!("{} UTC", time::to_stamp(ms));
    let mut out = format!(
        "# Incident summary: {}\n\n{} to {}, {}. Outcomes as of {}.\n",
        code(incident.workspace),
        stamp(range.from_ms),
        stamp(range.to_ms),
        duration(range.length_ms()),
        stamp(incident.now_ms)
    );
    if let Some(oldest) = incident.figures.oldest_ms.filter(|ms| *ms > range.from_ms) {
        let oldest = stamp(oldest);
        let _ = writeln!(
            out,
            "\nThe ring begins at {oldest}: earlier events of the range are not counted."
        );
    }
    happened(incident, &mut out);
    figures(incident, &mut out);
    violations(incident.figures, &mut out);
    outcome(incident.figures, &mut out);
    out
}

fn happened(incident: &Incident<'_>, out: &mut String) {
    out.push_str("\n## What happened\n\n");
    let in_range = |a: &&Annotation| incident.range.contains(a.at_ms);
    let mut is_empty = true;
    for annotation in incident.annotations.iter().filter(in_range) {
        let clock = time::to_clock_seconds(annotation.at_ms);
        let _ = writeln!(out, "- {clock} {}", annotation.incident.description());
        is_empty = false;
    }
    if is_empty {
        out.push_str("- no change of filters, gate, feed or destination\n");
    }
}

fn figures(incident: &Incident<'_>, out: &mut String) {
    let Figures { totals, types, .. } = incident.figures;
    let covered = incident.figures.covered(incident.range);
    let seconds = covered.unwrap_or(incident.range).length_ms() as f64 / 1_000.0;
    let seconds = seconds.max(1.0);
    let rate = totals.received as f64 / seconds;
    let _ = write!(
        out,
        "\n## Figures\n\n\
         - received: {}, {rate:.1}/s\n- filtered out: {}\n- rejected: {}\n- accepted: {}\n",
        counted(totals.received, "event"),
        grouped(totals.filtered),
        grouped(totals.rejected),
        grouped(totals.accepted)
    );
    if totals.malformed > 0 {
        let _ = writeln!(out, "- malformed frames: {}", grouped(totals.malformed));
    }
    if types.is_empty() {
        return;
    }
    out.push_str("\n| event type | received | accepted |\n|---|---:|---:|\n");
    for row in types.iter().take(MOST) {
        let (count, accepted) = (grouped(row.count), grouped(row.accepted));
        let name = code(&row.name).replace('|', "\\|");
        let _ = writeln!(out, "| {name} | {count} | {accepted} |");
    }
    if let Some(more) = types.len().checked_sub(MOST + 1) {
        let more = counted(more as u64 + 1, "more type");
        let _ = writeln!(out, "\n{more} not listed.");
    }
}

fn violations(figures: &Figures, out: &mut String) {
    out.push_str("\n## Violations\n\n");
    if figures.limits.is_empty() {
        out.push_str("- none\n");
    }
    for row in &figures.limits {
        let worst = &row.worst;
        let _ = writeln!(
            out,
            "- {} {}: {}, worst in {} at {}: {}",
            row.policy.verb(),
            row.code,
            counted(row.recent, "violation"),
            code(&row.worst_type),
            code(&worst.path),
            code(&worst.sentence)
        );
    }
}

fn outcome(figures: &Figures, out: &mut String) {
    let outcomes = &figures.outcomes;
    let _ = write!(
        out,
        "\n## Outcome\n\n- delivered: {}, {} of them after a retry\n",
        grouped(outcomes.delivered()),
        grouped(outcomes.after_retry)
    );
    let rest = [
        ("queued or in flight", outcomes.queued),
        ("waiting for a retry", outcomes.retrying),
        ("dead letters", outcomes.dead_letters),
        ("dry run, not sent", outcomes.dry_run),
    ];
    for (name, count) in rest.into_iter().filter(|(_, count)| *count > 0) {
        let _ = writeln!(out, "- {name}: {}", grouped(count));
    }
    for (reason, count) in figures.reasons.iter().take(MOST) {
        let _ = writeln!(out, "  - {}: {}", code(reason), grouped(*count));
    }
    if let Some((p50, p95)) = figures.latency_ms {
        let [p50, p95] = [p50, p95].map(|ms| duration(ms.cast_signed()));
        let _ = writeln!(out, "- latency: p50 {p50}, p95 {p95}");
    }
    if !figures.answers.is_empty() {
        let answers = figures.answers.iter();
        let answers = answers.map(|(label, count)| format!("{label} for {}", grouped(*count)));
        let answers: Vec<String> = answers.collect();
        let _ = writeln!(out, "- answers by event: {}", answers.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Mode;
    use crate::protocol::{Totals, TypeRow};
    use crate::tui::range::query::Outcomes;
    use crate::tui::throughput::state::Incident as Kind;

    fn figures() -> Figures {
        Figures {
            totals: Totals {
                received: 1_200,
                accepted: 900,
                filtered: 290,
                rejected: 10,
                ..Totals::default()
            },
            outcomes: Outcomes {
                first_attempt: 890,
                after_retry: 7,
                dead_letters: 3,
                ..Outcomes::default()
            },
            types: vec![TypeRow {
                name: "A | `b`".into(),
                count: 1_200,
                accepted: 900,
                rate: 20.0,
            }],
            latency_ms: Some((84, 1_200)),
            reasons: [("required".to_owned(), 3)].into(),
            answers: [("200".to_owned(), 897), ("503".to_owned(), 7)].into(),
            oldest_ms: Some(30_000),
            ..Figures::default()
        }
    }

    #[test]
    fn a_summary_tells_what_happened_in_the_range_and_what_became_of_it() {
        let at = |at_ms, incident| Annotation { at_ms, incident };
        let annotations = [
            at(5_000, Kind::Filters),
            at(30_000, Kind::DeliveryDown),
            at(40_000, Kind::Gate(Mode::Shut)),
        ];
        let told = markdown(&Incident {
            workspace: "shop-prod",
            range: TimeRange {
                from_ms: 10_000,
                to_ms: 70_000,
            },
            figures: &figures(),
            annotations: &annotations,
            now_ms: 100_000,
        });
        for line in [
            "# Incident summary: `shop-prod`",
            "1970-01-01 00:00:10.000 UTC to 1970-01-01 00:01:10.000 UTC, 1 min. \
             Outcomes as of 1970-01-01 00:01:40.000 UTC.",
            "The ring begins at 1970-01-01 00:00:30.000 UTC: \
             earlier events of the range are not counted.",
            "- 00:00:30 delivery down",
            "- 00:00:40 gate shut",
            "- received: 1,200 events, 30.0/s",
            r"| `` A \| `b` `` | 1,200 | 900 |",
            "- none",
            "- delivered: 897, 7 of them after a retry",
            "- dead letters: 3",
            "  - `required`: 3",
            "- latency: p50 84 ms, p95 1.2 s",
            "- answers by event: 200 for 897, 503 for 7",
        ] {
            assert!(told.lines().any(|l| l == line), "{line} in {told}");
        }
        assert!(!told.contains("filters changed"), "{told}");
    }
}
