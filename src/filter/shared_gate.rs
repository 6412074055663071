//! The gate in force: one value that all stages read, and that changes atomically.

use std::sync::Arc;

use tokio::sync::watch;

use super::compiled_filters::CompiledFilters;
use super::filters::Filters;
use super::gate::Gate;
use super::mode::Mode;
use super::rule::RuleError;

/// The gate in force. Clones share it.
///
/// It is the only place that holds the mode. Intake decides by it, and delivery sends by it.
#[derive(Debug, Clone)]
pub struct SharedGate(watch::Sender<Arc<Gate>>);

/// Reports changes of the gate in force.
#[derive(Debug)]
pub struct GateChanges(watch::Receiver<Arc<Gate>>);

impl SharedGate {
    /// Shares `gate`.
    pub fn new(gate: Gate) -> Self {
        Self(watch::Sender::new(Arc::new(gate)))
    }

    /// The gate in force.
    pub fn load(&self) -> Arc<Gate> {
        self.0.borrow().clone()
    }

    /// The mode in force.
    pub fn mode(&self) -> Mode {
        self.0.borrow().mode()
    }

    /// Whether the mode is [`Mode::Open`].
    pub fn is_open(&self) -> bool {
        self.mode() == Mode::Open
    }

    /// Runs `work` if the gate is open, and keeps the gate from changing meanwhile. So work that
    /// begins here has begun before a later [`set_mode`](Self::set_mode) returns, or never begins.
    /// `work` must be short, and must not use the gate.
    pub fn while_open<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        let gate = self.0.borrow();
        (gate.mode() == Mode::Open).then(work)
    }

    /// Changes the mode. Once it returns, no [`while_open`](Self::while_open) sees the old one.
    pub fn set_mode(&self, mode: Mode) {
        self.0
            .send_modify(|gate| *gate = Arc::new(gate.with_mode(mode)));
    }

    /// Replaces the filters. Fails if one of the rules is invalid, and changes nothing then.
    pub fn set_filters(&self, filters: Filters) -> Result<(), RuleError> {
        let compiled = CompiledFilters::compile(filters)?;
        self.0
            .send_modify(|gate| *gate = Arc::new(gate.with_filters(compiled)));
        Ok(())
    }

    /// Subscribes to changes from now on.
    pub fn changes(&self) -> GateChanges {
        GateChanges(self.0.subscribe())
    }
}

impl GateChanges {
    /// Waits for the next change. Cancel-safe. Never returns once all [`SharedGate`]s are gone.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
    use std::time::Duration;

    use super::*;
    use crate::filter::rule::{Rule, RuleEffect};

    #[test]
    fn nothing_begins_after_shut_has_returned() {
        let gate = SharedGate::new(Gate::new(Mode::Open, Filters::default()).unwrap());
        let (begun, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(SeqCst) {
                        gate.while_open(|| begun.fetch_add(1, SeqCst));
                    }
                });
            }
            for _ in 0..200 {
                let before = begun.load(SeqCst);
                gate.set_mode(Mode::Open);
                while begun.load(SeqCst) == before {
                    std::thread::yield_now();
                }
                gate.set_mode(Mode::Shut);
                let at_return = begun.load(SeqCst);
                std::thread::sleep(Duration::from_micros(50));
                let later = begun.load(SeqCst);
                if later != at_return {
                    stop.store(true, SeqCst);
                    panic!("{} began after shut had returned", later - at_return);
                }
            }
            stop.store(true, SeqCst);
        });
    }

    #[test]
    fn changes_of_mode_and_filters_keep_each_other() {
        let rule = Rule::new("r", RuleEffect::Exclude, "has_user");
        let filters = Filters {
            rules: vec![rule],
            ..Filters::default()
        };
        let gate = SharedGate::new(Gate::new(Mode::Open, Filters::default()).unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| (0..100).for_each(|_| gate.set_mode(Mode::Shut)));
            scope.spawn(|| (0..10).for_each(|_| gate.set_filters(filters.clone()).unwrap()));
        });
        assert_eq!((gate.mode(), gate.load().filters()), (Mode::Shut, &filters));
    }

    #[test]
    fn an_invalid_rule_changes_nothing() {
        let gate = SharedGate::new(Gate::new(Mode::Open, Filters::default()).unwrap());
        let invalid = Filters {
            rules: vec![Rule::new("r", RuleEffect::Exclude, "no_such_variable")],
            ..Filters::default()
        };
        gate.set_filters(invalid).unwrap_err();
        assert_eq!(gate.load().filters(), &Filters::default());
    }
}
