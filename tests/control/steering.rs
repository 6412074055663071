//! Changes of the gate and the filters, and events as they come.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::{Value, json};
use sluicegate::control::socket;

use crate::bench::{Bench, is_done, json_of, out};
use crate::common::{event, until};
use crate::forwarder::said;
use crate::program::sluicegate;

#[tokio::test(flavor = "multi_thread")]
async fn the_gate_and_the_filters_are_steered_and_every_change_has_a_name() {
    let mut bench = Bench::start(&[]).await;
    assert!(is_done(&bench.ctl(&["gate", "shut", "--yes"])));
    bench.publish("u-1", 0..3).await;
    bench.received(3).await;
    let status = json_of(&bench.ctl(&["status", "--format", "json"]));
    assert_eq!(
        (&status["mode"], &status["totals"]["filtered"]),
        (&json!("shut"), &json!(3))
    );
    assert!(is_done(&bench.ctl(&["gate", "open", "--yes"])));

    assert!(is_done(&bench.ctl(&[
        "filters",
        "apply",
        &bench.filters("unseen_types = \"off\"")
    ])));
    assert!(is_done(&bench.ctl(&["filters", "undo"])));
    let changes = json_of(&bench.ctl(&["changes", "--format", "json"]));
    let what = |change: &Value| change["what"].as_str().unwrap().to_owned();
    let made: Vec<String> = changes.as_array().unwrap().iter().map(what).collect();
    assert_eq!(made.len(), 4, "{made:?}");
    assert_eq!(
        (made[0].as_str(), made[1].as_str()),
        ("gate: shut", "gate: open")
    );
    assert!(made[2].starts_with("filters: ") && made[3].starts_with("filters, undo: "));
    let spool = bench.spool();
    assert!(bench.end().await.status.success());
    let file = spool.join("changes.ndjson");
    let kept = fs::read_to_string(&file).unwrap();
    let names = kept
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(
        names
            .map(|line| line["author"]["name"].clone())
            .all(|name| name == "ann")
    );
    assert_eq!(kept.lines().count(), 4);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_have_versions_and_can_be_undone() {
    let bench = Bench::start(&[]).await;
    let file = bench.filters("unseen_types = \"off\"\n[types]\n\"Step\" = \"on\"\n");
    assert!(is_done(
        &bench.ctl(&["filters", "apply", &file, "--base", "1"])
    ));
    bench.publish("u-2", 0..2).await;
    until("they arrive", || bench.sandbox.counts().events == 2).await;
    let shown = out(&bench.ctl(&["filters", "show"]));
    assert!(
        shown.starts_with("# version 2") && shown.contains("Step = \"on\""),
        "{shown}"
    );

    // Somebody else has changed them since version 1.
    let refused = bench.ctl(&["filters", "apply", &file, "--base", "1"]);
    assert_eq!(refused.status.code(), Some(1));
    let why = said(&refused);
    assert!(
        why.contains("changed meanwhile by ann (the control socket)"),
        "{why}"
    );
    let broken = bench.filters("[[rules]]\nname = \"r\"\neffect = \"exclude\"\nwhen = \"a ==\"\n");
    let refused = bench.ctl(&["filters", "apply", &broken]);
    assert!(said(&refused).contains("rule “r”") && refused.status.code() == Some(1));

    assert!(is_done(&bench.ctl(&["filters", "undo"])));
    let shown = json_of(&bench.ctl(&["filters", "show", "--format", "json"]));
    assert_eq!(
        (&shown["version"], &shown["filters"]["unseen_types"]),
        (&json!(3), &json!("on"))
    );
    let nothing = bench.ctl(&["filters", "undo"]);
    assert!(said(&nothing).contains("nothing to undo"), "{nothing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_by_a_condition() {
    let bench = Bench::start(&[]).await;
    bench.publish("u-1", 0..3).await;
    bench.received(3).await;
    let recent = out(&bench.ctl(&["tail", "--end", "--where", "event_properties.number > 0"]));
    let lines: Vec<Value> = recent
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{recent}");
    assert_eq!(lines[0]["event"]["user_id"], "u-1");
    assert_eq!(
        (&lines[0]["decision"], &lines[0]["event_type"]),
        (&json!("accepted"), &json!("Step"))
    );

    let mut following = sluicegate();
    following.args(["ctl", "--spool"]).arg(bench.spool());
    following.args(["tail", "--where", "user_id == \"u-2\"", "--limit", "2"]);
    let following = following.stdout(Stdio::piped()).spawn().unwrap();
    let following = tokio::task::spawn_blocking(|| following.wait_with_output().unwrap());
    // It begins with the next event, whenever it has connected.
    for number in 0.. {
        bench.publish("u-2", number..number + 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        if following.is_finished() {
            break;
        }
    }
    let followed = out(&following.await.unwrap());
    assert!(
        followed.lines().count() == 2 && followed.matches("u-2").count() >= 2,
        "{followed}"
    );

    let wrong = bench.ctl(&["tail", "--where", "totl ==", "--end"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        said(&wrong).contains("the condition can't be used"),
        "{wrong:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_what_it_missed_and_holds_nothing_up() {
    let bench = Bench::start(&[]).await;
    // A reader that connects and reads nothing.
    let mut slow = std::os::unix::net::UnixStream::connect(socket::path(&bench.spool())).unwrap();
    write!(slow, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let large = "x".repeat(2_000);
    let before = bench.sandbox.counts().events;
    for number in 0..9_000 {
        let event =
            event("u-3", number).replace("\"number\"", &format!("\"note\":\"{large}\",\"number\""));
        bench.feed.publish(&event).await;
    }
    until("nothing waits for it", || {
        bench.sandbox.counts().events == before + 9_000
    })
    .await;
    let read = tokio::task::spawn_blocking(move || {
        use std::io::BufRead as _;
        let lines = std::io::BufReader::new(slow).lines();
        lines
            .map(Result::unwrap)
            .find(|line| line.contains("\"missed\""))
            .unwrap()
    });
    let missed = tokio::time::timeout(std::time::Duration::from_secs(30), read)
        .await
        .unwrap();
    assert!(missed.unwrap().starts_with("{\"missed\":"));
}
