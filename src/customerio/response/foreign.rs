//! Replies of servers other than Customer.io.

use crate::http::reply::Reply;

/// The reply of a server that is not Customer.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignReply {
    /// The sender, as far as it can be recognized.
    pub sender: ForeignSender,
    /// The reply on one line, with the status.
    pub summary: String,
    /// The advice to the operator.
    pub advice: &'static str,
}

/// The sender of a reply that is not Customer.io's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignSender {
    /// A sign-in page, a wrong address, any other server.
    Server,
    /// A proxy that refuses the request.
    Proxy,
}

const CHECK_ADDRESS: &str = "is customerio.base_url right?";
const CHECK_NETWORK: &str = "is customerio.base_url right? Does this network want a sign-in first?";
const CHECK_REDIRECT: &str = "set customerio.region or customerio.base_url; \
     does this network want a sign-in first?";
const CHECK_PROXY: &str = "check the proxy (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), whether it lets \
     Customer.io through, and customerio.base_url";
const CHECK_PROXY_LOGIN: &str = "put a user name and a password that the proxy takes into its \
     address (HTTPS_PROXY, HTTP_PROXY)";

impl ForeignReply {
    /// Another server's reply.
    pub fn server(reply: &Reply) -> Self {
        let advice = match reply.status {
            300..=399 => CHECK_REDIRECT,
            200..=299 | 511 => CHECK_NETWORK,
            _ => CHECK_ADDRESS,
        };
        Self {
            sender: ForeignSender::Server,
            summary: reply.summary(),
            advice,
        }
    }

    /// A proxy's refusal, with this status.
    pub fn proxy(status: u16, summary: String) -> Self {
        let advice = match status {
            407 => CHECK_PROXY_LOGIN,
            _ => CHECK_PROXY,
        };
        Self {
            sender: ForeignSender::Proxy,
            summary,
            advice,
        }
    }
}

impl std::fmt::Display for ForeignReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.sender {
            ForeignSender::Server => write!(f, "another server answers: {}", self.summary),
            ForeignSender::Proxy => write!(f, "a proxy refuses: {}", self.summary),
        }
    }
}
