use toml::Table;

use super::layers::defaults;
use super::*;

const ALL: Needs = Needs {
    feed: true,
    destination: true,
};

fn with(file: &str, environment: &[(&str, &str)], flags: &[Flag]) -> Result<Loaded, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    std::fs::write(&path, file).unwrap();
    let environment = environment
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    load(Some(path), true, environment, flags)
}

#[test]
fn the_default_file_says_the_defaults_and_leaves_no_setting_out() {
    let read: Table = toml::from_str(DEFAULT_FILE).unwrap();
    let mut expected = defaults();
    expected.remove("rules");
    assert_eq!(
        toml::to_string(&read).unwrap(),
        toml::to_string(&expected).unwrap()
    );
}

#[test]
fn the_environment_is_over_the_file_and_flags_over_both_and_each_origin_is_known() {
    let file = "gate = \"dry-run\"\n[delivery]\nattempts = 8\nin_flight = 3\n[mapping]\nfields = [\"a\"]\n";
    let environment = [
        ("SLUICEGATE_DELIVERY_ATTEMPTS", "9"),
        ("SLUICEGATE_MAPPING_FIELDS", "platform, country"),
        ("HOME", "x"),
    ];
    let flags = [("gate", "--open", "open".to_owned())];
    let loaded = with(file, &environment, &flags).unwrap();
    let settings = &loaded.settings;
    assert_eq!(
        (settings.delivery.in_flight, settings.delivery.attempts),
        (3, 9)
    );
    assert_eq!(settings.mapping.fields, ["platform", "country"]);
    assert_eq!(settings.gate, crate::filter::Mode::Open);
    assert_eq!(loaded.origin("gate"), Origin::Flag("--open".to_owned()));
    assert_eq!(
        loaded.origin("delivery.attempts"),
        Origin::Environment("SLUICEGATE_DELIVERY_ATTEMPTS".to_owned())
    );
    assert!(matches!(
        loaded.origin("delivery.in_flight"),
        Origin::File(_, 4)
    ));
    assert_eq!(loaded.origin("feed.url"), Origin::Default);
}

#[test]
fn the_five_variables_are_enough_to_run() {
    let five = [
        ("SLUICEGATE_FEED_URL", "ws://localhost:1"),
        ("SLUICEGATE_CUSTOMERIO_SITE_ID", "site"),
        ("SLUICEGATE_CUSTOMERIO_API_KEY", "12345678"),
        ("SLUICEGATE_CUSTOMERIO_BASE_URL", "http://localhost:2"),
        ("SLUICEGATE_GATE", "open"),
    ];
    let loaded = with("", &five, &[]).unwrap();
    assert!(loaded.problems(ALL).is_empty());
    assert!(
        !toml::to_string(&loaded.settings)
            .unwrap()
            .contains("12345678"),
        "secrets are masked"
    );
    assert_eq!(with("", &[], &[]).unwrap().problems(ALL).len(), 3);
}

#[test]
fn what_is_wrong_names_the_setting_its_place_and_the_fix() {
    for (file, says) in [
        (
            "\n[feed]\nurll = 1",
            ":3: there is no setting feed.urll; did you mean feed.url?",
        ),
        ("[feed]\nregion = \"eu\"", "did you mean customerio.region?"),
        (
            "gate = \"ajar\"",
            ":1: gate: unknown variant `ajar`, expected one of `open`, `shut`, `dry-run`",
        ),
        (
            "[delivery]\nattempts = \"many\"",
            ":2: delivery.attempts: \"many\" is not a whole number; write a whole number from 1",
        ),
        ("[delivery]\nbatch_age = \"999y\"", "more than a year"),
        ("[delivery]\nbatch_age = \"soon\"", "write 250ms, 10s or 4h"),
        ("[delivery\n", ":1: "),
        (
            "[limits]\nid_missing = \"ignore\"",
            ":2: limits.id_missing: unknown variant",
        ),
        (
            "[limits]\nid_mising = \"off\"",
            "did you mean limits.id_missing?",
        ),
        (
            "[[rules]]\nname = \"a\"\neffect = \"exclude\"\nwhen = \"true\"\nonn = true",
            "unknown field `onn`",
        ),
    ] {
        let error = with(file, &[], &[]).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{file:?} gives {error}");
    }
    let error = with("", &[("SLUICEGATE_FEDD_URL", "x")], &[])
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("did you mean SLUICEGATE_FEED_URL?"),
        "{error}"
    );
    let loaded = with("[feed]\nurl = \"http://x\"\n[[rules]]\nname = \"r\"\neffect = \"exclude\"\nwhen = \"a ==\"\n", &[], &[]).unwrap();
    let problems: Vec<String> = loaded
        .problems(Needs {
            feed: true,
            destination: false,
        })
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        problems[0].contains(":2: feed.url: \"http://x\" is not a WebSocket"),
        "{problems:?}"
    );
    assert!(
        problems[1].contains(":3: rules[0]: rule “r”:"),
        "{problems:?}"
    );
}

/// A number that no setting can have: `u64::MAX`.
const HUGE: &str = "18446744073709551615";

/// A setting, a value that it can't have, and the end of the error.
const REFUSED_VALUES: &[(&str, &str, &str)] = &[
    (
        "delivery.attempts",
        HUGE,
        "18446744073709551615 is out of range; write a whole number from 1 to 4294967295",
    ),
    (
        "delivery.attempts",
        "-1",
        "-1 is out of range; write a whole number from 1 to 4294967295",
    ),
    (
        "delivery.attempts",
        "2.5",
        "2.5 is not a whole number; write a whole number from 1 to 4294967295",
    ),
    (
        "delivery.requests_per_second",
        "0",
        "0 is out of range; write a whole number from 1 to 4294967295",
    ),
    (
        "spool.quota_bytes",
        HUGE,
        "18446744073709551615 is out of range; write a whole number from 1 to 9223372036854775807",
    ),
    (
        "delivery.batch_bytes",
        HUGE,
        "18446744073709551615 is out of range; write a whole number from 0 to 500000",
    ),
    (
        "relay.events_per_second",
        "1 GB",
        "\"1 GB\" is not a whole number; write a whole number from 0 to 4294967295",
    ),
    (
        "screen.rejected_alert_percent",
        HUGE,
        "18446744073709551615 is out of range; write a number from 0 to 100",
    ),
    (
        "screen.rejected_alert_percent",
        "most",
        "\"most\" is not a number; write a number from 0 to 100",
    ),
    (
        "delivery.batch_age",
        HUGE,
        "\"18446744073709551615\" is not a length of time; write 250ms, 10s or 4h, at most a year",
    ),
    (
        "delivery.batch_age",
        "367days",
        "\"367days\" is more than a year; write 250ms, 10s or 4h, at most a year",
    ),
    (
        "feed.resume",
        HUGE,
        "18446744073709551615 is neither true nor false; write true or false",
    ),
    (
        "feed.resume",
        "yes",
        "\"yes\" is neither true nor false; write true or false",
    ),
    (
        "mapping.fields",
        "[18446744073709551615]",
        "write [\"a\", \"b\"]",
    ),
    (
        "mapping.fields",
        "[1]",
        "[1] is not a list of texts; write [\"a\", \"b\"]",
    ),
    (
        "types",
        HUGE,
        "18446744073709551615 is not a table; write { name = \"value\" }",
    ),
    (
        "relay.listen",
        HUGE,
        "18446744073709551615 is not an IP address with a port; write \"127.0.0.1:4080\" or \"[::1]:4080\"",
    ),
    (
        "gate",
        HUGE,
        "unknown variant `18446744073709551615`, expected one of `open`, `shut`, `dry-run`",
    ),
    ("feed.headers", HUGE, "has to be a text in quotes"),
];

#[test]
fn a_refused_value_of_the_environment_is_told_with_its_setting_and_the_allowed_range() {
    for (setting, value, says) in REFUSED_VALUES.iter().copied() {
        let name = variable(setting);
        let error = with("", &[(&name, value)], &[]).map(|_| ()).unwrap_err();
        let (error, start) = (error.to_string(), format!("environment {name}: {setting}"));
        assert!(
            error.starts_with(&start),
            "{setting} = {value} gives {error}"
        );
        assert!(error.ends_with(says), "{setting} = {value} gives {error}");
    }
}

#[test]
fn every_setting_that_is_no_text_refuses_a_word_by_its_name() {
    let mut refused = 0;
    for (setting, default) in flatten(&Settings::default()) {
        let is_time = |text: &str| humantime::parse_duration(text).is_ok();
        if default.as_str().is_some_and(|text| !is_time(text)) || default.is_array() {
            continue;
        }
        let name = variable(&setting);
        let error = with("", &[(&name, "plenty")], &[]).map(|_| ()).unwrap_err();
        let error = error.to_string();
        let start = format!("environment {name}: {setting}: ");
        assert!(error.starts_with(&start), "{error}");
        assert!(!error.contains("invalid type"), "{error}");
        refused += 1;
    }
    assert!(refused > 40, "{refused} settings");
}
