//! Validation of the settings for a command that needs some of them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::addresses;
use super::error::ConfigError;
use super::folders::exists;
use super::loaded::Loaded;
use super::paths::variable;
use super::verify::MAX_SAMPLES;
use crate::customerio::sizes::BATCH_BYTES;
use crate::filter::RuleError;
use crate::filter::{Gate, Mode};
use crate::jetstream::Location;
use crate::network::ProxySetting;
use crate::relay::webhook_mapping::WebhookMapping;

/// Minimum of the settings that bound the pause between attempts: a shorter one would retry
/// without a pause while a server is down.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Minimum length of a token of the control API.
const MIN_TOKEN: usize = 16;

/// Which settings a command needs before it can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Settings of the feed.
    pub feed: bool,
    /// Settings of the workspace.
    pub destination: bool,
}

impl Needs {
    /// Feed and workspace, as for forwarding.
    pub const BOTH: Self = Self {
        feed: true,
        destination: true,
    };
    /// Neither, as for a relay.
    pub const NEITHER: Self = Self {
        feed: false,
        destination: false,
    };
}

impl Loaded {
    /// Returns everything that is wrong with the settings for a command that `needs` these, except
    /// for `[keys]`, which the screen validates.
    pub fn problems(&self, needs: Needs) -> Vec<ConfigError> {
        let stray = self.stray.iter();
        let mut found: Vec<ConfigError> = stray
            .map(|(setting, problem)| self.invalid(setting, *problem))
            .collect();
        self.check_proxies(needs, &mut found);
        self.check_feed(needs, &mut found);
        self.check_destination(needs, &mut found);
        self.check_relay(&mut found);
        self.check_control(&mut found);
        self.check_mapping_and_limits(&mut found);
        self.check_filters(&mut found);
        self.check_alerts(&mut found);
        self.check_sizes(&mut found);
        self.check_times(&mut found);
        found
    }

    fn check_mapping_and_limits(&self, found: &mut Vec<ConfigError>) {
        for problem in self.settings.mapping.problems() {
            found.push(self.invalid(problem.setting, problem.message));
        }
        for limit in self.settings.limits.impossible() {
            let message = format!(
                "it can only be \"reject\", as every event that is sent needs this: {}",
                limit.summary
            );
            found.push(self.invalid(&format!("limits.{}", limit.name), message));
        }
    }

    /// Compiles the rules, those of the presets too.
    fn check_filters(&self, found: &mut Vec<ConfigError>) {
        if let Err(error) = Gate::new(self.settings.gate, self.settings.filters()) {
            let (RuleError::Condition { name, .. } | RuleError::Sample { name, .. }) = &error;
            let mut rules = self.settings.rules.iter();
            let index = rules.position(|rule| rule.name == *name).unwrap_or(0);
            found.push(ConfigError::Invalid {
                setting: format!("rules[{index}]"),
                origin: self.origin("rules"),
                message: error.to_string(),
            });
        }
        for (name, filters) in &self.settings.presets {
            if let Err(error) = Gate::new(Mode::Shut, filters.clone()) {
                let rules = format!("presets.{name}.rules");
                found.push(self.invalid(&rules, error.to_string()));
            }
        }
    }

    fn check_alerts(&self, found: &mut Vec<ConfigError>) {
        for (index, alert) in self.settings.alerts.iter().enumerate() {
            let problems = alert.problems().into_iter();
            found.extend(problems.map(|message| ConfigError::Invalid {
                setting: format!("alerts[{index}]"),
                origin: self.origin("alerts"),
                message,
            }));
        }
    }

    /// Refuses counts and sizes with which nothing would ever be delivered.
    fn check_sizes(&self, found: &mut Vec<ConfigError>) {
        let (delivery, spool) = (&self.settings.delivery, &self.settings.spool);
        for (setting, is_zero) in [
            ("delivery.in_flight", delivery.in_flight == 0),
            ("delivery.attempts", delivery.attempts == 0),
            ("delivery.breaker_failures", delivery.breaker_failures == 0),
            ("delivery.queue_bytes", delivery.queue_bytes == 0),
            ("spool.quota_bytes", spool.quota_bytes == 0),
            ("spool.commit_bytes", spool.commit_bytes == 0),
        ] {
            if is_zero {
                found.push(self.invalid(setting, "0 would deliver nothing; write 1 or more"));
            }
        }
        if self.settings.feed.max_frame_bytes == 0 {
            let message = "0 lets no frame through; write 1 or more, such as 16777216";
            found.push(self.invalid("feed.max_frame_bytes", message));
        }
        if delivery.batch_bytes > BATCH_BYTES {
            let message = format!(
                "{} is more than Customer.io takes in a batch; write {BATCH_BYTES} or less",
                delivery.batch_bytes
            );
            found.push(self.invalid("delivery.batch_bytes", message));
        }
        let percent = self.settings.screen.rejected_alert_percent;
        if !(0.0..=100.0).contains(&percent) {
            let message = format!("{percent} is not a percentage; write 0 to 100");
            found.push(self.invalid("screen.rejected_alert_percent", message));
        }
    }

    /// Refuses times with which nothing would ever arrive, and pauses that are too short.
    fn check_times(&self, found: &mut Vec<ConfigError>) {
        let (feed, delivery) = (&self.settings.feed, &self.settings.delivery);
        for (setting, time) in [
            ("feed.connect_timeout", feed.connect_timeout),
            ("feed.ping_interval", feed.ping_interval),
            ("customerio.timeout", self.settings.customerio.timeout),
            ("delivery.give_up_after", delivery.give_up_after),
        ] {
            if time.is_zero() {
                found.push(self.invalid(setting, "0s leaves no time; write more, such as 10s"));
            }
        }
        for (setting, time) in [
            ("feed.reconnect_max", feed.reconnect_max),
            ("delivery.longest_delay", delivery.longest_delay),
            ("delivery.longest_probe", delivery.longest_probe),
        ] {
            if time < SHORTEST_PAUSE {
                let time = humantime::format_duration(time);
                found.push(
                    self.invalid(setting, format!("{time} is too short; write 10ms or more")),
                );
            }
        }
    }

    fn check_feed(&self, needs: Needs, found: &mut Vec<ConfigError>) {
        let feed = &self.settings.feed;
        if feed.url.is_empty() {
            if needs.feed {
                let fix = missing("feed.url", "ws://relay:4080/feed");
                found.push(ConfigError::Missing {
                    setting: "feed.url",
                    fix,
                });
            }
        } else if let Err(message) = addresses::feed(feed) {
            self.refuse("feed.url", message, found);
        }
        if feed.client_cert_file.is_empty() != feed.client_key_file.is_empty() {
            found.push(self.invalid(
                "feed.client_cert_file",
                "a client certificate needs both files; write client_cert_file and client_key_file",
            ));
        }
        let nats = &self.settings.nats;
        for (setting, problem) in nats.problems() {
            found.push(self.invalid(setting, problem));
        }
        let api_key_file = &self.settings.customerio.api_key_file;
        let app_api_key_file = &self.settings.verify.app_api_key_file;
        self.check_files(
            &[
                ("feed.ca_file", &feed.ca_file),
                ("feed.client_cert_file", &feed.client_cert_file),
                ("feed.client_key_file", &feed.client_key_file),
                ("nats.credentials_file", &nats.credentials_file),
                ("nats.nkey_file", &nats.nkey_file),
                ("nats.ca_file", &nats.ca_file),
                ("nats.client_cert_file", &nats.client_cert_file),
                ("nats.client_key_file", &nats.client_key_file),
                ("customerio.api_key_file", api_key_file),
                ("verify.app_api_key_file", app_api_key_file),
            ],
            found,
        );
    }

    /// Refuses files that are named and missing.
    fn check_files(&self, files: &[(&str, &String)], found: &mut Vec<ConfigError>) {
        for (setting, path) in files {
            if !path.is_empty() && !exists(Path::new(path)) {
                let message = format!("there is no file {path}; create it, or name another");
                found.push(self.invalid(setting, message));
            }
        }
    }

    fn check_proxies(&self, needs: Needs, found: &mut Vec<ConfigError>) {
        let (feed, customerio) = (&self.settings.feed.proxy, &self.settings.customerio.proxy);
        for (setting, value) in [("feed.proxy", feed), ("customerio.proxy", customerio)] {
            if let Err(message) = addresses::proxy(value, setting) {
                self.refuse(setting, message, found);
            }
        }
        let from_environment = (needs.feed && *feed == ProxySetting::Environment)
            || (needs.destination && *customerio == ProxySetting::Environment)
            || !self.settings.relay.pass_to.is_empty();
        if from_environment {
            found.extend(self.proxy.clone().map(ConfigError::Proxy));
        }
    }

    /// Adds a problem of a setting, unless its value was refused already.
    fn refuse(&self, setting: &str, message: String, found: &mut Vec<ConfigError>) {
        if !self.stray.iter().any(|(known, _)| known == setting) {
            found.push(self.invalid(setting, message));
        }
    }

    fn check_relay(&self, found: &mut Vec<ConfigError>) {
        let own = &self.settings.relay;
        if own.tls_cert_file.is_empty() != own.tls_key_file.is_empty() {
            found.push(self.invalid(
                "relay.tls_cert_file",
                "TLS needs both files; write tls_cert_file and tls_key_file",
            ));
        }
        self.check_files(
            &[
                ("relay.tls_cert_file", &own.tls_cert_file),
                ("relay.tls_key_file", &own.tls_key_file),
            ],
            found,
        );
        if !own.pass_to.is_empty()
            && let Err(message) = addresses::pass_to(&own.pass_to)
        {
            self.refuse("relay.pass_to", message, found);
        }
        if !own.to.is_empty()
            && let Err(error) = Location::parse(&own.to)
        {
            let message = format!("{:?} {error}", own.to.to_string());
            self.refuse("relay.to", message, found);
        }
        if !own.to.is_empty() && !own.retain.is_zero() && !own.tls_cert_file.is_empty() {
            let message = "a relay that publishes from its own log can't speak TLS itself; let a proxy in front of it, or set relay.retain = \"0s\"";
            found.push(self.invalid("relay.to", message));
        }
        if let Err(wrong) = WebhookMapping::new(&own.webhook) {
            found.push(self.invalid(&format!("relay.webhook.{}", wrong.field), wrong.why));
        }
    }

    /// Refuses a control API that anyone on the network could use, or whose tokens could be read.
    fn check_control(&self, found: &mut Vec<ConfigError>) {
        let own = &self.settings.control;
        if own.tls_cert_file.is_empty() != own.tls_key_file.is_empty() {
            found.push(self.invalid(
                "control.tls_cert_file",
                "TLS needs both files; write tls_cert_file and tls_key_file",
            ));
        }
        self.check_files(
            &[
                ("control.tls_cert_file", &own.tls_cert_file),
                ("control.tls_key_file", &own.tls_key_file),
            ],
            found,
        );
        for (setting, tokens) in [
            ("control.operators", &own.operators),
            ("control.viewers", &own.viewers),
        ] {
            for (name, token) in tokens {
                if token.expose_secret().len() < MIN_TOKEN {
                    let message = format!(
                        "the token is too short to be a secret; write {MIN_TOKEN} characters or more"
                    );
                    found.push(self.invalid(&format!("{setting}.{name}"), message));
                }
            }
        }
        if own.listen.is_empty() {
            return;
        }
        let Ok(address) = own.listen.parse::<SocketAddr>() else {
            let message = format!(
                "{:?} is not an IP address with a port; write \"127.0.0.1:4090\" or \"[::1]:4090\"",
                own.listen
            );
            found.push(self.invalid("control.listen", message));
            return;
        };
        let has_tokens = !(own.operators.is_empty() && own.viewers.is_empty());
        let is_open = !has_tokens || own.tls_cert_file.is_empty();
        if is_open && !address.ip().to_canonical().is_loopback() {
            let message = format!(
                "{address} can be reached from other machines, which needs TLS and tokens; set control.tls_cert_file, control.tls_key_file and control.operators, or listen on 127.0.0.1"
            );
            found.push(self.invalid("control.listen", message));
        }
    }

    fn check_destination(&self, needs: Needs, found: &mut Vec<ConfigError>) {
        let own = &self.settings.customerio;
        if !own.base_url.is_empty()
            && let Err(message) = addresses::base_url(&own.base_url)
        {
            self.refuse("customerio.base_url", message, found);
        }
        self.check_verify(found);
        if !needs.destination {
            return;
        }
        if own.site_id.is_empty() {
            let fix = missing("customerio.site_id", "…");
            found.push(ConfigError::Missing {
                setting: "customerio.site_id",
                fix,
            });
        }
        if own.api_key.expose_secret().is_empty() && own.api_key_file.is_empty() {
            let fix = missing("customerio.api_key", "…");
            found.push(ConfigError::Missing {
                setting: "customerio.api_key",
                fix,
            });
        }
    }
}

impl Loaded {
    fn check_verify(&self, found: &mut Vec<ConfigError>) {
        let own = &self.settings.verify;
        if !own.base_url.is_empty()
            && let Err(message) = addresses::app_base_url(&own.base_url)
        {
            self.refuse("verify.base_url", message, found);
        }
        if own.sample_per_minute > MAX_SAMPLES {
            let message = format!(
                "{} is more than Customer.io's rate has room for; write {MAX_SAMPLES} or less",
                own.sample_per_minute
            );
            found.push(self.invalid("verify.sample_per_minute", message));
        }
    }
}

/// Returns the fix for a setting that is not set.
fn missing(setting: &str, example: &str) -> String {
    let (table, key) = setting.split_once('.').unwrap_or(("", setting));
    format!(
        "write {key} = \"{example}\" under [{table}], or set {}={example}",
        variable(setting)
    )
}
