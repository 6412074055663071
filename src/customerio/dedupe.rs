//! The id by which Customer.io recognizes an event that it has already.
//!
//! It is deterministic, so that retries, restarts, other forwarders and replays send the same one: a
//! ULID of the event's time, and of 80 bits of a hash of the fields that identify the event.
//!
//! It is the same for an event from an SDK through the relay, by webhook, or from an export. So it is
//! computed only from values that all of them write alike.

use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::amplitude::Event;

/// The dedupe id of an event.
///
/// Its time is that of the device's clock, which Amplitude doesn't correct; 0 if the event has none,
/// as the time of receipt differs with each receipt.
///
/// The hash is that of the first of these that the event has:
/// - `device_id` and `$insert_id`, by which Amplitude itself recognizes an event;
/// - `user_id` and `$insert_id`, without a device;
/// - `uuid`, which only Amplitude's own outputs have;
/// - all fields.
pub fn id(event: &Event) -> Ulid {
    let mut hash = Sha256::new();
    let user = event.user_id();
    match (event.insert_id(), event.device_id(), event.uuid()) {
        (Some(insert_id), Some(device), _) => part(&mut hash, b"insert", &[&device, &insert_id]),
        (Some(insert_id), None, _) => {
            let user = user.as_deref().unwrap_or_default();
            part(&mut hash, b"insert of user", &[user, &insert_id]);
        }
        (None, _, Some(uuid)) => part(&mut hash, b"uuid", &[&uuid]),
        (None, _, None) => event.each_own_field(|key, value| {
            part(&mut hash, b"field", &[key, value]);
        }),
    }
    let digest = hash.finalize();
    let mut random = [0; 16];
    random[6..].copy_from_slice(&digest[..10]);
    let time_ms = event.device_time().unwrap_or_default().max(0);
    Ulid::from_parts(time_ms.cast_unsigned(), u128::from_be_bytes(random))
}

/// Hashes texts with their lengths, so that ("a", "bc") and ("ab", "c") differ.
fn part(hash: &mut Sha256, kind: &[u8], texts: &[&str]) {
    hash.update(kind);
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use crate::amplitude::time;
    use proptest::prelude::*;

    fn id_of(text: &str) -> String {
        id(&event(text)).to_string()
    }

    #[test]
    fn different_events_have_different_ids_and_all_forms_of_an_event_the_same() {
        let same = id_of(r#"{"event_type":"a","user_id":"u","device_id":"d","$insert_id":"i"}"#);
        for form in [
            r#"{"event_type":"b","user_id":"u","device_id":"d","insert_id":"i"}"#,
            r#"{"event_type":"a","device_id":" d ","$insert_id":null,"insert_id":"i","uuid":"u"}"#,
            r#"{"event_type":"a","device_id":"d","insert_id":"i","$insert_id":null}"#,
            r#"{"event_type":"a","device_id":"d","$insert_id":"i","insert_id":null,"message_id":"m"}"#,
        ] {
            assert_eq!(same, id_of(form), "{form}");
        }
        for other in [
            r#"{"event_type":"a","device_id":"e","$insert_id":"i"}"#,
            r#"{"event_type":"a","device_id":"d"}"#,
            r#"{"event_type":"a","device_id":"di","$insert_id":""}"#,
            r#"{"event_type":"a","user_id":"d","$insert_id":"i"}"#,
            r#"{"event_type":"a","device_id":"d","$insert_id":"i","time":1751254672846}"#,
        ] {
            assert_ne!(same, id_of(other), "{other}");
        }
        let of_user = |user: &str| {
            id_of(&format!(
                r#"{{"event_type":"a","user_id":"{user}","insert_id":"order-1"}}"#
            ))
        };
        assert_ne!(of_user("u-1"), of_user("u-2"), "people share no insert id");
    }

    #[test]
    fn the_ids_of_fixed_events_are_fixed() {
        // If one of these changes, replays send events twice.
        for (text, id) in [
            (
                r#"{"event_type":"a","event_time":"2025-06-30 03:37:52.846000","uuid":"4ef72ccd"}"#,
                "01JYZEK9EECWW1JVV4HC9WR7HZ",
            ),
            (
                r#"{"event_type":"a","time":1751254672846,"device_id":"d","insert_id":"i"}"#,
                "01JYZEK9EETE19B7QX96CBTRVM",
            ),
            (
                r#"{"event_type":"a","time":1751254672846,"user_id":"u","insert_id":"i"}"#,
                "01JYZEK9EECSDEKK0G7XTWDVX6",
            ),
            (
                r#"{"event_type":"a","time":1751254672846}"#,
                "01JYZEK9EENAEZ2RCE9W6YH5GE",
            ),
        ] {
            assert_eq!(id_of(text), id, "{text}");
        }
    }

    #[test]
    fn the_id_depends_neither_on_the_receipt_nor_on_the_feed() {
        let text = r#"{"event_type":"a","user_id":"u","message_id":"m-1"}"#;
        let other_feed = r#"{"message_id":"m-2", "event_type":"a", "user_id":"u"}"#;
        assert_eq!(id_of(text), id_of(other_feed));
        let received = |ms| {
            let mut ids = Vec::new();
            let frame = bytestring::ByteString::from(text);
            crate::amplitude::decode(&frame, ms, "message_id", |found| {
                ids.push(id(&found.unwrap()));
            });
            ids
        };
        assert_eq!(received(1), received(1_800_000_000_000));
    }

    #[test]
    fn ids_sort_by_the_time_of_their_events() {
        let ids: Vec<String> = (1_751_254_672_846_i64..)
            .take(50)
            .map(|ms| id_of(&format!(r#"{{"event_type":"a","uuid":"1","time":{ms}}}"#)))
            .collect();
        assert!(ids.is_sorted());
    }

    proptest! {
        /// An event from an SDK, by webhook and from an export: Amplitude adds fields, corrects the
        /// time by the device's clock, and trims IDs.
        #[test]
        fn one_event_has_one_id_in_every_dialect(
            device in "[a-zA-Z0-9-]{1,36}",
            insert_id in "[ -~]{0,20}[a-z0-9]",
            user in proptest::option::of("[a-z0-9@.-]{1,20}"),
            ms in 1_000_000_000_000_i64..4_000_000_000_000,
            clock_error_ms in -1_000_000_000_i64..1_000_000_000,
        ) {
            let [device, insert_id, user] = [Some(device), Some(insert_id), user]
                .map(|text| serde_json::to_string(&text).unwrap());
            let [sent, corrected] = [ms, ms + clock_error_ms].map(time::to_export);
            let sdk = format!(
                r#"{{"user_id":{user},"device_id":{device},"event_type":"a","time":{ms},"insert_id":{insert_id}}}"#
            );
            let webhook = format!(
                r#"{{"event_type":"a","device_id":{device},"user_id":{user},"client_event_time":"{sent}","event_time":"{corrected}","$insert_id":{insert_id},"uuid":"x","insert_id":null,"time":null}}"#
            );
            let seconds = sent.trim_end_matches('0').trim_end_matches('.').replace(' ', "T");
            let export = format!(
                r#"{{"$insert_id":{insert_id},"client_event_time":"{seconds}","device_id":{device},"event_time":"{corrected}","event_type":"a","user_id":{user},"uuid":"y","amplitude_id":1}}"#
            );
            prop_assert_eq!(id_of(&sdk), id_of(&webhook));
            prop_assert_eq!(id_of(&sdk), id_of(&export));
        }
    }
}
