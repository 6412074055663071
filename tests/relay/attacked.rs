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
