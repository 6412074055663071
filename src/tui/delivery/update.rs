//! The commands of the gate, and draining.

use crate::delivery::BreakerState;
use crate::filter::Mode;
use crate::protocol::Command as PipelineCommand;
use crate::tui::action::Effect;
use crate::tui::frame::popup::{Confirm, Popup};
use crate::tui::state::State;

pub(crate) fn ask_gate(state: &mut State) -> Vec<Effect> {
    let refused = matches!(
        state.snapshot.delivery.breaker,
        BreakerState::Refused { .. }
    );
    let confirm = if refused {
        Confirm::Resume
    } else if state.snapshot.mode == Some(Mode::Open) {
        Confirm::Gate(Mode::Shut)
    } else {
        Confirm::Gate(Mode::Open)
    };
    state.popup = Some(Popup::Confirm(confirm));
    Vec::new()
}

/// Starts a dry run, or shuts the gate after one. Asks first if the gate is open, since a dry run
/// stops forwarding.
pub(crate) fn ask_dry_run(state: &mut State) -> Vec<Effect> {
    match state.snapshot.mode {
        Some(Mode::Open) => {
            state.popup = Some(Popup::Confirm(Confirm::Gate(Mode::DryRun)));
            Vec::new()
        }
        Some(Mode::DryRun) => vec![Effect::Pipeline(PipelineCommand::SetGate(Mode::Shut))],
        _ => vec![Effect::Pipeline(PipelineCommand::SetGate(Mode::DryRun))],
    }
}

pub(crate) fn drain(state: &mut State) -> Vec<Effect> {
    if state.draining {
        return vec![Effect::Hurry];
    }
    state.popup = None;
    state.draining = true;
    vec![Effect::Drain]
}
