//! The paths of the Track API, v1 and v2.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post, put};

use super::access::authorize;
use super::answer::{accepted, errors, json, meta_errors};
use super::check::{self, BatchError, ItemError};
use super::contains::contains;
use super::fault_injection::inject_fault;
use super::item::Item;
use super::state::{SandboxState, Shared};
use super::v1;

pub(super) fn routes(state: &Arc<SandboxState>, address: SocketAddr) -> Router<Arc<SandboxState>> {
    Router::new()
        .route(
            "/api/v1/accounts/region",
            get(move || async move { region(address) }),
        )
        .route("/api/v2/batch", post(batch))
        .route("/api/v2/entity", post(entity))
        .route("/api/v1/customers/{id}", put(identify))
        .route("/api/v1/customers/{id}/events", post(customer_event))
        .route("/api/v1/events", post(anonymous_event))
        .layer(middleware::from_fn_with_state(state.clone(), inject_fault))
        .layer(middleware::from_fn_with_state(state.clone(), authorize))
}

fn region(address: SocketAddr) -> Response {
    let url = format!("http://{address}");
    json(&serde_json::json!({ "url": url, "region": "us", "environment_id": 1 }))
}

async fn batch(State(state): Shared, body: Bytes) -> Response {
    if let Some(response) = poisoned(&state, &body) {
        return response;
    }
    let items = match check::batch(&body) {
        Ok(items) => items,
        Err(BatchError::TooLarge(message)) => {
            return meta_errors(StatusCode::PAYLOAD_TOO_LARGE, &[message]);
        }
        Err(BatchError::Malformed(message)) => {
            return meta_errors(StatusCode::BAD_REQUEST, &[message]);
        }
    };
    let mut refused = Vec::new();
    let (refuse, app) = {
        let faults = state.faults();
        (faults.refuse.clone(), faults.app.clone())
    };
    let mut store = state.store();
    for (index, raw) in items.into_iter().enumerate() {
        match checked(raw, refuse.as_ref()) {
            Ok(item) => store.take(&item, &state.after(&item, &app)),
            Err(mut found) => {
                found.iter_mut().for_each(|error| error.batch_index = index);
                store.note_refused();
                refused.extend(found);
            }
        }
    }
    if refused.is_empty() {
        accepted()
    } else {
        errors(StatusCode::MULTI_STATUS, &refused)
    }
}

async fn entity(State(state): Shared, body: Bytes) -> Response {
    if let Some(response) = poisoned(&state, &body) {
        return response;
    }
    let checked = std::str::from_utf8(&body)
        .map_err(|_| Vec::new())
        .and_then(check::item);
    match checked {
        Ok(item) => {
            state.take(&item);
            accepted()
        }
        Err(found) => {
            state.store().note_refused();
            errors(StatusCode::BAD_REQUEST, &found)
        }
    }
}

async fn customer_event(State(state): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    take_v1_event(&state, Some(&id), &body)
}

async fn anonymous_event(State(state): Shared, body: Bytes) -> Response {
    take_v1_event(&state, None, &body)
}

fn take_v1_event(state: &SandboxState, customer: Option<&str>, body: &[u8]) -> Response {
    if let Some(response) = poisoned(state, body) {
        return response;
    }
    let event = v1::event(customer, body);
    if event.is_err() {
        state.store().note_refused();
    }
    take_v1(state, event)
}

async fn identify(State(state): Shared, Path(id): Path<String>, body: Bytes) -> Response {
    take_v1(&state, v1::identify(&id, &body))
}

fn take_v1(state: &SandboxState, read: Result<Item<'_>, Vec<String>>) -> Response {
    match read {
        Ok(item) => {
            state.take(&item);
            accepted()
        }
        Err(messages) => meta_errors(StatusCode::BAD_REQUEST, &messages),
    }
}

/// An error for the whole request if it contains a text that the faults name.
fn poisoned(state: &SandboxState, body: &[u8]) -> Option<Response> {
    let faults = state.faults();
    if contains(body, faults.poison.as_ref()) {
        let message = "malformed request".to_owned();
        return Some(meta_errors(StatusCode::BAD_REQUEST, &[message]));
    }
    if contains(body, faults.breaks_on.as_ref()) {
        let message = "the sandbox breaks on this".to_owned();
        return Some(meta_errors(StatusCode::SERVICE_UNAVAILABLE, &[message]));
    }
    None
}

/// Checks an item, and refuses one that contains `refuse`.
fn checked<'r>(raw: &'r str, refuse: Option<&String>) -> Result<Item<'r>, Vec<ItemError>> {
    if contains(raw.as_bytes(), refuse) {
        let message = "the workspace takes no such value";
        return Err(vec![ItemError::invalid("attributes", message)]);
    }
    check::item(raw)
}
