use super::*;
use crate::filter::Decision;
use crate::protocol::Outcome;
use crate::protocol::tests_support::record;

fn ring_of(count: u64) -> SharedRing {
    let ring = SharedRing::new(1 << 20);
    let of_ten = |sequence: u64| {
        let text = format!(
            r#"{{"event_type":"Type {}","user_id":"u-{sequence}"}}"#,
            sequence % 10
        );
        record(sequence, &text, Decision::Accepted, Outcome::OnItsWay)
    };
    ring.lock().extend((1..=count).map(of_ten));
    ring
}

fn page(finder: &mut Finder, anchor: Anchor, shift: i64, room: usize) -> Page {
    finder.page(anchor, shift, room, &BTreeSet::new())
}

fn sequences(page: &Page) -> Vec<u64> {
    page.rows.iter().map(|r| r.sequence).collect()
}

#[test]
fn pages_go_from_new_to_old_and_stop_at_both_ends() {
    let mut finder = Finder::new(ring_of(10));
    assert_eq!(
        sequences(&page(&mut finder, Anchor::Newest, 0, 3)),
        [10, 9, 8]
    );
    assert_eq!(
        sequences(&page(&mut finder, Anchor::At(8), 2, 3)),
        [6, 5, 4]
    );
    assert_eq!(
        sequences(&page(&mut finder, Anchor::At(8), -9, 3)),
        [10, 9, 8]
    );
    assert_eq!(
        sequences(&page(&mut finder, Anchor::At(2), 5, 3)),
        [3, 2, 1]
    );
    assert_eq!(page(&mut finder, Anchor::At(8), 0, 3).above, 2);
    assert_eq!(
        page(&mut Finder::new(ring_of(0)), Anchor::At(5), 1, 3).rows,
        []
    );
}

#[test]
fn a_page_without_room_for_a_row_has_none() {
    let mut finder = Finder::new(ring_of(10));
    let find = Find::parse("type 3").unwrap();
    finder.set(&EventList::All, Some(&find), false);
    finder.search();
    let page = finder.page(Anchor::Newest, 0, 0, &BTreeSet::from([3, 4]));
    assert!(page.rows.is_empty() && page.bar.is_empty());
}

#[test]
fn the_same_words_as_text_and_as_a_condition_find_different_events() {
    let ring = ring_of(5);
    let text = r#"{"event_type":"Type 1","device_id":"has_user"}"#;
    let stranger = record(6, text, Decision::Accepted, Outcome::OnItsWay);
    ring.lock().extend([stranger]);
    let mut finder = Finder::new(ring);
    let mut found = |find: Option<Find>| {
        finder.set(&EventList::All, find.as_ref(), false);
        finder.search();
        sequences(&page(&mut finder, Anchor::Newest, 0, 9))
    };
    assert_eq!(found(Find::parse("has_user")), [6]);
    assert_eq!(found(Find::condition("has_user")), [5, 4, 3, 2, 1]);
    assert_eq!(found(Find::parse("has_user")), [6]);
    assert_ne!(Find::parse("has_user"), Find::condition("has_user"));
}

#[test]
fn a_find_sees_what_is_there_and_what_comes() {
    let ring = ring_of(1_000);
    let mut finder = Finder::new(ring.clone());
    let find = Find::parse("TYPE 3").unwrap();
    finder.set(&EventList::All, Some(&find), false);
    while !page(&mut finder, Anchor::Newest, 0, 2).complete {
        finder.search();
    }
    let newest = page(&mut finder, Anchor::Newest, 0, 2);
    assert_eq!((sequences(&newest), newest.matched), (vec![993, 983], 100));
    // The bar is as long as the page: each of its halves has some.
    let found: Vec<bool> = newest.bar.iter().map(|part| part.is_found).collect();
    assert_eq!(found, [true, true]);
    assert!(newest.bar[0].is_shown && !newest.bar[1].is_shown);
    let one = Find::parse(r#"user_id == "u-77""#).unwrap();
    assert!(one.is_condition());
    finder.set(&EventList::All, Some(&one), false);
    while !page(&mut finder, Anchor::Newest, 0, 2).complete {
        finder.search();
    }
    assert_eq!(sequences(&page(&mut finder, Anchor::Newest, 0, 2)), [77]);
    let odd = Find::parse("~Type [13]\"").unwrap();
    assert_eq!(odd.kind(), "regular expression");
    finder.set(&EventList::All, Some(&odd), false);
    while !page(&mut finder, Anchor::Newest, 0, 2).complete {
        finder.search();
    }
    assert_eq!(page(&mut finder, Anchor::Newest, 0, 2).matched, 200);
    let wrong = Find::parse("~a(").unwrap();
    assert_eq!(wrong.kind(), "invalid regular expression: unclosed group");
    assert!(Find::parse("~ ").is_none());
    assert!(Find::parse("  ").is_none());
    assert!(!Find::parse("price == ").unwrap().is_condition());
}

#[test]
fn an_event_is_sought_among_what_is_shown() {
    let ring = ring_of(100);
    for sequence in [20, 40, 60] {
        ring.lock().update(sequence, |story| {
            story.outcome = Outcome::Waiting { next_ms: 1 };
        });
    }
    let mut finder = Finder::new(ring);
    let older = Seek::Failure(Direction::Older);
    let newer = Seek::Failure(Direction::Newer);
    assert_eq!(finder.seek(older, None), Some(60));
    assert_eq!(finder.seek(older, Some(60)), Some(40));
    assert_eq!(finder.seek(newer, Some(40)), Some(60));
    assert_eq!(finder.seek(newer, Some(60)), None);
    assert_eq!(
        finder.seek(Seek::Violation(Direction::Older, None), None),
        None
    );
    // Records are received a second apart.
    assert_eq!(finder.seek(Seek::Time(50_500), None), Some(50));
    assert_eq!(finder.seek(Seek::Time(500), None), None);
    finder.set(&EventList::All, Find::parse("u-40").as_ref(), false);
    finder.search();
    assert_eq!(finder.seek(older, None), Some(40));
    assert_eq!(finder.seek(newer, Some(40)), None);
    let marks = [40].into();
    let found = finder.page(Anchor::Newest, 0, 5, &marks);
    assert!(found.rows[0].is_marked && found.bar[3].is_marked);
}

#[test]
fn a_list_follows_the_outcomes_of_its_events() {
    let ring = ring_of(600);
    let set = |sequence: u64, outcome: &Outcome| {
        ring.lock()
            .update(sequence, |story| story.outcome = outcome.clone());
    };
    let waiting = Outcome::Waiting { next_ms: 1 };
    set(20, &waiting);
    let mut finder = Finder::new(ring.clone());
    let mut listed = |find: Option<Find>| {
        finder.set(&EventList::Problems, find.as_ref(), false);
        loop {
            finder.search();
            let page = page(&mut finder, Anchor::Newest, 0, 9);
            if page.complete {
                return (sequences(&page), page.listed, page.total);
            }
        }
    };
    assert_eq!(listed(None), (vec![20], 1, 600));
    // They come and go wherever they are, and new ones are seen.
    set(300, &waiting);
    set(7, &waiting);
    assert_eq!(listed(None).0, [300, 20, 7]);
    set(20, &Outcome::Delivered { took_ms: 9 });
    assert_eq!(listed(None).0, [300, 7]);
    // A search is among them.
    let find = Find::parse("u-300");
    assert_eq!(listed(find.clone()).0, [300]);
    set(300, &Outcome::Delivered { took_ms: 9 });
    assert_eq!(listed(find).0, Vec::<u64>::new());
    // More changes than are kept: the ring is read again.
    for _ in 0..70_000 {
        set(500, &waiting);
    }
    assert_eq!(listed(None).0, [500, 7]);
}

#[test]
fn matches_are_marked_among_all_events_and_gone_to() {
    let mut finder = Finder::new(ring_of(100));
    finder.set(&EventList::All, Find::parse("type 3").as_ref(), true);
    finder.search();
    let around = page(&mut finder, Anchor::At(44), 0, 3);
    assert_eq!(sequences(&around), [44, 43, 42]);
    let marked: Vec<bool> = around.rows.iter().map(|row| row.is_match).collect();
    assert_eq!(marked, [false, true, false]);
    assert_eq!((around.matched, around.shown, around.total), (10, 100, 100));
    assert_eq!(
        finder.seek(Seek::Next(Direction::Older), Some(43)),
        Some(33)
    );
    assert_eq!(
        finder.seek(Seek::Next(Direction::Newer), Some(43)),
        Some(53)
    );
    assert_eq!(finder.seek(Seek::Next(Direction::Newer), Some(93)), None);
}
