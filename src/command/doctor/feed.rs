//! The hops to the feed.

use std::time::Duration;

use bytestring::ByteString;
use jiff::Timestamp;

use super::proxy;
use super::report::{Check, Report};
use crate::amplitude::{Malformed, frame, time};
use crate::config::Settings;
use crate::feed::{Found, Hop, WebSocketFeed};
use crate::jetstream::{self, Location};
use crate::text::{counted, grouped};

/// Names of the hops, in order.
const HOPS: [(Hop, &str); 6] = [
    (Hop::Dns, "feed.dns"),
    (Hop::Connect, "feed.connect"),
    (Hop::Tls, "feed.tls"),
    (Hop::Handshake, "feed.handshake"),
    (Hop::FirstFrame, "feed.first_frame"),
    (Hop::Ping, "feed.ping"),
];

/// Name of the checks of a group, in the place of these.
const GROUP: &str = "feed.group";

/// Time before the end of a certificate from which it is a warning, in days.
const EXPIRES_SOON_DAYS: i64 = 14;

/// Checks the hops until one fails. Those after it are not checked.
pub(super) async fn check(settings: Option<&Settings>, limit: Duration, report: &mut Report) {
    let Some(settings) = settings else {
        return skip_from(0, "the configuration has problems", report);
    };
    if report.has_failed(proxy::FEED) {
        return skip_from(0, &format!("{} failed", proxy::FEED), report);
    }
    if let Ok(location) = Location::parse(&settings.feed.url) {
        return check_group(settings, &location, report).await;
    }
    let feed = match WebSocketFeed::new(settings.feed.clone()) {
        Ok(feed) => feed,
        Err(error) => {
            let advice = "correct this setting";
            report.add(Check::failed(HOPS[0].1, error.to_string(), advice));
            return skip_from(1, "feed.dns failed", report);
        }
    };
    let proxy = feed
        .proxy()
        .map(|proxy| format!(" through the proxy {proxy}"));
    let via = proxy.unwrap_or_default();
    let field = &settings.feed.message_id_field;
    let mut failed = None;
    feed.examine(limit, |hop, found| {
        let at = HOPS.iter().position(|(one, _)| *one == hop).unwrap_or(0);
        let name = HOPS[at].1;
        report.add(match found {
            Ok(found) => describe(name, found, &via, field),
            Err(why) => {
                failed = Some((at, name));
                Check::failed(
                    name,
                    format!("{}{via}: {why}", settings.feed.url),
                    advice(hop),
                )
            }
        });
    })
    .await;
    if let Some((at, name)) = failed {
        skip_from(at + 1, &format!("{name} failed"), report);
    }
}

/// Checks the group of forwarders whose stream is the feed.
async fn check_group(settings: &Settings, location: &Location, report: &mut Report) {
    for finding in jetstream::examine(&settings.nats, location).await {
        report.add(match finding.problem {
            None => Check::ok(GROUP, finding.what),
            Some(problem) => {
                let advice = "`sluicegate nats doctor` checks this part alone";
                Check::failed(
                    GROUP,
                    format!("expected that {}; {problem}", finding.what),
                    advice,
                )
            }
        });
    }
}

fn skip_from(first: usize, why: &str, report: &mut Report) {
    for (_, name) in &HOPS[first..] {
        report.add(Check::not_checked(name, why));
    }
}

fn describe(name: &'static str, found: Found, via: &str, message_id_field: &str) -> Check {
    match found {
        Found::Addresses(all) => Check::ok(name, all.join(", ")),
        Found::Took(took) => Check::ok(name, format!("{} ms{via}", took.as_millis())),
        Found::NoTls => Check::ok(name, "none: feed.url begins with ws://"),
        Found::Certificate(None) => Check::ok(name, "trusted"),
        Found::Certificate(Some(end)) => expiry(name, end),
        Found::NoFrame => Check::warning(
            name,
            "no message came in time",
            "make the app send an event, or wait longer with --timeout",
        ),
        Found::Frame(text) => first_frame(name, text, message_id_field),
    }
}

fn expiry(name: &'static str, end: Timestamp) -> Check {
    let days = (end.as_second() - time::now() / 1_000) / 86_400;
    let detail = format!(
        "trusted; the certificate expires in {} ({end})",
        counted(u64::try_from(days).unwrap_or(0), "day")
    );
    if days < EXPIRES_SOON_DAYS {
        return Check::warning(name, detail, "renew the server's certificate");
    }
    Check::ok(name, detail)
}

/// Reads a message as the pipeline does.
fn first_frame(name: &'static str, text: Result<ByteString, Malformed>, field: &str) -> Check {
    const ADVICE: &str = "feed.url must serve Amplitude's events: the Export API's, HTTP V2's, or arrays and lines of them";
    let text = match text {
        Ok(text) => text,
        Err(malformed) => return Check::failed(name, malformed.why, ADVICE),
    };
    let (mut events, mut exported, mut malformed) = (0, 0, Vec::new());
    frame::decode(&text, time::now(), field, |found| match found {
        Ok(event) => {
            events += 1;
            exported += u64::from(event.text().contains("\"$insert_id\""));
        }
        Err(part) => malformed.push(part.why),
    });
    if let Some(why) = malformed.first() {
        let detail = format!("{} and unreadable parts: {why}", counted(events, "event"));
        return Check::failed(name, detail, ADVICE);
    }
    let dialect = if exported > 0 {
        "the Export API"
    } else {
        "HTTP V2"
    };
    let size = grouped(text.len() as u64);
    Check::ok(
        name,
        format!(
            "{} of {size} bytes in the dialect of {dialect}",
            counted(events, "event")
        ),
    )
}

fn advice(hop: Hop) -> &'static str {
    match hop {
        Hop::Dns => "check the host in feed.url or of the proxy, and the resolver of this machine",
        Hop::Connect => {
            "check the port in feed.url, that the server runs, the proxy, and firewalls between"
        }
        Hop::Tls => "check the server's certificate, feed.ca_file, and the clock of this machine",
        Hop::Handshake => {
            "check feed.url, feed.token and feed.headers against what the server expects"
        }
        Hop::FirstFrame => "check the log of the server: it ended the connection",
        Hop::Ping => "check that proxies between let WebSocket pings pass, or set feed.ping_text",
    }
}
