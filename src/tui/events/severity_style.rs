//! The style of an outcome.

use ratatui::style::Style;

use crate::tui::events::outcome::Severity;
use crate::tui::widget::theme::Theme;

/// The style of an outcome of this severity.
pub(crate) fn style_of(severity: Severity, theme: &Theme) -> Style {
    match severity {
        Severity::Quiet => theme.dim,
        Severity::Plain => theme.text,
        Severity::Good => theme.good,
        Severity::Warn => theme.warn,
        Severity::Bad => theme.bad,
    }
}
