use super::*;

fn breaker() -> (Breaker, Instant) {
    (Breaker::new(BreakerSettings::default()), Instant::now())
}

/// A moment whose wall clock shows `ms`.
fn moment(at: Instant, ms: UnixMs) -> Moment {
    Moment { at, ms }
}

#[test]
fn failures_in_a_row_open_it_and_an_answer_between_them_begins_a_new_row() {
    let (mut breaker, now) = breaker();
    for _ in 0..4 {
        assert_eq!(breaker.failed("503", None, moment(now, 0)), Failure::Counts);
    }
    assert_eq!(breaker.streak(), 0);
    assert!(!breaker.works());
    for _ in 0..4 {
        assert_eq!(breaker.failed("503", None, moment(now, 0)), Failure::Counts);
    }
    assert_eq!(breaker.streak(), 1);
    assert_eq!(breaker.permit(), Permit::Any);
    assert_eq!(breaker.failed("503", None, moment(now, 7)), Failure::Opens);
    let probe_at = now + Duration::from_secs(1);
    assert_eq!(breaker.permit(), Permit::Probe(probe_at));
    assert!(matches!(
        breaker.published(|_| 9),
        BreakerState::Open { why, since_ms: 7, probe_ms: 9 } if why == "503"
    ));
}

#[test]
fn probes_come_ever_later_and_the_first_that_works_closes_it() {
    let (mut breaker, start) = breaker();
    for _ in 0..5 {
        breaker.failed("503", None, moment(start, 0));
    }
    assert_eq!(
        breaker.failed("504", None, moment(start, 0)),
        Failure::OfOutage,
        "one that was out when it opened"
    );
    let mut now = start;
    let mut waits = Vec::new();
    for _ in 0..7 {
        let Permit::Probe(at) = breaker.permit() else {
            panic!("it is open");
        };
        waits.push((at - now).as_secs());
        now = at;
        assert_eq!(
            breaker.failed("503", None, moment(now, 0)),
            Failure::OfOutage
        );
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    assert!(breaker.works());
    assert_eq!(breaker.permit(), Permit::Any);
}

#[test]
fn another_server_opens_it_at_once_until_the_destination_has_ever_answered() {
    let (mut breaker, now) = breaker();
    assert_eq!(breaker.foreign("a page", moment(now, 0)), Failure::Opens);
    assert_eq!(breaker.foreign("a page", moment(now, 0)), Failure::OfOutage);
    assert!(matches!(breaker.permit(), Permit::Probe(_)));
    breaker.works();
    for _ in 0..4 {
        assert_eq!(breaker.foreign("a page", moment(now, 0)), Failure::Counts);
    }
    assert_eq!(breaker.permit(), Permit::Any);
    assert_eq!(breaker.foreign("a page", moment(now, 0)), Failure::Opens);
}

#[test]
fn refused_credentials_wait_for_someone() {
    let (mut breaker, now) = breaker();
    breaker.refused("401", 3);
    assert_eq!(breaker.permit(), Permit::None);
    breaker.try_now(now);
    assert!(matches!(breaker.permit(), Permit::Probe(_)));
    breaker.refused("401", 9);
    assert_eq!(breaker.permit(), Permit::None);
    assert!(matches!(
        breaker.published(|_| 0),
        BreakerState::Refused { since_ms: 3, .. }
    ));
    breaker.try_now(now);
    assert!(breaker.works());
}

#[test]
fn the_destinations_own_wish_is_kept() {
    let (mut breaker, now) = breaker();
    let after = Some(Duration::from_secs(90));
    for _ in 0..5 {
        breaker.failed("503", after, moment(now, 0));
    }
    assert_eq!(
        breaker.permit(),
        Permit::Probe(now + Duration::from_secs(90))
    );
}
