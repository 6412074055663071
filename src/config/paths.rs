//! Paths of settings, such as `delivery.attempts`, in TOML tables.

use toml::{Table, Value};
use toml_edit::{Item, TableLike};

use super::settings::Settings;

/// Prefix of every environment variable that sets a setting.
pub(super) const PREFIX: &str = "SLUICEGATE_";
/// Tables whose keys are chosen by the operator.
const FREE: [&str; 7] = [
    "types",
    "feed.headers",
    "presets",
    "keys",
    "relay.webhook",
    "control.operators",
    "control.viewers",
];

/// Returns the name of the environment variable for a setting.
pub fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "_").to_uppercase())
}

/// Returns every setting with its value, by path. Secrets are masked.
pub fn flatten(settings: &Settings) -> Vec<(String, Value)> {
    let table = Table::try_from(settings).unwrap_or_default();
    let mut paths = Vec::new();
    leaves_of(&table, "", &mut paths);
    let value = |path: String| find(&table, &path).cloned().map(|value| (path, value));
    paths.into_iter().filter_map(value).collect()
}

/// Appends the paths of all settings of a table, which is at the path `above`.
pub(super) fn leaves_of(table: &Table, above: &str, all: &mut Vec<String>) {
    for (key, value) in table {
        let path = join(above, key);
        match value {
            Value::Table(inner) if !FREE.contains(&path.as_str()) => leaves_of(inner, &path, all),
            _ => all.push(path),
        }
    }
}

fn join(above: &str, key: &str) -> String {
    if above.is_empty() {
        key.to_owned()
    } else {
        format!("{above}.{key}")
    }
}

/// Returns the value at a path.
pub(super) fn find<'t>(table: &'t Table, path: &str) -> Option<&'t Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((first, rest)) => find(table.get(first)?.as_table()?, rest),
    }
}

/// Sets the value at a path.
pub(super) fn put(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = table
                .entry(first)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// Merges a table into another: values of `over` win.
pub(super) fn merge(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => merge(under, over),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// Appends the path of every value that a file sets, and the byte range of its key.
pub(super) fn collect(
    table: &dyn TableLike,
    above: &str,
    found: &mut Vec<(String, Option<std::ops::Range<usize>>)>,
) {
    for (key, item) in table.iter() {
        let path = join(above, key);
        let span = table
            .key(key)
            .and_then(toml_edit::Key::span)
            .or_else(|| item.span());
        match item {
            Item::ArrayOfTables(_) => found.push((path, span)),
            _ => match item.as_table_like() {
                Some(inner) => {
                    if inner.is_empty() {
                        found.push((path.clone(), span));
                    }
                    collect(inner, &path, found);
                }
                None => found.push((path, span)),
            },
        }
    }
}

/// Returns whether a path is in a table whose keys are chosen by the operator.
pub(super) fn is_free(path: &str) -> bool {
    FREE.iter().any(|free| {
        path.strip_prefix(free)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}
