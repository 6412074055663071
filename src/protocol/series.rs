//! The history of the rates over 10 minutes, 1 hour, 4 hours and 1 day.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::amplitude::time::UnixMs;

/// Steps of each window: enough for the widest screen.
const STEPS: usize = 600;

/// The windows: name, and length of a step in milliseconds.
pub const WINDOWS: [(&str, i64); 4] = [
    ("10 m", 1_000),
    ("1 h", 6_000),
    ("4 h", 24_000),
    ("1 d", 144_000),
];

/// A line in the charts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Line {
    /// Events received.
    Received,
    /// Events accepted.
    Accepted,
    /// Events delivered.
    Delivered,
    /// Events rejected.
    Rejected,
}

/// The time that a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A window up to now, as an index into [`WINDOWS`].
    Window(usize),
    /// From one time to another.
    Between {
        /// The start.
        from_ms: UnixMs,
        /// The end.
        to_ms: UnixMs,
    },
}

const LINES: usize = 4;

/// Counts of each line by step, for every window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    windows: [Window; WINDOWS.len()],
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// The number of the newest step, counted from the epoch.
    newest: i64,
    steps: VecDeque<[u32; LINES]>,
}

/// Steps of a window.
struct Steps<'s> {
    kept: &'s Window,
    step_ms: i64,
    /// The number of the first one, counted from the epoch.
    first: i64,
    count: usize,
}

impl Series {
    /// Adds `count` events of a line at `now_ms`. Where the clock was set back they are added to the
    /// newest step.
    pub fn add(&mut self, line: Line, count: u32, now_ms: UnixMs) {
        for (window, (_, step_ms)) in self.windows.iter_mut().zip(WINDOWS) {
            window.advance(now_ms.div_euclid(step_ms));
            if let Some(step) = window.steps.back_mut() {
                step[line as usize] += count;
            }
        }
    }

    /// Adds the counts of another history, step by step.
    pub fn merge(&mut self, other: &Self) {
        for (window, other) in self.windows.iter_mut().zip(&other.windows) {
            window.merge(other);
        }
    }

    /// Advances to `now_ms` without events.
    pub fn advance(&mut self, now_ms: UnixMs) {
        for (window, (_, step_ms)) in self.windows.iter_mut().zip(WINDOWS) {
            window.advance(now_ms.div_euclid(step_ms));
        }
    }

    /// Events a second over the last `seconds` whole seconds.
    pub fn rate(&self, line: Line, seconds: usize) -> f64 {
        // The newest step is incomplete.
        let whole = self.windows[0].steps.iter().rev().skip(1).take(seconds);
        let (count, steps) = whole.fold((0_u64, 0_u32), |(n, s), step| {
            (n + u64::from(step[line as usize]), s + 1)
        });
        if steps == 0 {
            0.0
        } else {
            count as f64 / f64::from(steps)
        }
    }

    /// Time that the data of a window covers, in milliseconds.
    pub fn passed_ms(&self, window: usize) -> i64 {
        let steps = self
            .windows
            .get(window)
            .map_or(0, |w| w.steps.len().saturating_sub(1));
        WINDOWS
            .get(window)
            .map_or(0, |(_, step_ms)| step_ms * steps as i64)
    }

    /// The steps that are divided among `points` points.
    fn steps(&self, extent: Extent, points: usize) -> Option<Steps<'_>> {
        match extent {
            Extent::Window(window) => {
                let (kept, (_, step_ms)) = self.windows.get(window).zip(WINDOWS.get(window))?;
                // The newest step is left out until it is over, or its end would always look like a
                // drop.
                let whole = kept.steps.len().saturating_sub(1);
                let count = whole.clamp(points.min(STEPS), STEPS);
                Some(Steps {
                    kept,
                    step_ms: *step_ms,
                    first: kept.newest - count as i64,
                    count,
                })
            }
            Extent::Between { from_ms, to_ms } => {
                let mut all = self.windows.iter().zip(WINDOWS);
                // The finest window that reaches back to the start, or else the longest one.
                let reaches_back = |(kept, (_, step_ms)): &(&Window, (&str, i64))| {
                    kept.steps.len() <= STEPS || kept.oldest() <= from_ms.div_euclid(*step_ms)
                };
                let (kept, (_, step_ms)) = all.clone().find(reaches_back).or(all.next_back())?;
                let first = from_ms.div_euclid(step_ms);
                let end = (to_ms - 1).div_euclid(step_ms) + 1;
                Some(Steps {
                    kept,
                    step_ms,
                    first,
                    count: (end - first).clamp(1, STEPS as i64 + 1) as usize,
                })
            }
        }
    }

    /// The start and end of a point of the history.
    pub fn time_of(&self, extent: Extent, points: usize, point: usize) -> Option<(UnixMs, UnixMs)> {
        let steps = self.steps(extent, points)?;
        let at = |point: usize| (point * steps.count / points.max(1)) as i64;
        let from = at(point);
        let to = at(point + 1).max(from + 1);
        let ms = |step: i64| (steps.first + step) * steps.step_ms;
        (point < points).then_some((ms(from), ms(to)))
    }

    /// The point of the history that contains a time: the first one, if several show the same step.
    pub fn point_at(&self, extent: Extent, points: usize, at_ms: UnixMs) -> Option<usize> {
        let time = |point| self.time_of(extent, points, point);
        let (mut low, mut high) = (0, points);
        while low < high {
            let middle = usize::midpoint(low, high);
            if time(middle)?.1 <= at_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        time(low).filter(|(from, _)| *from <= at_ms).map(|_| low)
    }

    /// The history of a line over a time as `points` values, the oldest first, in events a second.
    ///
    /// While a window is not filled the points divide the time so far, down to a step each. Time before
    /// the start counts as zero. If a range has fewer steps than points, several points show a step.
    pub fn history(&self, line: Line, extent: Extent, points: usize) -> Vec<f64> {
        let Some(steps) = self.steps(extent, points) else {
            return vec![0.0; points];
        };
        let count = |step: usize| {
            let number = steps.first + step as i64;
            let index = usize::try_from(number - steps.kept.oldest()).ok();
            let counts = index.and_then(|index| steps.kept.steps.get(index));
            counts.map_or(0, |counts| counts[line as usize])
        };
        let counts: Vec<u32> = (0..steps.count).map(count).collect();
        means(&counts, points, steps.step_ms)
    }
}

/// Converts counts by steps of `step_ms` into `points` values, the oldest first, in events a
/// second.
pub fn means(steps: &[u32], points: usize, step_ms: i64) -> Vec<f64> {
    let span = steps.len();
    let at = |point: usize| point * span / points.max(1);
    let mean = |point: usize| {
        let from = at(point).min(span);
        let part = &steps[from..at(point + 1).max(from + 1).min(span)];
        let sum: u64 = part.iter().map(|n| u64::from(*n)).sum();
        sum as f64 / part.len().max(1) as f64 * 1_000.0 / step_ms as f64
    };
    (0..points).map(mean).collect()
}

impl Window {
    /// The number of the oldest step.
    fn oldest(&self) -> i64 {
        self.newest + 1 - self.steps.len() as i64
    }

    fn merge(&mut self, other: &Self) {
        if other.steps.is_empty() {
            return;
        }
        if self.steps.is_empty() {
            *self = other.clone();
            return;
        }
        self.advance(other.newest);
        // Both have at most one step more than they show, so this is bounded.
        while self.oldest() > other.oldest() && self.steps.len() <= STEPS {
            self.steps.push_front([0; LINES]);
        }
        let first = self.oldest();
        for (number, counts) in (other.oldest()..).zip(&other.steps) {
            let index = usize::try_from(number - first).ok();
            if let Some(step) = index.and_then(|index| self.steps.get_mut(index)) {
                for (sum, count) in step.iter_mut().zip(counts) {
                    *sum = sum.saturating_add(*count);
                }
            }
        }
    }

    fn advance(&mut self, number: i64) {
        if self.steps.is_empty() {
            self.newest = number;
            self.steps.push_back([0; LINES]);
        }
        let passed = (number - self.newest).clamp(0, STEPS as i64 + 1);
        for _ in 0..passed {
            self.steps.push_back([0; LINES]);
            if self.steps.len() > STEPS + 1 {
                self.steps.pop_front();
            }
        }
        self.newest = self.newest.max(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_whole_seconds_and_courses_fall_into_their_steps() {
        let mut series = Series::default();
        for second in 0..20 {
            series.add(Line::Received, 10, second * 1_000);
        }
        assert!((series.rate(Line::Received, 5) - 10.0).abs() < f64::EPSILON);
        let course = series.history(Line::Received, Extent::Window(0), 600);
        assert_eq!(course.len(), 600);
        assert!((course[599] - 10.0).abs() < f64::EPSILON && course[0].abs() < f64::EPSILON);
        let hour = series.history(Line::Received, Extent::Window(1), 600);
        assert!((hour[599] - 10.0).abs() < f64::EPSILON);
        series.advance(60_000);
        assert!(series.rate(Line::Received, 5).abs() < f64::EPSILON);
    }

    #[test]
    fn each_point_of_a_course_has_its_time() {
        let mut series = Series::default();
        for second in 1_000..1_050 {
            series.add(Line::Received, 1, second * 1_000);
        }
        // Fewer steps than points: a point a step, the last whole one on the right.
        assert_eq!(
            series.time_of(Extent::Window(0), 100, 99),
            Some((1_048_000, 1_049_000))
        );
        assert_eq!(series.point_at(Extent::Window(0), 100, 1_048_999), Some(99));
        assert_eq!(series.point_at(Extent::Window(0), 100, 1_049_000), None);
        // More steps than points: a point several.
        let (from, to) = series.time_of(Extent::Window(0), 10, 0).unwrap();
        assert_eq!((from, to), (1_000_000, 1_004_000));
        for point in 0..10 {
            let (from, to) = series.time_of(Extent::Window(0), 10, point).unwrap();
            assert_eq!(series.point_at(Extent::Window(0), 10, from), Some(point));
            assert_eq!(series.point_at(Extent::Window(0), 10, to - 1), Some(point));
        }
        assert_eq!(series.time_of(Extent::Window(0), 10, 10), None);
        assert_eq!(series.time_of(Extent::Window(9), 10, 0), None);
    }

    #[test]
    fn a_range_is_shown_by_the_finest_steps_that_are_kept_of_it() {
        let mut series = Series::default();
        // Two hours, with twice the events in the last 100 seconds.
        for second in 0..7_200 {
            let count = if second < 7_100 { 1 } else { 2 };
            series.add(Line::Received, count, second * 1_000);
        }
        let history = |from_s: i64, to_s: i64, points| {
            let (from_ms, to_ms) = (from_s * 1_000, to_s * 1_000);
            let extent = Extent::Between { from_ms, to_ms };
            let time = series.time_of(extent, points, 0).unwrap();
            (
                time.1 - time.0,
                series.history(Line::Received, extent, points),
            )
        };
        let (step_ms, recent) = history(7_098, 7_102, 8);
        assert_eq!(step_ms, 1_000, "two points show a second");
        assert_eq!(recent, [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        // Older than 10 minutes, and than an hour.
        assert_eq!(history(6_000, 6_060, 10), (6_000, vec![1.0; 10]));
        assert_eq!(history(2_400, 2_640, 10), (24_000, vec![1.0; 10]));
        // Before the start, and in the future, there is nothing.
        assert_eq!(history(-60, -30, 3).1, [0.0; 3]);
        assert_eq!(history(9_000, 9_003, 3).1, [0.0; 3]);
        let between = Extent::Between {
            from_ms: 7_098_000,
            to_ms: 7_102_000,
        };
        assert_eq!(series.point_at(between, 8, 7_100_500), Some(4));
        assert_eq!(series.point_at(between, 8, 7_102_000), None);
    }

    #[test]
    fn histories_of_different_length_are_added_by_their_time() {
        let history = |from: i64, to: i64, count| {
            let mut series = Series::default();
            (from..to).for_each(|second| series.add(Line::Accepted, count, second * 1_000));
            series
        };
        let (long, short) = (history(0, 900, 1), history(890, 905, 10));
        for (mut sum, other) in [(long.clone(), &short), (short.clone(), &long)] {
            sum.merge(other);
            let between = |from_ms, to_ms| {
                let extent = Extent::Between { from_ms, to_ms };
                sum.history(Line::Accepted, extent, 5)
            };
            assert_eq!(between(880_000, 885_000), [1.0; 5]);
            assert_eq!(between(892_000, 897_000), [11.0; 5]);
            assert_eq!(between(899_000, 904_000), [11.0, 10.0, 10.0, 10.0, 10.0]);
            assert_eq!(between(6_000, 36_000), [1.0; 5], "by the hour's steps");
            assert_eq!(sum.passed_ms(0), 600_000);
        }
        let mut sum = Series::default();
        sum.merge(&short);
        sum.merge(&Series::default());
        assert_eq!(sum, short);
    }

    #[test]
    fn a_clock_that_is_set_back_or_far_ahead_breaks_nothing() {
        let mut series = Series::default();
        series.add(Line::Delivered, 1, 1_000_000);
        series.add(Line::Delivered, 1, 500_000);
        series.add(Line::Delivered, 1, i64::MAX / 2);
        assert_eq!(
            series.history(Line::Delivered, Extent::Window(3), 7).len(),
            7
        );
        assert_eq!(
            series.history(Line::Delivered, Extent::Window(3), 0).len(),
            0
        );
    }
}
