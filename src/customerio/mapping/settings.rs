//! The settings under `[mapping]`, and what can be wrong with them.

use serde::{Deserialize, Serialize};

use crate::amplitude::event::REVENUE;

/// How events become Customer.io's; the settings under `[mapping]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting that the operator switches by itself"
)]
pub struct Mapping {
    /// Where the person's identifier stands: `user_id`, or a path such as `user_properties.customer_id`.
    pub person: String,
    /// Take an identifier that is an email address as `email`, and one that starts with `cio_` as `cio_id`.
    pub recognize: bool,
    /// What becomes of events that name no person.
    pub anonymous: Anonymous,
    /// With `anonymous = "send"`: a person's identify carries the device as `anonymous_id`, so
    /// that the device's earlier events join the person.
    pub link_anonymous: bool,
    /// Where user properties, group properties and groups go.
    pub layout: Layout,
    /// Only these paths go along; empty means all.
    pub include: Vec<String>,
    /// These paths stay behind.
    pub exclude: Vec<String>,
    /// Top-level fields that go along, by their name in the event: `platform`, `country`.
    pub fields: Vec<String>,
    /// Also send the revenue fields that SDKs write beside the event's properties.
    pub revenue: bool,
    /// What becomes of strings that are ISO dates.
    pub dates: Dates,
    /// Also send changed user properties as attributes of the person.
    pub send_users: bool,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            person: "user_id".to_owned(),
            recognize: false,
            anonymous: Anonymous::Drop,
            link_anonymous: true,
            layout: Layout::Nested,
            include: Vec::new(),
            exclude: Vec::new(),
            fields: Vec::new(),
            revenue: false,
            dates: Dates::Keep,
            send_users: false,
        }
    }
}

/// What becomes of events that name no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anonymous {
    /// They break the limit `id_missing`.
    Drop,
    /// They go with `anonymous_id` = `device_id`.
    Send,
}

/// Where user properties, group properties and groups go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// As objects beside the event's properties: `user_properties.plan`.
    Nested,
    /// Beside them one by one, behind a prefix: `user_plan`, `group_tier`, `groups_company`.
    Flat,
}

/// What becomes of strings that are ISO dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// They stay as they are.
    Keep,
    /// They become Unix seconds, which Customer.io compares as times; those before 1970 stay.
    Unix,
}

/// A setting under `[mapping]` that can't do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's path.
    pub setting: &'static str,
    /// What is wrong, and what to write.
    pub message: String,
}

/// The parts of an event that go along by themselves.
const PARTS: [&str; 4] = [
    "event_properties",
    "user_properties",
    "group_properties",
    "groups",
];

impl Mapping {
    /// Whether identifies carry the device as `anonymous_id`.
    pub fn links_anonymous(&self) -> bool {
        self.link_anonymous && self.anonymous == Anonymous::Send && !self.excludes("device_id")
    }

    /// Everything in `include`, `exclude` and `fields` that can match nothing, or that
    /// contradicts another setting.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let names_people = |path: &String| {
            is_at_or_above(path, &self.person)
                || (self.anonymous == Anonymous::Send && path == "device_id")
        };
        let included = self.include.iter().map(|path| ("mapping.include", path));
        let excluded = self.exclude.iter().filter(|path| !names_people(path));
        for (setting, path) in included.chain(excluded.map(|path| ("mapping.exclude", path))) {
            if let Some(why) = self.matches_nothing(path) {
                let message = format!("{path:?} can match nothing: {why}");
                found.push(Problem { setting, message });
            }
        }
        for path in self.include.iter().filter(|path| self.excludes(path)) {
            found.push(Problem {
                setting: "mapping.include",
                message: format!("{path:?} can match nothing: mapping.exclude takes it out again"),
            });
        }
        for name in &self.fields {
            if let Some(why) = self.is_no_field(name) {
                let message = format!("{name:?} can match nothing: {why}");
                found.push(Problem {
                    setting: "mapping.fields",
                    message,
                });
            }
        }
        if self.excludes(&self.person) {
            found.push(Problem {
                setting: "mapping.exclude",
                message: format!(
                    "{:?} names the person (mapping.person): without it no event can be sent",
                    self.person
                ),
            });
        }
        if self.anonymous == Anonymous::Send && self.excludes("device_id") {
            found.push(Problem {
                setting: "mapping.exclude",
                message:
                    "\"device_id\" is sent as anonymous_id where mapping.anonymous = \"send\": \
                          exclude it and set anonymous = \"drop\", or leave it in"
                        .to_owned(),
            });
        }
        found
    }

    fn matches_nothing(&self, path: &str) -> Option<String> {
        if path
            .split('.')
            .any(|part| part.trim() != part || part.is_empty())
        {
            return Some("it has an empty part, or spaces around one".to_owned());
        }
        let first = path.split('.').next().unwrap_or(path);
        let is_sent = PARTS.contains(&first)
            || self.fields.iter().any(|field| field == first)
            || (self.revenue && REVENUE.contains(&first));
        if is_sent {
            return None;
        }
        let near = PARTS
            .into_iter()
            .find(|part| strsim::damerau_levenshtein(part, &first.to_lowercase()) <= 3);
        Some(match near {
            Some(part) => format!("write {}", path.replacen(first, part, 1)),
            None => format!(
                "only event_properties, user_properties, group_properties, groups and what \
                 mapping.fields lists are sent; write event_properties.{path} or \
                 user_properties.{path}"
            ),
        })
    }

    fn is_no_field(&self, name: &str) -> Option<&'static str> {
        if name.trim().is_empty() || name.contains('.') {
            return Some("write the name of a top-level field, such as platform or country");
        }
        if self.excludes(name) {
            return Some("mapping.exclude takes it out again");
        }
        let is_included = self.include.is_empty()
            || self
                .include
                .iter()
                .any(|path| path == name || is_above(name, path));
        (!is_included).then_some("mapping.include lists other paths only; add it there")
    }

    /// Whether `exclude` names this path or one above it.
    pub(super) fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|out| is_at_or_above(out, path))
    }
}

/// Whether `below` lies inside what `path` names.
pub(super) fn is_above(path: &str, below: &str) -> bool {
    below
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Whether `path` names `other`, or something that holds it.
pub(super) fn is_at_or_above(path: &str, other: &str) -> bool {
    path == other || is_above(path, other)
}
