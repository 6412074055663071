//! `config check` refuses the addresses that `run` can't use, and what it takes works.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;
#[path = "common/program.rs"]
mod program;

use program::sluicegate;

/// What `config check` says, and its exit code, with these variables beside those that are needed.
fn check(variables: &[(&str, &str)]) -> (String, Option<i32>) {
    let mut command = sluicegate();
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
        .env("SLUICEGATE_FEED_URL", "ws://127.0.0.1:9400/feed")
        .env("SLUICEGATE_CUSTOMERIO_SITE_ID", "site")
        .env("SLUICEGATE_CUSTOMERIO_API_KEY", "key")
        .env("SLUICEGATE_CUSTOMERIO_BASE_URL", "http://127.0.0.1:9401")
        .envs(variables.iter().copied());
    let output = command.args(["config", "check"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    (said, output.status.code())
}

/// A setting's variable, a value that it can't have, and what is said of it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "FEED_URL",
        "http://h",
        "feed.url: \"http://h\" is not a WebSocket or a NATS stream; write ws://…, wss://… or nats://HOST/PREFIX",
    ),
    (
        "FEED_URL",
        "h:4080/feed",
        "\"h:4080/feed\" is not a WebSocket or a NATS stream; write ws://…, wss://… or nats://HOST/PREFIX",
    ),
    ("FEED_URL", "ws://", "empty host"),
    (
        "FEED_URL",
        "ws://a b/",
        "can't be read: invalid international domain name",
    ),
    ("FEED_URL", "ws://h:0/", "has port 0"),
    ("FEED_URL", "ws://h:99999/", "invalid port number"),
    ("FEED_URL", "ws://h/feed#top", "has a fragment"),
    ("FEED_URL", "ws://h\\feed", "has a backslash"),
    (
        "FEED_URL",
        "wss://a..b/",
        "for which no certificate can exist",
    ),
    ("FEED_URL", "ws://a%3Ab:pw@h", "a user name with a colon"),
    (
        "FEED_URL",
        " ws://h",
        "the value begins or ends with a space",
    ),
    (
        "FEED_URL",
        "ws://h\r",
        "the value begins or ends with a space or a line break",
    ),
    (
        "FEED_URL",
        "\"ws://h\"",
        "the value has quotes around it; write it without them",
    ),
    (
        "FEED_TOKEN",
        "'token'",
        "feed.token: the value has quotes around it",
    ),
    (
        "FEED_TOKEN",
        "to\nken",
        "feed.token: the value contains a line break",
    ),
    (
        "CUSTOMERIO_API_KEY",
        "key\n",
        "customerio.api_key: the value begins or ends with",
    ),
    (
        "CUSTOMERIO_SITE_ID",
        "“site”",
        "customerio.site_id: the value has quotes around it",
    ),
    ("GATE", "\"open\"", "gate: the value has quotes around it"),
    (
        "DELIVERY_ATTEMPTS",
        "\"9\"",
        "delivery.attempts: the value has quotes around it",
    ),
    (
        "CUSTOMERIO_BASE_URL",
        "http://h/?a=b",
        "has a query, after which no path can be added",
    ),
    (
        "CUSTOMERIO_BASE_URL",
        "http://bob:pw@h",
        "contains a user name or password, which would not be sent",
    ),
    (
        "CUSTOMERIO_BASE_URL",
        "http://h/api/v2",
        "ends in /api/v2, which is added to it; write it without",
    ),
    (
        "CUSTOMERIO_BASE_URL",
        "http://h/API/v2/batch/",
        "ends in /api/v2/batch, which is added",
    ),
    ("CUSTOMERIO_BASE_URL", "http://h/#a", "has a fragment"),
    (
        "CUSTOMERIO_BASE_URL",
        "ws://h",
        "is no server; write https://track.customer.io",
    ),
    (
        "RELAY_PASS_TO",
        "https://api2.amplitude.com/2/httpapi",
        "ends in /2/httpapi, which is added",
    ),
    (
        "RELAY_PASS_TO",
        "https://h?x",
        "relay.pass_to: \"https://h?…\" has a query",
    ),
    (
        "FEED_PROXY",
        "socks4://p",
        "feed.proxy: \"socks4://p\" is not a usable proxy: socks4 is not supported",
    ),
    (
        "CUSTOMERIO_PROXY",
        "http://p/x",
        "customerio.proxy: \"http://p/x\" has a path or a query",
    ),
    (
        "FEED_CA_FILE",
        "Cargo.toml",
        "feed.ca_file: Cargo.toml: has no certificate (PEM)",
    ),
];

#[test]
fn what_run_can_not_use_is_refused_with_what_to_write() {
    for (name, value, says) in REFUSED {
        let (said, code) = check(&[(&format!("SLUICEGATE_{name}"), value)]);
        // What is not even a setting's type ends the command.
        assert!(
            code == Some(1) || code == Some(2),
            "{name}={value:?}: {said}"
        );
        if code == Some(1) {
            assert!(
                said.contains(says),
                "{name}={value:?}: {said}\nlacks {says}"
            );
        }
    }
    let beside = [
        ("SLUICEGATE_FEED_URL", "ws://bob:pw@h"),
        ("SLUICEGATE_FEED_TOKEN", "token"),
    ];
    let (said, code) = check(&beside);
    assert!(
        said.contains(
            "\"ws://…@h\" contains a user name or password, and feed.token is set too; keep one of them"
        ),
        "{said}"
    );
    assert_eq!(code, Some(1));
    let (said, code) = check(&[
        ("HTTPS_PROXY", "'http://p:1'"),
        ("SLUICEGATE_FEED_PROXY", "none"),
    ]);
    assert!(
        said.contains("environment HTTPS_PROXY: \"'http://p:1'\" has quotes around it"),
        "{said}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn what_can_be_encoded_is_taken_and_what_may_surprise_is_noted() {
    for value in [
        "ws://127.0.0.1:9400/feed?types=Song Played",
        "ws://exämple.localhost:9400/feed",
        "WSS://127.0.0.1:9400/feed?types=Käufe",
        "ws://[::1]:9400",
    ] {
        let (said, code) = check(&[("SLUICEGATE_FEED_URL", value)]);
        assert_eq!(
            (code, said.as_str()),
            (Some(0), "no configuration file: no problems\n")
        );
    }
    for (name, value) in [
        (
            "CUSTOMERIO_BASE_URL",
            "HTTPS://gateway.example/customer io/",
        ),
        ("RELAY_PASS_TO", "https://api.eu.amplitude.com/"),
        ("FEED_INITIAL_MESSAGE", "\"subscribe\"\n"),
        ("FEED_PROXY", "none"),
        ("FEED_PROXY", ""),
        ("CUSTOMERIO_PROXY", "proxy.example:3128"),
    ] {
        let (said, code) = check(&[(&format!("SLUICEGATE_{name}"), value)]);
        assert_eq!(code, Some(0), "{name}={value}: {said}");
    }
    let (said, code) = check(&[
        ("SLUICEGATE_FEED_URL", "wss://bob:pw@relay.example"),
        ("HTTPS_PROXY", "http://user:pw@proxy.example:3128"),
    ]);
    assert_eq!(
        said,
        "note: feed.url: its user name and password are sent as Authorization: Basic\n\
         note: the feed goes through the proxy proxy.example:3128\n\
         no configuration file: no problems\n"
    );
    assert_eq!(code, Some(0));
}
