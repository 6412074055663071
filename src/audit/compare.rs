//! Comparing the events of an export with the ledger.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;

use super::causes::{Cause, Gaps, hour_name};
use super::choice::{Chosen, Deliver};
use super::collect::{Collected, Exported, Names, key_of};
use super::error::AuditError;
use super::hours::{HourDetail, HourDetails};
use super::report::{Counts, GapKind, Percentiles, Report};
use super::spill::{PARTS, Spill};
use crate::filter::Decision;
use crate::ledger::{
    Entry, HashKey, Outage, Outcome, ROW_BYTES, Reader, Row, Selection, common_outages, outages,
};

/// Maximum time that percentiles distinguish: 100 days in milliseconds.
const LONGEST_MS: u64 = 100 * 86_400_000;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Number of extra events after which their twins are searched, so that they do not fill the memory.
const MAX_EXTRA: usize = 1_000_000;

/// What an export is compared with.
pub struct Against<'r> {
    /// The ledger, or those of all members of a group, which have one key.
    pub ledgers: &'r [Reader],
    /// The first and the last hour of the audit since 1970; those of the export unless given.
    pub hours: Option<(i64, i64)>,
    /// Events to choose for delivery.
    pub deliver: &'r [Deliver],
    /// Whether the details of each hour are wanted.
    pub has_details: bool,
}

/// The result of an audit.
#[derive(Debug)]
pub struct Audited {
    /// The report.
    pub report: Report,
    /// The events chosen for delivery.
    pub chosen: Chosen,
    /// The details by hour since 1970, if they are wanted.
    pub details: BTreeMap<i64, HourDetail>,
}

/// Compares an export with the ledger. The same export can be compared again, after a delivery.
pub fn compare(export: &mut Collected, against: &Against<'_>) -> Result<Audited, AuditError> {
    let Some(key) = against.ledgers.first().map(Reader::key) else {
        return Err(AuditError::NoLedger);
    };
    let (first, last) = against.hours.or(export.range).unwrap_or_default();
    let mut names = export.names.clone();
    let mut hours = export.hours.clone();
    hours.extend((first..=last).filter_map(|hour| u32::try_from(hour).ok()));
    let mut rows = Spill::<ROW_BYTES>::new()?;
    let (mut failed, mut record) = (None, Vec::with_capacity(ROW_BYTES));
    let selection = Selection::Hours(hours);
    let mut of_ledgers = Vec::new();
    for ledger in against.ledgers {
        let notes = ledger.read(&selection, |row, dictionary| {
            let event_type = names.number_type(dictionary.event_type(row.event_type));
            let decision = dictionary.decision(row.decision);
            let decision = decision.map_or(0, |decision| names.number_decision(decision));
            let mut row = *row;
            record.clear();
            (row.event_type, row.decision) = (event_type, decision);
            row.encode(&mut record);
            failed = failed.take().or(rows.push(row.key, &record).err());
        })?;
        of_ledgers.push(outages(&notes));
    }
    failed.map_or(Ok(()), Err)?;
    let mut comparison = Comparison {
        names,
        outages: common_outages(of_ledgers),
        range: (first, last),
        by_hour: BTreeMap::new(),
        by_type: FxHashMap::default(),
        total: Counts::default(),
        decided: FxHashMap::default(),
        dead: BTreeMap::new(),
        differently: FxHashMap::default(),
        gaps: Gaps::default(),
        extra: FxHashMap::default(),
        lag: histogram(),
        took: histogram(),
        chosen: Chosen::new(against.deliver),
        details: against.has_details.then(HourDetails::default),
    };
    for part in 0..PARTS {
        let mut of_part = Vec::new();
        rows.read(part, &mut of_part)?;
        comparison.part(&export.part(part)?, &of_part, key);
        if comparison.extra.len() > MAX_EXTRA {
            comparison.find_doubled(export)?;
        }
    }
    comparison.find_doubled(export)?;
    Ok(comparison.finish())
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_MS, 2).expect("these bounds are valid")
}

struct Comparison {
    names: Names,
    outages: Vec<Outage>,
    range: (i64, i64),
    by_hour: BTreeMap<i64, Counts>,
    by_type: FxHashMap<u16, Counts>,
    total: Counts,
    /// Received events by the number of their decision.
    decided: FxHashMap<u16, u64>,
    dead: BTreeMap<Outcome, u64>,
    /// Received events by the numbers of their decision then and today.
    differently: FxHashMap<(u16, u16), u64>,
    gaps: Gaps,
    /// The extra events by second, person and type, with their hours.
    extra: FxHashMap<(u32, u16, u16), i64>,
    lag: Histogram<u64>,
    took: Histogram<u64>,
    chosen: Chosen,
    details: Option<HourDetails>,
}

impl Comparison {
    /// Compares a part.
    fn part(&mut self, events: &[[u8; 30]], rows: &[[u8; ROW_BYTES]], key: &HashKey) {
        let mut rows: Vec<Row> = rows.iter().map(Row::decode).collect();
        // Stable: the rows of an event stay in their order.
        rows.sort_by_key(|row| row.key);
        let accepts = |number| matches!(self.names.decision(number), Some(Decision::Accepted));
        let entry = |rows: &[Row]| {
            let mut entry = Entry::new(rows[0]);
            rows[1..].iter().for_each(|row| entry.add(*row, accepts));
            entry
        };
        let entries: Vec<Entry> = rows.chunk_by(|a, b| a.key == b.key).map(entry).collect();
        let mut events: Vec<_> = events
            .iter()
            .map(Exported::decode)
            .map(|event| (key_of(key, &event), event))
            .collect();
        events.sort_by_key(|(key, _)| *key);
        let mut left = entries.iter().peekable();
        for same in events.chunk_by(|a, b| a.0 == b.0) {
            let (key, event) = same[0];
            while let Some(extra) = left.next_if(|entry| entry.row.key < key) {
                self.extra(extra);
            }
            let found = left.next_if(|entry| entry.row.key == key);
            self.event(&event, found, same.len() as u64 - 1);
        }
        left.for_each(|extra| self.extra(extra));
    }

    /// Counts an event of the export.
    fn event(&mut self, event: &Exported, found: Option<&Entry>, repeats: u64) {
        let mut counts = Counts {
            in_export: 1,
            repeated_in_export: repeats,
            ..Counts::default()
        };
        match found {
            None => {
                counts.missing = 1;
                self.choose(Deliver::Missing, event);
                let cause = Cause::of_missing(event.happened_ms, &self.outages);
                self.add_gap(GapKind::Missing, cause, event);
            }
            Some(entry) => {
                counts.received = 1;
                self.received(event, entry, &mut counts);
            }
        }
        let hour = event.happened_ms.div_euclid(HOUR_MS);
        self.count(hour, event.event_type, &counts);
    }

    /// Adds an event that did not arrive to the gaps.
    fn add_gap(&mut self, kind: GapKind, cause: Cause, event: &Exported) {
        let at_ms = event.happened_ms;
        self.gaps.add(kind, cause, at_ms, || event.id.to_string());
        if let Some(details) = &mut self.details {
            details.add(at_ms.div_euclid(HOUR_MS), kind, cause, event);
        }
    }

    /// Counts an event that was received.
    fn received(&mut self, event: &Exported, entry: &Entry, counts: &mut Counts) {
        let row = &entry.row;
        let lag = (row.received_ms() - event.happened_ms)
            .max(1)
            .unsigned_abs();
        self.lag.saturating_record(lag);
        *self.decided.entry(row.decision).or_default() += 1;
        match self.names.decision(row.decision) {
            Some(Decision::Filtered { .. }) => counts.filtered = 1,
            Some(Decision::Rejected { .. }) => counts.rejected = 1,
            // The row of an outcome is of an accepted event.
            Some(Decision::Accepted) | None => counts.accepted = 1,
        }
        if counts.filtered == 1 && self.is_accepted_today(event) {
            self.choose(Deliver::FilteredNowAccepted, event);
        }
        if event.today != row.decision && counts.rejected == 0 {
            let change = (row.decision, event.today);
            *self.differently.entry(change).or_default() += 1;
        }
        if counts.accepted == 0 {
            return;
        }
        match row.outcome {
            Outcome::Delivered => {
                counts.delivered = 1;
                self.took.saturating_record(row.took_ms().max(1));
            }
            Outcome::DryRun => counts.dry_run = 1,
            Outcome::Waiting | Outcome::NotSent => {
                counts.waiting = 1;
                let cause = Cause::of_waiting(&self.outages);
                self.add_gap(GapKind::Waiting, cause, event);
            }
            dead @ (Outcome::Refused | Outcome::Expired | Outcome::Damaged) => {
                counts.dead_letters = 1;
                *self.dead.entry(dead).or_default() += 1;
                let cause = Cause::Dead(dead);
                self.add_gap(GapKind::DeadLetters, cause, event);
                self.choose(Deliver::Dead, event);
            }
        }
    }

    fn is_accepted_today(&self, event: &Exported) -> bool {
        self.names.decision(event.today) == Some(&Decision::Accepted)
    }

    /// Chooses an event for delivery, if those of its kind are wanted.
    fn choose(&mut self, kind: Deliver, event: &Exported) {
        let is_accepted = self.is_accepted_today(event);
        self.chosen.add(kind, event.id, is_accepted);
    }

    /// Counts an event that the export does not have.
    fn extra(&mut self, entry: &Entry) {
        let row = &entry.row;
        let hour = i64::from(row.key.hour());
        if hour < self.range.0 || hour > self.range.1 {
            return;
        }
        let place = (row.key.second, row.person, row.event_type);
        self.extra.insert(place, hour);
        let counts = Counts {
            extra: 1,
            ..Counts::default()
        };
        self.count(hour, row.event_type, &counts);
        let at_ms = i64::from(row.key.second) * 1_000;
        let example = || format!("{:012x}", row.key.hash);
        self.gaps
            .add(GapKind::Extra, Cause::NotInExport, at_ms, example);
    }

    /// Finds extra events of the same person, type and second as an event of the export, and forgets
    /// the other extra events.
    fn find_doubled(&mut self, export: &mut Collected) -> Result<(), AuditError> {
        for part in 0..PARTS {
            if self.extra.is_empty() {
                break;
            }
            for event in export.part(part)?.iter().map(Exported::decode) {
                let second = u32::try_from(event.id.timestamp_ms() / 1_000).unwrap_or(u32::MAX);
                let place = (second, event.person, event.event_type);
                if let Some(hour) = self.extra.remove(&place) {
                    let counts = Counts {
                        doubled: 1,
                        ..Counts::default()
                    };
                    self.count(hour, event.event_type, &counts);
                }
            }
        }
        self.extra.clear();
        Ok(())
    }

    fn count(&mut self, hour: i64, event_type: u16, counts: &Counts) {
        self.total.add(counts);
        self.by_hour.entry(hour).or_default().add(counts);
        self.by_type.entry(event_type).or_default().add(counts);
        if let Some(details) = &mut self.details {
            details.count(hour, event_type, counts);
        }
    }

    fn finish(self) -> Audited {
        let hour = |hour: i64| hour_name(hour * HOUR_MS);
        let named = |(number, counts): (&u16, &Counts)| {
            (self.names.event_type(*number).to_owned(), *counts)
        };
        let mut report = Report {
            from: hour(self.range.0),
            to: hour(self.range.1),
            total: self.total,
            hours: self
                .by_hour
                .iter()
                .map(|(at, it)| (hour(*at), *it))
                .collect(),
            types: self.by_type.iter().map(named).collect(),
            event_to_received_ms: percentiles(&self.lag),
            received_to_delivered_ms: percentiles(&self.took),
            ..Report::default()
        };
        self.name_reasons(&mut report);
        let details = self.details.map(|it| it.finish(&self.names, &self.outages));
        report.gaps = self.gaps.worst(&self.outages);
        report.outages = self.outages;
        Audited {
            report,
            chosen: self.chosen.sorted(),
            details: details.unwrap_or_default(),
        }
    }

    /// Writes the counts by reason, with the names of the reasons.
    fn name_reasons(&self, report: &mut Report) {
        let accepted = Decision::Accepted;
        let decision = |number: u16| self.names.decision(number).unwrap_or(&accepted);
        for (number, count) in &self.decided {
            let counts = match decision(*number) {
                Decision::Accepted => continue,
                Decision::Filtered { .. } => &mut report.filtered_by,
                Decision::Rejected { .. } => &mut report.rejected_by,
            };
            *counts.entry(words(decision(*number))).or_default() += count;
        }
        for ((then, today), count) in &self.differently {
            let (then, today) = (words(decision(*then)), words(decision(*today)));
            // A rule may have another number today.
            if then != today {
                let change = format!("{then} → {today}");
                *report.decided_differently_today.entry(change).or_default() += count;
            }
        }
        let dead = self.dead.iter();
        report.dead_letters_by = dead
            .map(|(it, count)| (it.name().to_owned(), *count))
            .collect();
    }
}

/// A decision in a few words.
fn words(decision: &Decision) -> String {
    match decision {
        Decision::Accepted => "accepted".to_owned(),
        Decision::Filtered { by } => by.to_string(),
        Decision::Rejected { code } => code.name().to_owned(),
    }
}

fn percentiles(times: &Histogram<u64>) -> Percentiles {
    Percentiles {
        p50: times.value_at_quantile(0.5),
        p95: times.value_at_quantile(0.95),
        p99: times.value_at_quantile(0.99),
        max: times.max(),
    }
}
