//! `/metrics`: the figures of a forwarder, or of a relay, for a monitoring system, in the text format of
//! [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/).
//!
//! They are taken from the published snapshot when they are asked for; the way of the events knows
//! nothing of them. `assets/metrics.md` lists them.

mod exposition;
mod families;
mod group_families;
mod relay_families;
#[cfg(test)]
mod tests;
mod type_labels;

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::protocol::Snapshot;
use crate::relay::RelayStatus;

use super::about::About;
use super::access::Role;
use families::Families;
use relay_families::RelayFamilies;
use type_labels::TypeLabels;

/// The content type that names the format and its version.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of one forwarder.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    types: Mutex<TypeLabels>,
}

impl Metrics {
    /// Answers with the figures of a snapshot, and of the attached screens by role.
    pub(super) fn answer(
        &self,
        about: &About,
        snapshot: Arc<Snapshot>,
        screens: [(Role, u64); 2],
    ) -> Response {
        let headers = [(header::CONTENT_TYPE, CONTENT_TYPE)];
        (headers, self.text(about, snapshot, screens)).into_response()
    }

    fn text(&self, about: &About, snapshot: Arc<Snapshot>, screens: [(Role, u64); 2]) -> String {
        let types = {
            let mut labels = self.types.lock().unwrap_or_else(PoisonError::into_inner);
            labels.counts(&snapshot.types)
        };
        let mut registry = Registry::with_prefix("sluicegate");
        registry.register_collector(Box::new(Families {
            about: about.clone(),
            snapshot,
            types,
            screens,
        }));
        text_of(&registry)
    }
}

/// Answers with the figures of a relay.
pub(super) fn of_relay(status: RelayStatus) -> Response {
    let headers = [(header::CONTENT_TYPE, CONTENT_TYPE)];
    (headers, relay_text(status)).into_response()
}

fn relay_text(status: RelayStatus) -> String {
    let mut registry = Registry::with_prefix("sluicegate_relay");
    registry.register_collector(Box::new(RelayFamilies(status)));
    text_of(&registry)
}

fn text_of(registry: &Registry) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, registry);
    text
}
