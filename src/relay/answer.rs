//! The answers of a relay, and their headers for browsers (CORS).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, json, body.to_string()).into_response()
}

/// Adds the header without which a browser hides the answer from the page.
pub(super) fn with_cors(mut response: Response) -> Response {
    let any = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

/// Answers a browser's preflight request: any page may send events.
pub(super) async fn preflight() -> Response {
    let mut response = with_cors(StatusCode::NO_CONTENT.into_response());
    let headers = response.headers_mut();
    let post = HeaderValue::from_static("POST, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, post);
    let allowed = HeaderValue::from_static("content-type, content-encoding, x-relay-secret");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    let day = HeaderValue::from_static("86400");
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, day);
    response
}
