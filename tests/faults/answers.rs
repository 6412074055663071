//! Answers that are not Customer.io's, or can't be matched with the items.

use crate::is_outlived;

#[tokio::test]
async fn a_server_that_is_no_track_api_is_told_of_and_loses_nothing() {
    let app = axum::Router::new();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    is_outlived(&url, &["404", "is customerio.base_url right?"]).await;
}

/// A server that answers every request so.
async fn answering(status: u16, kind: &'static str, body: &'static str) -> String {
    use axum::http::{StatusCode, header::CONTENT_TYPE};
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(move || async move {
        let status = StatusCode::from_u16(status).unwrap();
        (status, [(CONTENT_TYPE, kind)], body)
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn answers_that_are_not_customer_ios_deliver_nothing_and_refuse_nothing() {
    const JSON: &str = "application/json";
    const HTML: &str = "text/html";
    for (status, kind, body, says) in [
        (
            200,
            HTML,
            "<html><title>Sign in</title></html>\nmore",
            "another server answers: <html><title>Sign in</title></html> (200)",
        ),
        (200, "text/plain", "OK", "another server answers: OK (200)"),
        (200, JSON, "[]", "another server answers"),
        (
            200,
            JSON,
            r#"{"errors":[{"message":"no"}]}"#,
            "another server answers",
        ),
        (202, JSON, "", "another server answers: an empty body (202)"),
        (204, JSON, "", "another server answers: an empty body (204)"),
        (206, JSON, "{}", "another server answers: {} (206)"),
        (
            207,
            HTML,
            "<h1>Multi</h1>",
            "another server answers: <h1>Multi</h1> (207)",
        ),
        (
            400,
            HTML,
            "<h1>Blocked</h1>",
            "another server answers: <h1>Blocked</h1> (400)",
        ),
        (
            403,
            HTML,
            "<h1>No!</h1>",
            "a proxy refuses: <h1>No!</h1> (403)",
        ),
        (407, HTML, "", "a proxy refuses: an empty body (407)"),
    ] {
        let url = answering(status, kind, body).await;
        is_outlived(&url, &[says]).await;
    }
}

#[tokio::test]
async fn a_207_that_names_nobody_fails_nobody() {
    for errors in [
        r#"{"errors":[{"reason":"invalid"}]}"#,
        r#"{"errors":[{"batch_index":-1}]}"#,
        r#"{"errors":[{"batch_index":100000}]}"#,
        "{}",
    ] {
        let url = answering(207, "application/json", errors).await;
        is_outlived(&url, &["a 207 whose errors can't be matched"]).await;
    }
}
