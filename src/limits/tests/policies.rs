//! Policies: which limits are checked, and with which effect.

use super::*;

#[test]
fn a_limit_that_is_off_is_not_checked() {
    let mut policies = Policies::default();
    policies.set(Code::IdInvalid, Policy::Off);
    let found = check_alone(
        &event(&by("null", "")),
        &Mapping::default(),
        &policies,
        NOW,
        false,
    );
    assert_eq!(found, []);
}

#[test]
fn an_event_that_cant_be_sent_is_rejected_whatever_the_settings_say() {
    let nobody = r#"{"event_type":"a","time":1800000000000}"#;
    let unreadable = r#"{"event_type":"a","user_id":"u-1","time":"soon"}"#;
    for (code, text) in [(Code::IdMissing, nobody), (Code::TimeInvalid, unreadable)] {
        for policy in [Policy::Warn, Policy::Off] {
            let found = broken_by(|_, p| p.set(code, policy), text);
            assert_eq!((found[0].code, found[0].policy), (code, Policy::Reject));
            let mut policies = Policies::default();
            policies.set(code, policy);
            let impossible: Vec<Code> = policies.impossible().map(|l| l.code).collect();
            assert_eq!(impossible, [code]);
        }
    }
    assert_eq!(Policies::default().impossible().count(), 0);
}
