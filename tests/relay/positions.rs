//! Where readers go on when they come back: their names and positions come from outside, and are
//! bounded in length, number and age.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rusqlite::Connection;
use serde_json::json;
use sluicegate::amplitude::time;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use uuid::Uuid;

use crate::program::steady_place;
use crate::retained::retaining;
use crate::{Client, http, next, open, relay};

const MONTH_MS: i64 = 30 * 86_400_000;

async fn named(feed: &str, name: &str) -> Client {
    let mut request = feed.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("x-client-name", name.parse().unwrap());
    connect_async(request).await.unwrap().0
}

async fn acknowledge(client: &mut Client, id: Uuid) {
    let says = json!({ "message_id": id }).to_string();
    client.send(Message::text(says)).await.unwrap();
}

/// Acknowledges and goes; the server has heard it when this returns.
async fn acknowledge_and_go(mut client: Client, id: Uuid) {
    acknowledge(&mut client, id).await;
    client.close(None).await.unwrap();
    while client.next().await.is_some() {}
}

async fn send(place: SocketAddr, n: u64) {
    let event = format!(r#"{{"event_type":"A","user_id":"u","time":{n}}}"#);
    let request = http().post(format!("http://{place}/webhook")).body(event);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// The names that the log knows, once what was said before is written.
async fn names(place: SocketAddr, folder: &Path) -> Vec<String> {
    // What is answered is written, and what came before it with it.
    send(place, 0).await;
    let db = Connection::open(folder.join("messages.sqlite")).unwrap();
    let mut rows = db
        .prepare("select name from acknowledged order by name")
        .unwrap();
    let rows = rows.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_the_clients_not_seen_for_longest_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let place = steady_place();
    let feed = format!("ws://{place}/feed");
    let relay = retaining(folder.path(), place);
    send(place, 1).await;
    let mut first = named(&format!("{feed}?last_received="), "first and still here").await;
    let id = next(&mut first).await["message_id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    acknowledge(&mut first, id).await;
    for fifty in 0..22 {
        let readers = (fifty * 50..(fifty + 1) * 50).map(|n| {
            let feed = feed.clone();
            tokio::spawn(async move {
                acknowledge_and_go(named(&feed, &format!("r-{n:04}")).await, id).await;
            })
        });
        for reader in readers.collect::<Vec<_>>() {
            reader.await.unwrap();
        }
    }
    let known = names(place, folder.path()).await;
    assert!((900..=1_000).contains(&known.len()), "{}", known.len());
    for (name, is_known) in [
        ("first and still here", true),
        ("r-0000", false),
        ("r-0060", false),
        ("r-1099", true),
    ] {
        let name = format!("name:{name}");
        assert_eq!(known.contains(&name), is_known, "{name}");
    }
    // Who is known goes on where it was, after a kill too; who was forgotten, with what comes.
    drop((first, relay));
    let _relay = retaining(folder.path(), place);
    let mut known = named(&feed, "first and still here").await;
    let mut forgotten = named(&feed, "r-0000").await;
    assert_eq!(next(&mut known).await["time"], 0);
    send(place, 7).await;
    assert_eq!(next(&mut forgotten).await["time"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_not_seen_for_a_month_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let place = steady_place();
    let feed = format!("ws://{place}/feed");
    let relay = retaining(folder.path(), place);
    let id = Uuid::now_v7();
    for name in ["old", "recent", "came again"] {
        acknowledge_and_go(named(&feed, name).await, id).await;
    }
    assert_eq!(names(place, folder.path()).await.len(), 3);
    drop(relay);
    let db = Connection::open(folder.path().join("messages.sqlite")).unwrap();
    // Without a checksum a row is believed, as those of earlier versions are.
    let heard = "update acknowledged set heard_ms = ?1, sum = null where name = ?2";
    let now = time::now();
    for (name, ms) in [
        ("name:old", now - MONTH_MS - 60_000),
        ("name:recent", now - MONTH_MS + 600_000),
        ("name:came again", now - MONTH_MS + 600_000),
    ] {
        assert_eq!(db.execute(heard, rusqlite::params![ms, name]).unwrap(), 1);
    }
    let relay = retaining(folder.path(), place);
    // That it comes and goes is enough to be kept for another month.
    drop(named(&feed, "came again").await);
    let heard_ms = |name: &str| -> i64 {
        let heard = "select heard_ms from acknowledged where name = ?1";
        db.query_row(heard, [name], |row| row.get(0)).unwrap()
    };
    let started = std::time::Instant::now();
    while names(place, folder.path()).await.len() > 2 || heard_ms("name:came again") < now {
        let waited = started.elapsed();
        assert!(waited < Duration::from_secs(20), "it is not forgotten");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let known = names(place, folder.path()).await;
    assert_eq!(known, ["name:came again", "name:recent"]);
    assert!(heard_ms("name:recent") < now, "nobody heard of it");
    drop(relay);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_is_cut_and_a_long_message_ends_the_connection() {
    let relay = relay(open()).await;
    let long = "n".repeat(4_000);
    let mut one = named(&relay.feed_url(), &format!("{long}1")).await;
    let _other = named(&relay.feed_url(), &format!("{long}2")).await;
    let rows = relay.status().clients;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.name.len() <= 105), "{rows:?}");
    assert_ne!(rows[0].name, rows[1].name);
    let sent = one.send(Message::text("x".repeat(1 << 20))).await;
    let ended = async {
        while relay.counts().clients > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap_or_else(|_| panic!("it is still here: {sent:?}"));
}
