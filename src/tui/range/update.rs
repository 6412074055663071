//! Choosing a range with the time cursor of the throughput pane, and the incident summary.

use std::sync::Arc;

use crate::protocol::series::WINDOWS;
use crate::tui::action::Effect;
use crate::tui::input::keymap::Command;
use crate::tui::privacy::on_screen::ids_on_screen;
use crate::tui::range::query::Figures;
use crate::tui::range::state::ChosenRange;
use crate::tui::range::summary::{Incident, markdown};
use crate::tui::range::time_range::TimeRange;
use crate::tui::state::State;

/// Begins a range at the time cursor, or ends one that follows the cursor.
pub(crate) fn toggle(state: &mut State) {
    if let Some(chosen) = state.range.as_mut().filter(|chosen| chosen.is_open) {
        chosen.is_open = false;
        let label = chosen.range.label();
        let [copy, back] = [Command::CopySummary, Command::Back].map(|does| state.key(does));
        let message = format!("range {label}: {copy} copies its summary, {back} removes it");
        state.notify(message);
        return;
    }
    let Some(point) = point_at_cursor(state) else {
        let [earlier, later] = [Command::Earlier, Command::Later].map(|does| state.key(does));
        let message = format!("choose a time first, with {earlier} and {later}");
        state.notify(message);
        return;
    };
    state.range = Some(ChosenRange::new(point));
    let [earlier, later, end, back] = [
        Command::Earlier,
        Command::Later,
        Command::Range,
        Command::Back,
    ]
    .map(|does| state.key(does));
    let message =
        format!("range begun: {earlier} {later} extend it, {end} ends it, {back} removes it");
    state.notify(message);
}

/// Zooms the charts into the chosen range, or back.
pub(crate) fn zoom(state: &mut State) {
    let chosen = state.chosen_range();
    if let Some(range) = chosen.filter(|range| state.span != Some(*range)) {
        state
            .range
            .iter_mut()
            .for_each(|chosen| chosen.is_open = false);
        state.span = Some(range);
        let [zoom, back] = [Command::ZoomRange, Command::Back].map(|does| state.key(does));
        let message = format!("charts show {}: {zoom} or {back} goes back", range.label());
        state.notify(message);
    } else if state.span.take().is_some() {
        let (window, _) = WINDOWS[state.window];
        state.notify(format!("charts show the last {window}"));
    } else {
        let begin = state.key(Command::Range);
        let message = format!("no range is chosen: {begin} begins one at the time cursor");
        state.notify(message);
    }
}

/// Extends an open range to the time cursor.
pub(crate) fn follow_cursor(state: &mut State) {
    let point = point_at_cursor(state);
    if let (Some(chosen), Some(point)) = (&mut state.range, point) {
        chosen.extend(point);
    }
}

/// The time of the point under the cursor.
pub(crate) fn point_at_cursor(state: &State) -> Option<TimeRange> {
    let points = state.history_points();
    let series = &state.shown().series;
    let point = series.point_at(state.extent(), points, state.moment_ms?)?;
    let (from_ms, to_ms) = series.time_of(state.extent(), points, point)?;
    Some(TimeRange { from_ms, to_ms })
}

/// Takes over the figures, if they are of the chosen range.
pub(crate) fn counted(state: &mut State, range: TimeRange, figures: Figures) {
    let is_frozen = state.frozen.is_some();
    if let Some(chosen) = &mut state.range
        && chosen.range == range
        && !(is_frozen && chosen.figures.is_some())
    {
        chosen.figures = Some(Arc::new(figures));
    }
}

/// Copies the incident summary of the range.
pub(crate) fn copy_summary(state: &mut State) -> Vec<Effect> {
    let Some(chosen) = &state.range else {
        let key = state.key(Command::Range);
        let message = format!("no range is chosen: {key} begins one at the time cursor");
        state.notify_error(message);
        return Vec::new();
    };
    let Some(figures) = chosen.figures.clone() else {
        state.notify("the events of the range are being counted");
        return Vec::new();
    };
    let annotations: Vec<_> = state.annotations.iter().cloned().collect();
    let summary = markdown(&Incident {
        workspace: &state.labels.workspace,
        range: chosen.range,
        figures: &figures,
        annotations: &annotations,
        now_ms: state.shown().at_ms,
    });
    // Copies are masked too.
    let summary = match state.privacy {
        Some(privacy) => privacy.text(&summary, &ids_on_screen(state)),
        None => summary,
    };
    vec![Effect::Copy("the incident summary", summary)]
}
