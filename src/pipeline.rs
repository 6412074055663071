//! The pipeline: it wires the stages into tasks, and owns start, drain and shutdown.
//!
//! ```text
//! feed ──frames──▶ intake ──items──▶ dispatch ──▶ Customer.io
//!                    └──records──▶ observer ◀──answers──┘
//! ```
//! Every arrow is a bounded channel. Where delivery can't go on, items wait, then frames wait,
//! then the feed is not read: nothing is dropped on the way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::amplitude::{Event, Malformed, Reading, frame, time};
use crate::config::Settings;
use crate::customerio::mapping::{Mapped, Mapping};
use crate::customerio::{Client, Item};
use crate::delivery::{Control, Dispatch, Part, Queued, Standing};
use crate::feed::{Feed, FeedStatus, Frame, Link, MessageId};
use crate::filter::gate::RuleError;
use crate::filter::{By, Decision, Gate, Mode};
use crate::limits::{self, Policies, Policy, Subject, Violation};
use crate::protocol::{Command, Content, Outcome, Record, Snapshot, Story};
use crate::telemetry::dead_letters::DeadLetters;
use crate::telemetry::observer::{Observer, Sources, TakenIn};
use crate::telemetry::ring::SharedRing;

/// So many frames are taken in before what came of them is passed on.
const HANDFUL: usize = 64;
/// So much of a malformed frame is kept to look at, in bytes.
const MALFORMED_BYTES: usize = 2_000;

/// What a screen, or a command, holds of a running pipeline.
#[derive(Debug, Clone)]
pub struct Handle {
    gate: Arc<ArcSwap<Gate>>,
    changing: Arc<Mutex<()>>,
    control: mpsc::Sender<Control>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    ring: SharedRing,
    dead_letters: DeadLetters,
    mapping: Mapping,
}

/// A running pipeline.
#[derive(Debug)]
pub struct Pipeline {
    handle: Handle,
    stop: CancellationToken,
    feed: JoinHandle<()>,
    intake: JoinHandle<Vec<Queued>>,
    dispatch: JoinHandle<Vec<Queued>>,
    observer: JoinHandle<()>,
}

/// How a pipeline ended.
#[derive(Debug)]
pub struct Ended {
    /// How everything stood at the end.
    pub last: Arc<Snapshot>,
    /// What was accepted and not settled.
    pub left: Vec<Queued>,
}

impl Pipeline {
    /// Starts everything. Fails only if a rule does not compile.
    pub fn start(
        settings: &Settings,
        feed: Box<dyn Feed>,
        client: Arc<Client>,
    ) -> Result<Self, RuleError> {
        let gate = Arc::new(ArcSwap::from_pointee(Gate::new(
            settings.gate,
            settings.filters(),
        )?));
        let ring = SharedRing::new(settings.screen.ring_bytes);
        let dead_letters = DeadLetters::new(settings.delivery.dead_letter_bytes);
        let stop = CancellationToken::new();

        let (last_received, resume_from) = watch::channel(None);
        let (safe, acknowledge) = watch::channel(None);
        let (status, feed_status) = watch::channel(FeedStatus::default());
        let (link, frames) = Link::new(resume_from, acknowledge, status);
        let (items, to_send) = mpsc::channel(16);
        let (taken_in, told) = mpsc::channel(64);
        let (answered, answers) = mpsc::channel(64);
        let (control, controls) = mpsc::channel(4);
        let (standing_told, standing) = watch::channel(Standing::default());
        let (snapshots, published) = watch::channel(Arc::default());

        let sources = Sources {
            gate: gate.clone(),
            standing,
            feed: feed_status,
            ring: ring.clone(),
            dead_letters: dead_letters.clone(),
            safe: settings.feed.acknowledge.then_some(safe),
        };
        let judge = Judge::new(gate.clone(), settings);
        let intake = Intake {
            judge,
            items,
            taken_in,
            last_received,
            message_id_field: settings.feed.message_id_field.clone(),
            last: None,
        };
        let dispatch = Dispatch::new(client, settings.dispatch(), answered, standing_told);
        Ok(Self {
            feed: tokio::spawn(feed.run(link)),
            intake: tokio::spawn(intake.run(frames, stop.clone())),
            dispatch: tokio::spawn(dispatch.run(to_send, controls)),
            observer: tokio::spawn(Observer::new(sources, snapshots).run(told, answers)),
            handle: Handle {
                gate,
                changing: Arc::default(),
                control,
                snapshots: published,
                ring,
                dead_letters,
                mapping: settings.mapping.clone(),
            },
            stop,
        })
    }

    /// What a screen needs.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Takes nothing more in, waits up to `drain` until all is settled, and ends. When `hurry`
    /// is cancelled it waits no longer.
    pub async fn end(self, drain: Duration, hurry: CancellationToken) -> Ended {
        self.stop.cancel();
        let mut dispatch = self.dispatch;
        let in_time = tokio::select! {
            left = &mut dispatch => Some(left),
            () = tokio::time::sleep(drain) => None,
            () = hurry.cancelled() => None,
        };
        let left = match in_time {
            Some(left) => left,
            None => {
                // It may have ended this very moment: then there is nothing to give up.
                let _ = self.handle.control.send(Control::GiveUp).await;
                dispatch.await
            }
        };
        // A task that panicked has printed why; what it held is lost with it.
        let mut left = left.unwrap_or_default();
        left.extend(self.intake.await.unwrap_or_default());
        self.feed.abort();
        let _ = self.observer.await;
        let last = self.handle.snapshots.borrow().clone();
        Ended { last, left }
    }
}

impl Handle {
    /// Carries out what a screen asks for.
    pub fn apply(&self, command: Command) -> Result<(), RuleError> {
        match command {
            Command::SetGate(mode) => self.change(|gate| Gate::new(mode, gate.filters().clone())),
            Command::SetFilters(filters) => self.change(|gate| Gate::new(gate.mode(), filters)),
            Command::Resume => {
                // A full channel holds a Resume already.
                let _ = self.control.try_send(Control::Resume);
                Ok(())
            }
        }
    }

    /// One change after the other, each seeing what the one before it did.
    fn change(&self, make: impl FnOnce(&Gate) -> Result<Gate, RuleError>) -> Result<(), RuleError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.gate.load_full();
        let after = make(&before)?.after(&before);
        self.gate.store(Arc::new(after));
        Ok(())
    }

    /// Snapshots as they are published.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// The recent events.
    pub fn ring(&self) -> &SharedRing {
        &self.ring
    }

    /// What can't be delivered.
    pub fn dead_letters(&self) -> &DeadLetters {
        &self.dead_letters
    }

    /// How events are mapped, to show what would be sent.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

/// Takes frames in: decodes, checks, decides and maps what they carry.
struct Intake {
    judge: Judge,
    items: mpsc::Sender<Vec<Queued>>,
    taken_in: mpsc::Sender<TakenIn>,
    last_received: watch::Sender<Option<MessageId>>,
    message_id_field: String,
    last: Option<MessageId>,
}

impl Intake {
    /// Runs until it is stopped and the frames that were received are taken in. Returns what
    /// nobody took any more.
    async fn run(
        mut self,
        mut frames: mpsc::Receiver<Frame>,
        stop: CancellationToken,
    ) -> Vec<Queued> {
        let mut handful = Vec::with_capacity(HANDFUL);
        loop {
            tokio::select! {
                taken = frames.recv_many(&mut handful, HANDFUL) => if taken == 0 {
                    return Vec::new();
                },
                () = stop.cancelled(), if !frames.is_closed() => {
                    frames.close();
                    continue;
                }
            }
            let (told, items) = self.take_in(handful.drain(..));
            // The observer outlives intake: it waits for this channel to end.
            let _ = self.taken_in.send(told).await;
            if !items.is_empty()
                && let Err(unsent) = self.items.send(items).await
            {
                return unsent.0;
            }
        }
    }

    fn take_in(&mut self, frames: impl Iterator<Item = Frame>) -> (TakenIn, Vec<Queued>) {
        let mut told = TakenIn {
            records: Vec::new(),
            messages: Vec::new(),
            waited_ms: 0,
            notices: Vec::new(),
        };
        let mut items = Vec::new();
        self.judge.begin();
        for frame in frames {
            told.waited_ms = (time::now() - frame.received_ms).max(0).unsigned_abs();
            let text = match frame.text {
                Ok(text) => text,
                Err(malformed) => {
                    let near = malformed.near.clone().into();
                    told.records
                        .push(self.judge.malformed(malformed, near, frame.received_ms));
                    continue;
                }
            };
            let mut resumed = frame.resumed;
            frame::decode(&text, frame.received_ms, &self.message_id_field, |one| {
                let event = match one {
                    Ok(event) => event,
                    Err(malformed) => {
                        let kept = excerpt(&text, &malformed);
                        told.records
                            .push(self.judge.malformed(malformed, kept, frame.received_ms));
                        return;
                    }
                };
                let id: Option<MessageId> = event.message_id().map(|id| id.as_ref().into());
                if std::mem::take(&mut resumed) {
                    told.notices
                        .push(resumption(self.last.as_deref(), id.as_deref()));
                }
                let record = self.judge.judge(event, &mut items);
                if let Some(id) = id {
                    told.messages.push((record.sequence, id.clone()));
                    self.last = Some(id);
                }
                told.records.push(record);
            });
        }
        if let Some(last) = &self.last {
            self.last_received.send_replace(Some(last.clone()));
        }
        (told, items)
    }
}

/// A piece of a malformed part: a copy, so that the frame need not be kept for it.
fn excerpt(frame: &str, malformed: &Malformed) -> bytestring::ByteString {
    let part =
        &frame[frame.floor_char_boundary(malformed.at_byte.saturating_sub(MALFORMED_BYTES / 2))..];
    part[..part.floor_char_boundary(MALFORMED_BYTES)].into()
}

/// How much time lies between the last message before a reconnect and the first after it.
fn resumption(last: Option<&str>, first: Option<&str>) -> String {
    let sent = |id: Option<&str>| {
        let (seconds, nanos) = uuid::Uuid::parse_str(id?).ok()?.get_timestamp()?.to_unix();
        Some(seconds.cast_signed() * 1_000 + i64::from(nanos) / 1_000_000)
    };
    match (sent(last), sent(first)) {
        (Some(last), Some(first)) => {
            format!(
                "feed resumed: {} lie between the last message and the next",
                limits::span((first - last).max(0))
            )
        }
        _ => "feed is back; it gives no message ids, so what was missed is not known".to_owned(),
    }
}

/// Checks, decides and maps events, one after the other.
#[derive(Debug)]
pub struct Judge {
    gate: Arc<ArcSwap<Gate>>,
    current: Arc<Gate>,
    mapping: Mapping,
    policies: Policies,
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
    /// A judge that asks `gate`, by these settings.
    pub fn new(gate: Arc<ArcSwap<Gate>>, settings: &Settings) -> Self {
        Self {
            current: gate.load_full(),
            gate,
            mapping: settings.mapping.clone(),
            policies: settings.limits.clone(),
            sequence: 0,
            accepted: Window::new((settings.screen.ring_bytes / 1_024).max(DUPLICATES)),
            names: FxHashMap::default(),
            sent_properties: FxHashMap::default(),
            buffer: Vec::new(),
        }
    }

    /// Takes up the gate that is in force now.
    pub fn begin(&mut self) {
        self.current = self.gate.load_full();
    }

    /// Judges an event; what is to be sent of it is added to `items`.
    pub fn judge(&mut self, event: Event, items: &mut Vec<Queued>) -> Record {
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

    fn malformed(
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
        event_type: &str,
        items: &mut Vec<Queued>,
    ) -> (Decision, Vec<Violation>, bool) {
        let reading = Reading::new(event);
        let mapped = self.mapping.map(&reading, std::mem::take(&mut self.buffer));
        let item = mapped.item();
        let subject = Subject {
            reading: &reading,
            mapped: &mapped,
            route: item.as_ref().map(|item| &item.route),
            now_ms: event.received_ms(),
            seen_before: self.accepted.holds(mapped.id.into()),
            send_users: self.mapping.send_users,
        };
        let violations = limits::check(&subject, &self.policies);
        let held_back = self
            .current
            .holds_back(&reading, event_type, self.mapping.send_users);
        let decision = decision(held_back, &violations);
        let open = decision == Decision::Accepted && self.current.mode() == Mode::Open;
        let before = items.len();
        if open {
            self.accepted.remember(mapped.id.into());
            self.queue(event, &reading, &mapped, item, items);
        }
        self.buffer = mapped.attributes;
        if open && items.len() == before {
            // An update that sets nothing that Customer.io takes.
            return (
                Decision::Filtered {
                    by: By::PropertyUpdate,
                },
                violations,
                false,
            );
        }
        (decision, violations, open)
    }

    fn queue(
        &mut self,
        event: &Event,
        reading: &Reading<'_>,
        mapped: &Mapped<'_>,
        item: Option<Item>,
        items: &mut Vec<Queued>,
    ) {
        let (sequence, received_ms) = (self.sequence, event.received_ms());
        let update = mapped.name == "$identify";
        if self.mapping.send_users
            && let Some(identify) = mapped.identify(reading)
            && (update || self.properties_changed(&identify))
        {
            // An update is the identify itself: its outcome is the event's.
            let part = if update { Part::Event } else { Part::Identify };
            items.push(Queued {
                item: identify,
                sequence,
                part,
                received_ms,
            });
        }
        if let Some(item) = item.filter(|_| !update) {
            items.push(Queued {
                item,
                sequence,
                part: Part::Event,
                received_ms,
            });
        }
    }

    fn properties_changed(&mut self, identify: &Item) -> bool {
        use std::hash::{BuildHasher as _, BuildHasherDefault};
        if self.sent_properties.len() > REMEMBERED {
            self.sent_properties.clear();
        }
        let hash = BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one(&identify.body);
        self.sent_properties.insert(identify.person, hash) != Some(hash)
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

/// The filters speak first: what the operator holds back is filtered, whatever limits it
/// breaks. A limit rejects only what would have gone.
fn decision(held_back: Option<By>, violations: &[Violation]) -> Decision {
    let rejecting = violations.iter().find(|v| v.policy == Policy::Reject);
    match (held_back, rejecting) {
        (Some(by), None) => Decision::Filtered { by },
        (Some(by), Some(_)) if by != By::Shut => Decision::Filtered { by },
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
        Judge::new(Arc::new(ArcSwap::from_pointee(gate)), &settings)
    }

    fn decide(judge: &mut Judge, text: &str) -> (Decision, Vec<Queued>) {
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
            Decision::Filtered { by: By::Type }
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
            s.rules = vec![crate::filter::Rule {
                name: "deep".to_owned(),
                effect: crate::filter::Effect::Exclude,
                when: "size(user_properties.plan) > 3".to_owned(),
                on: true,
                sample: 100.0,
            }];
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

    #[test]
    fn how_much_time_a_reconnect_had_to_cover_is_told() {
        let id = |ms: u64| {
            let stamp = uuid::Timestamp::from_unix(uuid::NoContext, ms / 1_000, 0);
            uuid::Uuid::new_v7(stamp).to_string()
        };
        let told = resumption(Some(&id(1_800_000_000_000)), Some(&id(1_800_000_090_000)));
        assert_eq!(
            told,
            "feed resumed: 2 min lie between the last message and the next"
        );
        assert!(resumption(None, Some("7")).contains("no message ids"));
    }
}
