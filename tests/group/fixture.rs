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
use crate::program::{Serving, run_on, signal, sluicegate, steady_place};

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

    /// A server at a place, with more arguments.
    pub fn with(more: Vec<String>, place: SocketAddr) -> Self {
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

    pub fn pid(&self) -> u32 {
        self.child.id()
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

/// A relay as a process, which publishes to the group.
pub fn relay(url: &str, more: &[&str]) -> Serving {
    Serving::start(
        sluicegate()
            .args([
                "relay",
                "--headless",
                "--listen",
                "127.0.0.1:0",
                "--to",
                url,
            ])
            .args(more),
    )
}

/// A group on a server of its own, with a sandbox, and members that share the partitions.
pub struct Bench {
    pub nats: NatsServer,
    pub publisher: Publisher,
    pub sandbox: Sandbox,
    pub members: Vec<Member>,
}

impl Bench {
    /// Starts everything, with a sandbox that fails in this way.
    pub async fn start(members: usize, faults: Faults) -> Self {
        let nats = NatsServer::start();
        let publisher = group(&nats.url(), 1).await;
        let sandbox = crate::common::sandbox(faults).await;
        let start = |_| Member::start(&nats.url(), &sandbox);
        let members: Vec<Member> = (0..members).map(start).collect();
        shared(publisher.connection(), members.len()).await;
        Self {
            nats,
            publisher,
            sandbox,
            members,
        }
    }

    /// Starts another member.
    pub fn add_member(&mut self) {
        let member = Member::start(&self.nats.url(), &self.sandbox);
        self.members.push(member);
    }

    /// Waits until the members share the partitions.
    pub async fn shared(&self) {
        shared(self.publisher.connection(), self.members.len()).await;
    }

    /// Waits until the events `0..events` of these people are there, once and in order.
    pub async fn complete(&self, events: u64, people: u64) {
        arrived(&self.sandbox, events).await;
        in_order(&self.sandbox, events, people);
    }
}

/// Faults that fail a share of the requests.
pub fn failing(fail_share: f64) -> Faults {
    Faults {
        fail_share,
        ..Faults::default()
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

    /// A member with its files in this folder, where its control socket is.
    pub fn in_folder(url: &str, sandbox: &Sandbox, folder: &TempDir) -> Self {
        let folder = folder.path().to_str().unwrap();
        Self::with(url, sandbox, &[("SLUICEGATE_SPOOL_FOLDER", folder)])
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
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
