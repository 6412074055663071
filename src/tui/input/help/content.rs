//! The contents of the help: parts with their rows.

use crate::tui::frame::focus::{Pane, PopupKind};
use crate::tui::input::help::state::Help;
use crate::tui::input::keymap::synonyms::synonyms;
use crate::tui::input::keymap::{Binding, Scope};
use crate::tui::state::State;
use crate::tui::throughput::state::{INCIDENTS, Incident};
use crate::tui::widget::theme::{Sign, Theme};

/// A part of the help.
pub(crate) struct Part {
    /// The title, and a short name for the row of parts.
    pub(crate) title: &'static str,
    pub(crate) short: &'static str,
    pub(crate) rows: Vec<Row>,
}

/// A row: keys or a sign, the name of a command, and its meaning.
pub(crate) struct Row {
    pub(crate) keys: String,
    pub(crate) name: String,
    pub(crate) meaning: String,
    /// Other words by which the search finds the row.
    words: &'static str,
}

impl Row {
    fn sign(sign: &str, meaning: &str) -> Self {
        Self {
            keys: sign.to_owned(),
            name: String::new(),
            meaning: meaning.to_owned(),
            words: "sign chart letter legend",
        }
    }

    fn of(binding: &Binding) -> Self {
        Self {
            keys: binding.keys.join("  "),
            name: format!(":{}", binding.name),
            meaning: binding.help.to_owned(),
            words: synonyms(binding.command),
        }
    }

    /// Whether the row contains all words of a search. A key is found as it is written.
    fn has(&self, search: &str) -> bool {
        let lower = search.to_lowercase();
        let text = format!("{} {} {}", self.name, self.meaning, self.words).to_lowercase();
        self.keys.split("  ").any(|key| key == search)
            || lower.split_whitespace().all(|word| text.contains(word))
    }
}

/// The scopes of keys, with a title and a short name.
const SCOPES: [(&str, &str, Scope); 25] = [
    ("Everywhere", "Everywhere", Scope::Anywhere),
    ("Filters", "Filters", Scope::In(Pane::Filters)),
    ("Filters, with a draft", "Draft", Scope::Draft),
    ("Events", "Events", Scope::In(Pane::Events)),
    ("Throughput", "Throughput", Scope::In(Pane::Throughput)),
    ("Event inspector", "Inspector", Scope::Inspector),
    ("Events of a person", "Person", Scope::Person),
    ("Violations of a limit", "Limit", Scope::Limit),
    (
        "Properties of an event type",
        "Properties",
        Scope::Properties,
    ),
    ("Dead letters", "Dead letters", Scope::DeadLetters),
    ("Pipeline", "Pipeline", Scope::Stages),
    ("Why didn't it arrive?", "Why", Scope::Why),
    ("Customer.io's answer", "Customer.io", Scope::CustomerIo),
    ("Audit", "Audit", Scope::Audit),
    (
        "Lists: presets, watches, searches",
        "Lists",
        Scope::Popup(PopupKind::List),
    ),
    ("While you type", "Typing", Scope::Popup(PopupKind::Text)),
    ("Questions", "Questions", Scope::Popup(PopupKind::Question)),
    (
        "History of filter changes",
        "History",
        Scope::Popup(PopupKind::History),
    ),
    (
        "Choice of what to copy",
        "Copy",
        Scope::Popup(PopupKind::Copy),
    ),
    (
        "Choice of what to export",
        "Export",
        Scope::Popup(PopupKind::Export),
    ),
    (
        "Choice of what to exclude",
        "Exclude",
        Scope::Popup(PopupKind::Exclude),
    ),
    (
        "A draft whose filters others changed",
        "Conflict",
        Scope::Popup(PopupKind::Conflict),
    ),
    (
        "Columns of the events",
        "Columns",
        Scope::Popup(PopupKind::Columns),
    ),
    (
        "Comparison of events or ranges",
        "Comparison",
        Scope::Popup(PopupKind::Compare),
    ),
    ("This help", "Help", Scope::Popup(PopupKind::Help)),
];

/// All parts: those of the current context first.
pub(crate) fn parts(state: &State, theme: &Theme) -> Vec<Part> {
    let context = state.input_context();
    let mut scopes = SCOPES;
    scopes.sort_by_key(|(.., scope)| (!scope.includes(context), scope.rank()));
    let part = |(title, short, scope): (&'static str, &'static str, Scope)| {
        let bindings = state.keymap.bindings().iter();
        let rows = bindings.filter(|b| b.scope == scope).map(Row::of);
        Part {
            title,
            short,
            rows: rows.collect(),
        }
    };
    let mut parts: Vec<Part> = scopes.into_iter().map(part).collect();
    parts.push(signs(theme));
    parts.push(charts());
    parts
}

/// The parts that are shown: the chosen one, and of a search only rows that it finds.
pub(crate) fn shown(help: &Help, state: &State, theme: &Theme) -> Vec<Part> {
    let search = help.search.value().trim();
    let mut parts = parts(state, theme);
    if help.part > 0 && search.is_empty() {
        parts = parts.into_iter().skip(help.part - 1).take(1).collect();
    }
    if !search.is_empty() {
        for part in &mut parts {
            part.rows.retain(|row| row.has(search));
        }
    }
    parts.retain(|part| !part.rows.is_empty());
    parts
}

/// The legend of the signs in the events pane.
fn signs(theme: &Theme) -> Part {
    let signs = [
        (Sign::Delivered, "delivered"),
        (Sign::OnItsWay, "accepted, on its way"),
        (Sign::Queued, "accepted, queued: delivery is stopped"),
        (Sign::Waiting, "an attempt failed, a retry is scheduled"),
        (Sign::Warned, "accepted, violates a limit that only warns"),
        (Sign::DryRun, "dry run: would be sent"),
        (
            Sign::Filtered,
            "filtered out: by its type, by a rule, or by the shut gate",
        ),
        (
            Sign::Rejected,
            "rejected by a limit, or refused by Customer.io",
        ),
        (Sign::Malformed, "a frame that holds no event"),
        (Sign::Bookmark, "a bookmark"),
    ];
    let rows = signs.map(|(sign, meaning)| Row::sign(theme.sign(sign), meaning));
    Part {
        title: "Signs of events",
        short: "Signs",
        rows: rows.into(),
    }
}

/// The letters on the time axis of the throughput, and the charts.
fn charts() -> Part {
    let mut rows: Vec<Row> = Vec::new();
    let incident = |incident: &Incident| (incident.letter(), incident.description());
    for (letter, description) in INCIDENTS.iter().map(incident) {
        match rows.iter_mut().find(|row| row.keys == letter) {
            Some(row) => row.meaning = format!("{}, {description}", row.meaning),
            None => rows.push(Row::sign(letter, description)),
        }
    }
    rows.push(Row::sign("!", "an alert, by its name"));
    rows.push(Row::sign(
        "│",
        "the time cursor of the throughput; the lines below it are of that time",
    ));
    Part {
        title: "Letters on the time axis of the throughput",
        short: "Charts",
        rows,
    }
}
