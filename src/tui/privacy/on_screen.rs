//! The IDs of persons on the screen, and the addresses of servers.

use crate::delivery::spool::dead_letters::DeadLetter;
use crate::privacy::mask::{LEAST_ID, addresses};
use crate::tui::inspector::query::Inspected;
use crate::tui::state::State;

/// The IP addresses of the servers that the screen names: they are not of people.
pub fn servers_on_screen(state: &State) -> Vec<String> {
    let labels = &state.labels;
    let texts = [
        Some(&labels.feed),
        Some(&labels.destination),
        Some(&labels.server),
        state.snapshot.delivery.server.as_ref(),
    ];
    let found = texts.into_iter().flatten().flat_map(|text| addresses(text));
    found.map(str::to_owned).collect()
}

/// The IDs of all persons on the screen, the longest first.
pub fn ids_on_screen(state: &State) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    let rows = state.events.page.rows.iter();
    ids.extend(rows.map(|row| row.person.clone()));
    if let Some(person) = state.overlays.person() {
        ids.push(person.identity.id().to_owned());
    }
    let answer = state.overlays.why().map(|why| (&why.asked, &why.answer));
    if let Some((asked, answer)) = answer {
        if !answer
            .as_ref()
            .is_some_and(|answer| answer.is_about_a_type())
        {
            ids.push(asked.clone());
        }
        let events = answer.iter().flat_map(|answer| &answer.timeline);
        for event in events.filter_map(|record| record.event()) {
            ids.extend(event.user_id().map(String::from));
            ids.extend(event.device_id().map(String::from));
        }
    }
    let detail = state.detail.shown.as_ref().map(|(_, inspector)| inspector);
    let inspected = state.overlays.inspector().into_iter().chain(detail);
    let found: Vec<&Inspected> = inspected.filter_map(|i| i.found.as_deref()).collect();
    for event in found.iter().filter_map(|found| found.record.event()) {
        ids.extend(event.user_id().map(String::from));
        ids.extend(event.device_id().map(String::from));
    }
    let opened = state
        .overlays
        .dead_letters()
        .and_then(|l| l.opened.as_ref());
    if let Some(letters) = opened.and_then(|opened| opened.dead_letters.as_ref()) {
        ids.extend(letters.iter().map(DeadLetter::person));
    }
    let newest = state
        .overlays
        .dead_letters()
        .and_then(|l| l.newest.as_ref());
    let newest = newest.and_then(|newest| newest.dead_letter.as_ref());
    ids.extend(newest.map(DeadLetter::person));
    // Descriptions of violations quote values.
    let limits = state.shown_limits().iter().map(|row| &row.worst);
    let opened = state.overlays.limit().and_then(|l| l.breakdown.as_ref());
    let groups = opened
        .iter()
        .flat_map(|b| &b.groups)
        .map(|group| &group.worst);
    let own = found
        .iter()
        .flat_map(|found| &found.record.story.violations);
    let answered = state.overlays.why().and_then(|why| why.answer.as_ref());
    let answered = answered.iter().flat_map(|answer| &answer.timeline);
    let answered = answered.flat_map(|record| &record.story.violations);
    for violation in limits.chain(groups).chain(own).chain(answered) {
        let quoted = violation.sentence.split('"').skip(1).step_by(2);
        ids.extend(quoted.map(|id| id.trim_end_matches('…').to_owned()));
    }
    // The longest first, because an ID can be a part of another.
    ids.retain(|id| id.len() >= LEAST_ID && !id.starts_with('('));
    ids.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    ids.dedup();
    ids
}
