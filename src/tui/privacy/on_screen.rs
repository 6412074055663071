//! The IDs of the people on the screen.

use crate::delivery::spool::dead_letters::DeadLetter;
use crate::tui::privacy::mask::LEAST_ID;
use crate::tui::state::State;

/// The IDs of the people that are on the screen.
pub fn ids_on_screen(state: &State) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let rows = state.events.page.rows.iter();
    ids.extend(rows.map(|row| row.person.clone()));
    if let Some(person) = state.overlays.person() {
        ids.push(person.identity.id().to_owned());
    }
    let found = state.overlays.inspector().and_then(|i| i.found.as_ref());
    if let Some(event) = found.and_then(|found| found.record.event()) {
        ids.extend(event.user_id().map(String::from));
        ids.extend(event.device_id().map(String::from));
    }
    let opened = state
        .overlays
        .dead_letters()
        .and_then(|l| l.opened.as_ref());
    if let Some(letters) = opened.and_then(|opened| opened.letters.as_ref()) {
        ids.extend(letters.iter().map(DeadLetter::person));
    }
    // What a limit says names values in quotes.
    let limits = state.shown().limits.iter().map(|row| &row.worst);
    let opened = state.overlays.limit().and_then(|l| l.breakdown.as_ref());
    let places = opened
        .iter()
        .flat_map(|b| &b.places)
        .map(|place| &place.worst);
    let own = found
        .iter()
        .flat_map(|found| &found.record.story.violations);
    for violation in limits.chain(places).chain(own) {
        let quoted = violation.says.split('"').skip(1).step_by(2);
        ids.extend(quoted.map(|id| id.trim_end_matches('…').to_owned()));
    }
    // The longest first: one may be a part of another.
    ids.retain(|id| id.len() >= LEAST_ID && !id.starts_with('('));
    ids.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    ids.dedup();
    ids
}
