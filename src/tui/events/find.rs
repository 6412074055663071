//! A search: text, a regular expression, or a condition.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::amplitude::Reading;
use crate::filter::Condition;
use crate::filter::expression::{Evaluation, VARIABLES, Variables};
use crate::protocol::Record;

/// A search.
#[derive(Debug, Clone)]
pub struct Find {
    /// The text as it was typed.
    pub text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Text(Regex),
    Expression(Regex),
    Condition(Arc<Condition>),
    /// An invalid regular expression or condition, which matches nothing. Holds the error.
    Nothing(FindError),
}

/// The reason why a text is no valid search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindError {
    /// The reason.
    pub message: String,
    /// The column of the error in the text, in characters.
    pub column: usize,
}

/// Two searches are equal if their text and their kind are equal.
impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        let taken_as = |find: &Self| std::mem::discriminant(&find.matcher);
        self.text == other.text && taken_as(self) == taken_as(other)
    }
}

impl Find {
    /// Parses a search. After a `~`: a regular expression. After a `'`: text, whatever it looks like.
    /// If it looks like a condition: a condition, with an error if it doesn't compile. Otherwise: text
    /// anywhere in the event, in upper or lower case. None for an empty text.
    pub fn parse(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return None;
        }
        let whole = |matcher| {
            Some(Self {
                text: trimmed.to_owned(),
                matcher,
            })
        };
        if let Some(expression) = trimmed.strip_prefix('~') {
            let expression = expression.trim_start();
            if expression.is_empty() {
                return None;
            }
            return whole(match RegexBuilder::new(expression).build() {
                Ok(regex) => Matcher::Expression(regex),
                Err(error) => Matcher::Nothing(FindError {
                    message: reason(&error),
                    column: 0,
                }),
            });
        }
        let (literal, is_quoted) = match trimmed.strip_prefix('\'') {
            Some(text) => (text, true),
            None => (trimmed, false),
        };
        if !is_quoted {
            match Condition::compile(trimmed) {
                Ok(condition) if compares(trimmed) => {
                    return whole(Matcher::Condition(Arc::new(condition)));
                }
                Err(error) if is_meant_as_condition(trimmed) => {
                    return whole(Matcher::Nothing(FindError {
                        message: format!("no valid condition: {}", error.message),
                        column: error.column,
                    }));
                }
                _ => {}
            }
        }
        if literal.is_empty() {
            return None;
        }
        let literal = RegexBuilder::new(&regex::escape(literal))
            .case_insensitive(true)
            .build();
        whole(Matcher::Text(literal.ok()?))
    }

    /// A search by a condition. None if it does not compile.
    pub fn condition(text: &str) -> Option<Self> {
        let condition = Condition::compile(text).ok()?;
        Some(Self {
            text: text.to_owned(),
            matcher: Matcher::Condition(Arc::new(condition)),
        })
    }

    /// Whether it is a condition.
    pub fn is_condition(&self) -> bool {
        matches!(self.matcher, Matcher::Condition(_))
    }

    /// The kind of the search, or its error.
    pub fn kind(&self) -> &str {
        match &self.matcher {
            Matcher::Text(_) => "text",
            Matcher::Expression(_) => "regular expression",
            Matcher::Condition(_) => "condition",
            Matcher::Nothing(error) => &error.message,
        }
    }

    /// The reason why it matches nothing, if it is not valid.
    pub fn error(&self) -> Option<&FindError> {
        match &self.matcher {
            Matcher::Nothing(error) => Some(error),
            _ => None,
        }
    }

    /// Whether a record matches.
    pub fn matches(&self, record: &Record) -> bool {
        match (&self.matcher, record.event()) {
            (Matcher::Text(text) | Matcher::Expression(text), _) => text.is_match(record.text()),
            (Matcher::Condition(condition), Some(event)) => {
                let reading = Reading::new(event);
                condition.evaluate(&Variables::new(&reading).context()) == Evaluation::True
            }
            (Matcher::Condition(_), None) | (Matcher::Nothing(_), _) => false,
        }
    }
}

/// Whether a valid condition is meant as one: a word can be both a condition and a text.
fn compares(text: &str) -> bool {
    text.contains(['=', '<', '>', '(', '!']) || text.contains(" in ")
}

/// Whether a text that is no valid condition is meant as one: it compares as CEL does, or it begins
/// with a field that is compared or called.
fn is_meant_as_condition(text: &str) -> bool {
    const OPERATORS: [&str; 6] = ["==", "!=", "&&", "||", ">=", "<="];
    if OPERATORS.iter().any(|operator| text.contains(operator)) {
        return true;
    }
    let text = text.trim_start_matches(['!', '(', ' ']);
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = rest.trim_start();
    let is_used = rest.starts_with(['=', '<', '>', '.', '[']) || rest.starts_with("in ");
    is_used && VARIABLES.contains(&name)
}

/// The error of an invalid regular expression, in one line.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!(
        "invalid regular expression: {}",
        last.trim_start_matches("error: ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_condition_is_an_error_and_other_text_is_text() {
        for (text, kind) in [
            ("purchase", "text"),
            ("a=b", "text"),
            ("https://x.org/?a=1&b=2", "text"),
            ("Café (Mug)", "text"),
            ("country", "text"),
            ("sold in store", "text"),
            ("'user_id == \"u", "text"),
            ("~u-0+", "regular expression"),
            ("has_user", "text"),
            ("!has_user", "condition"),
            ("user_id == \"u-1\"", "condition"),
            ("country in [\"Germany\"]", "condition"),
            ("event_properties.total > 3", "condition"),
        ] {
            let find = Find::parse(text).unwrap();
            assert_eq!((find.kind(), find.error()), (kind, None), "{text}");
        }
        for (text, column) in [
            ("usr_id == \"u-1\"", 0),
            ("user_id = \"u-1\"", 8),
            ("user_id == \"u-1", 11),
            ("event_properties.total >", 24),
            ("has_user && ", 12),
        ] {
            let find = Find::parse(text).unwrap();
            let error = find.error().expect(text);
            assert!(
                error.message.starts_with("no valid condition: "),
                "{error:?}"
            );
            assert!(error.column.abs_diff(column) <= 2, "{text}: {error:?}");
        }
        assert_eq!(Find::parse(" ' ").as_ref().map(Find::kind), None);
    }
}
