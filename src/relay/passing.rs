//! Passing SDK requests on to Amplitude itself, so that their data still arrives there.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// How long Amplitude may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The headers that go along: what says how the body is to be read.
const ALONG: [header::HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_ENCODING];

/// The way to Amplitude.
#[derive(Debug, Clone)]
pub struct Passing {
    http: reqwest::Client,
    base: String,
}

impl Passing {
    /// To the server at `base`: `https://api2.amplitude.com`, or `https://api.eu.amplitude.com`.
    pub fn to(base: &str) -> Result<Self, reqwest::Error> {
        let http = crate::http::client().timeout(PATIENCE).build()?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Sends a request on as it came, and gives Amplitude's answer back; or says why there is
    /// none.
    pub(super) async fn pass(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response, String> {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body);
        for name in ALONG {
            if let Some(value) = headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let why =
            |error: reqwest::Error| format!("Amplitude can't be asked: {}", error.without_url());
        let answer = request.send().await.map_err(why)?;
        let status = answer.status();
        let kind = answer.headers().get(header::CONTENT_TYPE).cloned();
        let body = answer.bytes().await.map_err(why)?;
        let status = StatusCode::from_u16(status.as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = (status, body).into_response();
        if let Some(kind) = kind {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        Ok(response)
    }
}
