//! What is looked for: text, a regular expression, or a condition.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::amplitude::Reading;
use crate::filter::Condition;
use crate::filter::expression::{Evaluation, Variables};
use crate::protocol::Record;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Find {
    /// As it was typed.
    pub text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Text(Regex),
    Expression(Regex),
    Condition(Arc<Condition>),
    /// What is no regular expression matches nothing.
    Nothing(String),
}

/// The same text can be looked for as text, and as a condition.
impl PartialEq for Find {
    fn eq(&self, other: &Self) -> bool {
        let taken_as = |find: &Self| std::mem::discriminant(&find.matcher);
        self.text == other.text && taken_as(self) == taken_as(other)
    }
}

impl Find {
    /// Reads what was typed: behind a `~` a regular expression; a condition where it compiles as
    /// one and compares something; otherwise text that stands anywhere in the event, in upper or
    /// lower case.
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

    /// What meets a condition; none where it does not compile.
    pub fn condition(text: &str) -> Option<Self> {
        let condition = Condition::compile(text).ok()?;
        Some(Self {
            text: text.to_owned(),
            matcher: Matcher::Condition(Arc::new(condition)),
        })
    }

    /// Whether it was taken as a condition.
    pub fn is_condition(&self) -> bool {
        matches!(self.matcher, Matcher::Condition(_))
    }

    /// What it was taken as, or what is wrong with it.
    pub fn kind(&self) -> &str {
        match &self.matcher {
            Matcher::Text(_) => "text",
            Matcher::Expression(_) => "regular expression",
            Matcher::Condition(_) => "condition",
            Matcher::Nothing(why) => why,
        }
    }

    /// Whether the event is one that is looked for.
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

/// Why it is no regular expression, in a line.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!(
        "no regular expression: {}",
        last.trim_start_matches("error: ")
    )
}
