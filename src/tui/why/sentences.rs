//! An answer in sentences: what became of the events, with the evidence.

use crate::amplitude::time;
use crate::filter::{BlockedBy, Decision};
use crate::protocol::{Outcome, Record, Snapshot};
use crate::text::{duration, grouped, with_field};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::events::outcome::Severity;
use crate::tui::person::query::Summary;
use crate::tui::why::query::{Answer, Subject};

/// A sentence of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Its text, with text from outside.
    pub text: String,
    /// How much it matters.
    pub severity: Severity,
}

fn sentence(text: String, severity: Severity) -> Sentence {
    Sentence { text, severity }
}

/// The answer in sentences, the most important first. `asked` is the question.
pub fn sentences(asked: &str, answer: &Answer, snapshot: &Snapshot) -> Vec<Sentence> {
    let mut all = Vec::new();
    match &answer.subject {
        Some(subject) => {
            all.push(what_became(subject, answer, snapshot));
            all.extend(evidence(answer, snapshot));
        }
        None => all.extend(not_here(asked, answer, snapshot)),
    }
    all.extend(dead_letters(answer));
    all
}

/// The span that the ring covers: `the last 10 min`.
fn span(answer: &Answer, snapshot: &Snapshot) -> String {
    let age = answer.ring.0.map_or(0, |oldest| snapshot.at_ms - oldest);
    format!("the last {}", duration(age.max(0)))
}

fn events(count: u64) -> String {
    match count {
        1 => "1 event".to_owned(),
        count => format!("{} events", grouped(count)),
    }
}

/// `u-8812 sent 4 events in the last 10 min: 3 delivered, 1 rejected by id_too_long.`
fn what_became(subject: &Subject, answer: &Answer, snapshot: &Snapshot) -> Sentence {
    let summary = &answer.summary;
    let (count, span) = (summary.events, span(answer, snapshot));
    let became = became(summary);
    let text = match subject {
        Subject::Person(identity, None) => {
            format!(
                "{} sent {} in {span}: {became}.",
                identity.id(),
                events(count)
            )
        }
        Subject::Person(identity, Some(name)) => {
            format!(
                "{} sent {} {name} in {span}: {became}.",
                identity.id(),
                grouped(count)
            )
        }
        Subject::Type(name) => format!("{} {name} came in {span}: {became}.", grouped(count)),
        Subject::Email(email) => {
            format!(
                "{} of several persons in {span} contain {email}: {became}.",
                events(count)
            )
        }
        Subject::Event(id) => {
            let came = answer.timeline.back();
            let name = came.map_or("", Record::event_type);
            let at = came.map_or(0, |record| record.received_ms);
            let at = time::to_clock_seconds(at);
            format!("Event {id}, {name}, came at {at}: {became}.")
        }
    };
    let arrived = summary.delivered == count;
    let severity = if arrived {
        Severity::Good
    } else {
        Severity::Plain
    };
    sentence(text, severity)
}

/// The outcomes with their counts: `3 delivered, 1 filtered out by type`.
fn became(summary: &Summary) -> String {
    let outcomes = [
        (summary.delivered, "delivered"),
        (summary.on_their_way, "queued, in flight or retrying"),
        (summary.undelivered, "not delivered"),
        (summary.dry_run, "decided in dry run and not sent"),
    ];
    let some = outcomes.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = some
        .map(|(count, name)| format!("{} {name}", grouped(count)))
        .collect();
    let filtered = summary.filtered_out.iter();
    parts.extend(filtered.map(|(by, count)| format!("{} filtered out ({by})", grouped(*count))));
    let rejected = summary.rejected.iter();
    parts.extend(rejected.map(|(code, count)| format!("{} rejected by {code}", grouped(*count))));
    parts.join(", ")
}

/// The last event, and the newest one that did not arrive if that is another.
fn evidence(answer: &Answer, snapshot: &Snapshot) -> Vec<Sentence> {
    let mut all = Vec::new();
    let Some(last) = answer.timeline.back() else {
        return all;
    };
    all.push(fate("The last one", last, snapshot));
    let failed = |record: &&Record| {
        matches!(
            record.story.decision,
            Some(Decision::Rejected { .. } | Decision::Filtered { .. })
        ) || matches!(
            record.story.outcome,
            Outcome::Undelivered { .. } | Outcome::Waiting { .. }
        )
    };
    let newest = answer.timeline.iter().rev().find(failed);
    if let Some(newest) = newest.filter(|newest| newest.sequence != last.sequence) {
        let which = "The newest that did not arrive";
        all.push(fate(which, newest, snapshot));
    }
    all
}

/// What became of one event, and what to do.
fn fate(which: &str, record: &Record, snapshot: &Snapshot) -> Sentence {
    let came = time::to_clock_seconds(record.received_ms);
    match &record.story.decision {
        Some(Decision::Filtered { by }) => {
            let remedy = remedy(by);
            let text = format!("{which} came at {came} and was filtered out: {by}. {remedy}");
            sentence(text, Severity::Warn)
        }
        Some(Decision::Rejected { code }) => {
            let violation = record.story.violations.iter().find(|v| v.code == *code);
            let why = violation.map_or("", |v| v.sentence.as_str());
            let text = format!("{which} came at {came} and was rejected by {code}: {why}");
            sentence(text, Severity::Bad)
        }
        Some(Decision::Accepted) | None => accepted_fate(which, record, snapshot),
    }
}

fn remedy(by: &BlockedBy) -> &'static str {
    match by {
        BlockedBy::Shut => "Open the gate to send such events.",
        BlockedBy::Type | BlockedBy::UnseenType => "Select its type to send such events.",
        BlockedBy::Rule { .. } => "Turn the rule off or change it to send such events.",
        BlockedBy::PropertyUpdate => "Set mapping.send_users = true to send such events.",
    }
}

fn accepted_fate(which: &str, record: &Record, snapshot: &Snapshot) -> Sentence {
    let story = &record.story;
    let came = time::to_clock_seconds(record.received_ms);
    let attempt = story.attempts.last().map(|attempt| {
        let (at, took) = (time::to_clock_seconds(attempt.at_ms), attempt.took_ms);
        let answered = match attempt.answer.as_str() {
            "no answer" => "nothing came back".to_owned(),
            answer => format!("Customer.io answered {answer}"),
        };
        format!(
            "left at {at} and {answered} after {}",
            duration(took.into())
        )
    });
    let left = attempt.unwrap_or_else(|| format!("came at {came}"));
    match &story.outcome {
        Outcome::Delivered { .. } => sentence(format!("{which} {left}."), Severity::Good),
        Outcome::Waiting { next_ms } => {
            let next = time::to_clock_seconds(*next_ms);
            sentence(
                format!("{which} {left}; it is retried at {next}."),
                Severity::Warn,
            )
        }
        Outcome::Undelivered { why, reason, field } => {
            let why = format!("{why}, {}", with_field(field, reason));
            sentence(format!("{which} {left}: {why}"), Severity::Bad)
        }
        Outcome::DryRun => {
            let text = format!("{which} came at {came} in dry run: nothing was sent.");
            sentence(text, Severity::Warn)
        }
        Outcome::HandedOver => sentence(
            format!(
                "{which} {left}, and was handed over with its partition: the next holder sends it. `sluicegate \
                 attach` with the group's address shows the events of all members."
            ),
            Severity::Plain,
        ),
        Outcome::OnItsWay | Outcome::NotSent => {
            let (why, severity) = queued_because(snapshot);
            sentence(
                format!("{which} {left} and is queued or in flight{why}."),
                severity,
            )
        }
    }
}

/// Why queued events wait, if they do.
fn queued_because(snapshot: &Snapshot) -> (String, Severity) {
    match QueueReason::of(&snapshot.delivery) {
        Some(reason) => (format!(": {}", reason.description()), Severity::Warn),
        None => (String::new(), Severity::Plain),
    }
}

/// Nothing in the ring has to do with the question.
fn not_here(asked: &str, answer: &Answer, snapshot: &Snapshot) -> Vec<Sentence> {
    let asked = asked.trim();
    let (count, span) = (answer.ring.1, span(answer, snapshot));
    let nothing = match count {
        0 => "No event was received yet.".to_owned(),
        _ => format!(
            "None of the {} of {span} is “{asked}” or names it.",
            events(count)
        ),
    };
    let mut all = vec![sentence(nothing, Severity::Warn)];
    let known = snapshot
        .types
        .iter()
        .find(|row| row.name.eq_ignore_ascii_case(asked));
    if let Some(row) = known {
        let text = format!(
            "{} {} were received since the start, but the ring no longer has one.",
            grouped(row.count),
            row.name
        );
        all.push(sentence(text, Severity::Plain));
    }
    let advice = "IDs are case-sensitive. If the spelling is right, it came earlier, or the feed never brought it: look for it in Amplitude.";
    all.push(sentence(advice.to_owned(), Severity::Quiet));
    all
}

fn dead_letters(answer: &Answer) -> Option<Sentence> {
    let newest = answer.dead_letters.first()?;
    let count = match answer.dead_letters.len() {
        1 => "1 dead letter".to_owned(),
        count => format!("{count} dead letters"),
    };
    let at = time::to_stamp_seconds(newest.at_ms);
    let reason = with_field(&newest.field, &newest.reason);
    let event_type = &newest.accepted.event_type;
    let text = format!(
        "{count}, the newest of {at}, {event_type}: {}: {reason}",
        newest.why
    );
    Some(sentence(text, Severity::Bad))
}

#[cfg(test)]
mod tests;
