//! The sandbox's own paths: its content, and the faults to inject.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::answer::{accepted, json, meta_errors};
use super::faults::Faults;
use super::state::{SandboxState, Shared};

pub(super) fn routes() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/sandbox/counts", get(counts))
        .route("/sandbox/people", get(people))
        .route("/sandbox/people/{id}/events", get(events_of_person))
        .route("/sandbox/people/{id}/attributes", get(attributes_of_person))
        .route("/sandbox/faults", get(faults).put(set_faults))
}

async fn counts(State(state): Shared) -> Response {
    json(&state.store().counts())
}

async fn people(State(state): Shared) -> Response {
    json(&state.store().people())
}

async fn events_of_person(State(state): Shared, Path(id): Path<String>) -> Response {
    json(&state.store().events_of(&id))
}

async fn attributes_of_person(State(state): Shared, Path(id): Path<String>) -> Response {
    json(&state.store().attributes_of(&id))
}

async fn faults(State(state): Shared) -> Response {
    json(&*state.faults())
}

async fn set_faults(State(state): Shared, body: Bytes) -> Response {
    match serde_json::from_slice::<Faults>(&body) {
        Ok(faults) => {
            *state.faults() = faults;
            accepted()
        }
        Err(error) => meta_errors(StatusCode::BAD_REQUEST, &[error.to_string()]),
    }
}
