//! An error as one line.

use super::problems::Problems;
use crate::text;

/// Returns the error and its causes in one line. A cause that the line contains already is left out.
pub(super) fn error_line(error: &color_eyre::Report) -> String {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        return problems.to_string();
    }
    error
        .chain()
        .map(|cause| text::on_one_line(&cause.to_string()))
        .fold(String::new(), |line, cause| match line {
            line if line.is_empty() => cause,
            line if line.contains(&cause) => line,
            line => format!("{line}: {cause}"),
        })
}
