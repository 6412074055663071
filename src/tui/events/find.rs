//! A search: text, a regular expression, or a condition.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::amplitude::Reading;
use crate::filter::Condition;
use crate::filter::expression::{Evaluation, Variables};
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
    /// An invalid regular expression, which matches nothing. Holds the error.
    Nothing(String),
}

/// Two searches are equal if their text and their kind are equal.
impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        let taken_as = |find: &Self| std::mem::discriminant(&find.matcher);
        self.text == other.text && taken_as(self) == taken_as(other)
    }
}

impl Find {
    /// Parses a search. After a `~`: a regular expression. If it compiles as a condition and compares
    /// something: a condition. Otherwise: text anywhere in the event, in upper or lower case. None for
    /// an empty text.
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
                Err(error) => Matcher::Nothing(reason(&error)),
            });
        }
        let compares = trimmed.contains(['=', '<', '>', '(', '!']) || trimmed.contains(" in ");
        let condition = if compares {
            Condition::compile(trimmed).ok()
        } else {
            None
        };
        whole(match condition {
            Some(condition) => Matcher::Condition(Arc::new(condition)),
            None => {
                let literal = RegexBuilder::new(&regex::escape(trimmed))
                    .case_insensitive(true)
                    .build();
                Matcher::Text(literal.ok()?)
            }
        })
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
            Matcher::Nothing(why) => why,
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

/// The error of an invalid regular expression, in one line.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!(
        "invalid regular expression: {}",
        last.trim_start_matches("error: ")
    )
}
