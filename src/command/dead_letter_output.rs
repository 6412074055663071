//! What `dead-letters` writes and asks, for those of a spool and those of a group.

use std::io::{BufRead as _, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde_json::Value;

use crate::cli::{DeadLetterChoice, Format};
use crate::delivery::spool::dead_letters::{DeadLetterRow, DeadLetterSelection};
use crate::owner_only;
use crate::text::{grouped, with_field};

use super::output::{self, printable};

/// Context of a failure to write an export.
pub(super) const INCOMPLETE: &str = "cannot write all dead letters; the export is incomplete";

/// The selections for what the operator chose.
pub(super) fn selections(choice: DeadLetterChoice) -> Vec<DeadLetterSelection> {
    match choice.reason {
        Some(reason) => vec![DeadLetterSelection::Reason(reason)],
        None if choice.all => vec![DeadLetterSelection::All],
        None => {
            let numbers = choice.numbers.into_iter();
            numbers.map(DeadLetterSelection::One).collect()
        }
    }
}

/// Returns 1 if no dead letter was chosen, else 0.
pub(super) fn exit_code(count: u64) -> ExitCode {
    ExitCode::from(u8::from(count == 0))
}

/// Returns a count with its noun.
pub(super) fn counted(count: u64) -> String {
    match count {
        1 => "1 dead letter".to_owned(),
        count => format!("{} dead letters", grouped(count)),
    }
}

/// Writes the list.
pub(super) fn list(rows: &[DeadLetterRow], format: Format) {
    match format {
        Format::Json => output::json(&rows),
        Format::Text if rows.is_empty() => say!("there are no dead letters"),
        Format::Text => {
            for one in rows {
                say!("{:>8}  {}", grouped(one.count), row(one));
            }
        }
    }
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

/// Writes the dead letter that was asked for, if there is one. Without a number that is the newest.
pub(super) fn show(found: Option<Value>, number: Option<i64>) -> Result<ExitCode> {
    match (found, number) {
        (Some(letter), _) => output::json(&letter),
        (None, Some(number)) => bail!(
            "there is no dead letter {number}; find its number with dead-letters export --all"
        ),
        (None, None) => say!("there are no dead letters"),
    }
    Ok(ExitCode::SUCCESS)
}

/// An export to a file, else to standard output.
pub(super) struct Export {
    to: BufWriter<Box<dyn Write>>,
    path: Option<PathBuf>,
}

impl Export {
    /// Opens the file, if one is named.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Self> {
        let to: Box<dyn Write> = match &path {
            Some(path) => Box::new(
                owner_only::create(path)
                    .wrap_err_with(|| format!("cannot write {}", path.display()))?,
            ),
            None => Box::new(std::io::stdout().lock()),
        };
        let to = BufWriter::new(to);
        Ok(Self { to, path })
    }

    /// Takes the lines.
    pub(super) fn to(&mut self) -> &mut dyn Write {
        &mut self.to
    }

    /// Ends an export of this many dead letters.
    pub(super) fn close(mut self, count: u64) -> Result<ExitCode> {
        self.to.flush().wrap_err(INCOMPLETE)?;
        if let Some(path) = self.path {
            say!("{} written to {}", counted(count), path.display());
        }
        Ok(exit_code(count))
    }
}

/// Fails if there is no terminal to ask on.
pub(super) fn must_have_terminal() -> Result<()> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "discarding can't be undone, and there is no terminal to ask on: add --yes to discard anyway"
        );
    }
    Ok(())
}

/// Asks the operator for confirmation on the terminal. `count` is the number of dead letters that would
/// be discarded.
pub(super) fn is_sure(count: u64) -> Result<bool> {
    say_as_is!("discard {} for good? [y/N] ", counted(count));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
