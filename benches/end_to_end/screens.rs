//! Attached screens, and what they cost the program.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::process::{self, Used};
use super::{Run, STEADY, heading, row};

/// Compares the program with so many screens and without: at a steady rate, and with as many events as
/// are taken.
pub fn measure(run: Run, screens: u64) {
    let steady = Run {
        rate: STEADY,
        events: run.events.min(10 * STEADY),
        ..run
    };
    for (name, run) in [("20,000 events a second", steady), ("all at once", run)] {
        println!("\n{name}");
        heading();
        let alone = run.measure(process::program);
        row("without screens", run, &alone);
        let watched = run.measure(|places| {
            let child = process::program(places);
            for _ in 0..screens {
                let spool = places.spool.join("spool");
                std::thread::spawn(move || attach(&spool));
            }
            child
        });
        row(&format!("{screens} screens"), run, &watched);
        let more = |of: fn(&Used) -> f64| (of(&watched) / of(&alone) - 1.0) * 100.0;
        println!(
            "  more CPU time: {:.1} %, more time: {:.1} %",
            more(|used| used.cpu_seconds),
            more(|used| used.seconds)
        );
    }
}

/// Attaches to the forwarder on this spool as a screen does, and reads to the end.
fn attach(spool: &Path) {
    let Some(mut screen) = connected(&sluicegate::control::socket::path(spool)) else {
        println!("a screen found no socket");
        return;
    };
    let request = "GET /v1/screen HTTP/1.1\r\nHost: localhost\r\n\r\n";
    screen.write_all(request.as_bytes()).unwrap();
    let mut buffer = vec![0; 1 << 16];
    // The forwarder ends at some time.
    while screen.read(&mut buffer).is_ok_and(|read| read > 0) {}
}

fn connected(path: &PathBuf) -> Option<UnixStream> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        if let Ok(stream) = UnixStream::connect(path) {
            return Some(stream);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}
