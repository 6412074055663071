//! Checking a group: the servers, what the account may do, and whether the streams are as they must be.

use async_nats::jetstream::kv;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy};

use super::admin::status;
use super::connection::{Connection, connect, context};
use super::error::GroupError;
use super::location::Location;
use super::names;
use super::settings::NatsSettings;

/// Something that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was checked, in words.
    pub what: String,
    /// What is wrong with it, and what to do; none if nothing is.
    pub problem: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            problem: None,
        }
    }

    fn bad(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            problem: Some(problem.into()),
        }
    }

    fn of(what: &str, result: Result<(), String>) -> Self {
        Self {
            what: what.to_owned(),
            problem: result.err(),
        }
    }
}

/// Checks a group, as far as each check lets the next one be made.
pub async fn examine(settings: &NatsSettings, location: &Location) -> Vec<Finding> {
    let mut found = Vec::new();
    let (client, _) = match connect(settings, location).await {
        Ok(connected) => connected,
        Err(error) => {
            let advice = format!("{error}; check the address, the server and [nats]");
            return vec![Finding::bad("the server answers", advice)];
        }
    };
    let server = client.server_info();
    found.push(Finding::good(format!(
        "the server answers: {} {}, messages up to {} bytes",
        server.server_name, server.version, server.max_payload
    )));
    if let Err(error) = account(&client).await {
        let advice =
            format!("{error}; start nats-server with -js, and enable JetStream for the account");
        found.push(Finding::bad("JetStream is enabled", advice));
        return found;
    }
    found.push(Finding::good("JetStream is enabled"));
    match Connection::open(settings, location).await {
        Ok(connection) => {
            found.push(Finding::good(format!(
                "the group exists, with {} partitions",
                connection.partitions
            )));
            examine_group(&connection, &mut found).await;
        }
        Err(error) => found.push(Finding::bad("the group exists", error.to_string())),
    }
    found
}

/// Asks for the account, of which only the existence matters: older servers tell less of it.
async fn account(client: &async_nats::Client) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: Option<serde_json::Value>,
    }
    let asked = context(client).request("INFO", &()).await;
    let answer: Answer = asked.map_err(|error| error.to_string())?;
    answer.error.map_or(Ok(()), |error| Err(error.to_string()))
}

async fn examine_group(connection: &Connection, found: &mut Vec<Finding>) {
    let config = &connection.events.cached_info().config;
    found.push(Finding::of(
        "no event is removed before it is settled",
        keeps_events(config),
    ));
    found.push(Finding::of(
        "leases can be written",
        writes(&connection.bucket).await,
    ));
    found.push(Finding::of(
        "consumers can be created",
        creates_consumers(connection).await,
    ));
    match status(connection).await {
        Ok(status) => {
            let members = status.members.len();
            let what = format!("{members} members hold all partitions");
            found.push(match status.free.len() {
                0 => Finding::good(what),
                _ if members == 0 => Finding::bad(
                    "a member runs",
                    "no forwarder runs on this group: start `sluicegate run`",
                ),
                free => Finding::bad(
                    what,
                    format!("{free} partitions are held by nobody; ask again in a few seconds"),
                ),
            });
            let failing = status.members.iter().filter_map(|member| {
                let why = member.filters_error.as_ref()?;
                Some(format!("{}: {why}", member.name))
            });
            let failing: Vec<String> = failing.collect();
            found.push(Finding::of(
                "all members apply the same filters",
                if failing.is_empty() {
                    Ok(())
                } else {
                    Err(failing.join("; "))
                },
            ));
        }
        Err(error) => found.push(Finding::bad("the group's state", error.to_string())),
    }
}

fn keeps_events(config: &Config) -> Result<(), String> {
    if config.retention != RetentionPolicy::Limits {
        return Err(
            "the stream's retention is not `limits`: run `sluicegate nats init`".to_owned(),
        );
    }
    if config.discard != DiscardPolicy::New || !config.max_age.is_zero() {
        return Err(
            "the stream removes old events by size or age, settled or not: run `sluicegate nats init`"
                .to_owned(),
        );
    }
    Ok(())
}

async fn writes(bucket: &kv::Store) -> Result<(), String> {
    let key = names::source("doctor");
    let written = bucket.put(&key, "checked".into()).await;
    written.map_err(|error| format!("{error}; allow publishing to $KV.PREFIX-group.>"))?;
    let removed = bucket.purge(&key).await;
    removed.map_err(|error| error.to_string())
}

async fn creates_consumers(connection: &Connection) -> Result<(), String> {
    // No member uses generation 0.
    let created = connection.create_consumer(0, 0, 0).await;
    created.map_err(|error: GroupError| {
        format!("{error}; allow $JS.API.CONSUMER.> on the stream of events")
    })?;
    connection.delete_consumer(&names::consumer(0, 0)).await;
    Ok(())
}
