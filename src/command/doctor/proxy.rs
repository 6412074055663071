//! The proxies in front of the feed and of Customer.io.

use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use super::report::{Check, Report};
use crate::config::Settings;
use crate::network::probe::{ProxyFailure, probe};
use crate::network::{Proxies, Proxy, ProxySetting};

/// The check of the feed's proxy.
pub(super) const FEED: &str = "feed.proxy";
/// The check of Customer.io's proxy.
pub(super) const CUSTOMERIO: &str = "customerio.proxy";

/// A server that may be behind a proxy.
struct Behind<'s> {
    /// The name of the check, which is that of the setting.
    name: &'static str,
    setting: &'s ProxySetting,
    url: Option<Url>,
    /// Whether requests are tunnelled. A proxy takes others as they are.
    is_tunnelled: bool,
}

pub(super) async fn check(settings: Option<&Settings>, limit: Duration, report: &mut Report) {
    let Some(settings) = settings else {
        for name in [FEED, CUSTOMERIO] {
            report.add(Check::not_checked(name, "the configuration has problems"));
        }
        return;
    };
    let feed = Behind {
        name: FEED,
        setting: &settings.feed.proxy,
        url: settings.feed.url.url().ok().cloned(),
        is_tunnelled: true,
    };
    let destination = destination(settings);
    let customerio = Behind {
        name: CUSTOMERIO,
        setting: &settings.customerio.proxy,
        is_tunnelled: destination
            .as_ref()
            .is_some_and(|url| url.scheme() == "https"),
        url: destination,
    };
    for behind in [feed, customerio] {
        report.add(behind.check(limit).await);
    }
}

/// The server of the destination, as far as it is known before a request.
pub(super) fn destination(settings: &Settings) -> Option<Url> {
    let own = &settings.customerio;
    match own.base_url.url() {
        Ok(url) => Some(url.clone()),
        Err(_) => own.region.url().parse().ok(),
    }
}

impl Behind<'_> {
    async fn check(&self, limit: Duration) -> Check {
        let proxies = match Proxies::new(self.setting, self.name) {
            Ok(proxies) => proxies,
            Err(error) => {
                return Check::failed(self.name, error.to_string(), "correct this setting");
            }
        };
        let Some(url) = &self.url else {
            return Check::not_checked(self.name, "the server's address can't be used");
        };
        match proxies.through(url) {
            Some(proxy) => self.try_proxy(proxy, url, limit).await,
            None if proxies.is_empty() => Check::ok(self.name, "none is set"),
            None => {
                let host = url.host_str().unwrap_or_default();
                let why = format!("not used for {host}: it is this machine, or in NO_PROXY");
                Check::ok(self.name, why)
            }
        }
    }

    async fn try_proxy(&self, proxy: &Proxy, url: &Url, limit: Duration) -> Check {
        let host = url.host_str().unwrap_or_default();
        let server = (host, url.port_or_known_default().unwrap_or(443));
        let server = self.is_tunnelled.then_some(server);
        let tried = timeout(limit, probe(proxy, server)).await;
        let failure = match tried {
            Ok(Ok(())) if self.is_tunnelled => {
                return Check::ok(self.name, format!("{proxy} connects to {host}"));
            }
            Ok(Ok(())) => return Check::ok(self.name, format!("{proxy} can be reached")),
            Ok(Err(failure)) => failure,
            Err(_) => ProxyFailure::Unreachable(format!("no answer within {limit:?}")),
        };
        let advice = match failure {
            ProxyFailure::Unreachable(_) => {
                "check the proxy's address (this setting, or HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), and that it runs"
            }
            ProxyFailure::Credentials(_) => {
                "write a user name and a password that the proxy takes into its address"
            }
            ProxyFailure::Refused(_) => {
                "let the proxy connect to this server, or leave it out: proxy = \"none\", or NO_PROXY"
            }
        };
        Check::failed(self.name, format!("{proxy}: {failure}"), advice)
    }
}
