//! All settings and their defaults.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::control::Control;
use super::customerio::CustomerIo;
use super::delivery::Delivery;
use super::ledger::Ledger;
use super::relay::Relay;
use super::screen::Screen;
use super::spool::SpoolSettings;
use super::verify::Verify;
use crate::alerting::AlertRule;
use crate::customerio::Mapping;
use crate::feed;
use crate::filter::{Filters, Mode, Rule, Switch};
use crate::jetstream::NatsSettings;
use crate::limits::Policies;

/// The default configuration file, with a comment on every setting.
pub const DEFAULT_FILE: &str = include_str!("../../assets/sluicegate.toml");

/// All settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Mode of the gate at the start.
    pub gate: Mode,
    /// Switch for the event types that are not listed under `[types]`.
    pub unseen_types: Switch,
    /// Source of the events.
    pub feed: feed::Settings,
    /// The group that the feed belongs to, if it is a NATS stream.
    pub nats: NatsSettings,
    /// Destination of the events.
    pub customerio: CustomerIo,
    /// Policy of each limit: reject, warn or off.
    pub limits: Policies,
    /// Mapping of events to Customer.io requests.
    pub mapping: Mapping,
    /// Batches, retries and the circuit breaker.
    pub delivery: Delivery,
    /// Asking Customer.io what became of people and events.
    pub verify: Verify,
    /// Accepted events and dead letters on disk.
    pub spool: SpoolSettings,
    /// The record of every decision and outcome.
    pub ledger: Ledger,
    /// Look, refresh rate and memory of the screen.
    pub screen: Screen,
    /// HTTP intake and feed server of `sluicegate relay`.
    pub relay: Relay,
    /// The control API of a running forwarder.
    pub control: Control,
    /// Event types that are on or off, by name.
    pub types: BTreeMap<String, Switch>,
    /// Filter rules, in order.
    pub rules: Vec<Rule>,
    /// States that somebody is told of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertRule>,
    /// Saved filters to switch to, by name.
    pub presets: BTreeMap<String, Filters>,
    /// Key bindings that replace the defaults, by the name of the command.
    pub keys: BTreeMap<String, Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            gate: Mode::Shut,
            unseen_types: Switch::On,
            feed: feed::Settings::default(),
            nats: NatsSettings::default(),
            customerio: CustomerIo::default(),
            limits: Policies::default(),
            mapping: Mapping::default(),
            delivery: Delivery::default(),
            verify: Verify::default(),
            spool: SpoolSettings::default(),
            ledger: Ledger::default(),
            screen: Screen::default(),
            relay: Relay::default(),
            control: Control::default(),
            types: BTreeMap::new(),
            rules: Vec::new(),
            alerts: Vec::new(),
            presets: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }
}
