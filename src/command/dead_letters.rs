//! `dead-letters`: lists, shows, retries, exports and discards what could not be delivered.

use std::io::{BufRead as _, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail};

use crate::cli::{DeadLetterChoice, DeadLetters, Format, SpoolFolder};
use crate::delivery::spool::dead_letters::{self as store, DeadLetterRow, DeadLetterSelection};
use crate::jetstream::Location;
use crate::owner_only;
use crate::text::{grouped, with_field};

use super::config_source::ConfigSource;
use super::group_letters;
use super::output::{self, printable};
use super::spool_location::spool_folder;

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
        DeadLetters::List { spool, format } => list(&open(spool, source)?, format),
        DeadLetters::Show { spool, number } => show(&open(spool, source)?, number),
        DeadLetters::Retry { spool, which } => {
            let letters = open(spool, source)?;
            let count = each(&selections(which), |which| letters.retry(which))?;
            say!(
                "{} queued again; the running forwarder, or the next one, sends them",
                dead_letters(count)
            );
            Ok(exit_code(count))
        }
        DeadLetters::Export { spool, which, out } => {
            export(&open(spool, source)?, &selections(which), out)
        }
        DeadLetters::Discard { spool, which, yes } => {
            let letters = open(spool, source)?;
            let which = selections(which);
            if !yes && !is_sure(&letters, &which)? {
                say!("nothing was discarded");
                return Ok(ExitCode::SUCCESS);
            }
            let count = each(&which, |which| letters.discard(which))?;
            say!("{} discarded", dead_letters(count));
            Ok(exit_code(count))
        }
    }
}

/// Returns 1 if no dead letter was chosen, else 0.
fn exit_code(count: u64) -> ExitCode {
    ExitCode::from(u8::from(count == 0))
}

/// Returns a count with its noun.
fn dead_letters(count: u64) -> String {
    match count {
        1 => "1 dead letter".to_owned(),
        count => format!("{} dead letters", grouped(count)),
    }
}

/// Returns the selections of the spool for what the operator chose.
fn selections(choice: DeadLetterChoice) -> Vec<DeadLetterSelection> {
    match choice.reason {
        Some(reason) => vec![DeadLetterSelection::Reason(reason)],
        None if choice.all => vec![DeadLetterSelection::All],
        None => {
            let numbers = choice.numbers.into_iter();
            numbers.map(DeadLetterSelection::One).collect()
        }
    }
}

/// Applies an action to each selection, and returns the number of dead letters.
fn each(
    which: &[DeadLetterSelection],
    mut act: impl FnMut(&DeadLetterSelection) -> rusqlite::Result<u64>,
) -> Result<u64> {
    let mut all = 0;
    for which in which {
        all += act(which).wrap_err("cannot change the spool")?;
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

fn list(letters: &store::DeadLetters, format: Format) -> Result<ExitCode> {
    let rows = letters.rows().wrap_err("cannot read the spool")?;
    match format {
        Format::Json => output::json(&rows),
        Format::Text if rows.is_empty() => say!("there are no dead letters"),
        Format::Text => {
            for one in &rows {
                say!("{:>8}  {}", grouped(one.count), row(one));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a row of the list as text.
pub(super) fn row(row: &DeadLetterRow) -> String {
    let group = &row.group;
    let reason = with_field(&group.field, &group.reason);
    let again = match row.again {
        0 => String::new(),
        again => format!("  ({} queued again)", grouped(again)),
    };
    let name = match group.event_type.as_str() {
        "" => "(no name)",
        name => name,
    };
    format!(
        "{:<10} {:<28} {}{again}",
        group.why,
        printable(name),
        printable(&reason)
    )
}

fn show(letters: &store::DeadLetters, number: Option<i64>) -> Result<ExitCode> {
    let which = number.map_or(DeadLetterSelection::All, DeadLetterSelection::One);
    let page = letters
        .page(&which, 0, 1)
        .wrap_err("cannot read the spool")?;
    match (page.first(), number) {
        (Some(letter), _) => output::json(&letter.to_json()),
        (None, Some(number)) => bail!(
            "there is no dead letter {number}; find its number with dead-letters export --all"
        ),
        (None, None) => say!("there are no dead letters"),
    }
    Ok(ExitCode::SUCCESS)
}

fn export(
    letters: &store::DeadLetters,
    which: &[DeadLetterSelection],
    out: Option<PathBuf>,
) -> Result<ExitCode> {
    let to: Box<dyn Write> = match &out {
        Some(path) => Box::new(
            owner_only::create(path)
                .wrap_err_with(|| format!("cannot write {}", path.display()))?,
        ),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut to = BufWriter::new(to);
    let mut count = 0;
    for which in which {
        count += letters
            .export(which, &mut to)
            .wrap_err("cannot write all dead letters; the export is incomplete")?;
    }
    to.flush()
        .wrap_err("cannot write all dead letters; the export is incomplete")?;
    if let Some(path) = out {
        say!("{} written to {}", dead_letters(count), path.display());
    }
    Ok(exit_code(count))
}

/// Asks the operator for confirmation.
fn is_sure(letters: &store::DeadLetters, which: &[DeadLetterSelection]) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "discarding can't be undone, and there is no terminal to ask on: add --yes to discard anyway"
        );
    }
    let mut count = 0;
    for which in which {
        count += letters.count(which).wrap_err("cannot read the spool")?;
    }
    say_as_is!("discard {} for good? [y/N] ", dead_letters(count));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
