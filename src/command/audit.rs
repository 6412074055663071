//! `audit`: compares Amplitude's export with the ledger, and delivers what did not arrive.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::{Result, bail};

use crate::amplitude::time;
use crate::audit::{Against, Audited, Collected, Collector, Deliver, EventFiles, Report, compare};
use crate::cli::{Audit, AuditFormat, LogFormat};
use crate::config::Settings;
use crate::jetstream::Location;
use crate::ledger::Reader;

use super::config_source::ConfigSource;
use super::deliver::Delivery;
use super::export::{self, Export};
use super::ledger;
use super::output::{self, log_to_stderr_from};
use super::progress::ProgressBar;

pub(super) async fn run(mut args: Audit, source: ConfigSource) -> Result<ExitCode> {
    log_to_stderr_from("warn", LogFormat::Text);
    let settings = source.clone().load(&[])?.settings;
    say_limits_of_group(&args, &settings)?;
    // What can't be delivered is said before anything is downloaded.
    let delivery = if args.deliver.is_empty() {
        None
    } else {
        Some(Delivery::prepare(&args, source.clone())?)
    };
    let mut folders = std::mem::take(&mut args.ledger);
    if folders.is_empty() {
        let spool = std::mem::take(&mut args.spool);
        folders.push(ledger::folder(spool, source)?);
    }
    let ledgers = Reader::open_all(&folders)?;
    let Some(key) = ledgers.first().map(Reader::key) else {
        bail!("no ledger is named");
    };
    let files = files(&args).await?;
    let source = EventFiles {
        paths: files.into(),
        max_event_bytes: args.archives.max_event_bytes,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let collectors = Collector::for_threads(threads, key, &settings)?;
    let hours = args.start.zip(args.end);
    let comparison = Comparison {
        ledgers,
        hours: hours.map(|(start, end)| (start.number(), end.number())),
        deliver: args.deliver,
    };
    let all = source.clone();
    let collecting = move || Comparison::run(comparison, collect(&all, collectors)?);
    let (comparison, collected, audited) = tokio::task::spawn_blocking(collecting).await??;
    let mut report = audited.report;
    if let Some(delivery) = delivery
        && delivery.deliver(audited.chosen, &report, source).await?
    {
        let again = move || Comparison::run(comparison, collected);
        report = tokio::task::spawn_blocking(again).await??.2.report;
    }
    // The forwarder tells of it.
    let result = report.last_audit(time::now(), args.max_missing);
    for folder in folders {
        if let Err(error) = result.write(&folder) {
            complain!("sluicegate: {error}");
        }
    }
    say_report(&report, args.format);
    let is_alarming = report.is_alarming(args.max_missing);
    Ok(ExitCode::from(u8::from(is_alarming)))
}

/// The files with the events of the export: downloaded, or named.
async fn files(args: &Audit) -> Result<Vec<PathBuf>> {
    match (&args.from[..], args.start, args.end) {
        ([], Some(start), Some(end)) => {
            let wanted = Export {
                start,
                end,
                server: &args.export,
                to: &args.to,
            };
            let downloaded = export::download(&wanted).await?;
            // The report alone is on standard output.
            complain!("{}", downloaded.summary);
            Ok(downloaded.files)
        }
        _ => Ok(args.from.clone()),
    }
}

/// Refuses what an audit can't do for a group of forwarders, and says what it leaves out.
fn say_limits_of_group(args: &Audit, settings: &Settings) -> Result<()> {
    if !Location::is_meant(&settings.feed.url) {
        return Ok(());
    }
    if !args.deliver.is_empty() {
        bail!(
            "--deliver works for one forwarder: in a group, publish the hours again with `sluicegate backfill --publish`; what has arrived keeps its id, and Customer.io keeps one"
        );
    }
    if args.ledger.is_empty() {
        complain!(
            "sluicegate: this is the ledger of one member: name those of all members with --ledger"
        );
    }
    Ok(())
}

fn say_report(report: &Report, format: AuditFormat) {
    match format {
        AuditFormat::Text => say_as_is!("{}", report.text()),
        AuditFormat::Markdown => say_as_is!("{}", report.markdown()),
        AuditFormat::Html => say_as_is!("{}", report.page()),
        AuditFormat::Json => output::json(report),
    }
}

/// The ledgers that an export is compared with.
struct Comparison {
    ledgers: Vec<Reader>,
    hours: Option<(i64, i64)>,
    deliver: Vec<Deliver>,
}

impl Comparison {
    /// Compares the export, and returns all for another comparison.
    fn run(self, mut collected: Collected) -> Result<(Self, Collected, Audited)> {
        let against = Against {
            ledgers: &self.ledgers,
            hours: self.hours,
            deliver: &self.deliver,
            has_details: false,
        };
        let audited = compare(&mut collected, &against)?;
        Ok((self, collected, audited))
    }
}

/// Reads the events of the files, with a thread for each collector.
fn collect(files: &EventFiles, collectors: Vec<Collector>) -> Result<Collected> {
    let bar = ProgressBar::new();
    let draw = |done| {
        bar.draw(done, files.paths.len(), "files compared");
        ControlFlow::Continue(())
    };
    let collected = files.collect(collectors, &draw);
    bar.end();
    let (collected, malformed) = collected?;
    if malformed > 0 {
        complain!("sluicegate: {malformed} parts of the files are not events, and are left out");
    }
    Ok(collected)
}
