//! The id by which Customer.io knows that it has an event already.
//!
//! It is deterministic, so that a retry, a restart, a second forwarder or a replay next
//! week all send the same one: a ULID of the event's time and 80 bits of a hash of what
//! identifies the event.
//!
//! It is also the same however the event comes: from an SDK by the relay, by a webhook, or
//! from an export. So it is made only of what all of them write alike.

use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::amplitude::Event;

/// The dedupe id of an event.
///
/// Its time is the device's, which Amplitude doesn't correct; 0 where the event has none, for
/// the time of receipt is another one each time that it is received.
///
/// The hash is of `device_id` and `$insert_id`, the key by which Amplitude itself knows an event
/// again; of `user_id` and `$insert_id` where no device is named; without an insert id of
/// `uuid`, which only Amplitude's own outputs carry; without that of all the event's fields.
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

/// Lengths go in too, so that ("a", "bc") and ("ab", "c") differ.
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
    fn another_event_has_another_id_and_the_forms_of_one_have_one() {
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
        // If one of these ever changes, every replay sends its events twice.
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
        /// An SDK's event, the webhook's and the export's of the same event: Amplitude adds its
        /// own fields, corrects the time for the device's clock, and trims IDs.
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
