//! `dead-letters` of a group, whose dead letters are in a stream.

use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr as _};

use crate::cli::DeadLetters;
use crate::config::Settings;
use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::jetstream::{Connection, Location};

use super::dead_letter_output::{self as output, Export};

pub(super) async fn run(
    command: DeadLetters,
    settings: &Settings,
    location: &Location,
) -> Result<ExitCode> {
    let connection = Connection::open(&settings.nats, location).await?;
    let letters = connection.dead_letters(usize::MAX).await?;
    match command {
        DeadLetters::List { format, .. } => {
            output::list(&letters.list().await?, format);
            Ok(ExitCode::SUCCESS)
        }
        DeadLetters::Show { number, .. } => {
            let which = number.map_or(DeadLetterSelection::All, DeadLetterSelection::One);
            let newest = letters.newest_lines(&which, 1).await?;
            let newest = newest.first().map(|line| serde_json::from_str(line));
            output::show(newest.transpose()?, number)
        }
        DeadLetters::Export { which, out, .. } => {
            let mut export = Export::open(out)?;
            let mut count = 0;
            for which in output::selections(which) {
                let exported = letters.export(&which, export.to()).await;
                count += exported.wrap_err(output::INCOMPLETE)?;
            }
            export.close(count)
        }
        DeadLetters::Retry { which, .. } => {
            let mut count = 0;
            for which in output::selections(which) {
                count += letters.retry(&which).await?;
            }
            say!(
                "{} published again; the current filters decide them, and a member sends them",
                output::counted(count)
            );
            Ok(output::exit_code(count))
        }
        DeadLetters::Discard { which, yes, .. } => {
            let all = output::selections(which);
            if !yes {
                output::must_have_terminal()?;
                let mut count = 0;
                for which in &all {
                    count += letters.count(which).await?;
                }
                if !output::is_sure(count)? {
                    say!("nothing was discarded");
                    return Ok(ExitCode::SUCCESS);
                }
            }
            let mut count = 0;
            for which in &all {
                count += letters.discard(which).await?;
            }
            say!("{} discarded", output::counted(count));
            Ok(output::exit_code(count))
        }
    }
}
