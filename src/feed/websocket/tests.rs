use super::*;

#[test]
fn waiting_grows_with_full_jitter_and_stays_between_its_bounds() {
    let settings = Settings {
        url: "ws://localhost".into(),
        ..Settings::default()
    };
    let feed = WebSocketFeed::new(settings).unwrap();
    let ms = |failures, random| feed.wait(failures, None, random).as_millis();
    assert_eq!(ms(1, 1.0), 500);
    assert_eq!(ms(3, 0.5), 1_000);
    assert_eq!(ms(99, 1.0), 30_000);
    assert_eq!(ms(99, 0.0), 250);
    let retry_after = Some(Duration::from_secs(100));
    assert_eq!(feed.wait(1, retry_after, 0.0), Duration::from_secs(100));
    assert_eq!(feed.wait(1, retry_after, 1.0), Duration::from_secs(110));
    let settings = Settings {
        url: "ws://localhost".into(),
        reconnect_min: Duration::ZERO,
        reconnect_max: Duration::ZERO,
        ..Settings::default()
    };
    let hasty = WebSocketFeed::new(settings).unwrap();
    assert_eq!(hasty.wait(1, None, 0.0), MIN_WAIT, "no storm");
}

#[test]
fn resuming_keeps_the_rest_of_the_query() {
    let uri = |url| resuming(&Url::parse(url).unwrap(), "0197-a").to_string();
    assert_eq!(uri("ws://h/feed"), "ws://h/feed?last_received=0197%2Da");
    assert_eq!(uri("ws://h:1"), "ws://h:1/?last_received=0197%2Da");
    assert_eq!(
        uri("ws://h/feed?types=a&last_received="),
        "ws://h/feed?types=a&last_received=0197%2Da"
    );
}

#[test]
fn wrong_settings_name_themselves() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings {
            url: "ws://localhost".into(),
            ..Settings::default()
        };
        change(&mut settings);
        WebSocketFeed::new(settings)
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(with(|s| s.url = "ws://".into()).starts_with("feed.url"));
    assert!(
        with(|s| _ = s.headers.insert("a b".to_owned(), "".into()))
            .starts_with("feed.headers: \"a b\"")
    );
    assert!(with(|s| s.ca_file = "/nowhere".to_owned()).starts_with("feed.ca_file: /nowhere"));
}
