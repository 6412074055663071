//! `dead-letters` of a group, whose dead letters are in a stream.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr as _};

use crate::cli::{DeadLetterChoice, DeadLetters};
use crate::config::Settings;
use crate::delivery::spool::dead_letters::{DeadLetterGroup, DeadLetterRow};
use crate::jetstream::{Connection, DeadLetterMessage, Location};

use super::dead_letter_output as output;

/// Maximum dead letters that a command reads.
const MAX_READ: usize = 1_000_000;

pub(super) async fn run(
    command: DeadLetters,
    settings: &Settings,
    location: &Location,
) -> Result<ExitCode> {
    let connection = Connection::open(&settings.nats, location).await?;
    let all = connection.dead_letters(MAX_READ).await?;
    match command {
        DeadLetters::List { format, .. } => {
            output::list(&rows(&all), format);
            Ok(ExitCode::SUCCESS)
        }
        DeadLetters::Show { number, .. } => show(&all, number),
        DeadLetters::Export { which, out, .. } => {
            let letters = chosen(all, &which);
            output::export(out, |to| {
                for letter in &letters {
                    writeln!(to, "{}", letter.line).wrap_err(output::INCOMPLETE)?;
                }
                Ok(letters.len() as u64)
            })
        }
        DeadLetters::Retry { which, .. } => {
            let letters = chosen(all, &which);
            for letter in &letters {
                connection.retry_dead_letter(letter).await?;
            }
            let count = letters.len() as u64;
            say!(
                "{} published again; the current filters decide them, and a member sends them",
                output::counted(count)
            );
            Ok(output::exit_code(count))
        }
        DeadLetters::Discard { which, yes, .. } => {
            let letters = chosen(all, &which);
            let count = letters.len() as u64;
            if !yes && !output::is_sure(|| Ok(count))? {
                say!("nothing was discarded");
                return Ok(ExitCode::SUCCESS);
            }
            for letter in &letters {
                connection.discard_dead_letter(letter.number).await?;
            }
            say!("{} discarded", output::counted(count));
            Ok(output::exit_code(count))
        }
    }
}

/// The dead letters by reason and type, the most frequent first.
fn rows(all: &[DeadLetterMessage]) -> Vec<DeadLetterRow> {
    let mut rows: BTreeMap<DeadLetterGroup, DeadLetterRow> = BTreeMap::new();
    for (group, at_ms) in all.iter().filter_map(DeadLetterMessage::group) {
        let row = rows.entry(group.clone()).or_insert(DeadLetterRow {
            group,
            count: 0,
            again: 0,
            newest_ms: at_ms,
        });
        row.count += 1;
        row.newest_ms = row.newest_ms.max(at_ms);
    }
    let mut rows: Vec<DeadLetterRow> = rows.into_values().collect();
    rows.sort_by_key(|row| Reverse(row.count));
    rows
}

fn show(all: &[DeadLetterMessage], number: Option<i64>) -> Result<ExitCode> {
    let found = match number {
        Some(number) => all.iter().find(|letter| is_number(letter, number)),
        None => all.last(),
    };
    let found = found.map(|letter| serde_json::from_str(&letter.line));
    let found = found.transpose();
    output::show(found.wrap_err("the dead letter can't be read")?, number)
}

fn is_number(letter: &DeadLetterMessage, number: i64) -> bool {
    i64::try_from(letter.number) == Ok(number)
}

fn chosen(all: Vec<DeadLetterMessage>, which: &DeadLetterChoice) -> Vec<DeadLetterMessage> {
    let is_chosen = |letter: &DeadLetterMessage| match &which.reason {
        Some(reason) => letter
            .group()
            .is_some_and(|(group, _)| group.reason == *reason),
        None => {
            let mut numbers = which.numbers.iter();
            which.all || numbers.any(|number| is_number(letter, *number))
        }
    };
    all.into_iter().filter(is_chosen).collect()
}
