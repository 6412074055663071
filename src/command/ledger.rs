//! `ledger`: the size of the ledger, events in it, and all of its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use color_eyre::eyre::Result;
use serde::Serialize;

use crate::amplitude::time;
use crate::cli::{Format, Ledger, SpoolFolder, Wanted};
use crate::filter::Decision;
use crate::ledger::{self, Dictionary, Entry, Outage, Reader, Row, Selection, Stats};
use crate::text::grouped;
use crate::tui::widget::text::bytes;

use super::config_source::ConfigSource;
use super::output::{self, printable};
use super::spool_location::spool_folder;

/// Time before and after `--around`, in milliseconds.
const AROUND_MS: i64 = 600_000;
/// Outages that the text of `stats` shows.
const OUTAGES: usize = 10;

pub(super) fn run(command: Ledger, source: ConfigSource) -> Result<ExitCode> {
    match command {
        Ledger::Stats { spool, format } => stats(&folder(spool, source)?, format),
        Ledger::Find {
            spool,
            wanted,
            format,
        } => find(&folder(spool, source)?, &wanted, format),
        Ledger::Export { spool } => export(&folder(spool, source)?),
    }
}

/// The folder of the ledger that belongs to the spool.
pub(super) fn folder(spool: SpoolFolder, source: ConfigSource) -> Result<PathBuf> {
    let settings = source.clone().load(&[])?.settings;
    if settings.ledger.folder.is_empty() {
        return Ok(settings.ledger_folder(&spool_folder(spool, source)?));
    }
    Ok(settings.ledger.folder.into())
}

#[derive(Serialize)]
struct Report {
    folder: String,
    #[serde(flatten)]
    size: Stats,
    outages: Vec<Outage>,
}

fn stats(folder: &Path, format: Format) -> Result<ExitCode> {
    let size = ledger::stats(folder)?;
    let notes = Reader::open(folder)?.read(&Selection::Notes, |_, _| {})?;
    let report = Report {
        folder: folder.display().to_string(),
        size,
        outages: ledger::outages(&notes),
    };
    match format {
        Format::Json => output::json(&report),
        Format::Text => {
            let size = &report.size;
            let at = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), time::to_stamp_seconds);
            say!(
                "{}\n{} in {} files, {} of them not packed yet\nwritten from {} to {}",
                report.folder,
                bytes(size.bytes as usize),
                grouped(size.files),
                grouped(size.journals),
                at(size.oldest_ms),
                at(size.newest_ms)
            );
            for outage in report.outages.iter().rev().take(OUTAGES) {
                say!("{}", printable(&outage.sentence()));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A row, as it is shown.
#[derive(Debug, Serialize)]
struct Shown {
    hash: String,
    event_time: String,
    received: String,
    event_type: String,
    person: String,
    decision: Option<Decision>,
    outcome: ledger::Outcome,
    took_ms: Option<u64>,
}

impl Shown {
    fn of(row: &Row, dictionary: &Dictionary) -> Self {
        let is_settled = row.outcome == ledger::Outcome::Delivered || row.outcome.is_dead();
        Self {
            hash: format!("{:012x}", row.key.hash),
            event_time: time::to_rfc3339(i64::from(row.key.second) * 1_000),
            received: time::to_rfc3339(row.received_ms()),
            event_type: dictionary.event_type(row.event_type).to_owned(),
            person: format!("{:04x}", row.person),
            decision: dictionary.decision(row.decision).cloned(),
            outcome: row.outcome,
            took_ms: is_settled.then(|| row.took_ms()),
        }
    }

    fn text(&self) -> String {
        let decision = match &self.decision {
            // It was accepted before the rows that are kept.
            None | Some(Decision::Accepted) => "accepted".to_owned(),
            Some(Decision::Filtered { by }) => format!("filtered out: {by}"),
            Some(Decision::Rejected { code }) => format!("rejected: {code}"),
        };
        let outcome = match self.took_ms {
            Some(ms) => format!("{} {} ms after receipt", self.outcome.name(), grouped(ms)),
            None => self.outcome.name().to_owned(),
        };
        format!(
            "{}  {}  received {}  {}  {outcome}",
            self.event_time,
            printable(&self.event_type),
            self.received,
            printable(&decision)
        )
    }
}

fn find(folder: &Path, wanted: &Wanted, format: Format) -> Result<ExitCode> {
    let reader = Reader::open(folder)?;
    let key = wanted.id.map(|id| reader.key().event(id));
    let person = wanted
        .user
        .as_deref()
        .map(|user| reader.key().person(user.trim()));
    let around = wanted.around.unwrap_or_default();
    let hour_of = |ms: i64| u32::try_from(ms.div_euclid(3_600_000)).unwrap_or_default();
    let hours: BTreeSet<u32> = match key {
        Some(key) => [key.hour()].into(),
        None => (hour_of(around - AROUND_MS)..=hour_of(around + AROUND_MS)).collect(),
    };
    let is_near = |row: &Row| (i64::from(row.key.second) * 1_000 - around).abs() <= AROUND_MS;
    // The rows of outcomes have no person: first all of the time, then those of the person.
    let mut entries: BTreeMap<ledger::Key, (Entry, Shown)> = BTreeMap::new();
    reader.read(&Selection::Hours(hours), |row, dictionary| {
        if key.map_or_else(|| !is_near(row), |key| row.key != key) {
            return;
        }
        let shown = |entry: &Entry| Shown::of(&entry.row, dictionary);
        match entries.get_mut(&row.key) {
            Some((entry, last)) => {
                let decided = last.decision.clone();
                entry.add(*row, |number| dictionary.accepts(number));
                let next = shown(entry);
                let decision = if row.decision == 0 {
                    decided
                } else {
                    next.decision
                };
                *last = Shown { decision, ..next };
            }
            None => {
                let entry = Entry::new(*row);
                entries.insert(row.key, (entry, shown(&entry)));
            }
        }
    })?;
    let found: Vec<Shown> = entries
        .into_values()
        .filter(|(entry, _)| person.is_none_or(|person| entry.row.person == person))
        .map(|(_, shown)| shown)
        .filter(|shown| {
            wanted
                .name
                .as_ref()
                .is_none_or(|name| *name == shown.event_type)
        })
        .collect();
    match format {
        Format::Json => output::json(&found),
        Format::Text if found.is_empty() => say!("the ledger has no such event"),
        Format::Text => found.iter().for_each(|shown| say!("{}", shown.text())),
    }
    Ok(ExitCode::from(u8::from(found.is_empty())))
}

fn export(folder: &Path) -> Result<ExitCode> {
    let reader = Reader::open(folder)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut failed = None;
    reader.read(&Selection::All, |row, dictionary| {
        if failed.is_some() {
            return;
        }
        let line = serde_json::to_string(&Shown::of(row, dictionary)).unwrap_or_default();
        failed = writeln!(out, "{line}").err();
    })?;
    failed.map_or_else(|| out.flush(), Err)?;
    Ok(ExitCode::SUCCESS)
}
