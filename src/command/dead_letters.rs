//! `dead-letters`: what could not be delivered, listed, shown, tried again, exported, discarded.

use std::io::{BufRead as _, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail};

use crate::cli::{DeadLetterChoice, DeadLetters, Format, SpoolFolder};
use crate::delivery::spool::dead_letters::{self as store, DeadLetterRow, DeadLetterSelection};
use crate::owner_only;
use crate::text::{grouped, with_field};

use super::config_source::ConfigSource;
use super::output::{self, printable};
use super::spool_location::spool_folder;

pub(super) fn run(command: DeadLetters, source: ConfigSource) -> Result<ExitCode> {
    match command {
        DeadLetters::List { spool, format } => list(&open(spool, source)?, format),
        DeadLetters::Show { spool, number } => show(&open(spool, source)?, number),
        DeadLetters::Retry { spool, which } => {
            let letters = open(spool, source)?;
            let count = each(&selections(which), |which| letters.retry(which))?;
            say!(
                "{} will be tried again: at once where a forwarder runs, or when one starts",
                told(count)
            );
            Ok(found(count))
        }
        DeadLetters::Export { spool, which, out } => {
            export(&open(spool, source)?, &selections(which), out)
        }
        DeadLetters::Discard { spool, which, yes } => {
            let letters = open(spool, source)?;
            let which = selections(which);
            if !yes && !is_sure(&letters, &which)? {
                say!("nothing is discarded");
                return Ok(ExitCode::SUCCESS);
            }
            let count = each(&which, |which| letters.discard(which))?;
            say!("{} discarded", told(count));
            Ok(found(count))
        }
    }
}

/// 1 where none were meant.
fn found(count: u64) -> ExitCode {
    ExitCode::from(u8::from(count == 0))
}

fn told(count: u64) -> String {
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

fn each(
    which: &[DeadLetterSelection],
    mut act: impl FnMut(&DeadLetterSelection) -> rusqlite::Result<u64>,
) -> Result<u64> {
    let mut all = 0;
    for which in which {
        all += act(which).wrap_err("the spool can't be changed")?;
    }
    Ok(all)
}

fn open(spool: SpoolFolder, source: ConfigSource) -> Result<store::DeadLetters> {
    let folder = spool_folder(spool, source)?;
    let Some(letters) = store::DeadLetters::open(&folder)? else {
        bail!(
            "there is no spool in {}; name another with --spool",
            folder.display()
        );
    };
    Ok(letters)
}

fn list(letters: &store::DeadLetters, format: Format) -> Result<ExitCode> {
    let rows = letters.rows().wrap_err("the spool can't be read")?;
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

/// A row of the list, in words.
pub(super) fn row(row: &DeadLetterRow) -> String {
    let group = &row.group;
    let reason = with_field(&group.field, &group.reason);
    let again = match row.again {
        0 => String::new(),
        again => format!("  ({} will be tried again)", grouped(again)),
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
    let found = letters
        .page(&which, 0, 1)
        .wrap_err("the spool can't be read")?;
    match (found.first(), number) {
        (Some(letter), _) => output::json(&letter.to_json()),
        (None, Some(number)) => bail!("there is no dead letter {number}; dead-letters list"),
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
            .wrap_err("the export is not whole")?;
    }
    to.flush().wrap_err("the export is not whole")?;
    if let Some(path) = out {
        say!("{} written to {}", told(count), path.display());
    }
    Ok(found(count))
}

fn is_sure(letters: &store::DeadLetters, which: &[DeadLetterSelection]) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("discarding can't be taken back: add --yes where nobody can be asked");
    }
    let mut count = 0;
    for which in which {
        count += letters.count(which).wrap_err("the spool can't be read")?;
    }
    say_as_is!("discard {} for good? [y/N] ", told(count));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
