//! `completions` and `man`: files for packages, made from the definition of the command line.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::CommandFactory as _;
use color_eyre::eyre::{Result, WrapErr};

use crate::cli::{Cli, Completions, Man};

const NAME: &str = "sluicegate";

/// Writes the completions of a shell to standard output.
pub(super) fn completions(args: &Completions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    write(&script)
}

/// Writes the main page to standard output, or all pages into a folder.
pub(super) fn man(args: &Man) -> Result<ExitCode> {
    let command = Cli::command().name(NAME);
    let Some(folder) = &args.dir else {
        let mut page = Vec::new();
        // The pages in a folder list no `help` either.
        let command = command.disable_help_subcommand(true);
        clap_mangen::Man::new(command).render(&mut page)?;
        return Ok(write(&page));
    };
    let failed = || format!("cannot write the pages into {}", folder.display());
    std::fs::create_dir_all(folder).wrap_err_with(failed)?;
    clap_mangen::generate_to(command, folder).wrap_err_with(failed)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a file to standard output as it is: nothing in it comes from outside. The reader may have
/// gone, as in `| head`.
fn write(file: &[u8]) -> ExitCode {
    let mut out = io::stdout();
    let _ = out.write_all(file).and_then(|()| out.flush());
    ExitCode::SUCCESS
}
