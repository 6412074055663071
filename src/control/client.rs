//! A client of the control API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::network::tls;
use crate::protocol::{Author, FiltersConflict};

use super::access::USER_HEADER;
use super::versions::{self, VersionMismatch, Versions};

/// Maximum time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for an answer: filters with some hundred thousand types take seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The place of a forwarder.
#[derive(Debug, Clone)]
pub enum Place {
    /// The socket of a forwarder on this machine.
    Socket(PathBuf),
    /// A local socket that leads to a forwarder elsewhere.
    Tunnel {
        /// The socket.
        socket: PathBuf,
        /// The forwarder, for messages.
        name: String,
    },
    /// The URL of `control.listen`, and a token if one is needed.
    Network {
        /// `http://127.0.0.1:4090` or `https://…`.
        url: String,
        /// The token.
        token: Option<SecretString>,
    },
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no socket.
    #[error("no forwarder listens on {path}; start one, or name its spool with --spool", path = .0.display())]
    NotRunning(PathBuf),
    /// There are no such sockets on this system.
    #[error("this system has no Unix sockets; set control.listen, and use --at")]
    NoSockets,
    /// The forwarder can't be reached.
    #[error("cannot reach the forwarder at {place}: {why}")]
    Unreachable {
        /// Its address.
        place: String,
        /// The reason.
        why: String,
    },
    /// The forwarder refused.
    #[error("{message}")]
    Refused {
        /// The status of the answer.
        status: StatusCode,
        /// What it said.
        message: String,
    },
    /// Somebody else changed the filters meanwhile.
    #[error("{0}")]
    Conflict(Box<FiltersConflict>),
    /// The forwarder is of another version.
    #[error(transparent)]
    Version(#[from] VersionMismatch),
    /// The answer is not one of this API.
    #[error(
        "the answer of {place} is not as expected: {why}; is it a forwarder of another version?"
    )]
    Strange {
        /// The address.
        place: String,
        /// The reason.
        why: String,
    },
}

/// A client of one forwarder.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    place: Place,
}

impl Client {
    /// A client of the forwarder at `place`; nothing is sent yet. `ca_file` is a PEM file with the
    /// authority of its certificate, where the system doesn't know it.
    pub fn new(place: Place, ca_file: Option<&Path>) -> Result<Self, ClientError> {
        crate::http::install_ring();
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT);
        match &place {
            #[cfg(unix)]
            Place::Socket(path) => {
                if !path.exists() {
                    return Err(ClientError::NotRunning(path.clone()));
                }
                http = http.unix_socket(path.as_path());
            }
            #[cfg(unix)]
            Place::Tunnel { socket, .. } => http = http.unix_socket(socket.as_path()),
            #[cfg(not(unix))]
            Place::Socket(_) | Place::Tunnel { .. } => return Err(ClientError::NoSockets),
            Place::Network { .. } => {}
        }
        let failed = |why: String| ClientError::Unreachable {
            place: shown(&place),
            why,
        };
        if let Some(path) = ca_file {
            let read = |error: std::io::Error| failed(format!("{}: {error}", path.display()));
            let pem = std::fs::read(path).map_err(read)?;
            let found = reqwest::Certificate::from_pem_bundle(&pem);
            for certificate in found.map_err(|error| failed(error.to_string()))? {
                http = http.add_root_certificate(certificate);
            }
        }
        let http = http.build().map_err(|error| failed(error.to_string()))?;
        Ok(Self { http, place })
    }

    /// The address, for messages.
    pub fn place(&self) -> String {
        shown(&self.place)
    }

    /// Asks for the versions of the forwarder. Whoever uses one should check them first.
    pub async fn versions(&self) -> Result<Versions, ClientError> {
        match self.get(versions::PATH).await {
            // One from before there was such a path tells its version here.
            Err(ClientError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => {
                let about: Value = self.get("/v1/about").await?;
                let versions = serde_json::from_value(about["forwarder"].clone());
                versions.map_err(|error| ClientError::Strange {
                    place: self.place(),
                    why: error.to_string(),
                })
            }
            versions => versions,
        }
    }

    /// Asks for them, and waits for the answer at most for `silence`.
    pub(super) async fn versions_within(&self, silence: Duration) -> Result<Versions, ClientError> {
        match tokio::time::timeout(silence, self.versions()).await {
            Ok(versions) => versions,
            Err(_) => Err(self.silent(silence)),
        }
    }

    /// Asks for `path`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let answer = self.send(Method::GET, path, None, Some(TIMEOUT)).await?;
        let body = answer.bytes().await.map_err(|error| self.failed(&error))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::Strange {
            place: self.place(),
            why: error.to_string(),
        })
    }

    /// Asks for a change. Returns the answer.
    pub async fn change<T: DeserializeOwned + Default>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let answer = self.send(method, path, Some(body), Some(TIMEOUT)).await?;
        let body = answer.bytes().await.map_err(|error| self.failed(&error))?;
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Asks for what `body` describes.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let text = self.text(path, body).await?;
        serde_json::from_slice(&text).map_err(|error| ClientError::Strange {
            place: self.place(),
            why: error.to_string(),
        })
    }

    /// Asks for what `body` describes, and returns the answer as it is.
    pub(super) async fn text(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Bytes, ClientError> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let answer = self
            .send(Method::POST, path, Some(body), Some(TIMEOUT))
            .await?;
        answer.bytes().await.map_err(|error| self.failed(&error))
    }

    /// Follows the lines at `path`, and passes each one to `take` until it returns false.
    pub async fn follow(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), ClientError> {
        let mut answer = self.send(Method::GET, path, None, None).await?;
        let mut rest: Vec<u8> = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| self.failed(&error))? {
            if !take_lines(&mut rest, &part, &mut take) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks for `path`, whose answer has no end, and waits for its beginning at most for `silence`.
    pub(super) async fn stream(
        &self,
        path: &str,
        silence: Duration,
    ) -> Result<Response, ClientError> {
        let asking = self.send(Method::GET, path, None, None);
        match tokio::time::timeout(silence, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(self.silent(silence)),
        }
    }

    /// Waits for the next part of an answer, at most for `silence`; none at its end.
    pub(super) async fn next_part(
        &self,
        answer: &mut Response,
        silence: Duration,
    ) -> Result<Option<Bytes>, ClientError> {
        match tokio::time::timeout(silence, answer.chunk()).await {
            Ok(part) => part.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.silent(silence)),
        }
    }

    fn silent(&self, silence: Duration) -> ClientError {
        ClientError::Unreachable {
            place: self.place(),
            why: format!("nothing came for {} s", silence.as_secs()),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        timeout: Option<Duration>,
    ) -> Result<Response, ClientError> {
        let base = match &self.place {
            Place::Socket(_) | Place::Tunnel { .. } => "http://localhost",
            Place::Network { url, .. } => url.trim_end_matches('/'),
        };
        let mut request = self.http.request(method, format!("{base}{path}"));
        match &self.place {
            Place::Network {
                token: Some(token), ..
            } => request = request.bearer_auth(token.expose_secret()),
            Place::Network { .. } => {}
            Place::Socket(_) | Place::Tunnel { .. } => {
                // A header's value is ASCII.
                let name = Author::here("").name;
                let ascii: String = name.chars().filter(char::is_ascii).collect();
                request = request.header(USER_HEADER, ascii);
            }
        }
        if let Some(timeout) = timeout {
            request = request.timeout(timeout);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body);
        }
        let answer = request.send().await.map_err(|error| self.failed(&error))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        Err(self.refused(status, &body))
    }

    fn refused(&self, status: StatusCode, body: &Bytes) -> ClientError {
        if status == StatusCode::CONFLICT
            && let Ok(conflict) = serde_json::from_slice(body)
        {
            return ClientError::Conflict(conflict);
        }
        let said: Option<Value> = serde_json::from_slice(body).ok();
        let message = said.as_ref().and_then(|said| said["error"].as_str());
        match message {
            Some(message) => ClientError::Refused {
                status,
                message: message.to_owned(),
            },
            None => ClientError::Strange {
                place: self.place(),
                why: format!("status {status}"),
            },
        }
    }

    fn failed(&self, error: &reqwest::Error) -> ClientError {
        let why = tls::describe(error, Some("--ca-file")).unwrap_or_else(|| {
            let mut deepest: &dyn std::error::Error = error;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            deepest.to_string()
        });
        match &self.place {
            // The process has ended without removing it.
            Place::Socket(path) if error.is_connect() => ClientError::NotRunning(path.clone()),
            place => ClientError::Unreachable {
                place: shown(place),
                why,
            },
        }
    }
}

/// Passes the lines in `rest` and `part` to `take`, and keeps what has no end yet in `rest`. Returns
/// false as soon as `take` does.
pub(super) fn take_lines(
    rest: &mut Vec<u8>,
    part: &[u8],
    take: &mut impl FnMut(&[u8]) -> bool,
) -> bool {
    rest.extend_from_slice(part);
    let mut from = 0;
    while let Some(length) = memchr::memchr(b'\n', &rest[from..]) {
        if !take(&rest[from..from + length]) {
            return false;
        }
        from += length + 1;
    }
    rest.drain(..from);
    true
}

fn shown(place: &Place) -> String {
    match place {
        Place::Socket(path) => path.display().to_string(),
        Place::Tunnel { name, .. } => name.clone(),
        Place::Network { url, .. } => url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_are_cut() {
        let text = b"one\ntwo\n\nthree\nunfinished";
        for size in 1..text.len() {
            let (mut rest, mut lines) = (Vec::new(), Vec::new());
            for part in text.chunks(size) {
                assert!(take_lines(&mut rest, part, &mut |line: &[u8]| {
                    lines.push(String::from_utf8(line.to_vec()).unwrap());
                    true
                }));
            }
            assert_eq!(lines, ["one", "two", "", "three"]);
            assert_eq!(rest, b"unfinished");
        }
        assert!(!take_lines(&mut Vec::new(), text, &mut |_| false));
    }
}
