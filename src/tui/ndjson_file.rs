//! Files of exports.

use std::path::PathBuf;

use crate::tui::events::export::{self, Exported};

/// Writes NDJSON to a file in `folder`; `count` counts its lines in the notice.
pub(crate) async fn write_ndjson(
    folder: PathBuf,
    name: &'static str,
    count: &str,
    ndjson: String,
) -> Result<Exported, String> {
    let writing = tokio::task::spawn_blocking(move || {
        let (mut file, path) = export::create_file(&folder, name)?;
        std::io::Write::write_all(&mut file, ndjson.as_bytes())?;
        Ok::<_, std::io::Error>(path)
    });
    match writing.await {
        Ok(Ok(path)) => Ok(written(count, path)),
        Ok(Err(error)) => Err(format!("cannot export to {name}-….ndjson: {error}")),
        Err(_) => Err(format!("the export to {name}-….ndjson was interrupted")),
    }
}

/// An export into a file; `count` counts its lines.
pub(crate) fn written(count: &str, path: PathBuf) -> Exported {
    let count = count.to_owned();
    Exported { count, path }
}
