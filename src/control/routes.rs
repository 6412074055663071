//! The requests of the control API, and their answers.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::json;

use crate::blocking;
use crate::filter::preview::Batching;
use crate::filter::{Filters, Mode};
use crate::protocol::{Applied, Command};

use super::about::AboutAnswer;
use super::access::{Caller, Role};
use super::api::Api;
use super::body::parsed;
use super::dead_letter_requests as dead_letters;
use super::door::Doors;
use super::events::{self, EventQuery};
use super::probes;
use super::refusal::{Refusal, answer};
use super::remote::RemoteSettings;
use super::screen_feed::{self, ScreenQuery, ScreenSources};
use super::whole_event::{EventNumber, whole};

impl Api {
    /// The routes of the API, for the socket and for the network.
    pub fn doors(&self) -> Doors {
        Doors::new(&guarded(self), &probes::routes(self), &self.0.access)
    }
}

fn guarded(api: &Api) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/v1/about", get(about))
        .route("/v1/status", get(status))
        .route("/v1/events", get(tail))
        .route("/v1/event", get(whole_event))
        .route("/v1/screen", get(screen))
        .route("/v1/changes", get(changes))
        .route("/v1/filters", get(filters).put(set_filters))
        .route("/v1/filters/undo", post(undo_filters))
        .route("/v1/gate", put(set_gate))
        .route("/v1/resume", post(resume))
        .route("/v1/reload", post(reload))
        .route("/v1/drain", post(drain))
        .route("/v1/settings", get(settings))
        .route("/v1/customerio/ask", post(ask_customerio))
        .route("/v1/dead-letters/list", post(dead_letters::list))
        .route("/v1/dead-letters/export", post(dead_letters::export))
        .route("/v1/dead-letters/retry", post(dead_letters::retry))
        .route("/v1/dead-letters/discard", post(dead_letters::discard))
        .with_state(api.clone())
}

async fn about(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let body = AboutAnswer {
        forwarder: api.0.about.clone(),
        people_masked: api.mask(&caller).is_some(),
        role: caller.role,
        you: caller.author,
    };
    answer(StatusCode::OK, &body)
}

async fn status(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    answer(StatusCode::OK, &*api.snapshot(&caller))
}

async fn metrics(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let screens = [Role::Viewer, Role::Operator].map(|role| (role, api.screen_count(role)));
    let metrics = &api.0.metrics;
    metrics.answer(&api.0.about, api.snapshot(&caller), screens)
}

async fn tail(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<EventQuery>,
) -> Result<Response, Refusal> {
    events::stream(api.0.handle.ring().clone(), api.mask(&caller), &query)
}

async fn whole_event(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(number): Query<EventNumber>,
) -> Result<Response, Refusal> {
    let (about, mask) = (&api.0.about, api.mask(&caller));
    whole(about, api.0.handle.ring(), mask, &number)
}

async fn screen(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ScreenQuery>,
) -> Response {
    let sources = ScreenSources {
        about: api.0.about.clone(),
        role: caller.role,
        hub: api.screens(&caller),
    };
    // The history takes some time to be written.
    blocking::run(move || screen_feed::stream(sources, &query)).await
}

async fn changes(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let mut changes = api.0.handle.change_records();
    if let Some(mask) = api.mask(&caller) {
        changes = changes.iter().map(|change| mask.change(change)).collect();
    }
    answer(StatusCode::OK, &changes)
}

async fn filters(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    let mut found = api.0.handle.versioned_filters();
    if let Some(mask) = api.mask(&caller) {
        found.filters = Arc::new(mask.filters(&found.filters));
    }
    answer(StatusCode::OK, &found)
}

/// A change of the filters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFilters {
    /// The version that the change was made from; without it the filters are replaced whatever they
    /// are.
    base: Option<u64>,
    filters: Filters,
}

async fn set_filters(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let new: NewFilters = parsed(&body)?;
    let NewFilters { base, filters } = new;
    let command = Command::SetFilters { base, filters };
    api.steer(&caller, command).await
}

/// The version that a change was made from.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Base {
    base: Option<u64>,
}

async fn undo_filters(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Base { base } = if body.is_empty() {
        Base::default()
    } else {
        parsed(&body)?
    };
    api.steer(&caller, Command::UndoFilters { base }).await
}

/// A new mode of the gate.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMode {
    mode: Mode,
}

async fn set_gate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let new: NewMode = parsed(&body)?;
    api.steer(&caller, Command::SetGate(new.mode)).await
}

async fn resume(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    api.steer(&caller, Command::Resume).await
}

/// Answers with the settings that a screen's queries depend on.
async fn settings(State(api): State<Api>) -> Response {
    let handle = &api.0.handle;
    let delivery = handle.settings().delivery;
    let settings = RemoteSettings {
        mapping: handle.judge_rules().mapping.clone(),
        batching: Batching {
            age: delivery.batch_age,
            bytes: delivery.batch_bytes,
        },
    };
    answer(StatusCode::OK, &settings)
}

/// Asks Customer.io for an operator, as it uses the workspace's key and rate.
async fn ask_customerio(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let look = api.0.handle.ask_customerio(&parsed(&body)?).await;
    let look = look.map_err(|error| Refusal::bad_request(error.to_string()))?;
    Ok(answer(StatusCode::OK, &look))
}

async fn reload(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let Some(reload) = &api.0.reload else {
        let why = "this forwarder has no configuration to reload";
        return Err(Refusal::bad_request(why));
    };
    let report = reload().await.map_err(Refusal::bad_request)?;
    let handle = &api.0.handle;
    handle.record_change(caller.author, report.clone());
    let reloaded = Applied {
        message: report,
        filters_version: handle.filters_version(),
    };
    Ok(answer(StatusCode::OK, &reloaded))
}

/// Ends the forwarder as SIGTERM does.
async fn drain(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let what = "drain and end".to_owned();
    api.0.handle.record_change(caller.author, what);
    if let Err(error) = signal_hook::low_level::raise(signal_hook::consts::SIGTERM) {
        let why = format!("the forwarder can't be told to end: {error}");
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, why));
    }
    let body = json!({ "message": "draining; what can't be sent stays in the spool" });
    Ok(answer(StatusCode::ACCEPTED, &body))
}
