use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::amplitude::frame;
use crate::customerio::Mapping;
use crate::limits::{Code, LIMITS, Policies, check_alone};

#[test]
fn anomalies_change_events_only_while_they_last() {
    let mut traffic = Traffic::new(1);
    let mut made = |anomalies| {
        traffic.set_anomalies(anomalies);
        let texts: Vec<String> = (0..2_000)
            .map(|_| traffic.next(1_800_000_000_000))
            .collect();
        let with = |part: &str| texts.iter().filter(|text| text.contains(part)).count();
        (
            with("Launch Page Viewed"),
            with("eyJhbGciOiJIUzI1NiJ9"),
            with(" EUR\""),
        )
    };
    let all = Anomalies {
        totals_as_text: true,
        long_ids: true,
        launch: true,
    };
    let (launch, long, text) = made(all);
    assert!((400..800).contains(&launch), "{launch}");
    assert!((400..800).contains(&long), "{long}");
    assert!((30..300).contains(&text), "{text}");
    assert_eq!(made(Anomalies::default()), (0, 0, 0));
}

#[test]
fn the_traffic_has_every_type_both_dialects_and_every_violation() {
    let mut traffic = Traffic::new(1);
    let mut broken: BTreeMap<Code, u32> = BTreeMap::new();
    let (mut types, mut sdk, mut anonymous, mut malformed) = (BTreeSet::new(), 0, 0, 0);
    let mut last_text = String::new();
    for _ in 0..20_000 {
        let text = traffic.next(1_800_000_000_000);
        let seen_before = text == last_text;
        frame::decode(
            &text.clone().into(),
            1_800_000_000_000,
            "message_id",
            |one| match one {
                Ok(event) => {
                    types.insert(event.event_type().unwrap_or_default().into_owned());
                    sdk += u32::from(event.text().contains(r#""insert_id""#));
                    anonymous += u32::from(event.user_id().is_none());
                    for v in check_alone(
                        &event,
                        &Mapping::default(),
                        &Policies::default(),
                        1_800_000_000_000,
                        seen_before,
                    ) {
                        *broken.entry(v.code).or_default() += 1;
                    }
                }
                Err(_) => malformed += 1,
            },
        );
        last_text = text;
    }
    assert!(types.len() > 30 && sdk > 5_000 && anonymous > 500 && malformed > 3);
    // These need other settings than the defaults.
    let by_settings = [
        Code::IdAmbiguousByV1,
        Code::ReservedAttribute,
        Code::OperationUnsent,
        // The traffic consists of values that serde_json can hold.
        Code::NumberOutOfRange,
    ];
    for limit in LIMITS.iter().filter(|l| !by_settings.contains(&l.code)) {
        assert!(
            broken.contains_key(&limit.code),
            "nothing breaks {}",
            limit.code
        );
    }
}

#[test]
fn the_same_seed_makes_the_same_traffic() {
    let some = |seed| {
        (0..50)
            .map(|_| 0)
            .scan(Traffic::new(seed), |t, _| Some(t.next(0)))
            .collect::<Vec<_>>()
    };
    assert_eq!(some(3), some(3));
    assert_ne!(some(3), some(4));
}
