//! What the metrics of a relay say.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::feed::server::LogStatus;
use crate::relay::RelayStatus;

use super::super::about::PROTOCOL;
use super::exposition::{Exposition, Family};

/// All families of a relay at one moment.
#[derive(Debug)]
pub(super) struct RelayFamilies(pub(super) RelayStatus);

impl Collector for RelayFamilies {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut to = Exposition(encoder);
        self.process(&mut to)?;
        self.events(&mut to)?;
        self.ring(&mut to)?;
        self.log(&mut to)
    }
}

impl RelayFamilies {
    fn process(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let protocol = PROTOCOL.to_string();
        to.info(
            Family::new("build", "Version of the program, and of its control API"),
            &[
                ("version", env!("CARGO_PKG_VERSION")),
                ("protocol", protocol.as_str()),
            ],
        )?;
        to.gauge(
            Family::seconds(
                "start_time",
                "When the relay was started, since 1970-01-01 UTC",
            ),
            self.0.since_ms as f64 / 1_000.0,
        )
    }

    fn events(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        to.counter(
            Family::new("events_received", "Events accepted from senders"),
            self.0.received,
        )?;
        to.counter(
            Family::new("requests_refused", "Requests of senders that were refused"),
            self.0.refused,
        )?;
        let clients = &self.0.clients;
        to.gauge(
            Family::new("clients", "Clients that read the feed"),
            clients.len() as f64,
        )?;
        let lag = clients.iter().map(|client| client.lag_ms).max();
        to.gauge(
            Family::seconds(
                "client_lag",
                "Age of the oldest message that the slowest client has yet to receive",
            ),
            lag.unwrap_or_default() as f64 / 1_000.0,
        )
    }

    fn ring(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let ring = &self.0.ring;
        to.gauge(
            Family::new("ring_messages", "Messages in memory"),
            ring.messages as f64,
        )?;
        to.gauge(
            Family::bytes("ring_size", "Bytes that they take"),
            ring.bytes as f64,
        )?;
        to.gauge(
            Family::bytes("ring_limit", "Bytes that they may take"),
            ring.max_bytes as f64,
        )
    }

    fn log(&self, to: &mut Exposition<'_>) -> Result<(), Error> {
        let has_log = self.0.log.is_some();
        let LogStatus {
            usage,
            retention_ms,
            fault,
            damage,
        } = self.0.log.clone().unwrap_or_default();
        to.gauge(
            Family::new("log_enabled", "1 if messages are kept on disk"),
            f64::from(u8::from(has_log)),
        )?;
        to.gauge(
            Family::new("log_messages", "Messages on disk"),
            usage.messages as f64,
        )?;
        to.gauge(
            Family::bytes("log_size", "Bytes that they take"),
            usage.bytes as f64,
        )?;
        to.gauge(
            Family::bytes("log_limit", "Bytes that they may take"),
            usage.max_bytes as f64,
        )?;
        to.gauge(
            Family::seconds(
                "log_oldest_age",
                "Age of the oldest message on disk; 0 without one",
            ),
            usage.age_ms as f64 / 1_000.0,
        )?;
        to.gauge(
            Family::seconds("log_retention", "Age up to which messages are kept on disk"),
            retention_ms as f64 / 1_000.0,
        )?;
        to.gauge(
            Family::new(
                "log_faulty",
                "1 if the last write or read on disk failed: senders are refused then",
            ),
            f64::from(u8::from(fault.is_some())),
        )?;
        to.counter(
            Family::new(
                "log_messages_lost",
                "Messages that were lost to a damaged disk, as far as they could be counted",
            ),
            damage.lost,
        )
    }
}
