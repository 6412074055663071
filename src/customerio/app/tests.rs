use super::*;
use crate::customerio::item::Route;

fn activity(kind: &str, name: &str, at_s: i64) -> Activity {
    Activity {
        id: String::new(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        at_s,
        delivery_id: String::new(),
    }
}

#[test]
fn an_event_is_found_by_name_and_time_or_by_the_id_that_it_was_sent_with() {
    let event = EventKey {
        name: "Purchase".to_owned(),
        at_s: 1_000,
        id: "01A".to_owned(),
    };
    let with_id = Activity {
        id: "01A".to_owned(),
        ..activity("event", "Purchase", 1_001)
    };
    for (list, is_whole, expected) in [
        (
            vec![activity("event", "Purchase", 1_000)],
            true,
            EventAnswer::Found,
        ),
        (vec![with_id], false, EventAnswer::Found),
        (
            vec![activity("failed_event", "Purchase", 1_000)],
            false,
            EventAnswer::Failed,
        ),
        // A second event of the same second was applied.
        (
            vec![
                activity("failed_event", "Purchase", 1_000),
                activity("event", "Purchase", 1_000),
            ],
            true,
            EventAnswer::Found,
        ),
        (
            vec![activity("event", "Purchase", 1_001)],
            true,
            EventAnswer::Missing,
        ),
        (
            vec![activity("event", "Refund", 1_000)],
            true,
            EventAnswer::Missing,
        ),
        (
            vec![activity("attribute_change", "Purchase", 1_000)],
            true,
            EventAnswer::Missing,
        ),
        (vec![], false, EventAnswer::Undecided),
    ] {
        assert_eq!(event.among(&list, is_whole), expected, "{list:?}");
    }
}

#[test]
fn a_question_is_read_from_the_request_by_either_api() {
    let event = |route: &Route, body: &str| Question::about(route, body.as_bytes());
    let v1 = |path: &str| Route::V1 {
        put: false,
        path: path.to_owned(),
    };
    let body = r#"{"type":"person","action":"event","identifiers":{"email":"a@b.c"},"name":" Step ","timestamp":7,"id":"01A","attributes":{}}"#;
    let found = event(&Route::Batch, body).unwrap();
    assert_eq!(found.person, PersonKey::new(PersonKind::Email, "a@b.c"));
    let expected = EventKey {
        name: "Step".to_owned(),
        at_s: 7,
        id: "01A".to_owned(),
    };
    assert_eq!(found.event, Some(expected));
    for (path, body, kind, value) in [
        (
            "/api/v1/customers/u%2F1/events",
            r#"{"name":"A"}"#,
            PersonKind::Id,
            "u/1",
        ),
        (
            "/api/v1/customers/a%40b.c/events",
            r#"{"name":"A"}"#,
            PersonKind::Email,
            "a@b.c",
        ),
        (
            "/api/v1/customers/cio_77/events",
            r#"{"name":"A"}"#,
            PersonKind::CioId,
            "77",
        ),
        (
            "/api/v1/events",
            r#"{"name":"A","anonymous_id":"d"}"#,
            PersonKind::AnonymousId,
            "d",
        ),
    ] {
        let found = event(&v1(path), body).unwrap();
        assert_eq!(found.person, PersonKey::new(kind, value), "{path}");
    }
    assert_eq!(event(&Route::Batch, r#"{"name":"A"}"#), None);
    assert_eq!(event(&Route::Batch, "no JSON"), None);
}

#[test]
fn activities_say_what_they_mean() {
    for (kind, meaning, words) in [
        ("event", Meaning::Applied, "event applied"),
        (
            "failed_event",
            Meaning::NotApplied,
            "event failed after the 200",
        ),
        (
            "skipped_update",
            Meaning::NotApplied,
            "older update skipped",
        ),
        ("sent_email", Meaning::Sending, "email sent"),
        ("opened_in_app", Meaning::Arrived, "in-app opened"),
        ("bounced_email", Meaning::NotArrived, "email bounced"),
        ("suppressed_push", Meaning::NotArrived, "push suppressed"),
        ("something_new", Meaning::Other, "something new"),
        ("", Meaning::Other, ""),
    ] {
        let found = activity(kind, "", 0);
        assert_eq!(
            (found.meaning(), found.words().as_str()),
            (meaning, words),
            "{kind}"
        );
    }
}

#[test]
fn pages_of_activities_are_read_whatever_is_null_or_absent() {
    let text = r#"{"activities":[{"id":"1","type":"event","name":null,"timestamp":null,"data":{},"delivery_id":null},{"type":"sent_email","timestamp":999999999999999}],"next":""}"#;
    let page = read::page(text).unwrap();
    assert_eq!((page.activities.len(), page.next), (2, None));
    // A time that can't be shown.
    assert_eq!(page.activities[1].at_s, 0);
    assert!(read::page(r#"{"errors":[]}"#).is_err());
}
