//! `lint`: events against the limits, offline.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::process::ExitCode;

use color_eyre::eyre::Result;
use serde::Serialize;

use crate::amplitude::archive::{self, Piece};
use crate::amplitude::{Event, Malformed, time};
use crate::cli::{Format, Lint};
use crate::config::Settings;
use crate::customerio::dedupe;
use crate::limits::{self, LIMITS, Policy, Violation};
use crate::text::grouped;

use super::config_source::ConfigSource;
use super::output::{self, printable};

pub(super) fn run(args: &Lint, source: ConfigSource) -> Result<ExitCode> {
    let settings = source.load(&[])?.settings;
    if args.limits {
        list_limits(&settings, args.format);
        return Ok(ExitCode::SUCCESS);
    }
    let mut report = Report::default();
    let mut seen = HashSet::new();
    let options = archive::Options {
        max_event_bytes: args.archives.max_event_bytes,
        received_ms: time::now(),
    };
    for path in &args.files {
        let _ = archive::each(path, options, &mut |piece| {
            match piece {
                Piece::Event(event, place) => {
                    report.check(&event, &place, &settings, args.age, &mut seen);
                }
                Piece::Malformed(malformed, _, place) => report.malformed(&place, &malformed),
                Piece::Skipped(place) => report.passed_over.push(place.to_string()),
                Piece::Broken(error) => {
                    complain!("sluicegate: {error}");
                    report.unreadable.push(error.to_string());
                }
            }
            ControlFlow::Continue(())
        });
    }
    report.tell_passed_over();
    let is_nothing = report.events == 0 && report.malformed == 0;
    if is_nothing && !report.unreadable.is_empty() {
        return Ok(ExitCode::from(2));
    }
    match args.format {
        Format::Text => say_as_is!("{}", report.text()),
        Format::Json => output::json(&report),
    }
    Ok(ExitCode::from(u8::from(
        report.rejected > 0 || report.malformed > 0 || !report.unreadable.is_empty(),
    )))
}

fn list_limits(settings: &Settings, format: Format) {
    #[derive(Serialize)]
    struct Row {
        code: &'static str,
        policy: Policy,
        limit: u64,
        unit: limits::Unit,
        summary: &'static str,
        source: &'static str,
    }
    let rows = LIMITS.iter().map(|l| Row {
        code: l.code.name(),
        policy: settings.limits.of(l.code),
        limit: l.limit,
        unit: l.unit,
        summary: l.summary,
        source: l.source,
    });
    match format {
        Format::Json => output::json(&rows.collect::<Vec<_>>()),
        Format::Text => {
            for row in rows {
                say!(
                    "{:<8} {:<25} {}\n{:>34} {}",
                    row.policy.verb(),
                    row.code,
                    row.summary,
                    "",
                    row.source
                );
            }
        }
    }
}

/// What was found.
#[derive(Debug, Default, Serialize)]
struct Report {
    events: u64,
    malformed: u64,
    /// Events that break at least one limit that rejects.
    rejected: u64,
    /// Events that break only limits that warn.
    warned: u64,
    first_malformed: Option<String>,
    /// Members of zips that are no exports.
    passed_over: Vec<String>,
    /// What could not be read, or not to its end.
    unreadable: Vec<String>,
    violations: BTreeMap<limits::Code, BTreeMap<String, Found>>,
}

#[derive(Debug, Serialize)]
struct Found {
    policy: Policy,
    events: u64,
    path: String,
    says: String,
    /// Where the first one stands: file and line.
    example: String,
}

impl Report {
    fn malformed(&mut self, place: &archive::Position, malformed: &Malformed) {
        self.malformed += malformed.parts;
        self.first_malformed
            .get_or_insert_with(|| format!("{place}: {malformed}"));
    }

    fn tell_passed_over(&self) {
        let Some(first) = self.passed_over.first() else {
            return;
        };
        let count = grouped(self.passed_over.len() as u64);
        complain!(
            "sluicegate: passed over {count} members that are no exports; the first: {first}"
        );
    }

    fn check(
        &mut self,
        event: &Event,
        place: &archive::Position,
        settings: &Settings,
        age: bool,
        seen: &mut HashSet<u128>,
    ) {
        self.events += 1;
        let happened = event.time().unwrap_or(event.received_ms());
        // An archive is always old: unless asked, an event's age is not held against it.
        let now = if age || happened > time::now() {
            time::now()
        } else {
            happened
        };
        let is_new = seen.insert(dedupe::id(event).into());
        let violations =
            limits::check_alone(event, &settings.mapping, &settings.limits, now, !is_new);
        let rejects = violations.iter().any(|v| v.policy == Policy::Reject);
        self.rejected += u64::from(rejects);
        self.warned += u64::from(!rejects && !violations.is_empty());
        let event_type = event.event_type().unwrap_or_default().into_owned();
        for violation in violations {
            self.note(violation, &event_type, place);
        }
    }

    fn note(&mut self, violation: Violation, event_type: &str, place: &archive::Position) {
        let of_limit = self.violations.entry(violation.code).or_default();
        let found = of_limit
            .entry(event_type.to_owned())
            .or_insert_with(|| Found {
                policy: violation.policy,
                events: 0,
                path: violation.path.into_owned(),
                says: violation.sentence,
                example: place.to_string(),
            });
        found.events += 1;
    }

    fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        for (code, by_type) in &self.violations {
            for (event_type, found) in by_type {
                let shown = if event_type.trim().is_empty() {
                    "(no name)".to_owned()
                } else {
                    printable(event_type)
                };
                let verb = found.policy.verb();
                let _ = writeln!(
                    out,
                    "{verb:<8} {code:<25} {:>8}  {shown}",
                    grouped(found.events)
                );
                let _ = writeln!(
                    out,
                    "         {}: {}  ({})",
                    printable(&found.path),
                    printable(&found.says),
                    found.example
                );
            }
        }
        if let Some(first) = &self.first_malformed {
            let _ = writeln!(
                out,
                "malformed {:>34}  the first: {}",
                grouped(self.malformed),
                first
            );
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(
            out,
            "{} events read, {} malformed; {} would be rejected, {} warned of",
            grouped(self.events),
            grouped(self.malformed),
            grouped(self.rejected),
            grouped(self.warned)
        );
        out
    }
}
