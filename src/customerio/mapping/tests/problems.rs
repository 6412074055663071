//! Settings that can't have their effect.

use super::*;

#[test]
fn a_path_that_matches_nothing_is_reported() {
    let problems = |change: &dyn Fn(&mut Mapping)| {
        let mut mapping = Mapping::default();
        change(&mut mapping);
        let found = mapping.problems();
        found
            .iter()
            .map(|p| (p.setting, p.message.clone()))
            .collect::<Vec<_>>()
    };
    let excluding = |path: &'static str| move |m: &mut Mapping| m.exclude = paths(&[path]);
    for fine in [
        "event_properties",
        "user_properties.a.b",
        "user_properties.$set.email",
        "group_properties.x",
        "groups",
    ] {
        assert_eq!(problems(&excluding(fine)), [], "{fine}");
    }
    for wrong in [
        "email",
        "",
        "user_properties.",
        ".user_properties",
        "user_properties..email",
        "User_Properties.email",
        " user_properties.email",
        "event_type",
        "platform",
        "device_id",
        "user_property.email",
    ] {
        let found = problems(&excluding(wrong));
        assert_eq!(found.len(), 1, "{wrong}");
        assert!(found[0].1.contains("can match nothing"), "{}", found[0].1);
    }
    let people = problems(&excluding("user_id"));
    assert!(people[0].1.contains("names the person"), "{people:?}");
    let device = problems(&|m| (m.anonymous, m.exclude) = (Send, paths(&["device_id"])));
    assert!(device[0].1.contains("anonymous_id"), "{device:?}");
    let both = problems(&|m| {
        m.include = paths(&["user_properties.a"]);
        m.exclude = paths(&["user_properties"]);
    });
    assert_eq!(both[0].0, "mapping.include");
    for fields in [
        &(|m: &mut Mapping| m.fields = paths(&["plan.branch"])) as &dyn Fn(&mut Mapping),
        &|m| (m.fields, m.exclude) = (paths(&["plan"]), paths(&["plan"])),
        &|m| (m.fields, m.include) = (paths(&["plan"]), paths(&["groups"])),
    ] {
        assert_eq!(problems(fields)[0].0, "mapping.fields");
    }
}
