//! Packing: a closed journal becomes sorted blocks, with one row for each event.

use std::fs::File;
use std::io::{self, BufReader, Write as _};
use std::path::Path;

use super::block;
use super::dictionary::Dictionary;
use super::entry::Entry;
use super::files::{self, FileKind};
use super::frame::{self, Frames, Kind};
use super::note::{Note, Noted};
use super::row::{ROW_BYTES, Row};
use crate::owner_only;

/// Packed rows, for measurements.
#[derive(Debug, Default)]
pub struct Packed {
    /// The frames of the blocks.
    pub bytes: Vec<u8>,
    /// Number of events in them.
    pub events: u64,
}

/// Packs rows as [`pack`] does. For measurements: the blocks are kept in memory.
pub fn encode(rows: Vec<Row>, dictionary: &Dictionary) -> Packed {
    let mut packed = Packed::default();
    let keep = |frame: &[u8]| {
        packed.bytes.extend_from_slice(frame);
        Ok(())
    };
    // Memory takes everything.
    packed.events = each_block(rows, dictionary, keep).unwrap_or_default();
    packed
}

/// Sorts the rows, merges those of each event, and passes on the frames of their blocks. Returns the
/// number of events.
///
/// All of it happens in the memory of `rows`: a stable sort would need as much again, so the rows are
/// numbered, which takes no room in them, and the numbers keep the rows of an event in their order.
fn each_block(
    mut rows: Vec<Row>,
    dictionary: &Dictionary,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    for (number, row) in (0..).zip(&mut rows) {
        row.number = number;
    }
    rows.sort_unstable_by_key(|row| (row.key, row.number));
    rows.dedup_by(|next, row| {
        let is_same = next.key == row.key;
        if is_same {
            let mut entry = Entry::new(*row);
            entry.add(*next, |number| dictionary.accepts(number));
            *row = entry.row;
        }
        is_same
    });
    let (mut content, mut frame) = (Vec::new(), Vec::new());
    for rows in rows.chunks(block::ROWS) {
        content.clear();
        frame.clear();
        block::encode(rows, &mut content);
        frame::push(&mut frame, Kind::Block, &content);
        each(&frame)?;
    }
    Ok(rows.len() as u64)
}

/// Packs a journal, and removes it. A torn end is left out, and noted.
pub(super) fn pack(folder: &Path, number: u64, now_ms: i64) -> io::Result<()> {
    let journal = files::path(folder, number, FileKind::Journal);
    let file = File::open(&journal)?;
    let size = file.metadata()?.len();
    let mut frames = Frames::new(BufReader::with_capacity(1 << 16, file));
    let (mut dictionary, mut notes) = (Dictionary::default(), Vec::new());
    // A little more than there are.
    let mut rows = Vec::with_capacity(size as usize / ROW_BYTES);
    let mut out = Vec::new();
    while let Some((kind, content)) = frames.next()? {
        match kind {
            Kind::Dictionary => {
                dictionary.read(content);
                frame::push(&mut out, Kind::Dictionary, content);
            }
            Kind::Rows => {
                let (all, _) = content.as_chunks::<ROW_BYTES>();
                rows.extend(all.iter().map(Row::decode));
            }
            Kind::Note => notes.push(content.to_vec()),
            Kind::Block => {}
        }
    }
    let torn = size - frames.whole_bytes;
    if torn > 0 {
        tracing::warn!("the ledger's last {torn} bytes were torn, and are cut off");
        let note = Note::Torn { bytes: torn };
        notes.push(note_text(&Noted {
            at_ms: now_ms,
            note,
        }));
    }
    let is_alive = |text: &[u8]| {
        matches!(
            serde_json::from_slice(text),
            Ok(Noted {
                note: Note::Alive,
                ..
            })
        )
    };
    let last_alive = notes.iter().rposition(|text| is_alive(text));
    for (index, text) in notes.iter().enumerate() {
        if !is_alive(text) || Some(index) == last_alive {
            frame::push(&mut out, Kind::Note, text);
        }
    }
    let whole = files::path(folder, number, FileKind::Packed);
    let part = owner_only::beside(&whole, ".part");
    let published = owner_only::new_in_place(&part).and_then(|mut file| {
        file.write_all(&out)?;
        each_block(rows, &dictionary, |frame| file.write_all(frame))?;
        owner_only::publish(&file, &part, &whole)
    });
    if published.is_err() {
        // A full disk needs its room; where it can't be removed, the first error matters more.
        let _ = std::fs::remove_file(&part);
    }
    published?;
    std::fs::remove_file(&journal)
}

/// A note as a frame has it.
pub(super) fn note_text(noted: &Noted) -> Vec<u8> {
    serde_json::to_vec(noted).expect("every field can be serialized into memory")
}
