//! The keys, as data: what each does, where, and what the help says of it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::Pane;

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described by its entry in KEYS")]
pub enum Do {
    Help,
    Find,
    NextMatch,
    PreviousMatch,
    FocusFilters,
    NextPane,
    PreviousPane,
    Zoom,
    Freeze,
    Follow,
    Gate,
    DryRun,
    Save,
    Window,
    Command,
    Quit,
    Suspend,
    Redraw,
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    Back,
    Toggle,
    Only,
    All,
    None,
    Unseen,
    Sort,
    EditRule,
    NewRule,
    DeleteRule,
    RuleUp,
    RuleDown,
    Rule(u8),
    Fold,
    Tab,
}

/// Where a key means what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everywhere that nothing else claims it.
    Anywhere,
    /// In this pane.
    In(Pane),
    /// While an event is inspected.
    Inspector,
}

/// One binding.
#[derive(Debug)]
pub struct Binding {
    /// Its keys, as the help writes them.
    pub keys: &'static [&'static str],
    /// What they do.
    pub does: Do,
    /// Where.
    pub place: Place,
    /// Its name, for the command line: `:gate`.
    pub name: &'static str,
    /// What the help says.
    pub help: &'static str,
    /// What the footer says; nothing keeps it out.
    pub footer: &'static str,
}

const fn bind(
    keys: &'static [&'static str],
    does: Do,
    place: Place,
    name: &'static str,
    help: &'static str,
    footer: &'static str,
) -> Binding {
    Binding {
        keys,
        does,
        place,
        name,
        help,
        footer,
    }
}

use Place::{Anywhere, In, Inspector};

/// All bindings. A narrower place wins over a wider one.
pub static KEYS: &[Binding] = &[
    bind(&["?"], Do::Help, Anywhere, "help", "this help", "help"),
    bind(
        &["/"],
        Do::Find,
        Anywhere,
        "find",
        "find events: text, or a condition such as user_id == \"u-1\"",
        "find",
    ),
    bind(
        &["f"],
        Do::FocusFilters,
        Anywhere,
        "filters",
        "go to the filters: event types and rules",
        "filters",
    ),
    bind(
        &["e"],
        Do::EditRule,
        Anywhere,
        "edit",
        "edit the selected rule",
        "edit rule",
    ),
    bind(
        &["Enter"],
        Do::Open,
        Anywhere,
        "inspect",
        "inspect the event; for a violation, its last event",
        "inspect",
    ),
    bind(
        &["Space"],
        Do::Freeze,
        Anywhere,
        "freeze",
        "freeze the display; forwarding goes on",
        "freeze",
    ),
    bind(
        &["g"],
        Do::Gate,
        Anywhere,
        "gate",
        "open or shut the gate, after a confirmation",
        "gate",
    ),
    bind(
        &[":"],
        Do::Command,
        Anywhere,
        "command",
        "run a command by its name",
        "command",
    ),
    bind(
        &["q", "Ctrl-c"],
        Do::Quit,
        Anywhere,
        "quit",
        "drain and quit",
        "quit",
    ),
    bind(
        &["d"],
        Do::DryRun,
        Anywhere,
        "dry-run",
        "dry run: decide and map all, send nothing",
        "",
    ),
    bind(&["r"], Do::NewRule, Anywhere, "new", "write a new rule", ""),
    bind(
        &["s"],
        Do::Save,
        Anywhere,
        "save",
        "save the filters to the configuration file",
        "",
    ),
    bind(
        &["1…9"],
        Do::Rule(0),
        Anywhere,
        "rule",
        "turn a rule on or off by its number",
        "",
    ),
    bind(
        &["w"],
        Do::Window,
        Anywhere,
        "window",
        "throughput over 10 m, 1 h, 4 h, 1 d",
        "",
    ),
    bind(
        &["z"],
        Do::Zoom,
        Anywhere,
        "zoom",
        "zoom the pane, and back",
        "",
    ),
    bind(&["Tab"], Do::NextPane, Anywhere, "next", "next pane", ""),
    bind(
        &["Shift-Tab"],
        Do::PreviousPane,
        Anywhere,
        "previous",
        "previous pane",
        "",
    ),
    bind(&["↑", "k"], Do::Up, Anywhere, "up", "up", ""),
    bind(&["↓", "j"], Do::Down, Anywhere, "down", "down", ""),
    bind(
        &["PgUp", "Ctrl-b"],
        Do::PageUp,
        Anywhere,
        "page-up",
        "a page up",
        "",
    ),
    bind(
        &["PgDn", "Ctrl-f"],
        Do::PageDown,
        Anywhere,
        "page-down",
        "a page down",
        "",
    ),
    bind(
        &["Home"],
        Do::Top,
        Anywhere,
        "top",
        "to the top: newest, and following",
        "",
    ),
    bind(
        &["End", "G"],
        Do::Bottom,
        Anywhere,
        "bottom",
        "to the bottom: oldest",
        "",
    ),
    bind(
        &["Esc"],
        Do::Back,
        Anywhere,
        "back",
        "back: close, clear the find, follow again",
        "",
    ),
    bind(
        &["Ctrl-z"],
        Do::Suspend,
        Anywhere,
        "suspend",
        "suspend the program, forwarding too; fg goes on",
        "",
    ),
    bind(
        &["Ctrl-l"],
        Do::Redraw,
        Anywhere,
        "redraw",
        "draw the screen anew",
        "",
    ),
    bind(
        &["Space", "x"],
        Do::Toggle,
        In(Pane::Filters),
        "toggle",
        "select the type, or turn the rule on or off",
        "toggle",
    ),
    bind(
        &["Enter"],
        Do::Toggle,
        In(Pane::Filters),
        "switch",
        "the same",
        "",
    ),
    bind(
        &["o"],
        Do::Only,
        In(Pane::Filters),
        "only",
        "only this type",
        "only this",
    ),
    bind(
        &["a"],
        Do::All,
        In(Pane::Filters),
        "all",
        "all types that came by",
        "all",
    ),
    bind(
        &["N"],
        Do::None,
        In(Pane::Filters),
        "none",
        "no type",
        "none",
    ),
    bind(
        &["u"],
        Do::Unseen,
        In(Pane::Filters),
        "unseen",
        "whether types that are new pass",
        "",
    ),
    bind(
        &["t"],
        Do::Sort,
        In(Pane::Filters),
        "sort",
        "sort types by count, rate or name",
        "sort",
    ),
    bind(
        &["D", "Delete"],
        Do::DeleteRule,
        In(Pane::Filters),
        "delete",
        "delete the rule, after a confirmation",
        "",
    ),
    bind(
        &["K"],
        Do::RuleUp,
        In(Pane::Filters),
        "rule-up",
        "move the rule up",
        "",
    ),
    bind(
        &["J"],
        Do::RuleDown,
        In(Pane::Filters),
        "rule-down",
        "move the rule down",
        "",
    ),
    bind(
        &["F"],
        Do::Follow,
        In(Pane::Events),
        "follow",
        "follow the newest event",
        "follow",
    ),
    bind(
        &["n"],
        Do::NextMatch,
        In(Pane::Events),
        "next-match",
        "next older event",
        "",
    ),
    bind(
        &["N"],
        Do::PreviousMatch,
        In(Pane::Events),
        "previous-match",
        "next newer event",
        "",
    ),
    bind(
        &["Tab"],
        Do::Tab,
        Inspector,
        "tab",
        "raw event, or mapped request",
        "raw/mapped",
    ),
    bind(
        &["Space", "Enter"],
        Do::Fold,
        Inspector,
        "fold",
        "fold or unfold",
        "fold",
    ),
    bind(
        &["n"],
        Do::NextMatch,
        Inspector,
        "older",
        "next older event",
        "older",
    ),
    bind(
        &["N"],
        Do::PreviousMatch,
        Inspector,
        "newer",
        "next newer event",
        "newer",
    ),
    bind(
        &["Esc", "q"],
        Do::Back,
        Inspector,
        "close",
        "close",
        "close",
    ),
];

/// What a key does here, if anything.
pub fn look_up(key: KeyEvent, pane: Pane, inspecting: bool) -> Option<Do> {
    let name = name_of(key)?;
    if let Some(digit) = name.parse::<u8>().ok().filter(|d| *d > 0) {
        return Some(Do::Rule(digit));
    }
    let narrow = |place: Place| match place {
        Place::Inspector => inspecting,
        In(own) => !inspecting && own == pane,
        Anywhere => false,
    };
    let bound = |binding: &&Binding| binding.keys.contains(&name.as_str());
    let own = KEYS.iter().filter(|b| narrow(b.place)).find(bound);
    own.or_else(|| KEYS.iter().filter(|b| b.place == Anywhere).find(bound))
        .map(|b| b.does)
}

/// The bindings that the footer names here.
pub fn footer(pane: Pane, inspecting: bool) -> Vec<&'static Binding> {
    let here = |b: &&Binding| {
        !b.footer.is_empty()
            && match b.place {
                Anywhere => !inspecting || b.does == Do::Help,
                In(own) => !inspecting && own == pane,
                Inspector => inspecting,
            }
    };
    let mut all: Vec<&Binding> = KEYS.iter().filter(here).collect();
    // Where a key has a narrower meaning, only that one is told; and it comes first.
    let taken: Vec<&str> = all
        .iter()
        .filter(|b| b.place != Anywhere)
        .flat_map(|b| b.keys)
        .copied()
        .collect();
    all.retain(|b| b.place != Anywhere || !taken.contains(&b.keys[0]));
    if !inspecting && pane == Pane::Filters {
        all.retain(|b| b.does != Do::Open && b.does != Do::FocusFilters);
    }
    all.sort_by_key(|b| b.place == Anywhere);
    all
}

/// What is run by its name on the command line.
pub fn by_name(name: &str) -> Option<&'static Binding> {
    KEYS.iter().find(|b| b.name == name)
}

/// A key as the table writes it.
fn name_of(key: KeyEvent) -> Option<String> {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            format!("Ctrl-{}", c.to_ascii_lowercase())
        }
        KeyCode::Char(c) => c.to_string(),
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

    fn does(key: KeyCode, pane: Pane, inspecting: bool) -> Option<Do> {
        look_up(KeyEvent::new(key, KeyModifiers::NONE), pane, inspecting)
    }

    #[test]
    fn a_key_means_what_its_place_says() {
        assert_eq!(
            does(KeyCode::Char(' '), Pane::Events, false),
            Some(Do::Freeze)
        );
        assert_eq!(
            does(KeyCode::Char(' '), Pane::Filters, false),
            Some(Do::Toggle)
        );
        assert_eq!(
            does(KeyCode::Char(' '), Pane::Filters, true),
            Some(Do::Fold)
        );
        assert_eq!(
            does(KeyCode::Char('3'), Pane::Events, false),
            Some(Do::Rule(3))
        );
        assert_eq!(does(KeyCode::F(9), Pane::Events, false), None);
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
}
