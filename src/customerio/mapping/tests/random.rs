//! Properties of all mappings, on random events.

use super::*;
use proptest::prelude::*;

/// Properties with few different keys, including operations and dots.
fn any_properties() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        Just("a"),
        Just("b"),
        Just("a.b"),
        Just("$set"),
        Just("$unset"),
        Just("é")
    ];
    let leaf = prop_oneof![Just(json!("LEAF")), Just(json!(1)), Just(Value::Null)];
    let tree = leaf.prop_recursive(4, 20, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..4).prop_map(|entries| {
                Value::Object(
                    entries
                        .into_iter()
                        .map(|(k, v)| (k.to_owned(), v))
                        .collect(),
                )
            }),
        ]
    });
    tree.prop_map(|tree| {
        if tree.is_object() {
            tree
        } else {
            json!({ "a": tree })
        }
    })
}

/// The paths that name a leaf: without the operations at the top of user and group properties, and
/// with them, as an excluded operation takes everything below it along.
struct Leaf {
    path: String,
    whole_path: String,
}

impl Leaf {
    fn is_at_or_below(&self, excluded: &str) -> bool {
        let below = format!("{excluded}.");
        [&self.path, &self.whole_path]
            .into_iter()
            .any(|path| path == excluded || path.starts_with(&below))
    }
}

/// Numbers the leaves of `value` and collects their paths, in which arrays don't count.
fn number_leaves(value: &mut Value, path: &str, whole_path: &str, leaves: &mut Vec<Leaf>) {
    match value {
        Value::String(text) => {
            *text = format!("LEAF{}END", leaves.len());
            leaves.push(Leaf {
                path: path.to_owned(),
                whole_path: whole_path.to_owned(),
            });
        }
        Value::Array(all) => {
            for value in all {
                number_leaves(value, path, whole_path, leaves);
            }
        }
        Value::Object(all) => {
            for (key, value) in all {
                let is_operation =
                    key.starts_with('$') && matches!(path, "user_properties" | "group_properties");
                let below = format!("{path}.{key}");
                let is_passed = is_operation && (value.is_object() || value.is_array());
                let path = if is_passed { path } else { &below };
                number_leaves(value, path, &format!("{whole_path}.{key}"), leaves);
            }
        }
        _ => {}
    }
}

/// Any JSON value, nested a few levels.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x00-\\x7f]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("\\PC{0,8}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    /// For any event and any excluded paths: no value at or below one of them is sent in the event
    /// or in the identify, and all other values are sent in the event.
    #[test]
    fn exactly_the_excluded_paths_are_missing(
        mut parts in [any_properties(), any_properties(), any_properties(), any_properties()],
        chosen in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        cut in proptest::collection::vec(0_usize..4, 4),
        flat in any::<bool>(),
    ) {
        let names = ["event_properties", "user_properties", "group_properties", "groups"];
        let mut leaves = Vec::new();
        for (part, name) in parts.iter_mut().zip(names) {
            number_leaves(part, name, name, &mut leaves);
        }
        let of_leaf = |(index, cut): (&prop::sample::Index, &usize)| {
            let path = if leaves.is_empty() { "groups" } else { index.get(&leaves).path.as_str() };
            let keys: Vec<&str> = path.split('.').collect();
            keys[..keys.len().saturating_sub(*cut).max(1)].join(".")
        };
        let exclude: Vec<String> = chosen.iter().zip(&cut).map(of_leaf).collect();
        let mapping = Mapping {
            layout: if flat { Layout::Flat } else { Layout::Nested },
            exclude: exclude.clone(),
            send_users: true,
            ..Mapping::default()
        };
        let [event_part, user, group, groups] = &parts;
        let text = json!({
            "event_type": "a", "user_id": "u", "time": 1_767_225_600_000_i64,
            "event_properties": event_part, "user_properties": user,
            "group_properties": group, "groups": groups,
        });
        let event = event(&text.to_string());
        let reading = Reading::new(&event);
        let mapped = mapping.map(&reading, Vec::new());
        let identify = mapped.identify_item(&mapping, &mapping.identify(&reading), &reading);
        let item = mapped.item().unwrap();
        let sent = String::from_utf8(item.body.to_vec()).unwrap();
        let attributes = identify.map(|i| i.item.body.to_vec()).unwrap_or_default();
        let attributes = String::from_utf8(attributes).unwrap();
        for (number, leaf) in leaves.iter().enumerate() {
            let mark = format!("LEAF{number}END");
            let is_out = exclude.iter().any(|excluded| leaf.is_at_or_below(excluded));
            let path = &leaf.path;
            prop_assert_eq!(sent.contains(&mark), !is_out, "{} {:?} {}", path, exclude, sent);
            prop_assert!(!is_out || !attributes.contains(&mark), "{} {:?} {}", path, exclude, attributes);
        }
    }

    /// The request is valid JSON and contains every property unchanged.
    #[test]
    fn all_data_of_an_event_is_sent(
        own in proptest::collection::btree_map("\\PC{1,8}", any_json(), 0..5),
        user in proptest::collection::btree_map("\\PC{1,8}", any_json(), 1..5),
        id in "\\PC{1,20}".prop_filter("an ID of spaces is none", |id| !id.trim().is_empty()),
    ) {
        let event_json = json!({"event_type": "a", "user_id": id, "time": 1_767_225_600_000_i64, "event_properties": own, "user_properties": user});
        let sent = body(&Mapping::default(), &event_json.to_string());
        prop_assert_eq!(&sent["identifiers"]["id"], &json!(id.trim()));
        for (name, value) in &own {
            prop_assert_eq!(&sent["attributes"][name.as_str()], value);
        }
        let beside = if own.contains_key("user_properties") { "amplitude_user_properties" } else { "user_properties" };
        prop_assert_eq!(&sent["attributes"][beside], &json!(user));
    }
}
