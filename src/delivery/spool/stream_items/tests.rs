use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::delivery::fence::Clocks;
use crate::delivery::spool::lock::FolderLock;
use crate::delivery::spool::writer::{SpoolHandle, start_stream};
use crate::delivery::tests_support::accepted;
use crate::delivery::{Undelivered, spool::dead_letters::DeadLetter};

struct Bench {
    fence: Fence,
    items: SpoolHandle,
    events: mpsc::Receiver<SpoolEvent>,
    outcomes: UnboundedReceiver<StreamOutcome>,
    handed_over: UnboundedReceiver<Vec<u64>>,
    _folder: TempDir,
}

impl Bench {
    fn with_room(max_bytes: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let fence = Fence::default();
        fence.begin(0, 1, Clocks::now(), Duration::from_secs(600));
        let (sender, events) = mpsc::channel(8);
        let (outcomes_sender, outcomes) = mpsc::unbounded_channel();
        let (dropped, handed_over) = mpsc::unbounded_channel();
        let place = (folder.path().to_owned(), lock);
        let room = (fence.clone(), max_bytes);
        let items = start_stream(room, place, sender, outcomes_sender, dropped).unwrap();
        Self {
            fence,
            items,
            events,
            outcomes,
            handed_over,
            _folder: folder,
        }
    }

    /// Appends the items of some messages, all of which are judged.
    fn append(&self, messages: &[(u64, usize)]) {
        let accepted = messages.iter().flat_map(|(sequence, items)| {
            (0..*items).map(|_| Accepted {
                origin: Some(origin(*sequence)),
                ..accepted(*sequence, 7, "body")
            })
        });
        let append = Append {
            accepted: accepted.collect(),
            message: None,
            received: messages
                .iter()
                .map(|(sequence, _)| origin(*sequence))
                .collect(),
            on_durable: Box::new(|| {}),
        };
        assert!(self.items.append(append));
    }

    async fn committed(&mut self) -> Vec<Queued> {
        match self.events.recv().await.unwrap() {
            SpoolEvent::Committed { items, .. } => items,
            other => panic!("{other:?}"),
        }
    }

    async fn settled(&mut self) -> (u64, usize) {
        match self.outcomes.recv().await.unwrap() {
            StreamOutcome::Settled {
                origin,
                dead_letters,
            } => (origin.sequence, dead_letters.len()),
            StreamOutcome::Released { .. } => panic!("nothing was released"),
        }
    }
}

fn origin(sequence: u64) -> Origin {
    Origin {
        partition: 0,
        holding: 1,
        sequence,
    }
}

fn delivered(items: &[&Queued]) -> Settlement {
    Settlement {
        settled: items.iter().map(|queued| queued.position).collect(),
        ..Settlement::default()
    }
}

fn letter(accepted: Accepted) -> DeadLetter {
    DeadLetter {
        number: 0,
        at_ms: 0,
        why: Undelivered::Discarded,
        reason: "invalid".to_owned(),
        field: String::new(),
        answer: "400".to_owned(),
        message: String::new(),
        history: History::default(),
        again: false,
        accepted,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_settled_once_all_of_its_items_are() {
    let mut bench = Bench::with_room(1 << 20);
    bench.append(&[(1, 2), (2, 0), (3, 1)]);
    assert_eq!(bench.settled().await, (2, 0), "it was filtered out");
    let items = bench.committed().await;
    bench.items.settle(delivered(&[&items[0], &items[2]]));
    assert_eq!(bench.settled().await, (3, 0));
    bench.items.settle(Settlement {
        dead_letters: vec![(items[1].position, letter(items[1].accepted.clone()))],
        ..Settlement::default()
    });
    assert_eq!(bench.settled().await, (1, 1));
    assert_eq!(bench.items.close(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_messages_wait_and_items_can_be_read_again() {
    let mut bench = Bench::with_room(2 * (4 + ITEM_BYTES));
    bench.append(&[(1, 1), (2, 1)]);
    bench.append(&[(3, 1)]);
    let first = bench.committed().await;
    assert_eq!(first.len(), 2);
    bench.items.load(0, 1_000);
    match bench.events.recv().await.unwrap() {
        SpoolEvent::Loaded { items, last_chunk } => {
            assert_eq!((items.len(), last_chunk), (2, 1));
        }
        other => panic!("{other:?}"),
    }
    let history = History {
        failures: 3,
        ..History::default()
    };
    let read = bench.items.fetch(vec![(first[1].position, history)]).await;
    assert_eq!(
        (read[0].history.failures, read[0].accepted.sequence),
        (3, 2)
    );
    bench.items.settle(delivered(&[&first[0]]));
    assert_eq!(
        bench.committed().await[0].accepted.sequence,
        3,
        "there is room again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn items_of_a_partition_that_is_released_are_forgotten() {
    let mut bench = Bench::with_room(1 << 20);
    bench.append(&[(1, 1)]);
    let items = bench.committed().await;
    bench.fence.revoke(0);
    bench.items.release(0, 1);
    let released = bench.outcomes.recv().await.unwrap();
    assert!(matches!(
        released,
        StreamOutcome::Released {
            partition: 0,
            holding: 1
        }
    ));
    assert_eq!(bench.handed_over.recv().await.unwrap(), [1]);
    bench.items.settle(delivered(&[&items[0]]));
    bench.append(&[(2, 1)]);
    assert_eq!(bench.handed_over.recv().await.unwrap(), [2]);
    let read = bench
        .items
        .fetch(vec![(items[0].position, History::default())])
        .await;
    assert_eq!(read, [], "what comes late is dropped, too");
    bench.items.close();
    let outcome = bench.outcomes.recv().await;
    assert!(outcome.is_none(), "and settles nothing: {outcome:?}");
}
