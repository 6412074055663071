//! Converts settings into what the stages of the pipeline take.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::error::ConfigError;
use super::folders::{as_file_name, state_folder};
use super::key_file;
use super::settings::Settings;
use crate::customerio::app::AppDestination;
use crate::customerio::client::Destination;
use crate::delivery;
use crate::delivery::breaker::BreakerSettings;
use crate::delivery::retry_policy::RetryPolicy;
use crate::delivery::spool::{self, SpoolError};
use crate::filter::Filters;
use crate::jetstream::Location;
use crate::ledger;

impl Settings {
    /// Returns the filters for the gate.
    pub fn filters(&self) -> Filters {
        Filters {
            unseen_types: self.unseen_types,
            types: self.types.clone(),
            rules: self.rules.clone(),
        }
    }

    /// Returns the name of the workspace for the screen: its name, else its Site ID.
    pub fn workspace(&self) -> String {
        let named = [&self.customerio.workspace, &self.customerio.site_id];
        named
            .into_iter()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_else(|| "no workspace".to_owned())
    }

    /// Returns the destination. Reads the key file if one is set, which blocks.
    pub fn destination(&self) -> Result<Destination, ConfigError> {
        let own = &self.customerio;
        let api_key = if own.api_key_file.is_empty() {
            own.api_key.clone()
        } else {
            key_file::read("customerio.api_key_file", Path::new(&own.api_key_file))?
        };
        Ok(Destination {
            site_id: own.site_id.clone(),
            api_key,
            region: own.region,
            // An invalid address was refused by the validation; an empty one means Customer.io.
            base_url: own.base_url.url().ok().map(ToString::to_string),
            proxy: own.proxy.clone(),
            timeout: own.timeout,
        })
    }

    /// Returns the App API of the workspace; none without a key. Reads the key file if one is set,
    /// which blocks.
    pub fn app_destination(&self) -> Result<Option<AppDestination>, ConfigError> {
        let own = &self.verify;
        let api_key = if own.app_api_key_file.is_empty() {
            own.app_api_key.clone()
        } else {
            let path = Path::new(&own.app_api_key_file);
            key_file::read("verify.app_api_key_file", path)?
        };
        if api_key.expose_secret().is_empty() {
            return Ok(None);
        }
        Ok(Some(AppDestination {
            api_key,
            base_url: own.base_url.url().ok().map(ToString::to_string),
            proxy: self.customerio.proxy.clone(),
            timeout: self.customerio.timeout,
        }))
    }

    /// Returns the settings of the dispatcher.
    pub fn dispatch(&self) -> delivery::DeliverySettings {
        let own = &self.delivery;
        delivery::DeliverySettings {
            batch_bytes: own.batch_bytes,
            batch_age: own.batch_age,
            in_flight: own.in_flight,
            requests_per_second: own.requests_per_second,
            queue_bytes: own.queue_bytes,
            retry: RetryPolicy {
                attempts: own.attempts,
                give_up_after: own.give_up_after,
                first_delay: own.first_delay,
                longest_delay: own.longest_delay,
            },
            breaker: BreakerSettings {
                failures: own.breaker_failures,
                first_probe: own.first_probe,
                longest_probe: own.longest_probe,
            },
        }
    }

    /// Returns the settings of the spool.
    pub fn spool(&self) -> spool::writer::SpoolSettings {
        let own = &self.spool;
        spool::writer::SpoolSettings {
            quota_bytes: own.quota_bytes,
            commit_bytes: own.commit_bytes,
            commit_age: own.commit_age,
            keep_dead_letters: own.keep_dead_letters,
        }
    }

    /// Returns the folder of the spool: the configured one, else one per destination in the state
    /// folder.
    pub fn spool_folder(&self) -> Result<PathBuf, SpoolError> {
        if !self.spool.folder.is_empty() {
            return Ok(PathBuf::from(&self.spool.folder));
        }
        let state = state_folder().ok_or(SpoolError::NoHome)?;
        let own = &self.customerio;
        let name = [own.site_id.as_str(), own.base_url.place()].join("@");
        let name = as_file_name(name.trim_end_matches(['@', '/']));
        Ok(state.join(match Location::parse(&self.feed.url) {
            // What an earlier run without a group has left stays in its spool.
            Ok(group) => format!("group-{}-{name}", group.prefix),
            Err(_) => format!("spool-{name}"),
        }))
    }

    /// Returns the settings of the ledger of a pipeline on this spool; none if it is off.
    pub fn ledger(&self, spool: &Path) -> Option<ledger::LedgerSettings> {
        let own = &self.ledger;
        own.enabled.then(|| ledger::LedgerSettings {
            folder: self.ledger_folder(spool),
            keep: if own.keep.is_zero() {
                Duration::MAX
            } else {
                own.keep
            },
            quota_bytes: own.quota_bytes,
        })
    }

    /// Returns the folder of the ledger: the configured one, else one in the folder of the spool.
    pub fn ledger_folder(&self, spool: &Path) -> PathBuf {
        if self.ledger.folder.is_empty() {
            spool.join("ledger")
        } else {
            PathBuf::from(&self.ledger.folder)
        }
    }

    /// Returns the name of the destination, to which a spool belongs: `site ID at SERVER`.
    pub fn destination_name(&self) -> String {
        let own = &self.customerio;
        let server = match own.base_url.to_string() {
            none if none.is_empty() => "Customer.io".to_owned(),
            url => url,
        };
        format!("site {} at {server}", own.site_id)
    }
}
