//! The colours. No meaning depends on a colour alone: signs and words carry it too.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

use crate::amplitude::json::Kind;
use crate::config;

/// The styles and signs of a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Whether only ASCII characters are drawn.
    pub ascii: bool,
    /// Text.
    pub text: Style,
    /// Less important text.
    pub dim: Style,
    /// Highlighted text that is neither good nor bad.
    pub accent: Style,
    /// Success.
    pub good: Style,
    /// Needs attention.
    pub warn: Style,
    /// Failure.
    pub bad: Style,
    /// The title of a pane.
    pub title: Style,
    /// The border of a pane.
    pub border: Style,
    /// The border of the pane with the focus.
    pub border_focused: Style,
    /// The row under the cursor.
    pub selected: Style,
    /// A gate that is open.
    pub open: Style,
    /// A gate that is shut.
    pub shut: Style,
    /// A gate in dry run.
    pub dry_run: Style,
    /// Keys in the footer and the help.
    pub key: Style,
    /// A key of a JSON object.
    pub json_key: Style,
    string: Style,
    number: Style,
    literal: Style,
}

impl Theme {
    /// The configured theme. With `NO_COLOR`: no colours.
    pub fn of(theme: config::Theme, ascii: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        match theme {
            _ if plain => Self::plain(ascii),
            config::Theme::Auto | config::Theme::Dark => Self::dark(ascii),
            config::Theme::Light => Self::light(ascii),
            config::Theme::HighContrast => Self::high_contrast(ascii),
            config::Theme::HighContrastLight => Self::high_contrast_light(ascii),
            config::Theme::Sixteen => Self::sixteen(ascii),
        }
    }

    /// For dark backgrounds.
    pub fn dark(ascii: bool) -> Self {
        let palette = Palette {
            text: Color::Indexed(252),
            dim: Color::Indexed(245),
            border: Color::Indexed(240),
            accent: Color::Indexed(117),
            good: Color::Indexed(114),
            warn: Color::Indexed(221),
            bad: Color::Indexed(210),
            selected: Color::Indexed(237),
            on_banner: Color::Indexed(16),
            string: Color::Indexed(151),
            number: Color::Indexed(180),
            literal: Color::Indexed(183),
        };
        palette.theme(ascii)
    }

    /// For light backgrounds.
    pub fn light(ascii: bool) -> Self {
        let palette = Palette {
            text: Color::Indexed(235),
            dim: Color::Indexed(242),
            border: Color::Indexed(249),
            accent: Color::Indexed(25),
            good: Color::Indexed(22),
            warn: Color::Indexed(94),
            bad: Color::Indexed(124),
            selected: Color::Indexed(254),
            on_banner: Color::Indexed(231),
            string: Color::Indexed(23),
            number: Color::Indexed(94),
            literal: Color::Indexed(90),
        };
        palette.theme(ascii)
    }

    /// White on black with few colours of high contrast.
    pub fn high_contrast(ascii: bool) -> Self {
        let palette = Palette {
            text: Color::Indexed(231),
            dim: Color::Indexed(254),
            border: Color::Indexed(250),
            accent: Color::Indexed(87),
            good: Color::Indexed(120),
            warn: Color::Indexed(227),
            bad: Color::Indexed(217),
            selected: Color::Indexed(19),
            on_banner: Color::Indexed(16),
            string: Color::Indexed(231),
            number: Color::Indexed(229),
            literal: Color::Indexed(225),
        };
        palette.theme(ascii)
    }

    /// Black on white with few colours of high contrast.
    pub fn high_contrast_light(ascii: bool) -> Self {
        let palette = Palette {
            text: Color::Indexed(16),
            dim: Color::Indexed(236),
            border: Color::Indexed(240),
            accent: Color::Indexed(18),
            good: Color::Indexed(22),
            warn: Color::Indexed(52),
            bad: Color::Indexed(88),
            selected: Color::Indexed(195),
            on_banner: Color::Indexed(231),
            string: Color::Indexed(16),
            number: Color::Indexed(17),
            literal: Color::Indexed(53),
        };
        palette.theme(ascii)
    }

    /// The sixteen colours of the terminal, on its background.
    pub fn sixteen(ascii: bool) -> Self {
        let palette = Palette {
            text: Color::Reset,
            dim: Color::Reset,
            border: Color::DarkGray,
            accent: Color::Cyan,
            good: Color::Green,
            warn: Color::Yellow,
            bad: Color::Red,
            selected: Color::Reset,
            on_banner: Color::Black,
            string: Color::Green,
            number: Color::Yellow,
            literal: Color::Magenta,
        };
        let reverse = Style::new().add_modifier(Modifier::REVERSED);
        Self {
            // With a colour of its own, or it would take that of the border that it lies on.
            dim: Style::new().fg(Color::Reset).add_modifier(Modifier::DIM),
            selected: reverse,
            ..palette.theme(ascii)
        }
    }

    /// Without colours: weight and reverse only.
    pub fn plain(ascii: bool) -> Self {
        let none = Style::new();
        let bold = none.add_modifier(Modifier::BOLD);
        let reverse = none.add_modifier(Modifier::REVERSED);
        Self {
            ascii,
            text: none,
            // It may lie on a faint border.
            dim: none.remove_modifier(Modifier::DIM),
            accent: bold,
            good: none,
            warn: bold,
            bad: bold,
            title: none,
            border: none.add_modifier(Modifier::DIM),
            border_focused: bold,
            selected: reverse,
            open: reverse,
            shut: bold,
            dry_run: bold,
            key: bold,
            json_key: bold,
            string: none,
            number: none,
            literal: none,
        }
    }

    /// A row under the cursor. Where it is reversed, its parts lose their colours: reversed, these
    /// would be a patchwork of backgrounds.
    pub fn select<'l>(&self, line: Line<'l>) -> Line<'l> {
        let line = line.patch_style(self.selected);
        if !self.selected.add_modifier.contains(Modifier::REVERSED) {
            return line;
        }
        let plain = self
            .selected
            .fg(Color::Reset)
            .bg(Color::Reset)
            .remove_modifier(Modifier::DIM);
        let mut line = line.style(plain);
        line.spans.iter_mut().for_each(|span| span.style = plain);
        line
    }

    /// The style of a JSON value.
    pub fn json(&self, kind: Kind) -> Style {
        match kind {
            Kind::String => self.string,
            Kind::Number => self.number,
            Kind::Bool => self.literal,
            Kind::Null | Kind::Array | Kind::Object => self.dim,
        }
    }

    /// The character of a sign, in Unicode or ASCII.
    pub fn sign(&self, sign: Sign) -> &'static str {
        let (unicode, ascii) = match sign {
            Sign::Delivered => ("✓", "+"),
            Sign::OnItsWay => ("→", ">"),
            Sign::Filtered => ("·", "."),
            Sign::Rejected => ("✗", "x"),
            Sign::Warned => ("!", "!"),
            Sign::Waiting => ("↻", "~"),
            Sign::Queued => ("≡", "="),
            Sign::DryRun | Sign::Down => ("○", "o"),
            Sign::Malformed => ("?", "?"),
            Sign::Live => ("●", "*"),
            Sign::Open => ("▲", "^"),
            Sign::Shut => ("▼", "v"),
            Sign::Attention => ("⚠", "!"),
            Sign::Excludes => ("−", "-"),
            Sign::Includes => ("+", "+"),
            Sign::Bar => ("▇", "#"),
            Sign::Arrow => ("→", "->"),
            Sign::Cursor => ("▸", ">"),
            Sign::Dash => ("─", "-"),
            Sign::Watch => ("◎", "@"),
            Sign::Bookmark => ("◆", "@"),
            Sign::Match => ("▪", "="),
            Sign::Selected => ("▶", ">"),
            Sign::Thumb => ("┃", "#"),
            Sign::Mail => ("»", "m"),
            Sign::MailArrived => ("◉", "M"),
            Sign::MailLost => ("⊘", "X"),
        };
        if self.ascii { ascii } else { unicode }
    }
}

/// The signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by what it stands for")]
pub enum Sign {
    Delivered,
    OnItsWay,
    Filtered,
    Rejected,
    Warned,
    Waiting,
    Queued,
    DryRun,
    Malformed,
    Live,
    Down,
    Open,
    Shut,
    Attention,
    Excludes,
    Includes,
    Bar,
    Arrow,
    Cursor,
    Dash,
    Bookmark,
    Watch,
    Match,
    Selected,
    Thumb,
    Mail,
    MailArrived,
    MailLost,
}

struct Palette {
    text: Color,
    dim: Color,
    border: Color,
    accent: Color,
    good: Color,
    warn: Color,
    bad: Color,
    selected: Color,
    on_banner: Color,
    string: Color,
    number: Color,
    literal: Color,
}

impl Palette {
    fn theme(self, ascii: bool) -> Theme {
        let fg = |color| Style::new().fg(color);
        let banner = |color| {
            Style::new()
                .fg(self.on_banner)
                .bg(color)
                .add_modifier(Modifier::BOLD)
        };
        Theme {
            ascii,
            text: fg(self.text),
            dim: fg(self.dim),
            accent: fg(self.accent),
            good: fg(self.good),
            warn: fg(self.warn),
            bad: fg(self.bad),
            title: fg(self.text),
            border: fg(self.border),
            border_focused: fg(self.accent),
            selected: Style::new().bg(self.selected).add_modifier(Modifier::BOLD),
            open: banner(self.good),
            shut: banner(self.warn),
            dry_run: banner(self.accent),
            key: fg(self.accent).add_modifier(Modifier::BOLD),
            json_key: fg(self.text).add_modifier(Modifier::BOLD),
            string: fg(self.string),
            number: fg(self.number),
            literal: fg(self.literal),
        }
    }
}
