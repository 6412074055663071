//! Screens on a forwarder of another machine: over lines with little room, by TLS, with summaries only.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::line::Line;
use crate::program::{Running, Serving, run_on, sandbox, sluicegate, steady_place};
use crate::pty::{Terminal, program_without_umask};
use crate::tls::Authority;

/// Events as SDKs send them, 200 a second, each with an order of its own.
fn events() -> String {
    let mut text = String::new();
    let mut state = 7_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 16
    };
    for n in 0..4_000_u64 {
        let (device, session, order) = (random(), random(), random());
        let (price, plan) = (random() % 10_000, random() % 4);
        let time = 1_795_000_000_000 + n * 5;
        let kind = n % 7;
        let _ = writeln!(
            text,
            "{{\"event_type\":\"Step {kind}\",\"user_id\":\"u-{}\",\"device_id\":\"{device:012x}-{session:012x}\",\
             \"insert_id\":\"{order:012x}-{device:08x}-{n}\",\"time\":{time},\"session_id\":{time},\"platform\":\"iOS\",\
             \"os_version\":\"18.{kind}\",\"country\":\"Germany\",\"language\":\"German\",\"app_version\":\"4.{plan}.{kind}\",\
             \"event_properties\":{{\"order\":\"order-{order:x}\",\"price\":{price}.5,\"currency\":\"EUR\",\
             \"items\":[{{\"sku\":\"sku-{}\",\"quantity\":{plan}}}],\"page\":\"/checkout/{kind}/{session:x}\"}},\
             \"user_properties\":{{\"plan\":\"plan-{plan}\",\"since\":{session}}}}}",
            order % 500,
            order % 900,
        );
    }
    text
}

/// A forwarder of 200 events a second that listens on `control.listen`.
struct Far {
    folder: tempfile::TempDir,
    _feed: Serving,
    _sandbox: Serving,
    forwarder: Option<Running>,
    command: Command,
    address: SocketAddr,
}

impl Far {
    fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("events.ndjson");
        fs::write(&file, events()).unwrap();
        let mut replay = sluicegate();
        replay.args(["replay", "--listen", "127.0.0.1:0", "--loop"]);
        let feed = Serving::start(replay.arg(&file));
        let sandbox = sandbox(&[]);
        let address = steady_place();
        let config = folder.path().join("s.toml");
        fs::write(&config, settings).unwrap();
        let mut command = run_on(&feed.url, &sandbox.url);
        command
            .env("SLUICEGATE_CONFIG", &config)
            .env("SLUICEGATE_SPOOL_FOLDER", folder.path().join("spool"))
            .env("SLUICEGATE_CONTROL_LISTEN", address.to_string());
        let forwarder = Some(Running::start(&mut command));
        let far = Self {
            folder,
            _feed: feed,
            _sandbox: sandbox,
            forwarder,
            command,
            address,
        };
        far.wait_until_it_listens();
        far
    }

    fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "it listens");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn attach(args: &[&str]) -> Terminal {
    let mut command = program_without_umask();
    command.arg("attach");
    command.args(args);
    Terminal::start(command)
}

#[test]
fn over_a_line_with_little_room_keys_work_and_40_kb_a_second_are_enough() {
    let far = Far::start("");
    let line = Line::to(far.address);
    let mut screen = attach(&["--at", &format!("http://{}", line.address)]);
    screen.shows("OPEN");
    screen.shows("Step 3");
    // What a new screen gets at once is not counted.
    std::thread::sleep(Duration::from_secs(4));
    let (bytes, started) = (line.received(), Instant::now());
    while started.elapsed() < Duration::from_secs(8) {
        // Keys are answered by the screen itself, and the figures go on meanwhile.
        screen.press("?");
        screen.shows("Esc");
        screen.escape();
        let before = screen.text();
        screen.waits_for("the figures go on", |text| text != before);
    }
    let took = started.elapsed().as_secs_f64();
    let a_second = (line.received() - bytes) as f64 / took;
    assert!(a_second <= 40_000.0, "{a_second} bytes a second");
    assert!(a_second > 2_000.0, "{a_second} bytes a second");
    screen.press("q");
    assert_eq!(screen.ends(), 0);
}

#[test]
fn a_line_that_is_cut_and_comes_back_is_told_and_the_screen_goes_on() {
    let mut far = Far::start("");
    let line = Line::to(far.address);
    let mut screen = attach(&["--at", &format!("http://{}", line.address)]);
    screen.shows("Step 3");
    line.cut();
    screen.shows("what is shown is old");
    line.mend();
    let is_back = |text: &str| !text.contains("what is shown is old");
    screen.waits_for("it is back", is_back);
    let before = screen.text();
    screen.waits_for("it goes on", |text| text != before && is_back(text));
    // Now the forwarder itself is killed, and started again.
    drop(far.forwarder.take());
    screen.shows("what is shown is old");
    far.forwarder = Some(Running::start(&mut far.command));
    far.wait_until_it_listens();
    screen.waits_for("it is back", is_back);
    screen.press("q");
    assert_eq!(screen.ends(), 0);
}

#[test]
fn an_address_is_attached_to_by_tls_with_a_token_and_a_viewer_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (certificate, key) = authority.issue("localhost");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let cert = file("cert.pem", &certificate.pem());
    let key = file("key.pem", &key.serialize_pem());
    let ca = file("ca.pem", &authority.pem());
    let far = Far::start(&format!(
        "[control]\ntls_cert_file = {cert:?}\ntls_key_file = {key:?}\n\
         [control.operators]\nann = \"the-token-of-an-operator\"\n\
         [control.viewers]\nwall = \"the-token-of-a-viewer\"\n"
    ));
    let place = format!("localhost:{}", far.address.port());
    let with = |token: &str| {
        let token = file("token", token);
        attach(&[&place, "--ca-file", &ca, "--token-file", &token])
    };
    let mut nobody = with("a-token-of-nobody");
    nobody.shows("Authorization: Bearer");
    assert_eq!(nobody.ends(), 2);
    let mut wall = with("the-token-of-a-viewer");
    wall.shows("OPEN");
    wall.shows("viewer at https://localhost");
    wall.press("d");
    wall.press("y");
    wall.shows("a viewer may not change anything");
    let mut ann = with("the-token-of-an-operator");
    ann.shows("OPEN");
    ann.press("d");
    ann.press("y");
    ann.shows("DRY RUN");
    wall.shows("ann (127.0.0.1): gate: dry-run");
}

#[test]
fn with_summaries_only_the_rest_of_an_event_is_fetched_when_it_is_opened() {
    let far = Far::start("");
    let spool = far.folder.path().join("spool").display().to_string();
    let mut screen = attach(&["--lite", "--spool", &spool]);
    screen.shows("Step 3");
    screen.shows("summaries");
    screen.press("j\r");
    screen.shows("after receipt");
    screen.shows("currency: \"EUR\"");
    screen.press("q");
}
