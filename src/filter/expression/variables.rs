//! The variables of conditions: the fields of an event.

use std::cell::OnceCell;

use cel::Context;
use cel::common::types::{CelBool, CelInt, CelNull, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;

use crate::amplitude::time::{self, UnixMs};
use crate::amplitude::{Field, Reading};

use super::environment::ENVIRONMENT;
use super::json_value::{Object, object, value};
use super::names::VARIABLES;

/// The variables of conditions for one event.
#[derive(Debug)]
pub struct Variables<'r, 'e> {
    reading: &'r Reading<'e>,
}

/// An event in the form in which conditions are evaluated on it. What CEL needs is created for the
/// first condition that needs CEL.
pub struct EventContext<'v, 'e> {
    variables: &'v Variables<'v, 'e>,
    cel: OnceCell<Context<'v, 'v>>,
}

impl std::fmt::Debug for EventContext<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventContext")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

impl<'v, 'e> EventContext<'v, 'e> {
    pub(super) fn reading(&self) -> &Reading<'e> {
        self.variables.reading
    }

    /// The context of CEL.
    pub(in crate::filter) fn cel(&self) -> &Context<'v, 'v> {
        self.cel.get_or_init(|| {
            let mut context = Context::with_env(ENVIRONMENT.clone());
            context.set_variable_resolver(self.variables);
            context
        })
    }
}

impl<'r, 'e> Variables<'r, 'e> {
    /// Creates the variables for the event of `reading`.
    pub fn new(reading: &'r Reading<'e>) -> Self {
        Self { reading }
    }

    /// Creates the context in which conditions are evaluated. One serves all conditions.
    pub fn context(&self) -> EventContext<'_, 'e> {
        EventContext {
            variables: self,
            cel: OnceCell::new(),
        }
    }

    fn age_ms(&self) -> Option<UnixMs> {
        let event = self.reading.event();
        Some(event.received_ms() - event.time().ok()?)
    }

    /// The value of a variable that is no plain field of the event.
    fn computed(&self, variable: &str) -> Option<CowVal<'_, '_>> {
        let event = self.reading.event();
        let computed = match variable {
            // These two are parsed once, for the limits and the mapping too.
            "event_properties" => {
                let raw = event.raw(Field::EventProperties);
                CowVal::owned(Object::with_entries(raw, self.reading.event_properties()))
            }
            "user_properties" => {
                let raw = event.raw(Field::UserProperties);
                CowVal::owned(Object::with_entries(raw, self.reading.user_properties()))
            }
            "group_properties" => object(event.raw(Field::GroupProperties)),
            "groups" => object(event.raw(Field::Groups)),
            "has_user" => CowVal::owned(CelBool::from(event.user_id().is_some())),
            "size_bytes" => CowVal::owned(CelInt::from(event.size_bytes() as i64)),
            "age_ms" => self.age_ms().map_or_else(
                || CowVal::owned(CelNull),
                |age| CowVal::owned(CelInt::from(age)),
            ),
            // One format in both dialects, so a rule works with either.
            "event_time" => event.time().map(time::to_export).map_or_else(
                |_| CowVal::owned(CelNull),
                |text| CowVal::owned(CelString::from(text)),
            ),
            _ => return None,
        };
        Some(computed)
    }
}

impl VariableResolver for Variables<'_, '_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(computed) = self.computed(variable) {
            return Some(computed);
        }
        let event = self.reading.event();
        let raw = match variable {
            "event_type" => event.raw(Field::EventType),
            "user_id" => event.raw(Field::UserId),
            "device_id" => event.raw(Field::DeviceId),
            "uuid" => event.raw(Field::Uuid),
            "insert_id" => event.raw_insert_id(),
            _ if VARIABLES.contains(&variable) => self.reading.in_either_dialect(variable),
            _ => return None,
        };
        Some(raw.map_or_else(|| CowVal::owned(CelNull), |raw| CowVal::from(value(raw))))
    }
}
