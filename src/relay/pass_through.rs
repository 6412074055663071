//! Forwarding SDK requests to Amplitude, so that their data still arrives there.
//!
//! Only Amplitude's own answers are returned: a JSON object whose `code` is the status. Any other
//! answer comes from a proxy or a wrong server: the SDK gets a 503, and retries.
//!
//! An answer is read completely before it is returned, because only the complete body shows whether
//! Amplitude took the events. Its size, time and rate are limited, and the memory of all answers.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::http::reply::{Content, Reply};
use crate::network::{Proxies, ProxyError};
use crate::text::grouped;

use super::body::{MemoryPermit, MinRate, UNIT_BYTES};

/// Maximum time for Amplitude's answer with its body. The body also has a minimum rate.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of an answer, in bytes. Amplitude lists events by index, and throttled users and
/// devices: about 200 kB for 2,000 events, its maximum.
const ANSWER_BYTES: usize = 1 << 20;
/// Maximum memory of all answers that are being read, in bytes; others wait.
const ANSWER_MEMORY_BYTES: usize = 32 << 20;
/// The headers that are returned with an answer.
const ANSWER_HEADERS: [header::HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];
/// The headers that are forwarded: those that describe the body.
const REQUEST_HEADERS: [header::HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_ENCODING];

/// A client of Amplitude's upload APIs.
#[derive(Debug, Clone)]
pub struct PassThrough {
    http: reqwest::Client,
    proxies: Arc<Proxies>,
    base: String,
    memory: Arc<Semaphore>,
}

/// Why requests can't be forwarded to Amplitude.
#[derive(Debug, thiserror::Error)]
pub enum PassThroughError {
    /// The proxy is unusable.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The HTTP client, for example its TLS, can't be set up.
    #[error("the HTTP client can't start: {0}")]
    Http(#[from] reqwest::Error),
}

impl PassThrough {
    /// Forwards to the server at `base`: `https://api2.amplitude.com`, or `https://api.eu.amplitude.com`.
    pub fn to(base: &str) -> Result<Self, PassThroughError> {
        let proxies = Arc::new(Proxies::from_environment()?);
        let http = crate::http::client(&proxies)
            .timeout(ANSWER_TIMEOUT)
            .build()?;
        Ok(Self {
            http,
            proxies,
            base: base.trim_end_matches('/').to_owned(),
            memory: Arc::new(Semaphore::new(ANSWER_MEMORY_BYTES / UNIT_BYTES)),
        })
    }

    /// Forwards a request unchanged. Returns Amplitude's answer, or the reason why there is none.
    pub(super) async fn forward(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response, String> {
        let mut request = self.http.post(format!("{}{path}", self.base)).body(body);
        for name in REQUEST_HEADERS {
            if let Some(value) = headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let no_answer = |error| self.no_answer(&error);
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let answer = request.send().await.map_err(no_answer)?;
        let mut permit = MemoryPermit::new(&self.memory);
        let mut reply = self.read(answer, &mut permit, deadline).await?;
        if !is_from_amplitude(&reply) {
            return Err(unexpected_answer(&reply));
        }
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = (status, reply.body).into_response();
        for name in ANSWER_HEADERS {
            if let Some(value) = reply.headers.remove(&name) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}

impl PassThrough {
    /// Reads an answer up to the maximum size and at the minimum rate. The connection of an answer
    /// that is cut off is closed.
    async fn read(
        &self,
        mut answer: reqwest::Response,
        permit: &mut MemoryPermit<'_>,
        deadline: Instant,
    ) -> Result<Reply, String> {
        let mut reply = Reply::without_body(&mut answer);
        let mut rate = MinRate::new(deadline);
        loop {
            let Ok(chunk) = timeout_at(rate.next_deadline(), answer.chunk()).await else {
                return Err(too_slow(&reply));
            };
            let Some(chunk) = chunk.map_err(|error| self.no_answer(&error))? else {
                return Ok(reply);
            };
            rate.received(chunk.len());
            let kept = chunk.len().min(ANSWER_BYTES - reply.body.len());
            let taken = permit.add(kept, deadline).await;
            taken.map_err(|_| "too many of Amplitude's answers are being read".to_owned())?;
            if !reply.add(&chunk, ANSWER_BYTES) {
                return Ok(reply);
            }
        }
    }

    fn no_answer(&self, error: &reqwest::Error) -> String {
        let why = crate::http::no_answer(error, &self.proxies);
        format!("no answer from Amplitude: {why}")
    }
}

/// Whether the reply has a form that Amplitude documents (HTTP V2 API, responses).
fn is_from_amplitude(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        code: u16,
    }
    let Content::Object(text) = reply.content() else {
        return false;
    };
    let is_known = matches!(reply.status, 200 | 400..=599);
    let answer = serde_json::from_str::<Answer>(text);
    is_known && answer.is_ok_and(|answer| answer.code == reply.status)
}

/// The error for an answer whose body is too slow or never ends.
fn too_slow(reply: &Reply) -> String {
    let (status, received) = (reply.status, grouped(reply.body.len() as u64));
    format!(
        "no answer from Amplitude: the body of its answer ({status}) is too slow: gave up after {received} bytes"
    )
}

/// The error for another server's reply.
fn unexpected_answer(reply: &Reply) -> String {
    let mut summary = reply.summary();
    if reply.is_cut {
        let max = ANSWER_BYTES >> 20;
        summary = format!(
            "{summary}, longer than {max} MiB, the maximum for Amplitude's answers, and cut off"
        );
    }
    match reply.status {
        407 => format!("a proxy refuses: {summary}; it requires a user name and a password"),
        401 | 403 if reply.is_page() || reply.came_by_proxy() => {
            format!("a proxy refuses: {summary}; check that it allows Amplitude")
        }
        500..=510 | 512..=599 => format!("Amplitude can't be reached: {summary}"),
        _ => format!(
            "another server answers: {summary}; is relay.pass_to right? \
             Does this network require a sign-in?"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::reply::tests_support::reply;

    #[test]
    fn only_documented_answers_count_as_amplitudes() {
        let own = |status, body: &str| is_from_amplitude(&reply(status, &[], body));
        assert!(own(200, r#"{"code":200,"events_ingested":1}"#));
        assert!(own(400, r#"{"code":400,"error":"Invalid API key"}"#));
        assert!(own(429, r#"{"code":429,"eps_threshold":30}"#));
        for (status, body) in [
            (200, "<html>"),
            (200, ""),
            (200, "{}"),
            (200, "[]"),
            (200, "success"),
            (200, r#"{"code":400}"#),
            (200, r#"{"code":"200"}"#),
            (202, r#"{"code":202}"#),
            (206, r#"{"code":206}"#),
            (302, ""),
            (400, "<html>"),
            (403, r#"{"message":"Forbidden"}"#),
            (407, ""),
        ] {
            assert!(!own(status, body), "{status} {body}");
        }
        let error = |status, body: &str| unexpected_answer(&reply(status, &[], body));
        assert!(error(200, "<html>").starts_with("another server answers: <html> (200)"));
        assert!(error(403, "<html>").starts_with("a proxy refuses: <html> (403)"));
        assert!(error(407, "").starts_with("a proxy refuses: an empty body (407)"));
        assert!(error(502, "Bad Gateway").starts_with("Amplitude can't be reached: Bad Gateway"));
    }
}
