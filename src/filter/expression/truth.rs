//! The check that a condition is true or false.
//!
//! Only what is certain without an event is refused: a property can be true or false, whatever its
//! name.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

use super::compile_error::CompileError;
use super::names::VARIABLES;

/// Fields that can be true or false. All others are text, numbers or lists.
const BOOLEANS: [&str; 3] = ["has_user", "is_attribution_event", "paying"];

/// Fails if `expression`, or a part of it that has to be true or false, is certainly neither.
pub(super) fn check(source: &str, expression: &IdedExpr) -> Result<(), CompileError> {
    match other_kind(&expression.expr) {
        None => Ok(()),
        Some(Other::Field(name)) => Err(CompileError {
            message: format!("{name} is not true or false: {}", comparison(name)),
            column: source
                .find(name)
                .map_or(0, |at| source[..at].chars().count()),
        }),
        Some(Other::Value(kind)) => Err(CompileError {
            message: format!("this is {kind}, not true or false: compare it with something"),
            column: 0,
        }),
    }
}

/// Something that is not true or false.
enum Other<'e> {
    /// A field of the event.
    Field(&'e str),
    /// A value of this kind.
    Value(&'static str),
}

/// An example of a comparison with a field.
fn comparison(name: &str) -> String {
    match name {
        "size_bytes" => "compare it, such as size_bytes > 1000".to_owned(),
        "age_ms" => "compare it, such as age_ms > 60000".to_owned(),
        "event_properties" | "user_properties" | "group_properties" | "groups" => {
            format!("name a property, such as {name}.plan == \"pro\"")
        }
        _ => format!("compare it, such as {name} == \"…\""),
    }
}

/// The first part of a condition that is certainly not true or false. None if there is none.
fn other_kind(expression: &Expr) -> Option<Other<'_>> {
    match expression {
        Expr::Literal(LiteralValue::Boolean(_)) | Expr::Select(_) | Expr::Unspecified => None,
        Expr::Literal(LiteralValue::String(_)) => Some(Other::Value("a text")),
        Expr::Literal(LiteralValue::Bytes(_)) => Some(Other::Value("a row of bytes")),
        Expr::Literal(LiteralValue::Null) => Some(Other::Value("null")),
        Expr::Literal(_) => Some(Other::Value("a number")),
        Expr::List(_) => Some(Other::Value("a list")),
        Expr::Map(_) | Expr::Struct(_) => Some(Other::Value("an object")),
        Expr::Ident(name) => {
            let name = name.as_str();
            let is_other = VARIABLES.contains(&name) && !BOOLEANS.contains(&name);
            is_other.then_some(Other::Field(name))
        }
        // `map` and `filter` collect a list; `all` and `exists` begin with true or false.
        Expr::Comprehension(macro_) => match macro_.accu_init.expr {
            Expr::List(_) => Some(Other::Value("a list")),
            _ => None,
        },
        Expr::Call(call) => of_call(call),
    }
}

fn of_call(call: &CallExpr) -> Option<Other<'_>> {
    let parts = match call.func_name.as_str() {
        operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | "dyn" => {
            &call.args[..]
        }
        operators::CONDITIONAL => call.args.get(1..)?,
        operators::ADD => return Some(Other::Value("a number or a text")),
        operators::SUBSTRACT
        | operators::MULTIPLY
        | operators::DIVIDE
        | operators::MODULO
        | operators::NEGATE
        | "size"
        | "int"
        | "uint"
        | "double"
        | "indexOf"
        | "lastIndexOf" => {
            return Some(Other::Value("a number"));
        }
        "string" | "lowerAscii" | "upperAscii" | "trim" | "replace" | "join" | "substring"
        | "charAt" | "format" | "reverse" => return Some(Other::Value("a text")),
        "split" => return Some(Other::Value("a list")),
        "bytes" => return Some(Other::Value("a row of bytes")),
        "type" => return Some(Other::Value("the name of a type")),
        _ => return None,
    };
    parts.iter().find_map(|part| other_kind(&part.expr))
}

#[cfg(test)]
mod tests {
    use crate::filter::Condition;

    #[test]
    fn a_condition_that_can_never_be_true_or_false_does_not_compile() {
        for (source, message) in [
            (
                "size_bytes",
                "size_bytes is not true or false: compare it, such as size_bytes > 1000",
            ),
            ("event_type", "event_type is not true or false"),
            ("has_user && country", "country is not true or false"),
            ("!(event_type)", "event_type is not true or false"),
            (
                "event_properties",
                "name a property, such as event_properties.plan",
            ),
            ("\"Signup\"", "this is a text, not true or false"),
            ("1 + 2", "not true or false"),
            ("size(event_type)", "this is a number"),
            ("event_type.lowerAscii()", "this is a text"),
            ("has_user ? 1 : 2", "this is a number"),
            ("[1, 2]", "this is a list"),
            ("[1, 2].map(i, i > 1)", "this is a list"),
            ("null", "this is null"),
        ] {
            let error = Condition::compile(source).map(|_| ()).unwrap_err();
            assert!(error.message.contains(message), "{source}: {error}");
        }
        let error = Condition::compile("has_user && country")
            .map(|_| ())
            .unwrap_err();
        assert_eq!(error.column, "has_user && ".len());
        for source in [
            "true",
            "has_user",
            "paying",
            "!has_user",
            "event_properties.is_new",
            "event_properties[\"is new\"]",
            "has(event_properties.plan)",
            "has_user ? event_properties.a : false",
            "event_type == \"Signup\"",
            "event_properties.items.exists(i, i.price > 3)",
            "event_type.startsWith(\"a\")",
            "event_type in [\"a\", \"b\"]",
            "bool(event_properties.x)",
        ] {
            assert!(Condition::compile(source).is_ok(), "{source}");
        }
    }
}
