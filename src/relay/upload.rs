//! The endpoints that take events.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;

use axum::body::HttpBody as _;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytestring::ByteString;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::amplitude::time;
use crate::jetstream::GroupError;

use super::answer::{self, with_cors};
use super::body::{self, discard};
use super::endpoint::Endpoint;
use super::intake;
use super::refusal::Refusal;
use super::relay_server::Relay;
use super::sender::Sender;
use super::wrong_path;

/// The header in which senders give the shared secret. A sender that can't set headers puts it in
/// front of the path: `/s/SECRET/webhook`.
pub const SECRET_HEADER: &str = "x-relay-secret";

type Secret = Option<Path<String>>;
type Peer = ConnectInfo<SocketAddr>;

/// An upload whose sender is known.
struct Upload<'u> {
    sender: &'u Sender,
    peer: SocketAddr,
    /// The secret in the path.
    secret: Secret,
    request: Request,
}

pub(super) async fn webhook(
    relay: State<Relay>,
    peer: Peer,
    secret: Secret,
    request: Request,
) -> Response {
    receive(relay, Endpoint::Webhook, peer, secret, request).await
}

pub(super) async fn http_api(
    relay: State<Relay>,
    peer: Peer,
    secret: Secret,
    request: Request,
) -> Response {
    receive(relay, Endpoint::HttpApi, peer, secret, request).await
}

pub(super) async fn batch(
    relay: State<Relay>,
    peer: Peer,
    secret: Secret,
    request: Request,
) -> Response {
    receive(relay, Endpoint::Batch, peer, secret, request).await
}

async fn receive(
    State(relay): State<Relay>,
    endpoint: Endpoint,
    ConnectInfo(peer): Peer,
    secret: Secret,
    request: Request,
) -> Response {
    let sender = Sender::new(endpoint, peer, request.headers());
    let upload = Upload {
        sender: &sender,
        peer,
        secret,
        request,
    };
    let result = match endpoint {
        Endpoint::Webhook => relay.take_webhook(upload).await,
        _ => relay.take_envelope(upload).await,
    };
    relay.answer(&sender, result)
}

impl Relay {
    async fn take_webhook(&self, upload: Upload<'_>) -> Result<Response, Refusal> {
        let sender = upload.sender;
        let body = self.read_body(upload).await?;
        let now_ms = time::now();
        let parsed = intake::webhook(&body.plain, &self.0.options.webhook, now_ms)?;
        let (events, broken) = (parsed.events, parsed.broken);
        let count = events.len();
        self.0.throttle.admit(count, &[], Instant::now())?;
        let answer = self.publish(sender, events, body.raw.len(), now_ms).await?;
        if let Some(why) = parsed.why {
            let (all, why) = (broken + count as u64, why.reason());
            let reason = format!("{broken} of {all} elements skipped: {why}");
            self.0.sources.refused(sender, 200, &reason);
        }
        Ok(answer)
    }

    async fn take_envelope(&self, upload: Upload<'_>) -> Result<Response, Refusal> {
        let sender = upload.sender;
        let pass_to = self.0.options.pass_to.as_ref();
        let pass_to: Option<(_, HeaderMap)> =
            pass_to.map(|to| (to, upload.request.headers().clone()));
        let body = self.read_body(upload).await?;
        let now_ms = time::now();
        let events = intake::envelope(&body.plain, now_ms)?;
        let throttle = &self.0.throttle;
        let counted = if throttle.counts_identities() {
            &events[..]
        } else {
            &[]
        };
        let identities: Vec<_> = counted
            .iter()
            .map(|event| intake::identity(event))
            .collect();
        throttle.admit(events.len(), &identities, Instant::now())?;
        let bytes = body.raw.len();
        let Some((pass_to, headers)) = pass_to else {
            return self.publish(sender, events, bytes, now_ms).await;
        };
        // Published only after Amplitude's success: after a failure, the SDK retries the request.
        let path = sender.endpoint.path();
        let answer = pass_to.forward(path, &headers, body.raw).await;
        let answer = answer.map_err(|why| Refusal::new(503, &why))?;
        if answer.status().is_success() {
            self.publish(sender, events, bytes, now_ms).await?;
        }
        Ok(answer)
    }

    /// Checks the secret, and reads the body up to the endpoint's maximum size. The body of an
    /// unauthorized request is not kept in memory.
    async fn read_body(&self, upload: Upload<'_>) -> Result<body::Body<'_>, Refusal> {
        let request = upload.request;
        let in_path = upload.secret.as_ref();
        let in_path = in_path.map(|Path(secret)| secret.as_bytes());
        let given = request.headers().get(SECRET_HEADER);
        let mut given = given.map(HeaderValue::as_bytes).into_iter().chain(in_path);
        if let Some(secret) = &self.0.options.secret
            && !given.any(|given| is_secret(given, secret))
        {
            discard(request, |_| {}).await;
            let error = format!("The secret is missing or wrong: send it as {SECRET_HEADER}");
            return Err(Refusal::new(401, &error));
        }
        let max_bytes = upload.sender.endpoint.max_bytes();
        let exact = request.body().size_hint().exact();
        if exact.is_some_and(|bytes| bytes > max_bytes as u64) {
            discard(request, |_| {}).await;
            return Err(Refusal::too_large());
        }
        let (head, body) = request.into_parts();
        let body = self.0.body_memory.read(&head, body, max_bytes).await?;
        self.0.connections.mark_trusted(upload.peer);
        Ok(body)
    }

    /// Publishes events. Returns the answer that Amplitude would give.
    async fn publish(
        &self,
        sender: &Sender,
        events: Vec<String>,
        bytes: usize,
        now_ms: time::UnixMs,
    ) -> Result<Response, Refusal> {
        let count = events.len();
        if let Some(publisher) = &self.0.options.publisher {
            let texts: Vec<ByteString> = events.iter().map(|event| event.as_str().into()).collect();
            publisher.publish(&texts).await.map_err(|error| {
                let status = match error {
                    // It would be refused again and again.
                    GroupError::TooLarge { .. } => 413,
                    _ => 503,
                };
                Refusal::new(status, &error.to_string())
            })?;
        }
        if let Err(error) = self.0.feed.publish_all(events).await {
            // Amplitude and its SDKs retry after a 503.
            return Err(Refusal::new(503, &error.to_string()));
        }
        self.0.received.fetch_add(count as u64, Relaxed);
        self.0.sources.accepted(sender, count as u64);
        let body = intake::accepted(count, bytes, now_ms);
        Ok(answer::json(StatusCode::OK, &body))
    }

    fn answer(&self, sender: &Sender, result: Result<Response, Refusal>) -> Response {
        match result {
            Ok(answer) => with_cors(answer),
            Err(refusal) => self.refuse(sender, &refusal, None),
        }
    }

    /// Counts, logs and answers a refusal. `requested` is logged if the sender's endpoint does not
    /// imply it.
    pub(super) fn refuse(
        &self,
        sender: &Sender,
        refusal: &Refusal,
        requested: Option<(&Method, &str)>,
    ) -> Response {
        self.0.refused.fetch_add(1, Relaxed);
        let mut why = refusal.reason();
        if let Some((method, path)) = requested {
            let secret = self.0.options.secret.as_ref();
            let secret = secret.map_or("", ExposeSecret::expose_secret);
            why = format!("{}: {why}", wrong_path::redacted(method, path, secret));
        }
        self.0.sources.refused(sender, refusal.status, &why);
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let answer = answer::json(status, &refusal.body);
        match sender.endpoint {
            // Foreign web pages must not read the feed.
            Endpoint::Feed => answer,
            _ => with_cors(answer),
        }
    }
}

/// Compares a secret in constant time, so that the time does not reveal a part of it.
pub(super) fn is_secret(given: &[u8], secret: &SecretString) -> bool {
    given.ct_eq(secret.expose_secret().as_bytes()).into()
}
