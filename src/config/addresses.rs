//! Validates the addresses in the settings. The messages don't contain their secrets.

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret as _;
use url::Url;

use crate::feed;
use crate::jetstream::Location;
use crate::network::address::AddressError;
use crate::network::{Address, Proxies, ProxySetting};

/// Validates the URL of the feed, and that it has only one kind of credentials.
pub fn feed(settings: &feed::Settings) -> Result<(), String> {
    let address = &settings.url;
    let problem = |message: &str| format!("{:?} {message}", address.to_string());
    if Location::is_meant(address) {
        let location = Location::parse(address).map_err(|error| problem(&error.to_string()));
        return location.map(drop);
    }
    let url = match address.url() {
        Ok(url) if matches!(url.scheme(), "ws" | "wss") => url,
        Ok(_) | Err(AddressError::Scheme) => {
            return Err(problem(
                "is not a WebSocket or a NATS stream; write ws://…, wss://… or nats://HOST/PREFIX",
            ));
        }
        Err(error) => return Err(problem(&error.to_string())),
    };
    refuse_fragment(url).map_err(|message| problem(&message))?;
    if !has_userinfo(url) {
        return Ok(());
    }
    let token = settings.token.expose_secret();
    let has_header = settings
        .headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case("authorization"));
    let other = match () {
        () if !token.is_empty() => "feed.token",
        () if !settings.username.is_empty() => "feed.username",
        () if has_header => "an Authorization header in feed.headers",
        () => "",
    };
    if !other.is_empty() {
        let message =
            format!("contains a user name or password, and {other} is set too; keep one of them");
        return Err(problem(&message));
    }
    let user: Vec<u8> = percent_decode_str(url.username()).collect();
    let password: Vec<u8> = percent_decode_str(url.password().unwrap_or_default()).collect();
    if user.contains(&b':') {
        return Err(problem(
            "contains a user name with a colon, which Authorization: Basic can't carry; use another",
        ));
    }
    if user.iter().chain(&password).any(u8::is_ascii_control) {
        return Err(problem(
            "contains a control character in its user name or password; write it without",
        ));
    }
    Ok(())
}

/// Whether the URL of the feed contains a user name or password.
pub fn has_credentials(settings: &feed::Settings) -> bool {
    settings.url.url().is_ok_and(has_userinfo)
}

/// Validates the server that stands in for Customer.io.
pub fn base_url(address: &Address) -> Result<(), String> {
    const ADDED: [&str; 5] = [
        "/api/v2/batch",
        "/api/v2/entity",
        "/api/v2",
        "/api/v1",
        "/api",
    ];
    server(address, "https://track.customer.io", &ADDED)
}

/// Validates the server that stands in for Customer.io's App API.
pub fn app_base_url(address: &Address) -> Result<(), String> {
    server(
        address,
        "https://api.customer.io",
        &["/v1/customers", "/v1"],
    )
}

/// Validates the server to which a relay passes requests.
pub fn pass_to(address: &Address) -> Result<(), String> {
    const ADDED: [&str; 3] = ["/2/httpapi", "/2", "/batch"];
    server(address, "https://api2.amplitude.com", &ADDED)
}

/// Validates the server that stands in for Amplitude's Export API.
pub fn export_server(address: &Address) -> Result<(), String> {
    const ADDED: [&str; 3] = ["/api/2/export", "/api/2", "/api"];
    server(address, "https://amplitude.com", &ADDED)
}

/// Validates the URL of an HTTP server to which paths are appended. It must not end in any of the
/// `added` paths, which would be in the URL twice.
fn server(address: &Address, example: &str, added: &[&str]) -> Result<(), String> {
    let wrong = |message: String| Err(format!("{:?} {message}", address.to_string()));
    let url = match address.url() {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Ok(_) | Err(AddressError::Scheme) => {
            return wrong(format!("is no server; write {example}"));
        }
        Err(error) => return wrong(error.to_string()),
    };
    if has_userinfo(url) {
        return wrong(
            "contains a user name or password, which would not be sent; write it without"
                .to_owned(),
        );
    }
    if url.query().is_some() {
        return wrong("has a query, after which no path can be added; write it without".to_owned());
    }
    if let Err(message) = refuse_fragment(url) {
        return wrong(message);
    }
    let path = url.path().trim_end_matches('/').to_ascii_lowercase();
    let twice = added.iter().find(|added| path.ends_with(**added));
    match twice {
        Some(twice) => wrong(format!(
            "ends in {twice}, which is added to it; write it without"
        )),
        None if path.contains("//") => {
            wrong("has an empty part in its path (//); write it without".to_owned())
        }
        None => Ok(()),
    }
}

/// Validates the proxy in a setting, whose name is `name`.
pub fn proxy(setting: &ProxySetting, name: &str) -> Result<(), String> {
    match setting {
        // Proxies in the environment are validated once, under the names of their variables.
        ProxySetting::Environment | ProxySetting::Direct => Ok(()),
        ProxySetting::Through(_) => match Proxies::new(setting, name) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{:?} {}", error.address, error.message)),
        },
    }
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn refuse_fragment(url: &Url) -> Result<(), String> {
    match url.fragment() {
        Some(_) => Err("has a fragment (#…), which is never sent; write it without, or write %23 for a # in a value".to_owned()),
        None => Ok(()),
    }
}
