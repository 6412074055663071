//! The depth of JSON.

/// Maximum depth to which values are parsed; deeper ones are only copied, as hostile input could
/// exceed the stack. No figure is documented; common parsers stop between 64 and 128.
pub const MAX_DEPTH: usize = 64;
