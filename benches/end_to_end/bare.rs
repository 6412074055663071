//! The least that anyone could write: it receives, looks at each event once, copies its raw parts
//! into a batch, and posts four batches at a time. It filters, measures, keeps and counts nothing.

use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Message;

/// A batch is sent when it is this large; Customer.io takes 500 kB.
const BATCH_BYTES: usize = 480_000;
const IN_FLIGHT: usize = 4;
const OPEN: &[u8] = br#"{"batch":["#;

/// The parts of an event that are sent.
#[derive(Deserialize)]
struct Parts<'e> {
    #[serde(borrow)]
    event_type: &'e RawValue,
    #[serde(borrow)]
    user_id: &'e RawValue,
    #[serde(borrow)]
    insert_id: &'e RawValue,
    time: i64,
    #[serde(borrow)]
    event_properties: &'e RawValue,
    #[serde(borrow)]
    user_properties: &'e RawValue,
}

pub async fn run(places: String, events: u64) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (feed, sink) = places.split_once(' ').unwrap();
    let http = reqwest::Client::new();
    let url = format!("{sink}/api/v2/batch");
    let (mut socket, _) = tokio_tungstenite::connect_async(feed).await.unwrap();
    let mut out = tokio::task::JoinSet::new();
    let mut batch = OPEN.to_vec();
    for n in 1..=events {
        let Some(Ok(Message::Text(text))) = socket.next().await else {
            break;
        };
        add(&mut batch, &serde_json::from_str(&text).unwrap());
        if batch.len() > BATCH_BYTES || n == events {
            if out.len() >= IN_FLIGHT {
                out.join_next().await;
            }
            batch.extend_from_slice(b"]}");
            let mut next = Vec::with_capacity(BATCH_BYTES + (8 << 10));
            next.extend_from_slice(OPEN);
            let request = http.post(&url).body(std::mem::replace(&mut batch, next));
            out.spawn(async move { request.send().await.unwrap().status() });
        }
    }
    while out.join_next().await.is_some() {}
}

fn add(batch: &mut Vec<u8>, event: &Parts<'_>) {
    if batch.len() > OPEN.len() {
        batch.push(b',');
    }
    let properties = event.event_properties.get();
    let seconds = (event.time / 1_000).to_string();
    for part in [
        r#"{"type":"person","action":"event","identifiers":{"id":"#,
        event.user_id.get(),
        r#"},"name":"#,
        event.event_type.get(),
        r#","timestamp":"#,
        &seconds,
        r#","id":"#,
        event.insert_id.get(),
        r#","attributes":"#,
        &properties[..properties.len() - 1],
        r#","user_properties":"#,
        event.user_properties.get(),
        "}}",
    ] {
        batch.extend_from_slice(part.as_bytes());
    }
}
