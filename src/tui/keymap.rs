//! The keys, as data: what each does, where, and what the help says of it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::state::{Over, Pane, Scene};

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
    Letters,
    Retry,
    RetryReason,
    Export,
    Discard,
    TryNow,
    Reload,
    Apply,
    ApplyForTime,
    DiscardDraft,
    LookThrough,
    Undo,
    Redo,
    History,
    ExcludeThis,
    OnlyThis,
    Person,
    Copy,
    Presets,
    Watches,
    StoryUp,
    StoryDown,
    Older(Sought),
    Newer(Sought),
    GoTo,
    Bookmark,
    NextBookmark,
    ExportEvents,
    Hide,
    Wider,
    Narrower,
    Higher,
    Lower,
    UsualLayout,
    Private,
    Colours,
    Mouse,
}

/// What an event is sought for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described by its entries in KEYS")]
pub enum Sought {
    Violation,
    Failure,
}

/// Where a key means what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Everywhere that nothing else claims it.
    Anywhere,
    /// In this pane.
    In(Pane),
    /// Among the filters, while a draft of them is open.
    Draft,
    /// While an event is inspected.
    Inspector,
    /// While the dead letters are looked at.
    Letters,
    /// While the events of a person are looked at.
    Person,
    /// While it is looked at where a limit is broken.
    Limit,
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
    /// Its name, for the palette.
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

use Place::{Anywhere, Draft, In, Inspector, Letters, Limit, Person};

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
        "inspect the event; for a violation, where its limit is broken",
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
        &[":", "Ctrl-p"],
        Do::Command,
        Anywhere,
        "command",
        "all that can be done, found by a few letters",
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
    bind(
        &["l"],
        Do::Letters,
        Anywhere,
        "dead-letters",
        "dead letters: what could not be delivered, and why",
        "dead letters",
    ),
    bind(
        &["T"],
        Do::TryNow,
        Anywhere,
        "try",
        "try again now, where delivery waits for its next probe or for you",
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
        &["Ctrl-r"],
        Do::Reload,
        Anywhere,
        "reload",
        "read the configuration file again; nothing is dropped",
        "",
    ),
    bind(
        &["1…9"],
        Do::Rule(0),
        Anywhere,
        "rule",
        "turn a rule on or off by its number, in the draft",
        "",
    ),
    bind(
        &["p"],
        Do::Person,
        Anywhere,
        "person",
        "the person: all recent events of whom this one is about",
        "person",
    ),
    bind(
        &["u"],
        Do::Undo,
        Anywhere,
        "undo",
        "take the last change of the filters back",
        "",
    ),
    bind(&["U"], Do::Redo, Anywhere, "redo", "make it again", ""),
    bind(
        &["H"],
        Do::History,
        Anywhere,
        "history",
        "what was changed of the filters, and when",
        "",
    ),
    bind(
        &["S"],
        Do::Presets,
        Anywhere,
        "presets",
        "presets of the filters: keep, switch, compare",
        "",
    ),
    bind(
        &["["],
        Do::Newer(Sought::Violation),
        Anywhere,
        "newer-violation",
        "to the next newer event that breaks a limit",
        "",
    ),
    bind(
        &["]"],
        Do::Older(Sought::Violation),
        Anywhere,
        "older-violation",
        "to the next older event that breaks a limit",
        "",
    ),
    bind(
        &["{"],
        Do::Newer(Sought::Failure),
        Anywhere,
        "newer-failure",
        "to the next newer event that failed",
        "",
    ),
    bind(
        &["}"],
        Do::Older(Sought::Failure),
        Anywhere,
        "older-failure",
        "to the next older event that failed",
        "",
    ),
    bind(
        &["@"],
        Do::GoTo,
        Anywhere,
        "go-to",
        "to the events of a time",
        "",
    ),
    bind(
        &["m"],
        Do::Bookmark,
        Anywhere,
        "bookmark",
        "a bookmark on the event, or none",
        "",
    ),
    bind(
        &["'"],
        Do::NextBookmark,
        Anywhere,
        "next-bookmark",
        "to the next older bookmark, and round",
        "",
    ),
    bind(
        &["X"],
        Do::ExportEvents,
        Anywhere,
        "export-events",
        "write events to a file: this one, those found, held back, bookmarked, all",
        "",
    ),
    bind(
        &["W"],
        Do::Watches,
        Anywhere,
        "watches",
        "conditions that are watched: how often they are met, and alerts",
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
    bind(
        &["\\"],
        Do::Hide,
        Anywhere,
        "hide",
        "hide the pane; the events stay",
        "",
    ),
    bind(&[">"], Do::Wider, Anywhere, "wider", "the pane wider", ""),
    bind(
        &["<"],
        Do::Narrower,
        Anywhere,
        "narrower",
        "the pane narrower",
        "",
    ),
    bind(
        &["+"],
        Do::Higher,
        Anywhere,
        "higher",
        "the pane higher",
        "",
    ),
    bind(&["-"], Do::Lower, Anywhere, "lower", "the pane lower", ""),
    bind(
        &["="],
        Do::UsualLayout,
        Anywhere,
        "usual-layout",
        "all panes where they usually are",
        "",
    ),
    bind(
        &["P"],
        Do::Private,
        Anywhere,
        "privacy",
        "hide who people are, on the screen and in copies; or show it",
        "",
    ),
    bind(
        &["C"],
        Do::Colours,
        Anywhere,
        "colours",
        "other colours: dark, light, high contrast, the terminal's 16",
        "",
    ),
    bind(
        &["M"],
        Do::Mouse,
        Anywhere,
        "mouse",
        "hand the mouse to the terminal, to select text; or take it back",
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
        Do::Apply,
        Draft,
        "apply",
        "put the draft in force, whole",
        "apply",
    ),
    bind(
        &["A"],
        Do::ApplyForTime,
        Draft,
        "apply-for-time",
        "put the draft in force for a time, then take it back",
        "for a time",
    ),
    bind(
        &["Esc"],
        Do::DiscardDraft,
        Draft,
        "discard-draft",
        "discard the draft: nothing is changed",
        "discard",
    ),
    bind(
        &["v"],
        Do::LookThrough,
        Draft,
        "look-through",
        "the events as the draft would decide, or the preview again",
        "events through it",
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
        &["n"],
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
        "delete the rule",
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
        &["J"],
        Do::StoryDown,
        Inspector,
        "story-down",
        "scroll the story down",
        "",
    ),
    bind(
        &["K"],
        Do::StoryUp,
        Inspector,
        "story-up",
        "scroll the story up",
        "",
    ),
    bind(
        &["x"],
        Do::ExcludeThis,
        Inspector,
        "exclude-this",
        "a rule that excludes where this field is as it is here",
        "exclude where so",
    ),
    bind(
        &["i"],
        Do::OnlyThis,
        Inspector,
        "only-this",
        "a rule that lets on only where this field is as it is here",
        "only where so",
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
    bind(
        &["Enter"],
        Do::Open,
        Limit,
        "inspect-violation",
        "inspect the last event that breaks the limit here",
        "inspect",
    ),
    bind(
        &["e"],
        Do::Export,
        Limit,
        "export-violations",
        "write the events in the ring that break the limit to a file (NDJSON)",
        "export",
    ),
    bind(
        &["Esc", "q"],
        Do::Back,
        Limit,
        "leave-limit",
        "back",
        "back",
    ),
    bind(
        &["Enter"],
        Do::Open,
        Person,
        "inspect-of-person",
        "inspect the event",
        "inspect",
    ),
    bind(
        &["Esc", "q"],
        Do::Back,
        Person,
        "leave-person",
        "back",
        "back",
    ),
    bind(
        &["y"],
        Do::Copy,
        Inspector,
        "copy",
        "copy the event, the request, a curl command, its story",
        "copy",
    ),
    bind(
        &["p"],
        Do::Person,
        Inspector,
        "person-of-event",
        "the person: all recent events of whom this one is about",
        "person",
    ),
    bind(
        &["y"],
        Do::Copy,
        Letters,
        "copy-letter",
        "copy the request, a curl command, the letter's story",
        "copy",
    ),
    bind(
        &["p"],
        Do::Person,
        Letters,
        "person-of-letter",
        "the person: all recent events of whom this letter is about",
        "person",
    ),
    bind(
        &["Enter"],
        Do::Open,
        Letters,
        "open-letter",
        "open the row, then the letter",
        "open",
    ),
    bind(
        &["r"],
        Do::Retry,
        Letters,
        "retry",
        "try again: the letters of the row, or this one",
        "retry",
    ),
    bind(
        &["R"],
        Do::RetryReason,
        Letters,
        "retry-reason",
        "try all of this reason again, whatever their type",
        "all of reason",
    ),
    bind(
        &["e"],
        Do::Export,
        Letters,
        "export",
        "write the letters of the row, or this one, to a file (NDJSON)",
        "export",
    ),
    bind(
        &["D", "Delete"],
        Do::Discard,
        Letters,
        "discard",
        "discard the letters of the row, or this one, after a confirmation",
        "discard",
    ),
    bind(
        &["Space"],
        Do::Fold,
        Letters,
        "fold-letter",
        "fold or unfold, in a letter that is open",
        "",
    ),
    bind(
        &["Esc", "q"],
        Do::Back,
        Letters,
        "leave-letters",
        "back",
        "back",
    ),
];

impl Place {
    /// Whether this is where keys go.
    fn is_at(self, scene: Scene) -> bool {
        let among = |pane| scene.over == Over::Nothing && scene.pane == pane;
        match self {
            Anywhere => true,
            In(pane) => among(pane),
            Draft => scene.drafts && among(Pane::Filters),
            Inspector => scene.over == Over::Inspector,
            Letters => scene.over == Over::Letters,
            Person => scene.over == Over::Person,
            Limit => scene.over == Over::Limit,
        }
    }

    /// A narrower place wins over a wider one.
    fn width(self) -> u8 {
        match self {
            Draft => 0,
            Inspector | Letters | Person | Limit => 1,
            In(_) => 2,
            Anywhere => 3,
        }
    }
}

/// What a key does here, if anything.
pub fn look_up(key: KeyEvent, scene: Scene) -> Option<Do> {
    let name = name_of(key)?;
    if let Some(digit) = name.parse::<u8>().ok().filter(|d| *d > 0) {
        return Some(Do::Rule(digit));
    }
    let bound = |b: &&Binding| b.place.is_at(scene) && b.keys.contains(&name.as_str());
    let narrowest = KEYS.iter().filter(bound).min_by_key(|b| b.place.width());
    narrowest.map(|b| b.does)
}

/// The bindings that the footer names here, the narrowest first.
pub fn footer(scene: Scene) -> Vec<&'static Binding> {
    let is_free = scene.over == Over::Nothing;
    let mut all: Vec<&Binding> = KEYS.iter().filter(|b| b.place.is_at(scene)).collect();
    all.sort_by_key(|b| b.place.width());
    // Where a key has a narrower meaning, only that one is told.
    let mut taken: Vec<&str> = Vec::new();
    all.retain(|b| {
        let is_new = !taken.contains(&b.keys[0]);
        taken.extend(b.keys);
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

/// What can be done and has these letters in its name or its help, the best match first; where
/// nothing is typed, what can be done here first.
pub fn palette(letters: &str, scene: Scene) -> Vec<&'static Binding> {
    let rank = |b: &Binding| (!b.place.is_at(scene), b.place.width());
    let mut all: Vec<&Binding> = Vec::new();
    for binding in KEYS {
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

    fn does(key: KeyCode, pane: Pane, over: Over) -> Option<Do> {
        let scene = Scene {
            pane,
            over,
            drafts: false,
        };
        look_up(KeyEvent::new(key, KeyModifiers::NONE), scene)
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
        let first = |letters| palette(letters, scene).first().map(|b| b.name);
        assert_eq!(first("gate"), Some("gate"));
        assert_eq!(first("dltr"), Some("dead-letters"));
        assert_eq!(first("take back"), Some("undo"));
        assert_eq!(first("DRY"), Some("dry-run"));
        assert_eq!(first("qqqq"), None);
        // All are there, each once, with what means something here first.
        let all = palette("", scene);
        assert!(all[0].place == In(Pane::Events) && all.len() > 40);
        let inspecting = Scene {
            over: Over::Inspector,
            ..scene
        };
        let person = palette("person", inspecting);
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
}
