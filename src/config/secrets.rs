//! Secret values among the settings.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use super::settings::Settings;

impl Settings {
    /// Returns the secrets in plain text, by setting. Only for comparison: a reload compares them,
    /// as two secrets can have the same mask.
    pub fn exposed(&self) -> Vec<(&'static str, String)> {
        let (feed, customerio, relay) = (&self.feed, &self.customerio, &self.relay);
        let verify = &self.verify;
        let lines = |all: &BTreeMap<String, SecretString>| {
            let lines = all.iter();
            let lines = lines.map(|(name, value)| format!("{name}: {}", value.expose_secret()));
            lines.collect::<Vec<_>>().join("\n")
        };
        vec![
            ("feed.url", feed.url.expose().to_owned()),
            ("feed.proxy", feed.proxy.expose().to_owned()),
            ("feed.token", feed.token.expose_secret().to_owned()),
            ("feed.password", feed.password.expose_secret().to_owned()),
            ("feed.headers", lines(&feed.headers)),
            (
                "customerio.api_key",
                customerio.api_key.expose_secret().to_owned(),
            ),
            (
                "customerio.base_url",
                customerio.base_url.expose().to_owned(),
            ),
            ("customerio.proxy", customerio.proxy.expose().to_owned()),
            (
                "verify.app_api_key",
                verify.app_api_key.expose_secret().to_owned(),
            ),
            ("verify.base_url", verify.base_url.expose().to_owned()),
            ("relay.secret", relay.secret.expose_secret().to_owned()),
            ("relay.token", relay.token.expose_secret().to_owned()),
            ("relay.pass_to", relay.pass_to.expose().to_owned()),
            ("control.operators", lines(&self.control.operators)),
            ("control.viewers", lines(&self.control.viewers)),
        ]
    }
}

/// Returns whether the value of a setting must never be shown.
pub(super) fn is_secret(setting: &str) -> bool {
    let secrets = Settings::default().exposed();
    let above = setting
        .split(['.', '['])
        .take(2)
        .collect::<Vec<_>>()
        .join(".");
    secrets.iter().any(|(name, _)| *name == above)
}
