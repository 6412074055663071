//! Networks as they are: proxies, hosts with several addresses, and addresses that hold secrets.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "../common/mod.rs"]
mod common;
mod environment;
#[path = "../common/forward_proxy.rs"]
mod forward_proxy;
#[path = "../common/program.rs"]
mod program;
#[path = "../common/tls.rs"]
mod tls;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::{FrameReceiver, down, event, sandbox, settings};
use forward_proxy::{ForwardProxy, Rules};
use futures_util::{SinkExt as _, StreamExt as _};
use sluicegate::config::Feed as Settings;
use sluicegate::customerio::Client;
use sluicegate::customerio::sandbox::Faults;
use sluicegate::feed::server::{Options, Server};
use sluicegate::feed::{Feed as _, FeedChannel, FeedStatus, WebSocketFeed};
use sluicegate::network::dial::Dialer;
use sluicegate::network::{Address, ProxySetting};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// A feed that keeps what is published for whoever comes.
async fn feed_at(port: u16) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let options = Options {
        wait_for_client: false,
        ..Options::default()
    };
    Server::start(listener, options).unwrap()
}

/// A feed with one event, for whoever comes by whatever name; where it listens.
async fn feed() -> String {
    plain_feed(0).await
}

async fn plain_feed(port: u16) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = accept_async(stream).await else {
                    return;
                };
                let _ = socket.send(Message::text(event("u", 7))).await;
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
    });
    url
}

/// A Track API that takes all requests, whatever it is called; where it listens, and a count.
async fn track() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let take = move |_: axum::body::Bytes| {
        counted.fetch_add(1, Relaxed);
        async { ([("content-type", "application/json")], "{}") }
    };
    let router = axum::Router::new().fallback(take);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, requests)
}

struct Running {
    frames: FrameReceiver,
    status: watch::Receiver<FeedStatus>,
}

fn run(feed: WebSocketFeed) -> Running {
    let (status_told, status) = watch::channel(FeedStatus::default());
    let (channel, frames) =
        FeedChannel::new(watch::channel(None).1, watch::channel(None).1, status_told);
    tokio::spawn(Box::new(feed).run(channel));
    Running {
        frames: frames.into(),
        status,
    }
}

fn subscribe(settings: Settings) -> Running {
    run(WebSocketFeed::new(settings).unwrap())
}

impl Running {
    async fn next(&mut self) -> String {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.frames.recv());
        let frame = frame
            .await
            .unwrap_or_else(|_| panic!("{:?}", self.status.borrow()));
        frame.unwrap().text.unwrap().to_string()
    }

    async fn down(&self) -> String {
        down(&self.status).await
    }
}

/// Settings for the feed at `url` through the proxy at `proxy`.
fn through(proxy: &str, url: &str) -> Settings {
    Settings {
        proxy: ProxySetting::Through(Address::new(proxy)),
        ..settings(url, "http://unused").feed
    }
}

#[tokio::test]
async fn the_feed_goes_through_an_http_proxy_that_asks_who_one_is() {
    let server = feed().await;
    let rules = Rules::default().host("feed.test", &server);
    let proxy = ForwardProxy::start(rules.credentials("bob", "p@:s")).await;
    let place = &proxy.place;
    let url = "ws://feed.test/feed?last_received=";
    let mut running = subscribe(through(&format!("http://bob:p%40%3as@{place}"), url));
    assert!(running.next().await.contains(r#""number":7"#));
    assert_eq!(proxy.seen(), ["CONNECT feed.test:80"]);

    let wrong = subscribe(through(&format!("http://bob:wrong@{place}"), url))
        .down()
        .await;
    assert_eq!(
        wrong,
        format!(
            "through the proxy {place}: it answers 407 Proxy Authentication Required: it refuses the user name and password in its address"
        )
    );
    let nobody = subscribe(through(place, url)).down().await;
    assert!(nobody.ends_with("407 Proxy Authentication Required: add a user name and a password to its address, http://USER:PASSWORD@HOST:PORT"), "{nobody}");
}

#[tokio::test]
async fn a_proxy_that_is_in_the_way_is_named_in_what_fails() {
    let server = feed().await;
    let rules = Rules::default().host("feed.test", &server);
    let denying = rules.clone().answer("HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<h1>No!</h1>");
    let denying = ForwardProxy::start(denying).await.place;
    let negotiating = rules.clone().answer("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n");
    let negotiating = ForwardProxy::start(negotiating).await.place;
    let passing = ForwardProxy::start(rules).await.place;
    let nowhere = common::nowhere();
    for (proxy, url, says) in [
        (denying.clone(), "ws://feed.test", "it answers 403 Forbidden to CONNECT feed.test:80: <h1>No!</h1>".to_owned()),
        (denying, "wss://feed.test:8", "it answers 403 Forbidden to CONNECT feed.test:8: <h1>No!</h1>".to_owned()),
        (negotiating, "ws://feed.test", "it answers 407 Proxy Authentication Required: it requires Negotiate or NTLM; only Basic is supported".to_owned()),
        (nowhere.to_string(), "ws://feed.test", format!("connection refused: nothing listens at {nowhere}")),
        (passing.clone(), "ws://another.test", "it answers 502 Bad Gateway to CONNECT another.test:80: no such host".to_owned()),
        (format!("socks5://{passing}"), "ws://another.test", "SOCKS error: ".to_owned()),
    ] {
        let why = subscribe(through(&proxy, url)).down().await;
        let place = proxy.trim_start_matches("socks5://");
        let begins = format!("through the proxy {place}: {says}");
        assert!(why.starts_with(&begins), "{why}\nis not\n{begins}");
    }
}

#[tokio::test]
async fn the_feed_goes_through_socks5_and_the_proxy_resolves_its_name() {
    let server = feed().await;
    let rules = Rules::default().host("feed.test", &server);
    let proxy = ForwardProxy::start(rules.clone()).await;
    let url = "ws://feed.test:81/?last_received=";
    let mut running = subscribe(through(&format!("socks5://{}", proxy.place), url));
    assert!(running.next().await.contains(r#""number":7"#));
    assert_eq!(proxy.seen(), ["SOCKS feed.test:81"]);
    let asking = ForwardProxy::start(rules.credentials("bob", "secret"))
        .await
        .place;
    let mut running = subscribe(through(&format!("socks5h://bob:secret@{asking}"), url));
    assert!(running.next().await.contains(r#""number":7"#));
    let wrong = subscribe(through(&format!("socks5://bob:wrong@{asking}"), url))
        .down()
        .await;
    assert!(
        wrong.contains("SOCKS error: credentials not accepted"),
        "{wrong}"
    );
}

#[tokio::test]
async fn tls_is_spoken_with_the_server_through_a_proxy_and_with_the_proxy_itself() {
    let dir = tempfile::tempdir().unwrap();
    let authority = tls::Authority::new();
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, authority.pem()).unwrap();
    let server = tls::feed(authority.acceptor("feed.test")).await;
    let rules = Rules::default().host("feed.test", &format!("wss://{server}"));
    let plain = ForwardProxy::start(rules.clone()).await;
    let secure = ForwardProxy::start_tls(rules, authority.acceptor("127.0.0.1")).await;
    for proxy in [
        format!("http://{}", plain.place),
        format!("https://{}", secure.place),
    ] {
        let mut settings = through(&proxy, "wss://feed.test");
        settings.ca_file = ca_file.display().to_string();
        assert_eq!(
            subscribe(settings).next().await,
            r#"{"event_type":"over tls"}"#
        );
    }
    assert_eq!(plain.seen(), ["CONNECT feed.test:443"]);
    assert_eq!(secure.seen(), ["CONNECT feed.test:443"]);
    // The CA that is missing has a name, and so has the place for it.
    let unknown = subscribe(through(&plain.place, "wss://feed.test"))
        .down()
        .await;
    for part in [
        "through the proxy",
        "TLS: ",
        "feed.ca_file",
        "SSL_CERT_FILE",
    ] {
        assert!(unknown.contains(part), "{unknown}");
    }
}

#[tokio::test]
async fn customer_io_is_reached_through_its_proxy_and_the_proxy_is_named() {
    let server = sandbox(Faults::default()).await;
    let rules = Rules::default().host("track.test", &server.url());
    let asking = ForwardProxy::start(rules.clone().credentials("bob", "secret")).await;
    let open = ForwardProxy::start(rules).await;
    let client = |proxy: String, base: &str| {
        let mut all = settings("ws://unused", base);
        all.customerio.proxy = ProxySetting::Through(Address::new(proxy));
        Client::new(all.destination().unwrap()).unwrap()
    };
    for proxy in [
        format!("http://bob:secret@{}", asking.place),
        format!("socks5h://bob:secret@{}", asking.place),
        open.place.clone(),
    ] {
        let client = client(proxy, "http://track.test:8123");
        let answer = client.send_batch(std::iter::empty()).await;
        assert!(!format!("{answer:?}").contains("NoAnswer"), "{answer:?}");
    }
    assert_eq!(
        asking.seen(),
        [
            "POST http://track.test:8123/api/v2/batch",
            "SOCKS track.test:8123"
        ]
    );
    for (proxy, base, says) in [
        (
            asking.place.clone(),
            "https://track.test",
            "no connection: it answers 407 Proxy Authentication Required: add a user name",
        ),
        (
            open.place.clone(),
            "https://another.test",
            "no connection: it refuses to connect to the server",
        ),
        (
            common::nowhere().to_string(),
            "http://track.test",
            "no connection: Connection refused",
        ),
    ] {
        let answer = format!(
            "{:?}",
            client(proxy.clone(), base)
                .send_batch(std::iter::empty())
                .await
        );
        let says = format!("through the proxy {proxy}: {says}");
        assert!(answer.contains(&says), "{answer}\nlacks\n{says}");
    }
}

#[tokio::test]
async fn a_host_whose_first_address_is_silent_is_reached_at_the_next() {
    // Its backlog is full: whoever connects gets no answer.
    let silent = TcpSocket::new_v4().unwrap();
    silent
        .bind((Ipv4Addr::new(127, 0, 0, 2), 0).into())
        .unwrap();
    let silent = silent.listen(1).unwrap();
    let dead = silent.local_addr().unwrap();
    let filling: Vec<_> = (0..6)
        .map(|_| tokio::spawn(TcpStream::connect(dead)))
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    plain_feed(dead.port()).await;
    let addresses = vec![dead.ip(), Ipv4Addr::LOCALHOST.into()];
    let hosts = BTreeMap::from([("many.test".to_owned(), addresses)]);
    let url = format!("ws://many.test:{}/?last_received=", dead.port());
    let dialer = Dialer::with_hosts(hosts.clone());
    let direct = Settings {
        proxy: ProxySetting::Direct,
        ..settings(&url, "http://unused").feed
    };
    let started = Instant::now();
    let mut running = run(WebSocketFeed::with_dialer(direct, dialer.clone()).unwrap());
    assert!(running.next().await.contains(r#""number":7"#));
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    // A proxy may have several addresses as well.
    let proxied = through(
        &format!("http://many.test:{}", dead.port()),
        "ws://feed.test",
    );
    let running = run(WebSocketFeed::with_dialer(proxied, dialer).unwrap());
    let why = running.down().await;
    assert!(!why.contains("no connection within"), "{why}");
    drop((silent, filling));
}

#[tokio::test]
async fn addresses_are_encoded_as_requests_need_them() {
    let server = feed_at(0).await;
    let song = event("u", 7).replace("\"Step\"", "\"Song Played\"");
    server.publish(&event("u", 6)).await;
    server.publish(&song).await;
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    for host in ["127.0.0.1", "exämple.localhost", "LOCALHOST"] {
        let url = format!("WS://{host}:{port}/?types=Song Played&last_received=");
        let mut running = subscribe(settings(&url, "http://unused").feed);
        assert!(running.next().await.contains(r#""number":7"#), "{url}");
    }
}

#[tokio::test]
async fn a_ca_that_is_missing_for_customer_io_is_told_with_its_place() {
    let authority = tls::Authority::new();
    let server = tls::feed(authority.acceptor("localhost")).await;
    let base = format!("https://localhost:{}", server.port());
    let all = settings("ws://unused", &base);
    let client = Client::new(all.destination().unwrap()).unwrap();
    let answer = format!("{:?}", client.send_batch(std::iter::empty()).await);
    assert!(answer.contains("no connection: TLS: "), "{answer}");
    assert!(answer.contains("SSL_CERT_FILE"), "{answer}");
}
