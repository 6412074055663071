//! The header: workspace, feed, gate, queued items, and the time.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::filter::Mode;
use crate::limits::Policy;
use crate::text::{duration, grouped};
use crate::tui::delivery::queue_reason::QueueReason;
use crate::tui::state::State;
use crate::tui::widget::headline::headline;
use crate::tui::widget::text;
use crate::tui::widget::theme::{Sign, Theme};

/// From this width on, there is room for whole sentences.
const ROOMY: usize = 100;

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let width = usize::from(area.width);
    let frozen = frozen(state, theme, width);
    let lead = match frozen {
        Some(_) if width >= ROOMY => "live ",
        _ => "",
    };
    let clock = format!("{lead}{}Z ", time::to_clock_seconds(state.snapshot.at_ms));
    let workspace = (
        format!(" {} ", text::cut(&state.labels.workspace, width / 5)),
        theme.accent,
    );
    let gate = gate(state, theme, width);
    let destination = destination(state, theme, width);
    // Workspace, gate, destination and clock are always there; the feed's words take what room is left.
    let always = [
        Some(&workspace),
        frozen.as_ref(),
        Some(&gate),
        destination.as_ref(),
    ];
    let always = always.into_iter().flatten();
    let taken: usize = always.map(|(text, _)| text::width(text) + 2).sum();
    let taken = taken + clock.len() + 2;
    let (feed, feed_style) = feed(state, theme, width);
    let feed = (text::cut(&feed, width.saturating_sub(taken)), feed_style);
    let mut parts: Vec<(String, Style)> = frozen.into_iter().collect();
    parts.extend([workspace, feed, gate]);
    parts.extend(destination);
    parts.push(spool(state, theme));
    let rejecting: u64 = state
        .snapshot
        .limits
        .iter()
        .filter(|l| l.policy == Policy::Reject)
        .map(|l| l.recent)
        .sum();
    if rejecting > 0 {
        let span = if width >= 130 { " in 10 m" } else { "" };
        parts.push((
            format!(
                "{} {}{span}",
                theme.sign(Sign::Attention),
                grouped(rejecting)
            ),
            theme.warn,
        ));
    }
    let line = headline(parts, (clock, theme.dim), width);
    frame.render_widget(Paragraph::new(line), area);
}

/// Whether the panes are frozen, and since when.
fn frozen(state: &State, theme: &Theme, width: usize) -> Option<(String, Style)> {
    let since = time::to_clock_seconds(state.frozen.as_ref()?.at_ms);
    let message = if width >= ROOMY {
        format!(" PANES FROZEN {since} ")
    } else {
        " FROZEN ".to_owned()
    };
    Some((message, theme.shut))
}

fn feed(state: &State, theme: &Theme, width: usize) -> (String, Style) {
    let snapshot = &state.snapshot;
    let address = if width >= ROOMY {
        text::cut(&state.labels.feed, width / 4)
    } else {
        String::new()
    };
    let spool = &snapshot.delivery.spool;
    match &snapshot.feed.state {
        FeedState::Live if spool.full || spool.fault.is_some() => (
            format!("{} feed paused", theme.sign(Sign::Attention)),
            theme.bad,
        ),
        FeedState::Live if snapshot.behind_ms >= 1_000 => {
            let behind = duration(snapshot.behind_ms as i64);
            (
                format!("{} behind by {behind}", theme.sign(Sign::Attention)),
                theme.warn,
            )
        }
        FeedState::Live => {
            let message = format!("{} feed live {address}", theme.sign(Sign::Live));
            (message.trim_end().to_owned(), theme.good)
        }
        FeedState::Connecting => {
            let message = format!("{} connecting {address}", theme.sign(Sign::Down));
            (message.trim_end().to_owned(), theme.warn)
        }
        FeedState::Down { why, next_ms } => {
            let next = duration((next_ms - snapshot.at_ms).max(0));
            (
                format!(
                    "{} feed down: {why}; retry in {next}",
                    theme.sign(Sign::Down)
                ),
                theme.bad,
            )
        }
    }
}

fn gate(state: &State, theme: &Theme, width: usize) -> (String, Style) {
    // The region is known only once Customer.io was asked.
    let destination = match &state.snapshot.delivery.server {
        Some(server) => state.labels.destination.replace("customer.io auto", server),
        None => state.labels.destination.clone(),
    };
    let destination = text::cut(&destination, width / 3);
    let is_up = state.snapshot.delivery.breaker == BreakerState::Closed;
    match state.snapshot.mode {
        Some(Mode::Open) if !is_up => (format!(" {} OPEN ", theme.sign(Sign::Open)), theme.open),
        Some(Mode::Open) => (
            format!(
                " {} OPEN {} {destination} ",
                theme.sign(Sign::Open),
                theme.sign(Sign::Arrow)
            ),
            theme.open,
        ),
        Some(Mode::DryRun) => (
            format!(" {} DRY RUN, nothing is sent ", theme.sign(Sign::DryRun)),
            theme.dry_run,
        ),
        Some(Mode::Shut) => (
            format!(" {} SHUT {destination} ", theme.sign(Sign::Shut)),
            theme.shut,
        ),
        None => ("starting".to_owned(), theme.dim),
    }
}

/// The state of the destination, unless requests are sent as usual.
fn destination(state: &State, theme: &Theme, width: usize) -> Option<(String, Style)> {
    let sign = theme.sign(Sign::Rejected);
    let message = match &state.snapshot.delivery.breaker {
        BreakerState::Closed => return None,
        BreakerState::Refused { .. } => format!(" {sign} delivery HALTED "),
        BreakerState::Open { probe_ms, .. } => {
            let next = duration((probe_ms - state.snapshot.at_ms).max(0));
            let name = if width >= ROOMY { "customer.io " } else { "" };
            format!(" {sign} {name}DOWN, retry in {next} ")
        }
    };
    Some((message, theme.shut))
}

fn spool(state: &State, theme: &Theme) -> (String, Style) {
    let delivery = &state.snapshot.delivery;
    let spool = &delivery.spool;
    let attention = theme.sign(Sign::Attention);
    if spool.fault.is_some() {
        return (format!("{attention} SPOOL CAN'T BE WRITTEN"), theme.bad);
    }
    if spool.full {
        return (format!("{attention} SPOOL FULL"), theme.bad);
    }
    if spool.is_nearly_full() {
        let percent = spool.percent();
        return (format!("{attention} spool {percent} % full"), theme.warn);
    }
    let items = grouped(spool.items);
    let is_stopped = QueueReason::of(delivery).is_some();
    let style = if delivery.retrying > 0 || spool.items > 0 && is_stopped {
        theme.warn
    } else {
        theme.dim
    };
    (format!("queued {items}"), style)
}
