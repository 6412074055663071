//! A shipment: what one batch took from the lanes, and what an answer means for it.
//!
//! It is sent load by load, so that an item that has to go alone keeps its place. A load
//! that is refused as a whole is halved until the bad item stands alone.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::customerio::mapping::Route;
use crate::customerio::response::{Answer, Refusal};

use super::retry::Retry;
use super::{Part, Queued, Settled, Undelivered};

/// How long to wait after a 429 that doesn't say.
const QUIET: Duration = Duration::from_secs(1);

/// What one batch took, on its way.
#[derive(Debug)]
pub struct Shipment {
    loads: VecDeque<Load>,
    lanes: Vec<usize>,
}

/// What goes in one request.
#[derive(Debug)]
pub struct Load {
    items: Vec<Queued>,
    tries: u32,
    failures: u32,
    first_tried: Option<Instant>,
}

/// What to do with a shipment next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Send its next load, or let its lanes go if there is none.
    Continue,
    /// Try the load again after this.
    After(Duration),
    /// Try it again, and send nothing else before.
    Quiet(Duration),
    /// Send nothing any more until someone has mended this.
    Halt(String),
}

impl Shipment {
    /// Splits `items`, which keep their order, into loads.
    pub fn new(items: Vec<Queued>, lanes: Vec<usize>) -> Self {
        let mut loads: VecDeque<Load> = VecDeque::new();
        for item in items {
            let joins = item.item.route == Route::Batch
                && loads
                    .back()
                    .is_some_and(|l| l.items[0].item.route == Route::Batch);
            match loads.back_mut() {
                Some(load) if joins => load.items.push(item),
                _ => loads.push_back(Load::new(vec![item])),
            }
        }
        Self { loads, lanes }
    }

    /// The lanes that stand still for it.
    pub fn lanes(&self) -> &[usize] {
        &self.lanes
    }

    /// The items of the next request; none when all is settled.
    pub fn front(&self) -> Option<&[Queued]> {
        self.loads.front().map(|load| load.items.as_slice())
    }

    /// How many items are not settled, and their size in bytes.
    pub fn unsettled(&self) -> (u64, usize) {
        let items = self.loads.iter().flat_map(|l| &l.items);
        items.fold((0, 0), |(n, bytes), item| {
            (n + 1, bytes + item.item.body.len())
        })
    }

    /// Gives up what is left of it.
    pub fn into_items(self) -> impl Iterator<Item = Queued> {
        self.loads.into_iter().flat_map(|l| l.items)
    }

    /// Applies the answer to the front load: what became of its items, and what comes next.
    /// `sent` is when the request went out; `random`, from 0 to 1, spreads retries.
    pub fn settle(
        &mut self,
        answer: &Answer,
        sent: Instant,
        now: Instant,
        retry: &Retry,
        random: f64,
    ) -> (Vec<(Queued, Settled)>, Next) {
        let Some(load) = self.loads.front_mut() else {
            return (Vec::new(), Next::Continue);
        };
        load.tries += 1;
        let since_first = now.duration_since(*load.first_tried.get_or_insert(sent));
        match answer {
            Answer::Accepted => (self.delivered(&[]), Next::Continue),
            Answer::Partly(refusals) => (self.delivered(refusals), Next::Continue),
            Answer::Refused {
                status: 400 | 422, ..
            }
            | Answer::TooLarge => self.halve(answer),
            Answer::Refused { status, message } => {
                let why =
                    format!("the server answers {status} {message}; is customerio.base_url right?");
                (Vec::new(), Next::Halt(why))
            }
            Answer::Unauthorized { status, message } => {
                let said = if message.is_empty() {
                    String::new()
                } else {
                    format!(" ({message})")
                };
                let why = format!(
                    "Customer.io refuses the credentials: {status}{said}; check site ID, API key and region"
                );
                (Vec::new(), Next::Halt(why))
            }
            Answer::Throttled { after } => {
                if since_first > retry.give_up_after {
                    return (self.expire(answer), Next::Continue);
                }
                (Vec::new(), Next::Quiet(after.unwrap_or(QUIET)))
            }
            Answer::Unavailable { after, .. } => {
                self.again(answer, *after, since_first, retry, random)
            }
            Answer::NoAnswer { .. } => self.again(answer, None, since_first, retry, random),
        }
    }

    fn again(
        &mut self,
        answer: &Answer,
        after: Option<Duration>,
        since_first: Duration,
        retry: &Retry,
        random: f64,
    ) -> (Vec<(Queued, Settled)>, Next) {
        let Some(load) = self.loads.front_mut() else {
            return (Vec::new(), Next::Continue);
        };
        load.failures += 1;
        match retry.delay(load.failures, since_first, random) {
            Some(delay) => (
                Vec::new(),
                Next::After(delay.max(after.unwrap_or_default())),
            ),
            None => (self.expire(answer), Next::Continue),
        }
    }

    fn delivered(&mut self, refusals: &[Refusal]) -> Vec<(Queued, Settled)> {
        let Some(load) = self.loads.pop_front() else {
            return Vec::new();
        };
        let first_attempt = load.tries == 1;
        let settle = |(index, item)| {
            let settled = match refusals.iter().find(|r| r.batch_index == index) {
                Some(refusal) => discarded(refusal),
                None => Settled::Delivered { first_attempt },
            };
            (item, settled)
        };
        load.items.into_iter().enumerate().map(settle).collect()
    }

    /// Halves the front load; one item alone is discarded with what the answer says.
    fn halve(&mut self, answer: &Answer) -> (Vec<(Queued, Settled)>, Next) {
        let Some(mut load) = self.loads.pop_front() else {
            return (Vec::new(), Next::Continue);
        };
        if load.items.len() > 1 {
            let second = load.items.split_off(load.items.len() / 2);
            let second = Load {
                items: second,
                ..load.emptied()
            };
            self.loads.push_front(second);
            self.loads.push_front(load);
            return (Vec::new(), Next::Continue);
        }
        let refusal = Refusal {
            reason: answer.label(),
            message: answer.message().to_owned(),
            ..Refusal::default()
        };
        let gone = load
            .items
            .into_iter()
            .map(|item| (item, discarded(&refusal)));
        (gone.collect(), Next::Continue)
    }

    fn expire(&mut self, answer: &Answer) -> Vec<(Queued, Settled)> {
        let Some(load) = self.loads.pop_front() else {
            return Vec::new();
        };
        let tries = load.tries;
        let reason = format!(
            "{} attempts, the last: {} {}",
            tries,
            answer.label(),
            answer.message()
        );
        let expire = |item| {
            let settled = Settled::Undelivered {
                why: Undelivered::Expired,
                reason: reason.trim_end().to_owned(),
                field: String::new(),
            };
            (item, settled)
        };
        load.items.into_iter().map(expire).collect()
    }
}

impl Load {
    fn new(items: Vec<Queued>) -> Self {
        Self {
            items,
            tries: 0,
            failures: 0,
            first_tried: None,
        }
    }

    /// Another load with the same history.
    fn emptied(&self) -> Self {
        Self {
            items: Vec::new(),
            tries: self.tries,
            failures: self.failures,
            first_tried: self.first_tried,
        }
    }
}

fn discarded(refusal: &Refusal) -> Settled {
    let Refusal {
        reason,
        field,
        message,
        ..
    } = refusal;
    let reason = match (reason.as_str(), message.as_str()) {
        ("", said) | (said, "") => said.to_owned(),
        (word, said) => format!("{word}: {said}"),
    };
    Settled::Undelivered {
        why: Undelivered::Discarded,
        reason,
        field: field.clone(),
    }
}

/// Whether the outcome is the event's own, and not that of an identify beside it.
pub fn is_event(item: &Queued) -> bool {
    item.part == Part::Event
}

#[cfg(test)]
pub(super) mod tests_support {
    use super::*;
    use crate::customerio::Item;
    use bytes::Bytes;
    use ulid::Ulid;

    /// Item `sequence` of `person`, with a body of `bytes`.
    pub(crate) fn queued(sequence: u64, person: u64, bytes: usize) -> Queued {
        let item = Item {
            id: Ulid::from_parts(sequence, 0),
            person,
            route: Route::Batch,
            body: Bytes::from(vec![b' '; bytes]),
        };
        Queued {
            item,
            sequence,
            part: Part::Event,
            received_ms: 0,
        }
    }

    impl Shipment {
        pub(crate) fn sequences(&self) -> Vec<u64> {
            self.people().into_iter().map(|(_, n)| n).collect()
        }
        pub(crate) fn people(&self) -> Vec<(u64, u64)> {
            let all = self.loads.iter().flat_map(|l| &l.items);
            all.map(|q| (q.item.person, q.sequence)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tests_support::queued;
    use super::*;

    fn shipment(count: u64) -> Shipment {
        Shipment::new((0..count).map(|n| queued(n, n, 10)).collect(), vec![0])
    }

    fn settle(shipment: &mut Shipment, answer: &Answer) -> (Vec<(u64, Settled)>, Next) {
        let now = Instant::now();
        let (settled, next) = shipment.settle(answer, now, now, &Retry::default(), 1.0);
        (
            settled.into_iter().map(|(q, s)| (q.sequence, s)).collect(),
            next,
        )
    }

    fn refused() -> Answer {
        Answer::Refused {
            status: 400,
            message: "no".to_owned(),
        }
    }

    #[test]
    fn a_207_settles_item_by_item() {
        let mut three = shipment(3);
        let refusal = Refusal {
            batch_index: 1,
            reason: "invalid".to_owned(),
            field: "attributes.plan".to_owned(),
            message: "too long".to_owned(),
        };
        let (settled, next) = settle(&mut three, &Answer::Partly(vec![refusal]));
        assert_eq!(next, Next::Continue);
        assert_eq!(
            settled[0].1,
            Settled::Delivered {
                first_attempt: true
            }
        );
        assert!(
            matches!(&settled[1].1, Settled::Undelivered { why: Undelivered::Discarded, reason, field }
            if reason == "invalid: too long" && field == "attributes.plan")
        );
        assert!(three.front().is_none());
    }

    #[test]
    fn one_poison_among_a_thousand_is_found_by_halving_and_all_others_arrive_in_order() {
        let poison = 617;
        let mut all = shipment(1000);
        let (mut delivered, mut requests, mut discarded) = (Vec::new(), 0, Vec::new());
        while let Some(front) = all.front() {
            let bad = front.iter().any(|q| q.sequence == poison);
            let answer = if bad { refused() } else { Answer::Accepted };
            requests += 1;
            for (n, settled) in settle(&mut all, &answer).0 {
                match settled {
                    Settled::Delivered { first_attempt } => {
                        assert!(!first_attempt);
                        delivered.push(n);
                    }
                    _ => discarded.push(n),
                }
            }
        }
        assert_eq!(discarded, [poison]);
        assert_eq!(delivered.len(), 999);
        assert!(delivered.is_sorted());
        assert!(requests <= 21, "{requests}");
    }

    #[test]
    fn a_failing_load_is_tried_ten_times_and_then_expires_with_its_last_answer() {
        let down = Answer::Unavailable {
            status: 503,
            message: "down".to_owned(),
            after: None,
        };
        let mut one = shipment(1);
        for _ in 1..10 {
            assert!(matches!(settle(&mut one, &down), (none, Next::After(_)) if none.is_empty()));
        }
        let (settled, next) = settle(&mut one, &down);
        assert_eq!(next, Next::Continue);
        assert!(
            matches!(&settled[0].1, Settled::Undelivered { why: Undelivered::Expired, reason, .. }
            if reason == "10 attempts, the last: 503 down")
        );
    }

    #[test]
    fn throttling_uses_up_no_attempt_and_credentials_or_a_wrong_server_halt() {
        let mut one = shipment(1);
        let throttled = Answer::Throttled {
            after: Some(Duration::from_secs(3)),
        };
        for _ in 0..20 {
            assert_eq!(
                settle(&mut one, &throttled).1,
                Next::Quiet(Duration::from_secs(3))
            );
        }
        for status in [401, 403] {
            let answer = Answer::Unauthorized {
                status,
                message: String::new(),
            };
            assert!(
                matches!(settle(&mut one, &answer).1, Next::Halt(why) if why.contains("credentials"))
            );
        }
        let not_found = Answer::Refused {
            status: 404,
            message: String::new(),
        };
        assert!(
            matches!(settle(&mut one, &not_found).1, Next::Halt(why) if why.contains("base_url"))
        );
        assert_eq!(one.unsettled().0, 1, "nothing is lost by any of them");
    }

    #[test]
    fn an_event_that_goes_alone_keeps_its_place() {
        let mut items: Vec<Queued> = (0..3).map(|n| queued(n, 0, 10)).collect();
        items[1].item.route = Route::V1 {
            put: false,
            path: "/api/v1/events".to_owned(),
        };
        let mut shipment = Shipment::new(items, vec![0]);
        let mut order = Vec::new();
        while shipment.front().is_some() {
            order.push(
                settle(&mut shipment, &Answer::Accepted)
                    .0
                    .iter()
                    .map(|(n, _)| *n)
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(order, [[0], [1], [2]]);
    }
}
