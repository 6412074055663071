//! The client: it asks, at a bounded pace, and keeps the last answers for a moment.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use crate::amplitude::json;
use crate::amplitude::time::{self, UnixMs};
use crate::customerio::client::{Client, Region};
use crate::http::reply::Reply;
use crate::network::{Proxies, ProxySetting};

use super::activity::Activity;
use super::error::{AppClientError, AppError};
use super::pace::{Pace, Priority};
use super::question::{EventAnswer, EventKey, Look, PersonKey, PersonKind, Question};
use super::read::{self, Page};

/// The App API's server of each region: Customer.io App API, servers.
const US: &str = "https://api.customer.io";
const EU: &str = "https://api-eu.customer.io";
/// Maximum size of an answer, in bytes: 100 activities, or 300 attributes of 1,000 bytes.
const ANSWER_BYTES: usize = 2 << 20;
/// Activities on a page: Customer.io's maximum.
const PAGE: usize = 100;
/// Maximum pages that are searched for one event.
const MAX_PAGES: usize = 5;
/// How far back Customer.io guarantees activities, in seconds.
const GUARANTEED_SECONDS: i64 = 30 * 86_400;
/// How long an answer is used again.
const FRESH: Duration = Duration::from_secs(5);
/// Maximum answers that are kept for that.
const KEPT: usize = 16;

/// Characters that are not encoded: RFC 3986, unreserved.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The App API of a workspace, and the way to reach it.
#[derive(Debug, Clone)]
pub struct AppDestination {
    /// An App API key.
    pub api_key: SecretString,
    /// A server other than Customer.io's.
    pub base_url: Option<String>,
    /// The proxy to use.
    pub proxy: ProxySetting,
    /// Maximum time of a request, including its connection.
    pub timeout: Duration,
}

/// What is known about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLook {
    /// What became of it.
    pub answer: EventAnswer,
    /// Whether the person has a profile.
    pub has_profile: bool,
}

/// A client of the App API of one workspace.
#[derive(Debug)]
pub struct AppClient {
    http: reqwest::Client,
    proxies: Arc<Proxies>,
    base_url: Option<String>,
    /// The Track API's client, which knows the region.
    track: Arc<Client>,
    pace: Mutex<Pace>,
    kept: Mutex<VecDeque<(Question, Instant, Look)>>,
}

impl AppClient {
    /// Creates a client, which connects when it first asks. `track` knows the region.
    pub fn new(destination: AppDestination, track: Arc<Client>) -> Result<Self, AppClientError> {
        let key = destination.api_key.expose_secret();
        let bearer = HeaderValue::try_from(format!("Bearer {key}"));
        let mut bearer = bearer.map_err(|_| AppClientError::Key)?;
        bearer.set_sensitive(true);
        let proxies = Arc::new(Proxies::new(&destination.proxy, "customerio.proxy")?);
        let http = crate::http::client(&proxies)
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .timeout(destination.timeout)
            .build()?;
        let base_url = destination.base_url;
        Ok(Self {
            http,
            proxies,
            base_url: base_url.map(|url| url.trim_end_matches('/').to_owned()),
            track,
            pace: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Answers a question of an operator: by two requests, and by a few more if the event is not
    /// among the newest activities of the person. An answer to the same question of the last seconds
    /// is used again.
    pub async fn look(&self, question: &Question) -> Result<Look, AppError> {
        if let Some(kept) = self.kept(question) {
            return Ok(kept);
        }
        let person = &question.person;
        let asked_ms = time::now();
        let path = path(person, "attributes")?;
        let Some(profile) = self.get(&path, Priority::Operator).await? else {
            return Ok(Look {
                asked_ms,
                has_profile: false,
                attributes: 0,
                event: question.event.as_ref().map(|_| EventAnswer::Missing),
                activities: Vec::new(),
                has_more: false,
            });
        };
        let attributes = count_attributes(&profile)?;
        let page = self.page(person, "", None, Priority::Operator).await?;
        let page = page.unwrap_or_else(Page::empty);
        let event = match &question.event {
            Some(event) => {
                let known = event.among(&page.activities, page.next.is_none());
                Some(self.decided(person, event, known).await?)
            }
            None => None,
        };
        let look = Look {
            asked_ms,
            has_profile: true,
            attributes,
            event,
            has_more: page.next.is_some(),
            activities: page.activities,
        };
        self.keep(question, &look);
        Ok(look)
    }

    /// Looks for one event, on the program's own account: by one request, or a few if the person has
    /// hundreds of events with this name.
    pub async fn verify(
        &self,
        person: &PersonKey,
        event: &EventKey,
    ) -> Result<EventLook, AppError> {
        let found = self.search(person, event, Priority::Low).await?;
        Ok(EventLook {
            has_profile: found.is_some(),
            answer: found.unwrap_or(EventAnswer::Missing),
        })
    }

    /// Searches for an event that is not among the newest activities.
    async fn decided(
        &self,
        person: &PersonKey,
        event: &EventKey,
        known: EventAnswer,
    ) -> Result<EventAnswer, AppError> {
        if known != EventAnswer::Undecided {
            return Ok(or_too_old(known, event));
        }
        let found = self.search(person, event, Priority::Operator).await?;
        Ok(found.unwrap_or(EventAnswer::Missing))
    }

    /// Searches for an event among those with its name. None if the person has no profile.
    async fn search(
        &self,
        person: &PersonKey,
        event: &EventKey,
        priority: Priority,
    ) -> Result<Option<EventAnswer>, AppError> {
        let name = encoded(&event.name);
        let filter = format!("&name={name}");
        let (mut start, mut answer) = (None, EventAnswer::Undecided);
        for _ in 0..MAX_PAGES {
            let page = self.page(person, &filter, start, priority).await?;
            let Some(page) = page else { return Ok(None) };
            answer = event.among(&page.activities, page.next.is_none());
            start = page.next;
            if answer != EventAnswer::Undecided {
                break;
            }
        }
        Ok(Some(or_too_old(answer, event)))
    }

    /// A page of a person's activities. None if the person has no profile.
    async fn page(
        &self,
        person: &PersonKey,
        filter: &str,
        start: Option<String>,
        priority: Priority,
    ) -> Result<Option<Page>, AppError> {
        let path = path(person, "activities")?;
        let start = start.map_or_else(String::new, |start| format!("&start={}", encoded(&start)));
        let path = format!("{path}&limit={PAGE}{filter}{start}");
        let text = self.get(&path, priority).await?;
        text.map(|text| read::page(&text)).transpose()
    }

    /// Gets a path. Returns the text of the answer; none if the person doesn't exist.
    async fn get(&self, path: &str, priority: Priority) -> Result<Option<String>, AppError> {
        let base = self.base().await?;
        self.wait_for_turn(priority).await?;
        let request = self.http.get(format!("{base}{path}"));
        let unreachable = |error: reqwest::Error| {
            let why = crate::http::no_answer(&error, &self.proxies);
            AppError::Unreachable(why)
        };
        let response = request.send().await.map_err(unreachable)?;
        let reply = Reply::read(response, ANSWER_BYTES).await;
        let reply = reply.map_err(unreachable)?;
        let text = read::text(&reply);
        if let Err(AppError::RateLimited { after }) = &text {
            self.lock_pace().pause_for(*after, Instant::now());
        }
        Ok(text?.map(str::to_owned))
    }

    /// Waits for a turn, but not for the end of a pause that Customer.io asked for.
    async fn wait_for_turn(&self, priority: Priority) -> Result<(), AppError> {
        loop {
            let now = Instant::now();
            let taken = {
                let mut pace = self.lock_pace();
                if let Some(after) = pace.pause(now) {
                    return Err(AppError::RateLimited { after });
                }
                pace.take(priority, now)
            };
            match taken {
                Ok(()) => return Ok(()),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// The server of the App API: in the region that the Track API's client knows or finds out.
    async fn base(&self) -> Result<String, AppError> {
        if let Some(url) = &self.base_url {
            return Ok(url.clone());
        }
        let track = self.track.base().await.map_err(|answer| {
            let why = answer.message();
            AppError::Unreachable(format!("the workspace's region is not known: {why}"))
        })?;
        Ok(match track {
            track if track == Region::Us.url() => US.to_owned(),
            track if track == Region::Eu.url() => EU.to_owned(),
            // A server that stands in for Customer.io.
            other => other.to_owned(),
        })
    }

    fn lock_pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, question: &Question) -> Option<Look> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, at, _)| at.elapsed() < FRESH);
        let found = kept.iter().find(|(known, ..)| known == question);
        found.map(|(.., look)| look.clone())
    }

    fn keep(&self, question: &Question, look: &Look) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((question.clone(), Instant::now(), look.clone()));
    }
}

impl Page {
    fn empty() -> Self {
        Self {
            activities: Vec::<Activity>::new(),
            next: None,
        }
    }
}

/// The path of a part of a person, with the query's first parameter.
fn path(person: &PersonKey, part: &str) -> Result<String, AppError> {
    let why = match (person.kind, person.value.as_str()) {
        (PersonKind::AnonymousId, _) => {
            "the event has no user yet (anonymous_id): Customer.io has no profile to ask about until it joins one"
        }
        // A URL without the person would ask about the whole workspace.
        (_, "" | "." | "..") => "Customer.io can't be asked about a person with this identifier",
        _ => {
            let (value, kind) = (encoded(&person.value), person.kind.name());
            return Ok(format!("/v1/customers/{value}/{part}?id_type={kind}"));
        }
    };
    Err(AppError::NotAskable(why.to_owned()))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, IN_URL).to_string()
}

/// The number of attributes of a profile.
fn count_attributes(text: &str) -> Result<u32, AppError> {
    let body: read::ProfileBody<'_> =
        serde_json::from_str(text).map_err(|error| AppError::Strange(error.to_string()))?;
    let attributes = body.customer.attributes.map(|raw| json::entries(raw.get()));
    Ok(attributes.flatten().unwrap_or_default().len() as u32)
}

/// What is missing and older than the guaranteed time may have been there.
fn or_too_old(answer: EventAnswer, event: &EventKey) -> EventAnswer {
    let age = seconds(time::now()) - event.at_s;
    match answer {
        EventAnswer::Missing | EventAnswer::Undecided if age > GUARANTEED_SECONDS => {
            EventAnswer::TooOld
        }
        answer => answer,
    }
}

fn seconds(at: UnixMs) -> i64 {
    at.div_euclid(1_000)
}
