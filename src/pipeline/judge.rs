//! Judging events: each is mapped, measured against the limits, and decided by the gate.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::amplitude::{Event, Malformed, Reading, time};
use crate::config::Settings;
use crate::customerio::Item;
use crate::customerio::mapping::{IdentifyItem, Mapped, Mapping};
use crate::delivery::{Accepted, Part};
use crate::filter::{BlockedBy, Decision, Gate, Mode};
use crate::limits::{
    Policies, Policy, Subject, Violation, {self},
};
use crate::protocol::{Content, Outcome, Record, Story};

/// What events are judged by beside the gate: it changes as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeRules {
    /// What events become.
    pub mapping: Mapping,
    /// What breaking each limit does.
    pub policies: Policies,
}

impl JudgeRules {
    /// Those of these settings.
    pub fn of(settings: &Settings) -> Self {
        Self {
            mapping: settings.mapping.clone(),
            policies: settings.limits.clone(),
        }
    }
}

/// Checks, decides and maps events, one after the other.
#[derive(Debug)]
pub struct Judge {
    gate: Arc<ArcSwap<Gate>>,
    current: Arc<Gate>,
    shared_rules: Arc<ArcSwap<JudgeRules>>,
    rules: Arc<JudgeRules>,
    sequence: u64,
    accepted: Window,
    names: FxHashMap<Box<str>, Arc<str>>,
    /// The user properties that were sent last, by person.
    sent_properties: FxHashMap<u64, u64>,
    buffer: Vec<u8>,
}

/// Dedupe ids are remembered for about as many events as the ring holds, an event being 1 to
/// 2 kB, and for so many at least.
const DUPLICATES: usize = 65_536;
/// Names and persons are remembered up to so many; then they are learned anew.
const REMEMBERED: usize = 100_000;

impl Judge {
    /// A judge that asks `gate`, and goes by `rules`.
    pub fn new(
        gate: Arc<ArcSwap<Gate>>,
        rules: Arc<ArcSwap<JudgeRules>>,
        settings: &Settings,
    ) -> Self {
        Self {
            current: gate.load_full(),
            gate,
            rules: rules.load_full(),
            shared_rules: rules,
            sequence: 0,
            accepted: Window::new(Self::remembers(settings)),
            names: FxHashMap::default(),
            sent_properties: FxHashMap::default(),
            buffer: Vec::new(),
        }
    }

    /// Remembers dedupe ids that were accepted before this run.
    pub fn remember(&mut self, ids: impl IntoIterator<Item = u128>) {
        ids.into_iter().for_each(|id| self.accepted.remember(id));
    }

    /// How many accepted events a judge remembers, by these settings.
    pub fn remembers(settings: &Settings) -> usize {
        (settings.screen.ring_bytes / 1_024).max(DUPLICATES)
    }

    /// Takes up the gate and the rules that are in force now.
    pub fn begin(&mut self) {
        self.current = self.gate.load_full();
        self.rules = self.shared_rules.load_full();
    }

    /// Judges an event; what is to be sent of it is added to `items`.
    pub fn judge(&mut self, event: Event, items: &mut Vec<Accepted>) -> Record {
        self.sequence += 1;
        let received_ms = event.received_ms();
        let event_type = self.name(event.event_type().unwrap_or_default().trim());
        let (decision, violations, sent) = self.decide(&event, &event_type, items);
        let outcome = match (&decision, sent) {
            (Decision::Accepted, true) => Outcome::OnItsWay,
            (Decision::Accepted, false) => Outcome::DryRun,
            _ => Outcome::NotSent,
        };
        Record {
            sequence: self.sequence,
            received_ms,
            content: Content::Event { event, event_type },
            story: Story {
                decision: Some(decision),
                violations,
                attempts: Vec::new(),
                outcome,
            },
        }
    }

    pub(super) fn malformed(
        &mut self,
        malformed: Malformed,
        text: bytestring::ByteString,
        received_ms: time::UnixMs,
    ) -> Record {
        self.sequence += 1;
        Record {
            sequence: self.sequence,
            received_ms,
            content: Content::Malformed { malformed, text },
            story: Story {
                decision: None,
                violations: Vec::new(),
                attempts: Vec::new(),
                outcome: Outcome::NotSent,
            },
        }
    }

    fn decide(
        &mut self,
        event: &Event,
        event_type: &Arc<str>,
        items: &mut Vec<Accepted>,
    ) -> (Decision, Vec<Violation>, bool) {
        let reading = Reading::new(event);
        let rules = self.rules.clone();
        let mapped = rules
            .mapping
            .map(&reading, std::mem::take(&mut self.buffer));
        let item = mapped.item();
        let mut subject = Subject::new(&reading, &mapped, &rules.mapping, event.received_ms());
        subject.route = item.as_ref().map(|item| &item.route);
        subject.seen_before = self.accepted.holds(mapped.id.into());
        let violations = limits::check(&subject, &rules.policies);
        let held_back = self
            .current
            .blocked_by(&reading, event_type, rules.mapping.send_users);
        let decision = decision(held_back, &violations);
        let open = decision == Decision::Accepted && self.current.mode() == Mode::Open;
        let before = items.len();
        if open {
            self.accepted.remember(mapped.id.into());
            let identify = identify_of(&subject);
            self.accept(&mapped, event, event_type, (item, identify), items);
        }
        self.buffer = mapped.attributes;
        if open && items.len() == before {
            // An update that sets nothing that Customer.io takes.
            return (
                Decision::Filtered {
                    by: BlockedBy::PropertyUpdate,
                },
                violations,
                false,
            );
        }
        (decision, violations, open)
    }

    fn accept(
        &mut self,
        mapped: &Mapped<'_>,
        event: &Event,
        event_type: &Arc<str>,
        (item, identify): (Option<Item>, Option<IdentifyItem>),
        items: &mut Vec<Accepted>,
    ) {
        let accepted = |item, part, sequence| Accepted {
            item,
            sequence,
            part,
            event_type: event_type.clone(),
            happened_ms: mapped.time.clone().unwrap_or_default(),
            received_ms: event.received_ms(),
        };
        let update = mapped.name == "$identify";
        if let Some(identify) = identify
            && (self.sets_anything_new(&identify) || update)
        {
            // An update is the identify itself: its outcome is the event's.
            let part = if update { Part::Event } else { Part::Identify };
            items.push(accepted(identify.item, part, self.sequence));
        }
        if let Some(item) = item.filter(|_| !update) {
            items.push(accepted(item, Part::Event, self.sequence));
        }
    }

    /// Whether an identify sets something else than the last one of the same person.
    fn sets_anything_new(&mut self, identify: &IdentifyItem) -> bool {
        if self.sent_properties.len() > REMEMBERED {
            self.sent_properties.clear();
        }
        let last = self
            .sent_properties
            .insert(identify.item.person, identify.sets);
        last != Some(identify.sets)
    }

    /// The event type as one text that all its events share.
    fn name(&mut self, event_type: &str) -> Arc<str> {
        if let Some(name) = self.names.get(event_type) {
            return name.clone();
        }
        if self.names.len() > REMEMBERED {
            self.names.clear();
        }
        let name: Arc<str> = event_type.into();
        self.names.insert(event_type.into(), name.clone());
        name
    }
}

/// The identify that goes along with an event, where the settings ask for one.
fn identify_of(subject: &Subject<'_, '_>) -> Option<IdentifyItem> {
    let mapping = subject.mapping;
    if !mapping.send_users && !mapping.links_anonymous() {
        return None;
    }
    subject
        .mapped
        .identify_item(mapping, subject.identify(), subject.reading)
}

/// The filters speak first: what the operator holds back is filtered, whatever limits it
/// breaks. A limit rejects only what would have gone.
fn decision(held_back: Option<BlockedBy>, violations: &[Violation]) -> Decision {
    let rejecting = violations.iter().find(|v| v.policy == Policy::Reject);
    match (held_back, rejecting) {
        (Some(by), None) => Decision::Filtered { by },
        (Some(by), Some(_)) if by != BlockedBy::Shut => Decision::Filtered { by },
        (_, Some(violation)) => Decision::Rejected {
            code: violation.code,
        },
        (None, None) => Decision::Accepted,
    }
}

/// The dedupe ids that were accepted last.
#[derive(Debug)]
struct Window {
    ids: FxHashSet<u128>,
    order: VecDeque<u128>,
    most: usize,
}

impl Window {
    fn new(most: usize) -> Self {
        Self {
            ids: FxHashSet::default(),
            order: VecDeque::new(),
            most,
        }
    }

    fn holds(&self, id: u128) -> bool {
        self.ids.contains(&id)
    }

    fn remember(&mut self, id: u128) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use crate::limits::Code;
    use crate::telemetry::counters::Counters;

    fn judge(change: impl FnOnce(&mut Settings)) -> Judge {
        let mut settings = Settings {
            gate: Mode::Open,
            ..Settings::default()
        };
        change(&mut settings);
        let gate = Gate::new(settings.gate, settings.filters()).unwrap();
        let rules = Arc::new(ArcSwap::from_pointee(JudgeRules::of(&settings)));
        Judge::new(Arc::new(ArcSwap::from_pointee(gate)), rules, &settings)
    }

    fn decide(judge: &mut Judge, text: &str) -> (Decision, Vec<Accepted>) {
        let mut items = Vec::new();
        let record = judge.judge(event(text), &mut items);
        (record.story.decision.unwrap(), items)
    }

    fn by(user: &str, plan: &str) -> String {
        format!(
            r#"{{"event_type":"Step","user_id":"{user}","insert_id":"{user}{plan}","time":1800000000000,"user_properties":{{"plan":"{plan}"}}}}"#
        )
    }

    #[test]
    fn an_event_is_a_duplicate_only_of_one_that_was_forwarded() {
        let mut open = judge(|_| {});
        assert_eq!(decide(&mut open, &by("u", "a")).0, Decision::Accepted);
        assert_eq!(
            decide(&mut open, &by("u", "a")).0,
            Decision::Rejected {
                code: Code::Duplicate
            }
        );
        let mut dry = judge(|s| s.gate = Mode::DryRun);
        for _ in 0..2 {
            let (decision, items) = decide(&mut dry, &by("u", "a"));
            assert_eq!((decision, items.len()), (Decision::Accepted, 0));
        }
    }

    #[test]
    fn what_the_operator_holds_back_is_filtered_whatever_it_breaks() {
        let broken = by("null", "a");
        let mut off = judge(|s| _ = s.types.insert("Step".to_owned(), false.into()));
        assert_eq!(
            decide(&mut off, &broken).0,
            Decision::Filtered {
                by: BlockedBy::Type
            }
        );
        let mut shut = judge(|s| s.gate = Mode::Shut);
        assert_eq!(
            decide(&mut shut, &broken).0,
            Decision::Rejected {
                code: Code::IdInvalid
            }
        );
        let mut counters = Counters::default();
        for judge in [&mut off, &mut shut] {
            counters.count(&judge.judge(event(&broken), &mut Vec::new()));
        }
        assert_eq!(
            (counters.totals.violations, counters.totals.rejected),
            (1, 1)
        );
    }

    #[test]
    fn with_send_users_an_identify_goes_along_only_when_properties_changed() {
        let mut sending = judge(|s| s.mapping.send_users = true);
        let mut parts = |text: &str| {
            decide(&mut sending, text)
                .1
                .iter()
                .map(|q| q.part)
                .collect::<Vec<_>>()
        };
        assert_eq!(parts(&by("u", "free")), [Part::Identify, Part::Event]);
        let again = by("u", "free").replace("ufree", "other");
        assert_eq!(parts(&again), [Part::Event]);
        assert_eq!(parts(&by("u", "pro")), [Part::Identify, Part::Event]);
        assert_eq!(parts(&by("v", "pro")), [Part::Identify, Part::Event]);
        let update = by("u", "team").replace("Step", "$identify");
        assert_eq!(
            parts(&update),
            [Part::Event],
            "an update is the identify itself"
        );
    }

    #[test]
    fn json_that_is_nested_deeper_than_the_stack_does_no_harm() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        let text = by("u", "a").replace(r#""plan":"a""#, &format!(r#""plan":{deep}"#));
        let mut unix = judge(|s| {
            s.mapping.dates = crate::customerio::mapping::Dates::Unix;
            let (effect, when) = (
                crate::filter::RuleEffect::Exclude,
                "size(user_properties.plan) > 3",
            );
            s.rules = vec![crate::filter::Rule::new("deep", effect, when)];
        });
        assert!(matches!(
            decide(&mut unix, &text).0,
            Decision::Rejected {
                code: Code::EventDataTooLarge
            }
        ));
        let objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
        let text = by("u", "b").replace(r#""plan":"b""#, &format!(r#""plan":{objects}"#));
        assert!(matches!(
            decide(&mut unix, &text).0,
            Decision::Rejected {
                code: Code::EventDataTooLarge
            }
        ));
        crate::tui::widget::json::lines(&text, &std::collections::BTreeSet::new());
    }
}
