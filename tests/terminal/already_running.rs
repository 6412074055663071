//! A second start on the spool of a running forwarder.

use crate::attach::Bench;
use crate::program::run_on;
use crate::pty::{Terminal, program_without_umask};

/// `watch` or `run` with the settings of a forwarder that runs, in a terminal.
fn again(bench: &Bench, subcommand: &str) -> Terminal {
    let mut command = program_without_umask();
    command.arg(subcommand);
    for (name, value) in bench.variables() {
        command.env(name, value);
    }
    Terminal::start(command)
}

#[test]
fn a_second_start_names_the_running_forwarder_and_attaches_to_it_by_enter() {
    let bench = Bench::start();
    for subcommand in ["watch", "run"] {
        let mut second = again(&bench, subcommand);
        let asked = second.shows("Enter  attach a screen to it");
        let pid = format!("process {}, since 20", bench.pid());
        // The terminal has broken the line somewhere.
        let asked = asked.replace('\n', "");
        assert!(
            asked.contains("runs already") && asked.contains(&pid),
            "{asked}"
        );
        assert!(asked.contains(&bench.spool()), "{asked}");
        second.press("x\r");
        second.shows("OPEN");
        second.shows("Step 1");
        second.press("q");
        assert_eq!(second.ends(), 0);
        assert!(bench.ctl(&["status"]), "the forwarder goes on");
    }
}

#[test]
fn a_second_start_ends_by_escape_and_gives_the_terminal_back() {
    let bench = Bench::start();
    let mut second = again(&bench, "watch");
    second.shows("Esc  quit");
    second.press("\x1b");
    assert_eq!(second.ends(), 2);
    let raw = second.raw.lock().unwrap().clone();
    assert!(memchr::memmem::find(&raw, b"\x1b[?1049h").is_none());
}

#[test]
fn without_a_terminal_a_second_start_names_the_command_to_attach() {
    let bench = Bench::start();
    let mut second = run_on("ws://127.0.0.1:1", "http://127.0.0.1:1");
    for (name, value) in bench.variables() {
        second.env(name, value);
    }
    let output = second.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let attach = format!("`sluicegate attach --spool {}`", bench.spool());
    assert!(
        said.contains("runs already") && said.contains(&attach),
        "{said}"
    );
}
