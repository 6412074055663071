//! The terminal: size, colours and characters.

use std::io::IsTerminal as _;

use super::report::Check;

const NAME: &str = "terminal";

pub(super) fn check() -> Check {
    if !std::io::stdout().is_terminal() {
        return Check::ok(
            NAME,
            "standard output is none, so that no screen can open there",
        );
    }
    let (width, height) = crossterm::terminal::size().unwrap_or_default();
    let variable = |name| std::env::var(name).unwrap_or_default();
    let colours = match (variable("COLORTERM").as_str(), variable("TERM")) {
        _ if !variable("NO_COLOR").is_empty() => "no colours (NO_COLOR)",
        ("truecolor" | "24bit", _) => "24-bit colours",
        (_, term) if term.contains("256color") => "256 colours",
        _ => "16 colours",
    };
    let detail = format!("{width}×{height}, {colours}");
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names
        .into_iter()
        .map(variable)
        .find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    if width < 80 || height < 24 {
        return Check::warning(NAME, detail, "enlarge the terminal to 80×24 or more");
    }
    if !locale.contains("utf-8") && !locale.contains("utf8") {
        return Check::warning(
            NAME,
            format!("{detail}, not UTF-8"),
            "use --ascii, or set LANG to a UTF-8 locale",
        );
    }
    Check::ok(NAME, detail)
}
