//! The state of the screen: plain data.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use crate::amplitude::time::UnixMs;
use crate::config;
use crate::filter::Filters;
use crate::filter::catalog::Catalog;
use crate::filter::change::{Change, changes_among};
use crate::filter::preview::Preview;
use crate::privacy::mask::Privacy;
use crate::protocol::series::Extent;
use crate::protocol::{LimitRow, Snapshot, TypeRow};
use crate::tui::audit::state::LastAudit;
use crate::tui::delivery::state::AskedRetry;
use crate::tui::detail::state::Detail;
use crate::tui::events::columns::state::ChosenColumn;
use crate::tui::events::state::Events;
use crate::tui::filters::history::log::History;
use crate::tui::filters::state::{
    ClosedDraft, Draft, FilterCursor, Sort, TemporaryChange, UnconfirmedChange,
};
use crate::tui::frame::alert::{Alert, AlertInputs};
use crate::tui::frame::focus::{InputContext, Pane};
use crate::tui::frame::layout::{Border, Layout};
use crate::tui::frame::notice::{NOTICE_MS, Notice, Subject};
use crate::tui::frame::overlays::Overlays;
use crate::tui::frame::popup::Popup;
use crate::tui::input::keymap::{Command, Keymap};
use crate::tui::range::query::Figures;
use crate::tui::range::state::ChosenRange;
use crate::tui::range::time_range::TimeRange;
use crate::tui::searches::state::Search;
use crate::tui::throughput::state::Annotation;
use crate::tui::watches::query::{Watch, WatchCount};

/// Texts that do not change while the screen is open.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The name of the workspace.
    pub workspace: String,
    /// The destination of events: `customer.io us · site 1a2b…`.
    pub destination: String,
    /// The source of events.
    pub feed: String,
    /// The configuration file that filters are saved to. The demo has none.
    pub save_to: Option<PathBuf>,
    /// The folder that exports are written to.
    pub folder: PathBuf,
    /// The file that records that the tour was seen. None: the tour is not shown at the start.
    pub tour: Option<PathBuf>,
    /// The URL of the destination, if the configuration sets one.
    pub server: String,
}

/// The state of the whole screen.
#[derive(Debug)]
pub struct State {
    /// Texts that do not change.
    pub labels: Labels,
    /// The size of the terminal, in columns and rows.
    pub size: (u16, u16),
    /// The latest snapshot of the pipeline.
    pub snapshot: Arc<Snapshot>,
    /// Commands whose answers are still to come.
    pub applying: u32,
    /// The snapshot that is displayed while the display is frozen.
    pub frozen: Option<Arc<Snapshot>>,
    /// The filters as the operator applied them. The pipeline has them a moment later.
    pub filters: Filters,
    /// Their version.
    pub filters_version: u64,
    /// The change of the filters that the pipeline has not confirmed yet.
    pub unconfirmed: Option<UnconfirmedChange>,
    /// The draft of other filters.
    pub draft: Option<Draft>,
    /// The last draft, if it was closed without being applied and nothing has changed since.
    pub closed_draft: Option<ClosedDraft>,
    /// The preview of the proposed filters. None before its first result.
    pub preview: Option<Preview>,
    /// A change of the filters that ends at a set time.
    pub temporary_change: Option<TemporaryChange>,
    /// The history of the filters.
    pub history: History,
    /// The presets by name.
    pub presets: BTreeMap<String, Filters>,
    /// The catalog of event types and properties, made when the rule editor was opened.
    pub catalog: Arc<Catalog>,
    /// Earlier conditions, the newest first.
    pub conditions: Vec<String>,
    /// Earlier searches, the newest first.
    pub finds: Vec<String>,
    /// The pane that has the focus.
    pub focus: Pane,
    /// Whether the focused pane is zoomed.
    pub zoomed: bool,
    /// The time span of the throughput, an index into `WINDOWS`.
    pub window: usize,
    /// The time under the cursor of the throughput.
    pub moment_ms: Option<UnixMs>,
    /// The chosen range of time.
    pub range: Option<ChosenRange>,
    /// The range that the charts are zoomed into. None: they show the window.
    pub span: Option<TimeRange>,
    /// A range that is kept, to be compared with another one.
    pub kept_range: Option<TimeRange>,
    /// Incidents of the stream, the newest last.
    pub annotations: VecDeque<Annotation>,
    /// The order of the event types.
    pub sort: Sort,
    /// The cursor in the filters pane.
    pub filter_cursor: FilterCursor,
    /// The events pane.
    pub events: Events,
    /// The chosen columns of the events. None: those for the width.
    pub columns: Vec<ChosenColumn>,
    /// The detail pane.
    pub detail: Detail,
    /// The row of the cursor in the violations pane.
    pub violation: usize,
    /// The overlays over the lower panes.
    pub overlays: Overlays,
    /// The popup over the whole screen.
    pub popup: Option<Popup>,
    /// The last audit.
    pub audit: LastAudit,
    /// The file of the last export.
    pub exported: Option<PathBuf>,
    /// The last notice.
    pub notice: Option<Notice>,
    /// A retry whose answer is not known yet.
    pub(crate) asked_retry: Option<AskedRetry>,
    /// The current alert.
    pub alert: Option<Alert>,
    /// The share of rejected events above which there is an alert, in percent. 0: no alert.
    pub rejected_alert_percent: f64,
    /// The watched conditions.
    pub watches: Vec<Watch>,
    /// The saved searches.
    pub searches: Vec<Search>,
    /// The counts of the watched conditions, in the same order. Empty before the first count.
    pub watch_counts: Vec<WatchCount>,
    /// Their counts when the display was frozen.
    pub frozen_watch_counts: Vec<WatchCount>,
    /// The operator's changes to the layout.
    pub layout: Layout,
    /// The key bindings.
    pub keymap: Arc<Keymap>,
    /// The mask of personal data. None: it is shown.
    pub privacy: Option<Privacy>,
    /// The salt of pseudonyms.
    pub salt: u64,
    /// The colour theme.
    pub colours: config::Theme,
    /// Whether the screen receives the mouse. Otherwise the terminal selects text with it.
    pub has_mouse: bool,
    /// The border that the mouse is dragging.
    pub dragged: Option<Border>,
    /// Whether the program is draining before it ends.
    pub draining: bool,
}

impl State {
    /// A screen before the first snapshot.
    pub fn new(labels: Labels, size: (u16, u16)) -> Self {
        Self {
            labels,
            size,
            snapshot: Arc::default(),
            applying: 0,
            frozen: None,
            filters: Filters::default(),
            filters_version: 0,
            unconfirmed: None,
            draft: None,
            closed_draft: None,
            preview: None,
            temporary_change: None,
            history: History::default(),
            presets: BTreeMap::new(),
            catalog: Arc::default(),
            conditions: Vec::new(),
            finds: Vec::new(),
            focus: Pane::Events,
            zoomed: false,
            window: 0,
            moment_ms: None,
            range: None,
            span: None,
            kept_range: None,
            annotations: VecDeque::new(),
            sort: Sort::default(),
            filter_cursor: FilterCursor::Type(None),
            events: Events {
                following: true,
                ..Events::default()
            },
            columns: Vec::new(),
            detail: Detail::default(),
            violation: 0,
            overlays: Overlays::default(),
            popup: None,
            audit: LastAudit::default(),
            exported: None,
            notice: None,
            asked_retry: None,
            alert: None,
            rejected_alert_percent: 0.0,
            watches: Vec::new(),
            searches: Vec::new(),
            watch_counts: Vec::new(),
            frozen_watch_counts: Vec::new(),
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

    /// The first key of a command, for a message.
    pub fn key(&self, does: Command) -> &str {
        self.keymap.key(does)
    }

    /// Everything that an alert depends on.
    pub fn alert_inputs(&self) -> AlertInputs<'_> {
        AlertInputs {
            snapshot: &self.snapshot,
            rejected_alert_percent: self.rejected_alert_percent,
            watches: &self.watches,
            watch_counts: &self.watch_counts,
        }
    }

    /// The context of a key.
    pub fn input_context(&self) -> InputContext {
        InputContext {
            pane: self.focus,
            overlay: self.overlays.top_kind(),
            has_draft: self.draft.is_some(),
        }
    }

    /// Shows a notice about the place of the cursor for a few seconds.
    pub(crate) fn notify(&mut self, text: impl Into<String>) {
        self.notify_about(Subject::Place, text);
    }

    /// Shows a notice about a subject for a few seconds.
    pub(crate) fn notify_about(&mut self, subject: Subject, text: impl Into<String>) {
        self.notice = Some(Notice {
            text: text.into(),
            is_error: false,
            subject,
            until_ms: self.snapshot.at_ms + NOTICE_MS,
        });
    }

    /// Shows an error about the place of the cursor for a few seconds.
    pub(crate) fn notify_error(&mut self, text: impl Into<String>) {
        self.notify(text);
        self.notice
            .iter_mut()
            .for_each(|notice| notice.is_error = true);
    }

    /// Shows the result of a task for a few seconds.
    pub(crate) fn report(&mut self, result: Result<String, String>) {
        let is_error = result.is_err();
        let (Ok(text) | Err(text)) = result;
        self.notify_about(Subject::Done, text);
        self.notice
            .iter_mut()
            .for_each(|notice| notice.is_error = is_error);
    }

    /// The changes from some filters to others, also for the event types seen so far.
    pub fn changes(&self, before: &Filters, now: &Filters) -> Vec<Change> {
        let seen = self.snapshot.types.iter().map(|row| &*row.name);
        changes_among(before, now, seen)
    }

    /// The displayed snapshot: the frozen one, or else the latest.
    pub fn shown(&self) -> &Snapshot {
        self.frozen.as_ref().unwrap_or(&self.snapshot)
    }

    /// The displayed counts of the watched conditions.
    pub fn shown_watch_counts(&self) -> &[WatchCount] {
        match self.frozen {
            Some(_) => &self.frozen_watch_counts,
            None => &self.watch_counts,
        }
    }

    /// The chosen range of time.
    pub(crate) fn chosen_range(&self) -> Option<TimeRange> {
        self.range.as_ref().map(|chosen| chosen.range)
    }

    /// The time that the charts show.
    pub(crate) fn extent(&self) -> Extent {
        match self.span {
            Some(TimeRange { from_ms, to_ms }) => Extent::Between { from_ms, to_ms },
            None => Extent::Window(self.window),
        }
    }

    /// The ranges of the open comparison.
    pub(crate) fn compared_ranges(&self) -> Option<[TimeRange; 2]> {
        match &self.popup {
            Some(Popup::Compare(open)) => open.ranges(),
            _ => None,
        }
    }

    /// The figures of the chosen range, once they are counted.
    pub(crate) fn range_figures(&self) -> Option<&Figures> {
        self.range.as_ref()?.figures.as_deref()
    }

    /// The displayed limits with violations: those of the chosen range, or else of the snapshot.
    pub(crate) fn shown_limits(&self) -> &[LimitRow] {
        match self.range_figures() {
            Some(figures) => &figures.limits,
            None => &self.shown().limits,
        }
    }

    /// The event types in display order: those that were received, and those that the filters
    /// name.
    pub fn types(&self) -> Vec<TypeRow> {
        let of_range = self.range_figures().map(|figures| &figures.types);
        let mut rows = of_range.unwrap_or(&self.shown().types).clone();
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
            // The snapshot sorts by count, with few changes, so that rows don't jump under the cursor.
            Sort::Count => {}
            Sort::Rate => {
                rows.sort_by(|a, b| b.rate.total_cmp(&a.rate).then_with(|| a.name.cmp(&b.name)));
            }
            Sort::Name => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        }
        rows
    }

    /// The row of the cursor in the filters pane: types first, then rules.
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
