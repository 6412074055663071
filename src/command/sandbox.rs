//! `sandbox`: the stand-in for the Track API as a server of its own.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use crate::cli;
use crate::customerio::sandbox::{Faults, Options, Sandbox};
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
        ..Faults::default()
    };
    let given = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let credentials = given("SLUICEGATE_CUSTOMERIO_SITE_ID")
        .zip(given("SLUICEGATE_CUSTOMERIO_API_KEY"))
        .map(|(site_id, key)| format!("{site_id}:{key}"));
    let takes = if credentials.is_some() {
        "the credentials of the environment"
    } else {
        "any credentials"
    };
    let signal = signals::first();
    let sandbox = Sandbox::start(
        listener,
        Options {
            credentials,
            faults,
            ..Options::default()
        },
    )?;
    say!(
        "sandbox at {}, taking {takes}; it tells what it holds under /sandbox/counts  (Ctrl-C ends)",
        sandbox.url()
    );
    signal.cancelled().await;
    let counts = sandbox.counts();
    say!(
        "{} requests, {} events of {} people, {} duplicates ignored, {} items refused",
        grouped(counts.requests),
        grouped(counts.events),
        grouped(counts.people),
        grouped(counts.duplicates),
        grouped(counts.refused)
    );
    Ok(ExitCode::SUCCESS)
}
