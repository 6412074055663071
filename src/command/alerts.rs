//! Starts the alerts of a forwarder.

use std::sync::Arc;

use color_eyre::eyre::Result;

use crate::alerting::{self, Notifier};
use crate::config::Settings;
use crate::http;
use crate::network::Proxies;
use crate::pipeline::Pipeline;

/// Watches the states of `[[alerts]]`, as long as the pipeline runs.
pub(super) fn start(pipeline: &mut Pipeline, settings: &Settings) -> Result<()> {
    if settings.alerts.is_empty() {
        return Ok(());
    }
    let proxies = Arc::new(Proxies::from_environment()?);
    let http = http::client(&proxies).build()?;
    let rules = settings.alerts.clone();
    let (ring, snapshots) = {
        let handle = pipeline.handle();
        (handle.ring().clone(), handle.snapshots())
    };
    let notifier = Notifier::new(rules, settings.workspace(), &http, ring);
    pipeline.run_beside("the alerts", alerting::run(notifier, snapshots));
    Ok(())
}
