//! Sorting texts by time in bounded memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write};

use crate::amplitude::time::UnixMs;

/// Size of the texts that are sorted in memory, in bytes.
const RUN_BYTES: usize = 64 << 20;

/// Sorts texts by time. Those of the same time keep their order.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    /// The texts in memory, one after the other.
    texts: Vec<u8>,
    /// Their times, begins and ends.
    places: Vec<(UnixMs, usize, usize)>,
    /// Sorted texts in temporary files.
    runs: Vec<File>,
}

impl Sorter {
    /// Adds a text.
    pub(super) fn push(&mut self, at_ms: UnixMs, text: &[u8]) -> io::Result<()> {
        if self.texts.len() + text.len() > RUN_BYTES && !self.places.is_empty() {
            self.spill()?;
        }
        let begin = self.texts.len();
        self.texts.extend_from_slice(text);
        self.places.push((at_ms, begin, self.texts.len()));
        Ok(())
    }

    /// Writes what is in memory to a temporary file.
    fn spill(&mut self) -> io::Result<()> {
        let mut out = BufWriter::new(tempfile::tempfile()?);
        self.places.sort_by_key(|place| place.0);
        for (at_ms, begin, end) in self.places.drain(..) {
            out.write_all(&at_ms.to_le_bytes())?;
            out.write_all(&((end - begin) as u64).to_le_bytes())?;
            out.write_all(&self.texts[begin..end])?;
        }
        self.texts.clear();
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        Ok(())
    }

    /// Writes all texts in their order, a line for each.
    pub(super) fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.spill()?;
        drop((self.texts, self.places));
        let mut runs: Vec<_> = self.runs.into_iter().map(BufReader::new).collect();
        let mut next = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            next.extend(read_time(run)?.map(|at_ms| Reverse((at_ms, index))));
        }
        let mut text = Vec::new();
        while let Some(Reverse((_, index))) = next.pop() {
            let run = &mut runs[index];
            let mut len = [0; 8];
            run.read_exact(&mut len)?;
            text.clear();
            run.take(u64::from_le_bytes(len)).read_to_end(&mut text)?;
            text.push(b'\n');
            out.write_all(&text)?;
            next.extend(read_time(run)?.map(|at_ms| Reverse((at_ms, index))));
        }
        out.flush()
    }
}

/// Reads the time of the next text; none at the end of a run.
fn read_time(run: &mut BufReader<File>) -> io::Result<Option<UnixMs>> {
    let mut time = [0; 8];
    match run.read_exact(&mut time) {
        Ok(()) => Ok(Some(UnixMs::from_le_bytes(time))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_sorted_by_time_over_several_runs_and_equal_times_keep_their_order() {
        let mut sorter = Sorter::default();
        for number in 0..1_000_i64 {
            let at_ms = (number * 7_919) % 50;
            let text = format!("{at_ms:02} {number:04}");
            sorter.push(at_ms, text.as_bytes()).unwrap();
            if number % 300 == 299 {
                sorter.spill().unwrap();
            }
        }
        let mut out = Vec::new();
        sorter.write(&mut out).unwrap();
        let lines: Vec<&str> = std::str::from_utf8(&out).unwrap().lines().collect();
        assert_eq!(lines.len(), 1_000);
        // The numbers of equal times ascend: then the lines are sorted as texts.
        assert!(lines.is_sorted(), "{lines:?}");
    }
}
