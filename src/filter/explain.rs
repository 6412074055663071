//! Why a condition said what it said of an event, part by part; and what stands in an event's way.

use cel::Value;
use cel::common::ast::{Expr, IdedExpr, operators};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use cel::{Context, Program};

use super::expression::{Condition, Variables, is_missing, run_time};
use super::gate::{BlockedBy, Filters, Mode};
use crate::amplitude::Reading;

/// A part of a condition, and what it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subexpression {
    /// How deep it stands: the whole condition is 0.
    pub depth: usize,
    /// The part as it was written.
    pub text: String,
    /// What it gave.
    pub result: EvalResult,
}

/// What a part of a condition gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalResult {
    /// It holds, or it doesn't.
    Truth(bool),
    /// A value, as CEL writes it, or what kind and how many.
    Value(String),
    /// A property that it needs is not there, or is `null`.
    Missing,
    /// It could not be evaluated.
    Error(String),
}

/// A rule, and what its condition said of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleExplanation {
    /// The rule's place, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// The parts of its condition, each before those that it is made of.
    pub parts: Vec<Subexpression>,
}

/// Strings are told up to so many characters.
const STRING_CHARS: usize = 60;

impl Condition {
    /// What the condition, and each part of it, says of the event.
    pub fn parts(&self, reading: &Reading<'_>) -> Vec<Subexpression> {
        let variables = Variables::new(reading);
        let context = variables.context();
        let mut walk = Walk {
            program: self.program(),
            context: &context,
            parts: Vec::new(),
        };
        walk.part(self.program().expression(), 0);
        walk.parts
    }
}

/// The rule of this name, as the filters have it, on the event; none where they have no such
/// rule any more.
pub fn explain(filters: &Filters, name: &str, reading: &Reading<'_>) -> Option<RuleExplanation> {
    let index = filters.rules.iter().position(|rule| rule.name == name)?;
    let condition = Condition::compile(&filters.rules[index].when).ok()?;
    Some(RuleExplanation {
        number: index + 1,
        name: name.to_owned(),
        parts: condition.parts(reading),
    })
}

/// All that would hold the event back if it came now, in the order in which it is asked. None
/// of these may be left for the event to pass.
pub fn blockers(
    filters: &Filters,
    mode: Option<Mode>,
    send_users: bool,
    event_type: &str,
    reading: &Reading<'_>,
) -> Vec<BlockedBy> {
    let mut found: Vec<BlockedBy> = filters
        .type_against(event_type, send_users)
        .into_iter()
        .collect();
    let variables = Variables::new(reading);
    let context = variables.context();
    // Each rule alone, as if the ones before it were off.
    for (index, rule) in filters.rules.iter().enumerate() {
        let alone = Filters {
            rules: vec![rule.clone()],
            ..Filters::default()
        };
        let holds_back = alone.rule_against(reading.event(), |_| {
            Condition::compile(&rule.when).is_ok_and(|c| c.holds(&context))
        });
        if holds_back.is_some() {
            found.push(BlockedBy::Rule {
                number: index as u16 + 1,
                name: rule.name.as_str().into(),
            });
        }
    }
    if mode == Some(Mode::Shut) {
        found.push(BlockedBy::Shut);
    }
    found
}

struct Walk<'w> {
    program: &'w Program,
    context: &'w Context<'w, 'w>,
    parts: Vec<Subexpression>,
}

impl Walk<'_> {
    /// The part and, below it, what it is made of. Literals say what they are by themselves.
    fn part(&mut self, expression: &IdedExpr, depth: usize) {
        if is_literal(&expression.expr) {
            return;
        }
        self.parts.push(Subexpression {
            depth,
            text: written(self.program, expression),
            result: evaluate(expression, self.context),
        });
        match &expression.expr {
            Expr::Call(call) if call.func_name != operators::INDEX => {
                let operands = call.target.as_deref().into_iter().chain(&call.args);
                operands.for_each(|operand| self.part(operand, depth + 1));
            }
            // What a macro goes through; its body is asked once for each.
            Expr::Comprehension(all) => self.part(&all.iter_range, depth + 1),
            _ => {}
        }
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) => true,
        Expr::List(list) => list.elements.iter().all(|e| is_literal(&e.expr)),
        Expr::Call(call) if call.func_name == operators::NEGATE => {
            call.args.iter().all(|e| is_literal(&e.expr))
        }
        _ => false,
    }
}

fn evaluate(expression: &IdedExpr, context: &Context<'_, '_>) -> EvalResult {
    match Value::resolve_val(expression, context) {
        Ok(value) => describe(value.as_ref()),
        Err(error) if is_missing(&error) => EvalResult::Missing,
        Err(error) => EvalResult::Error(run_time(&error)),
    }
}

fn describe(value: &dyn Val) -> EvalResult {
    let several = |word: &str, count: usize| EvalResult::Value(format!("{word} {count}"));
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return EvalResult::Truth(*truth.inner());
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return EvalResult::Missing;
    }
    if let Some(text) = value.downcast_ref::<CelString>() {
        let text = text.inner();
        let short: String = text.chars().take(STRING_CHARS).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        return EvalResult::Value(format!(
            "{}{more}",
            super::expression_builder::quoted(&short)
        ));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return EvalResult::Value(number.inner().to_string());
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        return EvalResult::Value(number.inner().to_string());
    }
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        return EvalResult::Value(number.inner().to_string());
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return several("a list of", list.inner().len());
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        return several("an object of", map.inner().len());
    }
    EvalResult::Value(format!("a {}", value.get_type().name()))
}

/// The part as it was written. The parser keeps where a token of each expression stands, which
/// for a comparison is its operator alone: the part goes from the first of them to the last, and
/// on to where its brackets and quotes are closed.
fn written(program: &Program, expression: &IdedExpr) -> String {
    let source = program.source_info().source.as_str();
    let Some((mut from, mut to)) = extent(program, expression) else {
        return source.to_owned();
    };
    let bytes = source.as_bytes();
    // Before a bracket stands what is called.
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

/// From the first to the last byte that is known to belong to it.
fn extent(program: &Program, expression: &IdedExpr) -> Option<(usize, usize)> {
    let source = program.source_info().source.as_str();
    let own = program.source_info().offset_for(expression.id);
    // The last byte belongs to it.
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
            // The field's name stands behind the dot.
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

/// Brackets and quotes that are open at the end, or, below 0, brackets that are closed without
/// having been opened.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use crate::filter::{Rule, RuleEffect};

    const EVENT: &str = r#"{"event_type":"Purchase","user_id":"u-1","time":1799999999000,
        "event_properties":{"total":12.5,"items":["a","b"],"coupon":null,"text":"x"}}"#;

    fn parts(condition: &str) -> Vec<String> {
        let event = event(EVENT);
        let reading = Reading::new(&event);
        let parts = Condition::compile(condition).unwrap().parts(&reading);
        let line = |part: &Subexpression| {
            let gave = match &part.result {
                EvalResult::Truth(truth) => truth.to_string(),
                EvalResult::Value(value) => value.clone(),
                EvalResult::Missing => "not there".to_owned(),
                EvalResult::Error(why) => format!("error: {why}"),
            };
            format!("{}{} → {gave}", "  ".repeat(part.depth), part.text)
        };
        parts.iter().map(line).collect()
    }

    #[test]
    fn each_part_tells_what_it_gave() {
        assert_eq!(
            parts(r#"event_properties.total > 100.0 && (country == "DE" || !has_user)"#),
            [
                r#"event_properties.total > 100.0 && (country == "DE" || !has_user) → false"#,
                "  event_properties.total > 100.0 → false",
                "    event_properties.total → 12.5",
                r#"  country == "DE" || !has_user → false"#,
                r#"    country == "DE" → false"#,
                "      country → not there",
                "    !has_user → false",
                "      has_user → true",
            ]
        );
        assert_eq!(
            parts(r#"user_id.startsWith("staff") || "b" in event_properties.items"#),
            [
                r#"user_id.startsWith("staff") || "b" in event_properties.items → true"#,
                r#"  user_id.startsWith("staff") → false"#,
                r#"    user_id → "u-1""#,
                r#"  "b" in event_properties.items → true"#,
                "    event_properties.items → a list of 2",
            ]
        );
    }

    #[test]
    fn calls_macros_and_errors_are_told_as_they_were_written() {
        assert_eq!(
            parts(r#"size(event_properties["items"]) == 2 && has(event_properties.coupon)"#)[1..],
            [
                r#"  size(event_properties["items"]) == 2 → true"#,
                r#"    size(event_properties["items"]) → 2"#,
                r#"      event_properties["items"] → a list of 2"#,
                "  has(event_properties.coupon) → true",
            ]
        );
        assert_eq!(
            parts(r#"event_properties.items.exists(i, i == "b")"#),
            [
                r#"event_properties.items.exists(i, i == "b") → true"#,
                "  event_properties.items → a list of 2",
            ]
        );
        assert_eq!(
            parts("event_properties.text > 3")[0],
            "event_properties.text > 3 → error: > does not take a string and a number"
        );
    }

    #[test]
    fn all_that_stands_in_the_way_is_named_in_order() {
        let event = event(EVENT);
        let reading = Reading::new(&event);
        let filters = Filters {
            types: [("Purchase".to_owned(), false.into())].into(),
            rules: vec![
                Rule::new(
                    "cheap",
                    RuleEffect::Exclude,
                    "event_properties.total < 20.0",
                ),
                Rule::new("nobody", RuleEffect::Exclude, "!has_user"),
                Rule::new("germans", RuleEffect::Include, r#"country == "Germany""#),
            ],
            ..Filters::default()
        };
        let found = blockers(&filters, Some(Mode::Shut), false, "Purchase", &reading);
        let found: Vec<String> = found.iter().map(BlockedBy::to_string).collect();
        assert_eq!(
            found,
            [
                "type not selected",
                "rule 1 “cheap”",
                "rule 3 “germans”",
                "gate shut",
            ]
        );
        let free = blockers(
            &Filters::default(),
            Some(Mode::Open),
            false,
            "Purchase",
            &reading,
        );
        assert_eq!(free, []);
        let told = explain(&filters, "germans", &reading).unwrap();
        assert_eq!((told.number, told.parts.len()), (3, 2));
        assert_eq!(explain(&filters, "gone", &reading), None);
    }
}
