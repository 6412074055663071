//! `audit`: compares Amplitude's export with the ledger.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::{Result, bail};

use crate::amplitude::archive::{self, Piece};
use crate::audit::{Against, Collected, Collector, compare};
use crate::cli::{Audit, AuditFormat, LogFormat};
use crate::ledger::Reader;

use super::config_source::ConfigSource;
use super::export::{self, Export};
use super::output::{self, log_to_stderr_from};
use super::{ledger, progress::ProgressBar};

pub(super) async fn run(args: Audit, source: ConfigSource) -> Result<ExitCode> {
    log_to_stderr_from("warn", LogFormat::Text);
    let settings = source.clone().load(&[])?.settings;
    let folder = ledger::folder(args.spool, source)?;
    let reader = Reader::open(&folder)?;
    let files = match (&args.from[..], args.start, args.end) {
        ([], Some(start), Some(end)) => {
            let wanted = Export {
                start,
                end,
                server: &args.export,
                to: &args.to,
            };
            export::download(&wanted).await?
        }
        (from, ..) => from.to_vec(),
    };
    let collector = Collector::new(reader.key().clone(), &settings)?;
    let max_event_bytes = args.archives.max_event_bytes;
    let (format, max_missing) = (args.format, args.max_missing);
    let hours = args.start.zip(args.end);
    let hours = hours.map(|(start, end)| (start.number(), end.number()));
    let comparing = tokio::task::spawn_blocking(move || {
        let collected = collect(&files, collector, max_event_bytes)?;
        let against = Against {
            reader: &reader,
            hours,
        };
        Ok::<_, color_eyre::Report>(compare(collected, &against)?)
    });
    let report = comparing.await??;
    match format {
        AuditFormat::Text => say_as_is!("{}", report.text()),
        AuditFormat::Markdown => say_as_is!("{}", report.markdown()),
        AuditFormat::Json => output::json(&report),
    }
    Ok(ExitCode::from(u8::from(report.is_alarming(max_missing))))
}

/// Reads the events of the files.
fn collect(
    files: &[PathBuf],
    mut collector: Collector,
    max_event_bytes: usize,
) -> Result<Collected> {
    let options = archive::Options {
        max_event_bytes,
        received_ms: 0,
    };
    let bar = ProgressBar::new();
    let (mut malformed, mut broken) = (0, Vec::new());
    for (done, path) in files.iter().enumerate() {
        bar.draw(done, files.len(), "files compared");
        let _ = archive::each(path, options, &mut |piece| {
            match piece {
                Piece::Event(event, _) if !collector.add(&event) => return ControlFlow::Break(()),
                Piece::Malformed(found, _, _) => malformed += found.parts,
                Piece::Broken(error) => broken.push(error.to_string()),
                Piece::Event(..) | Piece::Skipped(_) => {}
            }
            ControlFlow::Continue(())
        });
    }
    bar.draw(files.len(), files.len(), "files compared");
    bar.end();
    if malformed > 0 {
        complain!("sluicegate: {malformed} parts of the files are not events, and are left out");
    }
    // An export that is not whole would hide what is missing.
    if let Some(first) = broken.first() {
        bail!("{first}");
    }
    Ok(collector.finish()?)
}
