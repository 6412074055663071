//! Which proxy is in the way to a server, if any.
//!
//! Unless the settings name one, the environment does, by the variables that other programs keep
//! to as well: `HTTPS_PROXY` for `https` and `wss`, `HTTP_PROXY` for `http` and `ws`, `ALL_PROXY`
//! for what is left, and `NO_PROXY` for the exceptions. This machine is never reached through one.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use hyper_util::client::proxy::matcher::Matcher;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize, Serializer};
use url::{Host, Url};

use super::address::{Address, AddressError, masked};

/// Which proxy a setting asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ProxySetting {
    /// The one that the environment names for the server.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one, for every server but those on this machine.
    Through(Address),
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS5.
    Socks5,
}

/// Why a proxy can't be used. The message names the setting or variable that asks for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{named_by}: {address:?} {message}")]
pub struct ProxyError {
    /// The setting, or the variable of the environment.
    pub named_by: String,
    /// The address, without its secrets.
    pub address: String,
    /// What is wrong with it, and what to write.
    pub message: String,
}

/// Decides for each server whether a proxy is in the way.
#[derive(Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// Intercepts what is no exception.
    exceptions: Option<Matcher>,
}

impl From<String> for ProxySetting {
    fn from(text: String) -> Self {
        match text.as_str() {
            "environment" => Self::Environment,
            "" | "none" => Self::Direct,
            _ => Self::Through(Address::new(text)),
        }
    }
}

impl Serialize for ProxySetting {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Environment => to.serialize_str("environment"),
            Self::Direct => to.serialize_str("none"),
            Self::Through(address) => address.serialize(to),
        }
    }
}

impl ProxySetting {
    /// The setting as it was written, with its secrets: to tell whether it was changed.
    pub fn expose(&self) -> &str {
        match self {
            Self::Environment => "environment",
            Self::Direct => "none",
            Self::Through(address) => address.expose(),
        }
    }
}

impl Proxy {
    /// The proxy at `text`; without a scheme, as `proxy:3128`, it speaks HTTP.
    fn parse(text: &str, named_by: &str) -> Result<Self, ProxyError> {
        let wrong = |message: String| ProxyError {
            named_by: named_by.to_owned(),
            address: masked(text),
            message,
        };
        let mut address = Address::new(text);
        if address.url() == Err(AddressError::Scheme) {
            address = Address::new(format!("http://{text}"));
        }
        let url = address.url().map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") {
            let message = format!(
                "is no proxy that can be used: {} is not supported; write http://…, https://… or socks5://…",
                url.scheme()
            );
            return Err(wrong(message));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            let message = "has a path or a query; write the proxy's host and port alone";
            return Err(wrong(message.to_owned()));
        }
        Ok(Self { url: url.clone() })
    }

    /// Its address, with its user name and password.
    pub fn expose(&self) -> &Url {
        &self.url
    }

    /// How it is spoken to.
    pub fn kind(&self) -> ProxyKind {
        match self.url.scheme() {
            "https" => ProxyKind::Https,
            "socks5" | "socks5h" => ProxyKind::Socks5,
            _ => ProxyKind::Http,
        }
    }

    /// Its host, without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        bare(self.url.host_str().unwrap_or_default())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        let usual = match self.kind() {
            ProxyKind::Http => 80,
            ProxyKind::Https => 443,
            ProxyKind::Socks5 => 1080,
        };
        self.url.port().unwrap_or(usual)
    }

    /// The user name and password that it is told.
    pub fn credentials(&self) -> Option<(String, String)> {
        let (user, password) = (self.url.username(), self.url.password());
        if user.is_empty() && password.is_none() {
            return None;
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some((decoded(user), decoded(password.unwrap_or_default())))
    }

    /// `Proxy-Authorization` for it.
    pub fn basic(&self) -> Option<HeaderValue> {
        let (user, password) = self.credentials()?;
        let pair = STANDARD.encode(format!("{user}:{password}"));
        let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{host}:{}", self.port())
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Proxies {
    /// What `setting`, whose name is `named_by`, asks for.
    pub fn new(setting: &ProxySetting, named_by: &str) -> Result<Self, ProxyError> {
        match setting {
            ProxySetting::Environment => Self::from_environment(),
            ProxySetting::Direct => Ok(Self::default()),
            ProxySetting::Through(address) => {
                let proxy = Proxy::parse(address.expose(), named_by)?;
                Ok(Self {
                    http: Some(proxy.clone()),
                    https: Some(proxy),
                    exceptions: None,
                })
            }
        }
    }

    /// What the environment asks for.
    pub fn from_environment() -> Result<Self, ProxyError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// The same from variables that `get` looks up.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let set = |name: &str| {
            // A web server's gateway interface puts a request's header Proxy there.
            if name == "HTTP_PROXY" && get("REQUEST_METHOD").is_some() {
                return None;
            }
            get(name).filter(|value| !value.is_empty())
        };
        let named = |name: &'static str| {
            [name.to_owned(), name.to_lowercase()]
                .into_iter()
                .find_map(|name| Some((set(&name)?, name)))
        };
        let proxy = |name| match named(name) {
            Some((value, name)) => Proxy::parse(&value, &name).map(Some),
            None => Ok(None),
        };
        let all = proxy("ALL_PROXY")?;
        let exceptions = named("NO_PROXY").map(|(list, _)| exceptions(&list));
        Ok(Self {
            http: proxy("HTTP_PROXY")?.or_else(|| all.clone()),
            https: proxy("HTTPS_PROXY")?.or(all),
            exceptions,
        })
    }

    /// The proxy in the way to the server of `url`.
    pub fn through(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "https" | "wss" => self.https.as_ref(),
            _ => self.http.as_ref(),
        }?;
        let host = url.host_str()?;
        let excepted = self.exceptions.as_ref().is_some_and(|exceptions| {
            let asked = format!("http://{}/", host.trim_end_matches('.')).parse();
            asked.is_ok_and(|asked| exceptions.intercept(&asked).is_none())
        });
        (!is_this_machine(url) && !excepted).then_some(proxy)
    }
}

/// What intercepts every host but those of `list`, which is read as curl reads it; `*.example.com`
/// is taken as `.example.com`.
fn exceptions(list: &str) -> Matcher {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace());
    let entries: Vec<&str> = entries
        .map(|entry| entry.strip_prefix("*.").map_or(entry, |_| &entry[1..]))
        .collect();
    // Only whether something is intercepted is asked: where it would go to does not matter.
    Matcher::builder()
        .all("http://localhost")
        .no(entries.join(","))
        .build()
}

/// Whether the host of `url` is this machine, by its name alone.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_own(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_own(ip.to_canonical()),
        Some(Host::Domain(name)) => match bare(name).parse::<IpAddr>() {
            Ok(ip) => is_own(ip.to_canonical()),
            Err(_) => is_localhost(name),
        },
        None => false,
    }
}

fn is_own(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}

/// Whether a name is `localhost`, or one below it: RFC 6761, 6.3.
pub fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// A host without the brackets of an IPv6 address.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests;
