//! The instruction set of the register machine.
//!
//! Every operand that an instruction forces is forced in place: if the register holds a thunk that has not run,
//! the machine runs it and then starts the same instruction anew. So an instruction changes nothing before all
//! its operands are forced, and the order in which it names them is the order in which they are forced.

/// A register of the running frame.
pub type Reg = u8;

/// How many registers a frame can have.
pub const MAX_REGS: usize = 256;

/// An instruction: eight bytes. `site`, `child`, `shape` and `k` index tables of the [`Chunk`](crate::Chunk).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "fields are registers and table indices, named alike throughout")]
pub enum Op {
    /// `dst = consts[k]`
    Const { dst: Reg, k: u32 },
    /// `dst = src`, unforced.
    Move { dst: Reg, src: Reg },
    /// `dst` = the running unit's capture `i`; for units with too many captures for registers.
    LoadCapture { dst: Reg, i: u32 },
    /// `dst` = the value at `slot` of the set of bindings in `from`.
    LoadSlot { dst: Reg, from: Reg, slot: u32 },

    /// `dst` = a thunk of a child unit, its captures taken from registers.
    Thunk { dst: Reg, child: u32 },
    /// `dst` = a closure of a child unit.
    Closure { dst: Reg, child: u32 },
    /// As `Thunk`, captures to be filled by `Fill`.
    NewThunk { dst: Reg, child: u32 },
    /// As `Closure`, captures to be filled by `Fill`.
    NewClosure { dst: Reg, child: u32 },
    /// Fills the captures of what `NewThunk` or `NewClosure` put into `src`.
    Fill { src: Reg, child: u32 },
    /// As `NewThunk` or `NewClosure`, by the child, if `dst` is absent.
    NewDefault { dst: Reg, child: u32 },
    /// As `Fill` if `src` is a thunk or closure of the child that is unfilled.
    FillDefault { src: Reg, child: u32 },
    /// `dst = consts[k]` if `dst` is absent.
    ConstDefault { dst: Reg, k: u32 },
    /// `dst = src` if `dst` is absent.
    MoveDefault { dst: Reg, src: Reg },
    /// As `Thunk` or `Closure`, by the child, into `slot` of the set in `set`, if that is absent.
    SlotDefault { set: Reg, child: u16, slot: u32 },
    /// `dst` = `base.name` if `base` is a set at hand with that attribute, else a thunk that selects it.
    LazySelect { dst: Reg, base: Reg, site: u32 },
    /// If `scope` is a set at hand with that attribute, `dst` is its value and the next instruction is skipped.
    TryWith { dst: Reg, scope: Reg, site: u32 },
    /// `dst` = a thunk that calls `base` with the `n` registers behind it.
    LazyCall { dst: Reg, base: Reg, n: u8 },

    /// `dst` = the set of `shapes[shape]` with the values from `base` on.
    Set { dst: Reg, base: Reg, shape: u32 },
    /// `dst` = a set of `shapes[shape]`, its values absent.
    NewSet { dst: Reg, shape: u32 },
    /// Stores into the set or list in `to`.
    SetSlot { to: Reg, src: Reg, slot: u32 },
    /// Adds `n` dynamic attributes to the set in `set`: pairs of name and value from `base` on.
    /// The values are there already; the names are forced.
    Dynamic { set: Reg, base: Reg, n: u8 },
    /// Replaces attributes of the recursive set in `set` by those of its `__overrides`; the result is in `dst`.
    Overrides { dst: Reg, set: Reg, site: u32 },
    /// `dst` = the list of `n` values from `base` on.
    List { dst: Reg, base: Reg, n: u8 },
    /// `dst` = a list of `n` absent values.
    NewList { dst: Reg, n: u32 },

    /// Forces `src`.
    Force { src: Reg },
    /// `dst = base.name`; an error if there is none.
    Select { dst: Reg, base: Reg, site: u32 },
    /// `dst = base.name`, skipping the next instruction; if there is none, goes on with the next.
    SelectOr { dst: Reg, base: Reg, site: u32 },
    /// `Select` by the string in `name`.
    SelectDynamic { dst: Reg, base: Reg, name: Reg },
    /// `SelectOr` by the string in `name`.
    SelectDynamicOr { dst: Reg, base: Reg, name: Reg },
    /// Forces `name` to a string.
    Name { name: Reg },
    /// Whether `base`, if it is a set, has the attribute.
    Has { dst: Reg, base: Reg, site: u32 },
    /// `Has` by the string in `name`.
    HasDynamic { dst: Reg, base: Reg, name: Reg },
    /// `dst` = the attribute of the set in `scope`, skipping the next instruction; if there is none, goes on with the next.
    With { dst: Reg, scope: Reg, site: u32 },
    /// The error that a variable is in no `with`.
    Undefined { site: u32 },

    /// `dst = base(args)`, the `n` arguments behind it.
    Call { dst: Reg, base: Reg, n: u8 },
    /// `Call` that says when it begins and ends.
    TracedCall { dst: Reg, base: Reg, n: u8 },
    /// Ends the unit with the value of `src`, forced.
    Return { src: Reg },
    /// Goes on at `to`.
    Jump { to: u32 },
    /// Goes on at `to` if the boolean in `cond` is false. `what` says whose condition it is.
    JumpIfFalse { cond: Reg, what: Condition, to: u32 },
    /// Goes on at `to` if the boolean in `cond` is true.
    JumpIfTrue { cond: Reg, what: Condition, to: u32 },
    /// Checks that `src` is a boolean.
    Bool { src: Reg, what: Condition },
    /// The error of a false assertion; `expr` is its condition.
    AssertFailed { expr: u32 },
    /// The error that `a` and `b` differ, if they do; otherwise `dst` is null.
    AssertEqual { dst: Reg, a: Reg, b: Reg },
    /// `dst = !src`
    Not { dst: Reg, src: Reg },
    /// `dst = (a == b)`
    Eq { dst: Reg, a: Reg, b: Reg },
    /// `dst = (a != b)`
    NotEq { dst: Reg, a: Reg, b: Reg },
    /// `dst = (a < b)`
    Less { dst: Reg, a: Reg, b: Reg },
    /// `dst = a - b`
    Sub { dst: Reg, a: Reg, b: Reg },
    /// `dst = a * b`
    Mul { dst: Reg, a: Reg, b: Reg },
    /// `dst = a / b`
    Div { dst: Reg, a: Reg, b: Reg },
    /// `dst = a + b`: numbers, strings or paths, by `a`, which is in `text` as `Addend` left it; or once more.
    Plus { dst: Reg, a: Reg, b: Reg, text: Reg },
    /// `dst` = the string of `src` if that is a set, otherwise `src`, which has to be such that it can be the left operand
    /// of `+`.
    Addend { dst: Reg, src: Reg },
    /// Checks that `src` is a set, as the right operand of `//`.
    RightSet { src: Reg },
    /// `dst = a // b`, `b` forced first.
    Update { dst: Reg, a: Reg, b: Reg },
    /// `dst = a ++ b`
    Concat { dst: Reg, a: Reg, b: Reg },
    /// `dst` = the string of the `n` parts from `base` on, coerced in order.
    Interpolate { dst: Reg, base: Reg, n: u8 },
    /// `dst` = the path that begins with the path in `base` and goes on with the `n - 1` parts behind it.
    InterpolatePath { dst: Reg, base: Reg, n: u8 },

    /// Checks the argument in `arg` against the unit's pattern, and puts its attributes into registers from `first` on,
    /// absent ones as absent.
    Formals { arg: Reg, first: Reg },
    /// As `Formals`, into a new set of bindings in `dst`.
    FormalsBoxed { arg: Reg, dst: Reg, shape: u32 },
}

const _: () = assert!(size_of::<Op>() == 8, "half a cache line holds four");

/// Whose condition a boolean is; it decides the error's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Condition {
    If,
    Assert,
    AndLeft,
    AndRight,
    OrLeft,
    OrRight,
    ImpliesLeft,
    ImpliesRight,
}

impl Condition {
    /// What the trace says of an error in the condition.
    pub fn text(self) -> &'static str {
        match self {
            Condition::If => "while evaluating a branch condition",
            Condition::Assert => "in the condition of the assert statement",
            Condition::AndLeft => "in the left operand of the AND (&&) operator",
            Condition::AndRight => "in the right operand of the AND (&&) operator",
            Condition::OrLeft => "in the left operand of the OR (||) operator",
            Condition::OrRight => "in the right operand of the OR (||) operator",
            Condition::ImpliesLeft => "in the left operand of the IMPL (->) operator",
            Condition::ImpliesRight => "in the right operand of the IMPL (->) operator",
        }
    }
}
