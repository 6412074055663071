//! The relay and the forwarder together.

use std::collections::HashMap;

use serde_json::json;

use crate::http;
use crate::program::{self, Serving, get, sluicegate};

#[tokio::test(flavor = "multi_thread")]
async fn events_go_from_the_relay_through_the_forwarder_to_customerio() {
    let sandbox = program::sandbox(&[]);
    let relay = Serving::start(sluicegate().args(["relay", "--listen", "127.0.0.1:0"]));
    let feed = format!("{}/feed", relay.url.replace("http://", "ws://"));
    let mut forwarder = program::run_on(&feed, &sandbox.url)
        .args(["--exit-when-idle", "2s"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let http = http();
    let now = sluicegate::amplitude::time::now();
    let mut users: HashMap<String, u32> = HashMap::new();
    for n in 0..200_u32 {
        let user = format!("u-{}", n % 7);
        let event = json!({"event_type": "Signup", "user_id": user, "insert_id": n.to_string(), "time": now});
        *users.entry(user).or_default() += 1;
        let (path, body) = if n % 2 == 0 {
            ("/webhook", event)
        } else {
            ("/2/httpapi", json!({"api_key": "k", "events": [event]}))
        };
        let answer = http
            .post(format!("{}{path}", relay.url))
            .body(body.to_string())
            .send()
            .await;
        assert_eq!(answer.unwrap().status(), 200);
    }
    let ended = tokio::task::spawn_blocking(move || forwarder.wait().unwrap())
        .await
        .unwrap();
    assert!(ended.success());
    let counts = get(&format!("{}/sandbox/counts", sandbox.url));
    assert_eq!(
        (&counts["events"], &counts["people"]),
        (&json!(200), &json!(7))
    );
    let health = get(&format!("{}/healthz", relay.url));
    assert_eq!(health["received"], 200);
}
