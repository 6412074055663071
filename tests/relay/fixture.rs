//! A relay in this process, its senders and its clients.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use sluicegate::feed::server;
use sluicegate::relay::{Options, Relay};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Starts a relay without a log.
pub async fn relay(options: Options) -> Relay {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    Relay::start(listener, options, None).unwrap()
}

/// The options of a relay without a secret or a token.
pub fn open() -> Options {
    Options {
        feed: server::Options {
            wait_for_client: false,
            wait_for_slow: false,
            ..server::Options::default()
        },
        ..Options::default()
    }
}

/// An HTTP client of a sender.
pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Subscribes a client.
pub async fn subscribed(relay: &Relay, query: &str) -> Client {
    let (client, _) = connect_async(format!("{}{query}", relay.feed_url()))
        .await
        .unwrap();
    client
}

/// The next event that a client receives.
pub async fn next(client: &mut Client) -> Value {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(10), client.next()).await;
        if let Message::Text(text) = message.unwrap().unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}
