//! A copy of a forwarder's state and of its recent events, for a screen in another process.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::amplitude::time::{self, UnixMs};
use crate::protocol::{LinkStatus, Outcome, Record, Snapshot};
use crate::telemetry::ring::SharedRing;

use super::about::About;
use super::access::Role;
use super::client::{Client, ClientError, take_lines};
use super::wire::Line;

/// Delay before the first attempt to connect again; it doubles up to [`LONGEST_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// A connection on which nothing came for this time is given up: a snapshot comes every second.
const SILENCE: Duration = Duration::from_secs(10);

/// What a screen wants to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Summaries of events only; the rest of an event is fetched when it is opened.
    pub summaries: bool,
    /// Maximum bytes a second: of the events the newest are sent for which there is room. None for as
    /// many as there are.
    pub bytes_per_second: Option<u32>,
}

/// The process whose events are in a mirror now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    pub(super) process: u32,
    /// When it was started.
    pub(super) started_ms: UnixMs,
    /// Added to the numbers of its events, so that those of a new run come after those of the last one.
    pub(super) offset: u64,
}

/// A copy of a forwarder's state and recent events.
#[derive(Debug)]
pub struct Mirror {
    client: Client,
    transfer: Transfer,
    ring: SharedRing,
    snapshots: watch::Sender<Arc<Snapshot>>,
    known: Arc<Mutex<Option<(About, Role)>>>,
    run: Arc<Mutex<Run>>,
    /// The last event of that run, by its number there.
    last: u64,
    missed: u64,
    people_masked: bool,
}

/// The ends of a mirror that a screen reads.
#[derive(Debug, Clone)]
pub struct MirrorEnds {
    /// The recent events.
    pub ring: SharedRing,
    /// The state.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The forwarder, and the role of whoever is at the screen; known once it is connected.
    pub known: Arc<Mutex<Option<(About, Role)>>>,
    pub(super) run: Arc<Mutex<Run>>,
    pub(super) transfer: Transfer,
}

impl Mirror {
    /// A mirror with at most `ring_bytes` of recent events.
    pub fn new(client: Client, ring_bytes: usize, transfer: Transfer) -> (Self, MirrorEnds) {
        let (snapshots, received) = watch::channel(Arc::default());
        let ring = SharedRing::new(ring_bytes);
        let known = Arc::new(Mutex::new(None));
        let run = Arc::new(Mutex::new(Run::default()));
        let ends = MirrorEnds {
            ring: ring.clone(),
            snapshots: received,
            known: known.clone(),
            run: run.clone(),
            transfer,
        };
        let mirror = Self {
            client,
            transfer,
            ring,
            snapshots,
            known,
            run,
            last: 0,
            missed: 0,
            people_masked: false,
        };
        (mirror, ends)
    }

    /// Follows the forwarder until the task is aborted, and connects again whenever the connection is
    /// lost.
    pub async fn run(mut self) {
        let mut delay = FIRST_DELAY;
        loop {
            let before = self.last;
            let why = match self.follow().await {
                Ok(()) => "the forwarder has ended".to_owned(),
                Err(error) => error.to_string(),
            };
            if self.last != before {
                delay = FIRST_DELAY;
            }
            self.lost(&why, delay);
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    /// Follows one connection to its end.
    async fn follow(&mut self) -> Result<(), ClientError> {
        // The forwarder may have been started again as another version.
        let versions = self.client.versions_within(SILENCE).await?;
        versions.check_screen(&self.client.place())?;
        let mut answer = self.client.stream(&self.path(), SILENCE).await?;
        let strange = |client: &Client, why: String| ClientError::Strange {
            place: client.place(),
            why,
        };
        let mut decoder = zstd::stream::write::Decoder::new(Vec::new())
            .map_err(|error| strange(&self.client, error.to_string()))?;
        let mut rest = Vec::new();
        while let Some(part) = self.client.next_part(&mut answer, SILENCE).await? {
            let taken = decoder.write_all(&part).and_then(|()| decoder.flush());
            taken.map_err(|error| strange(&self.client, error.to_string()))?;
            let text = std::mem::take(decoder.get_mut());
            let mut wrong = None;
            take_lines(&mut rest, &text, &mut |line| {
                match serde_json::from_slice(line) {
                    Ok(line) => self.take(line),
                    Err(error) => wrong = Some(error.to_string()),
                }
                wrong.is_none()
            });
            if let Some(why) = wrong {
                return Err(strange(&self.client, why));
            }
        }
        Ok(())
    }

    /// The path of the lines after those that are here.
    fn path(&self) -> String {
        let Run {
            process,
            started_ms,
            offset,
        } = self.current();
        let mut path = format!(
            "/v1/screen?pid={process}&started_ms={started_ms}&after={}",
            self.last
        );
        // Writing into a string does not fail.
        if let Some(pending) = self.first_pending(offset) {
            let _ = write!(path, "&pending={pending}");
        }
        if self.transfer.summaries {
            path += "&lite=true";
        }
        if let Some(bytes) = self.transfer.bytes_per_second {
            let _ = write!(path, "&bytes_per_second={bytes}");
        }
        path
    }

    /// The first event of this run whose story may go on, by its number there.
    fn first_pending(&self, offset: u64) -> Option<u64> {
        let is_pending = |record: &&Record| {
            matches!(
                record.story.outcome,
                Outcome::OnItsWay | Outcome::Waiting { .. }
            )
        };
        let ring = self.ring.lock();
        let first = ring.from(offset + 1).find(is_pending)?;
        Some(first.sequence - offset)
    }

    fn current(&self) -> Run {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self, line: Line) {
        let now = self.current();
        let offset = now.offset;
        match line {
            Line::Hello {
                forwarder,
                role,
                people_masked,
            } => {
                self.people_masked = people_masked;
                if (forwarder.pid, forwarder.started_ms) != (now.process, now.started_ms) {
                    self.last = 0;
                    let run = Run {
                        process: forwarder.pid,
                        started_ms: forwarder.started_ms,
                        offset: self.ring.lock().end().saturating_sub(1),
                    };
                    *self.run.lock().unwrap_or_else(PoisonError::into_inner) = run;
                }
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((forwarder, role));
            }
            Line::Snapshot(snapshot) => self.publish(Arc::unwrap_or_clone(snapshot)),
            Line::Records(records) => {
                let records: Vec<_> = records
                    .into_iter()
                    .filter_map(|record| record.into_record(offset))
                    .collect();
                if let Some(last) = records.last() {
                    self.last = last.sequence - offset;
                }
                self.ring.lock().extend(records);
            }
            Line::Stories(stories) => {
                let mut ring = self.ring.lock();
                for (sequence, story) in stories {
                    ring.update(sequence + offset, |old| *old = story.into_story());
                }
            }
            Line::Missed(count) => self.missed += count,
        }
    }

    fn publish(&self, mut snapshot: Snapshot) {
        for limit in Arc::make_mut(&mut snapshot.limits) {
            limit.last_sequence += self.current().offset;
        }
        // The size of the copy is what the screen can find something in.
        snapshot.ring = self.ring.lock().row();
        snapshot.link = Some(LinkStatus {
            lost: None,
            missed: self.missed,
            summaries: self.transfer.summaries,
            people_masked: self.people_masked,
        });
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// Tells the screen that the connection is lost: what it shows is old.
    fn lost(&self, why: &str, delay: Duration) {
        let again_ms = time::now() + i64::try_from(delay.as_millis()).unwrap_or(0);
        self.snapshots.send_modify(|snapshot| {
            let mut old = Snapshot::clone(snapshot);
            old.link = Some(LinkStatus {
                lost: Some((why.to_owned(), again_ms)),
                missed: self.missed,
                summaries: self.transfer.summaries,
                people_masked: self.people_masked,
            });
            *snapshot = Arc::new(old);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::client::Place;
    use crate::control::wire::{Detail, WireRecord};
    use crate::filter::Decision;
    use crate::protocol::tests_support::record;

    #[test]
    fn the_events_of_a_new_run_come_after_those_of_the_last_even_under_the_same_process_id() {
        let place = Place::Network {
            url: "http://127.0.0.1:1".to_owned(),
            token: None,
        };
        let client = Client::new(place, None).unwrap();
        let (mut mirror, ends) = Mirror::new(client, 1 << 20, Transfer::default());
        let text = r#"{"event_type":"A","user_id":"u"}"#;
        for started_ms in [1_000, 2_000] {
            let forwarder = About {
                pid: 1,
                started_ms,
                ..About::this(String::new(), String::new(), String::new())
            };
            let role = Role::Operator;
            mirror.take(Line::Hello {
                forwarder,
                role,
                people_masked: false,
            });
            let new = |n| {
                let record = record(n, text, Decision::Accepted, Outcome::OnItsWay);
                WireRecord::of(&record, Detail::Full).unwrap()
            };
            mirror.take(Line::Records(vec![new(3), new(4)]));
            let goes_on = format!("pid=1&started_ms={started_ms}&after=4&pending=3");
            assert!(mirror.path().ends_with(&goes_on), "{}", mirror.path());
        }
        let numbers: Vec<u64> = ends.ring.lock().from(0).map(|r| r.sequence).collect();
        assert_eq!(numbers, [3, 4, 7, 8]);
    }
}
