//! The settings under `[mapping]`.

use serde::{Deserialize, Serialize};

/// The mapping of events to Customer.io's: the settings under `[mapping]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting that the operator switches by itself"
)]
pub struct Mapping {
    /// The path of the person's identifier: `user_id`, or another one such as
    /// `user_properties.customer_id`.
    pub person: String,
    /// Whether an identifier that is an email address is sent as `email`, and one that starts with
    /// `cio_` as `cio_id`.
    pub recognize: bool,
    /// The handling of events that name no person.
    pub anonymous: Anonymous,
    /// Whether a person's identify contains the device as `anonymous_id`, so that the device's
    /// earlier events join the person. It has an effect with `anonymous = "send"`.
    pub link_anonymous: bool,
    /// The place of user properties, group properties and groups.
    pub layout: Layout,
    /// The only paths that are sent; empty means all.
    pub include: Vec<String>,
    /// Paths that are not sent.
    pub exclude: Vec<String>,
    /// Top-level fields that are sent, by their name in the event: `platform`, `country`.
    pub fields: Vec<String>,
    /// Whether the revenue fields that SDKs write beside the event's properties are sent.
    pub revenue: bool,
    /// The form of strings that are ISO dates.
    pub dates: Dates,
    /// Whether changed user properties are also sent as attributes of the person.
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

/// The handling of events that name no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anonymous {
    /// They break the limit `id_missing`.
    Drop,
    /// They are sent with the device as `anonymous_id`.
    Send,
}

/// The place of user properties, group properties and groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// As objects beside the event's properties: `user_properties.plan`.
    Nested,
    /// One by one beside the event's properties, with a prefix: `user_plan`, `group_tier`, `groups_company`.
    Flat,
}

/// The form of strings that are ISO dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// They stay as they are.
    Keep,
    /// They become Unix seconds, which Customer.io compares as times, unless they are before 1970.
    Unix,
}

impl Mapping {
    /// Whether identifies contain the device as `anonymous_id`.
    pub fn links_anonymous(&self) -> bool {
        self.link_anonymous && self.anonymous == Anonymous::Send && !self.excludes("device_id")
    }

    /// Whether `exclude` names this path or one above it.
    pub(super) fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|out| is_at_or_above(out, path))
    }
}

/// Whether `path` is a proper prefix of `below`.
pub(super) fn is_above(path: &str, below: &str) -> bool {
    below
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// Whether `path` is `other` or a prefix of it.
pub(super) fn is_at_or_above(path: &str, other: &str) -> bool {
    path == other || is_above(path, other)
}
