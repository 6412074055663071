//! The fields and values of recent events, and the completion of conditions with them.

use std::sync::LazyLock;

use regex::Regex;
use rustc_hash::FxHashMap;

use crate::amplitude::Event;
use crate::amplitude::json::{self, Kind};

use super::expression::{self, FUNCTIONS, VARIABLES};
use super::expression_builder::{quoted, step};

/// Maximum length of a value that is offered, in bytes: nobody compares with longer ones.
const MAX_VALUE_BYTES: usize = 80;
/// Maximum distinct values that are remembered per field.
const MAX_VALUES: usize = 500;
/// Maximum fields that are remembered.
const MAX_FIELDS: usize = 5_000;
/// Maximum candidates of a completion.
const MAX_CANDIDATES: usize = 40;

/// The property lists of an event.
pub const LISTS: [&str; 4] = [
    "event_properties",
    "user_properties",
    "group_properties",
    "groups",
];

/// The functions of a string.
const STRING_FUNCTIONS: [&str; 6] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "lowerAscii",
    "size",
];

/// The fields of recent events, and their values.
#[derive(Debug, Default)]
pub struct Catalog {
    events: u64,
    fields: FxHashMap<String, FieldStats>,
}

/// The counts of a field.
#[derive(Debug, Default)]
struct FieldStats {
    /// Events that have the field.
    count: u64,
    /// Events by value, as a literal of CEL.
    values: FxHashMap<String, u64>,
}

/// The completion of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The first byte that the candidates replace.
    pub start: usize,
    /// The candidates, the most frequent first.
    pub candidates: Vec<Candidate>,
}

/// A candidate of a completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// The percentage of events that have it; none if it is not counted.
    pub share: Option<f64>,
}

impl Candidate {
    /// The text without the property list in front.
    pub fn label(&self) -> &str {
        let list = LISTS.iter().find_map(|list| self.text.strip_prefix(list));
        match list {
            Some("") | None => &self.text,
            Some(property) => property.trim_start_matches('.'),
        }
    }
}

impl Catalog {
    /// Counts an event.
    pub fn add(&mut self, event: &Event) {
        self.events += 1;
        for (key, value) in json::entries(event.text()).unwrap_or_default() {
            let Some(variable) = expression::variable(&key) else {
                continue;
            };
            self.count(variable.to_owned(), value);
            if !LISTS.contains(&variable) {
                continue;
            }
            for (name, value) in json::entries(value).unwrap_or_default() {
                self.count(format!("{variable}{}", step(&name)), value);
            }
        }
    }

    /// Number of events.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Whether it knows all fields of its events, and has any.
    pub(super) fn is_complete(&self) -> bool {
        self.events > 0 && self.fields.len() < MAX_FIELDS
    }

    /// Whether an event has the field.
    pub(super) fn has(&self, path: &str) -> bool {
        self.fields.contains_key(path)
    }

    /// The paths of all fields.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// Whether the field has values, and none of them is true or false.
    pub(super) fn is_never_boolean(&self, path: &str) -> bool {
        let is_boolean = |value: &String| matches!(value.as_str(), "true" | "false");
        let values = self.fields.get(path).map(|field| &field.values);
        values.is_some_and(|values| !values.is_empty() && !values.keys().any(is_boolean))
    }

    fn count(&mut self, path: String, value: &str) {
        if value == "null" || (self.fields.len() >= MAX_FIELDS && !self.fields.contains_key(&path))
        {
            return;
        }
        let field = self.fields.entry(path).or_default();
        field.count += 1;
        if value.len() > MAX_VALUE_BYTES {
            return;
        }
        let literal = match json::kind(value) {
            Kind::String => quoted(&json::string(value).unwrap_or_default()),
            Kind::Number | Kind::Bool => value.to_owned(),
            Kind::Null | Kind::Array | Kind::Object => return,
        };
        if field.values.len() < MAX_VALUES || field.values.contains_key(&literal) {
            *field.values.entry(literal).or_default() += 1;
        }
    }

    /// Completes `written`, the condition up to the cursor. None if nothing fits, or it is complete.
    pub fn complete(&self, written: &str) -> Option<Completion> {
        static VALUE: LazyLock<Regex> = LazyLock::new(|| {
            let of_a_field = r#"([A-Za-z_]\w*(?:\.\w+|\["[^"]*"\])*)"#;
            let compared = r#"\s*(?:==|!=|>=|<=|>|<)\s*("[^"]*|[\w.\-]*)$"#;
            Regex::new(&format!("{of_a_field}{compared}")).expect("the pattern is a constant")
        });
        static PROPERTY: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"([A-Za-z_]\w*)\.(\w*)$").expect("it is a constant"));
        static NAME: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?:^|[^\w.\]")])([A-Za-z_]\w*)$"#).expect("it is a constant")
        });
        let found = if let Some(found) = VALUE.captures(written) {
            let prefix = found.get(2)?;
            let field = self.fields.get(found.get(1)?.as_str())?;
            let values = field.values.iter().map(|(value, count)| Candidate {
                text: value.clone(),
                share: Some(percent(*count, field.count)),
            });
            choose(prefix.start(), prefix.as_str(), values)
        } else if is_in_string(written) {
            return None;
        } else if let Some(found) = PROPERTY.captures(written) {
            let (owner, prefix) = (found.get(1)?, found.get(2)?);
            // A property list is followed by a property; a string, by a function.
            let is_list =
                LISTS.contains(&owner.as_str()) && !written[..owner.start()].ends_with('.');
            if is_list {
                self.properties(owner.as_str(), owner.start(), prefix.as_str())
            } else {
                let functions = STRING_FUNCTIONS.iter().map(|name| Candidate {
                    text: format!("{name}("),
                    share: None,
                });
                choose(prefix.start(), prefix.as_str(), functions)
            }
        } else {
            let prefix = NAME.captures(written)?.get(1)?;
            self.names(prefix.start(), prefix.as_str())
        };
        let is_needed = match &found.candidates[..] {
            [] => false,
            [only] => only.text != written[found.start..],
            _ => true,
        };
        is_needed.then_some(found)
    }

    /// The properties of a list that begin with `prefix`. They replace the list too: a name that is no
    /// identifier needs brackets instead of the dot.
    fn properties(&self, list: &str, start: usize, prefix: &str) -> Completion {
        let of_list = |path: &&String| {
            let rest = path.strip_prefix(list);
            rest.is_some_and(|rest| {
                let name = rest.strip_prefix('.').or_else(|| rest.strip_prefix("[\""));
                name.is_some_and(|name| begins(name, prefix))
            })
        };
        let found = self.fields.iter().filter(|(path, _)| of_list(path));
        let candidates = found.map(|(path, field)| Candidate {
            text: path.clone(),
            share: Some(percent(field.count, self.events)),
        });
        choose(start, "", candidates)
    }

    /// The variables and functions that begin with `prefix`.
    fn names(&self, start: usize, prefix: &str) -> Completion {
        let share = |name: &str| {
            let field = self.fields.get(name);
            field.map(|field| percent(field.count, self.events))
        };
        let variables = VARIABLES.iter().map(|name| Candidate {
            text: (*name).to_owned(),
            share: share(name),
        });
        let functions = FUNCTIONS
            .iter()
            .filter(|name| !STRING_FUNCTIONS.contains(name))
            .map(|name| Candidate {
                text: format!("{name}("),
                share: None,
            });
        choose(start, prefix, variables.chain(functions))
    }
}

fn percent(count: u64, of: u64) -> f64 {
    count as f64 * 100.0 / of.max(1) as f64
}

/// Selects the candidates that begin with `prefix`: the most frequent first, then by name.
fn choose(start: usize, prefix: &str, all: impl Iterator<Item = Candidate>) -> Completion {
    let mut candidates: Vec<Candidate> = all.filter(|c| begins(&c.text, prefix)).collect();
    candidates.sort_by(|a, b| {
        let shares = b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0));
        shares.then_with(|| a.text.cmp(&b.text))
    });
    candidates.truncate(MAX_CANDIDATES);
    Completion { start, candidates }
}

/// Whether `text` begins with `prefix`, ignoring case.
fn begins(text: &str, prefix: &str) -> bool {
    let mut letters = text.chars().flat_map(char::to_lowercase);
    prefix
        .chars()
        .flat_map(char::to_lowercase)
        .all(|c| letters.next() == Some(c))
}

/// Whether a string literal is open at the end of `written`.
fn is_in_string(written: &str) -> bool {
    let mut open = false;
    let mut letters = written.chars();
    while let Some(c) = letters.next() {
        match c {
            '\\' if open => _ = letters.next(),
            '"' => open = !open,
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        for (n, plan) in ["pro", "pro", "free", "pro"].into_iter().enumerate() {
            catalog.add(&event(&format!(
                r#"{{"event_type":"Type {n}","user_id":"u","country":"Germany","event_properties":{{"plan":"{plan}","price":{n}.5,"odd name":true}},"user_properties":{{"team":{{"a":1}}}}}}"#
            )));
        }
        catalog.add(&event(
            r#"{"event_type":"Type 0","event_properties":{"platform":null}}"#,
        ));
        catalog
    }

    fn offered(written: &str) -> Vec<String> {
        let found = catalog().complete(written);
        let candidates = found.map_or_else(Vec::new, |found| found.candidates);
        let told = |c: Candidate| match c.share {
            Some(share) => format!("{} {share:.0}", c.text),
            None => c.text,
        };
        candidates.into_iter().map(told).collect()
    }

    #[test]
    fn names_properties_and_values_are_offered_where_they_fit() {
        for (written, expected) in [
            ("coun", vec!["country 80"]),
            ("has_user && event_pr", vec!["event_properties 100"]),
            ("up", vec!["upperAscii("]),
            ("event_properties.pl", vec!["event_properties.plan 80"]),
            (
                "x && event_properties.",
                vec![
                    "event_properties.plan 80",
                    "event_properties.price 80",
                    "event_properties[\"odd name\"] 80",
                ],
            ),
            (
                "event_properties.OD",
                vec!["event_properties[\"odd name\"] 80"],
            ),
            ("user_properties.t", vec!["user_properties.team 80"]),
            (
                "event_properties.plan == ",
                vec!["\"pro\" 75", "\"free\" 25"],
            ),
            ("event_properties.plan == \"f", vec!["\"free\" 25"]),
            ("event_properties.plan==\"PR", vec!["\"pro\" 75"]),
            ("event_properties.price > 2", vec!["2.5 25"]),
            ("event_properties[\"odd name\"] == t", vec!["true 100"]),
            (
                "event_type != ",
                vec![
                    "\"Type 0\" 40",
                    "\"Type 1\" 20",
                    "\"Type 2\" 20",
                    "\"Type 3\" 20",
                ],
            ),
            ("user_id.st", vec!["startsWith("]),
            // Complete, within a string, and unknown.
            ("country", vec![]),
            ("event_properties.plan == \"pro\"", vec![]),
            ("user_id.startsWith(\"coun", vec![]),
            ("event_properties.nobody == ", vec![]),
            ("", vec![]),
            ("3 > 2 ", vec![]),
        ] {
            assert_eq!(offered(written), expected, "{written}");
        }
    }

    #[test]
    fn a_candidate_replaces_the_text_from_the_start() {
        let catalog = catalog();
        for (written, whole) in [
            ("has_user && coun", "has_user && country"),
            ("event_properties.od", "event_properties[\"odd name\"]"),
            (
                "event_properties.plan == \"f",
                "event_properties.plan == \"free\"",
            ),
        ] {
            let found = catalog.complete(written).unwrap();
            let chosen = format!("{}{}", &written[..found.start], found.candidates[0].text);
            assert_eq!(chosen, whole);
        }
    }
}
