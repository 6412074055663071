//! A real nats-server, a group on it, and members as processes.
#![allow(dead_code, reason = "each test uses some of these fixtures")]

use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use bytestring::ByteString;
use serde_json::Value;
use sluicegate::customerio::sandbox::{Faults, Sandbox};
use sluicegate::jetstream::{self, Connection, Creation, Location, NatsSettings, Publisher};
use sluicegate::network::Address;
use tempfile::TempDir;

use crate::common::{event, numbers_of};
use crate::program::{run_on, signal, sluicegate, steady_place};

/// The term of a lease in these tests.
pub const LEASE: Duration = Duration::from_secs(2);
/// Partitions in these tests.
pub const PARTITIONS: u16 = 16;

/// A server process, which is killed when dropped.
pub struct NatsServer {
    child: Child,
    place: SocketAddr,
    folder: TempDir,
    more: Vec<String>,
}

impl NatsServer {
    pub fn start() -> Self {
        Self::with(Vec::new(), steady_place())
    }

    /// Three servers that form a cluster.
    pub fn cluster() -> Vec<Self> {
        let routes: Vec<SocketAddr> = (0..3).map(|_| steady_place()).collect();
        let all: Vec<String> = routes
            .iter()
            .map(|route| format!("nats://{route}"))
            .collect();
        let with = |(number, route): (usize, &SocketAddr)| {
            let more = [
                "--cluster_name",
                "test",
                "--cluster",
                &format!("nats://{route}"),
                "--routes",
                &all.join(","),
                "--name",
                &format!("n{number}"),
            ];
            Self::with(more.map(str::to_owned).into(), steady_place())
        };
        routes.iter().enumerate().map(with).collect()
    }

    fn with(more: Vec<String>, place: SocketAddr) -> Self {
        let folder = TempDir::with_prefix_in("nats-", env!("CARGO_TARGET_TMPDIR")).unwrap();
        let child = spawn(place, folder.path(), &more);
        let server = Self {
            child,
            place,
            folder,
            more,
        };
        server.wait();
        server
    }

    /// Kills it, and starts it again on the same files.
    pub fn restart(&mut self) {
        self.kill();
        self.start_again();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = spawn(self.place, self.folder.path(), &self.more);
        self.wait();
    }

    fn wait(&self) {
        let started = Instant::now();
        while std::net::TcpStream::connect(self.place).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(20),
                "no nats-server"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The address of the group in these tests.
    pub fn url(&self) -> String {
        format!("nats://{}/shop", self.place)
    }

    pub fn place(&self) -> SocketAddr {
        self.place
    }
}

fn spawn(place: SocketAddr, folder: &std::path::Path, more: &[String]) -> Child {
    Command::new("nats-server")
        .args([
            "-js",
            "-a",
            "127.0.0.1",
            "-p",
            &place.port().to_string(),
            "-sd",
        ])
        .arg(folder)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server is installed")
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Creates the group, and returns a publisher to it.
pub async fn group(url: &str, replicas: usize) -> Publisher {
    let location = Location::parse(&Address::new(url)).unwrap();
    let wanted = Creation {
        partitions: PARTITIONS,
        replicas,
        max_bytes: 1 << 30,
        duplicate_window: Duration::from_secs(60),
        keep_dead_letters: Duration::ZERO,
    };
    let started = Instant::now();
    loop {
        match jetstream::create(&NatsSettings::default(), &location, &wanted).await {
            Ok(connection) => return Publisher::new(connection),
            // A cluster elects its leader first.
            Err(error) => assert!(started.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// A member as a process.
pub struct Member(Child);

impl Member {
    pub fn start(url: &str, sandbox: &Sandbox) -> Self {
        Self::with(url, sandbox, &[])
    }

    pub fn with(url: &str, sandbox: &Sandbox, more: &[(&str, &str)]) -> Self {
        let mut command = run_on(url, &sandbox.url());
        command
            .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
            .env("SLUICEGATE_NATS_LEASE", format!("{}s", LEASE.as_secs()))
            .env("SLUICEGATE_DELIVERY_BATCH_AGE", "10ms")
            .env("SLUICEGATE_DELIVERY_FIRST_DELAY", "5ms")
            .env("SLUICEGATE_DELIVERY_LONGEST_DELAY", "50ms")
            .env("SLUICEGATE_DELIVERY_FIRST_PROBE", "20ms")
            .env("SLUICEGATE_DELIVERY_LONGEST_PROBE", "100ms")
            .env("SLUICEGATE_DELIVERY_REQUESTS_PER_SECOND", "10000")
            .stdout(Stdio::piped());
        match std::env::var_os("SHOW_MEMBERS") {
            Some(_) => command.stderr(Stdio::inherit()),
            None => command.stderr(Stdio::null()),
        };
        for (name, value) in more {
            command.env(name, value);
        }
        Self(command.spawn().unwrap())
    }

    pub fn signal(&self, name: &str) {
        signal(name, self.0.id());
    }

    /// Kills it at once.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to end, and waits.
    pub async fn end(self) -> ExitStatus {
        self.signal("TERM");
        let waiting = tokio::task::spawn_blocking(move || {
            let mut member = self;
            let mut out = String::new();
            let mut stdout = member.0.stdout.take().unwrap();
            std::io::Read::read_to_string(&mut stdout, &mut out).unwrap();
            member.0.wait().unwrap()
        });
        let ended = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        ended.expect("it ends").unwrap()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Publishes numbered events of these people in the background.
pub fn publish(
    publisher: &Publisher,
    numbers: std::ops::Range<u64>,
    people: u64,
) -> tokio::task::JoinHandle<()> {
    let publisher = publisher.clone();
    tokio::spawn(async move {
        for number in numbers {
            let text = ByteString::from(event(&format!("u-{}", number % people), number));
            while let Err(error) = publisher.publish(std::slice::from_ref(&text)).await {
                assert!(error.to_string().contains("NATS"), "{error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if number % 4 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    })
}

/// Waits until a number of different events has arrived.
pub async fn arrived(sandbox: &Sandbox, events: u64) {
    let started = Instant::now();
    while sandbox.counts().events < events {
        let counts = sandbox.counts();
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "only {} of {events} arrived",
            counts.events
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asserts that each person's events are there once and in order.
pub fn in_order(sandbox: &Sandbox, events: u64, people: u64) {
    assert_eq!(sandbox.counts().events, events);
    for person in 0..people {
        let numbers = numbers_of(sandbox, &format!("u-{person}"));
        let expected: Vec<u64> = (person..events).step_by(people as usize).collect();
        assert!(numbers == expected, "u-{person}: {numbers:?}");
    }
}

/// The group's state, as `nats status` writes it.
pub fn status(url: &str) -> Value {
    let output = sluicegate()
        .args(["nats", "status", url, "--format", "json"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

/// Waits until this many members hold all partitions, in fair shares.
pub async fn shared(connection: &Connection, members: usize) {
    let started = Instant::now();
    loop {
        if let Ok(status) = jetstream::status(connection).await {
            let shares: Vec<usize> = status.members.iter().map(|m| m.partitions.len()).collect();
            let fair = usize::from(PARTITIONS).div_ceil(members.max(1));
            if status.members.len() == members
                && status.free.is_empty()
                && shares.iter().sum::<usize>() == usize::from(PARTITIONS)
                && shares.iter().all(|share| *share <= fair)
            {
                return;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{members} members never shared the partitions: {shares:?}, free {:?}",
                status.free
            );
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A sandbox that fails a share of the requests.
pub async fn failing_sandbox(share: f64) -> Sandbox {
    crate::common::sandbox(Faults {
        fail_share: share,
        ..Faults::default()
    })
    .await
}

/// What a line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineState {
    /// It passes everything on.
    Works,
    /// It passes nothing on, and takes new connections.
    Silent,
    /// It is cut, and takes no connections.
    Cut,
}

/// A line to a server, which can be cut and silenced.
pub struct Line {
    pub place: SocketAddr,
    state: tokio::sync::watch::Sender<LineState>,
}

impl Line {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let place = listener.local_addr().unwrap();
        let state = tokio::sync::watch::Sender::new(LineState::Works);
        let states = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let states = states.clone();
                if *states.borrow() != LineState::Cut {
                    tokio::spawn(async move {
                        let server = tokio::net::TcpStream::connect(server).await?;
                        let (from, to) = client.into_split();
                        let (answers, requests) = server.into_split();
                        let back = pass(answers, to, states.subscribe());
                        tokio::try_join!(pass(from, requests, states.subscribe()), back)?;
                        std::io::Result::Ok(())
                    });
                }
            }
        });
        Self { place, state }
    }

    pub fn set(&self, state: LineState) {
        self.state.send_replace(state);
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut state: tokio::sync::watch::Receiver<LineState>,
) -> std::io::Result<()> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut bytes = vec![0; 64 << 10];
    loop {
        let now = *state.borrow_and_update();
        tokio::select! {
            read = from.read(&mut bytes), if now == LineState::Works => match read? {
                0 => return Ok(()),
                read => to.write_all(&bytes[..read]).await?,
            },
            _ = state.changed() => {}
        }
        if *state.borrow() == LineState::Cut {
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
    }
}
