//! Downloading a project's past from Amplitude's Export API, an hour at a time.
//!
//! The API gives the hours from `start` to `end`, both included, as one zip, and refuses one of
//! more than 4 GB; events of the last two hours may not be in it yet (Export API, considerations).
//! An hour a request keeps each small, and a download that breaks goes on with the hour at which
//! it broke.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};

use crate::network::{Proxies, ProxyError};
use crate::owner_only;

use super::time::{self, UnixMs};

const HOUR_MS: i64 = 3_600_000;
/// Events may come into an export so late (Export API, considerations).
const LATE_HOURS: i64 = 2;
/// How long a request may send nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// An hour is asked for so often before the download is given up.
const ATTEMPTS: u32 = 5;

/// An hour, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hour(i64);

impl Hour {
    /// The hour of this time.
    pub fn of(ms: UnixMs) -> Self {
        Self(ms.div_euclid(HOUR_MS))
    }

    /// The last hour whose events are all in an export by now.
    pub fn last_whole(now_ms: UnixMs) -> Self {
        Self(Self::of(now_ms).0 - LATE_HOURS - 1)
    }

    /// As the API writes it: `20261125T09`.
    pub fn name(self) -> String {
        let digits = time::to_digits(self.0 * HOUR_MS, 10);
        format!("{}T{}", &digits[..8], &digits[8..])
    }

    /// From this hour to that one, both included.
    pub fn upto(self, last: Self) -> impl ExactSizeIterator<Item = Self> + Clone {
        let count = (last.0 - self.0 + 1).max(0) as usize;
        (0..count).map(move |n| Self(self.0 + n as i64))
    }
}

impl FromStr for Hour {
    type Err = String;

    /// `2026-11-25T09`, `2026-11-25 09:00`, `20261125T09`, or a day: its first hour.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_plain = text
            .chars()
            .all(|c| c.is_ascii_digit() || "-T: ".contains(c));
        let hour = match digits.len() {
            8 => "00",
            10 | 12 | 14 => &digits[8..10],
            _ => "",
        };
        let wrong = || format!("{text:?} is no hour; write 2026-11-25T09, or 2026-11-25");
        if !is_plain || hour.is_empty() {
            return Err(wrong());
        }
        let (year, month, day) = (&digits[..4], &digits[4..6], &digits[6..8]);
        let stamp = format!("\"{year}-{month}-{day} {hour}:00:00\"");
        time::parse(&stamp).map(Self::of).map_err(|_| wrong())
    }
}

/// A project whose past is downloaded.
#[derive(Debug)]
pub struct Project {
    /// The server: `https://amplitude.com`, or `https://analytics.eu.amplitude.com`.
    pub server: String,
    /// Its API key.
    pub api_key: SecretString,
    /// Its secret key.
    pub secret_key: SecretString,
}

/// What became of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    /// It was downloaded, so many bytes.
    Events(u64),
    /// It has no events.
    None,
    /// It was there already.
    Already,
}

/// Why an hour can't be had.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The keys are wrong.
    #[error(
        "Amplitude refuses the keys ({status}): they are the project's API key and secret key, of the same region"
    )]
    Refused {
        /// The status.
        status: u16,
    },
    /// Amplitude answered otherwise.
    #[error("Amplitude answers {status} for {hour}: {says}{}", advice(*status))]
    Answered {
        /// The hour.
        hour: String,
        /// The status.
        status: u16,
        /// What it says.
        says: String,
    },
    /// The connection failed, or broke.
    #[error("the download of {hour} broke off: {why}; start it again, it goes on there")]
    Broke {
        /// The hour.
        hour: String,
        /// What went wrong.
        why: String,
    },
    /// What came is no zip.
    #[error("what came for {hour} is no zip: {source}")]
    NoZip {
        /// The hour.
        hour: String,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// The file can't be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There can be no connection at all.
    #[error("there can be no connection to Amplitude: {0}")]
    Client(#[source] reqwest::Error),
    /// The proxy in the way can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

impl ExportError {
    /// Whether asking again may help.
    fn may_pass(&self) -> bool {
        match self {
            Self::Answered { status, .. } => *status == 429 || *status >= 500,
            Self::Broke { .. } | Self::NoZip { .. } => true,
            _ => false,
        }
    }
}

/// What to do about an answer.
fn advice(status: u16) -> &'static str {
    match status {
        400 => {
            "; where that is more than the 4 GB of one request, which an hour can't be divided for, use Amplitude's export to Amazon S3"
        }
        408 | 504 => {
            "; it ran out of time: start it again later, it goes on there, or use Amplitude's export to Amazon S3"
        }
        429 => "; it makes only a few exports at a time: start it again later, it goes on there",
        _ => "",
    }
}

/// Downloads hours into a folder.
#[derive(Debug)]
pub struct Download {
    http: reqwest::Client,
    proxies: Arc<Proxies>,
    project: Project,
    folder: PathBuf,
    /// How long it waits before it asks again for the first time; twice as long each time after.
    pause: Duration,
}

impl Download {
    /// Of this project into this folder, which is made where it isn't there.
    pub fn new(project: Project, folder: &Path, pause: Duration) -> Result<Self, ExportError> {
        let proxies = Arc::new(Proxies::from_environment()?);
        let http = crate::http::client(&proxies)
            .read_timeout(PATIENCE)
            .build()
            .map_err(ExportError::Client)?;
        owner_only::create_folder(folder).map_err(|source| ExportError::File {
            path: folder.to_owned(),
            source,
        })?;
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

    /// Whether an hour is there, and was whole when it was downloaded.
    fn has(&self, hour: Hour) -> bool {
        let path = self.path(hour);
        let files = [path.with_extension("empty"), path];
        files.iter().any(|file| {
            let written = file.metadata().and_then(|it| it.modified());
            let since = written
                .ok()
                .and_then(|it| it.duration_since(UNIX_EPOCH).ok());
            since.is_some_and(|at| Hour::last_whole(at.as_millis() as UnixMs) >= hour)
        })
    }

    /// Downloads an hour that is not there yet, or was not whole then; several times, where it
    /// fails.
    pub async fn get(&self, hour: Hour) -> Result<Got, ExportError> {
        if self.has(hour) {
            owner_only::tighten_path(&self.path(hour));
            return Ok(Got::Already);
        }
        let mut pause = self.pause;
        for _ in 1..ATTEMPTS {
            match self.attempt(hour).await {
                Err(error) if error.may_pass() => {
                    tracing::warn!("{error}");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                other => return other,
            }
        }
        self.attempt(hour).await
    }

    async fn attempt(&self, hour: Hour) -> Result<Got, ExportError> {
        let name = hour.name();
        let broke = |error: reqwest::Error| ExportError::Broke {
            hour: name.clone(),
            why: crate::http::no_answer(&error, &self.proxies),
        };
        let url = format!(
            "{}/api/2/export?start={name}&end={name}",
            self.project.server.trim_end_matches('/')
        );
        let keys = &self.project;
        let request = self.http.get(url).basic_auth(
            keys.api_key.expose_secret(),
            Some(keys.secret_key.expose_secret()),
        );
        let mut answer = request.send().await.map_err(broke)?;
        let status = answer.status().as_u16();
        match status {
            200 => {}
            404 => {
                let path = self.path(hour).with_extension("empty");
                owner_only::create(&path).map_err(|source| ExportError::File { path, source })?;
                return Ok(Got::None);
            }
            401 | 403 => return Err(ExportError::Refused { status }),
            _ => {
                let says = answer.text().await.unwrap_or_default();
                return Err(ExportError::Answered {
                    hour: name,
                    status,
                    says: says.chars().take(200).collect(),
                });
            }
        }
        // Half a file is never taken for a whole one.
        let path = self.path(hour);
        let part = path.with_extension("part");
        let failed = |source| ExportError::File {
            path: part.clone(),
            source,
        };
        let mut file = BufWriter::new(owner_only::new_in_place(&part).map_err(failed)?);
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await.map_err(broke)? {
            file.write_all(&chunk).map_err(failed)?;
            bytes += chunk.len() as u64;
        }
        let file = file
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let opened = File::open(&part).map_err(failed)?;
        zip::ZipArchive::new(opened).map_err(|source| ExportError::NoZip { hour: name, source })?;
        owner_only::publish(&file, &part, &path).map_err(failed)?;
        Ok(Got::Events(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_whole_two_hours_after_its_end() {
        let at = |text: &str| time::parse(&format!("\"2026-11-25 {text}\"")).unwrap();
        let last = |text: &str| Hour::last_whole(at(text)).name();
        assert_eq!(last("12:00:00"), "20261125T09");
        assert_eq!(last("11:59:59"), "20261125T08");
    }

    #[test]
    fn hours_are_written_in_many_ways_and_asked_for_in_one() {
        for (text, name) in [
            ("2026-11-25T09", "20261125T09"),
            ("20261125T09", "20261125T09"),
            ("2026-11-25 09:00", "20261125T09"),
            ("2026-11-25T09:30:00", "20261125T09"),
            ("2026-11-25", "20261125T00"),
        ] {
            assert_eq!(text.parse::<Hour>().unwrap().name(), name, "{text}");
        }
        for wrong in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-25T25",
            "2026-11",
            "1.5",
        ] {
            assert!(wrong.parse::<Hour>().is_err(), "{wrong}");
        }
        let hour = |text: &str| text.parse::<Hour>().unwrap();
        let names: Vec<String> = hour("2026-12-31T22")
            .upto(hour("2027-01-01T01"))
            .map(Hour::name)
            .collect();
        assert_eq!(
            names,
            ["20261231T22", "20261231T23", "20270101T00", "20270101T01"]
        );
        assert_eq!(hour("2027-01-01").upto(hour("2026-01-01")).len(), 0);
    }
}
