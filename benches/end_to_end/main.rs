//! End to end: a feed and a sink as processes of their own, and between them the program, or
//! for comparison a bare loop that only receives, copies and posts, and keeps nothing.
//!
//! `cargo bench --bench end_to_end` sends 300,000 events of 2 kB, a frame each, to a sink that
//! answers at once, and prints events a second, CPU seconds a million events, and peak memory:
//! of the bare loop, of the program with spool, limits and rules, of a Node script where Node and
//! its registry can be reached, and of the program on fewer cores. Then it sends 20,000 events a
//! second, and prints how long an event took from its receipt to the answer.
//!
//! - `-- --events N` changes the number of events, `-- --latency MS` the time of the sink's answer.
//! - `-- --runs N` repeats the comparison of loop and program.
//! - `-- --rate N` only sends so many events a second, through the program.
//! - `-- --outage SECONDS` lets the sink answer 503 for so long first.
//! - `-- --screen` runs the program with its screen, in a terminal of 120×34, at 20,000 events a
//!   second unless `--rate` says otherwise: it presses keys and prints how long the screen took to
//!   answer them, and how many bytes a second it wrote, at 30 frames a second and at 10. Then it
//!   sends `--events` as fast as they are taken, with the screen and without, and prints both.
//! - `-- --screens N` attaches N screens to the program by its control socket, and prints what they cost
//!   it, at 20,000 events a second and with as many as are taken.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that can't run has nothing better to do"
)]

mod bare;
mod node;
mod parts;
mod process;
#[cfg(unix)]
mod screen;
#[cfg(unix)]
mod screens;

use std::time::Duration;

use parts::serve;
use process::{Used, pinned};

/// Events a second at which latency is measured.
const STEADY: u64 = 20_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str, default: u64| {
        let at = args.iter().position(|a| a == name);
        at.and_then(|i| args.get(i + 1)?.parse().ok())
            .unwrap_or(default)
    };
    let run = Run {
        events: value("--events", 300_000),
        latency: value("--latency", 0),
        rate: value("--rate", 0),
        outage: value("--outage", 0),
    };
    let part = args.iter().find(|a| a.starts_with("part:"));
    match part.map(String::as_str) {
        Some("part:feed") => serve(parts::feed(run)),
        Some("part:sink") => serve(parts::sink(run)),
        Some("part:bare") => serve(bare::run(
            args.last().cloned().unwrap_or_default(),
            run.events,
        )),
        #[cfg(unix)]
        _ if args.iter().any(|arg| arg == "--screen") => screen::measure(run),
        #[cfg(unix)]
        _ if value("--screens", 0) > 0 => screens::measure(run, value("--screens", 0)),
        _ if run.rate > 0 || run.outage > 0 => alone(run),
        _ => compare(run, value("--runs", 1)),
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
struct Run {
    events: u64,
    /// How long the sink takes for an answer, in milliseconds.
    latency: u64,
    /// Events a second; 0 for as many as are taken.
    rate: u64,
    /// The sink is down for so many seconds first.
    outage: u64,
}

fn compare(run: Run, runs: u64) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{} events of 2 kB, a frame each; the sink answers after {} ms; {cores} cores, which feed \
         and sink share",
        run.events, run.latency
    );
    heading();
    for _ in 0..runs {
        let bare = run.measure(process::bare);
        row("bare loop", run, &bare);
        let program = run.measure(process::program);
        row("sluicegate", run, &program);
        println!(
            "{:<22}{:>11.2}x{:>17.2}x",
            "  of the loop's",
            bare.seconds / program.seconds,
            program.cpu_seconds / bare.cpu_seconds
        );
    }
    match node::install() {
        Ok(script) => row(
            "Node, ws and undici",
            run,
            &run.measure(|places| script.start(places, run.events)),
        ),
        Err(why) => println!("Node was left out: {why}"),
    }
    for count in [1, 2, 4, 8].into_iter().filter(|count| *count < cores) {
        let used = run.measure(|places| pinned(process::program(places), count));
        row(&format!("sluicegate, cores: {count}"), run, &used);
    }
    alone(Run {
        rate: STEADY,
        events: run.events.min(10 * STEADY),
        ..run
    });
}

/// The program by itself.
fn alone(run: Run) {
    let pace = match run.rate {
        0 => "as many events as are taken".to_owned(),
        rate => format!("{rate} events a second"),
    };
    println!("\n{pace}; the sink is down for {} s first", run.outage);
    heading();
    row("sluicegate", run, &run.measure(process::program));
}

fn heading() {
    println!(
        "{:<22}{:>12}{:>18}{:>14}{:>22}",
        "", "events/s", "CPU s a million", "peak memory", "p50, p95, p99 ms"
    );
}

fn row(name: &str, run: Run, used: &Used) {
    println!(
        "{name:<22}{:>12.0}{:>18.2}{:>11.1} MB{:>22}",
        run.events as f64 / used.seconds,
        used.cpu_seconds * 1e6 / run.events as f64,
        used.peak_bytes as f64 / 1e6,
        used.latencies
    );
}

/// How long the program waits before it ends: this time at its end is no work.
const IDLE: Duration = Duration::from_millis(200);
