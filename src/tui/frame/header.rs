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

/// A text of the header, with its style.
pub(crate) type Part = (String, Style);

/// From this width on, there is room for whole sentences.
const ROOMY: usize = 100;

/// Columns of the gate beside the destination: ` ▲ OPEN → … `.
const GATE_COLUMNS: usize = 11;

/// Columns for the feed on a narrow screen: `● feed live`.
const LEAST_FEED: usize = 13;

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
    let mut lead: Vec<Part> = frozen.into_iter().collect();
    lead.extend(masked(state, theme, width));
    lead.push(workspace);
    let mut tail: Vec<Part> = destination(state, theme, width).into_iter().collect();
    tail.push(spool(state, theme));
    tail.extend(rejecting(state, theme, width >= 130));
    // The gate gives way to what is queued and rejected, and the feed to all of them.
    let needs = |part: &Part| text::width(&part.0) + 2;
    let fixed: usize = lead.iter().chain(&tail).map(needs).sum();
    let room = width.saturating_sub(fixed + clock.len());
    let gate = gate(state, theme, room.saturating_sub(LEAST_FEED + 2));
    let left = room.saturating_sub(needs(&gate) + 2);
    let (feed, feed_style) = feed(state, theme, width);
    let feed = (text::cut(&feed, left), feed_style);
    let parts = lead.into_iter().chain([feed, gate]).chain(tail);
    let line = headline(parts, (clock, theme.dim), width);
    frame.render_widget(Paragraph::new(line), area);
}

/// Whether the panes are frozen, and since when.
fn frozen(state: &State, theme: &Theme, width: usize) -> Option<Part> {
    let since = time::to_clock_seconds(state.frozen.as_ref()?.at_ms);
    let message = if width >= ROOMY {
        format!(" PANES FROZEN {since} ")
    } else {
        " FROZEN ".to_owned()
    };
    Some((message, theme.shut))
}

/// Whether the forwarder masks people for this screen.
fn masked(state: &State, theme: &Theme, width: usize) -> Option<Part> {
    let link = state.snapshot.link.as_ref()?;
    let message = if width >= ROOMY {
        " people masked by the forwarder "
    } else {
        " masked "
    };
    let is_masked = link.people_masked;
    is_masked.then(|| (message.to_owned(), theme.warn))
}

/// The state of the feed.
pub(crate) fn feed(state: &State, theme: &Theme, width: usize) -> Part {
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

/// The mode of the gate, and the destination as far as it fits into `room` columns.
pub(crate) fn gate(state: &State, theme: &Theme, room: usize) -> Part {
    // The region is known only once Customer.io was asked.
    let destination = match &state.snapshot.delivery.server {
        Some(server) => state.labels.destination.replace("customer.io auto", server),
        None => state.labels.destination.clone(),
    };
    let destination = text::cut(&destination, room.saturating_sub(GATE_COLUMNS).min(40));
    let is_up = state.snapshot.delivery.breaker == BreakerState::Closed;
    match state.snapshot.mode {
        Some(Mode::Open) if !is_up => (format!(" {} OPEN ", theme.sign(Sign::Open)), theme.open),
        Some(Mode::Open) if destination.is_empty() => {
            (format!(" {} OPEN ", theme.sign(Sign::Open)), theme.open)
        }
        Some(Mode::Open) => (
            format!(
                " {} OPEN {} {destination} ",
                theme.sign(Sign::Open),
                theme.sign(Sign::Arrow)
            ),
            theme.open,
        ),
        Some(Mode::DryRun) => {
            let note = if room >= 28 { ", nothing is sent" } else { "" };
            let message = format!(" {} DRY RUN{note} ", theme.sign(Sign::DryRun));
            (message, theme.dry_run)
        }
        Some(Mode::Shut) => (
            format!(" {} SHUT {destination} ", theme.sign(Sign::Shut)),
            theme.shut,
        ),
        None => ("starting".to_owned(), theme.dim),
    }
}

/// The state of the destination, unless requests are sent as usual.
pub(crate) fn destination(state: &State, theme: &Theme, width: usize) -> Option<Part> {
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

/// The events that limits rejected in the last 10 minutes, if there are any.
pub(crate) fn rejecting(state: &State, theme: &Theme, names_span: bool) -> Option<Part> {
    let limits = state.snapshot.limits.iter();
    let limits = limits.filter(|limit| limit.policy == Policy::Reject);
    let rejecting: u64 = limits.map(|limit| limit.recent).sum();
    let span = if names_span { " in 10 m" } else { "" };
    let sign = theme.sign(Sign::Attention);
    let message = format!("{sign} {}{span}", grouped(rejecting));
    (rejecting > 0).then_some((message, theme.warn))
}

/// The spool: its queued items, or what is wrong with it.
pub(crate) fn spool(state: &State, theme: &Theme) -> Part {
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
