//! Answers in the forms of the Track API.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

pub(super) fn json<T: Serialize>(value: &T) -> Response {
    with_json(
        StatusCode::OK,
        serde_json::to_vec(value).unwrap_or_default(),
    )
}

/// The answer to a request that is accepted whole.
pub(super) fn accepted() -> Response {
    with_json(StatusCode::OK, "{}")
}

/// An answer whose body is JSON already.
pub(super) fn with_json(status: StatusCode, body: impl Into<Body>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (status, content_type, body.into()).into_response()
}

pub(super) fn page(status: StatusCode, html: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html")], html).into_response()
}

/// Errors in the form of v1: `meta.errors`.
pub(super) fn meta_errors(status: StatusCode, messages: &[String]) -> Response {
    let body = serde_json::json!({ "meta": { "errors": messages } });
    with_json(status, body.to_string())
}

/// Errors in the form of v2: `errors`.
pub(super) fn errors<T: Serialize>(status: StatusCode, errors: &[T]) -> Response {
    let body = serde_json::json!({ "errors": errors });
    with_json(status, body.to_string())
}
