//! `backfill`: a project's past, from Amplitude's Export API into files.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::{Result, bail};
use secrecy::SecretString;

use crate::amplitude::export::{Download, Got, Hour, Project};
use crate::amplitude::time;
use crate::cli::{AmplitudeRegion, Backfill, LogFormat};
use crate::tui::widget::text;

use super::log_to_stderr;

/// Before an hour is asked for again.
const PAUSE: Duration = Duration::from_secs(2);
/// Events may come into an export so late (Export API).
const LATE_HOURS: i64 = 2;
/// The columns of the bar.
const BAR: usize = 30;

pub(super) async fn run(args: Backfill) -> Result<ExitCode> {
    log_to_stderr(LogFormat::Text);
    let (start, end) = (args.start, args.end);
    let hours = start.upto(end);
    if hours.len() == 0 {
        bail!("--end {} is before --start {}", end.name(), start.name());
    }
    let safe = Hour::of(time::now() - LATE_HOURS * 3_600_000);
    if end >= safe {
        complain!(
            "sluicegate: events come into an export up to two hours late: what is asked for from {} on may not be whole",
            safe.name()
        );
    }
    let key = |name: &str| match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(SecretString::from(value)),
        _ => bail!(
            "{name} is not set: it is in Amplitude under Settings, Projects, the project's keys"
        ),
    };
    let project = Project {
        server: args
            .server
            .unwrap_or_else(|| args.region.server().to_owned()),
        api_key: key("AMPLITUDE_API_KEY")?,
        secret_key: key("AMPLITUDE_SECRET_KEY")?,
    };
    let download = Download::new(project, &args.to, PAUSE)?;
    let on_terminal = std::io::stderr().is_terminal();
    let (all, mut with, mut without, mut bytes) = (hours.len(), 0, 0, 0);
    for (done, hour) in hours.enumerate() {
        if on_terminal {
            bar(done, all, &hour.name());
        }
        let got = download.get(hour).await;
        if on_terminal && got.is_err() {
            complain!();
        }
        match got? {
            Got::Events(size) => {
                with += 1;
                bytes += size;
            }
            Got::None => without += 1,
            Got::Already => {}
        }
    }
    if on_terminal {
        bar(all, all, &end.name());
        complain!();
    }
    let already = all - with - without;
    say!(
        "{all} hours: {with} downloaded ({}), {without} without events, {already} there already",
        text::bytes(bytes as usize)
    );
    say!(
        "look at them:  sluicegate demo --from {0}/*.zip --speed 10x\nserve them:    sluicegate replay {0}/*.zip",
        args.to.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// How far it is, on the line that it stands on.
fn bar(done: usize, all: usize, hour: &str) {
    use std::io::Write as _;
    let filled = done * BAR / all.max(1);
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled));
    // Who can't see it misses nothing.
    let _ = write!(
        std::io::stderr(),
        "\r[{bar}] {done} of {all} hours, {hour} "
    );
}

impl AmplitudeRegion {
    /// Its server.
    fn server(self) -> &'static str {
        match self {
            Self::Us => "https://amplitude.com",
            Self::Eu => "https://analytics.eu.amplitude.com",
        }
    }
}
