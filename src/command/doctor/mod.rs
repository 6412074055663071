//! `doctor`: checks each hop from the feed to Customer.io in order, with the network code that `run`
//! uses, and says what to do about the first one that fails.

mod clock;
mod customerio;
mod feed;
mod proxy;
mod report;
mod spool;
mod terminal;

use std::process::ExitCode;

use color_eyre::eyre::Result;

use super::config_source::ConfigSource;
use super::error_line::error_line;
use super::problems;
use crate::cli::Doctor;
use crate::config::{Loaded, Needs};
use report::{Check, Report};

const CONFIGURATION: &str = "configuration";

pub(super) async fn run(args: Doctor, source: ConfigSource) -> Result<ExitCode> {
    let limit = args.timeout;
    let mut report = Report::new(args.format);
    report.add(Check::ok(
        "version",
        format!(
            "{} on {} {}",
            env!("BUILD_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH
        ),
    ));
    let path = source.path.clone();
    let found = match source.load(&args.settings.flags()) {
        Ok(loaded) => {
            add_problems(&loaded, &mut report);
            Some(loaded.settings)
        }
        Err(error) => {
            report.add(Check::failed(
                CONFIGURATION,
                error_line(&error),
                "correct the configuration, then run sluicegate config check",
            ));
            None
        }
    };
    if let (Some(path), false) = (path, report.has_failed(CONFIGURATION)) {
        let read = if path.exists() {
            path.display().to_string()
        } else {
            "no file; the environment and flags have what is needed".to_owned()
        };
        report.add(Check::ok(CONFIGURATION, read));
    }
    let usable = found.as_ref().filter(|_| !report.has_failed(CONFIGURATION));
    proxy::check(usable, limit, &mut report).await;
    clock::check(usable, limit, &mut report).await;
    feed::check(usable, limit, &mut report).await;
    customerio::check(usable, args.send_test, limit, &mut report).await;
    spool::check(usable, limit, &mut report).await;
    terminal::check(found.as_ref(), limit, &mut report).await;
    Ok(ExitCode::from(u8::from(!report.end())))
}

/// Adds each problem of the settings.
fn add_problems(loaded: &Loaded, report: &mut Report) {
    for problem in problems::of(loaded, Needs::BOTH) {
        report.add(Check::failed(
            CONFIGURATION,
            problem.to_string(),
            "correct this setting; sluicegate config show lists where each comes from",
        ));
    }
}
