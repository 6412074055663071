//! Writing the filters back into the configuration file: its comments, its order and
//! everything else in it stay as they are.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

use crate::amplitude::byte_order_mark;
use crate::filter::{Filters, Rule, RuleEffect, Switch};
use crate::owner_only;

/// Why the filters can't be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file can't be read or written.
    #[error("cannot save the filters to {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file was changed since, and is no TOML now.
    #[error("cannot save the filters to {path}: it is no TOML any more: {message}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// Writes `filters` into the file at `path`, which is made where it isn't there. The file is
/// replaced whole, so that a full disk leaves the old one.
pub fn filters(path: &Path, filters: &Filters) -> Result<(), SaveError> {
    edit(path, |document| apply(document.as_table_mut(), filters))
}

/// Writes a preset into the file, or takes it out; the filters in force stay as they are.
pub fn preset(path: &Path, name: &str, filters: Option<&Filters>) -> Result<(), SaveError> {
    edit(path, |document| {
        let mut ours = Table::new();
        ours.set_implicit(true);
        let presets = document.entry("presets").or_insert(Item::Table(ours));
        let Some(presets) = presets.as_table_mut() else {
            return;
        };
        match filters {
            Some(filters) => {
                let preset = presets
                    .entry(name)
                    .or_insert_with(|| Item::Table(Table::new()));
                if let Some(preset) = preset.as_table_mut() {
                    apply(preset, filters);
                }
            }
            None => _ = presets.remove(name),
        }
    })
}

fn edit(path: &Path, change: impl FnOnce(&mut DocumentMut)) -> Result<(), SaveError> {
    let failed = |source| SaveError::File {
        path: path.to_owned(),
        source,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let mut document: DocumentMut =
        byte_order_mark::without(&text)
            .parse()
            .map_err(|e: toml_edit::TomlError| SaveError::Syntax {
                path: path.to_owned(),
                message: e.message().to_owned(),
            })?;
    change(&mut document);
    if let Some(folder) = path.parent() {
        owner_only::create_folder(folder).map_err(failed)?;
    }
    // A link stays one, as where the file is kept among others of its kind.
    let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // The key may stand in it.
    owner_only::replace_durably(&file, document.to_string().as_bytes()).map_err(failed)
}

fn apply(table: &mut Table, filters: &Filters) {
    set_keeping_decor(table, "unseen_types", word(filters.unseen_types));
    let types = table
        .entry("types")
        .or_insert_with(|| Item::Table(Table::new()));
    keep_only(types, &filters.types);
    if let Some(types) = types.as_table_like_mut() {
        for (name, switch) in &filters.types {
            let same = types.get(name).and_then(Item::as_str) == Some(word(*switch));
            if !same {
                types.insert(name, value(word(*switch)));
            }
        }
    }
    apply_rules(table, &filters.rules);
}

/// Takes the types out that are not in `wanted`, all at once: each removal by itself moves what
/// is behind it.
fn keep_only(types: &mut Item, wanted: &BTreeMap<String, Switch>) {
    match types {
        Item::Table(types) => types.retain(|name, _| wanted.contains_key(name)),
        Item::Value(Value::InlineTable(types)) => {
            types.retain(|name, _| wanted.contains_key(name));
        }
        // Nothing else is taken for the types.
        _ => {}
    }
}

/// Rules that are there already keep their tables, and with them their comments.
fn apply_rules(into: &mut Table, rules: &[Rule]) {
    let old = into
        .get("rules")
        .and_then(Item::as_array_of_tables)
        .cloned()
        .unwrap_or_default();
    let mut new = ArrayOfTables::new();
    for rule in rules {
        let kept = old
            .iter()
            .find(|table| table.get("name").and_then(Item::as_str) == Some(&rule.name));
        let mut table = kept.cloned().unwrap_or_default();
        let effect = match rule.effect {
            RuleEffect::Exclude => "exclude",
            RuleEffect::Include => "include",
        };
        set_keeping_decor(&mut table, "name", rule.name.as_str());
        set_keeping_decor(&mut table, "effect", effect);
        set_keeping_decor(&mut table, "when", rule.when.as_str());
        set_keeping_decor(&mut table, "on", rule.on);
        if rule.sample < 100.0 || table.contains_key("sample") {
            set_keeping_decor(&mut table, "sample", rule.sample);
        }
        if rule.note.is_empty() {
            table.remove("note");
        } else {
            set_keeping_decor(&mut table, "note", rule.note.as_str());
        }
        new.push(table);
    }
    if new.is_empty() {
        into.remove("rules");
    } else {
        into.insert("rules", Item::ArrayOfTables(new));
    }
}

fn set_keeping_decor(table: &mut Table, key: &str, new: impl Into<Value>) {
    let mut new: Value = new.into();
    if let Some(old) = table.get(key).and_then(Item::as_value) {
        *new.decor_mut() = old.decor().clone();
    }
    table.insert(key, Item::Value(new));
}

fn word(switch: Switch) -> &'static str {
    match switch {
        Switch::On => "on",
        Switch::Off => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, load};

    #[cfg(unix)]
    #[test]
    fn a_configuration_behind_a_link_is_saved_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("kept.toml"), dir.path().join("s.toml"));
        fs::write(&file, "gate = \"shut\"\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut wanted = Filters::default();
        wanted.types.insert("a".to_owned(), Switch::Off);
        filters(&link, &wanted).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&file).unwrap().contains("a = \"off\""));
    }

    #[test]
    fn saving_filters_changes_only_them_and_keeps_every_comment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sluicegate.toml");
        let before = "# mine\ngate = \"open\" # careful\n\n[feed]\nurl = \"ws://x\" # the relay\n\n[types]\n# noisy\n\"Song Played\" = \"off\"\ngone = \"on\"\n\n# staff\n[[rules]]\nname = \"internal\" # ours\neffect = \"exclude\"\nwhen = 'has_user'\n";
        fs::write(&path, before).unwrap();
        let mut new = load(Some(path.clone()), true, std::iter::empty(), &[])
            .unwrap()
            .settings
            .filters();
        new.types.remove("gone");
        new.types.insert("Ürün \"x\".y".to_owned(), Switch::Off);
        new.rules[0].on = false;
        new.rules.push(Rule {
            name: "eu".to_owned(),
            effect: RuleEffect::Include,
            when: "country == \"DE\"".to_owned(),
            on: true,
            sample: 12.5,
            note: "for \"them\"".to_owned(),
        });
        filters(&path, &new).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for kept in [
            "# mine",
            "# careful",
            "# the relay",
            "# noisy",
            "# staff",
            "# ours",
        ] {
            assert!(text.contains(kept), "{kept} is gone from\n{text}");
        }
        let read = load(Some(path.clone()), true, std::iter::empty(), &[]).unwrap();
        assert_eq!(read.settings.filters(), new);
        assert_eq!(read.settings.feed.url.expose(), "ws://x");
        assert!(!path.with_extension("toml.new").exists());
    }

    /// Does not end in a test's time where each type costs a look at all others.
    #[test]
    fn hundreds_of_thousands_of_types_are_saved_and_half_of_them_taken_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        let mut wanted = Filters::default();
        for number in 0..400_000 {
            let name = format!("Event type {number}");
            wanted.types.insert(name, Switch::Off);
        }
        filters(&path, &wanted).unwrap();
        let mut number = 0;
        wanted.types.retain(|_, _| {
            number += 1;
            number % 2 == 0
        });
        filters(&path, &wanted).unwrap();
        let read = load(Some(path), true, std::iter::empty(), &[]).unwrap();
        assert_eq!(read.settings.types.len(), 200_000);
        assert!(read.settings.filters() == wanted);
    }

    #[test]
    fn types_in_an_inline_table_are_taken_out_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        fs::write(&path, "types = { a = \"off\", b = \"on\" }\n").unwrap();
        let mut wanted = Filters::default();
        wanted.types.insert("b".to_owned(), Switch::On);
        filters(&path, &wanted).unwrap();
        let read = load(Some(path), true, std::iter::empty(), &[]).unwrap();
        assert!(read.settings.filters() == wanted);
    }

    #[test]
    fn a_preset_is_written_beside_the_filters_in_force_and_taken_out_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        let before = "# mine\n[types]\na = \"off\"\n\n# the last one\n[[rules]]\nname = \"r\"\neffect = \"exclude\"\nwhen = \"has_user\"\n";
        fs::write(&path, before).unwrap();
        let read = || load(Some(path.clone()), true, std::iter::empty(), &[]).unwrap();
        let in_force = read().settings.filters();
        let mut launch = in_force.clone();
        launch.unseen_types = Switch::Off;
        launch.types.insert("New \"one\".x".to_owned(), Switch::On);
        launch.rules[0].note = "why".to_owned();
        preset(&path, "launch day", Some(&launch)).unwrap();
        preset(&path, "empty", Some(&Filters::default())).unwrap();
        let loaded = read();
        let needs = crate::config::Needs {
            feed: false,
            destination: false,
        };
        assert_eq!(loaded.problems(needs).len(), 0);
        assert_eq!(loaded.settings.filters(), in_force);
        assert_eq!(loaded.settings.presets["launch day"], launch);
        assert_eq!(loaded.settings.presets["empty"], Filters::default());
        // Saved again it takes the place of the old one.
        launch.rules.clear();
        preset(&path, "launch day", Some(&launch)).unwrap();
        assert_eq!(read().settings.presets["launch day"], launch);
        preset(&path, "launch day", None).unwrap();
        preset(&path, "empty", None).unwrap();
        assert!(read().settings.presets.is_empty());
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, before, "what is not ours stays as it is");
    }

    #[test]
    fn a_file_that_is_not_there_is_made_and_one_that_can_not_be_written_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder/s.toml");
        filters(&path, &Settings::default().filters()).unwrap();
        assert!(path.exists());
        let error = filters(dir.path(), &Settings::default().filters())
            .unwrap_err()
            .to_string();
        assert!(error.contains("cannot save the filters to"), "{error}");
    }
}
