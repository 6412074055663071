//! `sandbox`: serves the stand-in for the Track API and the App API.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use crate::cli;
use crate::customerio::sandbox::{AppFaults, Counts, Faults, Options, Sandbox};
use crate::signals;
use crate::text::grouped;

use super::listener::listen;

pub(super) async fn run(args: cli::Sandbox) -> Result<ExitCode> {
    let listener = listen(args.listen).await?;
    let faults = Faults {
        latency_ms: args.latency.as_millis() as u64,
        fail_share: args.fail_share,
        throttle_share: args.throttle_share,
        hang_up_share: args.hang_up_share,
        sign_in_share: args.sign_in_share,
        proxy_share: args.proxy_share,
        unreadable_share: args.unreadable_share,
        retry_after: args.retry_after,
        app: AppFaults {
            delay_ms: args.activity_delay.as_millis() as u64,
            fail_event_share: args.fail_event_share,
            lose_event_share: args.lose_event_share,
            mail_on: args.mail_on,
            ..AppFaults::default()
        },
        ..Faults::default()
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let credentials = variable("SLUICEGATE_CUSTOMERIO_SITE_ID")
        .zip(variable("SLUICEGATE_CUSTOMERIO_API_KEY"))
        .map(|(site_id, key)| format!("{site_id}:{key}"));
    let accepted = if credentials.is_some() {
        "the credentials in the environment"
    } else {
        "any credentials"
    };
    let signal = signals::first();
    let sandbox = Sandbox::start(
        listener,
        Options {
            credentials,
            app_key: variable("SLUICEGATE_VERIFY_APP_API_KEY"),
            faults,
            ..Options::default()
        },
    )?;
    say!(
        "sandbox at {}, accepting {accepted}; its counts are at /sandbox/counts  (press Ctrl-C to end)",
        sandbox.url()
    );
    signal.cancelled().await;
    say_counts(&sandbox.counts());
    Ok(ExitCode::SUCCESS)
}

fn say_counts(counts: &Counts) {
    say!(
        "{} requests, {} events of {} people, {} duplicates ignored, {} items refused",
        grouped(counts.requests),
        grouped(counts.events),
        grouped(counts.people),
        grouped(counts.duplicates),
        grouped(counts.refused)
    );
    if counts.app_requests + counts.not_applied > 0 {
        say!(
            "{} requests to the App API; {} items accepted and then failed, skipped or lost",
            grouped(counts.app_requests),
            grouped(counts.not_applied)
        );
    }
}
