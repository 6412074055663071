//! Advice on a condition that compiles, but does not fit the recent events.

use std::sync::LazyLock;

use regex::Regex;

use super::catalog::{Catalog, LISTS};
use super::{CompileError, Condition};
use crate::text::grouped;

/// Advice on a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The sentence.
    pub text: String,
    /// Whether the condition can't be applied.
    pub refuses: bool,
}

/// The path of a property, as conditions write it.
static PROPERTY: LazyLock<Regex> = LazyLock::new(|| {
    let lists = LISTS.join("|");
    let pattern = format!(r#"\b(?:{lists})(?:\.[A-Za-z_]\w*|\["(?:[^"\\]|\\.)*"\])"#);
    Regex::new(&pattern).expect("the pattern is a constant")
});

/// Text in quotes.
static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"=\s*"(?:[^"\\]|\\.)*""#).expect("the pattern is a constant"));

/// The error of a condition, or else advice on it.
pub fn check(condition: &str, catalog: &Catalog) -> (Option<CompileError>, Option<Advice>) {
    match Condition::compile(condition) {
        Ok(_) => (None, advise(condition, catalog)),
        Err(error) => (Some(error), None),
    }
}

/// Advice on `condition` by the properties of the events in `catalog`. None if it fits them, or
/// nothing is known about them.
fn advise(condition: &str, catalog: &Catalog) -> Option<Advice> {
    if !catalog.is_complete() {
        return None;
    }
    let condition = condition.trim();
    let whole = PROPERTY.find(condition).map(|found| found.as_str());
    if whole == Some(condition) && catalog.is_never_boolean(condition) {
        return Some(Advice {
            text: format!("{condition} is not true or false in recent events: compare it"),
            refuses: true,
        });
    }
    // What is compared with may look like a path.
    let bare = QUOTED.replace_all(condition, "= ");
    let unknown = PROPERTY
        .find_iter(&bare)
        .map(|found| found.as_str())
        .find(|path| !catalog.has(path))?;
    let events = grouped(catalog.events());
    let hint = nearest(unknown, catalog)
        .map_or_else(String::new, |known| format!("; did you mean {known}?"));
    Some(Advice {
        text: format!("no event of the last {events} has {unknown}{hint}"),
        refuses: false,
    })
}

/// The most similar property of the same list, or the same property of another list.
fn nearest<'c>(unknown: &str, catalog: &'c Catalog) -> Option<&'c str> {
    let (list, name) = split(unknown)?;
    let paths = || {
        catalog
            .paths()
            .filter_map(|path| Some((path, split(path)?)))
    };
    let elsewhere = || paths().find(|(_, (_, other))| *other == name);
    let similar = paths().filter(|(_, (other, _))| *other == list);
    let nearest = similar
        .map(|(path, (_, known))| (strsim::damerau_levenshtein(known, name), path))
        .filter(|(distance, _)| *distance <= 3.min(name.chars().count() / 2))
        .min();
    nearest
        .map(|(_, path)| path)
        .or_else(|| elsewhere().map(|(path, _)| path))
}

/// The list of a path, and the rest.
fn split(path: &str) -> Option<(&str, &str)> {
    let at = path.find(['.', '['])?;
    Some(path.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;

    fn text(condition: &str) -> String {
        let mut catalog = Catalog::default();
        for n in 0..20 {
            let text = format!(
                r#"{{"event_type":"A","event_properties":{{"total":{n}.5,"odd name":1,"is_new":true}},"user_properties":{{"plan":"pro"}}}}"#
            );
            catalog.add(&event(&text));
        }
        advise(condition, &catalog).map_or_else(String::new, |advice| advice.text)
    }

    #[test]
    fn a_property_that_no_recent_event_has_gets_a_hint() {
        for (condition, expected) in [
            ("event_properties.total > 3.0", ""),
            (
                "event_properties.totl > 3.0",
                "no event of the last 20 has event_properties.totl; did you mean event_properties.total?",
            ),
            (
                "has_user && event_properties[\"odd nme\"] == 1",
                "no event of the last 20 has event_properties[\"odd nme\"]; did you mean event_properties[\"odd name\"]?",
            ),
            (
                "event_properties.plan == \"pro\"",
                "no event of the last 20 has event_properties.plan; did you mean user_properties.plan?",
            ),
            (
                "user_properties.something_else == 1",
                "no event of the last 20 has user_properties.something_else",
            ),
            ("event_type == \"event_properties.totl\"", ""),
            ("event_properties.is_new", ""),
            (
                "event_properties.total",
                "event_properties.total is not true or false in recent events: compare it",
            ),
        ] {
            assert_eq!(text(condition), expected, "{condition}");
        }
        assert_eq!(advise("event_properties.totl", &Catalog::default()), None);
    }
}
