//! Connecting to the first of a host's addresses that answers ("Happy Eyeballs", RFC 8305).

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::sleep;

use super::proxy::is_localhost;

/// Delay before the next address is tried in parallel: the recommended connection attempt delay
/// (RFC 8305, 5).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// Why a connection failed.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The host has no address.
    #[error("no such host: {0}")]
    Resolve(String),
    /// None of its addresses accepts a connection.
    #[error(transparent)]
    Connect(#[from] io::Error),
}

/// Connects to hosts.
#[derive(Debug, Clone, Default)]
pub struct Dialer {
    hosts: BTreeMap<String, Vec<IpAddr>>,
}

impl Dialer {
    /// Uses these addresses for these hosts, like a hosts file.
    pub fn with_hosts(hosts: BTreeMap<String, Vec<IpAddr>>) -> Self {
        Self { hosts }
    }

    /// Connects to a host, given without brackets.
    pub async fn dial(&self, host: &str, port: u16) -> Result<TcpStream, DialError> {
        let addresses = self.resolve(host, port).await?;
        let stream = first(interleaved(addresses)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// The addresses of a host, given without brackets.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, DialError> {
        self.look_up(host, port).await.map_err(|error| {
            let text = error.to_string();
            let plain = text.strip_prefix("failed to lookup address information: ");
            DialError::Resolve(format!("{host}: {}", plain.unwrap_or(&text)))
        })
    }

    async fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(known) = self.hosts.get(host) {
            return Ok(known.iter().map(|ip| (*ip, port).into()).collect());
        }
        match lookup_host((host, port)).await {
            Ok(found) => Ok(found.collect()),
            // Few resolvers know subdomains of localhost; RFC 6761, 6.3 defines them as loopback.
            Err(_) if is_localhost(host) => Ok(vec![
                (Ipv6Addr::LOCALHOST, port).into(),
                (Ipv4Addr::LOCALHOST, port).into(),
            ]),
            Err(error) => Err(error),
        }
    }
}

/// Orders the addresses by alternating families, so that a broken family costs only one delay.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        match (preferred.next(), other.next()) {
            (None, None) => return all,
            (a, b) => all.extend(a.into_iter().chain(b)),
        }
    }
}

/// Connects to the first address that accepts. Each is tried when the previous one has failed or is
/// slow; slow attempts continue in parallel.
async fn first(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failed = None;
    attempts.extend(waiting.next().map(TcpStream::connect));
    loop {
        tokio::select! {
            ended = attempts.next() => match ended {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => {
                    failed = Some(worse(failed, error));
                    attempts.extend(waiting.next().map(TcpStream::connect));
                }
                None => return Err(failed.unwrap_or_else(nothing_found)),
            },
            () = sleep(NEXT_AFTER), if waiting.len() > 0 => {
                attempts.extend(waiting.next().map(TcpStream::connect));
            }
        }
    }
}

/// Returns the more informative of two errors: a missing address family says little.
fn worse(one: Option<io::Error>, another: io::Error) -> io::Error {
    let says_little = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable
        )
    };
    match one {
        Some(one) if !says_little(&one) => one,
        _ => another,
    }
}

fn nothing_found() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the host has no address")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[test]
    fn families_alternate_in_the_order_of_the_resolver() {
        let all = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            interleaved(all(&[
                "[::1]:1",
                "[::2]:1",
                "[::3]:1",
                "1.1.1.1:1",
                "2.2.2.2:1"
            ])),
            all(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"])
        );
        assert_eq!(
            interleaved(all(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"])),
            all(&["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"])
        );
    }

    /// An address that never accepts: its backlog is full, so that a connection attempt gets no
    /// answer.
    async fn silent() -> (SocketAddr, Vec<tokio::task::JoinHandle<()>>, TcpListener) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let filling = (0..6).map(|_| {
            tokio::spawn(async move {
                let held = TcpStream::connect(address).await;
                std::future::pending::<()>().await;
                drop(held);
            })
        });
        let filling = filling.collect();
        sleep(Duration::from_millis(200)).await;
        (address, filling, listener)
    }

    #[tokio::test]
    async fn the_next_address_is_tried_while_the_first_is_silent() {
        let (dead, _filling, _listener) = silent().await;
        assert!(
            tokio::time::timeout(Duration::from_millis(500), first(vec![dead]))
                .await
                .is_err(),
            "this address is silent"
        );
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let alive = server.local_addr().unwrap();
        let started = Instant::now();
        let stream = first(vec![dead, alive]).await.unwrap();
        let took = started.elapsed();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(
            (Duration::from_millis(200)..Duration::from_millis(600)).contains(&took),
            "{took:?}"
        );
        // Each silent address costs one delay.
        let started = Instant::now();
        first(vec![dead, dead, dead, alive]).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(1_200));
    }

    #[tokio::test]
    async fn a_refusal_costs_no_delay_and_is_reported_if_no_address_answers() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let refusing = listener.local_addr().unwrap();
        drop(listener);
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let alive = server.local_addr().unwrap();
        let started = Instant::now();
        first(vec![refusing, alive]).await.unwrap();
        assert!(started.elapsed() < Duration::from_millis(200));
        let error = first(vec![refusing, refusing]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(first(Vec::new()).await.is_err());
    }

    #[tokio::test]
    async fn subdomains_of_localhost_are_this_machine() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = server.local_addr().unwrap().port();
        let dialer = Dialer::default();
        dialer.dial("feed.localhost", port).await.unwrap();
        let error = dialer.dial("nowhere.invalid", port).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no such host: nowhere.invalid: ")
        );
    }
}
