//! Every seed of the fuzz targets and thousands of mutations of them: what libFuzzer looks for
//! at length (`.ci/fuzz`), each run of the tests looks for a little.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod targets;

use std::path::Path;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Mutated inputs per target; `FUZZ_RUNS` sets another number.
const RUNS: usize = 4_000;
/// Maximum size of a mutated input, in bytes.
const MAX_BYTES: usize = 20_000;
/// Pieces that break parsers: structure, escapes, numbers at the edges, and words of each input.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\n",
    "\r\n",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "null",
    "true",
    "0",
    "-0",
    "1e999",
    "9223372036854775808",
    "{\"a\":",
    "\"events\":[",
    "\"event_type\":\"A\"",
    "\"user_id\":\"u\"",
    "\"$insert_id\":\"i\"",
    "\"errors\":[{",
    "\"batch_index\":",
    "&&",
    "||",
    "!",
    "(",
    ")",
    "?",
    "has(",
    ".all(x, ",
    "matches(",
    "'",
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "\u{1b}]0;x\u{7}",
    "\u{202e}",
    "é",
    "😀",
];

#[test]
fn an_object_is_read_as_serde_json_reads_it() {
    run("object");
}

#[test]
fn a_frame_is_read_whatever_it_holds() {
    run("frame");
}

#[test]
fn an_archive_is_read_whatever_it_holds() {
    run("archive");
}

#[test]
fn an_answer_is_read_whatever_it_holds() {
    run("answer");
}

#[test]
fn a_condition_is_compiled_or_refused_whatever_it_says() {
    run("condition");
}

#[test]
fn a_body_is_taken_or_refused_whatever_it_holds() {
    run("webhook");
}

#[test]
fn every_target_has_seeds_and_a_fuzzer() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    for (name, _) in targets::TARGETS {
        assert!(seeds(name).len() > 4, "{name}");
        let fuzzer = here.join(format!("libfuzzer/targets/{name}.rs"));
        let source = std::fs::read_to_string(&fuzzer).unwrap();
        assert!(
            source.contains(&format!("targets::{name}(data)")),
            "{source}"
        );
    }
}

/// Feeds the seeds of a target to it, then mutations of them. The random numbers are always the
/// same ones, so that a failure is seen again.
fn run(name: &str) {
    let (_, target) = targets::TARGETS.iter().find(|(n, _)| *n == name).unwrap();
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| target(seed));
    let runs = std::env::var("FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let mut random = StdRng::seed_from_u64(name.bytes().map(u64::from).sum());
    for number in 0..runs {
        let mut input = seeds[random.random_range(0..seeds.len())].clone();
        for _ in 0..random.random_range(1..6) {
            mutate(&mut input, &seeds, &mut random);
        }
        input.truncate(MAX_BYTES);
        let end = std::panic::catch_unwind(|| target(&input));
        let shown = String::from_utf8_lossy(&input);
        assert!(end.is_ok(), "run {number} of {name}: {shown:?}");
    }
}

/// The committed inputs of a target.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds");
    let mut files: Vec<_> = std::fs::read_dir(folder.join(name))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

/// Changes an input in one place.
fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=input.len());
    let end = random.random_range(at..=input.len().min(at + 40));
    match random.random_range(0..40) {
        0..10 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
        10..14 if at < input.len() => input[at] = random.random(),
        14..20 => drop(input.drain(at..end)),
        20..30 => {
            let piece = PIECES[random.random_range(0..PIECES.len())];
            input.splice(at..at, piece.bytes());
        }
        30..34 => {
            let copy = input[at..end].repeat(random.random_range(1..30));
            input.splice(at..at, copy);
        }
        34..38 => {
            let other = &seeds[random.random_range(0..seeds.len())];
            let from = random.random_range(0..=other.len());
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
        _ => input.truncate(at),
    }
}
