//! A forwarder that belongs to a group, and a screen over all of them.

use std::sync::Arc;

use sluicegate::filter::Mode;
use sluicegate::jetstream::{GroupState, MemberFigures, MemberRecord};
use sluicegate::protocol::Snapshot;
use sluicegate::tui::action::Action;

use crate::fixture::{Fixture, NOW, snapshot};
use crate::looks::{SIZES, assert_ascii, assert_readable, drawn};
use crate::mouse_overlays::press;

/// The members of a group in each of their states.
fn group(members: usize) -> GroupState {
    let member = |number: usize| {
        let mut member = MemberRecord {
            name: format!("forwarder-{number}"),
            at_ms: NOW - 800,
            partitions: (0..21).collect(),
            lease_ms: 6_000,
            figures: MemberFigures {
                received_per_second: 173.4,
                delivered_per_second: 171.0,
                queued: 412 * number as u64,
                oldest_ms: Some(NOW - 1_300),
                latency_p95_ms: 214,
                trouble: None,
                learned_rate: None,
            },
            filters_revision: 9,
            ..MemberRecord::default()
        };
        match number {
            2 => member.figures.trouble = Some("503 Service Unavailable".to_owned()),
            3 => member.filters_revision = 8,
            4 => member.filters_error = Some("rule 2: undeclared reference".to_owned()),
            5 => {
                member.partitions.clear();
                member.figures = MemberFigures::default();
            }
            _ => {}
        }
        member
    };
    GroupState {
        place: "nats://nats-1:4222/shop".to_owned(),
        me: Some("forwarder-1".to_owned()),
        partitions: 64,
        members: (1..=members).map(member).collect(),
    }
}

fn scene(members: usize, size: (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(size);
    fixture.act(Action::Snapshot(Arc::new(Snapshot {
        group: Some(Arc::new(group(members))),
        ..snapshot(Mode::Open)
    })));
    fixture.press("0");
    fixture
}

#[test]
fn the_pipeline_view_has_a_row_for_each_member_of_the_group() {
    let at = |size: (u16, u16)| {
        let fixture = scene(5, size);
        assert_ascii("members", size, |theme| drawn(&fixture, theme));
        assert_readable("members", size, |theme| drawn(&fixture, theme));
        format!("{}x{}\n{}", size.0, size.1, fixture.plain())
    };
    insta::assert_snapshot!("members", SIZES.map(at).join("\n"));
}

#[test]
fn the_stages_keep_their_room_beside_many_members_and_a_group_without_one_says_so() {
    let many = scene(40, (80, 24)).plain();
    assert!(many.contains("received") && many.contains("sluicegate nats status lists all"));
    let none = scene(0, (120, 34)).plain();
    assert!(none.contains("0 members hold 0 of 64 partitions"), "{none}");
    assert!(none.contains("no member is there"), "{none}");
}

#[test]
fn a_click_on_a_member_chooses_no_stage() {
    let mut fixture = scene(5, (120, 34));
    let chosen = |fixture: &Fixture| fixture.state.overlays.stages().unwrap().stage.clone();
    let before = chosen(&fixture);
    press(&mut fixture, "forwarder-3");
    assert_eq!(chosen(&fixture), before);
    press(&mut fixture, "by the shut gate");
    assert_ne!(chosen(&fixture), before);
}
