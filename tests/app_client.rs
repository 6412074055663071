//! Asking the App API over HTTP: every answer, and every failure in words.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use sluicegate::amplitude::time;
use sluicegate::customerio::Client;
use sluicegate::customerio::app::{
    AppClient, AppDestination, AppError, EventAnswer, EventKey, PersonKey, PersonKind, Question,
};
use sluicegate::customerio::sandbox::{AppFaults, Faults, Options, Sandbox};
use sluicegate::network::ProxySetting;
use tokio::net::TcpListener;

use common::{nowhere, settings};

async fn sandbox(app: AppFaults) -> Sandbox {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = Options {
        credentials: Some("site:key".to_owned()),
        app_key: Some("app-key".to_owned()),
        faults: Faults {
            app,
            ..Faults::default()
        },
        ..Options::default()
    };
    Sandbox::start(listener, options).unwrap()
}

/// A client with this key, at a server that is the Track API's too.
fn client(key: &str, url: &str) -> AppClient {
    let settings = settings("ws://feed", url);
    let track = Client::new(settings.destination().unwrap()).unwrap();
    let destination = AppDestination {
        api_key: SecretString::from(key),
        base_url: None,
        proxy: ProxySetting::Direct,
        timeout: Duration::from_secs(2),
    };
    AppClient::new(destination, Arc::new(track)).unwrap()
}

/// Sends an event to the sandbox, which takes it. Returns the question about it.
async fn send(sandbox: &Sandbox, person: &str, name: &str, at_s: i64) -> Question {
    let body = serde_json::json!({
        "type": "person", "action": "event", "identifiers": { "id": person },
        "name": name, "timestamp": at_s, "attributes": {},
    });
    sluicegate::http::install_ring();
    let url = format!("{}/api/v2/entity", sandbox.url());
    let request = reqwest::Client::new()
        .post(url)
        .basic_auth("site", Some("key"));
    let sent = request.body(body.to_string()).send().await.unwrap();
    assert!(sent.status().is_success());
    question(person, name, at_s)
}

fn question(person: &str, name: &str, at_s: i64) -> Question {
    Question {
        person: PersonKey::new(PersonKind::Id, person),
        event: Some(EventKey {
            name: name.to_owned(),
            at_s,
            id: String::new(),
        }),
    }
}

fn now() -> i64 {
    time::now() / 1_000
}

#[tokio::test]
async fn an_event_is_found_failed_missing_or_too_old() {
    let sandbox = sandbox(AppFaults {
        fail_event: Some("Broken".to_owned()),
        lose_event: Some("Lost".to_owned()),
        mail_on: Some("Purchase".to_owned()),
        ..AppFaults::default()
    })
    .await;
    let client = client("app-key", &sandbox.url());
    let old = now() - 31 * 86_400;
    for (name, at_s, expected) in [
        ("Purchase", now(), EventAnswer::Found),
        ("Broken", now(), EventAnswer::Failed),
        ("Lost", now(), EventAnswer::Missing),
        ("Lost", old, EventAnswer::TooOld),
    ] {
        let question = send(&sandbox, "ü/1", name, at_s).await;
        let look = client.look(&question).await.unwrap();
        assert_eq!(look.event, Some(expected), "{name}");
        assert!(look.has_profile);
        let event = question.event.as_ref().unwrap();
        let verified = client.verify(&question.person, event).await.unwrap();
        assert_eq!(verified.answer, expected, "{name}");
    }
    // The mail is among the activities, the newest first.
    sandbox.advance(Duration::from_secs(20));
    let person = Question {
        event: None,
        ..question("ü/1", "", 0)
    };
    let look = client.look(&person).await.unwrap();
    let kinds: Vec<&str> = look
        .activities
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    assert!(
        kinds.contains(&"opened_email") && kinds.contains(&"failed_event"),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn no_more_is_asked_than_somebody_wants_to_know() {
    let sandbox = sandbox(AppFaults::default()).await;
    let client = client("app-key", &sandbox.url());
    let asked = || sandbox.counts().app_requests;
    let question = send(&sandbox, "u-1", "Purchase", now()).await;
    let first = client.look(&question).await.unwrap();
    assert_eq!(asked(), 2, "the profile and its activities");
    assert_eq!(client.look(&question).await.unwrap(), first);
    assert_eq!(asked(), 2, "the same question within seconds");
    let event = question.event.as_ref().unwrap();
    client.verify(&question.person, event).await.unwrap();
    assert_eq!(asked(), 3);
    let nobody = client.look(&purchase_of("u-9")).await.unwrap();
    assert!(!nobody.has_profile && nobody.activities.is_empty());
    assert_eq!(nobody.event, Some(EventAnswer::Missing));
    assert_eq!(asked(), 4, "nobody has no activities to ask for");
    // A path without a person would ask about the whole workspace; anonymous people have no profile.
    for person in [
        PersonKey::new(PersonKind::Id, ".."),
        PersonKey::new(PersonKind::Id, ""),
        PersonKey::new(PersonKind::AnonymousId, "d-1"),
    ] {
        let question = Question {
            person,
            event: None,
        };
        let error = client.look(&question).await.unwrap_err();
        assert!(matches!(error, AppError::NotAskable(_)), "{error}");
    }
    assert_eq!(asked(), 4);
}

fn purchase_of(person: &str) -> Question {
    question(person, "Purchase", now())
}

#[tokio::test]
async fn an_event_among_hundreds_is_found_on_a_later_page() {
    let sandbox = sandbox(AppFaults::default()).await;
    let client = client("app-key", &sandbox.url());
    let start = now() - 1_000;
    let oldest = send(&sandbox, "u-1", "Purchase", start).await;
    for number in 1..130 {
        send(&sandbox, "u-1", "Song Played", start + number).await;
    }
    let look = client.look(&oldest).await.unwrap();
    assert_eq!(look.event, Some(EventAnswer::Found));
    assert!(look.has_more && look.activities.len() == 100);
    assert_eq!(sandbox.counts().app_requests, 3, "one more, by its name");
    let first = question("u-1", "Song Played", start + 1);
    let verified = client.verify(&first.person, first.event.as_ref().unwrap());
    assert_eq!(verified.await.unwrap().answer, EventAnswer::Found);
    assert_eq!(sandbox.counts().app_requests, 5, "two pages");
}

#[tokio::test]
async fn every_failure_is_told_in_words_and_without_the_key() {
    let sandbox = sandbox(AppFaults::default()).await;
    let question = send(&sandbox, "u-1", "Purchase", now()).await;
    let wrong = client("wrong-key", &sandbox.url()).look(&question).await;
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong, AppError::WrongKey { status: 401 });
    assert!(wrong.to_string().contains("not the Track API's key"));
    let nobody = client("app-key", &format!("http://{}", nowhere()));
    let error = nobody.look(&question).await.unwrap_err().to_string();
    assert!(error.contains("can't be reached: no connection"), "{error}");

    let client = client("app-key", &sandbox.url());
    for (status, says) in [
        (500, "no usable answer"),
        (400, "refuses the question (400): the sandbox was told to"),
        (429, "allows no more requests now (429): ask again in 2"),
    ] {
        sandbox.set_faults(Faults {
            app: AppFaults {
                script: [status].into(),
                ..AppFaults::default()
            },
            ..Faults::default()
        });
        let error = client.look(&question).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(!format!("{client:?}").contains("app-key"));
    }
    // In the pause that a 429 asks for, nothing is sent.
    let before = sandbox.counts().app_requests;
    let error = client.look(&question).await.unwrap_err();
    assert!(matches!(error, AppError::RateLimited { .. }), "{error}");
    assert_eq!(sandbox.counts().app_requests, before);
}

#[tokio::test]
async fn many_questions_keep_the_rate() {
    let sandbox = sandbox(AppFaults::default()).await;
    let client = Arc::new(client("app-key", &sandbox.url()));
    let asking = (0..12).map(|number| {
        let client = client.clone();
        let question = purchase_of(&format!("u-{number}"));
        tokio::spawn(async move { client.look(&question).await })
    });
    let asking: Vec<_> = asking.collect();
    for one in asking {
        one.await.unwrap().unwrap();
    }
    assert_eq!(
        sandbox.counts().app_requests,
        12,
        "none was refused and asked again"
    );
}
