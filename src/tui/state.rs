//! What the screen is: plain data.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::layout::Rect;
use tui_input::Input;

use crate::amplitude::time::UnixMs;
use crate::config;
use crate::delivery::spool::dead_letters::{DeadLetter, DeadLetterGroup, DeadLetterSelection};
use crate::filter::catalog::Catalog;
use crate::filter::change::changes;
use crate::filter::preview::Preview;
use crate::filter::{CompileError, Condition, Filters, Mode};
use crate::limits::Code;
use crate::protocol::{Snapshot, TypeRow};
use crate::tui::breakdown::Breakdown;
use crate::tui::editor::RuleEditor;
use crate::tui::finder::{Anchor, Find, Page, Row};
use crate::tui::frame::alert::{Alert, AlertInputs};
use crate::tui::frame::focus::{Over, Pane, Scene};
use crate::tui::frame::layout::{Border, Layout, LayoutInputs, Rooms};
use crate::tui::frame::notice::{NOTICE_MS, Notice};
use crate::tui::history::History;
use crate::tui::inspected::Inspected;
use crate::tui::keymap::{Do, Keymap};
use crate::tui::person;
use crate::tui::person::query::{Identity, Summary};
use crate::tui::privacy::mask::Privacy;
use crate::tui::properties::Properties;
use crate::tui::throughput::layout::points;
use crate::tui::watch::{Seen, Watch};

/// What does not change while the screen is open.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The workspace's name.
    pub workspace: String,
    /// Where events go: `customer.io us · site 1a2b…`.
    pub destination: String,
    /// Where they come from.
    pub feed: String,
    /// The configuration file that filters are saved to.
    pub save_to: Option<PathBuf>,
    /// The URL of the server that requests go to, as far as the settings say.
    pub server: String,
}

/// How event types are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The most frequent first.
    #[default]
    Count,
    /// The fastest first.
    Rate,
    /// By name.
    Name,
}

/// The whole screen.
#[derive(Debug)]
pub struct State {
    /// What does not change.
    pub labels: Labels,
    /// The size of the terminal, in columns and rows.
    pub size: (u16, u16),
    /// How the pipeline stands.
    pub snapshot: Arc<Snapshot>,
    /// What is shown instead while the display is frozen.
    pub frozen: Option<Arc<Snapshot>>,
    /// The filters as the operator left them. They are in force a moment later.
    pub filters: Filters,
    /// Others, which the operator is trying out.
    pub draft: Option<Draft>,
    /// What the draft would change, as far as it is known.
    pub preview: Option<Preview>,
    /// A change that is in force for a time only.
    pub armed: Option<Armed>,
    /// What was changed of the filters.
    pub history: History,
    /// Other filters to switch to, by name.
    pub presets: BTreeMap<String, Filters>,
    /// What the events are made of, as it was when the rule editor was opened.
    pub catalog: Arc<Catalog>,
    /// Conditions that were written, the newest first.
    pub conditions: Vec<String>,
    /// The pane that has the focus.
    pub focus: Pane,
    /// Whether it has the screen for itself.
    pub zoomed: bool,
    /// The window of the throughput, by its place among them.
    pub window: usize,
    /// The time that the cursor of the throughput is on.
    pub moment_ms: Option<UnixMs>,
    /// What happened to the stream, the newest last.
    pub annotations: VecDeque<Annotation>,
    /// How types are sorted.
    pub sort: Sort,
    /// The row of the filters that the cursor is on: types, then rules.
    pub filter_cursor: FilterCursor,
    /// The events pane.
    pub events: Events,
    /// The row of the violations that the cursor is on.
    pub violation: usize,
    /// The event that is inspected.
    pub inspector: Option<Inspector>,
    /// The dead letters, while they are looked at.
    pub letters: Option<Letters>,
    /// The person whose events are looked at.
    pub person: Option<Person>,
    /// The limit that is looked at.
    pub limit: Option<OpenedLimit>,
    /// The type whose properties are looked at.
    pub properties: Option<OpenedProperties>,
    /// What is open over everything.
    pub popup: Option<Popup>,
    /// What was last said to the operator.
    pub message: Option<Notice>,
    /// What needs the operator now.
    pub alert: Option<Alert>,
    /// Limits that reject more than this share are an alert, in percent; 0 never are.
    pub rejected_alert_percent: f64,
    /// The conditions that are watched.
    pub watches: Vec<Watch>,
    /// What they have seen, as far as it is known, in their order.
    pub seen: Vec<Seen>,
    /// Where the panes are.
    pub layout: Layout,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// What hides people, where anything does.
    pub privacy: Option<Privacy>,
    /// What pseudonyms are made with.
    pub salt: u64,
    /// The colours.
    pub colours: config::Theme,
    /// Whether the mouse is ours; otherwise the terminal selects text with it.
    pub has_mouse: bool,
    /// The border that the mouse is moving.
    pub dragged: Option<Border>,
    /// Whether the program is ending, and only waits for what is under way.
    pub draining: bool,
}

/// Something that happened to the stream, told beside its course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// When.
    pub at_ms: UnixMs,
    /// What.
    pub what: Happened,
}

/// What can happen to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Other filters came into force.
    Filters,
    /// The gate was opened, shut, or put into dry run.
    Gate(Mode),
    /// The feed went down.
    FeedDown,
    /// It came back.
    FeedLive,
    /// Customer.io went down, or refuses.
    DeliveryDown,
    /// It came back.
    DeliveryUp,
}

impl Happened {
    /// A letter for it, on the course.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Filters => "f",
            Self::Gate(_) => "g",
            Self::FeedDown => "x",
            Self::FeedLive => "o",
            Self::DeliveryDown => "X",
            Self::DeliveryUp => "O",
        }
    }

    /// What it is, in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::Filters => "filters changed",
            Self::Gate(Mode::Open) => "gate opened",
            Self::Gate(Mode::Shut) => "gate shut",
            Self::Gate(Mode::DryRun) => "dry run",
            Self::FeedDown => "feed down",
            Self::FeedLive => "feed live",
            Self::DeliveryDown => "delivery down",
            Self::DeliveryUp => "delivery up",
        }
    }
}

/// Filters that are tried out and not in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The filters.
    pub filters: Filters,
    /// Whether the events are shown as the draft would decide, instead of the preview.
    pub shows_events: bool,
}

/// A change that is in force for a time only.
#[derive(Debug, Clone, PartialEq)]
pub struct Armed {
    /// The filters before it.
    pub before: Filters,
    /// The filters with it.
    pub after: Filters,
    /// Until when, by the snapshots' clock.
    pub until_ms: i64,
}

/// Where the cursor is among the filters. By name, so that it stays when rows move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterCursor {
    /// On an event type; nothing means the first.
    Type(Option<Arc<str>>),
    /// On a rule, from 0.
    Rule(usize),
}

/// The events pane.
#[derive(Debug, Default)]
pub struct Events {
    /// What is looked for.
    pub find: Option<Find>,
    /// Whether the newest is always on top.
    pub following: bool,
    /// The sequence number of the row on top, where it doesn't follow.
    pub top: u64,
    /// How far the next page moves: older is positive.
    pub shift: i64,
    /// The event that the cursor is on.
    pub cursor: Option<u64>,
    /// Events to come back to, by their numbers.
    pub bookmarks: BTreeSet<u64>,
    /// How many rows there is room for.
    pub room: usize,
    /// What is shown.
    pub page: Page,
}

impl Events {
    /// Where the page begins.
    pub fn anchor(&self) -> Anchor {
        if self.following {
            Anchor::Newest
        } else {
            Anchor::At(self.top)
        }
    }

    /// The cursor's place among the rows.
    pub fn cursor_row(&self) -> Option<usize> {
        let cursor = self.cursor?;
        self.page
            .rows
            .iter()
            .position(|row: &Row| row.sequence == cursor)
    }
}

/// An event that is looked at.
#[derive(Debug)]
pub struct Inspector {
    /// Its number.
    pub sequence: u64,
    /// What is known of it; none while it is fetched.
    pub found: Option<Box<Inspected>>,
    /// How many lines its story is scrolled down.
    pub story: usize,
    /// Whether the mapped request is shown instead of the raw event.
    pub shows_mapped: bool,
    /// The line of the document that the cursor is on.
    pub line: usize,
    /// What is folded, by path: of the raw event, and of the mapped request.
    pub folded: [BTreeSet<String>; 2],
}

/// A limit that is looked at.
#[derive(Debug)]
pub struct OpenedLimit {
    /// The selection.
    pub code: Code,
    /// The row that the cursor is on.
    pub row: usize,
    /// Where it is broken; none while that is looked for.
    pub breakdown: Option<Breakdown>,
}

/// A type whose properties are looked at.
#[derive(Debug)]
pub struct OpenedProperties {
    /// The selection.
    pub event_type: Arc<str>,
    /// The row that the cursor is on.
    pub row: usize,
    /// The properties; none while they are looked for.
    pub found: Option<Properties>,
}

/// A person whose events are looked at.
#[derive(Debug)]
pub struct Person {
    /// Who.
    pub identity: Identity,
    /// What became of the events; none while they are looked through.
    pub summary: Option<Summary>,
    /// What was looked for before.
    pub find_before: Option<Find>,
}

/// The dead letters: by reason and type, then those of a row, then one of these.
#[derive(Debug, Default)]
pub struct Letters {
    /// The row that the cursor is on.
    pub row: usize,
    /// Those of a row that is opened.
    pub opened: Option<OpenedLetters>,
}

/// The dead letters of one reason and type.
#[derive(Debug)]
pub struct OpenedLetters {
    /// What they share.
    pub group: DeadLetterGroup,
    /// The newest of them; none while they are fetched.
    pub letters: Option<Vec<DeadLetter>>,
    /// The one that the cursor is on.
    pub cursor: usize,
    /// The line of its document that the cursor is on, where it is read.
    pub line: Option<usize>,
    /// What is folded of it, by path.
    pub folded: BTreeSet<String>,
}

impl OpenedLetters {
    /// The letter that the cursor is on.
    pub fn letter(&self) -> Option<&DeadLetter> {
        self.letters.as_ref()?.get(self.cursor)
    }
}

/// What is open over everything.
#[derive(Debug)]
pub enum Popup {
    /// The keys, scrolled by so many lines.
    Help(usize),
    /// A question.
    Confirm(Confirm),
    /// A rule that is written.
    Rule(Box<RuleEditor>),
    /// What to find.
    Find(Input),
    /// All that can be done, to be found by a few letters.
    Palette(Palette),
    /// What was changed of the filters, scrolled by so many lines.
    History(usize),
    /// What to copy.
    Copy,
    /// For how long the draft is put in force.
    ForTime(Input),
    /// The presets.
    Presets(Presets),
    /// To which time to go.
    GoTo(Input),
    /// Which events to write to a file.
    Export,
    /// The conditions that are watched.
    Watches(WatchList),
}

/// The conditions that are watched, while they are looked at.
#[derive(Debug, Default)]
pub struct WatchList {
    /// The row that the cursor is on.
    pub row: usize,
    /// The one that is written.
    pub editor: Option<WatchEditor>,
}

/// A watch that is written.
#[derive(Debug)]
pub struct WatchEditor {
    /// The one that it takes the place of; none for a new one.
    pub index: Option<usize>,
    /// Its condition.
    pub when: Input,
    /// What is wrong with it.
    pub error: Option<CompileError>,
    /// Above how many events a second it is an alert.
    pub above: Input,
    /// Whether that is what is written, and not the condition.
    pub in_above: bool,
}

impl WatchEditor {
    /// A new watch of this condition.
    pub fn new(when: &str) -> Self {
        Self {
            index: None,
            when: Input::new(when.to_owned()),
            error: Condition::compile(when).err(),
            above: Input::default(),
            in_above: false,
        }
    }
}

/// The presets while they are looked at.
#[derive(Debug, Default)]
pub struct Presets {
    /// The row that the cursor is on.
    pub row: usize,
    /// The preset that others are compared with; what is in force, where none is.
    pub against: Option<String>,
    /// What is asked.
    pub asks: Option<Asks>,
}

/// What the list of presets asks.
#[derive(Debug)]
pub enum Asks {
    /// Under which name the filters are kept.
    Name(Input),
    /// Whether the preset is deleted.
    Delete(String),
}

/// What can be done, found by a few letters.
#[derive(Debug, Default)]
pub struct Palette {
    /// The letters.
    pub input: Input,
    /// The row that the cursor is on.
    pub row: usize,
}

/// A question, and what is done if the answer is yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// Open the gate, shut it, or go into dry run.
    Gate(Mode),
    /// Try a halted delivery again.
    Resume,
    /// Try so many dead letters again.
    RetryLetters(DeadLetterSelection, u64),
    /// Discard so many dead letters.
    DiscardLetters(DeadLetterSelection, u64),
    /// Leave the program.
    Quit,
}

impl State {
    /// A screen that has seen nothing yet.
    pub fn new(labels: Labels, size: (u16, u16)) -> Self {
        Self {
            labels,
            size,
            snapshot: Arc::default(),
            frozen: None,
            filters: Filters::default(),
            draft: None,
            preview: None,
            armed: None,
            history: History::default(),
            presets: BTreeMap::new(),
            catalog: Arc::default(),
            conditions: Vec::new(),
            focus: Pane::Events,
            zoomed: false,
            window: 0,
            moment_ms: None,
            annotations: VecDeque::new(),
            sort: Sort::default(),
            filter_cursor: FilterCursor::Type(None),
            events: Events {
                following: true,
                ..Events::default()
            },
            violation: 0,
            inspector: None,
            letters: None,
            person: None,
            limit: None,
            properties: None,
            popup: None,
            message: None,
            alert: None,
            rejected_alert_percent: 0.0,
            watches: Vec::new(),
            seen: Vec::new(),
            layout: Layout::default(),
            keymap: Arc::default(),
            privacy: None,
            salt: 0,
            colours: config::Theme::Dark,
            has_mouse: false,
            dragged: None,
            draining: false,
        }
    }

    /// The key of this, for a sentence that names it.
    pub fn key(&self, does: Do) -> &str {
        self.keymap.key(does)
    }

    /// Everything that an alert depends on.
    pub fn alert_inputs(&self) -> AlertInputs<'_> {
        AlertInputs {
            snapshot: &self.snapshot,
            rejected_alert_percent: self.rejected_alert_percent,
            watches: &self.watches,
            seen: &self.seen,
        }
    }

    /// Where the panes are.
    pub fn rooms(&self) -> Rooms {
        let inputs = LayoutInputs {
            layout: &self.layout,
            banner: u16::from(self.alert.is_some()),
            watches: self.watches.len() as u16,
            zoomed: self.zoomed.then_some(self.focus),
        };
        Rooms::new(Rect::new(0, 0, self.size.0, self.size.1), inputs)
    }

    /// The rows that the events pane has for events.
    pub fn event_rows(&self) -> usize {
        let rooms = self.rooms();
        let room = match &self.person {
            Some(_) => person::layout::rooms(rooms.inspector)[1],
            None => rooms.events,
        };
        usize::from(room.height.saturating_sub(2))
    }

    /// The points that the throughput's history is drawn with.
    pub fn history_points(&self) -> usize {
        points(self.rooms().throughput)
    }

    /// Where keys go.
    pub fn scene(&self) -> Scene {
        Scene {
            pane: self.focus,
            over: self.over(),
            drafts: self.draft.is_some(),
        }
    }

    /// The filters that the operator edits: those of the draft, or those in force.
    pub fn edited(&self) -> &Filters {
        self.draft
            .as_ref()
            .map_or(&self.filters, |draft| &draft.filters)
    }

    /// What would be in force if the operator applied now: the draft, with the rule that is
    /// being written. None where that changes nothing.
    pub fn proposed(&self) -> Option<Filters> {
        let mut proposed = self.edited().clone();
        if let Some(Popup::Rule(editor)) = &self.popup {
            editor.put_into(&mut proposed).ok()?;
        }
        (!changes(&self.filters, &proposed).is_empty()).then_some(proposed)
    }

    /// What lies over the lower panes.
    pub fn over(&self) -> Over {
        if self.letters.is_some() {
            Over::Letters
        } else if self.inspector.is_some() {
            Over::Inspector
        } else if self.properties.is_some() {
            Over::Properties
        } else if self.person.is_some() {
            Over::Person
        } else if self.limit.is_some() {
            Over::Limit
        } else {
            Over::Nothing
        }
    }

    /// Shows a message in the footer for a few seconds.
    pub(crate) fn inform(&mut self, text: impl Into<String>) {
        self.message = Some(Notice {
            text: text.into(),
            is_error: false,
            until_ms: self.snapshot.at_ms + NOTICE_MS,
        });
    }

    /// Shows that something went wrong, in the footer, for a few seconds.
    pub(crate) fn refuse(&mut self, text: impl Into<String>) {
        self.inform(text);
        self.message
            .iter_mut()
            .for_each(|notice| notice.is_error = true);
    }

    /// How everything stood when the display was frozen, or stands now.
    pub fn shown(&self) -> &Snapshot {
        self.frozen.as_ref().unwrap_or(&self.snapshot)
    }

    /// The event types in the order in which they are shown: those that came by, and those
    /// that the filters name.
    pub fn types(&self) -> Vec<TypeRow> {
        let mut rows: Vec<TypeRow> = self.shown().types.to_vec();
        for name in self.edited().types.keys() {
            if !rows.iter().any(|row| *row.name == **name) {
                rows.push(TypeRow {
                    name: name.as_str().into(),
                    count: 0,
                    accepted: 0,
                    rate: 0.0,
                });
            }
        }
        match self.sort {
            // They come sorted by count, which changes rarely: rows must not jump under the cursor.
            Sort::Count => {}
            Sort::Rate => {
                rows.sort_by(|a, b| b.rate.total_cmp(&a.rate).then_with(|| a.name.cmp(&b.name)));
            }
            Sort::Name => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        rows
    }

    /// The cursor's row among the filters: types first, then rules.
    pub fn filter_row(&self, types: &[TypeRow]) -> usize {
        match &self.filter_cursor {
            FilterCursor::Type(Some(name)) => {
                types.iter().position(|row| row.name == *name).unwrap_or(0)
            }
            FilterCursor::Type(None) => 0,
            FilterCursor::Rule(index) => types.len() + index,
        }
    }
}
