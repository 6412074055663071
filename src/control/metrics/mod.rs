//! `/metrics`: the figures of a forwarder for a monitoring system, in the text format of
//! [OpenMetrics](https://prometheus.io/docs/specs/om/open_metrics_spec/).
//!
//! They are taken from the published snapshot when they are asked for; the way of the events knows
//! nothing of them. `assets/metrics.md` lists them.

mod exposition;
mod families;
#[cfg(test)]
mod tests;
mod type_labels;

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::protocol::Snapshot;

use super::about::About;
use families::Families;
use type_labels::TypeLabels;

/// The content type that names the format and its version.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of one forwarder.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    types: Mutex<TypeLabels>,
}

impl Metrics {
    /// Answers with the figures of a snapshot.
    pub(super) fn answer(&self, about: &About, snapshot: Arc<Snapshot>) -> Response {
        let headers = [(header::CONTENT_TYPE, CONTENT_TYPE)];
        (headers, self.text(about, snapshot)).into_response()
    }

    fn text(&self, about: &About, snapshot: Arc<Snapshot>) -> String {
        let types = {
            let mut labels = self.types.lock().unwrap_or_else(PoisonError::into_inner);
            labels.counts(&snapshot.types)
        };
        let mut registry = Registry::with_prefix("sluicegate");
        registry.register_collector(Box::new(Families {
            about: about.clone(),
            snapshot,
            types,
        }));
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
