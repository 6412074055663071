//! Blocks: sorted rows in columns, each packed by itself.

use super::key::Key;
use super::rice;
use super::row::{Outcome, Row};

/// Rows of a block: few enough that packing one needs little memory beside the rows themselves.
pub(super) const ROWS: usize = 1 << 14;
/// Maximum rows of a block that is read.
const MAX_ROWS: usize = 1 << 16;
/// The level of zstd: higher ones take several times as long for less than a percent.
const LEVEL: i32 = 3;

/// Appends a block of rows, which are sorted by their keys.
pub(super) fn encode(rows: &[Row], out: &mut Vec<u8>) {
    let hours: Vec<&[Row]> = rows.chunk_by(|a, b| a.key.hour() == b.key.hour()).collect();
    push_u32(out, rows.len());
    push_u32(out, hours.len());
    for rows in hours {
        let numbers: Vec<u64> = rows.iter().map(|row| row.key.within_hour()).collect();
        push_u32(out, rows[0].key.hour() as usize);
        push_u32(out, rows.len());
        let at = out.len();
        out.push(0);
        out[at] = rice::encode(&numbers, out);
    }
    let mut column = Vec::with_capacity(rows.len() * 2);
    let mut push = |fill: &dyn Fn(&Row, &mut Vec<u8>)| {
        column.clear();
        rows.iter().for_each(|row| fill(row, &mut column));
        // It fails only where memory for the output is missing.
        let packed = zstd::bulk::compress(&column, LEVEL).unwrap_or_default();
        push_u32(out, column.len());
        push_u32(out, packed.len());
        out.extend_from_slice(&packed);
    };
    push(&|row, to| to.extend_from_slice(&row.person.to_le_bytes()));
    push(&|row, to| push_varint(to, row.event_type.into()));
    push(&|row, to| push_varint(to, row.decision.into()));
    push(&|row, to| push_varint(to, zigzag(row.received_after)));
    push(&|row, to| to.push(row.outcome as u8));
    push(&|row, to| to.push(row.took));
}

/// Reads a block whose checksum was right, and passes its rows on. None if it is not a block.
pub(super) fn decode(mut input: &[u8]) -> Option<Vec<Row>> {
    let count = pull_u32(&mut input)?;
    if count > MAX_ROWS {
        return None;
    }
    let mut keys = Vec::with_capacity(count);
    for _ in 0..pull_u32(&mut input)? {
        let hour = pull_u32(&mut input)? as u32;
        let rows = pull_u32(&mut input)?;
        let (parameter, rest) = input.split_first()?;
        input = rest;
        rice::decode(&mut input, rows, *parameter, |number| {
            keys.push(Key::of_hour(hour, number));
        })?;
    }
    let mut columns = [const { Vec::new() }; 6];
    for column in &mut columns {
        let size = pull_u32(&mut input)?;
        let packed_size = pull_u32(&mut input)?;
        let (packed, rest) = input.split_at_checked(packed_size)?;
        *column = zstd::bulk::decompress(packed, size.min(MAX_ROWS * 5)).ok()?;
        input = rest;
    }
    let [people, types, decisions, received, outcomes, took] = &columns;
    let (mut people, mut types) = (people.chunks_exact(2), &types[..]);
    let (mut decisions, mut received) = (&decisions[..], &received[..]);
    let (mut outcomes, mut took) = (outcomes.iter(), took.iter());
    let row = |key| {
        Some(Row {
            key,
            person: u16::from_le_bytes(people.next()?.try_into().ok()?),
            event_type: pull_varint(&mut types)? as u16,
            decision: pull_varint(&mut decisions)? as u16,
            received_after: unzigzag(pull_varint(&mut received)?),
            outcome: Outcome::from_byte(*outcomes.next()?),
            took: *took.next()?,
            number: 0,
        })
    };
    keys.into_iter().map(row).collect()
}

fn push_u32(out: &mut Vec<u8>, value: usize) {
    out.extend_from_slice(&(value as u32).to_le_bytes());
}

fn pull_u32(input: &mut &[u8]) -> Option<usize> {
    let (bytes, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(u32::from_le_bytes(*bytes) as usize)
}

fn push_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn pull_varint(input: &mut &[u8]) -> Option<u32> {
    let mut value = 0;
    for shift in (0..32).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

fn unzigzag(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
