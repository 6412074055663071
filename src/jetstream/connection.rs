//! The connection to a group's servers, and to what the group keeps there.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::{Context, kv, stream::Stream};
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use crate::amplitude::time::UnixMs;
use crate::feed::FeedState;

use super::error::{GroupError, InGroup as _};
use super::location::Location;
use super::names::{LAYOUT, LEDGER_KEY, Names};
use super::records::{LAYOUT_VERSION, LayoutRecord};
use super::settings::NatsSettings;

/// Maximum time to connect, and for the answer to a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Interval of pings: a silent connection is given up after two.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum delay between two attempts to connect again.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(2);
/// Maximum publications that wait for the server at the same time.
const MAX_PUBLICATIONS: usize = 4_096;

/// A connection to a group. Clones share it. It connects again by itself.
#[derive(Debug, Clone)]
pub struct Connection(Arc<Parts>);

/// What the clones of a connection share.
#[derive(Debug)]
pub struct Parts {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) names: Names,
    pub(super) partitions: u16,
    pub(super) bucket: kv::Store,
    /// The stream of events.
    pub(super) events: Stream,
    pub(super) link: watch::Receiver<LinkState>,
    shown: String,
}

/// The state of the connection to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LinkState {
    pub(super) is_up: bool,
    /// Number of times that it was made.
    pub(super) connects: u64,
    /// What the server or the client reported last.
    pub(super) trouble: String,
}

impl LinkState {
    /// It as the state of a feed.
    pub(super) fn feed_state(&self, now_ms: UnixMs) -> FeedState {
        if self.is_up {
            return FeedState::Live;
        }
        if self.connects == 0 {
            return FeedState::Connecting;
        }
        let why = match self.trouble.as_str() {
            "" => "the connection to NATS is lost",
            trouble => trouble,
        };
        FeedState::Down {
            why: why.to_owned(),
            next_ms: now_ms,
        }
    }
}

impl Deref for Connection {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Connection {
    /// Connects to a group that exists.
    pub async fn open(settings: &NatsSettings, location: &Location) -> Result<Self, GroupError> {
        let (client, link) = connect(settings, location).await?;
        let context = context(&client);
        let names = Names::new(&location.prefix);
        let missing = || GroupError::NoGroup(location.shown());
        let bucket = context.get_key_value(names.bucket()).await;
        let bucket = bucket.map_err(|_| missing())?;
        let layout = bucket.get(LAYOUT).await.in_group("read the layout")?;
        let layout: LayoutRecord = match layout {
            Some(text) => serde_json::from_slice(&text).in_group("read the layout")?,
            None => return Err(missing()),
        };
        if layout.layout != LAYOUT_VERSION {
            return Err(GroupError::Layout {
                found: layout.layout,
                known: LAYOUT_VERSION,
            });
        }
        let events = context.get_stream(names.events_stream()).await;
        Ok(Self(Arc::new(Parts {
            client,
            events: events.map_err(|_| missing())?,
            context,
            names,
            partitions: layout.partitions,
            bucket,
            link,
            shown: location.shown(),
        })))
    }

    /// The address for people, without its secrets.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The key of the hashes in the members' ledgers: 32 hexadecimal digits. The first member makes it.
    pub(super) async fn ledger_key(&self) -> Result<String, GroupError> {
        if let Some(key) = self.known_ledger_key().await? {
            return Ok(key);
        }
        let new = format!("{:032x}", rand::random::<u128>());
        match self.bucket.create(LEDGER_KEY, new.clone().into()).await {
            Ok(_) => Ok(new),
            // Another member may have been faster.
            Err(error) => {
                let failed = || GroupError::failed("write the key of the ledgers", error);
                self.known_ledger_key().await?.ok_or_else(failed)
            }
        }
    }

    async fn known_ledger_key(&self) -> Result<Option<String>, GroupError> {
        let what = "read the key of the ledgers";
        let found = self.bucket.get(LEDGER_KEY).await.in_group(what)?;
        let key = found.map(|text| String::from_utf8(text.to_vec()));
        key.transpose().in_group(what)
    }

    /// Why the servers can't be reached now, if they can't.
    pub fn lost(&self) -> Option<String> {
        let link = self.link.borrow();
        let place = &self.shown;
        (!link.is_up).then(|| match link.trouble.as_str() {
            "" => format!("the connection to {place} is lost"),
            trouble => format!("the connection to {place} is lost: {trouble}"),
        })
    }

    /// Number of partitions.
    pub fn partitions(&self) -> u16 {
        self.partitions
    }
}

/// The context of requests to `JetStream`.
pub(super) fn context(client: &Client) -> Context {
    ContextBuilder::new()
        .timeout(TIMEOUT)
        .ack_timeout(TIMEOUT)
        .max_ack_inflight(MAX_PUBLICATIONS)
        .backpressure_on_inflight(true)
        .build(client.clone())
}

/// Connects to a group's servers.
pub(super) async fn connect(
    settings: &NatsSettings,
    location: &Location,
) -> Result<(Client, watch::Receiver<LinkState>), GroupError> {
    crate::http::install_ring();
    let (state, link) = watch::channel(LinkState::default());
    let observe = move |event: Event| {
        state.send_modify(|state| match &event {
            Event::Connected => {
                state.is_up = true;
                state.connects += 1;
                state.trouble.clear();
            }
            Event::Disconnected | Event::Closed => state.is_up = false,
            other => state.trouble = other.to_string(),
        });
        async move {
            match event {
                Event::Connected => tracing::info!("NATS: connected"),
                Event::Disconnected => {
                    tracing::warn!("NATS: the connection is lost; it is made again");
                }
                other => tracing::warn!("NATS: {other}"),
            }
        }
    };
    let options = options(settings, location).await?.event_callback(observe);
    let mut servers = vec![server(location.server.as_str(), location)?];
    for address in &settings.servers {
        servers.push(server(address, location)?);
    }
    let connecting = options.connect(servers).await;
    let client = connecting.map_err(|error| GroupError::Connect {
        server: location.shown(),
        why: reason(&error),
    })?;
    Ok((client, link))
}

fn server(address: &str, location: &Location) -> Result<ServerAddr, GroupError> {
    address
        .parse()
        .map_err(|error: std::io::Error| GroupError::Connect {
            server: location.shown(),
            why: error.to_string(),
        })
}

async fn options(
    settings: &NatsSettings,
    location: &Location,
) -> Result<ConnectOptions, GroupError> {
    let mut options = ConnectOptions::new()
        .name("sluicegate")
        .connection_timeout(TIMEOUT)
        .ping_interval(PING_INTERVAL)
        .require_tls(location.server.scheme() == "tls")
        .reconnect_delay_callback(|attempts| {
            let delay = Duration::from_millis(100) * attempts as u32;
            delay.min(MAX_RECONNECT_DELAY)
        });
    let unreadable = |setting: &'static str, path: &str| {
        let path = path.to_owned();
        move |source| GroupError::File {
            setting,
            path,
            source,
        }
    };
    let own = settings;
    if !own.credentials_file.is_empty() {
        let file = own.credentials_file.as_str();
        let reading = options.credentials_file(file).await;
        options = reading.map_err(unreadable("nats.credentials_file", file))?;
    }
    if !own.nkey_file.is_empty() {
        let file = own.nkey_file.as_str();
        let seed = tokio::fs::read_to_string(file).await;
        let seed = seed.map_err(unreadable("nats.nkey_file", file))?;
        options = options.nkey(seed.trim().to_owned());
    }
    if !own.token.expose_secret().is_empty() {
        options = options.token(own.token.expose_secret().to_owned());
    }
    // The client library reads them from no URL.
    if let Some((user, password)) = location.user_and_password() {
        options = options.user_and_password(user, password);
    }
    if !own.ca_file.is_empty() {
        options = options.add_root_certificates(PathBuf::from(&own.ca_file));
    }
    if !own.client_cert_file.is_empty() {
        let cert = PathBuf::from(&own.client_cert_file);
        options = options.add_client_certificate(cert, PathBuf::from(&own.client_key_file));
    }
    Ok(options)
}

/// An error with its sources, in one line.
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}
