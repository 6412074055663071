use super::*;
use crate::delivery::tests_support::{alone, queued, sequences};

const AGE: Duration = Duration::from_millis(250);

fn queues() -> PersonQueues {
    PersonQueues::new(100_000, AGE)
}

fn taken(queues: &mut PersonQueues, now: Instant, flush: bool) -> Option<Vec<u64>> {
    queues.take_batch(now, flush).map(|batch| sequences(&batch))
}

#[test]
fn a_batch_closes_by_age_or_by_size_and_never_before() {
    let start = Instant::now();
    let mut queues = queues();
    queues.push(queued(1, 7, 100), start);
    assert_eq!(taken(&mut queues, start, false), None);
    assert_eq!(queues.due_at(), Some(start + AGE));
    assert_eq!(taken(&mut queues, start + AGE, false), Some(vec![1]));
    assert_eq!(queues.due_at(), None);
    for n in 2..7 {
        queues.push(queued(n, n, 24_000), start);
    }
    assert_eq!(
        taken(&mut queues, start, false),
        Some(vec![2, 3, 4, 5]),
        "five of 24 kB are over 100 kB, four fit"
    );
    assert_eq!(taken(&mut queues, start, false), None, "one is no batch");
    assert_eq!((queues.items, queues.memory_bytes()), (1, 24_000));
}

#[test]
fn what_comes_for_a_person_waits_behind_what_is_out_and_others_go_on() {
    let now = Instant::now();
    let mut queues = queues();
    queues.push(queued(1, 0, 100), now);
    queues.push(queued(2, 0, 100), now);
    assert_eq!(taken(&mut queues, now, true), Some(vec![1, 2]));
    queues.push(queued(3, 0, 100), now);
    queues.push(queued(4, 1, 100), now);
    queues.push(queued(5, 0, 100), now);
    assert_eq!(taken(&mut queues, now, true), Some(vec![4]));
    assert_eq!(taken(&mut queues, now, true), None);
    queues.push(queued(6, 0, 100), now);
    queues.release(0);
    assert_eq!(taken(&mut queues, now, true), Some(vec![3, 5, 6]));
    assert!(queues.is_empty());
}

#[test]
fn what_waits_for_its_person_holds_no_bytes_of_others() {
    let now = Instant::now();
    let mut queues = queues();
    let block = bytes::Bytes::from(vec![b' '; 3_000]);
    for (sequence, part) in [(1, 0..1_000), (2, 1_000..2_000), (3, 2_000..3_000)] {
        let mut item = queued(sequence, 0, 0);
        item.accepted.item.body = block.slice(part);
        queues.push(item, now);
        // The first is on its way, and the others wait behind it.
        if sequence == 1 {
            assert_eq!(taken(&mut queues, now, true), Some(vec![1]));
        }
    }
    assert_eq!(taken(&mut queues, now, true), None);
    assert!(block.is_unique(), "the block is free");
    assert_eq!(queues.memory_bytes(), 2_000);
}

#[test]
fn what_goes_alone_keeps_its_place_between_its_neighbours_of_one_person() {
    let now = Instant::now();
    let mut queues = queues();
    for item in [queued(1, 0, 10), alone(2, 0), queued(3, 0, 10), alone(4, 1)] {
        queues.push(item, now);
    }
    assert_eq!(taken(&mut queues, now, true), Some(vec![1]));
    assert_eq!(
        taken(&mut queues, now, true),
        Some(vec![4]),
        "another person's"
    );
    queues.release(0);
    assert_eq!(taken(&mut queues, now, true), Some(vec![2]));
    assert_eq!(taken(&mut queues, now, true), None);
    queues.release(0);
    assert_eq!(taken(&mut queues, now, true), Some(vec![3]));
}

#[test]
fn what_waits_for_long_holds_no_bytes_and_comes_back_in_order() {
    let now = Instant::now();
    let mut queues = queues();
    queues.push(queued(1, 0, 100), now);
    queues.take_batch(now, true).unwrap();
    for n in 2..5 {
        queues.push(queued(n, 0, 100), now);
    }
    assert_eq!(taken(&mut queues, now, true), None);
    queues.drop_bytes(0);
    assert_eq!(queues.memory_bytes(), 0);
    queues.push(queued(5, 0, 100), now);
    queues.release(0);
    let cold = queues.take_batch(now, true).unwrap();
    assert!(matches!(&cold, Batch::Spooled(refs) if refs.len() == 3));
    assert_eq!(
        taken(&mut queues, now, true),
        None,
        "the fifth is behind them"
    );
    queues.push_front(vec![queued(4, 0, 100)], now);
    queues.release(0);
    assert_eq!(taken(&mut queues, now, true), Some(vec![4, 5]));
}

proptest::proptest! {
    /// Whatever is pushed and in whatever order batches are settled: nothing is lost,
    /// nothing comes twice, and each person's items leave in their order.
    #[test]
    fn queues_lose_nothing_and_keep_each_persons_order(
        items in proptest::collection::vec((0_u64..9, 10_usize..30_000, proptest::bool::weighted(0.1)), 1..200),
        settle in proptest::collection::vec(proptest::bool::ANY, 800),
    ) {
        let now = Instant::now();
        let mut queues = queues();
        let mut out: Vec<Batch> = Vec::new();
        let mut left: Vec<(u64, u64)> = Vec::new();
        let mut settle = settle.into_iter();
        let done = |batch: Batch, queues: &mut PersonQueues, left: &mut Vec<(u64, u64)>| {
            let Batch::Spooled(refs) = batch.spooled() else { unreachable!() };
            left.extend(refs.iter().map(|t| (t.person, t.position.chunk)));
            refs.iter().for_each(|t| queues.release(t.person));
        };
        for (n, (person, bytes, by_itself)) in items.iter().enumerate() {
            let n = n as u64;
            let item = if *by_itself { alone(n, *person) } else { queued(n, *person, *bytes) };
            queues.push(item, now);
            if let Some(batch) = queues.take_batch(now, settle.next() == Some(true)) {
                out.push(batch);
            }
            if settle.next() == Some(true) {
                queues.drop_bytes(*person);
            }
            if settle.next() == Some(true) && !out.is_empty() {
                let batch = out.swap_remove(n as usize % out.len());
                done(batch, &mut queues, &mut left);
            }
        }
        loop {
            out.drain(..).for_each(|batch| done(batch, &mut queues, &mut left));
            match queues.take_batch(now, true) {
                Some(batch) => out.push(batch),
                None => break,
            }
        }
        proptest::prop_assert_eq!(left.len(), items.len());
        proptest::prop_assert_eq!((queues.items, queues.memory_bytes(), queues.sendable_bytes), (0, 0, 0));
        for person in 0..9 {
            let order: Vec<u64> = left.iter().filter(|(p, _)| *p == person).map(|(_, n)| *n).collect();
            proptest::prop_assert!(order.is_sorted_by(|a, b| a < b), "{:?}", order);
        }
    }
}
