//! Asks Customer.io through the forwarder.

use crate::tui::action::Action;
use crate::tui::customerio::about::AskedAbout;
use crate::tui::customerio::query::{CustomerIoAnswer, Prepared};
use crate::tui::forwarder::Forwarder;

/// Asks about an event or a person, and returns the answer as an action.
pub(crate) async fn ask(forwarder: Forwarder, about: AskedAbout) -> Action {
    let answer = answer(&forwarder, &about).await;
    Action::CustomerIoAnswered(about, answer.map(Box::new))
}

async fn answer(forwarder: &Forwarder, about: &AskedAbout) -> Result<CustomerIoAnswer, String> {
    let (asked, ring, mapping) = (about.clone(), forwarder.ring().clone(), forwarder.mapping());
    let preparing =
        tokio::task::spawn_blocking(move || Prepared::of(&asked, &ring, &mapping)).await;
    let prepared = preparing.map_err(|_| "the question was interrupted".to_owned())??;
    let look = forwarder.ask_customerio(&prepared.question).await?;
    Ok(prepared.with(look))
}
