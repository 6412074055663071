//! Settings under `[mapping]` that have no effect, or contradict others.

use crate::amplitude::event::REVENUE;

use super::settings::{Anonymous, Mapping, is_above, is_at_or_above};

/// A setting under `[mapping]` that can't have its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The setting's path.
    pub setting: &'static str,
    /// The reason, and the correction.
    pub message: String,
}

impl Problem {
    fn matches_nothing(setting: &'static str, path: &str, reason: &str) -> Self {
        Self {
            setting,
            message: format!("{path:?} can match nothing: {reason}"),
        }
    }
}

/// The parts of an event that are sent without being listed in `mapping.fields`.
const PARTS: [&str; 4] = [
    "event_properties",
    "user_properties",
    "group_properties",
    "groups",
];

const EXCLUDED: &str = "mapping.exclude takes it out again";

impl Mapping {
    /// All entries of `include`, `exclude` and `fields` that match nothing or contradict another
    /// setting.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = self.unmatched_paths();
        let excluded = self.include.iter().filter(|path| self.excludes(path));
        found.extend(
            excluded.map(|path| Problem::matches_nothing("mapping.include", path, EXCLUDED)),
        );
        found.extend(self.fields.iter().filter_map(|name| {
            let reason = self.no_field_reason(name)?;
            Some(Problem::matches_nothing("mapping.fields", name, reason))
        }));
        found.extend(self.excluded_identifiers());
        found
    }

    /// Paths of `include` and `exclude` that match nothing.
    fn unmatched_paths(&self) -> Vec<Problem> {
        let names_people = |path: &String| {
            is_at_or_above(path, &self.person)
                || (self.anonymous == Anonymous::Send && path == "device_id")
        };
        let included = self.include.iter().map(|path| ("mapping.include", path));
        let excluded = self.exclude.iter().filter(|path| !names_people(path));
        let all = included.chain(excluded.map(|path| ("mapping.exclude", path)));
        all.filter_map(|(setting, path)| {
            let reason = self.no_match_reason(path)?;
            Some(Problem::matches_nothing(setting, path, &reason))
        })
        .collect()
    }

    /// Identifiers that `exclude` removes although they are needed.
    fn excluded_identifiers(&self) -> Vec<Problem> {
        let mut messages = Vec::new();
        if self.excludes(&self.person) {
            messages.push(format!(
                "{:?} names the person (mapping.person): without it no event can be sent",
                self.person
            ));
        }
        if self.anonymous == Anonymous::Send && self.excludes("device_id") {
            let message = "\"device_id\" is sent as anonymous_id where mapping.anonymous = \"send\": \
                           exclude it and set anonymous = \"drop\", or leave it in";
            messages.push(message.to_owned());
        }
        let problem = |message| Problem {
            setting: "mapping.exclude",
            message,
        };
        messages.into_iter().map(problem).collect()
    }

    /// The reason why a path matches nothing that is sent, if it matches nothing.
    fn no_match_reason(&self, path: &str) -> Option<String> {
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

    /// The reason why an entry of `fields` matches nothing, if it matches nothing.
    fn no_field_reason(&self, name: &str) -> Option<&'static str> {
        if name.trim().is_empty() || name.contains('.') {
            return Some("write the name of a top-level field, such as platform or country");
        }
        if self.excludes(name) {
            return Some(EXCLUDED);
        }
        let is_included = self.include.is_empty()
            || self
                .include
                .iter()
                .any(|path| path == name || is_above(name, path));
        (!is_included).then_some("mapping.include lists other paths only; add it there")
    }
}
