//! The table of all limits.

use super::{Limit, attributes, event, person, time};

/// The table, in the order of [`super::Code`].
pub static LIMITS: [Limit; 25] = [
    person::ID_MISSING,
    person::ID_INVALID,
    person::ID_TOO_LONG,
    attributes::TOO_MANY_ATTRIBUTES,
    attributes::ATTRIBUTE_NAME_TOO_LONG,
    attributes::ATTRIBUTE_VALUE_TOO_LONG,
    event::EVENT_NAME_MISSING,
    event::EVENT_NAME_TOO_LONG,
    event::EVENT_NAME_RESERVED,
    event::EVENT_DATA_TOO_LARGE,
    event::RESERVED_PROPERTY,
    time::TIME_INVALID,
    time::TIME_IN_FUTURE,
    time::TOO_OLD_FOR_CAMPAIGNS,
    event::DUPLICATE,
    event::BY_V1,
    time::TIME_MISSING,
    time::TIME_OUT_OF_RANGE,
    person::ID_AMBIGUOUS_BY_V1,
    attributes::RESERVED_ATTRIBUTE,
    attributes::OPERATION_UNSENT,
    event::JSON_AS_TEXT,
    event::REVENUE_UNSENT,
    event::NUMBER_OUT_OF_RANGE,
    event::NESTED_TOO_DEEPLY,
];
