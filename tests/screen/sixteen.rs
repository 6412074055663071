//! The screen in the terminal's own 16 colours, and without colours: selections and titles.

use ratatui::style::{Color, Modifier};
use sluicegate::tui::widget::theme::Theme;

use crate::looks::{SCENES, SIZES, drawn, scene};

#[test]
fn every_scene_can_be_read_in_16_colours_and_without_any() {
    for (name, keys) in SCENES {
        for size in SIZES {
            let fixture = scene(keys, size);
            for (theme, is_plain) in [(Theme::sixteen(false), false), (Theme::plain(false), true)] {
                let buffer = drawn(&fixture, &theme);
                let text = |cell: &&ratatui::buffer::Cell| {
                    cell.symbol().chars().any(char::is_alphanumeric)
                };
                for cell in buffer.content.iter().filter(text) {
                    let is_faint = cell.modifier.contains(Modifier::DIM);
                    // A title lies on a faint border; it must not take its colour.
                    assert_ne!(cell.fg, Color::DarkGray, "{name} at {size:?}: {cell:?}");
                    assert!(!(is_plain && is_faint), "{name} at {size:?}: {cell:?}");
                    if cell.modifier.contains(Modifier::REVERSED) {
                        // The row under the cursor is of one colour.
                        assert!(!is_faint, "{name} at {size:?}: {cell:?}");
                        assert_eq!(cell.fg, Color::Reset, "{name} at {size:?}: {cell:?}");
                    }
                }
            }
        }
    }
}
