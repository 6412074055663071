//! Formats for copying: the raw event, its request, a curl command, and a history for incident notes.

use std::fmt::Write as _;

use crate::amplitude::time;
use crate::customerio::Route;
use crate::customerio::request::Request;
use crate::delivery::spool::dead_letters::DeadLetter;
use crate::filter::Decision;
use crate::protocol::{Outcome, Record};
use crate::text::{counted, duration, with_field};
use crate::tui::events::outcome::outcome_of;

/// A format for copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// The raw event.
    Event,
    /// The request.
    Request,
    /// The request as a curl command.
    Curl,
    /// The history as Markdown.
    Trace,
    /// The ID of the person.
    Person,
}

/// The formats with their names.
pub const CHOICES: [(CopyFormat, &str); 5] = [
    (CopyFormat::Event, "the raw event"),
    (CopyFormat::Request, "the mapped request"),
    (
        CopyFormat::Curl,
        "a curl command, with the key as a variable",
    ),
    (CopyFormat::Trace, "its history as Markdown"),
    (CopyFormat::Person, "the person's id"),
];

/// A curl command that sends an item with this body. The credentials are shell variables, and all
/// other text is quoted.
pub fn curl(server: &str, route: &Route, body: &str) -> String {
    let Request { method, path, body } = Request::of(route, body);
    let url = quoted(&format!("{}{path}", server.trim_end_matches('/')));
    format!(
        "curl -X {method} {url} \\\n  -u \"$CUSTOMERIO_SITE_ID:$CUSTOMERIO_API_KEY\" \\\n  -H 'Content-Type: application/json' \\\n  --data-raw {}",
        quoted(&body)
    )
}

/// The text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The history of an event as Markdown.
pub fn trace(record: &Record) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "- {name}: {value}");
    };
    let stamp = |ms| format!("{} UTC", time::to_stamp(ms));
    line("received", &stamp(record.received_ms));
    if let Some(event) = record.event() {
        if let Ok(happened) = event.time() {
            let lag = duration((record.received_ms - happened).max(0));
            line("happened", &format!("{}, {lag} before", stamp(happened)));
        }
        if let Some(id) = event.user_id() {
            line("user_id", &code(&id));
        }
        if let Some(id) = event.device_id() {
            line("device_id", &code(&id));
        }
    }
    let decision = match &record.story.decision {
        Some(Decision::Accepted) => "accepted".to_owned(),
        Some(Decision::Filtered { by }) => format!("filtered out: {by}"),
        Some(Decision::Rejected { code }) => format!("rejected by limit {code}"),
        None => "none: it is not an event".to_owned(),
    };
    line("decision", &decision);
    for v in &record.story.violations {
        let message = format!("{} {}, {}: {}", v.policy.verb(), v.code, v.path, v.sentence);
        line("violation", &message);
    }
    for (number, attempt) in record.story.attempts.iter().enumerate() {
        let message = match attempt.message.as_str() {
            "" => String::new(),
            message => format!(": {}", code(message)),
        };
        let message = format!(
            "{}, {} in {} with {}{message}",
            stamp(attempt.at_ms),
            attempt.answer,
            duration(i64::from(attempt.took_ms)),
            counted(u64::from(attempt.items), "item")
        );
        line(&format!("attempt {}", number + 1), &message);
    }
    let outcome = match &record.story.outcome {
        Outcome::NotSent => "not sent".to_owned(),
        _ => outcome_of(record, None).2,
    };
    line("outcome", &outcome);
    let name = match record.event_type() {
        "" => "an event without a name".to_owned(),
        name => code(name),
    };
    format!("**{name}**, event {}\n\n{out}", record.sequence)
}

/// The history of a dead letter as Markdown.
pub fn letter(letter: &DeadLetter) -> String {
    let stamp = |ms| format!("{} UTC", time::to_stamp(ms));
    let reason = with_field(&letter.field, &letter.reason);
    let accepted = &letter.accepted;
    format!(
        "**{}**, dead letter {}\n\n- person: {}\n- {}: {}\n- answer: {} {}\n- requests: {}\n- happened: {}\n- received: {}\n- gave up: {}\n- id: {}\n",
        code(&accepted.event_type),
        letter.number,
        code(&letter.person()),
        letter.why,
        reason,
        letter.answer,
        code(&letter.message),
        letter.history.requests,
        stamp(accepted.happened_ms),
        stamp(accepted.received_ms),
        stamp(letter.at_ms),
        code(&accepted.item.id.to_string()),
    )
}

/// Text from outside as Markdown code, with control characters made visible.
pub(crate) fn code(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let text: String = text
        .chars()
        .map(crate::tui::widget::text::visible)
        .collect();
    if longest > 0 {
        format!("{fence} {text} {fence}")
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use crate::delivery::Attempt;
    use crate::filter::BlockedBy;
    use crate::protocol::{Content, Story};

    #[test]
    fn a_command_is_safe_in_a_shell_and_holds_no_key() {
        let body = r#"{"name":"it's $HOME `id` \\ \"x\"","n":"!!"}"#;
        let command = curl("https://track.customer.io/", &Route::Batch, body);
        assert!(command.starts_with("curl -X POST 'https://track.customer.io/api/v2/batch'"));
        assert!(command.contains("$CUSTOMERIO_SITE_ID:$CUSTOMERIO_API_KEY"));
        // The shell passes the body on unchanged.
        let script = command.replacen("curl -X POST", "set --", 1) + "; printf %s \"${7}\"";
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let sent = format!(r#"{{"batch":[{body}]}}"#);
        assert_eq!(String::from_utf8_lossy(&output.stdout), sent, "{script}");
        let route = Route::V1 {
            put: true,
            path: "/api/v1/customers/a'b".to_owned(),
        };
        assert!(
            curl("http://s", &route, "{}")
                .starts_with(r"curl -X PUT 'http://s/api/v1/customers/a'\''b'")
        );
    }

    #[test]
    fn a_story_as_markdown_has_all_that_the_inspector_tells() {
        let event = event(r#"{"event_type":"A `b` *c*","user_id":"u_1","time":1799999999000}"#);
        let event_type = event.event_type().unwrap().into();
        let mut record = Record {
            sequence: 7,
            received_ms: event.received_ms(),
            content: Content::Event { event, event_type },
            story: Story {
                decision: Some(Decision::Accepted),
                violations: Vec::new(),
                attempts: vec![std::sync::Arc::new(Attempt {
                    at_ms: 1_800_000_000_100,
                    took_ms: 60,
                    answer: "503".to_owned(),
                    message: "down".to_owned(),
                    items: 3,
                })],
                outcome: Outcome::Delivered { took_ms: 900 },
            },
        };
        assert_eq!(
            trace(&record),
            "**`` A `b` *c* ``**, event 7\n\n\
             - received: 2027-01-15 08:00:00.000 UTC\n\
             - happened: 2027-01-15 07:59:59.000 UTC, 1.0 s before\n\
             - user_id: `u_1`\n\
             - decision: accepted\n\
             - attempt 1: 2027-01-15 08:00:00.100 UTC, 503 in 60 ms with 3 items: `down`\n\
             - outcome: delivered 900 ms\n"
        );
        record.story.decision = Some(Decision::Filtered {
            by: BlockedBy::Type,
        });
        record.story.outcome = Outcome::NotSent;
        let told = trace(&record);
        assert!(
            told.contains("- decision: filtered out: type not selected\n"),
            "{told}"
        );
        assert!(told.ends_with("- outcome: not sent\n"), "{told}");
    }
}
