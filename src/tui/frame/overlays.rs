//! The stack of overlays. An overlay takes the place of the three lower panes, and the one on top
//! is drawn, gets the keys, and is closed first. No other place ranks overlays.

use crate::tui::audit::state::OpenedAudit;
use crate::tui::customerio::state::OpenedCustomerIo;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::frame::focus::OverlayKind;
use crate::tui::inspector::state::Inspector;
use crate::tui::limits::state::OpenedLimit;
use crate::tui::person::state::OpenedPerson;
use crate::tui::properties::state::OpenedProperties;
use crate::tui::stages::state::OpenedStages;
use crate::tui::why::state::OpenedWhy;

/// An overlay with its state.
#[derive(Debug)]
pub enum Overlay {
    /// The dead letters.
    DeadLetters(DeadLetters),
    /// An event in full.
    Inspector(Inspector),
    /// The properties of an event type.
    Properties(OpenedProperties),
    /// The events of a person.
    Person(OpenedPerson),
    /// The events that violate a limit.
    Limit(OpenedLimit),
    /// The stages of the pipeline.
    Stages(OpenedStages),
    /// The answer to a question: why events did not arrive.
    Why(OpenedWhy),
    /// The answer of Customer.io.
    CustomerIo(OpenedCustomerIo),
    /// The audit.
    Audit(OpenedAudit),
}

impl Overlay {
    /// The kind of this overlay.
    pub fn kind(&self) -> OverlayKind {
        match self {
            Self::DeadLetters(_) => OverlayKind::DeadLetters,
            Self::Inspector(_) => OverlayKind::Inspector,
            Self::Properties(_) => OverlayKind::Properties,
            Self::Person(_) => OverlayKind::Person,
            Self::Limit(_) => OverlayKind::Limit,
            Self::Stages(_) => OverlayKind::Stages,
            Self::Why(_) => OverlayKind::Why,
            Self::CustomerIo(_) => OverlayKind::CustomerIo,
            Self::Audit(_) => OverlayKind::Audit,
        }
    }
}

/// The open overlays, the top one last, at most one of each kind.
#[derive(Debug, Default)]
pub struct Overlays(Vec<Overlay>);

impl Overlays {
    /// Whether no overlay is open: the lower panes are visible.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The overlay on top.
    pub fn top(&self) -> Option<&Overlay> {
        self.0.last()
    }

    /// The overlay on top, to be changed.
    pub fn top_mut(&mut self) -> Option<&mut Overlay> {
        self.0.last_mut()
    }

    /// The kind of the overlay on top.
    pub fn top_kind(&self) -> Option<OverlayKind> {
        self.top().map(Overlay::kind)
    }

    /// The overlay that fills the place of the lower panes while the inspector is docked: the top one
    /// other than the inspector.
    pub fn under_inspector(&self) -> Option<&Overlay> {
        let mut others = self.0.iter().rev();
        others.find(|open| open.kind() != OverlayKind::Inspector)
    }

    /// Opens an overlay on top of all others. An open overlay of the same kind is closed.
    pub fn push(&mut self, overlay: Overlay) {
        self.close(overlay.kind());
        self.0.push(overlay);
    }

    /// Closes the overlay on top.
    pub fn pop(&mut self) -> Option<Overlay> {
        self.0.pop()
    }

    /// Closes the overlay of a kind, wherever it is in the stack.
    pub fn close(&mut self, kind: OverlayKind) -> Option<Overlay> {
        let index = self.0.iter().position(|open| open.kind() == kind)?;
        Some(self.0.remove(index))
    }

    /// The dead letters, if they are open.
    pub fn dead_letters(&self) -> Option<&DeadLetters> {
        self.0.iter().find_map(|open| match open {
            Overlay::DeadLetters(dead_letters) => Some(dead_letters),
            _ => None,
        })
    }

    /// The dead letters, to be changed.
    pub fn dead_letters_mut(&mut self) -> Option<&mut DeadLetters> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::DeadLetters(dead_letters) => Some(dead_letters),
            _ => None,
        })
    }

    /// The inspected event, if one is open.
    pub fn inspector(&self) -> Option<&Inspector> {
        self.0.iter().find_map(|open| match open {
            Overlay::Inspector(inspector) => Some(inspector),
            _ => None,
        })
    }

    /// The inspected event, to be changed.
    pub fn inspector_mut(&mut self) -> Option<&mut Inspector> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::Inspector(inspector) => Some(inspector),
            _ => None,
        })
    }

    /// The properties of an event type, if they are open.
    pub fn properties(&self) -> Option<&OpenedProperties> {
        self.0.iter().find_map(|open| match open {
            Overlay::Properties(properties) => Some(properties),
            _ => None,
        })
    }

    /// The properties of an event type, to be changed.
    pub fn properties_mut(&mut self) -> Option<&mut OpenedProperties> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::Properties(properties) => Some(properties),
            _ => None,
        })
    }

    /// The person whose events are open, if any.
    pub fn person(&self) -> Option<&OpenedPerson> {
        self.0.iter().find_map(|open| match open {
            Overlay::Person(person) => Some(person),
            _ => None,
        })
    }

    /// The person whose events are open, to be changed.
    pub fn person_mut(&mut self) -> Option<&mut OpenedPerson> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::Person(person) => Some(person),
            _ => None,
        })
    }

    /// The stages of the pipeline, if they are open.
    pub fn stages(&self) -> Option<&OpenedStages> {
        self.0.iter().find_map(|open| match open {
            Overlay::Stages(stages) => Some(stages),
            _ => None,
        })
    }

    /// The question, if one is open.
    pub fn why(&self) -> Option<&OpenedWhy> {
        self.0.iter().find_map(|open| match open {
            Overlay::Why(why) => Some(why),
            _ => None,
        })
    }

    /// The question, to be changed.
    pub fn why_mut(&mut self) -> Option<&mut OpenedWhy> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::Why(why) => Some(why),
            _ => None,
        })
    }

    /// The question to Customer.io, to be changed.
    pub fn customerio_mut(&mut self) -> Option<&mut OpenedCustomerIo> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::CustomerIo(open) => Some(open),
            _ => None,
        })
    }

    /// The limit whose violations are open, if any.
    pub fn limit(&self) -> Option<&OpenedLimit> {
        self.0.iter().find_map(|open| match open {
            Overlay::Limit(limit) => Some(limit),
            _ => None,
        })
    }

    /// The limit whose violations are open, to be changed.
    pub fn limit_mut(&mut self) -> Option<&mut OpenedLimit> {
        self.0.iter_mut().find_map(|open| match open {
            Overlay::Limit(limit) => Some(limit),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::inspector::state::View;

    #[test]
    fn the_last_opened_overlay_is_on_top_and_a_kind_is_open_once() {
        let mut overlays = Overlays::default();
        overlays.push(Overlay::Inspector(Inspector::new(7, View::Event)));
        overlays.push(Overlay::DeadLetters(DeadLetters::default()));
        assert_eq!(overlays.top_kind(), Some(OverlayKind::DeadLetters));
        overlays.push(Overlay::Inspector(Inspector::new(8, View::Event)));
        assert_eq!(overlays.inspector().map(|i| i.sequence), Some(8));
        assert_eq!(overlays.top_kind(), Some(OverlayKind::Inspector));
        overlays.pop();
        assert_eq!(overlays.top_kind(), Some(OverlayKind::DeadLetters));
        overlays.close(OverlayKind::DeadLetters);
        assert!(overlays.is_empty());
    }
}
