//! The relay's screen.

use crate::program::{post, run_on, signal};
use crate::pty::Terminal;

/// A relay in a terminal of its own, and where it is.
fn relay() -> (Terminal, String) {
    let terminal = Terminal::open(&["relay", "--listen", "127.0.0.1:0"]);
    let text = terminal.shows("serving");
    let words = text.split_whitespace();
    let url = words.into_iter().find(|word| word.starts_with("http://"));
    let url = url.unwrap().to_owned();
    (terminal, url)
}

#[test]
fn a_relay_shows_who_sends_and_who_reads_and_gives_the_terminal_back() {
    let (mut terminal, url) = relay();
    terminal.shows("no sender yet");
    let event = r#"{"event_type":"A","user_id":"u"}"#;
    post(&format!("{url}/webhook"), &format!("[{event},{event}]"));
    post(&format!("{url}/batch"), "{}");
    let text = terminal.shows("Request missing required field: api_key");
    assert!(
        text.contains("/webhook") && text.contains("received 2"),
        "{text}"
    );
    let feed = format!("{}/feed", url.replace("http", "ws"));
    let mut reading = run_on(&feed, "http://127.0.0.1:9")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    terminal.shows("1 client");
    terminal.press("?");
    terminal.shows("any key closes");
    // Leaving while someone reads is asked about.
    terminal.press("xq");
    terminal.shows("quit anyway? y/n");
    terminal.press("nq");
    terminal.press("y");
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
    let text = terminal.text();
    assert!(
        text.contains("2 events received, 1 requests refused"),
        "{text}"
    );
    reading.kill().unwrap();
    reading.wait().unwrap();
}

#[test]
fn a_relay_ends_with_its_terminal_and_by_a_signal() {
    let (mut terminal, _) = relay();
    signal("TERM", terminal.child.process_id().unwrap());
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
    let (mut terminal, url) = relay();
    terminal.close();
    assert_eq!(terminal.ends(), 0);
    let place = url.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(place).is_err(), "it is gone");
}
