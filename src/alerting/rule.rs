//! `[[alerts]]`: the settings of an alert.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::state::{AlertState, Measure};
use crate::filter::Condition;
use crate::setting_form::{humane, masked};

/// An alert, as the configuration file has it under `[[alerts]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Its name, for those who are told.
    pub name: String,
    /// The state that it watches.
    pub when: AlertState,
    /// The condition that a `watch` counts, in CEL.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// The time over which a `watch` counts. Zero: a minute.
    #[serde(default, skip_serializing_if = "Duration::is_zero", with = "humane")]
    pub within: Duration,
    /// How much of it is too much: `"15m"`, `"80%"`, `100`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// How long the state must last before it fires, and be over before it has recovered.
    #[serde(default = "a_minute", rename = "for", with = "humane")]
    pub lasts: Duration,
    /// How often it is told again. Zero: once.
    #[serde(default = "four_hours", with = "humane")]
    pub repeat: Duration,
    /// An address that messages are posted to. It often holds a token.
    #[serde(default, serialize_with = "masked")]
    pub webhook: SecretString,
    /// The format of these messages.
    #[serde(default)]
    pub format: Format,
    /// A program with its arguments that is run for each message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// A threshold, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Over {
    /// A number.
    Number(u64),
    /// A duration or a share, or a number in quotes.
    Text(String),
}

/// Maximum time over which a `watch` counts.
const LONGEST_WATCH: Duration = Duration::from_secs(3_600);

/// The format of a webhook's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An object with a field for each fact.
    #[default]
    Json,
    /// An object with `text`, as Slack, Mattermost and others take it.
    Slack,
}

fn a_minute() -> Duration {
    Duration::from_secs(60)
}

fn four_hours() -> Duration {
    Duration::from_secs(4 * 3_600)
}

impl AlertRule {
    /// The threshold, in percent, milliseconds or things; 0 for a state without one. The error says what
    /// to write.
    pub fn threshold(&self) -> Result<f64, String> {
        let text = match &self.over {
            None => String::new(),
            Some(Over::Number(number)) => number.to_string(),
            Some(Over::Text(text)) => text.trim().to_owned(),
        };
        let measure = self.when.measure();
        if measure == Measure::Nothing {
            return if text.is_empty() {
                Ok(0.0)
            } else {
                Err("this state has no `over`; remove it".to_owned())
            };
        }
        let found = match measure {
            Measure::Percent => {
                let number = text.strip_suffix('%').map(str::trim_end);
                let number = number.and_then(|number| number.parse::<f64>().ok());
                number.filter(|percent| (0.0..=100.0).contains(percent))
            }
            Measure::Milliseconds => humane::parse(&text).ok().map(|d| d.as_millis() as f64),
            Measure::Count | Measure::Nothing => text.parse::<u64>().ok().map(|n| n as f64),
        };
        found.ok_or_else(|| {
            let example = match measure {
                Measure::Percent => "a share, such as over = \"80%\"",
                Measure::Milliseconds => "a duration, such as over = \"15m\"",
                Measure::Count | Measure::Nothing => "a number, such as over = 100",
            };
            format!("this state needs {example}")
        })
    }

    /// The time over which a watched condition is counted, in seconds.
    pub fn within_seconds(&self) -> u64 {
        let within = if self.within.is_zero() {
            a_minute()
        } else {
            self.within
        };
        within.as_secs()
    }

    /// What is wrong with the condition and its time.
    fn watch_problems(&self) -> Vec<String> {
        if self.when != AlertState::Watch {
            let is_watch = !self.condition.is_empty() || !self.within.is_zero();
            let problem = "`condition` and `within` belong to when = \"watch\"; remove them";
            return is_watch.then(|| problem.to_owned()).into_iter().collect();
        }
        let mut found = Vec::new();
        if self.condition.trim().is_empty() {
            found.push(
                "a watch needs a condition, such as condition = 'event_type == \"Refund\"'"
                    .to_owned(),
            );
        } else if let Err(error) = Condition::compile(&self.condition) {
            found.push(format!("the condition can't be used: {}", error.message));
        }
        if self.within_seconds() == 0 || self.within > LONGEST_WATCH {
            found.push("within must be 1s to 1h".to_owned());
        }
        found
    }

    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(self.threshold().err());
        found.extend(self.watch_problems());
        if self.name.trim().is_empty() {
            found.push("it needs a name".to_owned());
        }
        let webhook = self.webhook.expose_secret();
        let is_http = |url: &url::Url| matches!(url.scheme(), "http" | "https");
        if !webhook.is_empty() && !url::Url::parse(webhook).is_ok_and(|url| is_http(&url)) {
            found
                .push("webhook must be an address that begins with https:// or http://".to_owned());
        }
        if self.command.first().is_some_and(String::is_empty) {
            found.push("command must begin with the name of a program".to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> AlertRule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_threshold_has_the_measure_of_its_state() {
        for (text, expected) in [
            ("when = \"spool-over\"\nover = \"80%\"", Some(80.0)),
            ("when = \"spool-over\"\nover = \"80\"", None),
            ("when = \"spool-over\"\nover = \"120%\"", None),
            (
                "when = \"queue-older-than\"\nover = \"15m\"",
                Some(900_000.0),
            ),
            ("when = \"queue-older-than\"\nover = 15", None),
            ("when = \"dead-letters-over\"\nover = 100", Some(100.0)),
            ("when = \"dead-letters-over\"", None),
            ("when = \"feed-down\"", Some(0.0)),
            ("when = \"feed-down\"\nover = 1", None),
            (
                "when = \"watch\"\ncondition = 'has_user'\nover = 5",
                Some(5.0),
            ),
            ("when = \"watch\"\ncondition = 'has_user'", None),
        ] {
            let rule = rule(&format!("name = \"n\"\n{text}"));
            assert_eq!(rule.threshold().ok(), expected, "{text}");
            assert_eq!(rule.problems().is_empty(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn a_watch_needs_a_condition_that_compiles_and_a_time_that_can_be_counted() {
        for (text, expected) in [
            ("condition = 'has_user'\nwithin = \"10m\"", None),
            (
                "condition = 'has_user ='",
                Some("the condition can't be used"),
            ),
            ("", Some("a watch needs a condition")),
            ("condition = 'has_user'\nwithin = \"2h\"", Some("1s to 1h")),
            (
                "condition = 'has_user'\nwithin = \"10ms\"",
                Some("1s to 1h"),
            ),
        ] {
            let rule = rule(&format!("name = \"n\"\nwhen = \"watch\"\nover = 0\n{text}"));
            let problems = rule.problems();
            assert_eq!(
                problems.len(),
                usize::from(expected.is_some()),
                "{problems:?}"
            );
            assert!(
                expected.is_none_or(|says| problems[0].contains(says)),
                "{problems:?}"
            );
        }
        let other = rule("name = \"n\"\nwhen = \"feed-down\"\nwithin = \"1m\"");
        assert!(other.problems()[0].contains("belong to when = \"watch\""));
    }

    #[test]
    fn a_rule_without_a_name_or_with_a_strange_address_is_told() {
        let problems =
            rule("name = \" \"\nwhen = \"feed-down\"\nwebhook = \"file:///x\"\ncommand = [\"\"]");
        assert_eq!(problems.problems().len(), 3);
    }
}
