//! The answer in sentences: is there a profile, is the event there, did mail go out?

use std::collections::BTreeMap;

use crate::amplitude::time::UnixMs;
use crate::customerio::app::{Activity, EventAnswer, EventKey, Look, Meaning};
use crate::text::counted;
use crate::tui::customerio::query::{CustomerIoAnswer, shown_time};
use crate::tui::events::outcome::Severity;

/// Maximum messages that are named.
const MESSAGES: usize = 3;

/// A sentence, with the severity of what it says.
pub type Sentence = (Severity, String);

/// The answer in sentences. `who` is the person as it may be shown.
pub fn sentences(who: &str, answer: &CustomerIoAnswer) -> Vec<Sentence> {
    let look = &answer.look;
    let mut said = vec![if look.has_profile {
        let attributes = counted(u64::from(look.attributes), "attribute");
        let sentence = format!("{who} has a profile at Customer.io, with {attributes}.");
        (Severity::Plain, sentence)
    } else {
        let sentence = format!(
            "{who} has no profile at Customer.io: nothing about this person was applied there yet, or the profile was deleted."
        );
        (Severity::Bad, sentence)
    }];
    if let (Some(event), Some(found)) = (&answer.event, look.event)
        && look.has_profile
    {
        said.push(of_event(event, found, look.asked_ms));
    }
    if let Some(sentence) = not_applied(&look.activities) {
        said.push(sentence);
    }
    if look.has_profile {
        said.extend(messages(look, answer.event.as_ref()));
    }
    if look.has_more {
        let count = look.activities.len();
        let sentence =
            format!("Only the newest {count} activities of the last 30 days are listed.");
        said.push((Severity::Quiet, sentence));
    }
    said
}

fn of_event(event: &EventKey, found: EventAnswer, now_ms: UnixMs) -> Sentence {
    let at = shown_time(event.at_s * 1_000, now_ms);
    let what = format!("“{}” of {at}", event.name);
    match found {
        EventAnswer::Found => (
            Severity::Good,
            format!("{what} is there: Customer.io applied it."),
        ),
        EventAnswer::Failed => (
            Severity::Bad,
            format!("{what} failed: Customer.io took it with 200, and then did not apply it."),
        ),
        EventAnswer::Missing => (
            Severity::Warn,
            format!("{what} is not there yet: it can take minutes. Ask again."),
        ),
        EventAnswer::Undecided => (
            Severity::Warn,
            format!(
                "{what} was not found among the newest activities with its name: there are too many to see all."
            ),
        ),
        EventAnswer::TooOld => (
            Severity::Warn,
            format!("{what} is older than the 30 days for which Customer.io lists activities."),
        ),
    }
}

/// What Customer.io took with 200 and did not apply.
fn not_applied(activities: &[Activity]) -> Option<Sentence> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let failed = activities.iter();
    for one in failed.filter(|one| one.meaning() == Meaning::NotApplied) {
        *counts.entry(one.words()).or_default() += 1;
    }
    let listed: Vec<String> = counts
        .iter()
        .map(|(words, count)| format!("{count} × {words}"))
        .collect();
    let sentence = format!("Taken with 200 and not applied: {}.", listed.join(", "));
    (!listed.is_empty()).then_some((Severity::Bad, sentence))
}

/// The newest messages, each with its last step.
fn messages(look: &Look, event: Option<&EventKey>) -> Vec<Sentence> {
    let since = event.map_or(0, |event| event.at_s);
    let mut last_steps: BTreeMap<&str, &Activity> = BTreeMap::new();
    let activities = look.activities.iter();
    let all = activities.filter(|one| one.message().is_some());
    for one in all.filter(|one| one.at_s >= since) {
        let known = last_steps.entry(&one.delivery_id).or_insert(one);
        if one.at_s > known.at_s {
            *known = one;
        }
    }
    let when = match event {
        Some(_) => "since the event",
        None => "in the listed time",
    };
    let mut newest: Vec<&Activity> = last_steps.into_values().collect();
    newest.sort_by_key(|one| std::cmp::Reverse(one.at_s));
    let Some(first) = newest.first() else {
        return vec![(Severity::Plain, format!("No message {when}."))];
    };
    let named: Vec<String> = newest
        .iter()
        .take(MESSAGES)
        .map(|one| {
            let at = shown_time(one.at_s * 1_000, look.asked_ms);
            format!("{} at {at}", one.words())
        })
        .collect();
    let others = newest.len().saturating_sub(MESSAGES) as u64;
    let others = match others {
        0 => String::new(),
        count => format!(", and {}", counted(count, "other")),
    };
    let count = counted(newest.len() as u64, "message");
    let sentence = format!("{count} {when}: {}{others}.", named.join(", "));
    vec![(severity(first.meaning()), sentence)]
}

/// The severity of what an activity means.
pub(crate) fn severity(meaning: Meaning) -> Severity {
    match meaning {
        Meaning::Applied | Meaning::Arrived => Severity::Good,
        Meaning::NotApplied | Meaning::NotArrived => Severity::Bad,
        Meaning::Sending => Severity::Plain,
        Meaning::Other => Severity::Quiet,
    }
}
