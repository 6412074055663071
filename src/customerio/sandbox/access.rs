//! Access to the sandbox: no web pages, and valid credentials for the Track API.

use std::net::SocketAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::browser;

use super::answer::meta_errors;
use super::state::Shared;

/// Refuses requests of web pages to a sandbox that only this machine reaches.
pub(super) async fn refuse_pages(
    State(address): State<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let reason = page_reason(&request).filter(|_| address.ip().is_loopback());
    match reason {
        Some(reason) => meta_errors(StatusCode::FORBIDDEN, &[reason.to_owned()]),
        None => next.run(request).await,
    }
}

/// The reason to refuse a request because it comes from a web page.
fn page_reason(request: &Request) -> Option<&'static str> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    browser::refuse(header(header::HOST), header(header::ORIGIN))
}

/// Refuses requests without valid credentials.
pub(super) async fn authorize(State(state): Shared, request: Request, next: Next) -> Response {
    let is_valid = match (given_credentials(&request), &*state.credentials()) {
        (Some(given), Some(accepted)) => given == *accepted,
        (Some(given), None) => given.contains(':') && given.len() > 2,
        (None, _) => false,
    };
    state.store().note_request();
    if is_valid {
        next.run(request).await
    } else {
        let message = "Unauthorized request".to_owned();
        meta_errors(StatusCode::UNAUTHORIZED, &[message])
    }
}

/// The credentials of HTTP basic authentication, `site_id:api_key`.
fn given_credentials(request: &Request) -> Option<String> {
    let header = request.headers().get(header::AUTHORIZATION)?;
    let encoded = header.to_str().ok()?.strip_prefix("Basic ")?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}
