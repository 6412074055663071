//! A relay under attack: connections that say nothing, and bodies that never end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Serving, get, sluicegate};

/// A relay with a secret and this many descriptors.
fn relay(descriptors: u32) -> Serving {
    let program = sluicegate();
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
    command.args(["-c", &script]).arg(program.get_program());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(["relay", "--listen", "127.0.0.1:0", "--headless"])
        .env("SLUICEGATE_RELAY_SECRET", "open sesame")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    Serving::start(&mut command)
}

fn address(relay: &Serving) -> String {
    let behind = relay.url.split("://").nth(1).unwrap();
    behind.split('/').next().unwrap().to_owned()
}

/// Sends an event, with the secret; the status of the answer, and how long it took.
fn send(address: &str) -> (String, Duration) {
    let began = Instant::now();
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let body = r#"{"event_type":"A","user_id":"u-10001"}"#;
    let request = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Relay-Secret: open sesame\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = socket.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    (status, began.elapsed())
}

#[test]
fn more_idle_connections_than_descriptors_keep_no_event_out() {
    let relay = relay(256);
    let address = address(&relay);
    let idle: Vec<TcpStream> = (0..300)
        .filter_map(|n| {
            let mut socket = TcpStream::connect(&address).ok()?;
            // Every second one begins a request and never ends its head.
            if n % 2 == 0 {
                let _ = socket.write_all(b"POST /webhook HTTP/1.1\r\nHost: x\r\n");
            }
            Some(socket)
        })
        .collect();
    assert!(idle.len() > 250);
    for _ in 0..5 {
        let (status, took) = send(&address);
        assert_eq!(status, "200");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
    assert_eq!(get(&format!("http://{address}/healthz"))["received"], 5);
    drop(idle);
}

#[test]
fn requests_that_never_end_keep_no_event_out() {
    let relay = relay(1_024);
    let address = address(&relay);
    let slow: Vec<TcpStream> = (0..60)
        .map(|_| {
            let mut socket = TcpStream::connect(&address).unwrap();
            let head = "POST /batch HTTP/1.1\r\nHost: x\r\nX-Relay-Secret: open sesame\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n";
            socket.write_all(head.as_bytes()).unwrap();
            socket
        })
        .collect();
    let (status, took) = send(&address);
    assert_eq!(status, "200");
    assert!(took < Duration::from_secs(2), "{took:?}");
    // Each is told, well before the time that a body may take.
    let began = Instant::now();
    for mut socket in slow {
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 408");
    }
    assert!(began.elapsed() < Duration::from_secs(15));
}

/// The status of an answer to a request with these headers.
fn status(address: &str, request: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let text = format!("{request} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
    socket.write_all(text.as_bytes()).unwrap();
    // The status line is there at once; an upgraded connection doesn't end.
    let mut answer = [0; 1_024];
    let read = socket.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn a_web_page_reaches_no_server_on_loopback_that_asks_for_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.ndjson");
    std::fs::write(
        &events,
        r#"{"event_type":"A","user_id":"u","time":1795481853008}"#,
    )
    .unwrap();
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    let relay =
        Serving::start(sluicegate().args(["relay", "--listen", "127.0.0.1:0", "--headless"]));
    let sandbox = crate::program::sandbox(&[]);
    let replayed = crate::program::replay(&events, &["--loop"]);
    for (server, request, own) in [
        (&relay, "GET /healthz", ""),
        (&relay, "GET /feed", upgrade),
        (&relay, "POST /webhook", "Content-Length: 2\r\n"),
        (&relay, "POST /2/httpapi", "Content-Length: 2\r\n"),
        (&sandbox, "GET /sandbox/people", ""),
        (&sandbox, "POST /api/v2/batch", "Content-Length: 2\r\n"),
        (&replayed, "GET /feed", upgrade),
    ] {
        let address = address(server);
        let by_name = "Host: evil.example\r\n".to_owned();
        if own == upgrade {
            // A browser names the origin, too; a program may come by a name of /etc/hosts.
            let status = status(&address, request, &format!("{by_name}{own}"));
            assert_eq!(status, "101", "{request}");
        }
        for foreign in [
            format!("{by_name}Origin: http://evil.example\r\n"),
            format!("Host: {address}\r\nOrigin: https://evil.example\r\n"),
            format!("Host: {address}\r\nOrigin: null\r\n"),
        ] {
            let status = status(&address, request, &format!("{foreign}{own}"));
            assert_eq!(status, "403", "{request} {foreign}");
        }
    }
    for (server, request, own) in [
        (&relay, "GET /healthz", ""),
        (&relay, "POST /webhook", "Content-Length: 2\r\n"),
        (&sandbox, "GET /sandbox/people", ""),
    ] {
        let status = status(
            &address(server),
            request,
            &format!("Host: evil.example\r\n{own}"),
        );
        assert_eq!(
            status, "403",
            "{request} by a name that was made to resolve to this machine"
        );
    }
    let health = get(&format!("http://{}/healthz", address(&relay)));
    assert_eq!(
        (&health["received"], &health["refused"]),
        (&0.into(), &14.into())
    );
}
