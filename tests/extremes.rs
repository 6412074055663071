//! Extreme values of every number and length of time in the settings: `config check` refuses the value
//! with a message, or the program works with it and neither panics, hangs nor spins.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;
#[path = "common/program.rs"]
mod program;

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{event, feed, sandbox};
use program::{run_on, signal, sluicegate};

use sluicegate::config::{Settings, flatten, variable};
use sluicegate::customerio::sandbox::Faults;

const NUMBERS: [&str; 6] = [
    "0",
    "-1",
    "1",
    "4294967295",
    "9223372036854775807",
    "18446744073709551615",
];
const TIMES: [&str; 6] = [
    "0s",
    "1ns",
    "-1s",
    "366days",
    "367days",
    "1000000000000000000s",
];
/// Maximum CPU time of a run of two seconds, in hundredths of a second. A loop that never waits takes
/// more.
const MAX_TICKS: u64 = 100;

/// Returns every setting that is a number or a length of time, with each extreme value.
fn cases() -> Vec<(String, &'static str)> {
    let mut cases = Vec::new();
    for (path, value) in flatten(&Settings::default()) {
        let is_time = |text: &str| humantime::parse_duration(text).is_ok();
        let values = match value {
            toml::Value::Integer(_) | toml::Value::Float(_) => NUMBERS,
            toml::Value::String(text) if is_time(&text) => TIMES,
            _ => continue,
        };
        cases.extend(values.map(|value| (path.clone(), value)));
    }
    assert!(cases.len() > 150, "the settings were not found");
    cases
}

/// Runs `config check` with a value of a setting. Returns its output as an error if it refuses.
fn check(path: &str, value: &str) -> Result<(), String> {
    let mut command = sluicegate();
    command
        .args(["config", "check"])
        .env("SLUICEGATE_FEED_URL", "ws://127.0.0.1:1")
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env(variable(path), value);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains("panicked"), "{path} = {value}: {said}");
    match output.status.code() {
        Some(0) => Ok(()),
        Some(1 | 2) => Err(said),
        code => panic!("{path} = {value}: {code:?}: {said}"),
    }
}

/// Returns the CPU time of a process, in hundredths of a second.
fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let behind_name = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = behind_name.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// Runs a command for two seconds and ends it. Returns an error if it panics, spins or hangs.
fn works(command: &mut Command) -> Result<(), String> {
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    let pid = child.id();
    let ended = std::thread::spawn(move || child.wait_with_output().unwrap());
    // Enough to start, even on a busy machine.
    std::thread::sleep(Duration::from_secs(2));
    let worked = ticks(pid);
    if !ended.is_finished() {
        signal("TERM", pid);
    }
    let asked = Instant::now();
    while !ended.is_finished() {
        if asked.elapsed() > Duration::from_secs(25) {
            signal("KILL", pid);
            return Err("hangs at its end".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = ended.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match (worked, output.status.code()) {
        _ if said.contains("panicked") => Err(said),
        (Some(ticks), _) if ticks > MAX_TICKS => Err(format!("spins: {ticks} ticks\n{said}")),
        // 1: something is left in the spool.
        (_, Some(0 | 1)) => Ok(()),
        (_, code) => Err(format!("ends with {code:?}: {said}")),
    }
}

#[test]
fn each_extreme_value_is_accepted_or_refused_with_the_name_of_its_setting() {
    for (path, value) in cases() {
        let Err(said) = check(&path, value) else {
            continue;
        };
        let says_what_to_write = ["write ", "at most"]
            .iter()
            .any(|words| said.contains(words));
        assert!(says_what_to_write, "{path} = {value}: {said}");
        let named = said.contains(&format!("{path}: "));
        assert!(
            named,
            "{path} = {value} is refused without its name: {said}"
        );
        assert!(
            said.contains("1 problem") || said.starts_with("sluicegate: "),
            "{said}"
        );
    }
}

#[test]
fn settings_that_would_retry_without_a_pause_or_never_are_refused() {
    for (path, value, says) in [
        (
            "feed.reconnect_max",
            "0s",
            "0s is too short; write 10ms or more",
        ),
        (
            "delivery.longest_delay",
            "1ns",
            "1ns is too short; write 10ms or more",
        ),
        (
            "delivery.longest_probe",
            "9ms",
            "9ms is too short; write 10ms or more",
        ),
        (
            "screen.rejected_alert_percent",
            "-1",
            "-1 is not a percentage; write 0 to 100",
        ),
        (
            "delivery.attempts",
            "-1",
            "write a whole number from 1 to 4294967295",
        ),
        (
            "delivery.requests_per_second",
            "0",
            "write a whole number from 1 to 4294967295",
        ),
        (
            "delivery.in_flight",
            "-1",
            "write a whole number from 1 to 9223372036854775807",
        ),
    ] {
        let said = check(path, value).unwrap_err();
        assert!(
            said.contains(path) && said.contains(says),
            "{path} = {value}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_accepted_extreme_value_works() {
    let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
    let left = Mutex::new(cases());
    let wrong = Mutex::new(Vec::new());
    let (feed_url, sandbox_url) = (feed.url(), sandbox.url());
    let work = || {
        while let Some((path, value)) = { left.lock().unwrap().pop() } {
            if check(&path, value).is_err() {
                continue;
            }
            let mut command = if path.starts_with("relay.") {
                let mut command = sluicegate();
                command.args(["relay", "--headless", "--listen", "127.0.0.1:0"]);
                command
            } else {
                let mut command = run_on(&feed_url, &sandbox_url);
                command.env("SLUICEGATE_DELIVERY_DRAIN", "2s");
                command
            };
            command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "key");
            if let Err(why) = works(command.env(variable(&path), value)) {
                wrong
                    .lock()
                    .unwrap()
                    .push(format!("{path} = {value}: {why}"));
            }
        }
    };
    let publishing = async {
        let mut number = 0;
        loop {
            feed.publish(&event("u", number)).await;
            number += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::task::block_in_place(|| {
        let runtime = tokio::runtime::Handle::current();
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..6).map(|_| scope.spawn(work)).collect();
            runtime.block_on(async {
                tokio::pin!(publishing);
                while !workers
                    .iter()
                    .all(std::thread::ScopedJoinHandle::is_finished)
                {
                    let _ = tokio::time::timeout(Duration::from_millis(200), &mut publishing).await;
                }
            });
        });
    });
    assert!(sandbox.counts().events > 0, "the runs deliver what comes");
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
