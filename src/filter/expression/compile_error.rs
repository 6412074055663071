//! The error of a condition that does not compile.

/// An error in a condition: a message for the operator, and its position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {})", column + 1)]
pub struct CompileError {
    /// The message.
    pub message: String,
    /// The position in characters, from 0.
    pub column: usize,
}

impl CompileError {
    /// Translates the first error of CEL's parser.
    pub(super) fn from_parser(source: &str, errors: &cel::ParseErrors) -> Self {
        let Some(first) = errors.errors.first() else {
            return Self {
                message: "this is not a condition".to_owned(),
                column: 0,
            };
        };
        let message = first.msg.strip_prefix("Syntax error: ");
        let message = message.unwrap_or(&first.msg);
        if message.starts_with("mismatched") && message.contains("'<EOF>'") {
            return Self {
                message: "something is missing here: a value, a name or a closing bracket"
                    .to_owned(),
                column: source.trim_end().chars().count(),
            };
        }
        Self {
            message: translate(message),
            column: column(source, first.pos),
        }
    }
}

/// Converts a line and a column, both from 1, to a position in characters from 0.
fn column(source: &str, (line, column): (isize, isize)) -> usize {
    let lines = source.split('\n');
    let before: usize = lines
        .take((line - 1).max(0) as usize)
        .map(|line| line.chars().count() + 1)
        .sum();
    (before + (column - 1).max(0) as usize).min(source.chars().count())
}

/// Translates a message of the parser.
fn translate(message: &str) -> String {
    if let Some(quoted) = message.strip_prefix("token recognition error at: ") {
        let token = quoted.trim_matches('\'').trim();
        return match token {
            "=" => "write == to compare".to_owned(),
            "&" | "|" => format!("write {token}{token}"),
            _ if token.starts_with(['"', '\'']) || message.contains("''") => {
                "this text has no closing quote".to_owned()
            }
            _ => format!("{token} has no meaning here"),
        };
    }
    let unexpected = message
        .strip_prefix("extraneous input ")
        .or_else(|| message.strip_prefix("mismatched input "));
    if let Some(rest) = unexpected {
        let found = rest.split(" expecting ").next().unwrap_or(rest);
        return format!("{found} is not expected here");
    }
    if message.starts_with("no viable alternative") {
        return "a condition can't continue like this".to_owned();
    }
    message.to_owned()
}
