//! The paths of the App API: people by identifier, their attributes, activities and messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::activities::ActivityQuery;
use super::activity::Identity;
use super::answer::{json as ok, with_json};
use super::profile::Profile;
use super::state::{SandboxState, Shared};
use super::store::Store;

/// Maximum and default length of a page.
const MAX_LIMIT: usize = 100;
const LIMIT: usize = 10;
/// Before the number in the token of a page.
const TOKEN: &str = "page-";

pub(super) fn routes(state: &Arc<SandboxState>) -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/v1/customers", get(customers))
        .route("/v1/customers/{id}/attributes", get(attributes))
        .route("/v1/customers/{id}/activities", get(activities_of_person))
        .route("/v1/customers/{id}/messages", get(messages))
        .route("/v1/activities", get(activities))
        .layer(middleware::from_fn_with_state(state.clone(), admit))
}

/// Refuses requests without the key, those beyond the rate, and those that a script fails.
async fn admit(State(state): Shared, request: Request, next: Next) -> Response {
    state.store().note_app_request();
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_valid = match (given, state.app_key().as_deref()) {
        (Some(given), Some(key)) => given == key,
        (Some(given), None) => !given.is_empty(),
        (None, _) => false,
    };
    if !is_valid {
        return error(StatusCode::UNAUTHORIZED, "unauthorized");
    }
    let (latency, scripted, most) = {
        let mut faults = state.faults();
        let latency = faults.latency();
        let app = &mut faults.app;
        (latency, app.script.pop_front(), app.requests_per_second)
    };
    tokio::time::sleep(latency).await;
    let scripted = scripted.and_then(|status| StatusCode::from_u16(status).ok());
    if let Some(status) = scripted.filter(|status| *status != StatusCode::OK) {
        return error(status, "the sandbox was told to");
    }
    if !state.allows_app_request(most) {
        return error(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    }
    next.run(request).await
}

/// The identifier's type, `id` if none is given.
#[derive(Debug, Deserialize)]
struct IdType {
    id_type: Option<String>,
}

/// The status and the reason where no person is found.
type NotFound = (StatusCode, &'static str);

/// Finds a person, or tells why not.
fn find<'s>(
    store: &'s Store,
    id_type: Option<&str>,
    value: &str,
) -> Result<(&'s str, &'s Profile), NotFound> {
    match id_type.unwrap_or("id") {
        id_type @ ("id" | "email" | "cio_id") => store
            .identified_by(id_type, value)
            .ok_or((StatusCode::NOT_FOUND, "not found")),
        _ => {
            let message = "id_type is not an identifier of this workspace";
            Err((StatusCode::BAD_REQUEST, message))
        }
    }
}

/// The people with an e-mail address.
async fn customers(
    State(state): Shared,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let Some(email) = query.get("email") else {
        return error(StatusCode::BAD_REQUEST, "email is required");
    };
    let store = state.store();
    let found = store.identified_by("email", email);
    let found: Vec<&Identity> = found.iter().map(|(_, person)| &person.identity).collect();
    ok(&json!({ "results": found }))
}

async fn attributes(
    State(state): Shared,
    Path(id): Path<String>,
    Query(query): Query<IdType>,
) -> Response {
    let store = state.store();
    match find(&store, query.id_type.as_deref(), &id) {
        Ok((_, person)) => ok(&json!({
            "customer": {
                "id": person.identity.id,
                "identifiers": person.identity,
                "attributes": person.attributes,
                "unsubscribed": false,
            }
        })),
        Err((status, why)) => error(status, why),
    }
}

/// The filters of a list of activities.
#[derive(Debug, Default, Deserialize)]
struct ActivityFilter {
    id_type: Option<String>,
    customer_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    limit: Option<usize>,
    start: Option<String>,
}

async fn activities_of_person(
    State(state): Shared,
    Path(id): Path<String>,
    Query(filter): Query<ActivityFilter>,
) -> Response {
    let store = state.store();
    match find(&store, filter.id_type.as_deref(), &id) {
        Ok((person, _)) => list(&state, &store, Some(person), &filter),
        Err((status, why)) => error(status, why),
    }
}

async fn activities(State(state): Shared, Query(filter): Query<ActivityFilter>) -> Response {
    let store = state.store();
    let Some(id) = &filter.customer_id else {
        return list(&state, &store, None, &filter);
    };
    match find(&store, filter.id_type.as_deref(), id) {
        Ok((person, _)) => list(&state, &store, Some(person), &filter),
        Err((status, why)) => error(status, why),
    }
}

fn list(
    state: &SandboxState,
    store: &Store,
    person: Option<&str>,
    filter: &ActivityFilter,
) -> Response {
    let limit = filter.limit.unwrap_or(LIMIT);
    if limit == 0 || limit > MAX_LIMIT {
        return error(StatusCode::BAD_REQUEST, "limit must be from 1 to 100");
    }
    let start = filter.start.as_deref().filter(|start| !start.is_empty());
    let below = start.map(|start| start.strip_prefix(TOKEN)?.parse().ok());
    let Some(below) = below.map_or(Some(None), |number| number.map(Some)) else {
        return error(StatusCode::BAD_REQUEST, "start is not the next of a page");
    };
    let query = ActivityQuery {
        person,
        kind: filter.kind.as_deref(),
        name: filter.name.as_deref(),
        below,
        limit,
    };
    let page = store.activities().page(&query, state.now());
    let nobody = Identity::default();
    let written = page.activities.iter().map(|activity| {
        let profile = store.person(&activity.person);
        activity.json(profile.map_or(&nobody, |profile| &profile.identity))
    });
    let written: Vec<Value> = written.collect();
    let next = page.next.map(|next| format!("{TOKEN}{next}"));
    ok(&json!({ "activities": written, "next": next.unwrap_or_default() }))
}

/// The messages of a person, with the time of each step.
async fn messages(
    State(state): Shared,
    Path(id): Path<String>,
    Query(query): Query<IdType>,
) -> Response {
    let store = state.store();
    let (person, profile) = match find(&store, query.id_type.as_deref(), &id) {
        Ok(found) => found,
        Err((status, why)) => return error(status, why),
    };
    let all = ActivityQuery {
        person: Some(person),
        limit: usize::MAX,
        ..ActivityQuery::default()
    };
    let mut found: BTreeMap<&str, Value> = BTreeMap::new();
    for activity in store.activities().page(&all, state.now()).activities {
        let step = activity.kind.strip_suffix("_email");
        if let (Some(delivery), Some(step)) = (activity.delivery.as_deref(), step) {
            let message = found.entry(delivery).or_insert_with(|| {
                json!({
                    "id": delivery,
                    "type": "email",
                    "customer_id": profile.identity.id,
                    "recipient": profile.identity.email,
                    "metrics": {},
                })
            });
            message["metrics"][step] = activity.timestamp.into();
        }
    }
    let found: Vec<Value> = found.into_values().collect();
    ok(&json!({ "messages": found, "next": "" }))
}

/// An error as the App API writes it.
fn error(status: StatusCode, detail: &str) -> Response {
    let status_text = status.as_u16().to_string();
    let body = json!({ "errors": [{ "status": status_text, "detail": detail }] });
    with_json(status, body.to_string())
}
