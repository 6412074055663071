//! What is wrong with the addresses in the settings. The messages show none of their secrets.

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret as _;
use url::Url;

use crate::feed;
use crate::network::address::AddressError;
use crate::network::{Address, Proxies, ProxySetting};

/// A setting, and what is wrong with it.
pub type Wrong = (&'static str, String);

/// What is wrong with where events come from.
pub fn feed(settings: &feed::Settings) -> Result<(), Wrong> {
    let address = &settings.url;
    let wrong = |message: &str| ("feed.url", format!("{:?} {message}", address.to_string()));
    let url = match address.url() {
        Ok(url) if matches!(url.scheme(), "ws" | "wss") => url,
        Ok(_) | Err(AddressError::Scheme) => {
            return Err(wrong("is not a WebSocket; write ws://… or wss://…"));
        }
        Err(error) => return Err(wrong(&error.to_string())),
    };
    refuse_fragment(url).map_err(|message| wrong(&message))?;
    if !has_userinfo(url) {
        return Ok(());
    }
    let token = settings.token.expose_secret();
    let has_header = settings
        .headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case("authorization"));
    let beside = match () {
        () if !token.is_empty() => "feed.token",
        () if !settings.username.is_empty() => "feed.username",
        () if has_header => "an Authorization header in feed.headers",
        () => "",
    };
    if !beside.is_empty() {
        let message = format!("holds a user name or password beside {beside}; keep one of them");
        return Err(wrong(&message));
    }
    let user: Vec<u8> = percent_decode_str(url.username()).collect();
    let password: Vec<u8> = percent_decode_str(url.password().unwrap_or_default()).collect();
    if user.contains(&b':') {
        return Err(wrong(
            "holds a user name with a colon, which Authorization: Basic can't carry",
        ));
    }
    if user.iter().chain(&password).any(u8::is_ascii_control) {
        return Err(wrong(
            "holds a control character in its user name or password",
        ));
    }
    Ok(())
}

/// Whether the feed is sent a user name and password that stand in its address.
pub fn has_credentials(settings: &feed::Settings) -> bool {
    settings.url.url().is_ok_and(has_userinfo)
}

/// What is wrong with Customer.io's stand-in.
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

/// What is wrong with the server that a relay passes requests on to.
pub fn pass_to(address: &Address) -> Result<(), String> {
    const ADDED: [&str; 3] = ["/2/httpapi", "/2", "/batch"];
    server(address, "https://api2.amplitude.com", &ADDED)
}

/// What is wrong with Amplitude's stand-in for exports.
pub fn export_server(address: &Address) -> Result<(), String> {
    const ADDED: [&str; 3] = ["/api/2/export", "/api/2", "/api"];
    server(address, "https://amplitude.com", &ADDED)
}

/// What is wrong with the address of an HTTP server to which paths are added. It may not end in
/// any of `added`, which would then stand there twice.
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
            "holds a user name or password, which would not be sent; write it without".to_owned(),
        );
    }
    if url.query().is_some() {
        return wrong(
            "has a query, behind which no path can be added; write it without".to_owned(),
        );
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

/// What is wrong with a proxy that a setting asks for.
pub fn proxy(setting: &ProxySetting, name: &str) -> Result<(), String> {
    match setting {
        // What is wrong with the environment is told once, by its own names.
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
        Some(_) => Err("has a fragment (#…), which is never sent; write it without, or %23 where # belongs to a value".to_owned()),
        None => Ok(()),
    }
}
