//! Parses the command line, runs one command, and turns its error into an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use sluicegate::cli::Cli;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => sluicegate::command::run(cli),
        Err(error) => sluicegate::command::refuse_usage(&error),
    }
}
