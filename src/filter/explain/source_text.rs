//! The source text of a part of a condition.

use cel::Program;
use cel::common::ast::{Expr, IdedExpr};

/// Returns the source text of `expression`.
///
/// The parser keeps the position of one token per expression, which for a comparison is its
/// operator. So the text spans the tokens of all its operands, extended until brackets and quotes
/// are balanced.
pub(super) fn source_text(program: &Program, expression: &IdedExpr) -> String {
    let source = program.source_info().source.as_str();
    let Some((mut from, mut to)) = extent(program, expression) else {
        return source.to_owned();
    };
    let bytes = source.as_bytes();
    // The name of a function precedes its bracket.
    let word_at = |at: usize| bytes.get(at).copied().is_some_and(is_word);
    while from > 0 && (bytes.get(from) == Some(&b'(') || word_at(from)) && word_at(from - 1) {
        from -= 1;
    }
    if matches!(&expression.expr, Expr::Select(select) if select.test) {
        let before = source.get(..from).unwrap_or_default();
        from = before.rfind("has").unwrap_or(from);
    }
    loop {
        match unbalanced(source.get(from..to).unwrap_or_default()) {
            open if open > 0 && to < bytes.len() => to += 1,
            open if open < 0 && from > 0 => from -= 1,
            _ => break,
        }
    }
    source.get(from..to).unwrap_or(source).trim().to_owned()
}

/// Returns the range of bytes that certainly belong to `expression`.
fn extent(program: &Program, expression: &IdedExpr) -> Option<(usize, usize)> {
    let source = program.source_info().source.as_str();
    let own = program.source_info().offset_for(expression.id);
    // The parser's end is inclusive.
    let mut found = own.map(|(start, stop)| (start as usize, stop as usize + 1));
    let mut add = |inside: &IdedExpr| {
        let Some((start, stop)) = extent(program, inside) else {
            return;
        };
        let (from, to) = found.unwrap_or((start, stop));
        found = Some((from.min(start), to.max(stop)));
    };
    match &expression.expr {
        Expr::Call(call) => {
            let operands = call.target.as_deref().into_iter().chain(&call.args);
            operands.for_each(add);
        }
        Expr::Select(select) => {
            let (_, behind) = extent(program, &select.operand)?;
            add(&select.operand);
            // The name of the field follows the dot.
            let at = behind + source.get(behind..)?.find(select.field.as_str())?;
            found = found.map(|(from, to)| (from, to.max(at + select.field.len())));
        }
        Expr::List(list) => list.elements.iter().for_each(add),
        Expr::Comprehension(all) => [&all.iter_range, &all.loop_step, &all.result]
            .into_iter()
            .for_each(add),
        _ => {}
    }
    found.map(|(from, to)| (from.min(source.len()), to.min(source.len())))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Returns the number of brackets and quotes that are open at the end; or, negative, the number of
/// brackets that are closed but not opened.
fn unbalanced(text: &str) -> i32 {
    let (mut open, mut closed, mut quote, mut escaped) = (0, 0, None, false);
    for c in text.chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if q == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(' | '[' | '{') => open += 1,
            (None, ')' | ']' | '}') if open > 0 => open -= 1,
            (None, ')' | ']' | '}') => closed += 1,
            (Some(_) | None, _) => {}
        }
    }
    if closed > 0 {
        -closed
    } else {
        open + i32::from(quote.is_some())
    }
}
