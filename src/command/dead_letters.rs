//! `dead-letters`: lists, shows, retries, exports and discards what could not be delivered.

use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail};

use crate::cli::{DeadLetters, SpoolFolder};
use crate::delivery::spool::dead_letters::{self as store, DeadLetter, DeadLetterSelection};
use crate::jetstream::Location;

use super::config_source::ConfigSource;
use super::dead_letter_output::{self as output, Export};
use super::group_letters;
use super::spool_location::spool_folder;

/// Contexts of a spool that fails.
const UNREADABLE: &str = "cannot read the spool";
const UNCHANGED: &str = "cannot change the spool";

pub(super) async fn run(command: DeadLetters, source: ConfigSource) -> Result<ExitCode> {
    if !names_spool(&command) {
        let settings = source.clone().load(&[])?.settings;
        if let Ok(location) = Location::parse(&settings.feed.url) {
            return group_letters::run(command, &settings, &location).await;
        }
    }
    of_spool(command, source)
}

/// Whether the command names a spool, and not the configured one.
fn names_spool(command: &DeadLetters) -> bool {
    let (DeadLetters::List { spool, .. }
    | DeadLetters::Show { spool, .. }
    | DeadLetters::Retry { spool, .. }
    | DeadLetters::Export { spool, .. }
    | DeadLetters::Discard { spool, .. }) = command;
    spool.folder.is_some()
}

fn of_spool(command: DeadLetters, source: ConfigSource) -> Result<ExitCode> {
    match command {
        DeadLetters::List { spool, format } => {
            let letters = open(spool, source)?;
            let rows = letters.rows().wrap_err(UNREADABLE)?;
            output::list(&rows, format);
            Ok(ExitCode::SUCCESS)
        }
        DeadLetters::Show { spool, number } => show(&open(spool, source)?, number),
        DeadLetters::Retry { spool, which } => {
            let letters = open(spool, source)?;
            let count = each(&output::selections(which), UNCHANGED, |which| {
                letters.retry(which)
            })?;
            say!(
                "{} queued again; the running forwarder, or the next one, sends them",
                output::counted(count)
            );
            Ok(output::exit_code(count))
        }
        DeadLetters::Export { spool, which, out } => {
            let letters = open(spool, source)?;
            let mut export = Export::open(out)?;
            let count = each(&output::selections(which), output::INCOMPLETE, |which| {
                letters.export(which, export.to())
            });
            export.close(count?)
        }
        DeadLetters::Discard { spool, which, yes } => {
            let letters = open(spool, source)?;
            let which = output::selections(which);
            if !yes {
                output::must_have_terminal()?;
                let count = each(&which, UNREADABLE, |which| letters.count(which))?;
                if !output::is_sure(count)? {
                    say!("nothing was discarded");
                    return Ok(ExitCode::SUCCESS);
                }
            }
            let count = each(&which, UNCHANGED, |which| letters.discard(which))?;
            say!("{} discarded", output::counted(count));
            Ok(output::exit_code(count))
        }
    }
}

/// Applies an action to each selection, and returns the number of dead letters. `failed` says what a
/// failure is.
fn each<E: std::error::Error + Send + Sync + 'static>(
    which: &[DeadLetterSelection],
    failed: &'static str,
    mut act: impl FnMut(&DeadLetterSelection) -> Result<u64, E>,
) -> Result<u64> {
    let mut all = 0;
    for which in which {
        all += act(which).wrap_err(failed)?;
    }
    Ok(all)
}

fn open(spool: SpoolFolder, source: ConfigSource) -> Result<store::DeadLetters> {
    let folder = spool_folder(spool, source)?;
    let Some(letters) = store::DeadLetters::open(&folder)? else {
        bail!(
            "there is no spool in {}; name another folder with --spool",
            folder.display()
        );
    };
    Ok(letters)
}

fn show(letters: &store::DeadLetters, number: Option<i64>) -> Result<ExitCode> {
    let which = number.map_or(DeadLetterSelection::All, DeadLetterSelection::One);
    let page = letters.page(&which, 0, 1).wrap_err(UNREADABLE)?;
    output::show(page.first().map(DeadLetter::to_json), number)
}
