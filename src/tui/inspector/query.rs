//! Everything about one event: its history, its request, and the reasons why it was not sent.

use std::collections::BTreeSet;

use ulid::Ulid;

use crate::amplitude::Reading;
use crate::customerio::Mapping;
use crate::customerio::Route;
use crate::filter::explain::{RuleExplanation, blockers, explain};
use crate::filter::{BlockedBy, Decision, Filters, Mode};
use crate::limits::{Code, Policy};
use crate::protocol::Record;
use crate::tui::widget::json;

/// An inspected event.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The event and its history.
    pub record: Record,
    /// The mapped request, sent or not.
    pub mapped: String,
    /// The route of the request, if the event can be sent.
    pub route: Option<Route>,
    /// The dedupe ID of the request, if the event can be sent.
    pub id: Option<Ulid>,
    /// The rule that filtered it out, with the values of its condition.
    pub rule: Option<RuleExplanation>,
    /// The filters that would filter it out now.
    pub in_the_way: Vec<BlockedBy>,
    /// The limits that reject it.
    pub too_much: Vec<Code>,
    /// The filters and the mode that this is based on.
    by: (Filters, Option<Mode>),
}

impl Inspected {
    /// Inspects an event under the active filters and mode.
    pub fn of(record: Record, filters: &Filters, mode: Option<Mode>, mapping: &Mapping) -> Self {
        let too_much = record.story.violations.iter();
        let too_much = too_much.filter(|v| v.policy == Policy::Reject);
        let mut found = Self {
            mapped: "\"nothing: this is not an event\"".to_owned(),
            route: None,
            id: None,
            rule: None,
            in_the_way: Vec::new(),
            too_much: too_much.map(|v| v.code).collect(),
            by: (filters.clone(), mode),
            record,
        };
        let Some(event) = found.record.event() else {
            return found;
        };
        let reading = Reading::new(event);
        let item = mapping.map(&reading, Vec::new()).item();
        let rule = match &found.record.story.decision {
            Some(Decision::Filtered {
                by: BlockedBy::Rule { name, .. },
            }) => explain(filters, name, &reading),
            _ => None,
        };
        let event_type = found.record.event_type();
        let send_users = mapping.send_users;
        let in_the_way = blockers(filters, mode, send_users, event_type, &reading);
        match item {
            Some(item) => {
                found.mapped = String::from_utf8_lossy(&item.body).into_owned();
                found.route = Some(item.route);
                found.id = Some(item.id);
            }
            None => {
                let message = "\"nothing: it can't be sent without a person and a time\"";
                found.mapped = message.to_owned();
            }
        }
        found.rule = rule;
        found.in_the_way = in_the_way;
        found
    }

    /// Whether this is based on these filters and this mode.
    pub fn is_by(&self, filters: &Filters, mode: Option<Mode>) -> bool {
        self.by.0 == *filters && self.by.1 == mode
    }

    /// The path in the request of the value at `path` in the event. None if it is not sent.
    pub fn sent_as(&self, path: &str) -> Option<String> {
        let (first, rest) = match path.find(['.', '[']) {
            Some(at) => path.split_at(at),
            None => (path, ""),
        };
        let below = |folder: &str| format!("{folder}{rest}");
        let candidates = match first {
            "event_properties" => vec![below("attributes")],
            "event_type" => vec!["name".to_owned()],
            "user_id" | "device_id" => vec![
                "identifiers.id".to_owned(),
                "identifiers.email".to_owned(),
                "anonymous_id".to_owned(),
                format!("attributes.{path}"),
            ],
            "event_time" | "client_event_time" | "time" => vec!["timestamp".to_owned()],
            _ => vec![format!("attributes.{path}")],
        };
        let lines = json::lines(&self.mapped, &BTreeSet::new());
        let there = |wanted: &String| lines.iter().any(|line| line.path == *wanted);
        // The v1 API uses other names.
        let v1 = |wanted: &String| wanted.replacen("attributes", "data", 1);
        candidates
            .into_iter()
            .flat_map(|wanted| [v1(&wanted), wanted])
            .find(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Rule, RuleEffect};
    use crate::protocol::Outcome;
    use crate::protocol::tests_support::record;

    #[test]
    fn an_event_tells_where_its_values_go_and_what_is_in_their_way() {
        let text = r#"{"event_type":"Purchase","user_id":"u-1","insert_id":"1","time":1800000000000,"library":"x","event_properties":{"total":{"eur":[1,2]}},"user_properties":{"plan":"pro"}}"#;
        let filters = Filters {
            rules: vec![Rule::new("all", RuleEffect::Exclude, "has_user")],
            ..Filters::default()
        };
        let by = BlockedBy::Rule {
            number: 1,
            name: "all".into(),
        };
        let decision = Decision::Filtered { by: by.clone() };
        let record = record(1, text, decision, Outcome::NotSent);
        let found = Inspected::of(record, &filters, Some(Mode::Open), &Mapping::default());
        for (path, expected) in [
            (
                "event_properties.total.eur[1]",
                Some("attributes.total.eur[1]"),
            ),
            (
                "user_properties.plan",
                Some("attributes.user_properties.plan"),
            ),
            ("user_id", Some("identifiers.id")),
            ("event_type", Some("name")),
            ("time", Some("timestamp")),
            ("library", None),
        ] {
            assert_eq!(found.sent_as(path).as_deref(), expected, "{path}");
        }
        assert_eq!(found.in_the_way, [by]);
        assert_eq!(found.rule.unwrap().parts[0].text, "has_user");
    }
}
