//! The report as a page: one HTML file without a script or anything from elsewhere, for light and dark
//! screens.

mod charts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::{Counts, NOT_COMPARED, Report};
use super::text::shown;
use crate::text::{counted, grouped};

/// Maximum rows of a table of event types.
const MAX_TYPES: usize = 200;
/// The head of the page. Its policy lets a browser load nothing and run nothing.
const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
";

/// A text from outside in HTML, on one line, without control characters.
fn html(text: &str) -> String {
    let mut out = String::new();
    for c in shown(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

impl Report {
    /// The report as a page in HTML.
    pub fn page(&self) -> String {
        let title = format!("Audit of {} to {}", self.from, self.to);
        let mut out = format!(
            "{HEAD}<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            include_str!("style.css")
        );
        self.write_summary(&mut out);
        chart(
            &mut out,
            "From the export to the outcome",
            &charts::funnel(&self.total),
        );
        chart(
            &mut out,
            "Hours (UTC), by the time of the event",
            &charts::heat_map(&self.hours),
        );
        out.push_str("<p>✓ all arrived, ! up to 1 % did not arrive, ✗ more than 1 % did not arrive, + events that are not in the export</p>\n");
        self.write_gaps(&mut out);
        self.write_types(&mut out);
        for (title, counts) in self.reasons() {
            write_reasons(&mut out, title, counts);
        }
        let times = [
            ("event to receipt", &self.event_to_received_ms),
            ("receipt to delivery", &self.received_to_delivered_ms),
        ];
        chart(&mut out, "Lag", &charts::lag(&times));
        self.write_outages(&mut out);
        let _ = writeln!(out, "<p>{NOT_COMPARED}</p>\n</body>\n</html>");
        out
    }

    /// Appends the verdict, and the most important counts.
    fn write_summary(&self, out: &mut String) {
        let total = &self.total;
        let (class, verdict) = match (total.missing, total.undelivered()) {
            (0, 0) => ("", "Nothing is missing or undelivered.".to_owned()),
            (missing, undelivered) => (
                " bad",
                format!(
                    "{} never received, {} accepted and undelivered.",
                    counted(missing, "event"),
                    grouped(undelivered)
                ),
            ),
        };
        let _ = writeln!(
            out,
            "<div class=\"verdict{class}\">{verdict}</div>\n<div class=\"tiles\">"
        );
        for (name, count, is_bad) in [
            ("in Amplitude's export", total.in_export, false),
            ("missing", total.missing, true),
            ("filtered out", total.filtered, false),
            ("rejected", total.rejected, false),
            ("delivered", total.delivered, false),
            ("waiting", total.waiting, true),
            ("dead letters", total.dead_letters, true),
            ("dry run", total.dry_run, false),
            ("extra", total.extra, false),
            ("doubled", total.doubled, true),
            ("repeated in the export", total.repeated_in_export, false),
        ] {
            let class = if is_bad && count > 0 { " bad" } else { "" };
            let count = grouped(count);
            let _ = writeln!(out, "<div class=\"tile{class}\"><b>{count}</b>{name}</div>");
        }
        out.push_str("</div>\n");
    }

    fn write_gaps(&self, out: &mut String) {
        if self.gaps.is_empty() {
            return;
        }
        out.push_str("<h2>Worst gaps</h2>\n<div class=\"wide\"><table>\n<tr><th>kind</th><th>events</th><th class=\"left\">hours</th><th class=\"left\">likely cause</th></tr>\n");
        for gap in &self.gaps {
            let examples: Vec<String> = gap.examples.iter().map(|id| html(id)).collect();
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td>{}</td><td class=\"left\">{} to {}</td><td class=\"left\">{}<br><code>{}</code></td></tr>",
                gap.kind.name(),
                grouped(gap.events),
                html(&gap.from),
                html(&gap.to),
                html(&gap.cause),
                examples.join(" ")
            );
        }
        out.push_str("</table></div>\n");
    }

    /// Appends the counts by type, the most frequent ones first.
    fn write_types(&self, out: &mut String) {
        out.push_str("<h2>Event types</h2>\n<div class=\"wide\"><table>\n<tr><th>type</th><th>in export</th><th>missing</th><th>filtered</th><th>rejected</th><th>delivered</th><th>undelivered</th><th>extra</th></tr>\n");
        let mut types: Vec<(&String, &Counts)> = self.types.iter().collect();
        types.sort_by_key(|(_, it)| std::cmp::Reverse((it.in_export, it.extra)));
        for (name, it) in types.iter().take(MAX_TYPES) {
            let _ = write!(out, "<tr><td>{}</td>", html(name));
            for (count, is_bad) in [
                (it.in_export, false),
                (it.missing, true),
                (it.filtered, false),
                (it.rejected, false),
                (it.delivered, false),
                (it.undelivered(), true),
                (it.extra, false),
            ] {
                let class = if is_bad && count > 0 {
                    " class=\"bad\""
                } else {
                    ""
                };
                let _ = write!(out, "<td{class}>{}</td>", grouped(count));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table></div>\n");
        if let Some(more) = types.len().checked_sub(MAX_TYPES).filter(|more| *more > 0) {
            let more = counted(more as u64, "type");
            let _ = writeln!(
                out,
                "<p>{more} with fewer events: see the report as text or JSON</p>"
            );
        }
    }

    fn write_outages(&self, out: &mut String) {
        if self.outages.is_empty() {
            return;
        }
        out.push_str("<h2>Outages noted in the ledger</h2>\n<ul>\n");
        for outage in &self.outages {
            let _ = writeln!(out, "<li>{}</li>", html(&outage.sentence()));
        }
        out.push_str("</ul>\n");
    }
}

fn chart(out: &mut String, title: &str, svg: &str) {
    let _ = writeln!(out, "<h2>{title}</h2>\n<div class=\"wide\">{svg}</div>");
}

fn write_reasons(out: &mut String, title: &str, counts: &BTreeMap<String, u64>) {
    let _ = writeln!(out, "<h2>{title}</h2>\n<table>");
    for (name, count) in counts {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td></tr>",
            html(name),
            grouped(*count)
        );
    }
    out.push_str("</table>\n");
}
