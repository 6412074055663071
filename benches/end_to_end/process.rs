//! The processes that are measured, and what they used.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::parts::{Part, Places, myself};
use super::{IDLE, Run};

/// What the program decides by: rules that reach their end, and hold back hardly an event.
const SETTINGS: &str = r#"
[[rules]]
name = "staff"
effect = "exclude"
when = 'user_properties.email.endsWith("@sluicegate.example")'

[[rules]]
name = "large orders"
effect = "exclude"
when = 'event_type == "Purchase Completed" && event_properties.price > 10000'

[[rules]]
name = "other countries"
effect = "exclude"
when = 'country in ["Atlantis", "Utopia"]'
"#;

/// What a process used.
pub struct Used {
    /// From its start to its end, without the time that it was only waiting for its end.
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_bytes: u64,
    /// From receipt to answer: p50, p95 and p99 in milliseconds, where it tells.
    pub latencies: String,
}

impl Run {
    /// Measures a process between a feed and a sink of its own.
    pub fn measure(self, start: impl FnOnce(&Places<'_>) -> Child) -> Used {
        let (sink, feed) = (self.part("part:sink"), self.part("part:feed"));
        let spool = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let child = start(&Places {
            feed: &feed.place,
            sink: &sink.place,
            spool: spool.path(),
            events: self.events,
        });
        wait(child, started)
    }

    pub fn part(self, name: &str) -> Part {
        Part::start(&[
            name,
            "--events",
            &self.events.to_string(),
            "--latency",
            &self.latency.to_string(),
            "--rate",
            &self.rate.to_string(),
            "--outage",
            &self.outage.to_string(),
        ])
    }
}

/// Starts the bare loop.
pub fn bare(places: &Places<'_>) -> Child {
    let both = format!("{} {}", places.feed, places.sink);
    myself(&["part:bare", "--events", &places.events.to_string(), &both])
}

/// Starts the program.
pub fn program(places: &Places<'_>) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sluicegate"))
        .args(["run", "--open", "--exit-when-idle"])
        .arg(format!("{}ms", IDLE.as_millis()))
        .args(["--format", "json"])
        .envs(settings(places))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the program is run with.
pub fn settings(places: &Places<'_>) -> [(&'static str, String); 9] {
    let text = str::to_owned;
    let config = places.spool.join("sluicegate.toml");
    std::fs::write(&config, SETTINGS).unwrap();
    let spool = places.spool.join("spool");
    [
        ("SLUICEGATE_CONFIG", config.display().to_string()),
        ("SLUICEGATE_FEED_URL", text(places.feed)),
        ("SLUICEGATE_CUSTOMERIO_BASE_URL", text(places.sink)),
        ("SLUICEGATE_CUSTOMERIO_SITE_ID", text("bench")),
        ("SLUICEGATE_CUSTOMERIO_API_KEY", text("bench")),
        ("SLUICEGATE_DELIVERY_REQUESTS_PER_SECOND", text("1000")),
        ("SLUICEGATE_SPOOL_FOLDER", spool.display().to_string()),
        ("SLUICEGATE_SPOOL_QUOTA_BYTES", text("100000000000")),
        ("SLUICEGATE_LOG", text("error")),
    ]
}

/// The process on the first so many cores.
pub fn pinned(child: Child, cores: usize) -> Child {
    let done = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid"])
        .args([format!("0-{}", cores - 1), child.id().to_string()])
        .stdout(Stdio::null())
        .status();
    if !done.is_ok_and(|status| status.success()) {
        println!("taskset is missing: the next row is measured on all cores");
    }
    child
}

/// Waits for the child. What it used is read from /proc while it lives, as it only grows.
pub fn wait(mut child: Child, started: Instant) -> Used {
    let (mut cpu_seconds, mut peak) = (0_f64, 0);
    let status = loop {
        let pid = child.id();
        cpu_seconds = cpu_seconds.max(cpu(pid));
        peak = peak.max(peak_bytes(pid));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let elapsed = started.elapsed();
    assert!(status.success(), "it ended with {status}");
    let told = summary(&mut child);
    let idle = if told.is_some() { IDLE } else { Duration::ZERO };
    Used {
        seconds: elapsed.saturating_sub(idle).as_secs_f64(),
        cpu_seconds,
        peak_bytes: peak,
        latencies: told.unwrap_or_default(),
    }
}

/// The CPU time that a process has used, in seconds; 0 where nothing tells.
fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    let stat = stat.unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    // utime and stime, in ticks of 10 ms.
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|f| f.parse::<u64>().ok());
    ticks.sum::<u64>() as f64 / 100.0
}

/// The most memory that a process has had; 0 where nothing tells.
pub fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| {
        let kilobytes = line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?;
        kilobytes.parse::<u64>().ok()
    });
    peak.unwrap_or(0) * 1_024
}

/// The latencies that the program's summary tells: it has to have delivered everything. None where
/// the process tells nothing.
fn summary(child: &mut Child) -> Option<String> {
    let mut text = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut()?, &mut text).unwrap();
    let summary = serde_json::from_str::<serde_json::Value>(&text).ok()?;
    assert_eq!(
        summary["totals"]["received"],
        summary["totals"]["delivered"]
    );
    let ms = |name: &str| summary["latency_ms"][name].to_string();
    Some([ms("p50_ms"), ms("p95_ms"), ms("p99_ms")].join(", "))
}
