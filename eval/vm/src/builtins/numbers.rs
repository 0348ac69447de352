//! Arithmetic and bits.

use super::{Builtin, Strict, Want, row, strict};
use crate::compare;
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::Step;
use frazil_value::Val;

const BOTH: &[Strict] = &[strict(0, Want::Any, ""), strict(1, Want::Any, "")];

macro_rules! both_ints {
    ($name:literal) => {
        &[
            strict(0, Want::Int, concat!("while evaluating the first argument passed to builtins.", $name)),
            strict(1, Want::Int, concat!("while evaluating the second argument passed to builtins.", $name)),
        ]
    };
}

pub(super) const TABLE: &[Builtin] = &[
    row("add", 2, BOTH, |m, a| add(m, a[0], a[1]).map(Step::Done)),
    row("sub", 2, BOTH, |m, a| subtract(m, a[0], a[1]).map(Step::Done)),
    row("mul", 2, BOTH, |m, a| multiply(m, a[0], a[1]).map(Step::Done)),
    row("div", 2, BOTH, |m, a| divide(m, a[0], a[1]).map(Step::Done)),
    row("lessThan", 2, BOTH, less_than),
    row("bitAnd", 2, both_ints!("bitAnd"), |m, a| bits(m, a, |x, y| x & y)),
    row("bitOr", 2, both_ints!("bitOr"), |m, a| bits(m, a, |x, y| x | y)),
    row("bitXor", 2, both_ints!("bitXor"), |m, a| bits(m, a, |x, y| x ^ y)),
    row(
        "ceil",
        1,
        &[strict(0, Want::Said, "while evaluating the first argument passed to builtins.ceil")],
        |m, a| round(m, a[0], f64::ceil, "ceil"),
    ),
    row(
        "floor",
        1,
        &[strict(0, Want::Said, "while evaluating the first argument passed to builtins.floor")],
        |m, a| round(m, a[0], f64::floor, "floor"),
    ),
];

fn bits(m: &mut Machine<'_>, a: &[Val], op: fn(i64, i64) -> i64) -> Result<Step, Error> {
    let int = |v| m.heap.as_int(v).expect("checked");
    Ok(Step::Done(m.heap.new_int(op(int(a[0]), int(a[1])))))
}

fn less_than(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    Ok(match compare::less_now(m, a[0], a[1])? {
        Some(less) => Step::Done(Val::bool(less)),
        None => compare::less(a[0], a[1]),
    })
}

/// What an operation is called in messages.
struct Words {
    first: &'static str,
    second: &'static str,
    overflow: &'static str,
    sign: char,
}

enum Numbers {
    Ints(i64, i64),
    Floats(f64, f64),
}

/// Both operands as numbers: floats if one is.
fn numbers(m: &mut Machine<'_>, a: Val, b: Val, words: &Words) -> Result<Numbers, Error> {
    if let (Some(x), Some(y)) = (m.heap.as_int(a), m.heap.as_int(b)) {
        return Ok(Numbers::Ints(x, y));
    }
    let wants_float = m.heap.as_float(a).is_some() || m.heap.as_float(b).is_some();
    let number = |m: &mut Machine<'_>, v: Val, context: &'static str| {
        let int = m.heap.as_int(v);
        let value =
            if wants_float { m.heap.as_float(v).or(int.map(|n| n as f64)) } else { int.map(|n| n as f64) };
        let what = if wants_float { "a float" } else { "an integer" };
        value.ok_or_else(|| m.wanted(what, v).while_(Pos::NONE, context))
    };
    // CppNix leaves a word out there.
    let first = match words.sign {
        '*' if wants_float => "while evaluating the first of the multiplication",
        _ => words.first,
    };
    Ok(Numbers::Floats(number(m, a, first)?, number(m, b, words.second)?))
}

fn checked(m: &Machine<'_>, result: Option<i64>, x: i64, y: i64, words: &Words) -> Result<Val, Error> {
    match result {
        Some(n) => Ok(m.heap.new_int(n)),
        None => Err(Error::eval(format!("integer overflow in {} {x} {} {y}", words.overflow, words.sign))),
    }
}

fn add(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Val, Error> {
    const WORDS: Words = Words {
        first: "while evaluating the first argument of the addition",
        second: "while evaluating the second argument of the addition",
        overflow: "adding",
        sign: '+',
    };
    match numbers(m, a, b, &WORDS)? {
        Numbers::Ints(x, y) => checked(m, x.checked_add(y), x, y, &WORDS),
        Numbers::Floats(x, y) => Ok(m.heap.new_float(x + y)),
    }
}

/// `a - b` of forced values.
pub(crate) fn subtract(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Val, Error> {
    const WORDS: Words = Words {
        first: "while evaluating the first argument of the subtraction",
        second: "while evaluating the second argument of the subtraction",
        overflow: "subtracting",
        sign: '-',
    };
    match numbers(m, a, b, &WORDS)? {
        Numbers::Ints(x, y) => checked(m, x.checked_sub(y), x, y, &WORDS),
        Numbers::Floats(x, y) => Ok(m.heap.new_float(x - y)),
    }
}

/// `a * b` of forced values.
pub(crate) fn multiply(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Val, Error> {
    const WORDS: Words = Words {
        first: "while evaluating the first argument of the multiplication",
        second: "while evaluating the second argument of the multiplication",
        overflow: "multiplying",
        sign: '*',
    };
    match numbers(m, a, b, &WORDS)? {
        Numbers::Ints(x, y) => checked(m, x.checked_mul(y), x, y, &WORDS),
        Numbers::Floats(x, y) => Ok(m.heap.new_float(x * y)),
    }
}

/// `a / b` of forced values.
pub(crate) fn divide(m: &mut Machine<'_>, a: Val, b: Val) -> Result<Val, Error> {
    const WORDS: Words = Words {
        first: "while evaluating the first operand of the division",
        second: "while evaluating the second operand of the division",
        overflow: "dividing",
        sign: '/',
    };
    // The divisor is looked at first, and as a float.
    let divisor = m.heap.as_int(b).map(|n| n as f64).or_else(|| m.heap.as_float(b));
    match divisor {
        None => return Err(m.wanted("a float", b).while_(Pos::NONE, WORDS.second)),
        Some(0.0) => return Err(Error::eval("division by zero")),
        _ => {}
    }
    match numbers(m, a, b, &WORDS)? {
        Numbers::Ints(x, y) => checked(m, x.checked_div(y), x, y, &WORDS),
        Numbers::Floats(x, y) => Ok(m.heap.new_float(x / y)),
    }
}

/// Fails for integers that CppNix once rounded by way of floats.
fn not_rounded(n: i64) -> Result<(), Error> {
    let float = n as f64;
    let what = if float >= 9_223_372_036_854_775_808.0 {
        format!("the NixInt argument {n} caused undefined behavior in previous Nix versions.")
    } else if float as i64 != n {
        format!(
            "a loss of precision occurred in previous Nix versions because the NixInt argument {n} was rounded to {}.",
            float as i64
        )
    } else {
        return Ok(());
    };
    Err(Error::eval(format!(
        "Due to a bug (see https://github.com/NixOS/nix/issues/12899) {what}\n\tFuture Nix versions might implement the \
         correct behavior."
    )))
}

fn round(m: &mut Machine<'_>, v: Val, how: fn(f64) -> f64, name: &str) -> Result<Step, Error> {
    if let Some(n) = m.heap.as_int(v) {
        return not_rounded(n).map(|()| Step::Done(v));
    }
    let Some(f) = m.heap.as_float(v) else {
        let context = format!("while evaluating the first argument passed to builtins.{name}");
        return Err(m.wanted("a float", v).while_(Pos::NONE, context));
    };
    let rounded = how(f);
    // The bounds are powers of two, so exact as floats.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
        return Ok(Step::Done(m.heap.new_int(rounded as i64)));
    }
    let text = crate::message::text(&m.show_value(v)).into_owned();
    Err(Error::eval(format!("NixFloat argument {text} is not in the range of NixInt")))
}
