//! The client of Customer.io's Track API: it sends items and reads answers. `delivery` decides when
//! to send, and handles answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::http::reply::{Content, Reply};
use crate::network::{Proxies, ProxyError, ProxySetting};

use super::item::{Item, Route};
use super::response::{self, Answer, ForeignReply, RequestKind};

/// The server of each region: Customer.io Track API.
const US: &str = "https://track.customer.io";
const EU: &str = "https://track-eu.customer.io";

/// The path that returns the region of an account.
const REGION_PATH: &str = "/api/v1/accounts/region";

/// Maximum size of an answer's body, in bytes; a 207 to a full batch is far smaller.
const ANSWER_BYTES: usize = 1 << 20;

/// The region of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The region that Customer.io returns for the workspace.
    Auto,
    /// `track.customer.io`
    Us,
    /// `track-eu.customer.io`
    Eu,
}

impl Region {
    /// The server of the region. For `Auto`, the server to look it up at.
    pub fn url(self) -> &'static str {
        match self {
            Self::Auto | Self::Us => US,
            Self::Eu => EU,
        }
    }
}

/// A workspace, and the way to reach it.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The workspace's Site ID.
    pub site_id: String,
    /// The Tracking API key.
    pub api_key: SecretString,
    /// The region.
    pub region: Region,
    /// A server other than Customer.io's. With one, the region is not looked up.
    pub base_url: Option<String>,
    /// The proxy to use.
    pub proxy: ProxySetting,
    /// Maximum time of a request, including its connection.
    pub timeout: Duration,
}

/// The reason why a client can't be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The site ID or the key contains a character that is invalid in a header.
    #[error(
        "customerio.site_id or customerio.api_key contains a character that no HTTP header can contain"
    )]
    Credentials,
    /// TLS can't be set up.
    #[error("cannot create the HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// The proxy can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

/// A client for one workspace.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    proxies: Arc<Proxies>,
    destination: Destination,
    /// The server at which the region is looked up.
    look_up_at: &'static str,
    base: OnceCell<String>,
    /// The number of next requests that panic.
    #[cfg(test)]
    pub(crate) panics: std::sync::atomic::AtomicU32,
}

impl Client {
    /// Creates a client, which connects when it first sends.
    pub fn new(destination: Destination) -> Result<Self, ClientError> {
        let key = destination.api_key.expose_secret();
        let basic = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("{}:{key}", destination.site_id),
        );
        let mut auth = HeaderValue::try_from(format!("Basic {basic}"))
            .map_err(|_| ClientError::Credentials)?;
        auth.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, auth),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ]);
        let proxies = Proxies::new(&destination.proxy, "customerio.proxy")?;
        let proxies = Arc::new(proxies);
        let http = crate::http::client(&proxies)
            .default_headers(headers)
            .timeout(destination.timeout)
            .build()?;
        let base = OnceCell::new_with(
            destination
                .base_url
                .as_ref()
                .map(|url| url.trim_end_matches('/').to_owned()),
        );
        Ok(Self {
            http,
            proxies,
            destination,
            // Each server knows the accounts of both regions.
            look_up_at: US,
            base,
            #[cfg(test)]
            panics: std::sync::atomic::AtomicU32::default(),
        })
    }

    /// The workspace that it sends to.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Sends items as one batch by v2. Their bodies become slices of the request's body, so that
    /// items in flight are in memory once.
    pub async fn send_batch<'i>(&self, items: impl Iterator<Item = &'i mut Item>) -> Answer {
        let (body, count) = batch_of(items);
        let kind = RequestKind::Batch(count);
        self.send(
            reqwest::Method::POST,
            super::request::BATCH_PATH,
            body,
            kind,
        )
        .await
    }

    /// Sends one item by its route.
    pub async fn send_one(&self, item: &mut Item) -> Answer {
        match &item.route {
            Route::Batch => self.send_batch(std::iter::once(item)).await,
            Route::V1 { put, path } => {
                let method = if *put {
                    reqwest::Method::PUT
                } else {
                    reqwest::Method::POST
                };
                self.send(method, path, item.body.clone(), RequestKind::Single)
                    .await
            }
        }
    }

    /// The server to send to. The first call looks up the region, which also checks the credentials.
    pub async fn base(&self) -> Result<&str, Answer> {
        self.base
            .get_or_try_init(|| self.look_up())
            .await
            .map(String::as_str)
    }

    /// The name of the server once it is known: `customer.io us`.
    pub fn server(&self) -> Option<&str> {
        match self.base.get()?.as_str() {
            US => Some("customer.io us"),
            EU => Some("customer.io eu"),
            other => Some(other.split("://").last().unwrap_or(other)),
        }
    }

    /// Checks the credentials at the server to send to. Sends no item.
    pub async fn check_credentials(&self) -> Answer {
        let base = match self.base().await {
            Ok(base) => base,
            Err(answer) => return answer,
        };
        let request = self.http.get(format!("{base}{REGION_PATH}"));
        match receive(request, &self.proxies).await {
            Ok(reply) => response::read(RequestKind::Region, &reply, SystemTime::now()),
            Err(answer) => answer,
        }
    }

    async fn look_up(&self) -> Result<String, Answer> {
        match self.destination.region {
            Region::Us => return Ok(US.to_owned()),
            Region::Eu => return Ok(EU.to_owned()),
            Region::Auto => {}
        }
        let request = self.http.get(format!("{}{REGION_PATH}", self.look_up_at));
        let reply = receive(request, &self.proxies).await?;
        match response::read(RequestKind::Region, &reply, SystemTime::now()) {
            Answer::Accepted => region_of(&reply, self.look_up_at)
                .ok_or_else(|| Answer::Foreign(ForeignReply::server(&reply))),
            other => Err(other),
        }
    }

    #[cfg(test)]
    fn panic_in_tests(&self) {
        use std::sync::atomic::Ordering::Relaxed;
        let one_less = |left: u32| left.checked_sub(1);
        let panics = self.panics.fetch_update(Relaxed, Relaxed, one_less);
        assert!(panics.is_err(), "told to");
    }

    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Bytes,
        kind: RequestKind,
    ) -> Answer {
        let base = match self.base().await {
            Ok(base) => base,
            Err(answer) => return answer,
        };
        #[cfg(test)]
        self.panic_in_tests();
        let request = self.http.request(method, format!("{base}{path}"));
        match receive(request.body(body), &self.proxies).await {
            Ok(reply) => response::read(kind, &reply, SystemTime::now()),
            Err(answer) => answer,
        }
    }
}

/// The server in the reply to a look-up at `looked_up_at`. It must be Customer.io's, as events and
/// the key are sent there.
fn region_of(reply: &Reply, looked_up_at: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Found {
        url: String,
    }
    let Content::Object(text) = reply.content() else {
        return None;
    };
    let found: Found = serde_json::from_str(text).ok()?;
    let url = found.url.trim_end_matches('/');
    [US, EU, looked_up_at]
        .contains(&url)
        .then(|| url.to_owned())
}

/// The body of a batch of these items, and their number.
fn batch_of<'i>(items: impl Iterator<Item = &'i mut Item>) -> (Bytes, usize) {
    const OPEN: &[u8] = br#"{"batch":["#;
    let items: Vec<&mut Item> = items.collect();
    let room: usize = items.iter().map(|item| item.body.len() + 1).sum();
    let mut body = Vec::with_capacity(OPEN.len() + room + 2);
    body.extend_from_slice(OPEN);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&item.body);
    }
    body.extend_from_slice(b"]}");
    let body = Bytes::from(body);
    let (mut at, count) = (OPEN.len(), items.len());
    for item in items {
        let end = at + item.body.len();
        item.body = body.slice(at..end);
        at = end + 1;
    }
    (body, count)
}

/// Sends a request and reads the reply, or returns the reason why there is none.
async fn receive(request: reqwest::RequestBuilder, proxies: &Proxies) -> Result<Reply, Answer> {
    let no_answer = |error: reqwest::Error| Answer::NoAnswer {
        message: crate::http::no_answer(&error, proxies),
    };
    let response = request.send().await.map_err(no_answer)?;
    let reply = Reply::read(response, ANSWER_BYTES).await;
    reply.map_err(no_answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customerio::response::ForeignSender;
    use crate::customerio::sandbox::{Options, Sandbox};

    async fn client(region: Region, key: &str) -> Client {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let options = Options {
            credentials: Some("site:key".to_owned()),
            ..Options::default()
        };
        let url: &'static str = Sandbox::start(listener, options).unwrap().url().leak();
        let destination = Destination {
            site_id: "site".to_owned(),
            api_key: SecretString::from(key),
            region,
            base_url: None,
            proxy: ProxySetting::Direct,
            timeout: Duration::from_secs(5),
        };
        Client {
            look_up_at: url,
            ..Client::new(destination).unwrap()
        }
    }

    #[tokio::test]
    async fn the_region_is_looked_up_once_and_only_if_it_is_auto() {
        let auto = client(Region::Auto, "key").await;
        assert_eq!(auto.server(), None);
        assert_eq!(auto.base().await.unwrap(), auto.look_up_at);
        assert_eq!(auto.server(), auto.look_up_at.strip_prefix("http://"));
        let eu = client(Region::Eu, "key").await;
        assert_eq!(eu.base().await.unwrap(), EU);
        assert_eq!(eu.server(), Some("customer.io eu"));
    }

    #[tokio::test]
    async fn a_look_up_accepts_only_replies_of_customer_io() {
        let elsewhere = r#"{"url":"https://track.example","region":"us"}"#;
        let refused = r#"{"meta":{"error":"no"}}"#;
        for (status, body, is_proxy) in [
            (200, "<html>Sign in</html>", false),
            (200, "", false),
            (200, "{}", false),
            (200, elsewhere, false),
            (200, r#"{"url":"https://track.customer.io.example"}"#, false),
            (204, "", false),
            (207, r#"{"errors":[]}"#, false),
            (302, "", false),
            // These statuses must not refuse items.
            (400, refused, false),
            (413, refused, false),
            (403, "<html>denied</html>", true),
            (407, "", true),
        ] {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
                .await
                .unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let app = axum::Router::new().fallback(move || async move {
                (axum::http::StatusCode::from_u16(status).unwrap(), body)
            });
            tokio::spawn(async move { axum::serve(listener, app).await });
            let mut client = client(Region::Auto, "key").await;
            client.look_up_at = url.leak();
            let answer = client.base().await.map(str::to_owned);
            let Err(Answer::Foreign(foreign)) = answer else {
                panic!("{status} {body}: {answer:?}")
            };
            assert_eq!(
                foreign.sender == ForeignSender::Proxy,
                is_proxy,
                "{foreign}"
            );
        }
    }

    #[tokio::test]
    async fn wrong_credentials_are_refused_at_the_look_up_which_is_retried() {
        let wrong = client(Region::Auto, "wrong").await;
        assert!(matches!(
            wrong.base().await,
            Err(Answer::Unauthorized { status: 401, .. })
        ));
        assert_eq!(wrong.server(), None);
    }
}
