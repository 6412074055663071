//! Runs one command, and turns its error into a message and an exit code.

use std::process::ExitCode;

use color_eyre::eyre::Result;

use super::config_source::ConfigSource;
use super::error_line::error_line;
use super::{
    attach, audit, backfill, config, ctl, dead_letters, demo, doctor, ledger, lint, nats,
    packaging, relay, replay, run as forward, sandbox, status, watch,
};
use crate::cli::{Cli, Command};
use crate::text;

/// Runs the command, and returns the exit code of the program.
pub fn run(cli: Cli) -> ExitCode {
    crate::descriptors::raise_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain!("sluicegate: cannot start the threads of the program: {error}");
            return ExitCode::from(2);
        }
    };
    let ended = runtime.block_on(dispatch(cli));
    // A read of standard input or of the terminal may still block a thread. Don't wait for it.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => {
            complain!("sluicegate: {}", error_line(&error));
            ExitCode::from(2)
        }
    }
}

/// Prints what is wrong with the command line, and ends the program.
///
/// The message repeats arguments, which may come from outside, such as file names that the shell
/// puts in for `*`. So it is made again from arguments without control characters.
pub fn refuse_usage(error: &clap::Error) -> ! {
    use clap::Parser as _;
    let shown = std::env::args_os().map(|text| text::on_one_line(&text.to_string_lossy()));
    match Cli::try_parse_from(shown) {
        Err(printable) => printable.exit(),
        Ok(_) => {
            complain!("{}", text::on_one_line(&error.to_string()));
            std::process::exit(2)
        }
    }
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let source = ConfigSource::of(cli.config);
    match cli.command {
        Command::Demo(args) => Box::pin(demo::run(args)).await,
        Command::Watch(args) => watch::run(args, source).await,
        Command::Run(args) => Box::pin(forward::run(args, source)).await,
        Command::Relay(args) => relay::run(args, source).await,
        Command::Backfill(args) => Box::pin(backfill::run(args, source)).await,
        Command::Replay(args) => replay::run(args, source).await,
        Command::Lint(args) => lint::run(&args, source),
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Status(args) => status::run(args, source),
        Command::Doctor(args) => Box::pin(doctor::run(args, source)).await,
        Command::Attach(args) => Box::pin(attach::run(args, source)).await,
        Command::Ctl(args) => ctl::run(args, source).await,
        Command::DeadLetters(args) => dead_letters::run(args, source).await,
        Command::Audit(args) => Box::pin(audit::run(args, source)).await,
        Command::Ledger(args) => ledger::run(args, source),
        Command::Nats(args) => Box::pin(nats::run(args, source)).await,
        Command::Config(args) => config::run(&args, source),
        Command::Completions(args) => Ok(packaging::completions(&args)),
        Command::Man(args) => packaging::man(&args),
    }
}
