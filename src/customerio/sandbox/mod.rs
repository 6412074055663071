//! A stand-in for Customer.io's Track API that enforces what the real one documents.
//!
//! It checks credentials, sizes, counts and names, answers 207 item by item, ignores events
//! whose ULID it knows, and creates people on first sight. It can be told to be slow, to
//! throttle, to fail, to hang up, and to answer as a sign-in page or a proxy would, and tells
//! under `/sandbox/…` what it holds.

mod check;
mod faults;
mod store;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Serialize;
use tokio::net::TcpListener;

pub use faults::{Fault, Faults};
pub use store::{Attributes, Counts, StoredEvent};

use crate::browser;

use check::{Problem, Refused, V1Event};
use store::Store;

/// No request of the Track API is larger; a server has to stop reading somewhere.
const BODY_BYTES: usize = 4 << 20;

/// How a sandbox behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// The credentials that are right, `site_id:api_key`; any are where none are given.
    pub credentials: Option<String>,
    /// What goes wrong.
    pub faults: Faults,
    /// So many events are kept to look at, over all people; counts go on.
    pub keep_events: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            credentials: None,
            faults: Faults::default(),
            keep_events: 100_000,
        }
    }
}

/// A running sandbox.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Shared {
    credentials: Mutex<Option<String>>,
    faults: Mutex<Faults>,
    store: Mutex<Store>,
}

impl Sandbox {
    /// Serves on `listener` until the runtime ends.
    pub fn start(listener: TcpListener, options: Options) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            credentials: Mutex::new(options.credentials),
            faults: Mutex::new(options.faults),
            store: Mutex::new(Store::new(options.keep_events)),
        });
        let address = listener.local_addr()?;
        let app = routes(shared.clone(), address);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { shared, address })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it holds.
    pub fn counts(&self) -> Counts {
        lock(&self.shared.store).counts()
    }

    /// The events of a person, in the order in which they came.
    pub fn events_of(&self, person: &str) -> Vec<StoredEvent> {
        lock(&self.shared.store).events_of(person)
    }

    /// The attributes of a person.
    pub fn attributes_of(&self, person: &str) -> Attributes {
        lock(&self.shared.store).attributes_of(person)
    }

    /// The people it knows.
    pub fn people(&self) -> Vec<String> {
        lock(&self.shared.store).people()
    }

    /// Changes the credentials that are right.
    pub fn set_credentials(&self, credentials: &str) {
        *lock(&self.shared.credentials) = Some(credentials.to_owned());
    }

    /// Changes what goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        *lock(&self.shared.faults) = faults;
    }
}

/// A panic elsewhere leaves counts at worst one behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn routes(shared: Arc<Shared>, address: SocketAddr) -> Router {
    let track = Router::new()
        .route(
            "/api/v1/accounts/region",
            get(move || async move { region(address) }),
        )
        .route("/api/v2/batch", post(batch))
        .route("/api/v2/entity", post(entity))
        .route("/api/v1/customers/{id}", put(identify))
        .route("/api/v1/customers/{id}/events", post(customer_event))
        .route("/api/v1/events", post(anonymous_event))
        .layer(middleware::from_fn_with_state(shared.clone(), go_wrong))
        .layer(middleware::from_fn_with_state(shared.clone(), authorize));
    Router::new()
        .route(
            "/sandbox/counts",
            get(|State(s): Shares| async move { json(&lock(&s.store).counts()) }),
        )
        .route(
            "/sandbox/people",
            get(|State(s): Shares| async move { json(&lock(&s.store).people()) }),
        )
        .route("/sandbox/people/{id}/events", get(events_of_person))
        .route("/sandbox/people/{id}/attributes", get(attributes_of_person))
        .route(
            "/sandbox/faults",
            get(|State(s): Shares| async move { json(&*lock(&s.faults)) }).put(set_faults),
        )
        .merge(track)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(address, refuse_pages))
        .with_state(shared)
}

type Shares = State<Arc<Shared>>;

fn json<T: Serialize>(value: &T) -> Response {
    reply(
        StatusCode::OK,
        serde_json::to_vec(value).unwrap_or_default(),
    )
}

fn reply(status: StatusCode, body: impl Into<Body>) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.into(),
    )
        .into_response()
}

fn page(status: StatusCode, html: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html")], html).into_response()
}

/// v1's way of saying what is wrong.
fn meta_errors(status: StatusCode, said: &[String]) -> Response {
    reply(
        status,
        serde_json::json!({ "meta": { "errors": said } }).to_string(),
    )
}

fn region(address: SocketAddr) -> Response {
    json(
        &serde_json::json!({ "url": format!("http://{address}"), "region": "us", "environment_id": 1 }),
    )
}

/// A server that only this machine reaches is no web page's to ask.
async fn refuse_pages(State(address): State<SocketAddr>, request: Request, next: Next) -> Response {
    let foreign = foreign(&request).filter(|_| address.ip().is_loopback());
    match foreign {
        Some(why) => meta_errors(StatusCode::FORBIDDEN, &[why.to_owned()]),
        None => next.run(request).await,
    }
}

fn foreign(request: &Request) -> Option<&'static str> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    browser::refuse(header(header::HOST), header(header::ORIGIN))
}

async fn authorize(State(shared): Shares, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok());
    let given = given
        .and_then(|text| text.strip_prefix("Basic "))
        .and_then(|text| {
            let bytes =
                base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).ok()?;
            String::from_utf8(bytes).ok()
        });
    let right = match (&given, &*lock(&shared.credentials)) {
        (Some(given), Some(wanted)) => given == wanted,
        (Some(given), None) => given.contains(':') && given.len() > 2,
        (None, _) => false,
    };
    lock(&shared.store).note_request();
    if right {
        next.run(request).await
    } else {
        meta_errors(
            StatusCode::UNAUTHORIZED,
            &["Unauthorized request".to_owned()],
        )
    }
}

/// Does what the faults say, before the request is handled or with its answer.
async fn go_wrong(State(shared): Shares, request: Request, next: Next) -> Response {
    let (latency, fault) = {
        let mut faults = lock(&shared.faults);
        (faults.latency(), faults.next())
    };
    tokio::time::sleep(latency).await;
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(status)) => {
            let retry_after = lock(&shared.faults).retry_after();
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = meta_errors(
                status,
                &[format!("the sandbox was told to answer {status}")],
            );
            if let Some(value) = retry_after.and_then(|text| text.parse().ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, value);
            }
            response
        }
        Some(Fault::HangUp) => {
            // The request is handled and its answer lost: what a retry must not double.
            next.run(request).await;
            let broken = futures_util::stream::once(async {
                Err::<Bytes, _>(std::io::Error::other("hung up"))
            });
            reply(StatusCode::OK, Body::from_stream(broken))
        }
        Some(Fault::SignIn) => page(
            StatusCode::OK,
            "<html><title>Sign in to the network</title></html>",
        ),
        Some(Fault::Proxy(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
            let mut response = page(status, "<html><title>Access denied</title></html>");
            let via = HeaderValue::from_static("1.1 proxy.example");
            response.headers_mut().insert(header::VIA, via);
            response
        }
        Some(Fault::Unreadable) => {
            // The request is handled: what is tried again must not be doubled.
            next.run(request).await;
            let body = r#"{"errors":[{"batch_index":-1,"reason":"invalid"}]}"#;
            reply(StatusCode::MULTI_STATUS, body)
        }
        Some(Fault::Hang) => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

async fn batch(State(shared): Shares, body: Bytes) -> Response {
    if let Some(response) = poisoned(&shared, &body) {
        return response;
    }
    let items = match check::batch(&body) {
        Ok(items) => items,
        Err(Problem::TooLarge(said)) => return meta_errors(StatusCode::PAYLOAD_TOO_LARGE, &[said]),
        Err(Problem::Malformed(said)) => return meta_errors(StatusCode::BAD_REQUEST, &[said]),
    };
    let mut errors = Vec::new();
    let refuse = lock(&shared.faults).refuse.clone();
    let mut store = lock(&shared.store);
    for (index, raw) in items.into_iter().enumerate() {
        match checked(raw, refuse.as_ref()) {
            Ok(item) => store.take(&item),
            Err(mut wrong) => {
                wrong.iter_mut().for_each(|e| e.batch_index = index);
                store.note_refused();
                errors.extend(wrong);
            }
        }
    }
    if errors.is_empty() {
        return reply(StatusCode::OK, "{}");
    }
    reply(
        StatusCode::MULTI_STATUS,
        serde_json::json!({ "errors": errors }).to_string(),
    )
}

async fn entity(State(shared): Shares, body: Bytes) -> Response {
    if let Some(response) = poisoned(&shared, &body) {
        return response;
    }
    let checked = std::str::from_utf8(&body)
        .map_err(|_| Vec::new())
        .and_then(check::item);
    match checked {
        Ok(item) => {
            lock(&shared.store).take(&item);
            reply(StatusCode::OK, "{}")
        }
        Err(errors) => {
            lock(&shared.store).note_refused();
            reply(
                StatusCode::BAD_REQUEST,
                serde_json::json!({ "errors": errors }).to_string(),
            )
        }
    }
}

async fn customer_event(State(shared): Shares, Path(id): Path<String>, body: Bytes) -> Response {
    take_v1(&shared, Some(&id), &body)
}

async fn anonymous_event(State(shared): Shares, body: Bytes) -> Response {
    take_v1(&shared, None, &body)
}

fn take_v1(shared: &Shared, id: Option<&str>, body: &[u8]) -> Response {
    if let Some(response) = poisoned(shared, body) {
        return response;
    }
    match V1Event::read(id, body) {
        Ok(event) => {
            lock(&shared.store).take(&event.into_item());
            reply(StatusCode::OK, "{}")
        }
        Err(said) => {
            lock(&shared.store).note_refused();
            meta_errors(StatusCode::BAD_REQUEST, &said)
        }
    }
}

async fn identify(State(shared): Shares, Path(id): Path<String>, body: Bytes) -> Response {
    match check::identify_v1(&id, &body) {
        Ok(item) => {
            lock(&shared.store).take(&item);
            reply(StatusCode::OK, "{}")
        }
        Err(said) => meta_errors(StatusCode::BAD_REQUEST, &said),
    }
}

/// An error for the whole request where it holds a text that the faults name.
fn poisoned(shared: &Shared, body: &[u8]) -> Option<Response> {
    let faults = lock(&shared.faults);
    if names(faults.poison.as_ref(), body) {
        let said = "malformed request".to_owned();
        return Some(meta_errors(StatusCode::BAD_REQUEST, &[said]));
    }
    if names(faults.breaks_on.as_ref(), body) {
        let said = "the sandbox breaks on this".to_owned();
        return Some(meta_errors(StatusCode::SERVICE_UNAVAILABLE, &[said]));
    }
    None
}

/// Whether these bytes hold the text that a fault names.
fn names(text: Option<&String>, bytes: &[u8]) -> bool {
    text.is_some_and(|text| {
        !text.is_empty() && memchr::memmem::find(bytes, text.as_bytes()).is_some()
    })
}

/// Checks an item, and refuses those that the faults name.
fn checked<'r>(raw: &'r str, refuse: Option<&String>) -> Result<check::Item<'r>, Vec<Refused>> {
    if names(refuse, raw.as_bytes()) {
        let said = "the workspace takes no such value";
        return Err(vec![Refused::of("invalid", "attributes", said)]);
    }
    check::item(raw)
}

async fn attributes_of_person(State(shared): Shares, Path(id): Path<String>) -> Response {
    json(&lock(&shared.store).attributes_of(&id))
}

async fn events_of_person(State(shared): Shares, Path(id): Path<String>) -> Response {
    json(&lock(&shared.store).events_of(&id))
}

async fn set_faults(State(shared): Shares, body: Bytes) -> Response {
    match serde_json::from_slice::<Faults>(&body) {
        Ok(faults) => {
            *lock(&shared.faults) = faults;
            reply(StatusCode::OK, "{}")
        }
        Err(error) => meta_errors(StatusCode::BAD_REQUEST, &[error.to_string()]),
    }
}
