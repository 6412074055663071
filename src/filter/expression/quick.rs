//! Quick conditions: the common forms of conditions, evaluated on the raw JSON of an event.
//!
//! CEL evaluates any condition, but takes about a microsecond for one. Most compare a field with a
//! literal. A [`QuickCondition`] evaluates these without building a value, and leaves open whatever
//! it is not certain about: then CEL evaluates the condition. A property test compares both.

use std::cmp::Ordering;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

use crate::amplitude::json::{self, Entries, Kind};
use crate::amplitude::{Field, Reading};

use super::names::VARIABLES;

/// A condition, or a part of one, in a common form.
#[derive(Debug)]
pub(super) enum QuickCondition {
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    Not(Box<Self>),
    /// A value that is true or false itself.
    Is(Operand),
    HasUser,
    /// Whether a property exists.
    Has(Operand),
    Equals(Operand, Literal),
    IsOneOf(Operand, Vec<String>),
    Compares(Operand, Comparison, Literal),
    Text(Operand, TextTest, String),
}

/// The value that is looked at.
#[derive(Debug)]
pub(super) enum Operand {
    Field(Field),
    InsertId,
    /// A top-level field by its name in the Export API.
    Named(String),
    EventProperty(String),
    UserProperty(String),
}

#[derive(Debug, PartialEq)]
pub(super) enum Literal {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Comparison {
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum TextTest {
    StartsWith,
    EndsWith,
    Contains,
}

/// The result of a part of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    True,
    False,
    /// It needs a value that is missing, which makes a whole condition false.
    Missing,
}

impl From<bool> for Truth {
    fn from(is_true: bool) -> Self {
        if is_true { Self::True } else { Self::False }
    }
}

/// What an operand is in an event.
enum Found<'e> {
    /// The property doesn't exist.
    Nothing,
    /// The field doesn't exist, or it is `null`.
    Null,
    Value(&'e str),
}

impl QuickCondition {
    /// The quick form of a condition; none if it has no such form.
    pub(super) fn of(expression: &IdedExpr) -> Option<Self> {
        match &expression.expr {
            Expr::Ident(name) if name == "has_user" => Some(Self::HasUser),
            Expr::Select(select) if select.test => property(select).map(Self::Has),
            Expr::Call(call) => Self::of_call(call),
            _ => Operand::of(expression).map(Self::Is),
        }
    }

    fn of_call(call: &CallExpr) -> Option<Self> {
        if let Some(target) = &call.target {
            let test = match call.func_name.as_str() {
                "startsWith" => TextTest::StartsWith,
                "endsWith" => TextTest::EndsWith,
                "contains" => TextTest::Contains,
                _ => return None,
            };
            let [argument] = call.args.as_slice() else {
                return None;
            };
            let Literal::Text(part) = Literal::of(argument)? else {
                return None;
            };
            return Some(Self::Text(Operand::of(target)?, test, part));
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => Some(Self::Not(Box::new(Self::of(inner)?))),
            (operators::LOGICAL_AND, [left, right]) => {
                Some(Self::And(Box::new([Self::of(left)?, Self::of(right)?])))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                Some(Self::Or(Box::new([Self::of(left)?, Self::of(right)?])))
            }
            (operators::INDEX, _) => Operand::of_index(call).map(Self::Is),
            (operators::IN, [left, right]) => {
                let Expr::List(list) = &right.expr else {
                    return None;
                };
                let text = |element| match Literal::of(element) {
                    Some(Literal::Text(text)) => Some(text),
                    _ => None,
                };
                let texts = list.elements.iter().map(text).collect::<Option<_>>()?;
                Some(Self::IsOneOf(Operand::of(left)?, texts))
            }
            (operator, [left, right]) => {
                let (operand, literal) = (Operand::of(left)?, Literal::of(right)?);
                let comparison = match operator {
                    operators::EQUALS => return Some(Self::Equals(operand, literal)),
                    operators::NOT_EQUALS => {
                        return Some(Self::Not(Box::new(Self::Equals(operand, literal))));
                    }
                    operators::LESS => Comparison::Less,
                    operators::LESS_EQUALS => Comparison::AtMost,
                    operators::GREATER => Comparison::Greater,
                    operators::GREATER_EQUALS => Comparison::AtLeast,
                    _ => return None,
                };
                Some(Self::Compares(operand, comparison, literal))
            }
            _ => None,
        }
    }

    /// Whether an event meets the condition; none if CEL has to tell.
    pub(super) fn evaluate(&self, reading: &Reading<'_>) -> Option<bool> {
        self.truth(reading).map(|truth| truth == Truth::True)
    }

    fn truth(&self, reading: &Reading<'_>) -> Option<Truth> {
        match self {
            Self::And(sides) => combined(sides, Truth::False, reading),
            Self::Or(sides) => combined(sides, Truth::True, reading),
            Self::Not(inner) => inner.truth(reading).map(|truth| match truth {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Missing => Truth::Missing,
            }),
            Self::HasUser => Some(reading.event().user_id().is_some().into()),
            Self::Has(property) => Some((!matches!(property.find(reading), Found::Nothing)).into()),
            Self::Is(operand) => match operand.find(reading) {
                Found::Nothing => Some(Truth::Missing),
                Found::Value("true") => Some(Truth::True),
                Found::Value("false") => Some(Truth::False),
                Found::Null | Found::Value(_) => None,
            },
            Self::Equals(operand, literal) => match operand.find(reading) {
                Found::Nothing => Some(Truth::Missing),
                Found::Null => Some(Truth::False),
                Found::Value(raw) => literal.equals(raw).map(Truth::from),
            },
            Self::IsOneOf(operand, texts) => match operand.find(reading) {
                Found::Nothing => Some(Truth::Missing),
                Found::Null => Some(Truth::False),
                Found::Value(raw) => match json::kind(raw) {
                    Kind::String => {
                        let text = json::string(raw)?;
                        Some(texts.iter().any(|other| *other == text).into())
                    }
                    Kind::Bool | Kind::Number => Some(Truth::False),
                    _ => None,
                },
            },
            Self::Compares(operand, comparison, literal) => match operand.find(reading) {
                Found::Nothing | Found::Null => Some(Truth::Missing),
                Found::Value(raw) => Some(comparison.holds(literal.compared_to(raw)?).into()),
            },
            Self::Text(operand, test, part) => match operand.find(reading) {
                Found::Nothing | Found::Null => Some(Truth::Missing),
                Found::Value(raw) if json::kind(raw) == Kind::String => {
                    Some(test.holds(&json::string(raw)?, part).into())
                }
                Found::Value(_) => None,
            },
        }
    }
}

/// The result of `&&`, which `False` decides, or of `||`, which `True` decides.
fn combined(
    [left, right]: &[QuickCondition; 2],
    deciding: Truth,
    reading: &Reading<'_>,
) -> Option<Truth> {
    let left = left.truth(reading)?;
    if left == deciding {
        return Some(deciding);
    }
    let right = right.truth(reading)?;
    // A missing value on the left decides nothing, and the right side may.
    if left == Truth::Missing && right != deciding && right != Truth::Missing {
        return None;
    }
    Some(right)
}

impl Operand {
    fn of(expression: &IdedExpr) -> Option<Self> {
        match &expression.expr {
            Expr::Ident(name) => Self::variable(name),
            Expr::Select(select) if !select.test => property(select),
            Expr::Call(call) if call.func_name == operators::INDEX => Self::of_index(call),
            _ => None,
        }
    }

    fn of_index(call: &CallExpr) -> Option<Self> {
        let [part, key] = call.args.as_slice() else {
            return None;
        };
        match Literal::of(key)? {
            Literal::Text(key) => Self::of_part(part, &key),
            _ => None,
        }
    }

    fn of_part(part: &IdedExpr, key: &str) -> Option<Self> {
        match &part.expr {
            Expr::Ident(part) if part == "event_properties" => {
                Some(Self::EventProperty(key.to_owned()))
            }
            Expr::Ident(part) if part == "user_properties" => {
                Some(Self::UserProperty(key.to_owned()))
            }
            _ => None,
        }
    }

    /// A variable that is a field as it is in the event.
    fn variable(name: &str) -> Option<Self> {
        Some(match name {
            "event_type" => Self::Field(Field::EventType),
            "user_id" => Self::Field(Field::UserId),
            "device_id" => Self::Field(Field::DeviceId),
            "uuid" => Self::Field(Field::Uuid),
            "insert_id" => Self::InsertId,
            // These are computed.
            "event_properties" | "user_properties" | "group_properties" | "groups" | "has_user"
            | "size_bytes" | "age_ms" | "event_time" => return None,
            _ if VARIABLES.contains(&name) => Self::Named(name.to_owned()),
            _ => return None,
        })
    }

    fn find<'e>(&self, reading: &Reading<'e>) -> Found<'e> {
        let field = |raw: Option<&'e str>| match raw {
            None | Some("null") => Found::Null,
            Some(raw) => Found::Value(raw),
        };
        let property = |entries: &Entries<'e>, name: &str| {
            let found = entries.iter().rev().find(|(key, _)| key == name);
            found.map_or(Found::Nothing, |(_, raw)| field(Some(raw)))
        };
        match self {
            Self::Field(name) => field(reading.event().raw(*name)),
            Self::InsertId => field(reading.event().raw_insert_id()),
            Self::Named(name) => field(reading.in_either_dialect(name)),
            Self::EventProperty(name) => property(reading.event_properties(), name),
            Self::UserProperty(name) => property(reading.user_properties(), name),
        }
    }
}

fn property(select: &SelectExpr) -> Option<Operand> {
    Operand::of_part(&select.operand, &select.field)
}

impl Literal {
    fn of(expression: &IdedExpr) -> Option<Self> {
        let Expr::Literal(literal) = &expression.expr else {
            return None;
        };
        Some(match literal {
            LiteralValue::Boolean(value) => Self::Bool(*value.inner()),
            LiteralValue::Int(value) => Self::Int(*value.inner()),
            LiteralValue::Double(value) => Self::Double(*value.inner()),
            LiteralValue::String(value) => Self::Text(value.inner().to_owned()),
            _ => return None,
        })
    }

    /// Whether a raw value other than `null` equals the literal. Values of different types differ.
    fn equals(&self, raw: &str) -> Option<bool> {
        match (json::kind(raw), self) {
            (Kind::String, Self::Text(text)) => Some(json::string(raw)? == text.as_str()),
            (Kind::Bool, Self::Bool(value)) => Some((raw == "true") == *value),
            (Kind::Number, Self::Int(_) | Self::Double(_)) => {
                Some(self.compared_to(raw)? == Ordering::Equal)
            }
            (Kind::String | Kind::Bool | Kind::Number, _) => Some(false),
            _ => None,
        }
    }

    /// The order of a raw number to the literal. None if either is no number, or is not exact as a
    /// float.
    fn compared_to(&self, raw: &str) -> Option<Ordering> {
        if json::kind(raw) != Kind::Number {
            return None;
        }
        let exact = |int: i64| (int.unsigned_abs() < 1 << 53).then_some(int as f64);
        match (raw.parse::<i64>(), self) {
            (Ok(value), Self::Int(literal)) => Some(value.cmp(literal)),
            (Ok(value), Self::Double(literal)) => exact(value)?.partial_cmp(literal),
            (Err(_), Self::Int(literal)) => float(raw)?.partial_cmp(&exact(*literal)?),
            (Err(_), Self::Double(literal)) => float(raw)?.partial_cmp(literal),
            _ => None,
        }
    }
}

/// A number that is no 64-bit integer, with or without a sign.
fn float(raw: &str) -> Option<f64> {
    if raw.parse::<u64>().is_ok() {
        return None;
    }
    raw.parse().ok()
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl TextTest {
    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
            Self::Contains => text.contains(part),
        }
    }
}

#[cfg(test)]
mod tests;
