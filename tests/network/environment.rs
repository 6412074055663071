//! Proxies that the environment names: which of them are used, and for what.

use super::*;

/// `run` between a feed and a server that only a proxy finds.
fn forwarder(variables: &[(&str, &str)]) -> Output {
    let mut command = program::run("ws://feed.test/?last_received=", "http://track.test");
    without_proxies(&mut command).envs(variables.iter().copied());
    command.args(["--for", "5s"]).output().unwrap()
}

/// With nothing of this machine's own proxies, and the key that the sandbox of these tests takes.
fn without_proxies(command: &mut Command) -> &mut Command {
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "key");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_the_proxy_of_both_sides_and_its_exceptions() {
    let (server, (destination, requests)) = (feed().await, track().await);
    let rules = Rules::default()
        .host("feed.test", &server)
        .host("track.test", &destination)
        .credentials("bob", "pw");
    let proxy = ForwardProxy::start(rules).await;
    let http = format!("http://bob:pw@{}", proxy.place);
    let socks = format!("socks5h://bob:pw@{}", proxy.place);
    for (name, value) in [
        ("HTTP_PROXY", &http),
        ("http_proxy", &http),
        ("ALL_PROXY", &http),
        ("all_proxy", &socks),
    ] {
        let counted = requests.load(Relaxed);
        let before = proxy.seen().len();
        let output = tokio::task::spawn_blocking({
            let value = value.clone();
            move || forwarder(&[(name, &value)])
        });
        let output = output.await.unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(requests.load(Relaxed) > counted, "{name}: {log}");
        assert_eq!(
            program::summary(&output)["totals"]["delivered"],
            1,
            "{name}: {log}"
        );
        assert!(
            log.contains("feed is live, through the proxy 127.0.0.1:"),
            "{log}"
        );
        assert!(!log.contains("bob") && !log.contains("pw@"), "{log}");
        assert!(proxy.seen().len() >= before + 2, "{:?}", proxy.seen());
    }
    // HTTPS_PROXY is not for ws://, and NO_PROXY is kept.
    for variables in [
        vec![("HTTPS_PROXY", http.clone())],
        vec![
            ("ALL_PROXY", http.clone()),
            ("no_proxy", ".test".to_owned()),
        ],
    ] {
        let before = proxy.seen().len();
        let running = tokio::task::spawn_blocking(move || {
            let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let mut command = program::run_on("ws://feed.test/", "http://track.test");
            without_proxies(&mut command).envs(variables);
            command.args(["--for", "1s"]).output().unwrap()
        });
        let log = running.await.unwrap().stderr;
        let log = String::from_utf8_lossy(&log);
        assert!(log.contains("no such host: feed.test"), "{log}");
        assert_eq!(proxy.seen().len(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_this_machine_is_never_asked_of_a_proxy() {
    let denying = Rules::default().answer("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let proxy = ForwardProxy::start(denying).await;
    let url = format!("http://{}", proxy.place);
    let (server, destination) = (feed_at(0).await, sandbox(Faults::default()).await);
    server.publish(&event("u", 1)).await;
    let feed_url = format!("{}/?last_received=", server.url());
    let destination_url = destination.url();
    let outputs = tokio::task::spawn_blocking(move || {
        let proxied = |command: &mut Command| {
            let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
            let variables = names.map(|name| (name, &url));
            without_proxies(command).envs(variables).output().unwrap()
        };
        let demo = proxied(program::sluicegate().args(["demo", "--for", "3s"]));
        let run = proxied(program::run(&feed_url, &destination_url).args(["--for", "5s"]));
        (demo, run)
    });
    let (demo, run) = outputs.await.unwrap();
    let demo = String::from_utf8_lossy(&demo.stdout).into_owned();
    let delivered = demo.lines().find(|line| line.starts_with("delivered"));
    let delivered = delivered.unwrap_or_else(|| panic!("{demo}"));
    assert!(
        !delivered.starts_with("delivered                0"),
        "{demo}"
    );
    assert_eq!(program::summary(&run)["totals"]["delivered"], 1);
    assert_eq!(proxy.seen(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_passes_on_through_a_proxy_and_to_this_machine_without_one() {
    let taking = Rules::default().answer(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"code\":200}",
    );
    let amplitude = ForwardProxy::start(taking).await;
    let here = format!("http://{}", amplitude.place);
    let rules = Rules::default().host("amplitude.test", &here);
    let proxy = ForwardProxy::start(rules).await;
    let variable = format!("http://{}", proxy.place);
    let passed = move |to: &str| {
        let mut command = program::sluicegate();
        let args = [
            "relay",
            "--listen",
            "127.0.0.1:0",
            "--headless",
            "--pass-to",
            to,
        ];
        without_proxies(command.args(args)).env("ALL_PROXY", &variable);
        let relay = program::Serving::start(&mut command);
        let event = r#"{"api_key":"k","events":[{"event_type":"A","user_id":"u-12345"}]}"#;
        program::post(&format!("{}/2/httpapi", relay.url), event).to_string()
    };
    let answers =
        tokio::task::spawn_blocking(move || ["http://amplitude.test", here.as_str()].map(passed));
    let taken = r#"{"code":200}"#.to_owned();
    assert_eq!(answers.await.unwrap(), [taken.clone(), taken]);
    assert_eq!(proxy.seen(), ["POST http://amplitude.test/2/httpapi"]);
    assert_eq!(amplitude.seen(), ["POST /2/httpapi", "POST /2/httpapi"]);
}
