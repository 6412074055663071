//! Parses the command line, runs one command, and turns its error into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use sluicegate::cli::Cli;

fn main() -> ExitCode {
    sluicegate::command::run(Cli::parse())
}
