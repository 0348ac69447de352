//! The value word.

/// A value of the language, or a thunk: one tagged word.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Val(pub(crate) u64);

/// What the low three bits of a [`Val`] say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Tag {
    /// A computation that may have run already.
    Thunk = 0,
    /// An attribute set.
    Attrs = 1,
    /// A list.
    List = 2,
    /// A string.
    String = 3,
    /// A lambda, a builtin, or either applied to too few arguments.
    Func = 4,
    /// An integer of at most 61 bits.
    Int = 5,
    /// Null and the booleans.
    Immediate = 6,
    /// A float, a path, a large integer, or a host's value.
    Boxed = 7,
}

/// Where the number of an element of a mapping starts in a [`Val`]; addresses are shorter.
const ELEMENT_SHIFT: u32 = 48;
/// Objects lie below this address, as far as a process gets memory that does not ask for more.
pub(crate) const MAX_ADDRESS: u64 = 1 << ELEMENT_SHIFT;

/// What an object on the heap is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the table in README.md describes them")]
pub enum Kind {
    Thunk,
    SelectThunk,
    ApplyThunk,
    Closure,
    Primop,
    Partial,
    Attrs,
    Overlay,
    List,
    String,
    Path,
    Float,
    BigInt,
    External,
    Mapping,
}

/// Kinds by number, as the low four bits of a header have it; the last is not used.
pub(crate) const KINDS: [Kind; 16] = [
    Kind::Thunk,
    Kind::SelectThunk,
    Kind::ApplyThunk,
    Kind::Closure,
    Kind::Primop,
    Kind::Partial,
    Kind::Attrs,
    Kind::Overlay,
    Kind::List,
    Kind::String,
    Kind::Path,
    Kind::Float,
    Kind::BigInt,
    Kind::External,
    Kind::Mapping,
    Kind::Mapping,
];

const fn immediate(n: u64) -> Val {
    Val((n << 3) | Tag::Immediate as u64)
}

impl Val {
    /// `null`
    pub const NULL: Val = immediate(0);
    /// `false`
    pub const FALSE: Val = immediate(1);
    /// `true`
    pub const TRUE: Val = immediate(2);
    /// No value of the language: a register or slot that has not been filled.
    pub const ABSENT: Val = immediate(3);

    /// The kind of word this is.
    #[inline(always)]
    pub fn tag(self) -> Tag {
        match self.0 & 7 {
            0 => Tag::Thunk,
            1 => Tag::Attrs,
            2 => Tag::List,
            3 => Tag::String,
            4 => Tag::Func,
            5 => Tag::Int,
            6 => Tag::Immediate,
            _ => Tag::Boxed,
        }
    }

    /// A boolean.
    #[inline(always)]
    pub fn bool(b: bool) -> Val {
        if b { Val::TRUE } else { Val::FALSE }
    }

    /// The boolean, if it is one.
    #[inline(always)]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Val::TRUE => Some(true),
            Val::FALSE => Some(false),
            _ => None,
        }
    }

    /// An integer that fits 61 bits.
    #[inline(always)]
    pub fn small_int(n: i64) -> Option<Val> {
        let shifted = n << 3;
        (shifted >> 3 == n).then_some(Val(shifted as u64 | Tag::Int as u64))
    }

    /// The integer, if it is a small one.
    #[inline(always)]
    pub fn as_small_int(self) -> Option<i64> {
        (self.0 & 7 == Tag::Int as u64).then_some((self.0 as i64) >> 3)
    }

    /// Whether it is a thunk, run or not.
    #[inline(always)]
    pub fn is_thunk(self) -> bool {
        self.0 & 7 == Tag::Thunk as u64
    }

    /// Whether it is a thunk that exists only as the element of a mapping so far: a call that nobody has asked for.
    #[inline(always)]
    pub fn is_element(self) -> bool {
        self.is_thunk() && self.0 >> ELEMENT_SHIFT != 0
    }

    /// The element `i` of the mapping at `address`, if its number fits.
    pub(crate) fn element(address: u64, i: usize) -> Option<Val> {
        let number = i as u64 + 1;
        (number < 1 << (64 - ELEMENT_SHIFT)).then_some(Val(address | number << ELEMENT_SHIFT))
    }

    /// Which element of its mapping it is.
    pub(crate) fn element_number(self) -> usize {
        (self.0 >> ELEMENT_SHIFT) as usize - 1
    }

    /// Where the object that it points to is.
    #[inline(always)]
    pub(crate) fn address(self) -> usize {
        (self.object().0 & !7) as usize
    }

    /// The mapping of an element as an object; anything else that points to the heap as it is.
    #[inline(always)]
    pub(crate) fn object(self) -> Val {
        debug_assert!(self.is_pointer());
        Val(self.0 & (MAX_ADDRESS - 1))
    }

    /// Whether it is an attribute set.
    #[inline(always)]
    pub fn is_attrs(self) -> bool {
        self.0 & 7 == Tag::Attrs as u64
    }

    /// Whether it is a list.
    #[inline(always)]
    pub fn is_list(self) -> bool {
        self.0 & 7 == Tag::List as u64
    }

    /// Whether it is a string.
    #[inline(always)]
    pub fn is_string(self) -> bool {
        self.0 & 7 == Tag::String as u64
    }

    /// Whether it is a function of any sort.
    #[inline(always)]
    pub fn is_func(self) -> bool {
        self.0 & 7 == Tag::Func as u64
    }

    /// Whether the word points to the heap.
    #[inline(always)]
    pub(crate) fn is_pointer(self) -> bool {
        const POINTERS: u64 = !(1 << Tag::Int as u64 | 1 << Tag::Immediate as u64);
        POINTERS >> (self.0 & 7) & 1 == 1
    }

    /// The word, to be used as an identity (never to be turned back).
    pub fn bits(self) -> u64 {
        self.0
    }
}

impl std::fmt::Debug for Val {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Val::NULL => f.write_str("null"),
            Val::TRUE => f.write_str("true"),
            Val::FALSE => f.write_str("false"),
            Val::ABSENT => f.write_str("absent"),
            v => match v.as_small_int() {
                Some(n) => write!(f, "{n}"),
                None => write!(f, "{:?}@{:x}", v.tag(), v.0 & !7),
            },
        }
    }
}

const _: () = assert!(size_of::<Val>() == 8, "every slot pays for this");
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Val>();
};
