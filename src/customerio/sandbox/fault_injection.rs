//! Injects faults between a request and its answer.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::answer::{meta_errors, page, with_json};
use super::faults::Fault;
use super::state::Shared;

/// Delays the request, and handles it with the next fault, if any.
pub(super) async fn inject_fault(State(state): Shared, request: Request, next: Next) -> Response {
    let (latency, fault, retry_after) = {
        let mut faults = state.faults();
        (faults.latency(), faults.next(), faults.retry_after())
    };
    tokio::time::sleep(latency).await;
    match fault {
        None => next.run(request).await,
        Some(Fault::Status(status)) => with_status(status, retry_after),
        Some(Fault::HangUp) => {
            // The request is handled and its answer lost: a retry must not double its events.
            next.run(request).await;
            broken_body()
        }
        Some(Fault::SignIn) => page(
            StatusCode::OK,
            "<html><title>Sign in to the network</title></html>",
        ),
        Some(Fault::Proxy(status)) => by_proxy(status),
        Some(Fault::Unreadable) => {
            // The request is handled: a retry must not double its events.
            next.run(request).await;
            let body = r#"{"errors":[{"batch_index":-1,"reason":"invalid"}]}"#;
            with_json(StatusCode::MULTI_STATUS, body)
        }
        Some(Fault::Hang) => {
            // Longer than any client waits.
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
    }
}

fn with_status(status: u16, retry_after: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = format!("the sandbox was told to answer {status}");
    let mut response = meta_errors(status, &[message]);
    if let Some(value) = retry_after.and_then(|text| text.parse().ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// An answer whose connection breaks within the body.
fn broken_body() -> Response {
    let error = async { Err::<Bytes, _>(std::io::Error::other("hung up")) };
    let body = Body::from_stream(futures_util::stream::once(error));
    with_json(StatusCode::OK, body)
}

fn by_proxy(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let mut response = page(status, "<html><title>Access denied</title></html>");
    let via = HeaderValue::from_static("1.1 proxy.example");
    response.headers_mut().insert(header::VIA, via);
    response
}
