//! The id by which Customer.io knows that it has an event already.
//!
//! It is deterministic, so that a retry, a restart, a second forwarder or a replay next
//! week all send the same one: a ULID of the event's time and 80 bits of a hash of what
//! identifies the event.

use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::amplitude::Event;
use crate::amplitude::time::UnixMs;

/// The dedupe id of an event that happened at `time_ms`.
///
/// The hash is of `uuid`, which Amplitude keeps unique; without one of `device_id` and
/// `$insert_id`, which it keeps unique together; without those of the event's bytes.
pub fn id(event: &Event, time_ms: UnixMs) -> Ulid {
    let mut hash = Sha256::new();
    match (event.uuid(), event.insert_id()) {
        (Some(uuid), _) => part(&mut hash, b"uuid", &[&uuid]),
        (None, Some(insert_id)) => {
            let device = event.device_id().unwrap_or_default();
            part(&mut hash, b"insert", &[&device, &insert_id]);
        }
        (None, None) => part(&mut hash, b"bytes", &[event.text()]),
    }
    let digest = hash.finalize();
    let mut random = [0; 16];
    random[6..].copy_from_slice(&digest[..10]);
    Ulid::from_parts(time_ms.max(0).cast_unsigned(), u128::from_be_bytes(random))
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

    #[test]
    fn the_same_event_has_the_same_id_in_either_dialect_and_another_one_differs() {
        let id_of = |text: &str| id(&event(text), 1_751_254_672_846).to_string();
        let same = id_of(r#"{"event_type":"a","device_id":"d","$insert_id":"i"}"#);
        assert_eq!(
            same,
            id_of(r#"{"event_type":"b","device_id":"d","insert_id":"i"}"#)
        );
        let others = [
            r#"{"event_type":"a","device_id":"e","$insert_id":"i"}"#,
            r#"{"event_type":"a","device_id":"d","$insert_id":"i","uuid":"u"}"#,
            r#"{"event_type":"a","device_id":"d"}"#,
            r#"{"event_type":"a","device_id":"di","$insert_id":""}"#,
        ];
        for other in others {
            assert_ne!(same, id_of(other), "{other}");
        }
        // A fixed value: if it ever changes, every replay sends its events twice.
        assert_eq!(
            id_of(r#"{"event_type":"a","uuid":"4ef72ccd"}"#),
            "01JYZEK9EECWW1JVV4HC9WR7HZ"
        );
    }

    #[test]
    fn ids_sort_by_the_time_of_their_events() {
        let one = event(r#"{"event_type":"a","uuid":"1"}"#);
        let ids: Vec<String> = (0..50)
            .map(|ms| id(&one, 1_751_254_672_846 + ms).to_string())
            .collect();
        assert!(ids.is_sorted());
        assert_eq!(
            id(&one, 1_751_254_672_846).timestamp_ms(),
            1_751_254_672_846
        );
    }
}
