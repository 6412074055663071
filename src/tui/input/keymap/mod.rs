//! The keys, as data: what each does, where, and what the help says of it. The settings can
//! give anything other keys.

mod table;

use std::collections::BTreeMap;
use std::ops::Deref;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use table::Place::{Anywhere, Draft, In, Inspector, Letters, Limit, Person, Properties};
pub use table::{Do, KEYS, Place, Sought, Usual};

use crate::tui::frame::focus::{Over, Pane, Scene};

/// Something that can be done, with its keys.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The keys, as the help writes them.
    pub keys: Vec<String>,
    usual: &'static Usual,
}

impl Deref for Binding {
    type Target = Usual;

    fn deref(&self) -> &Usual {
        self.usual
    }
}

/// All keys.
#[derive(Debug, Clone)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

/// What is wrong with the keys of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing is called so.
    #[error("nothing that can be done is called so{hint}; the palette (:) lists all names")]
    Unknown {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// There is no such key.
    #[error(
        "{key:?} is no key; write g, G, Ctrl-g, Alt-g, F5, Enter, Esc, Tab, Shift-Tab, Space, Up, Home or Delete"
    )]
    NoKey {
        /// The name of what was to have it.
        name: String,
        /// What was written.
        key: String,
    },
    /// Two things have the same key in the same place.
    #[error("{key} is the key of {other} already, in the same place")]
    Taken {
        /// The name of what was to have it.
        name: String,
        /// The key.
        key: String,
        /// The name of what has it.
        other: String,
    },
}

impl KeyError {
    /// The name of what was to have the keys.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown { name, .. } | Self::NoKey { name, .. } | Self::Taken { name, .. } => {
                name
            }
        }
    }
}

impl Default for Keymap {
    /// The usual keys.
    fn default() -> Self {
        let usual = |usual: &'static Usual| Binding {
            keys: usual.keys.iter().map(|key| (*key).to_owned()).collect(),
            usual,
        };
        Self {
            bindings: KEYS.iter().map(usual).collect(),
        }
    }
}

impl Keymap {
    /// The usual keys, with others for what `own` names; or all that is wrong with these.
    pub fn with(own: &BTreeMap<String, Vec<String>>) -> Result<Self, Vec<KeyError>> {
        let mut map = Self::default();
        let mut wrong = Vec::new();
        for (name, keys) in own {
            let Some(binding) = map.bindings.iter_mut().find(|b| b.name == name) else {
                wrong.push(unknown(name));
                continue;
            };
            binding.keys.clear();
            for key in keys {
                match canonical(key) {
                    Some(key) => binding.keys.push(key),
                    None => wrong.push(KeyError::NoKey {
                        name: name.clone(),
                        key: key.clone(),
                    }),
                }
            }
        }
        wrong.extend(map.conflicts(own));
        // There is always a way out.
        let quit = map.bindings.iter_mut().find(|b| b.does == Do::Quit);
        if let Some(quit) = quit.filter(|quit| !quit.keys.iter().any(|key| key == "Ctrl-c")) {
            quit.keys.push("Ctrl-c".to_owned());
        }
        if wrong.is_empty() {
            Ok(map)
        } else {
            Err(wrong)
        }
    }

    /// Keys that mean two things in one place; told of the one that the settings name.
    fn conflicts(&self, own: &BTreeMap<String, Vec<String>>) -> Vec<KeyError> {
        let mut found = Vec::new();
        for (index, one) in self.bindings.iter().enumerate() {
            for other in &self.bindings[index + 1..] {
                if one.place != other.place || one.does == other.does {
                    continue;
                }
                let is_digit = |key: &str| key.len() == 1 && ("1"..="9").contains(&key);
                let shared = one.keys.iter().find(|key| {
                    let rules = other.does == Do::Rule(0) && is_digit(key);
                    other.keys.contains(key) || rules
                });
                let (mine, theirs) = if own.contains_key(other.name) {
                    (other, one)
                } else {
                    (one, other)
                };
                found.extend(shared.map(|key| KeyError::Taken {
                    name: mine.name.to_owned(),
                    key: key.clone(),
                    other: theirs.name.to_owned(),
                }));
            }
        }
        found
    }

    /// All, in the order of the help.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The first key of this, for a sentence that names it; its name where it has no key.
    pub fn key(&self, does: Do) -> &str {
        let binding = self.bindings.iter().find(|b| b.does == does);
        match binding {
            Some(binding) => binding.keys.first().map_or(binding.name, String::as_str),
            None => "",
        }
    }

    /// What a key does here, if anything.
    pub fn look_up(&self, key: KeyEvent, scene: Scene) -> Option<Do> {
        let name = name_of(key)?;
        if let Some(digit) = name.parse::<u8>().ok().filter(|d| *d > 0) {
            return Some(Do::Rule(digit));
        }
        let bound = |b: &&Binding| b.place.is_at(scene) && b.keys.contains(&name);
        let all = self.bindings.iter().filter(bound);
        all.min_by_key(|b| b.place.width()).map(|b| b.does)
    }

    /// The bindings that the footer names here, the narrowest first.
    pub fn footer(&self, scene: Scene) -> Vec<&Binding> {
        let is_free = scene.over == Over::Nothing;
        let here = self.bindings.iter().filter(|b| b.place.is_at(scene));
        let mut all: Vec<&Binding> = here.filter(|b| !b.keys.is_empty()).collect();
        all.sort_by_key(|b| b.place.width());
        // Where a key has a narrower meaning, only that one is told.
        let mut taken: Vec<&String> = Vec::new();
        all.retain(|b| {
            let is_new = !taken.contains(&&b.keys[0]);
            taken.extend(&b.keys);
            is_new
        });
        let among_filters = is_free && scene.pane == Pane::Filters;
        let is_of_use = |does| !(among_filters && matches!(does, Do::Open | Do::FocusFilters));
        all.retain(|b| {
            let is_told = is_free || b.place != Anywhere || b.does == Do::Help;
            !b.footer.is_empty() && is_told && is_of_use(b.does)
        });
        all
    }

    /// What can be done and has these letters in its name or its help, the best match first;
    /// where nothing is typed, what can be done here first.
    pub fn palette(&self, letters: &str, scene: Scene) -> Vec<&Binding> {
        let rank = |b: &Binding| (!b.place.is_at(scene), b.place.width());
        let mut all: Vec<&Binding> = Vec::new();
        for binding in &self.bindings {
            if matches!(binding.does, Do::Rule(_) | Do::Command) {
                continue;
            }
            // What is bound in several places is told with its key here.
            match all.iter_mut().find(|b| b.does == binding.does) {
                Some(other) if rank(binding) < rank(other) => *other = binding,
                Some(_) => {}
                None => all.push(binding),
            }
        }
        all.sort_by_key(|b| rank(b));
        let pattern = Pattern::new(
            letters,
            CaseMatching::Ignore,
            Normalization::Smart,
            AtomKind::Fuzzy,
        );
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
        let mut found: Vec<(u32, &Binding)> = all
            .into_iter()
            .filter_map(|b| {
                // A name says more than a sentence.
                let by_name = score(b.name).map(|score| score * 2);
                let by_help = score(b.help);
                Some((by_name.max(by_help)?, b))
            })
            .collect();
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        found.into_iter().map(|(_, binding)| binding).collect()
    }
}

fn unknown(name: &str) -> KeyError {
    let distance = |known: &&Usual| strsim::damerau_levenshtein(known.name, name);
    let nearest = KEYS.iter().min_by_key(distance);
    let hint = nearest.filter(|known| distance(known) <= 3);
    KeyError::Unknown {
        name: name.to_owned(),
        hint: hint.map_or_else(String::new, |known| {
            format!(": did you mean {}?", known.name)
        }),
    }
}

/// A key as the help writes it, from what the settings say.
fn canonical(key: &str) -> Option<String> {
    let named = match key.to_ascii_lowercase().as_str() {
        "space" => "Space",
        "enter" | "return" => "Enter",
        "esc" | "escape" => "Esc",
        "tab" => "Tab",
        "shift-tab" | "backtab" => "Shift-Tab",
        "up" => "↑",
        "down" => "↓",
        "left" => "←",
        "right" => "→",
        "pgup" | "pageup" => "PgUp",
        "pgdn" | "pagedown" => "PgDn",
        "home" => "Home",
        "end" => "End",
        "insert" => "Insert",
        "delete" | "del" => "Delete",
        "backspace" => "Backspace",
        _ => "",
    };
    if !named.is_empty() {
        return Some(named.to_owned());
    }
    let one = |text: &str| {
        let mut chars = text.chars();
        let first = chars.next()?;
        (chars.next().is_none() && !first.is_control() && first != ' ').then_some(first)
    };
    if let Some(c) = one(key) {
        return Some(c.to_string());
    }
    if let Some(rest) = key
        .strip_prefix("Ctrl-")
        .or_else(|| key.strip_prefix("ctrl-"))
    {
        return one(rest).map(|c| format!("Ctrl-{}", c.to_ascii_lowercase()));
    }
    if let Some(rest) = key
        .strip_prefix("Alt-")
        .or_else(|| key.strip_prefix("alt-"))
    {
        return one(rest).map(|c| format!("Alt-{c}"));
    }
    let number = key.strip_prefix(['F', 'f'])?.parse::<u8>().ok()?;
    (1..=24).contains(&number).then(|| format!("F{number}"))
}

impl Place {
    /// Whether this is where keys go.
    pub fn is_at(self, scene: Scene) -> bool {
        let among = |pane| scene.over == Over::Nothing && scene.pane == pane;
        match self {
            Anywhere => true,
            In(pane) => among(pane),
            Draft => scene.drafts && among(Pane::Filters),
            Inspector => scene.over == Over::Inspector,
            Letters => scene.over == Over::Letters,
            Person => scene.over == Over::Person,
            Limit => scene.over == Over::Limit,
            Properties => scene.over == Over::Properties,
        }
    }

    /// A narrower place wins over a wider one.
    pub fn width(self) -> u8 {
        match self {
            Draft => 0,
            Inspector | Letters | Person | Limit | Properties => 1,
            In(_) => 2,
            Anywhere => 3,
        }
    }
}

/// A key as the table writes it.
fn name_of(key: KeyEvent) -> Option<String> {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            format!("Ctrl-{}", c.to_ascii_lowercase())
        }
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::ALT) => format!("Alt-{c}"),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::Insert => "Insert".to_owned(),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::Delete => "Delete".to_owned(),
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn does(key: KeyCode, pane: Pane, over: Over) -> Option<Do> {
        let scene = Scene {
            pane,
            over,
            drafts: false,
        };
        Keymap::default().look_up(KeyEvent::new(key, KeyModifiers::NONE), scene)
    }

    #[test]
    fn a_key_means_what_its_place_says() {
        let space = KeyCode::Char(' ');
        for (key, pane, over, expected) in [
            (space, Pane::Events, Over::Nothing, Some(Do::Freeze)),
            (space, Pane::Filters, Over::Nothing, Some(Do::Toggle)),
            (space, Pane::Filters, Over::Inspector, Some(Do::Fold)),
            (
                KeyCode::Char('3'),
                Pane::Events,
                Over::Nothing,
                Some(Do::Rule(3)),
            ),
            (
                KeyCode::Char('r'),
                Pane::Events,
                Over::Nothing,
                Some(Do::NewRule),
            ),
            (
                KeyCode::Char('r'),
                Pane::Events,
                Over::Letters,
                Some(Do::Retry),
            ),
            (KeyCode::F(9), Pane::Events, Over::Nothing, None),
        ] {
            assert_eq!(does(key, pane, over), expected, "{key:?}");
        }
    }

    #[test]
    fn a_few_letters_find_what_can_be_done() {
        let scene = Scene {
            pane: Pane::Events,
            over: Over::Nothing,
            drafts: false,
        };
        let map = Keymap::default();
        let first = |letters| map.palette(letters, scene).first().map(|b| b.name);
        assert_eq!(first("gate"), Some("gate"));
        assert_eq!(first("dltr"), Some("dead-letters"));
        assert_eq!(first("take back"), Some("undo"));
        assert_eq!(first("DRY"), Some("dry-run"));
        assert_eq!(first("qqqq"), None);
        // All are there, each once, with what means something here first.
        let all = map.palette("", scene);
        assert!(all[0].place == In(Pane::Events) && all.len() > 40);
        let inspecting = Scene {
            over: Over::Inspector,
            ..scene
        };
        let person = map.palette("person", inspecting);
        assert_eq!(person[0].place, Inspector);
    }

    #[test]
    fn no_key_means_two_things_in_one_place_and_every_name_is_its_own() {
        for (i, a) in KEYS.iter().enumerate() {
            for b in &KEYS[i + 1..] {
                assert_ne!(a.name, b.name);
                let clash = a.place == b.place
                    && a.does != b.does
                    && a.keys.iter().any(|k| b.keys.contains(k));
                assert!(!clash, "{} and {} share a key", a.name, b.name);
            }
        }
    }

    #[test]
    fn the_settings_give_other_keys_and_what_is_wrong_with_them_is_told() {
        let own = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
            let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
            let pair = |(name, all): &(&str, &[&str])| ((*name).to_owned(), keys(all));
            pairs.iter().map(pair).collect()
        };
        let given = own(&[
            ("gate", &["F9", "ctrl-G"]),
            ("freeze", &[]),
            ("up", &["up", "Alt-k"]),
            ("quit", &["Q"]),
        ]);
        let map = Keymap::with(&given).unwrap();
        let scene = Scene {
            pane: Pane::Events,
            over: Over::Nothing,
            drafts: false,
        };
        let does = |code, modifiers| map.look_up(KeyEvent::new(code, modifiers), scene);
        assert_eq!(does(KeyCode::F(9), KeyModifiers::NONE), Some(Do::Gate));
        let g = KeyCode::Char('g');
        assert_eq!(does(g, KeyModifiers::CONTROL), Some(Do::Gate));
        assert_eq!(does(g, KeyModifiers::NONE), None);
        assert_eq!(does(KeyCode::Char(' '), KeyModifiers::NONE), None);
        assert_eq!(does(KeyCode::Char('k'), KeyModifiers::ALT), Some(Do::Up));
        assert_eq!(does(KeyCode::Up, KeyModifiers::NONE), Some(Do::Up));
        let c = KeyCode::Char('c');
        assert_eq!(does(c, KeyModifiers::CONTROL), Some(Do::Quit));
        assert_eq!(map.key(Do::Gate), "F9");
        assert_eq!(map.key(Do::Freeze), "freeze");
        assert!(map.footer(scene).iter().all(|b| b.does != Do::Freeze));
        let told = |pairs| -> Vec<String> {
            let wrong = Keymap::with(&own(pairs)).unwrap_err();
            let line = |e: &KeyError| format!("{}: {e}", e.name());
            wrong.iter().map(line).collect()
        };
        assert_eq!(
            told(&[("gate", &["?"]), ("zoon", &["Z"]), ("help", &["3"])]),
            [
                "zoon: nothing that can be done is called so: did you mean zoom?; the palette (:) lists all names",
                "help: 3 is the key of rule already, in the same place",
            ]
        );
        let wrong = told(&[("gate", &["?", "Hyper-x"])]);
        assert!(
            wrong[0].starts_with("gate: \"Hyper-x\" is no key"),
            "{wrong:?}"
        );
        assert_eq!(
            wrong[1],
            "gate: ? is the key of help already, in the same place"
        );
    }
}
