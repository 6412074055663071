//! Posting messages to a webhook.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;

use super::message::Message;
use super::rule::Format;

/// Maximum time of an attempt.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses after failed attempts. A receiver that is down for longer misses the message, which is in
/// the log.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
    Duration::from_secs(300),
];

/// A webhook.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub(super) http: reqwest::Client,
    pub(super) address: SecretString,
    pub(super) format: Format,
    /// The name of the alert.
    pub(super) name: String,
}

impl Webhook {
    /// Posts the messages, one after the other.
    pub(super) async fn run(self, mut messages: mpsc::Receiver<Message>) {
        while let Some(message) = messages.recv().await {
            self.post(&message).await;
        }
    }

    async fn post(&self, message: &Message) {
        let body = message.body(self.format);
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(why) = self.attempt(&body).await else {
                return;
            };
            let name = &self.name;
            match pauses.next() {
                Some(pause) => {
                    tracing::warn!(
                        "the webhook of the alert {name:?} failed and is tried again: {why}"
                    );
                    tokio::time::sleep(pause).await;
                }
                None => {
                    tracing::error!("the webhook of the alert {name:?} was not told: {why}");
                    return;
                }
            }
        }
    }

    async fn attempt(&self, body: &str) -> Result<(), String> {
        let request = self
            .http
            .post(self.address.expose_secret())
            .timeout(TIMEOUT);
        let request = request.header(CONTENT_TYPE, "application/json");
        match request.body(body.to_owned()).send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("it answered {}", answer.status())),
            Err(error) if error.is_timeout() => Err("no answer in time".to_owned()),
            // The address of an error may hold a token.
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}
