//! Watching the API key's file while Customer.io refuses the credentials.

use std::time::Duration;

use crate::delivery::BreakerState;
use crate::pipeline::Handle;

/// Interval at which the file is read.
const INTERVAL: Duration = Duration::from_secs(5);

/// While the credentials are refused, reads the API key's file, and sends with its key once that is
/// another one. Never returns.
pub(super) async fn watch_key_file(handle: Handle) {
    let snapshots = handle.snapshots();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let is_refused = matches!(
            snapshots.borrow().delivery.breaker,
            BreakerState::Refused { .. }
        );
        let settings = handle.settings();
        if !is_refused || settings.customerio.api_key_file.is_empty() {
            continue;
        }
        // A file that can't be read may be in the middle of being replaced.
        let Ok(destination) = settings.destination() else {
            continue;
        };
        match handle.use_credentials(&destination).await {
            Ok(true) => tracing::info!("customerio.api_key_file holds another key: trying it"),
            Ok(false) => {}
            Err(error) => tracing::debug!("cannot use the key in customerio.api_key_file: {error}"),
        }
    }
}
