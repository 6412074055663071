//! The screen without a terminal or a pipeline: the state, and the finder that fills the events
//! pane. It answers all effects that need only the ring; the shell carries out the others.

use std::collections::BTreeSet;

use crate::amplitude::time::UnixMs;
use crate::customerio::Mapping;
use crate::filter::preview::Batching;
use crate::privacy::mask::Privacy;
use crate::protocol::Record;
use crate::telemetry::ring::SharedRing;
use crate::tui::action::{Action, Effect};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::detail::query as detail;
use crate::tui::detail::state::Followed;
use crate::tui::events::columns::state::ChosenColumn;
use crate::tui::events::find::Find;
use crate::tui::events::finder::Finder;
use crate::tui::events::page::Anchor;
use crate::tui::filters::preview::query::Question;
use crate::tui::inspector::query::Inspected;
use crate::tui::person::query::Identity;
use crate::tui::range::time_range::TimeRange;
use crate::tui::state::State;
use crate::tui::update::update;

/// A screen on a ring of events.
#[derive(Debug)]
pub struct Session {
    /// The state of the screen.
    pub state: State,
    /// The settings of its queries. They change when the configuration is reloaded.
    pub settings: QuerySettings,
    finder: Finder,
    /// The view of the events pane that is frozen.
    frozen_view: Option<FrozenView>,
}

/// Everything that decides which rows the events pane shows while the display is frozen.
#[derive(Debug, PartialEq)]
struct FrozenView {
    frozen_ms: UnixMs,
    anchor: Anchor,
    rows: usize,
    columns: Vec<ChosenColumn>,
    privacy: Option<Privacy>,
    find: Option<Find>,
    range: Option<TimeRange>,
    question: Option<Question>,
    bookmarks: BTreeSet<u64>,
    is_complete: bool,
}

/// The settings of the pipeline that queries over the ring depend on.
#[derive(Debug, Clone)]
pub struct QuerySettings {
    /// The mapping of events to requests.
    pub mapping: Mapping,
    /// The limits of a batch.
    pub batching: Batching,
}

impl Session {
    /// A screen that shows the events of `ring`.
    pub fn new(state: State, settings: QuerySettings, ring: SharedRing) -> Self {
        Self {
            state,
            settings,
            finder: Finder::new(ring),
            frozen_view: None,
        }
    }

    /// Applies an action. Returns all effects that it asked for; those that need only the ring
    /// (`Seek`, `Who`, `Load`, `LoadPair` and `Inspect`) are answered already.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        let mut effects = update(&mut self.state, action);
        let commands = effects.iter().filter(|e| matches!(e, Effect::Pipeline(_)));
        self.state.applying += commands.count() as u32;
        let answers: Vec<Action> = effects.iter().filter_map(|e| self.answer(e)).collect();
        for answer in answers {
            effects.extend(self.act(answer));
        }
        effects
    }

    fn answer(&self, effect: &Effect) -> Option<Action> {
        match *effect {
            Effect::Seek(seek, from) => Some(Action::JumpFound(seek, self.finder.seek(seek, from))),
            Effect::Who(sequence) => {
                let record = self.finder.record(sequence);
                let event = record.as_ref().and_then(Record::event);
                Some(Action::Who(event.and_then(Identity::of)))
            }
            Effect::Load(sequence, what) => Some(Action::Loaded(what, self.inspect(sequence))),
            Effect::LoadPair(pair) => {
                let [a, b] = pair.map(|sequence| self.finder.record(sequence));
                let found = a.zip(b).map(|(a, b)| Box::new([a, b]));
                Some(Action::PairLoaded(pair, found))
            }
            Effect::Inspect(sequence) => Some(Action::Inspected(self.inspect(sequence))),
            _ => None,
        }
    }

    fn inspect(&self, sequence: u64) -> Option<Box<Inspected>> {
        let record = self.finder.record(sequence)?;
        let snapshot = &self.state.snapshot;
        let found = Inspected::of(
            record,
            &snapshot.filters,
            snapshot.mode,
            &self.settings.mapping,
        );
        Some(Box::new(found))
    }

    /// The question that the preview answers: the effect of the proposed filters. None where they
    /// change nothing.
    pub fn question(&self) -> Option<Question> {
        Some(Question {
            before: self.state.filters.clone(),
            after: self.state.proposed()?,
            batching: self.settings.batching,
            send_users: self.settings.mapping.send_users,
        })
    }

    /// Searches on for a part of a frame's time, and brings the events pane and the inspector up
    /// to date. `size` is the terminal's, as it is: the event of a resize may be missing, when a key
    /// came at the same moment.
    pub fn refresh(&mut self, size: Option<(u16, u16)>) {
        self.state.size = size.unwrap_or(self.state.size);
        let events = &self.state.events;
        self.finder
            .set(&events.list, events.find.as_ref(), events.in_context);
        self.finder.set_range(self.state.chosen_range());
        self.finder.search();
        let has_draft_events = self.state.draft.as_ref().is_some_and(|d| d.shows_events);
        let question = self.question().filter(|_| has_draft_events);
        self.finder.set_end(self.state.events.frozen_end);
        self.finder.set_draft(question.clone());
        let queued = QueueReason::of(&self.state.shown().delivery);
        self.finder.set_queued(queued);
        let columns = self.state.event_columns();
        self.finder.set_columns(columns.clone(), self.state.privacy);
        let rows = self.state.event_rows();
        let events = &mut self.state.events;
        events.room = rows;
        let view = self.state.frozen.as_ref().map(|frozen| FrozenView {
            frozen_ms: frozen.at_ms,
            anchor: events.anchor(),
            rows,
            columns: columns.clone(),
            privacy: self.state.privacy,
            find: events.find.clone(),
            range: self.state.range.as_ref().map(|chosen| chosen.range),
            question,
            bookmarks: events.bookmarks.clone(),
            is_complete: events.page.complete,
        });
        // Frozen rows stay as they are, until the operator looks at others.
        if view.is_none() || events.shift != 0 || view != self.frozen_view {
            let page = self
                .finder
                .page(events.anchor(), events.shift, rows, &events.bookmarks);
            self.act(Action::Page(page));
        }
        self.frozen_view = view;
        self.follow_cursor();
        let is_frozen = self.state.frozen.is_some();
        if let Some(inspector) = self.state.overlays.inspector()
            && !(is_frozen && inspector.found.is_some())
            && inspector.is_outdated(
                self.finder.record(inspector.sequence).as_ref(),
                &self.state.snapshot,
            )
        {
            let found = self.inspect(inspector.sequence);
            self.act(Action::Inspected(found));
        }
    }

    /// Brings the detail pane up to date.
    fn follow_cursor(&mut self) {
        if !detail::follows(&self.state) {
            return;
        }
        let Some((source, sequence)) = detail::wanted(&self.state) else {
            self.act(Action::Followed(None));
            return;
        };
        let (record, snapshot) = (self.finder.record(sequence), &self.state.snapshot);
        let is_frozen = self.state.frozen.is_some();
        let is_current = self.state.detail.shown.as_ref().is_some_and(|shown| {
            let (before, inspector) = shown;
            *before == source
                && inspector.sequence == sequence
                && (is_frozen && inspector.found.is_some()
                    || !inspector.is_outdated(record.as_ref(), snapshot))
        });
        if !is_current {
            let found = self.inspect(sequence);
            self.act(Action::Followed(Some(Followed {
                source,
                sequence,
                found,
            })));
        }
    }
}
