//! `[[alerts]]`: the settings of an alert.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::setting_form::{humane, masked};

/// An alert, as the configuration file has it under `[[alerts]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRule {
    /// Its name, for those who are told.
    pub name: String,
    /// The state that it watches.
    pub when: AlertState,
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

/// A state that somebody must know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// The feed is not connected.
    FeedDown,
    /// The feed could not resume where it was; this stays for the rest of the run.
    EventsMissed,
    /// Customer.io takes no requests.
    DeliveryDown,
    /// Customer.io refuses the credentials: nothing is sent until they change.
    DeliveryHalted,
    /// The spool is full or can't be written: the feed is not read.
    SpoolStopsFeed,
    /// More of the spool's quota is used than a share.
    SpoolOver,
    /// The oldest accepted event waits longer than a time.
    QueueOlderThan,
    /// A larger share of the events of the last minute is rejected.
    RejectedOver,
    /// More dead letters than a number.
    DeadLettersOver,
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

/// What a state is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// It holds or doesn't.
    Nothing,
    Percent,
    Milliseconds,
    Count,
}

fn a_minute() -> Duration {
    Duration::from_secs(60)
}

fn four_hours() -> Duration {
    Duration::from_secs(4 * 3_600)
}

impl AlertState {
    fn measure(self) -> Measure {
        match self {
            Self::FeedDown
            | Self::EventsMissed
            | Self::DeliveryDown
            | Self::DeliveryHalted
            | Self::SpoolStopsFeed => Measure::Nothing,
            Self::SpoolOver | Self::RejectedOver => Measure::Percent,
            Self::QueueOlderThan => Measure::Milliseconds,
            Self::DeadLettersOver => Measure::Count,
        }
    }
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

    /// Everything that is wrong with it.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(self.threshold().err());
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
        ] {
            let rule = rule(&format!("name = \"n\"\n{text}"));
            assert_eq!(rule.threshold().ok(), expected, "{text}");
            assert_eq!(rule.problems().is_empty(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn a_rule_without_a_name_or_with_a_strange_address_is_told() {
        let problems =
            rule("name = \" \"\nwhen = \"feed-down\"\nwebhook = \"file:///x\"\ncommand = [\"\"]");
        assert_eq!(problems.problems().len(), 3);
    }
}
