//! Answers to requests that are refused.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::pipeline::SteerError;

/// Why a request is refused.
#[derive(Debug)]
pub struct Refusal {
    /// The status of the answer.
    pub(super) status: StatusCode,
    /// The answer.
    body: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, why: impl Into<String>) -> Self {
        let why: String = why.into();
        Self {
            status,
            body: json!({ "error": why }),
        }
    }

    pub(super) fn bad_request(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why)
    }

    pub(super) fn forbidden(why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, why)
    }

    pub(super) fn unauthorized() -> Self {
        let why = "send a token of control.operators or control.viewers: Authorization: Bearer …";
        Self::new(StatusCode::UNAUTHORIZED, why)
    }

    /// The refusal of a change that was not made.
    pub(super) fn of(error: &SteerError) -> Self {
        let why = error.to_string();
        let SteerError::Conflict(conflict) = error else {
            return Self::bad_request(why);
        };
        let mut body = json!(conflict);
        body["error"] = json!(why);
        body["last_change"] = json!(conflict.changes.last());
        Self {
            status: StatusCode::CONFLICT,
            body,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        answer(self.status, &self.body)
    }
}

/// An answer with JSON.
pub(super) fn answer(status: StatusCode, body: &impl serde::Serialize) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], text).into_response()
}
