//! Limits on the nesting of a condition. Its parser and its evaluation recurse once per level, so
//! unlimited nesting would overflow the stack.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::{ParseErrors, Program};

use super::compile_error::CompileError;
use super::environment::ENVIRONMENT;

/// Maximum length of a condition, in bytes: some hundred event types fit.
const MAX_BYTES: usize = 64 << 10;
/// Maximum brackets that are open at once.
const MAX_BRACKETS: usize = 32;
/// Maximum operators and dots: each may be a level for the parser.
const MAX_OPERATORS: usize = 4_000;
/// Maximum levels of a parsed condition. The parser balances chains of `&&` and `||`, so their depth is
/// the logarithm of their length.
const MAX_LEVELS: usize = 64;
/// Stack of the parser's thread, in bytes: 32 times that of a task's thread.
const STACK_BYTES: usize = 64 << 20;

/// Parses a condition. The outer error is a condition that is too long or too deep; the inner errors
/// are the parser's.
pub(super) fn parse(source: &str) -> Result<Result<Program, ParseErrors>, CompileError> {
    check_text(source)?;
    let parsing = || {
        let program = match ENVIRONMENT.compile(source) {
            Ok(program) => program,
            Err(errors) => return Ok(Err(errors)),
        };
        // A program that is too deep is dropped on this thread, as dropping recurses too.
        check_levels(program.expression())?;
        Ok(Ok(program))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("condition".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, parsing);
        let failed = |why: &str| refused(format!("this condition can't be parsed: {why}"));
        match thread {
            Ok(thread) => thread
                .join()
                .unwrap_or_else(|_| Err(failed("its parser panicked"))),
            Err(error) => Err(failed(&error.to_string())),
        }
    })
}

fn refused(message: String) -> CompileError {
    CompileError { message, column: 0 }
}

fn too_deep(column: usize) -> CompileError {
    CompileError {
        message: "this is nested too deeply: make several rules of it".to_owned(),
        column,
    }
}

fn check_text(source: &str) -> Result<(), CompileError> {
    if source.len() > MAX_BYTES {
        let bytes = source.len();
        return Err(refused(format!(
            "a condition of {bytes} bytes is too long: {MAX_BYTES} are allowed; make several rules of it"
        )));
    }
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut quote = None;
    let mut is_escaped = false;
    for (column, c) in source.chars().enumerate() {
        match (quote, c) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if c == open || c == '\n' => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, c) if "!-+*/%?:<>=&|.".contains(c) => operators += 1,
            _ => {}
        }
        if depth > MAX_BRACKETS || operators > MAX_OPERATORS {
            return Err(too_deep(column));
        }
    }
    Ok(())
}

fn check_levels(whole: &IdedExpr) -> Result<(), CompileError> {
    let mut left = vec![(whole, 1)];
    while let Some((expression, level)) = left.pop() {
        if level > MAX_LEVELS {
            return Err(too_deep(0));
        }
        let inside = |inner| (inner, level + 1);
        match &expression.expr {
            Expr::Call(call) => {
                left.extend(
                    call.target
                        .as_deref()
                        .into_iter()
                        .chain(&call.args)
                        .map(inside),
                );
            }
            Expr::Select(select) => left.push(inside(&select.operand)),
            Expr::List(list) => left.extend(list.elements.iter().map(inside)),
            Expr::Comprehension(all) => left.extend(
                [
                    &all.iter_range,
                    &all.accu_init,
                    &all.loop_cond,
                    &all.loop_step,
                    &all.result,
                ]
                .map(inside),
            ),
            Expr::Map(map) => map
                .entries
                .iter()
                .for_each(|entry| entries(&entry.expr, level, &mut left)),
            Expr::Struct(all) => all
                .entries
                .iter()
                .for_each(|entry| entries(&entry.expr, level, &mut left)),
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        }
    }
    Ok(())
}

fn entries<'e>(entry: &'e EntryExpr, level: usize, left: &mut Vec<(&'e IdedExpr, usize)>) {
    match entry {
        EntryExpr::StructField(field) => left.push((&field.value, level + 1)),
        EntryExpr::MapEntry(entry) => {
            left.push((&entry.key, level + 1));
            left.push((&entry.value, level + 1));
        }
    }
}
