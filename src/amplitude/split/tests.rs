//! Texts of all forms, split into events and malformed parts.

mod damage;
mod linear_time;
mod random;

use bytestring::ByteString;

use super::*;
use crate::amplitude::Malformed;

const OPTIONS: SplitOptions<'_> = SplitOptions {
    is_whole: true,
    any_object: false,
    received_ms: 7,
    message_id_field: "message_id",
};

/// The event types and malformed parts of a text in order, and the number of bytes visited.
struct Outcome {
    found: Vec<Result<String, Malformed>>,
    visited_bytes: usize,
}

impl Outcome {
    fn types(&self) -> Vec<&str> {
        self.found
            .iter()
            .filter_map(|found| found.as_deref().ok())
            .collect()
    }

    fn faults(&self) -> Vec<&Malformed> {
        self.found
            .iter()
            .filter_map(|found| found.as_ref().err())
            .collect()
    }
}

fn split(text: &str) -> Outcome {
    let text = ByteString::from(text);
    let mut splitter = Splitter::default();
    let mut found = Vec::new();
    loop {
        match splitter.next(&text, OPTIONS) {
            Step::Found(one) => {
                found.push(one.map(|event| event.event_type().unwrap_or_default().into_owned()));
            }
            Step::More => panic!("the text is whole"),
            Step::End => break,
        }
    }
    Outcome {
        found,
        visited_bytes: splitter.visited_bytes,
    }
}

/// Splits in windows of `first` bytes, which double when an element needs more.
fn split_in_windows(text: &str, first: usize) -> Vec<Result<String, String>> {
    let mut splitter = Splitter::default();
    let (mut from, mut size) = (0, first.max(1));
    let mut found = Vec::new();
    loop {
        let end = text.ceil_char_boundary((from + size).min(text.len()));
        let window = ByteString::from(&text[from..end]);
        let options = SplitOptions {
            is_whole: end == text.len(),
            ..OPTIONS
        };
        match splitter.next(&window, options) {
            Step::Found(one) => found.push(
                one.map(|event| event.event_type().unwrap_or_default().into_owned())
                    .map_err(|malformed| malformed.why),
            ),
            Step::End => return found,
            Step::More => {
                let tail = window.len() - splitter.at();
                from += splitter.at();
                size = first.max(2 * tail).max(1);
                splitter.rebase(window.as_bytes());
            }
        }
    }
}

fn event(event_type: &str) -> String {
    format!(
        r#"{{"event_type":"{event_type}","user_id":"u-1","event_properties":{{"items":[{{"user_id":"inner","n":1}},{{"n":2}}]}}}}"#
    )
}
