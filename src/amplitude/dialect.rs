//! Fields whose names differ between the two dialects of an event.

/// The Export API's name of a field, and all its names in events, the Export API's first.
/// Source: Amplitude, Export API and HTTP V2 API, keys of an event.
pub const RENAMED: [(&str, &[&str]); 7] = [
    ("insert_id", &["$insert_id", "insert_id"]),
    ("insert_key", &["$insert_key"]),
    ("schema", &["$schema"]),
    ("ip_address", &["ip_address", "ip"]),
    ("version_name", &["version_name", "app_version"]),
    ("device_carrier", &["device_carrier", "carrier"]),
    ("device_type", &["device_type", "device_model"]),
];

/// All names that the field `name` may have in an event.
pub fn names_of<'n>(name: &'n &'n str) -> &'n [&'n str] {
    let renamed = RENAMED.iter().find(|(export, _)| export == name);
    renamed.map_or(std::slice::from_ref(name), |(_, names)| names)
}
