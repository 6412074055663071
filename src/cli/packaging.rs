//! `completions` and `man`: files for packages, made from this command line.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `completions`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate completions bash > ~/.local/share/bash-completion/completions/sluicegate
  sluicegate completions zsh > \"${fpath[1]}/_sluicegate\"
  sluicegate completions fish > ~/.config/fish/completions/sluicegate.fish")]
pub struct Completions {
    /// Write them for this shell.
    pub shell: Shell,
}

/// `man`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sluicegate man | man -l -
  sluicegate man --dir /usr/local/share/man/man1")]
pub struct Man {
    /// Write a page per subcommand into this folder. Default: the main page, to standard output.
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}
