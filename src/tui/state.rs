//! What the screen is: plain data.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::layout::Rect;

use crate::amplitude::time::UnixMs;
use crate::config;
use crate::filter::Filters;
use crate::filter::catalog::Catalog;
use crate::filter::change::changes;
use crate::filter::preview::Preview;
use crate::protocol::{Snapshot, TypeRow};
use crate::tui::events::state::Events;
use crate::tui::filters::history::log::History;
use crate::tui::filters::state::{Armed, Draft, FilterCursor, Sort};
use crate::tui::frame::alert::{Alert, AlertInputs};
use crate::tui::frame::focus::{InputContext, Pane};
use crate::tui::frame::layout::{Border, Layout, LayoutInputs, PaneAreas};
use crate::tui::frame::notice::{NOTICE_MS, Notice};
use crate::tui::frame::overlays::Overlays;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, Keymap};
use crate::tui::person;
use crate::tui::privacy::mask::Privacy;
use crate::tui::throughput::layout::points;
use crate::tui::throughput::state::Annotation;
use crate::tui::watches::query::{Seen, Watch};

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
    /// The overlays over the lower panes.
    pub overlays: Overlays,
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
            overlays: Overlays::default(),
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
    pub fn key(&self, does: Command) -> &str {
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
    pub fn rooms(&self) -> PaneAreas {
        let inputs = LayoutInputs {
            layout: &self.layout,
            banner: u16::from(self.alert.is_some()),
            watches: self.watches.len() as u16,
            zoomed: self.zoomed.then_some(self.focus),
        };
        PaneAreas::new(Rect::new(0, 0, self.size.0, self.size.1), inputs)
    }

    /// The rows that the events pane has for events.
    pub fn event_rows(&self) -> usize {
        let rooms = self.rooms();
        let room = match self.overlays.person() {
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
    pub fn input_context(&self) -> InputContext {
        InputContext {
            pane: self.focus,
            overlay: self.overlays.top_kind(),
            has_draft: self.draft.is_some(),
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
