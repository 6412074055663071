//! Builds a condition from a field of an event: events with the same value.

use std::fmt::Write as _;

use crate::amplitude::json::{self, Kind};

use super::expression;

/// A field from which no condition can be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The field is an object or a list.
    #[error("this holds several values: choose one of them")]
    Several,
    /// The field is `null`.
    #[error("null is not a value: a missing property makes every comparison false")]
    Null,
    /// No variable has the field's value.
    #[error("no condition can ask for {0}; ? lists what one can ask for")]
    NoVariable(String),
}

/// Builds the condition that a field equals its value in `event`: the value at the byte `at`.
pub fn equals(event: &str, at: usize) -> Result<String, BuildError> {
    let mut path = String::new();
    let mut value = event;
    while let Some((next, inside)) = step_to(value, offset(event, value), at) {
        match next {
            Step::Key(key) if path.is_empty() => {
                let variable = expression::variable(&key);
                path.push_str(variable.ok_or(BuildError::NoVariable(key))?);
            }
            Step::Key(key) => path.push_str(&step(&key)),
            Step::Index(index) => _ = write!(path, "[{index}]"),
        }
        value = inside;
        if offset(event, value) == at {
            break;
        }
    }
    let literal = match json::kind(value) {
        Kind::Object | Kind::Array => return Err(BuildError::Several),
        Kind::Null => return Err(BuildError::Null),
        Kind::String => quoted(&json::string(value).unwrap_or_default()),
        Kind::Number | Kind::Bool => value.to_owned(),
    };
    Ok(format!("{path} == {literal}"))
}

enum Step {
    Key(String),
    Index(usize),
}

/// Returns the element of `raw` that contains the byte `at`, and its key or index. `raw` begins at
/// the byte `start`.
fn step_to(raw: &str, start: usize, at: usize) -> Option<(Step, &str)> {
    let holds = |inside: &str| {
        let begin = start + offset(raw, inside);
        (begin..begin + inside.len()).contains(&at)
    };
    match json::kind(raw) {
        Kind::Object => {
            let entries = json::entries(raw)?;
            let (key, value) = entries.iter().find(|(_, value)| holds(value))?;
            Some((Step::Key(key.to_string()), *value))
        }
        Kind::Array => {
            let elements = json::elements(raw).ok()?;
            let index = elements.iter().position(|value| holds(value))?;
            Some((Step::Index(index), elements[index]))
        }
        _ => None,
    }
}

/// The byte at which `inside`, a slice of `text`, begins.
fn offset(text: &str, inside: &str) -> usize {
    inside.as_ptr() as usize - text.as_ptr() as usize
}

/// Reserved words of CEL that can't follow a dot.
const RESERVED: [&str; 4] = ["in", "true", "false", "null"];

/// Formats the access to a property: `.name`, or `["a name"]` if it is no identifier.
pub fn step(name: &str) -> String {
    if is_identifier(name) {
        format!(".{name}")
    } else {
        format!("[{}]", quoted(name))
    }
}

fn is_identifier(key: &str) -> bool {
    let mut letters = key.chars();
    let starts = letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts && letters.all(|c| c.is_ascii_alphanumeric() || c == '_') && !RESERVED.contains(&key)
}

/// Formats a string literal of CEL.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::Reading;
    use crate::amplitude::frame::tests_support::event;
    use crate::filter::expression::{Condition, Evaluation, Variables};

    const EVENT: &str = r#"{"event_type":"Said \"no\"\u0007\\ twice","user_id":"u-1","ip":"203.0.113.7","$insert_id":"i","unknown":1,"time":1800000000000,
        "event_properties":{"plan":"pro","a b":{"in":[1,{"x":-2.50}]},"big":9007199254740993,"on":true,"none":null,"e":"Ü\n","list":[]},
        "user_properties":{"1st":"x"}}"#;

    fn build(value: &str) -> Result<String, BuildError> {
        equals(EVENT, EVENT.find(value).unwrap())
    }

    #[test]
    fn a_built_condition_matches_its_event_and_no_other() {
        let event = event(EVENT);
        let reading = Reading::new(&event);
        let variables = Variables::new(&reading);
        let context = variables.context();
        for (value, expected) in [
            (r#""Said"#, r#"event_type == "Said \"no\"\u0007\\ twice""#),
            (r#""u-1""#, r#"user_id == "u-1""#),
            (r#""203.0"#, r#"ip_address == "203.0.113.7""#),
            (r#""i""#, r#"insert_id == "i""#),
            (r#""pro""#, r#"event_properties.plan == "pro""#),
            ("-2.50", r#"event_properties["a b"]["in"][1].x == -2.50"#),
            ("9007199", "event_properties.big == 9007199254740993"),
            ("true", "event_properties.on == true"),
            (r#""Ü\n""#, r#"event_properties.e == "Ü\n""#),
            (r#""x"}"#, r#"user_properties["1st"] == "x""#),
        ] {
            let written = build(value).unwrap();
            assert_eq!(written, expected);
            let condition = Condition::compile(&written).unwrap();
            assert_eq!(condition.evaluate(&context), Evaluation::True, "{written}");
            let other = Condition::compile(&written.replacen("==", "!=", 1)).unwrap();
            assert_eq!(other.evaluate(&context), Evaluation::False, "{written}");
        }
    }

    #[test]
    fn a_field_without_a_condition_has_a_reason() {
        assert_eq!(build("{\"plan\""), Err(BuildError::Several));
        assert_eq!(build("[]"), Err(BuildError::Several));
        assert_eq!(build("null"), Err(BuildError::Null));
        assert_eq!(
            equals(EVENT, EVENT.find("1,\"time").unwrap()),
            Err(BuildError::NoVariable("unknown".to_owned()))
        );
        assert_eq!(equals(EVENT, 0), Err(BuildError::Several));
    }
}
