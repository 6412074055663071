//! The hops to Customer.io: region, credentials, and a test event where one is wanted.

use std::time::Duration;

use serde_json::json;
use ulid::Ulid;

use super::proxy;
use super::report::{Check, Report};
use crate::amplitude::time;
use crate::config::Settings;
use crate::customerio::Client;
use crate::customerio::item::{Item, Route};
use crate::customerio::response::Answer;

const CREDENTIALS: &str = "customerio.credentials";
const TEST_EVENT: &str = "customerio.test_event";

/// Checks the credentials, and sends the test event to `person`.
pub(super) async fn check(
    settings: Option<&Settings>,
    person: Option<String>,
    limit: Duration,
    report: &mut Report,
) {
    if report.has_failed(proxy::CUSTOMERIO) {
        let why = format!("{} failed", proxy::CUSTOMERIO);
        report.add(Check::not_checked(CREDENTIALS, &why));
        if person.is_some() {
            report.add(Check::not_checked(TEST_EVENT, &why));
        }
        return;
    }
    let client = match settings.map(|settings| client(settings, limit)) {
        Some(Ok(client)) => client,
        failed => {
            report.add(match failed {
                Some(Err(why)) => Check::failed(CREDENTIALS, why, "correct this setting"),
                _ => Check::not_checked(CREDENTIALS, "the configuration has problems"),
            });
            if person.is_some() {
                report.add(Check::not_checked(
                    TEST_EVENT,
                    "there are no usable credentials",
                ));
            }
            return;
        }
    };
    let answer = client.check_credentials().await;
    let server = client.server().unwrap_or("Customer.io");
    report.add(describe(CREDENTIALS, &answer, server));
    let Some(person) = person else { return };
    if answer == Answer::Accepted {
        let answer = client.send_one(&mut test_event(&person)).await;
        report.add(describe(TEST_EVENT, &answer, server));
    } else {
        report.add(Check::not_checked(
            TEST_EVENT,
            format!("{CREDENTIALS} failed"),
        ));
    }
}

fn client(settings: &Settings, limit: Duration) -> Result<Client, String> {
    let mut destination = settings.destination().map_err(|error| error.to_string())?;
    destination.timeout = destination.timeout.min(limit);
    Client::new(destination).map_err(|error| error.to_string())
}

fn test_event(person: &str) -> Item {
    let id = Ulid::generate();
    let body = json!({
        "type": "person",
        "identifiers": { "id": person },
        "action": "event",
        "name": "sluicegate_doctor_test",
        "id": id.to_string(),
        "timestamp": time::now() / 1_000,
        "attributes": {},
    });
    Item {
        id,
        person: 0,
        route: Route::Batch,
        body: body.to_string().into(),
    }
}

fn describe(name: &'static str, answer: &Answer, server: &str) -> Check {
    let detail = format!("{server}: {} {}", answer.label(), answer.message());
    let advice = match answer {
        Answer::Accepted => return Check::ok(name, format!("{server} accepts them")),
        Answer::Unauthorized { .. } => {
            "check customerio.site_id and customerio.api_key: a Tracking API key, of the same workspace"
        }
        Answer::NoAnswer { .. } => {
            "check the network, customerio.proxy, and that a firewall lets this machine reach the server"
        }
        Answer::Foreign(_) => {
            "check customerio.base_url and customerio.proxy: another server answers"
        }
        Answer::Throttled { .. } | Answer::Unavailable { .. } => {
            "try again later, and look at status.customer.io"
        }
        _ => "read the message: the server refuses the request",
    };
    Check::failed(name, detail, advice)
}
