//! The charts of the page, as SVG. Their colours are those of the page's style.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::report::{Counts, Percentiles};
use crate::text::{duration, grouped};

/// Width of all charts.
const WIDTH: usize = 900;
/// Height of a row of the heat map.
const CELL_HEIGHT: usize = 22;
/// Width of an hour of the heat map.
const CELL_WIDTH: usize = 33;
/// Width of the labels at the left.
const LABELS: usize = 100;
/// Height of a row of the funnel and of the lag.
const ROW_HEIGHT: usize = 44;
/// Width of the longest bar of the funnel.
const BAR: f64 = 440.0;
/// Times at the axis of the lag.
const TICKS_MS: [u64; 11] = [
    1,
    10,
    100,
    1_000,
    10_000,
    60_000,
    600_000,
    3_600_000,
    86_400_000,
    864_000_000,
    8_640_000_000,
];
/// Share of an hour's events that may not arrive before the hour counts as bad.
const BAD_SHARE: f64 = 0.01;

fn begin(height: usize, what: &str) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{what}\">\n")
}

/// The events from the export to their outcome, with what is lost on the way.
pub(super) fn funnel(total: &Counts) -> String {
    let steps = [
        (
            "in export",
            total.in_export,
            vec![("missing", total.missing)],
        ),
        (
            "received",
            total.received,
            vec![
                ("filtered out", total.filtered),
                ("rejected", total.rejected),
            ],
        ),
        (
            "accepted",
            total.accepted,
            vec![
                ("waiting", total.waiting),
                ("dead letters", total.dead_letters),
                ("dry run", total.dry_run),
            ],
        ),
        ("delivered", total.delivered, vec![]),
    ];
    let mut out = begin(steps.len() * ROW_HEIGHT, "Funnel of events");
    for (row, (name, count, lost)) in steps.into_iter().enumerate() {
        let (y, width) = (row * ROW_HEIGHT, BAR * share(count, total.in_export));
        let lost: Vec<String> = lost
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("−{} {name}", grouped(count)))
            .collect();
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"bar\" x=\"{LABELS}\" y=\"{}\" width=\"{width:.1}\" height=\"26\" rx=\"3\"/>\
             <text x=\"{:.1}\" y=\"{}\">{} <tspan class=\"muted\">{:.2} %</tspan></text>\
             <text class=\"muted\" x=\"{}\" y=\"{}\">{}</text>",
            LABELS - 10,
            y + 22,
            y + 4,
            LABELS as f64 + width + 8.0,
            y + 22,
            grouped(count),
            100.0 * share(count, total.in_export),
            LABELS + 4,
            y + 42,
            lost.join(", ")
        );
    }
    out.push_str("</svg>");
    out
}

fn share(count: u64, of: u64) -> f64 {
    count as f64 / of.max(1) as f64
}

/// The hours of each day with events, with a sign and a colour for what did not arrive.
pub(super) fn heat_map(hours: &BTreeMap<String, Counts>) -> String {
    let mut days: BTreeMap<&str, [Option<&Counts>; 24]> = BTreeMap::new();
    for (name, counts) in hours {
        let Some((day, hour)) = name.split_once('T') else {
            continue;
        };
        let hour = hour.parse::<usize>().unwrap_or_default();
        if let Some(cell) = days.entry(day).or_default().get_mut(hour) {
            *cell = Some(counts);
        }
    }
    let mut out = begin((days.len() + 1) * CELL_HEIGHT, "Heat map of hours");
    for hour in 0..24 {
        let x = LABELS + hour * CELL_WIDTH + CELL_WIDTH / 2;
        let _ = write!(
            out,
            "<text class=\"muted\" x=\"{x}\" y=\"14\" text-anchor=\"middle\">{hour:02}</text>"
        );
    }
    for (row, (day, cells)) in days.into_iter().enumerate() {
        let y = (row + 1) * CELL_HEIGHT;
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{day}</text>",
            LABELS - 10,
            y + 15
        );
        for (hour, counts) in cells.into_iter().enumerate() {
            write_hour(&mut out, y, hour, counts);
        }
    }
    out.push_str("</svg>");
    out
}

fn write_hour(out: &mut String, y: usize, hour: usize, counts: Option<&Counts>) {
    let x = LABELS + hour * CELL_WIDTH;
    let (class, sign) = counts.map_or(("none", ""), state);
    let title = counts.map_or_else(
        || "no events".to_owned(),
        |it| {
            format!(
                "{} in export, {} missing, {} undelivered, {} delivered, {} extra",
                grouped(it.in_export),
                grouped(it.missing),
                grouped(it.undelivered()),
                grouped(it.delivered),
                grouped(it.extra)
            )
        },
    );
    let _ = writeln!(
        out,
        "<g><title>{hour:02}:00: {title}</title>\
         <rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"3\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{sign}</text></g>",
        CELL_WIDTH - 2,
        CELL_HEIGHT - 2,
        x + CELL_WIDTH / 2,
        y + 15
    );
}

/// The class and the sign of an hour.
fn state(counts: &Counts) -> (&'static str, &'static str) {
    let lost = counts.missing + counts.undelivered();
    match share(lost, counts.in_export) {
        _ if counts.in_export == 0 => ("none", "+"),
        _ if lost == 0 => ("ok", "✓"),
        share if share <= BAD_SHARE => ("warn", "!"),
        _ => ("bad", "✗"),
    }
}

/// Percentiles of times on a logarithmic axis.
pub(super) fn lag(times: &[(&str, &Percentiles)]) -> String {
    let axis = times.len() * ROW_HEIGHT + 8;
    let mut out = begin(axis + 24, "Percentiles of times");
    let longest = times.iter().map(|(_, it)| it.max).max().unwrap_or_default();
    let steps = (longest.max(10) as f64).log10().ceil();
    let width = (WIDTH - 2 * LABELS - 40) as f64;
    let place = |ms: u64| (LABELS + 40) as f64 + (ms.max(1) as f64).log10() / steps * width;
    for ms in TICKS_MS
        .into_iter()
        .filter(|ms| (*ms as f64).log10() <= steps)
    {
        let x = place(ms);
        let _ = writeln!(
            out,
            "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{axis}\"/>\
             <text class=\"muted\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            axis + 16,
            duration(ms.cast_signed())
        );
    }
    for (row, (name, it)) in times.iter().enumerate() {
        let y = row * ROW_HEIGHT + 28;
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <line class=\"range\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y}\" y2=\"{y}\"/>",
            LABELS + 20,
            y + 4,
            place(it.p50),
            place(it.max)
        );
        let labels = [it.p50, it.p95, it.p99, it.max].map(|ms| duration(ms.cast_signed()));
        let [p50, p95, p99, max] = &labels;
        let _ = writeln!(
            out,
            "<text class=\"muted\" x=\"{:.1}\" y=\"{}\">p50 {p50}, p95 {p95}, p99 {p99}, max {max}</text>",
            place(it.p50).min(WIDTH as f64 - 280.0),
            y - 10
        );
    }
    out.push_str("</svg>");
    out
}
