//! The reply of an HTTP server as received. Its sender is not certain: proxies, sign-in pages and
//! servers at wrong addresses reply too, with any status.

use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, PROXY_AUTHENTICATE, VIA};
use serde::de::IgnoredAny;

use crate::text::excerpt;

/// Maximum length of an excerpt, in characters: a line on a wide screen.
const EXCERPT_CHARS: usize = 160;
/// Maximum bytes that are searched for the title of a page.
const TITLE_WITHIN_BYTES: usize = 16 << 10;

/// A status, headers, and the beginning of a body.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, up to the maximum size that is read.
    pub body: Vec<u8>,
    /// Whether the body exceeds that maximum.
    pub is_cut: bool,
}

/// The kind of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'r> {
    /// White space only.
    Empty,
    /// Exactly one JSON object.
    Object(&'r str),
    /// Anything else: a page, text, another JSON value, bytes.
    Other,
}

impl Reply {
    /// Reads a response, and at most `max_bytes` of its body.
    pub async fn read(mut response: reqwest::Response, max_bytes: usize) -> reqwest::Result<Self> {
        let mut reply = Self::without_body(&mut response);
        while let Some(part) = response.chunk().await? {
            if !reply.add(&part, max_bytes) {
                break;
            }
        }
        Ok(reply)
    }

    /// Takes the status and the headers of a response.
    pub fn without_body(response: &mut reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            ..Self::default()
        }
    }

    /// Adds a part of the body, which is cut at `max_bytes`. Returns false if it was cut.
    pub fn add(&mut self, part: &[u8], max_bytes: usize) -> bool {
        let room = max_bytes.saturating_sub(self.body.len());
        self.body.extend_from_slice(&part[..part.len().min(room)]);
        self.is_cut = part.len() > room;
        !self.is_cut
    }

    /// The kind of the body. A cut body is not an object.
    pub fn content(&self) -> Content<'_> {
        if self.is_cut {
            return Content::Other;
        }
        let Ok(text) = std::str::from_utf8(&self.body) else {
            return Content::Other;
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Content::Empty;
        }
        let is_object = text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
        if is_object {
            Content::Object(text)
        } else {
            Content::Other
        }
    }

    /// Whether the body is a page: its type is HTML, or it begins with `<`.
    pub fn is_page(&self) -> bool {
        let kind = self.header(CONTENT_TYPE).to_ascii_lowercase();
        kind.starts_with("text/html") || self.body.trim_ascii_start().starts_with(b"<")
    }

    /// Whether a proxy has added its headers.
    pub fn came_by_proxy(&self) -> bool {
        self.headers.contains_key(VIA) || self.headers.contains_key(PROXY_AUTHENTICATE)
    }

    /// The text of a header; empty if it is absent.
    pub fn header(&self, name: reqwest::header::HeaderName) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// A summary on one line, with visible characters only: the first line of the body or the target
    /// of a redirect, and the status.
    pub fn summary(&self) -> String {
        let status = self.status;
        let target = self.header(LOCATION);
        if (300..400).contains(&status) && !target.is_empty() {
            return format!("a redirect to {} ({status})", without_secrets(target));
        }
        match self.first_line() {
            line if line.is_empty() => format!("an empty body ({status})"),
            line => format!("{line} ({status})"),
        }
    }

    /// The first line of the body that is not blank, with visible characters only. For a page, its
    /// title is added.
    pub fn first_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = text.lines().map(str::trim);
        let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let first = excerpt(first, EXCERPT_CHARS);
        match self.is_page().then(|| title(text)).flatten() {
            Some(title) if !first.contains(&title) => format!("{first} “{title}”"),
            _ => first,
        }
    }
}

/// A URL without the parts that may be secret: user, password, query and fragment.
fn without_secrets(url: &str) -> String {
    let shown = match Url::parse(url) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Err(_) => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
    };
    excerpt(&shown, EXCERPT_CHARS)
}

/// The title of an HTML page.
fn title(page: &str) -> Option<String> {
    let start = page.get(..page.floor_char_boundary(TITLE_WITHIN_BYTES))?;
    // ASCII only, so that positions stay the same.
    let lower = start.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let from = open + lower.get(open..)?.find('>')? + 1;
    let upto = from + lower.get(from..)?.find("</title")?;
    let words: Vec<&str> = start.get(from..upto)?.split_whitespace().collect();
    let title = excerpt(&words.join(" "), EXCERPT_CHARS);
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
pub(crate) mod tests_support {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    /// A reply with these headers, `name: value`.
    pub(crate) fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let header = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        Reply {
            status,
            headers: headers.iter().map(header).collect(),
            body: body.as_bytes().to_vec(),
            is_cut: false,
        }
    }
}

#[cfg(test)]
mod tests;
