//! Downloads hours into a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};

use crate::amplitude::time::UnixMs;
use crate::network::Proxies;
use crate::owner_only;

use super::error::ExportError;
use super::hour::Hour;

/// Maximum time without data from the server.
const READ_TIMEOUT: Duration = Duration::from_secs(120);
/// Maximum attempts for an hour.
const ATTEMPTS: u32 = 5;
/// Maximum length of an error message, in characters.
const MESSAGE_CHARS: usize = 200;

/// A project whose past is downloaded.
#[derive(Debug)]
pub struct Project {
    /// The server: `https://amplitude.com`, or `https://analytics.eu.amplitude.com`.
    pub server: String,
    /// The API key.
    pub api_key: SecretString,
    /// The secret key.
    pub secret_key: SecretString,
}

/// The result of downloading an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HourResult {
    /// A file of this many bytes was downloaded.
    Downloaded(u64),
    /// The hour has no events.
    Empty,
    /// The hour was downloaded before.
    Present,
}

/// Downloads hours into a folder.
#[derive(Debug)]
pub struct Download {
    http: reqwest::Client,
    proxies: Arc<Proxies>,
    project: Project,
    folder: PathBuf,
    /// The time before the first retry; it doubles with each retry.
    pause: Duration,
}

impl Download {
    /// Prepares the download of a project into a folder, which is created if it is missing.
    pub fn new(project: Project, folder: &Path, pause: Duration) -> Result<Self, ExportError> {
        let proxies = Arc::new(Proxies::from_environment()?);
        let http = crate::http::client(&proxies)
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(ExportError::Client)?;
        owner_only::create_folder(folder).map_err(|source| file_error(folder, source))?;
        Ok(Self {
            http,
            proxies,
            project,
            folder: folder.to_owned(),
            pause,
        })
    }

    /// The file of an hour.
    pub fn path(&self, hour: Hour) -> PathBuf {
        self.folder.join(format!("amplitude-{}.zip", hour.name()))
    }

    /// Whether an hour was downloaded when its export was complete.
    fn is_present(&self, hour: Hour) -> bool {
        let path = self.path(hour);
        let files = [path.with_extension("empty"), path];
        files.iter().any(|file| {
            let modified = file.metadata().and_then(|it| it.modified());
            let since_1970 = modified
                .ok()
                .and_then(|it| it.duration_since(UNIX_EPOCH).ok());
            since_1970.is_some_and(|at| Hour::last_complete(at.as_millis() as UnixMs) >= hour)
        })
    }

    /// Downloads an hour unless it is present, and retries after temporary errors.
    pub async fn get(&self, hour: Hour) -> Result<HourResult, ExportError> {
        if self.is_present(hour) {
            owner_only::tighten_path(&self.path(hour));
            return Ok(HourResult::Present);
        }
        let mut pause = self.pause;
        for _ in 1..ATTEMPTS {
            match self.attempt(hour).await {
                Err(error) if error.is_temporary() => {
                    tracing::warn!("{error}");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
        self.attempt(hour).await
    }

    async fn attempt(&self, hour: Hour) -> Result<HourResult, ExportError> {
        let answer = self.request(hour).await?;
        match answer.status().as_u16() {
            200 => self.save(hour, answer).await.map(HourResult::Downloaded),
            404 => {
                let path = self.path(hour).with_extension("empty");
                owner_only::create(&path).map_err(|source| file_error(&path, source))?;
                Ok(HourResult::Empty)
            }
            status @ (401 | 403) => Err(ExportError::Refused { status }),
            status => {
                let message = answer.text().await.unwrap_or_default();
                Err(ExportError::Answered {
                    hour: hour.name(),
                    status,
                    message: message.chars().take(MESSAGE_CHARS).collect(),
                })
            }
        }
    }

    async fn request(&self, hour: Hour) -> Result<reqwest::Response, ExportError> {
        let name = hour.name();
        let server = self.project.server.trim_end_matches('/');
        let url = format!("{server}/api/2/export?start={name}&end={name}");
        let request = self.http.get(url).basic_auth(
            self.project.api_key.expose_secret(),
            Some(self.project.secret_key.expose_secret()),
        );
        let answer = request.send().await;
        answer.map_err(|error| self.broke(hour, &error))
    }

    /// Saves the zip of an hour, and returns its size in bytes. A partial file has another name, so
    /// that it is never taken for a whole one.
    async fn save(&self, hour: Hour, mut answer: reqwest::Response) -> Result<u64, ExportError> {
        let path = self.path(hour);
        let part = path.with_extension("part");
        let failed = |source| file_error(&part, source);
        let mut file = BufWriter::new(owner_only::new_in_place(&part).map_err(failed)?);
        let mut bytes = 0;
        let broke = |error: reqwest::Error| self.broke(hour, &error);
        while let Some(chunk) = answer.chunk().await.map_err(broke)? {
            file.write_all(&chunk).map_err(failed)?;
            bytes += chunk.len() as u64;
        }
        let synced = file.into_inner().map_err(io::IntoInnerError::into_error);
        synced.and_then(|file| file.sync_all()).map_err(failed)?;
        let opened = File::open(&part).map_err(failed)?;
        zip::ZipArchive::new(opened).map_err(|source| ExportError::NoZip {
            hour: hour.name(),
            source,
        })?;
        fs::rename(&part, &path).map_err(failed)?;
        Ok(bytes)
    }

    fn broke(&self, hour: Hour, error: &reqwest::Error) -> ExportError {
        ExportError::Broke {
            hour: hour.name(),
            why: crate::http::no_answer(error, &self.proxies),
        }
    }
}

fn file_error(path: &Path, source: io::Error) -> ExportError {
    ExportError::File {
        path: path.to_owned(),
        source,
    }
}
