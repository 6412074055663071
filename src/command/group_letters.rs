//! `dead-letters` of a group, whose dead letters are in a stream.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde::{Deserialize, Serialize};

use crate::cli::{DeadLetterChoice, DeadLetters, Format};
use crate::config::Settings;
use crate::jetstream::{Connection, DeadLetterMessage, Location};
use crate::owner_only;
use crate::text::{grouped, with_field};

use super::output::{self, printable};

/// Maximum dead letters that a command reads.
const MAX_READ: usize = 1_000_000;

/// The part of a dead letter that the list shows.
#[derive(Deserialize)]
struct Shown {
    why: String,
    reason: String,
    field: String,
    event_type: String,
    at: String,
}

/// A row of the list.
#[derive(Serialize)]
struct Row {
    why: String,
    reason: String,
    field: String,
    event_type: String,
    count: u64,
    newest: String,
}

pub(super) async fn run(
    command: DeadLetters,
    settings: &Settings,
    location: &Location,
) -> Result<ExitCode> {
    let connection = Connection::open(&settings.nats, location).await?;
    let all = connection.dead_letters(MAX_READ).await?;
    match command {
        DeadLetters::List { format, .. } => {
            list(&all, format);
            Ok(ExitCode::SUCCESS)
        }
        DeadLetters::Show { number, .. } => show(&all, number),
        DeadLetters::Export { which, out, .. } => export(&chosen(all, &which), out),
        DeadLetters::Retry { which, .. } => {
            let letters = chosen(all, &which);
            for letter in &letters {
                connection.retry_dead_letter(letter).await?;
            }
            let count = counted(letters.len());
            say!(
                "{count} published again; the filters of now decide them, and a member sends them"
            );
            Ok(exit_code(letters.len()))
        }
        DeadLetters::Discard { which, yes, .. } => {
            let letters = chosen(all, &which);
            if !yes && !is_sure(letters.len())? {
                say!("nothing was discarded");
                return Ok(ExitCode::SUCCESS);
            }
            for letter in &letters {
                connection.discard_dead_letter(letter.number).await?;
            }
            say!("{} discarded", counted(letters.len()));
            Ok(exit_code(letters.len()))
        }
    }
}

fn list(all: &[DeadLetterMessage], format: Format) {
    let mut rows: BTreeMap<(String, String, String, String), (u64, String)> = BTreeMap::new();
    for letter in all {
        let Ok(shown) = serde_json::from_str::<Shown>(&letter.line) else {
            continue;
        };
        let key = (shown.why, shown.reason, shown.field, shown.event_type);
        let (count, newest) = rows.entry(key).or_default();
        *count += 1;
        *newest = shown.at;
    }
    let row = |((why, reason, field, event_type), (count, newest))| Row {
        why,
        reason,
        field,
        event_type,
        count,
        newest,
    };
    let mut rows: Vec<Row> = rows.into_iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    match format {
        Format::Json => output::json(&rows),
        Format::Text if rows.is_empty() => say!("there are no dead letters"),
        Format::Text => {
            for row in &rows {
                say!(
                    "{:>8}  {:<10} {:<28} {}",
                    grouped(row.count),
                    printable(&row.why),
                    printable(&row.event_type),
                    printable(&with_field(&row.field, &row.reason))
                );
            }
        }
    }
}

fn show(all: &[DeadLetterMessage], number: Option<i64>) -> Result<ExitCode> {
    let found = match number {
        Some(number) => all
            .iter()
            .find(|letter| i64::try_from(letter.number) == Ok(number)),
        None => all.last(),
    };
    match (found, number) {
        (Some(letter), _) => {
            let value: serde_json::Value =
                serde_json::from_str(&letter.line).wrap_err("the dead letter can't be read")?;
            output::json(&value);
        }
        (None, Some(number)) => bail!(
            "there is no dead letter {number}; find its number with dead-letters export --all"
        ),
        (None, None) => say!("there are no dead letters"),
    }
    Ok(ExitCode::SUCCESS)
}

fn export(letters: &[DeadLetterMessage], out: Option<PathBuf>) -> Result<ExitCode> {
    let to: Box<dyn Write> = match &out {
        Some(path) => Box::new(
            owner_only::create(path)
                .wrap_err_with(|| format!("cannot write {}", path.display()))?,
        ),
        None => Box::new(std::io::stdout().lock()),
    };
    let incomplete = "cannot write all dead letters; the export is incomplete";
    let mut to = BufWriter::new(to);
    for letter in letters {
        writeln!(to, "{}", numbered(letter)).wrap_err(incomplete)?;
    }
    to.flush().wrap_err(incomplete)?;
    if let Some(path) = out {
        say!("{} written to {}", counted(letters.len()), path.display());
    }
    Ok(exit_code(letters.len()))
}

/// The line of a dead letter with its number, which is known only since it is in the stream.
fn numbered(letter: &DeadLetterMessage) -> String {
    letter
        .line
        .replacen("\"number\":0", &format!("\"number\":{}", letter.number), 1)
}

fn chosen(all: Vec<DeadLetterMessage>, which: &DeadLetterChoice) -> Vec<DeadLetterMessage> {
    let is_chosen = |letter: &DeadLetterMessage| match &which.reason {
        Some(reason) => {
            serde_json::from_str::<Shown>(&letter.line).is_ok_and(|shown| shown.reason == *reason)
        }
        None => {
            let number = i64::try_from(letter.number).unwrap_or(i64::MAX);
            which.all || which.numbers.contains(&number)
        }
    };
    all.into_iter().filter(is_chosen).collect()
}

fn is_sure(count: usize) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "discarding can't be undone, and there is no terminal to ask on: add --yes to discard anyway"
        );
    }
    say_as_is!("discard {} for good? [y/N] ", counted(count));
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn counted(count: usize) -> String {
    match count {
        1 => "1 dead letter".to_owned(),
        count => format!("{} dead letters", grouped(count as u64)),
    }
}

/// Returns 1 if no dead letter was chosen, else 0.
fn exit_code(count: usize) -> ExitCode {
    ExitCode::from(u8::from(count == 0))
}
