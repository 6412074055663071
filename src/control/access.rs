//! Who uses the control API, and what they may do.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::browser;
use crate::privacy::ViewerMask;
use crate::protocol::Author;

use super::refusal::Refusal;

/// The header by which a client of the socket says who its user is.
pub const USER_HEADER: &str = "sluicegate-user";

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything; with `control.privacy` at everything but people.
    Viewer,
    /// Look at everything, and change it.
    Operator,
}

/// A bearer token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The name of whoever has it: changes are recorded under it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The token itself.
    pub secret: SecretString,
}

/// The tokens of a forwarder, and what viewers may see.
#[derive(Debug, Clone, Default)]
pub struct Access {
    tokens: Vec<Token>,
    /// The mask of people for viewers. None: they see everything.
    mask: Option<ViewerMask>,
}

/// Whoever sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Their name and address.
    pub author: Author,
    /// What they may do.
    pub role: Role,
}

impl Access {
    /// Access by these tokens.
    pub fn new(tokens: Vec<Token>) -> Self {
        Self { tokens, mask: None }
    }

    /// Masks people for viewers, by pseudonyms that nobody can reproduce.
    #[must_use]
    pub fn masking_people(self) -> Self {
        Self {
            mask: Some(ViewerMask::new(rand::random())),
            ..self
        }
    }

    /// The mask for viewers, if they have one.
    pub(super) fn mask(&self) -> Option<ViewerMask> {
        self.mask
    }

    /// The mask for a caller; none for operators, who see everything.
    pub(super) fn mask_for(&self, caller: &Caller) -> Option<ViewerMask> {
        self.mask.filter(|_| caller.role == Role::Viewer)
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Whoever sent a request to the Unix socket, which only its owner can use.
    pub(super) fn on_socket(headers: &HeaderMap) -> Caller {
        let name = text(headers.get(USER_HEADER));
        Caller {
            author: Author::new(name, "the control socket"),
            role: Role::Operator,
        }
    }

    /// Whoever sent a request over the network.
    pub(super) fn on_network(&self, headers: &HeaderMap, from: IpAddr) -> Result<Caller, Refusal> {
        if self.tokens.is_empty() {
            let header = |name| headers.get(name).map(HeaderValue::as_bytes);
            if let Some(why) = browser::refuse(header(header::HOST), header(header::ORIGIN)) {
                return Err(Refusal::forbidden(why));
            }
            return Ok(Caller {
                author: Author::new("anyone", from.to_string()),
                role: Role::Viewer,
            });
        }
        let given = text(headers.get(header::AUTHORIZATION));
        let given = given.strip_prefix("Bearer ").unwrap_or_default().trim();
        // All are compared, so that the time tells nothing.
        let mut found = None;
        for token in &self.tokens {
            if is_same(given, &token.secret) {
                found = Some(token);
            }
        }
        let token = found.ok_or_else(Refusal::unauthorized)?;
        Ok(Caller {
            author: Author::new(&token.name, from.to_string()),
            role: token.role,
        })
    }
}

impl Caller {
    /// Refuses a caller who may not change anything.
    pub(super) fn must_operate(&self) -> Result<(), Refusal> {
        if self.role == Role::Operator {
            return Ok(());
        }
        Err(Refusal::forbidden(
            "a viewer may not change anything; use the token of an operator, or the control socket",
        ))
    }
}

/// Compares a token in constant time. An empty one is none.
fn is_same(given: &str, secret: &SecretString) -> bool {
    let secret = secret.expose_secret();
    !secret.is_empty() && bool::from(given.as_bytes().ct_eq(secret.as_bytes()))
}

fn text(value: Option<&HeaderValue>) -> &str {
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        let all = all.iter();
        all.map(|(name, value)| {
            let name = name.parse::<axum::http::HeaderName>().unwrap();
            (name, HeaderValue::from_static(value))
        })
        .collect()
    }

    fn asked(access: &Access, all: &[(&'static str, &'static str)]) -> Result<Caller, u16> {
        let here = IpAddr::from([127, 0, 0, 1]);
        access
            .on_network(&headers(all), here)
            .map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn a_token_says_who_asks_and_nothing_else_does() {
        let token = |name: &str, role, secret: &str| Token {
            name: name.to_owned(),
            role,
            secret: SecretString::from(secret),
        };
        let access = Access::new(vec![
            token("ann", Role::Operator, "a-long-token"),
            token("wall", Role::Viewer, "another-token"),
            token("nobody", Role::Operator, ""),
        ]);
        let ann = asked(&access, &[("authorization", "Bearer a-long-token")]).unwrap();
        assert_eq!(
            (ann.author.name.as_str(), ann.role),
            ("ann", Role::Operator)
        );
        assert!(ann.must_operate().is_ok());
        let wall = asked(&access, &[("authorization", "Bearer another-token")]).unwrap();
        assert!(wall.role == Role::Viewer && wall.must_operate().is_err());
        for wrong in [
            "",
            "Bearer ",
            "Bearer a-long-toke",
            "a-long-token",
            "Basic YTpi",
        ] {
            let given = asked(&access, &[("authorization", wrong)]);
            assert_eq!(given.unwrap_err(), 401, "{wrong:?}");
        }
        let named = [("sluicegate-user", "ann")];
        assert_eq!(asked(&access, &named).unwrap_err(), 401);
        assert_eq!(Access::on_socket(&headers(&named)).author.name, "ann");
    }

    #[test]
    fn without_tokens_one_may_look_and_a_web_page_may_not() {
        let access = Access::default();
        let local = [("host", "127.0.0.1:4090")];
        assert_eq!(asked(&access, &local).unwrap().role, Role::Viewer);
        let page = [
            ("host", "127.0.0.1:4090"),
            ("origin", "https://evil.example"),
        ];
        assert_eq!(asked(&access, &page).unwrap_err(), 403);
        assert_eq!(
            asked(&access, &[("host", "evil.example")]).unwrap_err(),
            403
        );
    }
}
