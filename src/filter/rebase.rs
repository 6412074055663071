//! Changes of the filters that two people made from the same version, put together.

use super::change::Change;
use super::{Filters, Rule};

/// Makes the changes from `base` to `draft` on `onto`, which somebody else made from `base` too. What
/// only the other changed stays as the other left it; what both changed becomes what it is in `draft`.
pub fn rebase(base: &Filters, draft: &Filters, onto: &Filters) -> Filters {
    let mut result = onto.clone();
    if base.unseen_types != draft.unseen_types {
        result.unseen_types = draft.unseen_types;
    }
    for name in base.types.keys().chain(draft.types.keys()) {
        let (before, now) = (base.types.get(name), draft.types.get(name));
        if before == now {
            continue;
        }
        match now {
            Some(switch) => _ = result.types.insert(name.clone(), *switch),
            None => _ = result.types.remove(name),
        }
    }
    result.rules = rebase_rules(&base.rules, &draft.rules, &onto.rules);
    result
}

fn position(rules: &[Rule], name: &str) -> Option<usize> {
    rules.iter().position(|rule| rule.name == name)
}

fn rebase_rules(base: &[Rule], draft: &[Rule], onto: &[Rule]) -> Vec<Rule> {
    let mut result = onto.to_vec();
    let is_deleted =
        |rule: &Rule| position(base, &rule.name).is_some() && position(draft, &rule.name).is_none();
    result.retain(|rule| !is_deleted(rule));
    for (index, rule) in draft.iter().enumerate() {
        if position(base, &rule.name).is_some_and(|at| base[at] == *rule) {
            continue;
        }
        match position(&result, &rule.name) {
            Some(at) => result[at] = rule.clone(),
            None => {
                // Behind the nearest rule that is before it in the draft.
                let mut before = draft[..index].iter().rev();
                let behind = before.find_map(|rule| position(&result, &rule.name));
                result.insert(behind.map_or(0, |at| at + 1), rule.clone());
            }
        }
    }
    if is_reordered(base, draft) {
        put_in_order(&mut result, draft);
    }
    result
}

/// Whether the rules that both have are in another order.
fn is_reordered(base: &[Rule], draft: &[Rule]) -> bool {
    let common = draft.iter().filter_map(|rule| position(base, &rule.name));
    !common.is_sorted()
}

/// Puts the rules that are in `order` too into that order. The others keep their places.
fn put_in_order(rules: &mut [Rule], order: &[Rule]) {
    let is_ordered = |rule: &Rule| position(order, &rule.name).is_some();
    let places = rules
        .iter()
        .enumerate()
        .filter(|(_, rule)| is_ordered(rule));
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    let known = order.iter().filter_map(|rule| position(rules, &rule.name));
    let ordered: Vec<Rule> = known.map(|at| rules[at].clone()).collect();
    for (place, rule) in places.into_iter().zip(ordered) {
        rules[place] = rule;
    }
}

/// Whether two changes are of the same thing: a type, a rule, the toggle of unlisted types, the order.
pub fn is_of_the_same(one: &Change, other: &Change) -> bool {
    match (one, other) {
        (Change::UnseenTypes(_), Change::UnseenTypes(_))
        | (Change::Reordered, Change::Reordered) => true,
        (Change::Type { name: a, .. }, Change::Type { name: b, .. }) => a == b,
        _ => match (rule_name(one), rule_name(other)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

fn rule_name(change: &Change) -> Option<&str> {
    match change {
        Change::Added(rule) | Change::Removed(rule) | Change::Edited { now: rule, .. } => {
            Some(&rule.name)
        }
        Change::UnseenTypes(_) | Change::Type { .. } | Change::Reordered => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::filter::change::changes;
    use crate::filter::{RuleEffect, Switch};

    fn rule(name: &str, when: &str) -> Rule {
        Rule::new(name, RuleEffect::Exclude, when)
    }

    fn names(filters: &Filters) -> Vec<&str> {
        filters
            .rules
            .iter()
            .map(|rule| rule.name.as_str())
            .collect()
    }

    #[test]
    fn the_changes_of_both_are_kept_and_the_drafts_win() {
        let base = Filters {
            types: [("A".to_owned(), Switch::On), ("B".to_owned(), Switch::On)].into(),
            rules: vec![rule("one", "a"), rule("two", "b"), rule("three", "c")],
            ..Filters::default()
        };
        let mut draft = base.clone();
        draft.types.insert("A".to_owned(), Switch::Off);
        draft.rules[1].when = "mine".to_owned();
        draft.rules.remove(2);
        draft.rules.insert(1, rule("mine", "d"));
        let mut theirs = base.clone();
        theirs.types.insert("B".to_owned(), Switch::Off);
        theirs.rules[0].on = false;
        theirs.rules[1].when = "theirs".to_owned();
        theirs.rules.push(rule("theirs", "e"));
        let both = rebase(&base, &draft, &theirs);
        let off = [("A".to_owned(), Switch::Off), ("B".to_owned(), Switch::Off)];
        assert_eq!(both.types, off.into());
        assert_eq!(names(&both), ["one", "mine", "two", "theirs"]);
        assert!(!both.rules[0].on, "only the other changed it");
        assert_eq!(both.rules[2].when, "mine", "both changed it");
        let (mine, other) = (changes(&base, &draft), changes(&base, &theirs));
        let shared = |change: &&Change| other.iter().any(|o| is_of_the_same(o, change));
        let shared: Vec<String> = mine.iter().filter(shared).map(Change::to_string).collect();
        assert_eq!(shared, ["rule “two” when mine"]);
    }

    #[test]
    fn an_order_that_the_draft_changed_is_the_drafts() {
        let base = Filters {
            rules: vec![rule("one", "a"), rule("two", "b")],
            ..Filters::default()
        };
        let mut draft = base.clone();
        draft.rules.swap(0, 1);
        let mut theirs = base.clone();
        theirs.rules.insert(1, rule("theirs", "c"));
        let both = rebase(&base, &draft, &theirs);
        assert_eq!(names(&both), ["two", "theirs", "one"]);
        // A rule that the other deleted and the draft left alone stays deleted.
        theirs.rules.remove(0);
        assert_eq!(names(&rebase(&base, &draft, &theirs)), ["theirs", "two"]);
    }

    fn any_filters() -> impl Strategy<Value = Filters> {
        let switch = || any::<bool>().prop_map(Switch::from);
        let types = prop::collection::btree_map("[A-D]", switch(), 0..4);
        let rules = prop::collection::btree_map("[r-u]", "[x-z]", 0..4);
        let rules = rules.prop_map(|all| {
            let made = all.iter().map(|(name, when)| rule(name, when));
            made.collect::<Vec<_>>()
        });
        (switch(), types, rules.prop_shuffle()).prop_map(|(unseen_types, types, rules)| Filters {
            unseen_types,
            types,
            rules,
        })
    }

    proptest! {
        #[test]
        fn one_who_changes_alone_gets_their_own(base in any_filters(), draft in any_filters()) {
            prop_assert_eq!(&rebase(&base, &draft, &base), &draft);
            prop_assert_eq!(&rebase(&base, &base, &draft), &draft);
        }

        #[test]
        fn no_change_of_either_is_lost(
            base in any_filters(),
            draft in any_filters(),
            theirs in any_filters(),
        ) {
            let both = rebase(&base, &draft, &theirs);
            for name in ["A", "B", "C", "D"] {
                let [was, mine, other, now] =
                    [&base, &draft, &theirs, &both].map(|of| of.types.get(name));
                prop_assert_eq!(now, if mine == was { other } else { mine });
            }
            for name in ["r", "s", "t", "u"] {
                let [was, mine, other, now] = [&base, &draft, &theirs, &both]
                    .map(|of| of.rules.iter().find(|rule| rule.name == name));
                prop_assert_eq!(now, if mine == was { other } else { mine });
            }
        }
    }
}
