//! Passing SDK requests on to Amplitude itself, so that their data still arrives there.
//!
//! Only Amplitude's own answers are given back: a JSON object whose `code` is the status, with
//! 200 or an error. Whatever else answers in its place took nothing: the SDK is answered 503, and
//! sends its events again.
//!
//! An answer is read whole before anything of it is given back: whether Amplitude took the events
//! is known only at its end, and a status that was sent can't be taken back. So it is bounded, in
//! size, time and pace, and all answers together in memory.

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

use super::body::{Pace, Share, UNIT_BYTES};

/// How long Amplitude may take for an answer, with all of its body. The body has a least pace, too.
const PATIENCE: Duration = Duration::from_secs(30);
/// Maximum size of an answer, in bytes. Amplitude's name the events of a request by index, and
/// users and devices that send too much: of 2,000 events, its maximum, some 200 kB.
const ANSWER_BYTES: usize = 1 << 20;
/// All answers that are being read hold at most this much memory together; others wait.
const ANSWERS_BYTES: usize = 32 << 20;
/// The headers that come back with an answer.
const BACK: [header::HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];
/// The headers that go along: what says how the body is to be read.
const ALONG: [header::HeaderName; 2] = [header::CONTENT_TYPE, header::CONTENT_ENCODING];

/// The way to Amplitude.
#[derive(Debug, Clone)]
pub struct Passing {
    http: reqwest::Client,
    proxies: Arc<Proxies>,
    base: String,
    room: Arc<Semaphore>,
}

/// Why there is no way to Amplitude.
#[derive(Debug, thiserror::Error)]
pub enum PassingError {
    /// The proxy in the way can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS can't be set up.
    #[error("the HTTP client can't start: {0}")]
    Http(#[from] reqwest::Error),
}

impl Passing {
    /// To the server at `base`: `https://api2.amplitude.com`, or `https://api.eu.amplitude.com`.
    pub fn to(base: &str) -> Result<Self, PassingError> {
        let proxies = Arc::new(Proxies::from_environment()?);
        let http = crate::http::client(&proxies).timeout(PATIENCE).build()?;
        Ok(Self {
            http,
            proxies,
            base: base.trim_end_matches('/').to_owned(),
            room: Arc::new(Semaphore::new(ANSWERS_BYTES / UNIT_BYTES)),
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
        let why = |error| self.no_answer(&error);
        let by = Instant::now() + PATIENCE;
        let answer = request.send().await.map_err(why)?;
        let mut share = Share::of(&self.room);
        let mut reply = self.read(answer, &mut share, by).await?;
        if !is_amplitudes(&reply) {
            return Err(of_stranger(&reply));
        }
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = (status, reply.body).into_response();
        for name in BACK {
            if let Some(value) = reply.headers.remove(&name) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}

impl Passing {
    /// Reads an answer up to the maximum size, at a least pace; the connection of one that is cut
    /// is closed.
    async fn read(
        &self,
        mut answer: reqwest::Response,
        share: &mut Share<'_>,
        by: Instant,
    ) -> Result<Reply, String> {
        let mut reply = Reply::without_body(&mut answer);
        let mut pace = Pace::until(by);
        loop {
            let Ok(part) = timeout_at(pace.next_by(), answer.chunk()).await else {
                return Err(too_slow(&reply));
            };
            let Some(part) = part.map_err(|error| self.no_answer(&error))? else {
                return Ok(reply);
            };
            pace.came(part.len());
            let kept = part.len().min(ANSWER_BYTES - reply.body.len());
            let taken = share.take(kept, by).await;
            taken.map_err(|_| "too many answers of Amplitude are being read".to_owned())?;
            if !reply.add(&part, ANSWER_BYTES) {
                return Ok(reply);
            }
        }
    }

    fn no_answer(&self, error: &reqwest::Error) -> String {
        let why = crate::http::no_answer(error, &self.proxies);
        format!("Amplitude can't be asked: {why}")
    }
}

/// Whether the reply is one that Amplitude documents.
fn is_amplitudes(reply: &Reply) -> bool {
    #[derive(Deserialize)]
    struct Said {
        code: u16,
    }
    let Content::Object(text) = reply.content() else {
        return false;
    };
    let is_known = matches!(reply.status, 200 | 400..=599);
    let said = serde_json::from_str::<Said>(text);
    is_known && said.is_ok_and(|said| said.code == reply.status)
}

/// What to tell of an answer whose body drips, or never ends.
fn too_slow(reply: &Reply) -> String {
    let (status, came) = (reply.status, grouped(reply.body.len() as u64));
    format!(
        "Amplitude can't be asked: the body of its answer ({status}) comes too slowly: {came} bytes came, and the rest is not waited for"
    )
}

/// What to tell of another server's reply.
fn of_stranger(reply: &Reply) -> String {
    let mut summary = reply.summary();
    if reply.is_cut {
        let most = ANSWER_BYTES >> 20;
        summary = format!(
            "{summary}, longer than the {most} MiB that an answer of Amplitude's may have, and cut"
        );
    }
    match reply.status {
        407 => format!("a proxy refuses: {summary}; it wants a user name and a password"),
        401 | 403 if reply.is_page() || reply.came_by_proxy() => {
            format!("a proxy refuses: {summary}; check whether it lets Amplitude through")
        }
        500..=510 | 512..=599 => format!("Amplitude can't be reached: {summary}"),
        _ => format!(
            "another server answers: {summary}; is relay.pass_to right? \
             Does this network want a sign-in first?"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::reply::tests_support::reply;

    #[test]
    fn only_amplitudes_own_answers_are_known_as_such() {
        let own = |status, body: &str| is_amplitudes(&reply(status, &[], body));
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
        let said = |status, body: &str| of_stranger(&reply(status, &[], body));
        assert!(said(200, "<html>").starts_with("another server answers: <html> (200)"));
        assert!(said(403, "<html>").starts_with("a proxy refuses: <html> (403)"));
        assert!(said(407, "").starts_with("a proxy refuses: an empty body (407)"));
        assert!(said(502, "Bad Gateway").starts_with("Amplitude can't be reached: Bad Gateway"));
    }
}
