//! The choice of a proxy for a server.
//!
//! The settings name a proxy, or else the environment with the usual variables: `HTTPS_PROXY` for
//! `https` and `wss`, `HTTP_PROXY` for `http` and `ws`, `ALL_PROXY` for both, and `NO_PROXY` for
//! exceptions. Connections to this machine never use a proxy.

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

/// The setting of a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ProxySetting {
    /// The proxy that the environment names for the server.
    #[default]
    Environment,
    /// No proxy.
    Direct,
    /// This proxy for every server, except on this machine.
    Through(Address),
}

/// A proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    url: Url,
}

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// HTTP.
    Http,
    /// HTTP over TLS.
    Https,
    /// SOCKS5.
    Socks5,
}

/// Why a proxy is unusable. The message names the setting or variable that chose it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{named_by}: {address:?} {message}")]
pub struct ProxyError {
    /// The setting or environment variable.
    pub named_by: String,
    /// The address without its secrets.
    pub address: String,
    /// The problem, and the correction.
    pub message: String,
}

/// Chooses the proxy for each server.
#[derive(Debug, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// Intercepts every host that is not an exception.
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
    /// The setting as it was written, with its secrets, to detect changes.
    pub fn expose(&self) -> &str {
        match self {
            Self::Environment => "environment",
            Self::Direct => "none",
            Self::Through(address) => address.expose(),
        }
    }
}

impl Proxy {
    /// Parses a proxy's address; without a scheme, as in `proxy:3128`, it uses HTTP.
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
                "is not a usable proxy: {} is not supported; use http://…, https://… or socks5://…",
                url.scheme()
            );
            return Err(wrong(message));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            let message = "has a path or a query; use only the proxy's host and port";
            return Err(wrong(message.to_owned()));
        }
        Ok(Self { url: url.clone() })
    }

    /// Its URL with user name and password.
    pub fn expose(&self) -> &Url {
        &self.url
    }

    /// Its protocol.
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
        let default = match self.kind() {
            ProxyKind::Http => 80,
            ProxyKind::Https => 443,
            ProxyKind::Socks5 => 1080,
        };
        self.url.port().unwrap_or(default)
    }

    /// Its user name and password.
    pub fn credentials(&self) -> Option<(String, String)> {
        let (user, password) = (self.url.username(), self.url.password());
        if user.is_empty() && password.is_none() {
            return None;
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Some((decoded(user), decoded(password.unwrap_or_default())))
    }

    /// The value of `Proxy-Authorization`.
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
    /// The proxies of `setting`, whose name is `named_by`.
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

    /// The proxies of the environment.
    pub fn from_environment() -> Result<Self, ProxyError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Like [`Self::from_environment`], with variables that `get` looks up.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let set = |name: &str| {
            // CGI sets HTTP_PROXY from a request's header Proxy ("httpoxy").
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

    /// Whether no proxy is set.
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// The proxy for the server of `url`.
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

/// Intercepts every host except those of `list`, with curl's rules; `*.example.com` means
/// `.example.com`.
fn exceptions(list: &str) -> Matcher {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace());
    let entries: Vec<&str> = entries
        .map(|entry| entry.strip_prefix("*.").map_or(entry, |_| &entry[1..]))
        .collect();
    // Only used to test whether a host is intercepted, so any target will do.
    Matcher::builder()
        .all("http://localhost")
        .no(entries.join(","))
        .build()
}

/// Whether the host of `url` is this machine, judged by its name.
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

/// Whether a name is `localhost` or a subdomain of it (RFC 6761, 6.3).
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
