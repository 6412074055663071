//! What all our HTTP clients have in common.

pub mod reply;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::network::{Proxies, tls, tunnel};

/// How we call ourselves.
pub const USER_AGENT: &str = concat!("sluicegate/", env!("CARGO_PKG_VERSION"));

/// A connection has to be there by then. The addresses of a family share this time between them,
/// so that one that is silent leaves the next ones some.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that says who we are, goes through the proxies that are meant, and follows no
/// redirect: that would take keys, or events, elsewhere.
pub fn client(proxies: &Arc<Proxies>) -> reqwest::ClientBuilder {
    use_ring();
    let proxies = proxies.clone();
    // A proxy of its own takes the place of what it would read from the environment.
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

/// Why a request got no answer, from its cause and without the address; with the proxy, where one
/// is in the way.
pub fn no_answer(error: &reqwest::Error, proxies: &Proxies) -> String {
    let what = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        format!("no connection: {}", cause(error))
    } else {
        format!("the connection broke: {}", cause(error))
    };
    match error.url().and_then(|url| proxies.through(url)) {
        Some(proxy) => format!("through the proxy {proxy}: {what}"),
        None => what,
    }
}

fn cause(error: &reqwest::Error) -> String {
    if let Some(words) = tls::in_words(error, None) {
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

/// Makes *ring* what TLS is computed with, here and where the feed's server speaks it.
pub fn use_ring() {
    // Another part of the program may have installed it before: then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
