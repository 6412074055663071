//! The fields that the two dialects of an event name differently.

/// The Export API's name of a field, and every name that an event may have it under, its own
/// first. Source: Amplitude, Export API and HTTP V2 API, keys of an event.
pub const RENAMED: [(&str, &[&str]); 7] = [
    ("insert_id", &["$insert_id", "insert_id"]),
    ("insert_key", &["$insert_key"]),
    ("schema", &["$schema"]),
    ("ip_address", &["ip_address", "ip"]),
    ("version_name", &["version_name", "app_version"]),
    ("device_carrier", &["device_carrier", "carrier"]),
    ("device_type", &["device_type", "device_model"]),
];

/// Every name under which an event may have the field that goes by `name`.
pub fn names_of<'n>(name: &'n &'n str) -> &'n [&'n str] {
    let renamed = RENAMED.iter().find(|(export, _)| export == name);
    renamed.map_or(std::slice::from_ref(name), |(_, names)| names)
}
