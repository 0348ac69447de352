//! The rules: what findings are about.

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// The program has no value.
    Error,
    /// It may not do what was meant, or something in it does nothing.
    Warning,
    /// It could be said better.
    Note,
}

macro_rules! rules {
    ($($variant:ident $level:ident $name:literal $about:literal,)*) => {
        /// What a finding is about.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Rule {
            $(#[doc = $about] $variant,)*
        }

        impl Rule {
            /// All rules, by number.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),*];

            /// The name by which people and programs know it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Rule::$variant => $name,)*
                }
            }

            /// What it is about, in a sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Rule::$variant => $about,)*
                }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self {
                    $(Rule::$variant => Level::$level,)*
                }
            }
        }
    };
}

rules! {
    Syntax Error "syntax" "The text is no Nix program.",
    DuplicateAttribute Error "duplicate-attribute" "An attribute is defined twice in one set.",
    DuplicateFormal Error "duplicate-formal" "Two formals of a function have one name.",
    UndefinedVariable Error "undefined-variable" "A name has no definition.",
    UnusedLet Warning "unused-let" "A binding of `let` is never used.",
    UnusedFormal Warning "unused-formal" "A formal of a function is never used.",
    UnusedArgument Warning "unused-argument" "The argument of a function is never used, and its name does not say so.",
    UnusedAlias Warning "unused-alias" "The name of the whole argument behind or before `@` is never used.",
    UnusedWith Warning "unused-with" "No name is looked up in the set of a `with`.",
    AmbiguousWith Note "ambiguous-with" "Names may come from any of several sets of `with`.",
    HiddenByBinding Warning "hidden-by-binding" "A binding hides the attribute that a `with` around the use brings.",
    UselessRec Warning "useless-rec" "No attribute of a `rec` set uses another.",
    LegacyLet Warning "legacy-let" "`let { … }` is long out of use.",
    UrlLiteral Warning "url-literal" "URLs without quotes are deprecated.",
    DeprecatedBuiltin Warning "deprecated-builtin" "A builtin is out of use.",
    OrName Warning "or-name" "`or` as a name will mean something else.",
    EmptyLet Note "empty-let" "`let` binds nothing.",
    NestedLet Note "nested-let" "A `let` is all that stands in another.",
    EmptyInherit Note "empty-inherit" "`inherit` names nothing.",
    ManualInherit Note "manual-inherit" "A binding repeats a name where `inherit` would do.",
    ManualInheritFrom Note "manual-inherit-from" "A binding selects an attribute of its own name.",
    SplitSet Note "split-set" "The attributes of a set are defined in three pieces or more.",
    UselessParens Note "useless-parens" "Parentheses change nothing.",
    BoolComparison Note "bool-comparison" "A Boolean is compared with `true` or `false`.",
    BoolIf Note "bool-if" "An `if` chooses between `true` and `false`.",
    NegatedComparison Note "negated-comparison" "A comparison is negated where another says it.",
    EtaExpansion Note "eta-expansion" "A function only hands its argument on to another.",
    EmptyPattern Note "empty-pattern" "A pattern takes any set and names nothing of it.",
    UselessPattern Note "useless-pattern" "A pattern names nothing but the whole argument.",
    EmptyConcat Note "empty-concat" "An empty list is put before or behind another.",
    EmptyUpdate Note "empty-update" "An empty set updates another, or is updated.",
    GuardedSelect Note "guarded-select" "`?` guards a selection where `or` would do.",
    NullComparison Note "null-comparison" "`isNull` compares with `null`.",
}
