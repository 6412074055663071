//! One screen over all members.

use bytestring::ByteString;
use sluicegate::customerio::sandbox::Faults;

use crate::common::event;
use crate::fixture::{Bench, PARTITIONS, arrived, status};
use crate::pty::{Terminal, program_without_umask};

/// A screen over the group, opened by `ann`.
fn attach(bench: &Bench) -> Terminal {
    attach_as(bench, "ann")
}

/// A screen over the group, opened by this user.
fn attach_as(bench: &Bench, user: &str) -> Terminal {
    let mut command = program_without_umask();
    command.args(["attach", &bench.nats.url()]);
    command.env("USER", user);
    Terminal::start(command)
}

/// What the pipeline view says where all partitions are held.
fn held_by(members: &str) -> String {
    format!("{members} {PARTITIONS} of {PARTITIONS} partitions")
}

/// Whether the pipeline view says that this many events were received.
fn has_received(text: &str, count: &str) -> bool {
    let mut rows = text.lines().map(|row| row.split_whitespace());
    rows.any(|mut row| row.any(|word| word == "received") && row.next() == Some(count))
}

async fn publish(bench: &Bench, numbers: std::ops::Range<u64>) {
    let texts = numbers.map(|number| event(&format!("u-{}", number % 10), number).into());
    let texts: Vec<ByteString> = texts.collect();
    bench.publisher.publish(&texts).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn one_screen_shows_the_sums_and_events_of_all_members_and_steers_them() {
    let mut bench = Bench::start(2, Faults::default()).await;
    publish(&bench, 0..100).await;
    arrived(&bench.sandbox, 100).await;
    // What the members remember comes first.
    let mut screen = attach(&bench);
    screen.shows("all members of nats://");
    screen.press("0");
    screen.shows(&held_by("2 members hold"));
    screen.waits_for("the sum of what was received", |text| {
        has_received(text, "100")
    });
    publish(&bench, 100..200).await;
    screen.waits_for("what comes now", |text| has_received(text, "200"));
    screen.escape();
    // Each person's events are at one member; those of all are found, with their outcome.
    for person in 0..10 {
        screen.press(&format!("/u-{person}\r"));
        let named = format!(" u-{person} ");
        screen.waits_for("its events are found, and delivered", |text| {
            text.lines()
                .any(|row| row.contains(&named) && row.contains('✓'))
        });
        screen.escape();
    }
    // A change reaches all, and each screen, with the name of who made it.
    let other = attach_as(&bench, "bob");
    other.shows("all members of nats://");
    screen.press("g");
    screen.press("y");
    screen.shows("SHUT");
    other.shows("SHUT");
    other.shows("ann (the control socket");
    drop(other);
    publish(&bench, 200..220).await;
    screen.press("0");
    screen.waits_for("both members hold them back", |text| {
        text.lines()
            .any(|row| row.contains("gate") && row.contains("20"))
    });
    screen.escape();
    assert_eq!(bench.sandbox.counts().events, 200);
    // A member that is killed is gone from the screen, and the other one takes over.
    bench.members.remove(0).kill();
    screen.press("0");
    screen.shows(&held_by("1 member holds"));
    screen.escape();
    screen.press("q");
    assert_eq!(screen.ends(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn dead_letters_of_a_group_are_seen_and_tried_again_on_the_screen() {
    let faults = Faults {
        refuse: Some("Step".to_owned()),
        ..Faults::default()
    };
    let bench = Bench::start(2, faults).await;
    publish(&bench, 0..20).await;
    let mut screen = attach(&bench);
    screen.shows("all members of nats://");
    screen.press("l");
    screen.waits_for("all dead letters, of both members", |text| {
        text.contains("Dead letters") && text.contains("20 by reason and type")
    });
    bench.sandbox.set_faults(Faults::default());
    screen.press("R");
    screen.shows("Back into the stream: 20 dead letters");
    screen.press("y");
    screen.shows("20 dead letters will be tried again");
    arrived(&bench.sandbox, 20).await;
    screen.shows("0 by reason and type");
    assert_eq!(status(&bench.nats.url())["dead_letters"], 0);
    screen.press("q");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_group_without_a_member_says_so_and_what_to_do() {
    let nats = crate::fixture::NatsServer::start();
    crate::fixture::group(&nats.url(), 1).await;
    let mut command = program_without_umask();
    command.args(["attach", &nats.url()]);
    let mut screen = Terminal::start(command);
    screen.shows("no member of the group is there");
    assert_ne!(screen.ends(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a nats-server: .ci/nats"]
async fn a_screen_says_that_the_servers_are_gone_and_goes_on_when_they_are_back() {
    let mut bench = Bench::start(2, Faults::default()).await;
    publish(&bench, 0..100).await;
    arrived(&bench.sandbox, 100).await;
    let mut screen = attach(&bench);
    screen.shows("all members of nats://");
    screen.press("0");
    screen.shows(&held_by("2 members hold"));
    bench.nats.kill();
    screen.shows("the connection to nats://");
    // What is shown is old, and it stays.
    screen.shows("2 members hold");
    bench.nats.start_again();
    bench.shared().await;
    screen.waits_for("it is connected again", |text| {
        !text.contains("the connection to nats://") && !text.contains("are not shown")
    });
    publish(&bench, 100..150).await;
    arrived(&bench.sandbox, 150).await;
    screen.waits_for("what comes then", |text| has_received(text, "150"));
    screen.press("q");
}
