//! The differences of two sets of filters, for the preview, the log and the undo.

use std::collections::BTreeSet;
use std::fmt;

use crate::text::counted;

use super::{Filters, Rule, RuleEffect, Switch};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The toggle of unlisted event types.
    UnseenTypes(Switch),
    /// The toggle of an event type.
    Type {
        /// Its name.
        name: String,
        /// The new toggle.
        now: Switch,
    },
    /// A new rule.
    Added(Rule),
    /// A deleted rule.
    Removed(Rule),
    /// A rule that changed under the same name.
    Edited {
        /// The old rule.
        before: Rule,
        /// The new rule.
        now: Rule,
    },
    /// The rules are in another order.
    Reordered,
}

/// Returns the changes from `before` to `now`, in the order in which the screen shows them.
pub fn changes(before: &Filters, now: &Filters) -> Vec<Change> {
    changes_among(before, now, [])
}

/// Returns the changes from `before` to `now`, also those of the event types in `seen` that neither
/// lists: the toggle of unlisted types changes each of them.
pub fn changes_among<'s>(
    before: &'s Filters,
    now: &'s Filters,
    seen: impl IntoIterator<Item = &'s str>,
) -> Vec<Change> {
    let mut found = Vec::new();
    if before.unseen_types != now.unseen_types {
        found.push(Change::UnseenTypes(now.unseen_types));
    }
    let listed = before.types.keys().chain(now.types.keys());
    let names: BTreeSet<&str> = listed.map(String::as_str).chain(seen).collect();
    for name in names {
        if before.selects(name) != now.selects(name) {
            found.push(Change::Type {
                name: name.to_owned(),
                now: now.selects(name).into(),
            });
        }
    }
    let find = |rules: &[Rule], name: &str| rules.iter().find(|r| r.name == name).cloned();
    for rule in &now.rules {
        match find(&before.rules, &rule.name) {
            None => found.push(Change::Added(rule.clone())),
            Some(old) if old != *rule => found.push(Change::Edited {
                before: old,
                now: rule.clone(),
            }),
            Some(_) => {}
        }
    }
    let gone = |rule: &&Rule| find(&now.rules, &rule.name).is_none();
    let removed = before.rules.iter().filter(gone).cloned();
    found.extend(removed.map(Change::Removed));
    if is_reordered(before, now) {
        found.push(Change::Reordered);
    }
    found
}

/// Reverts in `now` the changes from `before` to `after` that `now` still has. Other changes stay.
pub fn revert(now: &Filters, before: &Filters, after: &Filters) -> Filters {
    let mut back = now.clone();
    if before.unseen_types != after.unseen_types && now.unseen_types == after.unseen_types {
        back.unseen_types = before.unseen_types;
    }
    for name in before.types.keys().chain(after.types.keys()) {
        let (old, new) = (before.selects(name), after.selects(name));
        if old != new && now.selects(name) == new {
            back.types.insert(name.clone(), old.into());
        }
    }
    let find = |rules: &[Rule], name: &str| rules.iter().position(|r| r.name == name);
    for rule in &after.rules {
        let Some(place) = find(&back.rules, &rule.name) else {
            continue;
        };
        if back.rules[place] != *rule {
            continue;
        }
        match find(&before.rules, &rule.name) {
            Some(old) => back.rules[place] = before.rules[old].clone(),
            None => _ = back.rules.remove(place),
        }
    }
    for (place, rule) in before.rules.iter().enumerate() {
        let is_gone = find(&after.rules, &rule.name).is_none();
        if is_gone && find(&back.rules, &rule.name).is_none() {
            let place = place.min(back.rules.len());
            back.rules.insert(place, rule.clone());
        }
    }
    back
}

/// Whether the rules that both have are in another order.
fn is_reordered(before: &Filters, now: &Filters) -> bool {
    let common = |of: &Filters, other: &Filters| -> Vec<String> {
        let in_both = |rule: &&Rule| other.rules.iter().any(|r| r.name == rule.name);
        let rules = of.rules.iter().filter(in_both);
        rules.map(|rule| rule.name.clone()).collect()
    };
    common(before, now) != common(now, before)
}

/// Describes the first few changes, and the number of others, in one line.
pub fn summary(changes: &[Change]) -> String {
    const MAX_SHOWN: usize = 3;
    let shown = changes.iter().take(MAX_SHOWN);
    let shown: Vec<String> = shown.map(Change::to_string).collect();
    match changes.len() {
        0 => "nothing is changed".to_owned(),
        count if count > MAX_SHOWN => {
            format!("{}, and {} more", shown.join(", "), count - MAX_SHOWN)
        }
        _ => shown.join(", "),
    }
}

/// Counts the changes by their kind: `28 types, new types, 1 rule`.
pub fn tally(changes: &[Change]) -> String {
    let count = |is: fn(&Change) -> bool| changes.iter().filter(|c| is(c)).count() as u64;
    let types = count(|c| matches!(c, Change::Type { .. }));
    let unseen = count(|c| matches!(c, Change::UnseenTypes(_)));
    let reordered = count(|c| matches!(c, Change::Reordered));
    let rules = changes.len() as u64 - types - unseen - reordered;
    let parts = [
        (types, counted(types, "type")),
        (unseen, "new types".to_owned()),
        (rules, counted(rules, "rule")),
        (reordered, "order of rules".to_owned()),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(count, text)| (count > 0).then_some(text))
        .collect();
    parts.join(", ")
}

fn word(switch: Switch) -> &'static str {
    match switch {
        Switch::On => "on",
        Switch::Off => "off",
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnseenTypes(now) => write!(f, "new types {}", word(*now)),
            Self::Type { name, now } if name.is_empty() => {
                write!(f, "events without a name {}", word(*now))
            }
            Self::Type { name, now } => write!(f, "{name} {}", word(*now)),
            Self::Added(rule) => {
                let off = if rule.on { "" } else { ", off" };
                write!(
                    f,
                    "new rule “{}”: {} {}{off}",
                    rule.name,
                    verb(rule.effect),
                    rule.when
                )
            }
            Self::Removed(rule) => write!(f, "rule “{}” deleted", rule.name),
            Self::Edited { before, now } => {
                write!(f, "rule “{}” ", now.name)?;
                let mut parts = Vec::new();
                if before.on != now.on {
                    parts.push(word(now.on.into()).to_owned());
                }
                if before.effect != now.effect {
                    parts.push(format!("now {}", verb(now.effect)));
                }
                if before.when != now.when {
                    parts.push(format!("when {}", now.when));
                }
                if before.sample.total_cmp(&now.sample).is_ne() {
                    parts.push(format!("for {} % of persons", now.sample));
                }
                if before.note != now.note {
                    parts.push("with another note".to_owned());
                }
                f.write_str(&parts.join(", "))
            }
            Self::Reordered => f.write_str("rules in another order"),
        }
    }
}

fn verb(effect: RuleEffect) -> &'static str {
    match effect {
        RuleEffect::Exclude => "excludes",
        RuleEffect::Include => "includes only",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, when: &str) -> Rule {
        Rule::new(name, RuleEffect::Exclude, when)
    }

    #[test]
    fn each_difference_is_described_once() {
        let before = Filters {
            unseen_types: Switch::On,
            types: [("A".to_owned(), Switch::Off), ("B".to_owned(), Switch::On)].into(),
            rules: vec![rule("one", "a"), rule("two", "b"), rule("three", "c")],
        };
        assert_eq!(changes(&before, &before), []);
        let mut now = before.clone();
        now.types.insert("A".to_owned(), Switch::On);
        // A toggle that equals that of unlisted types is no change.
        now.types.insert("C".to_owned(), Switch::On);
        now.rules.swap(0, 1);
        now.rules[0].on = false;
        now.rules[0].sample = 10.0;
        now.rules.remove(2);
        now.rules.push(rule("four", "d"));
        let described: Vec<String> = changes(&before, &now)
            .iter()
            .map(Change::to_string)
            .collect();
        assert_eq!(
            described,
            [
                "A on",
                "rule “two” off, for 10 % of persons",
                "new rule “four”: excludes d",
                "rule “three” deleted",
                "rules in another order",
            ]
        );
        assert_eq!(
            summary(&changes(&before, &now)),
            "A on, rule “two” off, for 10 % of persons, new rule “four”: excludes d, and 2 more"
        );
    }

    #[test]
    fn a_change_is_reverted_without_the_changes_since() {
        let types = |all: &[(&str, bool)]| {
            let switched = all
                .iter()
                .map(|(name, on)| ((*name).to_owned(), (*on).into()));
            switched.collect()
        };
        let before = Filters {
            unseen_types: Switch::On,
            types: types(&[("A", true), ("B", true)]),
            rules: vec![rule("one", "a"), rule("two", "b")],
        };
        let mut after = before.clone();
        after.unseen_types = Switch::Off;
        after.types = types(&[("A", false), ("B", false)]);
        after.rules[0].when = "c".to_owned();
        after.rules.remove(1);
        after.rules.push(rule("three", "d"));
        assert_eq!(revert(&after, &before, &after), before);
        // Since then B was switched on again, "one" was changed, and a rule was added.
        let mut now = after.clone();
        now.types.insert("B".to_owned(), Switch::On);
        now.types.insert("C".to_owned(), Switch::Off);
        now.rules[0].on = false;
        now.rules.push(rule("four", "e"));
        let back = revert(&now, &before, &after);
        assert_eq!(back.types, types(&[("A", true), ("B", true), ("C", false)]));
        let names: Vec<&str> = back.rules.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["one", "two", "four"]);
        assert!(!back.rules[0].on && back.rules[0].when == "c");
        // Nothing is left to revert.
        assert_eq!(revert(&before, &before, &after), before);
    }

    #[test]
    fn the_reverse_change_is_described_too() {
        let before = Filters::default();
        let mut now = before.clone();
        now.unseen_types = Switch::Off;
        assert_eq!(summary(&changes(&before, &now)), "new types off");
        assert_eq!(summary(&changes(&now, &before)), "new types on");
        assert_eq!(summary(&[]), "nothing is changed");
    }

    #[test]
    fn types_that_are_listed_nowhere_change_with_the_toggle_of_unlisted_types() {
        let before = Filters {
            types: [("A".to_owned(), Switch::Off)].into(),
            ..Filters::default()
        };
        let mut now = before.clone();
        now.unseen_types = Switch::Off;
        now.rules.push(rule("one", "a"));
        let found = changes_among(&before, &now, ["A", "B", "C"]);
        assert_eq!(summary(&found), "new types off, B off, C off, and 1 more");
        assert_eq!(tally(&found), "2 types, new types, 1 rule");
        assert_eq!(tally(&changes(&before, &now)), "new types, 1 rule");
        assert_eq!(tally(&[]), "");
    }
}
