//! The mask for viewers of a forwarder: whatever they are sent names no person and no property's value.
//!
//! It shows only what is known to be harmless: names of event types, properties, rules and limits,
//! counts and times. Everything else is replaced, IDs by pseudonyms.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use bytestring::ByteString;

use crate::amplitude::json::{self, Kind};
use crate::amplitude::time::UnixMs;
use crate::amplitude::{Event, Malformed, frame};
use crate::delivery::spool::dead_letters::DeadLetterRow;
use crate::delivery::{Attempt, BreakerState};
use crate::feed::FeedState;
use crate::filter::{BlockedBy, Decision, Filters, Rule};
use crate::limits::Violation;
use crate::protocol::{ChangeRecord, Content, Outcome, Record, Snapshot, Story};

use super::condition::without_values;
use super::mask::{ADDRESS, HIDDEN, IDS, Privacy, quoted};

/// The replacement of a reason that may quote an event.
const HIDDEN_REASON: &str = "hidden by control.privacy";

/// Fields of an event whose value is shown.
const SHOWN: [&str; 13] = [
    "event_type",
    "time",
    "event_time",
    "client_event_time",
    "client_upload_time",
    "server_received_time",
    "server_upload_time",
    "processed_time",
    "platform",
    "library",
    "app_version",
    "version_name",
    "os_name",
];

/// Fields of an event that hold properties: their names are shown, without their values.
const PROPERTIES: [&str; 7] = [
    "event_properties",
    "user_properties",
    "group_properties",
    "groups",
    "data",
    "plan",
    "payload",
];

/// The mask for viewers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewerMask {
    ids: Privacy,
}

impl ViewerMask {
    /// A mask whose pseudonyms depend on `salt`, which nobody must know.
    pub const fn new(salt: u64) -> Self {
        Self {
            ids: Privacy { salt },
        }
    }

    /// The state without people.
    #[must_use]
    pub fn snapshot(&self, snapshot: &Snapshot) -> Snapshot {
        let mut shown = snapshot.clone();
        if let FeedState::Down { why, .. } = &mut shown.feed.state {
            *why = name(why);
        }
        shown.feed.resumed = shown.feed.resumed.as_deref().map(name);
        match &mut shown.delivery.breaker {
            BreakerState::Closed => {}
            // An answer of Customer.io may quote an event.
            BreakerState::Open { why, .. } => {
                *why = format!("the destination is down; why is {HIDDEN_REASON}");
            }
            BreakerState::Refused { why, .. } => {
                *why = format!("the credentials are refused; why is {HIDDEN_REASON}");
            }
        }
        shown.filters = Arc::new(self.filters(&snapshot.filters));
        shown.last_change = snapshot.last_change.as_ref().map(|c| self.change(c));
        for tally in &mut shown.rules {
            hide(tally.last_error.as_mut());
        }
        for row in Arc::make_mut(&mut shown.types) {
            row.name = name(&row.name).into();
        }
        for row in Arc::make_mut(&mut shown.limits) {
            for (event_type, _) in &mut row.types {
                *event_type = name(event_type).into();
            }
            row.worst_type = name(&row.worst_type).into();
            row.worst = violation(&row.worst);
        }
        shown.dead_letters = Arc::new(dead_letters(&snapshot.dead_letters));
        for event in &mut shown.verification.unverified {
            event.name = name(&event.name);
            HIDDEN.clone_into(&mut event.id);
            HIDDEN_REASON.clone_into(&mut event.reason);
        }
        hide(shown.verification.problem.as_mut());
        for notice in &mut shown.notices {
            notice.text = name(&notice.text);
        }
        shown
    }

    /// The filters without the values in conditions, and without notes.
    #[must_use]
    pub fn filters(&self, filters: &Filters) -> Filters {
        let rule = |rule: &Rule| Rule {
            name: name(&rule.name),
            when: name(&without_values(&rule.when)),
            note: if rule.note.is_empty() {
                String::new()
            } else {
                HIDDEN.to_owned()
            },
            ..rule.clone()
        };
        let types = filters.types.iter();
        Filters {
            unseen_types: filters.unseen_types,
            types: types.map(|(of, switch)| (name(of), *switch)).collect(),
            rules: filters.rules.iter().map(rule).collect(),
        }
    }

    /// A change, without the values in the conditions that it names.
    #[must_use]
    pub fn change(&self, change: &ChangeRecord) -> ChangeRecord {
        let what = if change.is_of_filters() {
            name(&without_values(&change.what))
        } else {
            name(&change.what)
        };
        ChangeRecord {
            what,
            ..change.clone()
        }
    }

    /// A record whose event names nobody.
    #[must_use]
    pub fn record(&self, record: &Record) -> Record {
        let content = match &record.content {
            Content::Event { event, event_type } => {
                let event_type: Arc<str> = name(event_type).into();
                match event_in(&self.event(event.text()), record.received_ms) {
                    Some(event) => Content::Event { event, event_type },
                    None => Content::Malformed {
                        malformed: Malformed {
                            at_byte: 0,
                            why: HIDDEN_REASON.to_owned(),
                            near: HIDDEN.to_owned(),
                            from_byte: 0,
                            size_bytes: event.text().len(),
                            parts: 1,
                        },
                        text: HIDDEN.into(),
                    },
                }
            }
            Content::Malformed { malformed: of, .. } => malformed(of),
        };
        Record {
            sequence: record.sequence,
            received_ms: record.received_ms,
            content,
            story: self.story(&record.story),
        }
    }

    /// A story without the words of others: answers, reasons, values that broke a limit.
    #[must_use]
    pub fn story(&self, story: &Story) -> Story {
        let decision = match &story.decision {
            Some(Decision::Filtered {
                by: BlockedBy::Rule { number, name: of },
            }) => Some(Decision::Filtered {
                by: BlockedBy::Rule {
                    number: *number,
                    name: name(of).into(),
                },
            }),
            decision => decision.clone(),
        };
        let attempt = |attempt: &Arc<Attempt>| {
            let mut shown = Attempt::clone(attempt);
            hide(Some(&mut shown.message).filter(|message| !message.is_empty()));
            Arc::new(shown)
        };
        let outcome = match &story.outcome {
            Outcome::Undelivered { why, field, .. } => Outcome::Undelivered {
                why: *why,
                reason: HIDDEN_REASON.to_owned(),
                field: name(field),
            },
            outcome => outcome.clone(),
        };
        Story {
            decision,
            violations: story.violations.iter().map(violation).collect(),
            attempts: story.attempts.iter().map(attempt).collect(),
            outcome,
        }
    }

    /// The text of an event: its type and times, its IDs as pseudonyms, the names of its properties.
    fn event(self, raw: &str) -> String {
        let mut out = String::from("{");
        for (field, value) in json::entries(raw).unwrap_or_default() {
            let lower = field.trim_start_matches('$').to_ascii_lowercase();
            let shown = if json::kind(value) == Kind::Null {
                value.trim().to_owned()
            } else if IDS.contains(&lower.as_str()) {
                quoted(&self.ids.id(&json::string(value).unwrap_or(value.into())))
            } else if SHOWN.contains(&lower.as_str()) {
                scalar(value)
            } else if PROPERTIES.contains(&lower.as_str()) {
                properties(value)
            } else {
                quoted(HIDDEN)
            };
            let comma = if out.len() > 1 { "," } else { "" };
            // Writing into a string does not fail.
            let _ = write!(out, "{comma}{}:{shown}", quoted(&name(&field)));
        }
        out.push('}');
        out
    }
}

/// A name, or a text of this program, without email and IP addresses.
fn name(of: &str) -> String {
    ADDRESS.replace_all(of, HIDDEN).into_owned()
}

fn hide(text: Option<&mut String>) {
    if let Some(text) = text {
        HIDDEN_REASON.clone_into(text);
    }
}

/// A number, or a string without addresses. Anything else is hidden.
fn scalar(value: &str) -> String {
    match (json::kind(value), json::string(value)) {
        (Kind::String, Some(content)) => quoted(&name(&content)),
        (Kind::Number | Kind::Bool, _) => value.trim().to_owned(),
        _ => quoted(HIDDEN),
    }
}

/// The names of properties, without their values.
fn properties(value: &str) -> String {
    let Some(entries) = json::entries(value).filter(|_| json::kind(value) == Kind::Object) else {
        return quoted(HIDDEN);
    };
    let mut out = String::from("{");
    for (index, (of, _)) in entries.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing into a string does not fail.
        let _ = write!(out, "{comma}{}:{}", quoted(&name(of)), quoted(HIDDEN));
    }
    out.push('}');
    out
}

fn event_in(text: &str, received_ms: UnixMs) -> Option<Event> {
    let mut found = None;
    frame::decode(&ByteString::from(text), received_ms, "", |event| {
        found = found.take().or(event.ok());
    });
    found
}

/// A part that can't be read, without its text.
fn malformed(of: &Malformed) -> Content {
    Content::Malformed {
        malformed: Malformed {
            why: HIDDEN_REASON.to_owned(),
            near: HIDDEN.to_owned(),
            ..of.clone()
        },
        text: HIDDEN.into(),
    }
}

/// A violation with a sentence about the limit instead of one about the event.
fn violation(of: &Violation) -> Violation {
    Violation {
        path: name(&of.path).into(),
        sentence: format!("not as it must be: {}", of.code.limit().summary),
        ..of.clone()
    }
}

/// The groups of dead letters without their reasons.
fn dead_letters(rows: &[DeadLetterRow]) -> Vec<DeadLetterRow> {
    let mut shown: BTreeMap<_, DeadLetterRow> = BTreeMap::new();
    for row in rows {
        let mut row = row.clone();
        HIDDEN_REASON.clone_into(&mut row.group.reason);
        row.group.field = name(&row.group.field);
        row.group.event_type = name(&row.group.event_type);
        match shown.get_mut(&row.group) {
            Some(same) => {
                same.count += row.count;
                same.again += row.again;
                same.newest_ms = same.newest_ms.max(row.newest_ms);
            }
            None => _ = shown.insert(row.group.clone(), row),
        }
    }
    shown.into_values().collect()
}
