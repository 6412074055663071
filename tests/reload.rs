//! SIGHUP: what is put in force, what needs a restart, and what leaves everything as it is.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

mod common;
#[path = "common/forwarder.rs"]
mod forwarder;
#[path = "common/hangup.rs"]
mod hangup;
#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{event, feed, sandbox, until};
use forwarder::forwarder;
use hangup::Logged;
use program::sluicegate;
use rcgen::{CertificateParams, KeyPair};
use sluicegate::customerio::sandbox::Faults;

/// The lines with which a reload ends.
const ANSWERS: [&str; 2] = ["settings reloaded", "nothing is changed"];

/// `run` with this configuration file, from a feed that isn't there.
fn alone(config: &Path, folder: &Path) -> Command {
    let mut command = forwarder("ws://127.0.0.1:1", "http://127.0.0.1:9", folder, &[]);
    for name in ["CUSTOMERIO_BASE_URL", "GATE"] {
        command.env_remove(format!("SLUICEGATE_{name}"));
    }
    command.env("SLUICEGATE_CUSTOMERIO_BASE_URL", "http://127.0.0.1:9");
    command.env("SLUICEGATE_CONFIG", config);
    command
}

/// What a reload answered, without the time and the source in front.
fn reload(program: &mut Logged) -> String {
    let line = program.reload(&ANSWERS);
    let at = ANSWERS.iter().find_map(|says| line.find(says)).unwrap();
    line[at..].to_owned()
}

/// A name, what makes a key file unusable, and what is to be said of it.
type Unusable = (&'static str, fn(&Path), &'static str);

const UNUSABLE: [Unusable; 7] = [
    ("emptied", |path| fs::write(path, "").unwrap(), "is empty"),
    (
        "whitespace",
        |path| fs::write(path, " \r\n\t\n").unwrap(),
        "is empty",
    ),
    (
        "a mark alone",
        |path| fs::write(path, "\u{feff}").unwrap(),
        "is empty",
    ),
    (
        "two lines",
        |path| fs::write(path, "good\nother\n").unwrap(),
        "holds more than one line",
    ),
    (
        "no text",
        |path| fs::write(path, [0xff, 0xfe, b'a']).unwrap(),
        "cannot read",
    ),
    (
        "unreadable",
        |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
        "cannot read",
    ),
    (
        "missing",
        |path| fs::remove_dir(path).unwrap(),
        "there is no file",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_without_a_key_keeps_the_key_in_use_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    sandbox.set_credentials("site:good");
    let key = dir.path().join("track.key");
    fs::write(&key, "good\n").unwrap();
    let more = [("SLUICEGATE_CUSTOMERIO_API_KEY_FILE", key.to_str().unwrap())];
    let mut command = forwarder(&feed.url(), &sandbox.url(), &dir.path().join("s"), &more);
    command.env_remove("SLUICEGATE_CUSTOMERIO_API_KEY");
    let mut program = Logged::start(&mut command);
    until("it is there", || feed.clients() == 1).await;
    for (number, (case, write, says)) in UNUSABLE.iter().enumerate() {
        write(&key);
        let line = program.reload(&ANSWERS);
        assert!(line.contains("ERROR"), "{case}: {line}");
        for says in ["nothing is changed", "track.key", says] {
            assert!(line.contains(says), "{case}: {line}");
        }
        let what_to_do = ["write the key into it", "create it", "cannot read"];
        assert!(
            what_to_do.iter().any(|do_it| line.contains(do_it)),
            "{line}"
        );
        feed.publish(&event("u", number as u64)).await;
        let delivered = number + 1;
        until(&format!("{case}: it is delivered"), || {
            sandbox.counts().events as usize == delivered
        })
        .await;
    }
    // Another key is taken, and said to be.
    fs::write(&key, "better").unwrap();
    sandbox.set_credentials("site:better");
    let says = "settings reloaded: customerio.api_key_file applied";
    assert_eq!(reload(&mut program), says);
    assert_eq!(reload(&mut program), "settings reloaded: nothing changed");
    feed.publish(&event("u", 99)).await;
    until("the new key is used", || {
        sandbox.counts().events as usize == UNUSABLE.len() + 1
    })
    .await;
    assert_eq!(program.ends(), 0);
}

#[test]
fn no_command_starts_with_a_key_file_that_holds_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let (key, config) = (dir.path().join("track.key"), dir.path().join("s.toml"));
    fs::write(&config, "").unwrap();
    fs::write(&key, "good").unwrap();
    for (case, write, says) in UNUSABLE {
        write(&key);
        for args in [&["config", "check"][..], &["run", "--for", "1s"]] {
            let mut command = sluicegate();
            command.arg("--config").arg(&config).args(args);
            command.env("SLUICEGATE_FEED_URL", "ws://127.0.0.1:1");
            command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site");
            command.env("SLUICEGATE_CUSTOMERIO_API_KEY_FILE", &key);
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert_ne!(output.status.code(), Some(0), "{case}: {said}");
            assert!(said.contains("track.key") && said.contains(says), "{said}");
        }
    }
}

#[test]
fn a_reload_says_what_it_did_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    let first = "[delivery]\nattempts = 7\nin_flight = 3\n[types]\na = \"off\"\nb = \"on\"\n";
    fs::write(&config, first).unwrap();
    let mut command = alone(&config, &dir.path().join("spool"));
    command.env("SLUICEGATE_DELIVERY_BREAKER_FAILURES", "4");
    let mut program = Logged::start(&mut command);
    program.line(&["feed is down"]);
    let nothing = "settings reloaded: nothing changed";
    for (case, text, says) in [
        ("as it was", first, nothing),
        (
            "comments, spaces and order",
            "# one\n[types]\n b = \"on\"\n\na=\"off\" # two\n[delivery]\nin_flight=3\nattempts = 7\n",
            nothing,
        ),
        (
            "a default that is written",
            "gate = \"shut\"\n[delivery]\nattempts = 7\nin_flight = 3\nbatch_age = \"0.25s\"\n[types]\na = \"off\"\nb = \"on\"\n",
            nothing,
        ),
        (
            "the same in another form",
            "gate = 'shut'\ndelivery = { attempts = 0x7, in_flight = 3, batch_age = \"0s 250ms\" }\ntypes = { a = \"off\", b = \"on\" }\n",
            nothing,
        ),
        (
            "what the environment stands over",
            "[delivery]\nattempts = 7\nin_flight = 3\nbreaker_failures = 9\n[customerio]\nsite_id = \"other\"\n[types]\na = \"off\"\nb = \"on\"\n",
            nothing,
        ),
        (
            "settings of the screen and of relays",
            "[delivery]\nattempts = 7\nin_flight = 3\n[screen]\ntheme = \"light\"\nring_bytes = 123456789\n[keys]\ngate = [\"F9\"]\n[relay]\ntoken = \"x\"\n[types]\na = \"off\"\nb = \"on\"\n",
            nothing,
        ),
        ("no TOML", "[delivery\nattempts = 8", "nothing is changed: "),
        (
            "no number",
            "[delivery]\nattempts = \"many\"",
            "s.toml:2: delivery.attempts: ",
        ),
        (
            "two of many are wrong",
            "[delivery]\nattempts = 0\nin_flight = 0",
            "(and 1 more)",
        ),
        ("still as it was", first, nothing),
        (
            "what needs a restart",
            "[feed]\nresume = false\n[customerio]\nworkspace = \"shop\"\n[delivery]\nattempts = 7\nin_flight = 3\ndrain = \"1s\"\n[types]\na = \"off\"\nb = \"on\"\n",
            "settings reloaded: nothing applied; restart to apply customerio.workspace, delivery.drain, feed.resume",
        ),
        (
            "some of both, and still to be restarted for",
            "[feed]\nresume = false\n[delivery]\nattempts = 8\nin_flight = 3\n[types]\na = \"on\"\nb = \"on\"\n",
            "settings reloaded: delivery.attempts, types applied; restart to apply feed.resume",
        ),
        (
            "back",
            first,
            "settings reloaded: delivery.attempts, types applied",
        ),
        ("and once more", first, nothing),
    ] {
        fs::write(&config, text).unwrap();
        let told = reload(&mut program);
        if says.starts_with("settings") {
            assert_eq!(told, says, "{case}");
        } else {
            assert!(told.contains(says), "{case}: {told}");
        }
    }
    // A file that is gone is no wish for the defaults.
    fs::remove_file(&config).unwrap();
    let told = reload(&mut program);
    assert!(
        told.contains("nothing is changed") && told.contains("s.toml"),
        "{told}"
    );
    assert_eq!(program.ends(), 0);
}

/// A certificate and its key, PEM, in files of this folder.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let paths = (folder.join("own.pem"), folder.join("own.key"));
    fs::write(&paths.0, params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&paths.1, key.serialize_pem()).unwrap();
    paths
}

#[test]
fn a_file_of_the_feeds_tls_that_holds_nothing_is_told_before_the_next_start_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(dir.path());
    let (ca, config) = (dir.path().join("ca.pem"), dir.path().join("s.toml"));
    fs::copy(&cert, &ca).unwrap();
    fs::write(
        &config,
        format!(
            "[feed]\nca_file = {ca:?}\nclient_cert_file = {cert:?}\nclient_key_file = {key:?}\n"
        ),
    )
    .unwrap();
    let mut program = Logged::start(&mut alone(&config, &dir.path().join("spool")));
    program.line(&["feed is down"]);
    for (setting, path) in [
        ("feed.ca_file", &ca),
        ("feed.client_cert_file", &cert),
        ("feed.client_key_file", &key),
    ] {
        let whole = fs::read(path).unwrap();
        for bytes in [&b""[..], b" \n"] {
            fs::write(path, bytes).unwrap();
            let told = reload(&mut program);
            assert!(told.starts_with("nothing is changed: "), "{told}");
            assert!(told.contains(setting), "{told}");
            assert!(told.contains(path.to_str().unwrap()), "{told}");
        }
        fs::remove_file(path).unwrap();
        let told = reload(&mut program);
        assert!(
            told.contains(setting) && told.contains("there is no file"),
            "{told}"
        );
        fs::write(path, whole).unwrap();
        assert_eq!(reload(&mut program), "settings reloaded: nothing changed");
    }
    assert_eq!(program.ends(), 0);
}

#[test]
fn a_relay_keeps_its_certificate_where_a_file_of_it_is_emptied_or_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(dir.path());
    let mut command = sluicegate();
    command.args(["relay", "--headless", "--listen", "127.0.0.1:0"]);
    command
        .arg("--tls-cert")
        .arg(&cert)
        .arg("--tls-key")
        .arg(&key);
    let mut relay = Logged::start(&mut command);
    // The signal is heard once there is a certificate; until then it would end the relay.
    std::thread::sleep(std::time::Duration::from_secs(1));
    for path in [&cert, &key] {
        let whole = fs::read(path).unwrap();
        for bytes in [Some(&b""[..]), Some(b" \n"), None] {
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => fs::remove_file(path).unwrap(),
            }
            let told = relay.reload(&["own.pem"]);
            assert!(
                told.contains("ERROR") && told.contains("the old one stays"),
                "{told}"
            );
            assert!(told.contains(path.to_str().unwrap()), "{told}");
        }
        fs::write(path, whole).unwrap();
        let told = relay.reload(&["own.pem"]);
        assert!(told.contains("was read again"), "{told}");
    }
    assert_eq!(relay.ends(), 0);
}

/// Does not end in a test's time where each line costs a look at all others.
#[test]
fn hundreds_of_thousands_of_types_are_read_at_the_start_and_again() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("s.toml");
    let write = |last: &str| {
        let lines = (0..400_000).map(|number| format!("\"Event type {number}\" = \"off\"\n"));
        let text: String = lines.collect();
        fs::write(&config, format!("[types]\n{text}last = \"{last}\"\n")).unwrap();
    };
    write("off");
    let mut program = Logged::start(&mut alone(&config, &dir.path().join("spool")));
    program.line(&["feed is down"]);
    assert_eq!(reload(&mut program), "settings reloaded: nothing changed");
    write("on");
    assert_eq!(reload(&mut program), "settings reloaded: types applied");
    write("ajar");
    let told = reload(&mut program);
    assert!(told.contains("s.toml:400002: types.last: "), "{told}");
    assert_eq!(program.ends(), 0);
}
