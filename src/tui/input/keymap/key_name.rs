//! The names of keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The name of a key as the help writes it, from its name in the configuration. None if there is
/// no such key.
pub(super) fn canonical(key: &str) -> Option<String> {
    let named = match key.to_ascii_lowercase().as_str() {
        "space" => "Space",
        "enter" | "return" => "Enter",
        "esc" | "escape" => "Esc",
        "tab" => "Tab",
        "shift-tab" | "backtab" => "Shift-Tab",
        "up" => "↑",
        "down" => "↓",
        "left" => "←",
        "right" => "→",
        "pgup" | "pageup" => "PgUp",
        "pgdn" | "pagedown" => "PgDn",
        "home" => "Home",
        "end" => "End",
        "insert" => "Insert",
        "delete" | "del" => "Delete",
        "backspace" => "Backspace",
        _ => "",
    };
    if !named.is_empty() {
        return Some(named.to_owned());
    }
    let one = |text: &str| {
        let mut chars = text.chars();
        let first = chars.next()?;
        (chars.next().is_none() && !first.is_control() && first != ' ').then_some(first)
    };
    if let Some(c) = one(key) {
        return Some(c.to_string());
    }
    if let Some(rest) = key
        .strip_prefix("Ctrl-")
        .or_else(|| key.strip_prefix("ctrl-"))
    {
        return one(rest).map(|c| format!("Ctrl-{}", c.to_ascii_lowercase()));
    }
    if let Some(rest) = key
        .strip_prefix("Alt-")
        .or_else(|| key.strip_prefix("alt-"))
    {
        return one(rest).map(|c| format!("Alt-{c}"));
    }
    let number = key.strip_prefix(['F', 'f'])?.parse::<u8>().ok()?;
    (1..=24).contains(&number).then(|| format!("F{number}"))
}

/// The name of a pressed key, as the table of bindings writes it.
pub(super) fn name_of(key: KeyEvent) -> Option<String> {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            format!("Ctrl-{}", c.to_ascii_lowercase())
        }
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::ALT) => format!("Alt-{c}"),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Left => "←".to_owned(),
        KeyCode::Right => "→".to_owned(),
        KeyCode::Insert => "Insert".to_owned(),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => "Shift-Tab".to_owned(),
        KeyCode::Up => "↑".to_owned(),
        KeyCode::Down => "↓".to_owned(),
        KeyCode::PageUp => "PgUp".to_owned(),
        KeyCode::PageDown => "PgDn".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::Delete => "Delete".to_owned(),
        _ => return None,
    };
    Some(name)
}
