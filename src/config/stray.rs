//! Values in the environment that contain quotes, spaces or line breaks by mistake, as environment
//! files and shells leave them.

/// Settings whose text is sent or shown unchanged, including quotes and line breaks.
const VERBATIM: [&str; 4] = [
    "customerio.workspace",
    "feed.initial_message",
    "feed.ping_text",
    "feed.pong_text",
];

fn is_quoted(text: &str) -> bool {
    const PAIRS: [(char, char); 4] = [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’')];
    let text = text.trim();
    let has = |(open, close): &(char, char)| {
        text.starts_with(*open) || (text.ends_with(*close) && !text.is_empty())
    };
    PAIRS.iter().any(has)
}

/// Returns the problem of a value in the environment, if it contains what doesn't belong to it.
/// `is_text` says whether the setting takes any text.
pub(super) fn find(path: &str, text: &str, is_text: bool) -> Option<&'static str> {
    if VERBATIM.contains(&path) {
        None
    } else if is_quoted(text) {
        Some("the value has quotes around it; write it without them")
    } else if is_text && text.trim() != text {
        Some("the value begins or ends with a space or a line break; write it without")
    } else if is_text && text.contains(char::is_control) {
        Some("the value contains a line break or another control character; write it without")
    } else {
        None
    }
}
