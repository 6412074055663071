//! The table of limits is what the README and the default configuration say.

use super::*;
use crate::text::grouped;

const README: &str = include_str!("../../../README.md");
const DEFAULT_CONFIGURATION: &str = include_str!("../../../assets/sluicegate.toml");

/// The lines from `first` on, up to an empty one.
fn block<'t>(text: &'t str, first: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| *line != first);
    lines.take_while(|line| !line.is_empty()).collect()
}

#[test]
fn the_readme_lists_every_limit_with_its_default_policy_and_source() {
    let mut expected = vec![
        "| limit | an event that keeps it | default policy | source |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    expected.extend(LIMITS.iter().map(|limit| {
        format!(
            "| `{}` | {} | {} | {} |",
            limit.name,
            limit.summary,
            limit.policy.name(),
            limit.source
        )
    }));
    let found = block(README, &expected[0]);
    assert_eq!(
        found,
        expected,
        "write this table into the README:\n{}\n",
        expected.join("\n")
    );
}

#[test]
fn the_default_configuration_lists_every_limit_with_its_default_policy() {
    let mut expected = vec!["[limits]".to_owned()];
    let entries = LIMITS.iter();
    expected.extend(entries.map(|limit| format!("{} = {:?}", limit.name, limit.policy.name())));
    let found = block(DEFAULT_CONFIGURATION, &expected[0]);
    assert_eq!(
        found,
        expected,
        "write this table into assets/sluicegate.toml:\n{}\n",
        expected.join("\n")
    );
}

/// The forms in which a summary may write a limit's value.
fn written(limit: &Limit) -> Vec<String> {
    let value = limit.limit;
    match limit.unit {
        Unit::None => Vec::new(),
        Unit::Bytes => vec![
            format!("{} bytes", grouped(value)),
            format!("{} kB", value / 1_000),
        ],
        Unit::Count => vec![grouped(value)],
        Unit::Ms => vec![
            format!("{} minutes", value / 60_000),
            format!("{} hours", value / 3_600_000),
        ],
    }
}

#[test]
fn the_summary_of_a_measured_limit_names_its_value() {
    for limit in LIMITS.iter().filter(|limit| limit.unit != Unit::None) {
        let written = written(limit);
        let is_named = written.iter().any(|value| limit.summary.contains(value));
        assert!(is_named, "{}: {written:?}", limit.summary);
    }
}

#[test]
fn limits_on_sizes_and_numbers_can_be_measured_and_no_others() {
    for limit in LIMITS {
        let has_size = matches!(limit.unit, Unit::Bytes | Unit::Count);
        assert_eq!(limit.measure.is_some(), has_size, "{}", limit.name);
    }
}

#[test]
fn the_table_is_in_the_order_of_its_codes_and_names_them_as_the_settings_do() {
    for (index, limit) in LIMITS.iter().enumerate() {
        assert_eq!(limit.code as usize, index);
        assert_eq!(serde_json::to_value(limit.code).unwrap(), limit.code.name());
        assert!(!limit.source.is_empty() && !limit.summary.is_empty());
    }
}
