//! The settings of all HTTP clients, and errors of requests in words.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::network::{Proxies, tls, tunnel};

use super::install::install_ring;
use super::user_agent::USER_AGENT;

/// Maximum time to connect. The addresses of a family share it, so that a silent one leaves time
/// for the next ones.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client with this program's user agent that uses `proxies`. It follows no redirect, which would
/// take keys and events elsewhere.
pub fn client(proxies: &Arc<Proxies>) -> reqwest::ClientBuilder {
    install_ring();
    let proxies = proxies.clone();
    // This replaces the proxies that reqwest would read from the environment.
    let proxy = reqwest::Proxy::custom(move |url| {
        let proxy = proxies.through(url)?;
        Some(proxy.expose().clone())
    });
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .proxy(proxy)
        .redirect(reqwest::redirect::Policy::none())
}

/// The reason why a request got no answer: its cause, and the proxy if there is one, but not the
/// address.
pub fn no_answer(error: &reqwest::Error, proxies: &Proxies) -> String {
    let reason = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        format!("no connection: {}", cause(error))
    } else {
        format!("the connection broke: {}", cause(error))
    };
    match error.url().and_then(|url| proxies.through(url)) {
        Some(proxy) => format!("through the proxy {proxy}: {reason}"),
        None => reason,
    }
}

fn cause(error: &reqwest::Error) -> String {
    if let Some(words) = tls::describe(error, None) {
        return words;
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.to_string().as_str() {
        "tunnel error: proxy authorization required" => {
            let hint = tunnel::NO_CREDENTIALS;
            format!("it answers 407 Proxy Authentication Required: {hint}")
        }
        "tunnel error: unsuccessful" => "it refuses to connect to the server".to_owned(),
        "tunnel error: unexpected end of file" => "it ended the connection".to_owned(),
        other => other.to_owned(),
    }
}
