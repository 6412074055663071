//! The names that conditions can use: variables and functions.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::amplitude::dialect::RENAMED;

use super::compile_error::CompileError;

/// The variables of a condition: the fields of an event by their Export names, and three of our
/// own.
pub const VARIABLES: [&str; 60] = [
    "adid",
    "amplitude_attribution_ids",
    "amplitude_event_type",
    "amplitude_id",
    "app",
    "city",
    "client_event_time",
    "client_upload_time",
    "country",
    "data",
    "data_type",
    "derived_properties",
    "device_brand",
    "device_carrier",
    "device_family",
    "device_id",
    "device_manufacturer",
    "device_model",
    "device_type",
    "dma",
    "event_id",
    "event_properties",
    "event_time",
    "event_type",
    "global_user_properties",
    "group_properties",
    "groups",
    "idfa",
    "insert_id",
    "insert_key",
    "ip_address",
    "is_attribution_event",
    "language",
    "library",
    "location_lat",
    "location_lng",
    "lookup_properties",
    "os_name",
    "os_version",
    "partner_id",
    "paying",
    "plan",
    "platform",
    "processed_time",
    "region",
    "sample_rate",
    "schema",
    "server_received_time",
    "server_upload_time",
    "session_id",
    "source_id",
    "start_version",
    "user_creation_time",
    "user_id",
    "user_properties",
    "uuid",
    "version_name",
    // Our own: whether the event has a user ID, its size, and its age when it was received.
    "has_user",
    "size_bytes",
    "age_ms",
];

/// The functions of CEL's standard library and its strings extension that a condition can call.
pub const FUNCTIONS: [&str; 28] = [
    "bool",
    "bytes",
    "charAt",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "format",
    "has",
    "indexOf",
    "int",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "matches",
    "replace",
    "reverse",
    "size",
    "split",
    "startsWith",
    "string",
    "substring",
    "trim",
    "type",
    "uint",
    "upperAscii",
    "all",
    "exists",
];

/// Returns the variable for a field of an event, in either dialect.
pub fn variable(field: &str) -> Option<&'static str> {
    static BY_FIELD: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let renamed = RENAMED
            .iter()
            .flat_map(|(export, names)| names.iter().map(|name| (*name, *export)));
        // A variable's own name wins.
        renamed
            .chain(VARIABLES.iter().map(|name| (*name, *name)))
            .collect()
    });
    BY_FIELD.get(field).copied()
}

/// Fails on a variable that does not exist.
pub(super) fn check_variables<'p>(
    source: &str,
    used: impl IntoIterator<Item = &'p str>,
) -> Result<(), CompileError> {
    let is_unknown = |name: &&str| !VARIABLES.contains(name) && !is_bound(source, name);
    match used.into_iter().filter(is_unknown).min() {
        Some(name) => Err(unknown(source, "variable", name, &VARIABLES)),
        None => Ok(()),
    }
}

/// Fails on a function that does not exist.
pub(super) fn check_functions<'p>(
    source: &str,
    used: impl IntoIterator<Item = &'p str>,
) -> Result<(), CompileError> {
    let is_operator = |f: &str| f.starts_with(|c: char| !c.is_ascii_alphabetic());
    let is_unknown = |f: &&str| !is_operator(f) && !FUNCTIONS.contains(f);
    match used.into_iter().find(is_unknown) {
        Some(name) => Err(unknown(source, "function", name, &FUNCTIONS)),
        None => Ok(()),
    }
}

/// Whether a macro binds the name, as `exists` binds `i` in `items.exists(i, i.price > 3)`.
fn is_bound(source: &str, name: &str) -> bool {
    ["all(", "exists(", "exists_one(", "map(", "filter("]
        .iter()
        .any(|opening| {
            source.match_indices(opening).any(|(at, _)| {
                let inside = source[at + opening.len()..].trim_start();
                inside
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.trim_start().starts_with(','))
            })
        })
}

/// Creates the error of an unknown name, with the most similar known one.
fn unknown(source: &str, kind: &str, name: &str, known: &[&str]) -> CompileError {
    let nearest = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(k, name), k))
        .filter(|(distance, k)| *distance <= 3.min(k.len() / 2))
        .min();
    let hint = match nearest {
        Some((_, k)) => format!("; did you mean {k}?"),
        None if kind == "variable" => {
            "; a property needs event_properties. or user_properties. in front".to_owned()
        }
        None => String::new(),
    };
    let column = source
        .find(name)
        .map_or(0, |at| source[..at].chars().count());
    CompileError {
        message: format!("there is no {kind} {name}{hint}"),
        column,
    }
}
