//! The inside of an evaluator: plain values that are branded, so that none leaves.

use crate::{Error, Evaluator, Handle, Source};
use frazil_engine::{About, AutoArgs, Kind, Tag, Val};
use std::marker::PhantomData;

/// No two of these lifetimes are one, and none can be made longer or shorter.
type Brand<'v> = PhantomData<fn(&'v ()) -> &'v ()>;

/// A value inside of [`Evaluator::enter`]; it may still be a thunk.
///
/// It cannot leave, nor meet the values of another evaluator:
///
/// ```compile_fail
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let escaped = evaluator.enter(|scope| scope.int(1));
/// ```
#[derive(Clone, Copy)]
pub struct Value<'v> {
    val: Val,
    brand: Brand<'v>,
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value")
    }
}

/// What a value is.
///
/// ```
/// use frazil::{Engine, Type};
///
/// Engine::new().evaluator().enter(|scope| {
///     let v = scope.eval("./x").unwrap();
///     assert_eq!(scope.type_of(v), Type::Path);
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[expect(missing_docs, reason = "the language's own names")]
pub enum Type {
    /// Not evaluated yet.
    Thunk,
    Null,
    Bool,
    Int,
    Float,
    String,
    Path,
    List,
    Attrs,
    Function,
    /// A value of another program's; none is made so far.
    External,
}

impl Type {
    /// Its name in other languages' interfaces to Frazil.
    ///
    /// ```
    /// assert_eq!(frazil::Type::Attrs.name(), "set");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Type::Thunk => "thunk",
            Type::Null => "null",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::String => "string",
            Type::Path => "path",
            Type::List => "list",
            Type::Attrs => "set",
            Type::Function => "function",
            Type::External => "external",
        }
    }
}

/// Arguments for functions that are called automatically, by name.
///
/// ```
/// use frazil::{Arguments, Engine};
///
/// Engine::new().evaluator().enter(|scope| {
///     let (function, two) = (scope.eval("{ n, m ? 1 }: n + m")?, scope.int(2));
///     let mut arguments = Arguments::default();
///     arguments.add("n", two);
///     let sum = scope.call_auto(function, &arguments)?;
///     assert_eq!(scope.as_int(sum), Some(3));
///     Ok::<(), frazil::Error>(())
/// })?;
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Arguments<'v> {
    values: AutoArgs,
    brand: Brand<'v>,
}

impl<'v> Arguments<'v> {
    /// Adds an argument; it may be a thunk.
    ///
    /// ```
    /// frazil::Engine::new().evaluator().enter(|scope| {
    ///     let mut arguments = frazil::Arguments::default();
    ///     arguments.add("system", scope.string("x86_64-linux"));
    /// });
    /// ```
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: Value<'v>) {
        self.values.0.push((name.as_ref().to_vec(), value.val));
    }

    /// Whether there is none.
    ///
    /// ```
    /// assert!(frazil::Arguments::default().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.values.0.is_empty()
    }
}

/// A derivation found in a value.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let found = evaluator.enter(|scope| {
///     let v = scope.eval("{ a = derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }; }")?;
///     scope.derivations(v, &frazil::Arguments::default())
/// })?;
/// assert_eq!(found[0].attr, "a");
/// assert!(found[0].drv_path.ends_with("-x.drv"));
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The attribute path that led there.
    pub attr: String,
    /// The path of its `.drv`.
    pub drv_path: String,
    /// The output that the value stands for.
    pub output: String,
}

/// An evaluator from the inside, among plain values.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let handle = evaluator.enter(|scope| {
///     let (one, two) = (scope.int(1), scope.int(2));
///     let list = scope.list(&[one, two]);
///     scope.keep(list)
/// });
/// assert_eq!(evaluator.to_json(&handle)?, "[1,2]");
/// # Ok::<(), frazil::Error>(())
/// ```
pub struct Scope<'e, 'v> {
    evaluator: &'e mut Evaluator,
    brand: Brand<'v>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The value of a word that is pinned, or needs no heap.
fn brand<'v>(val: Val) -> Value<'v> {
    Value { val, brand: PhantomData }
}

impl<'e, 'v> Scope<'e, 'v> {
    pub(crate) fn new(evaluator: &'e mut Evaluator) -> Scope<'e, 'v> {
        Scope { evaluator, brand: PhantomData }
    }

    /// A value that stays alive as long as the scope.
    fn root(&mut self, val: Val) -> Value<'v> {
        brand(self.evaluator.inner().pin(val))
    }

    fn try_value(
        &mut self,
        work: impl FnOnce(&mut frazil_engine::Evaluator) -> Result<Val, frazil_engine::Error>,
    ) -> Result<Value<'v>, Error> {
        self.attempt(work).map(brand)
    }

    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut frazil_engine::Evaluator) -> Result<T, frazil_engine::Error>,
    ) -> Result<T, Error> {
        let result = work(self.evaluator.inner());
        self.evaluator.lift(result)
    }

    // ---- programs -----------------------------------------------------------------------------------

    /// The value of a program, forced.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("1 + 1")?;
    /// assert_eq!(scope.as_int(v), Some(2));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn eval(&mut self, source: impl Into<Source>) -> Result<Value<'v>, Error> {
        let source = source.into();
        self.try_value(|inner| inner.eval(&source))
    }

    /// The value of a text in whose scope are these names.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let x = scope.int(20);
    /// let v = scope.eval_with("x + 1", "/", &[("x", x)])?;
    /// assert_eq!(scope.as_int(v), Some(21));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn eval_with<N: AsRef<[u8]>>(
        &mut self,
        text: impl AsRef<[u8]>,
        base: impl AsRef<[u8]>,
        names: &[(N, Value<'v>)],
    ) -> Result<Value<'v>, Error> {
        self.try_value(|inner| {
            let symbols = &mut inner.world().state.symbols;
            let bound: Vec<_> =
                names.iter().map(|(name, v)| (symbols.intern(name.as_ref()), v.val)).collect();
            inner.eval_in_scope(text.as_ref(), base.as_ref(), &bound)
        })
    }

    /// A text to be evaluated when its value is wanted; it is parsed now.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.delay("throw \"later\"", "/")?;
    /// assert_eq!(scope.type_of(v), frazil::Type::Thunk);
    /// assert!(scope.force(v).is_err());
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn delay(&mut self, text: impl AsRef<[u8]>, base: impl AsRef<[u8]>) -> Result<Value<'v>, Error> {
        self.try_value(|inner| inner.delay(text.as_ref(), base.as_ref()))
    }

    /// A program as `nix-instantiate --parse` prints it.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// assert_eq!(scope.parse("x: x+1")?, b"(x: (x + 1))");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn parse(&mut self, source: impl Into<Source>) -> Result<Vec<u8>, Error> {
        let source = source.into();
        self.attempt(|inner| inner.parse(&source))
    }

    /// The bytes of a file, as the host has them.
    ///
    /// ```
    /// # let host = frazil::Memory::new().file("/motd", "hi");
    /// # frazil::Engine::builder().host(host).build().evaluator().enter(|scope| {
    /// assert_eq!(scope.read_file("/motd")?, b"hi");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn read_file(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
        self.attempt(|inner| inner.read_file(path.as_ref()).map(|bytes| bytes.to_vec()))
    }

    /// The file that `<name>` means.
    ///
    /// ```
    /// # let host = frazil::Memory::new().file("/lib/x.nix", "1");
    /// # frazil::Engine::builder().host(host).search_path("lib", "/lib").build().evaluator().enter(|scope| {
    /// assert_eq!(scope.find_file("lib/x.nix")?, b"/lib/x.nix");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn find_file(&mut self, name: impl AsRef<[u8]>) -> Result<Vec<u8>, Error> {
        self.attempt(|inner| inner.find_file(name.as_ref()))
    }

    // ---- what runs the program ----------------------------------------------------------------------

    /// A value, evaluated until it is no thunk.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let list = scope.eval("[ (1 + 1) ]")?;
    /// let item = scope.items(list)[0];
    /// let item = scope.force(item)?;
    /// assert_eq!(scope.as_int(item), Some(2));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn force(&mut self, v: Value<'v>) -> Result<Value<'v>, Error> {
        self.try_value(|inner| inner.force(v.val))
    }

    /// A value, evaluated with all that it holds.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ a = [ (throw \"inside\") ]; }")?;
    /// assert!(scope.force_deep(v).is_err());
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn force_deep(&mut self, v: Value<'v>) -> Result<Value<'v>, Error> {
        self.try_value(|inner| inner.force_deep(v.val))
    }

    /// The result of a call.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let (f, n) = (scope.eval("n: n * 2")?, scope.int(21));
    /// let v = scope.call(f, &[n])?;
    /// assert_eq!(scope.as_int(v), Some(42));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn call(&mut self, function: Value<'v>, arguments: &[Value<'v>]) -> Result<Value<'v>, Error> {
        let arguments: Vec<Val> = arguments.iter().map(|v| v.val).collect();
        self.try_value(|inner| inner.call(function.val, &arguments))
    }

    /// A function with a set pattern called with what `arguments` has for it; any other value as it is.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ x ? 1 }: x")?;
    /// let v = scope.call_auto(v, &frazil::Arguments::default())?;
    /// assert_eq!(scope.as_int(v), Some(1));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn call_auto(&mut self, v: Value<'v>, arguments: &Arguments<'v>) -> Result<Value<'v>, Error> {
        self.try_value(|inner| inner.auto_call(v.val, &arguments.values))
    }

    /// The value at an attribute path; functions on the way are called.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ }: { a.b = 1; }")?;
    /// let v = scope.select(v, "a.b", &frazil::Arguments::default())?;
    /// assert_eq!(scope.as_int(v), Some(1));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn select(
        &mut self,
        v: Value<'v>,
        path: impl AsRef<[u8]>,
        arguments: &Arguments<'v>,
    ) -> Result<Value<'v>, Error> {
        self.try_value(|inner| inner.select(v.val, path.as_ref(), &arguments.values))
    }

    /// The derivations that a value is or holds, as `nix-instantiate` finds them.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("[ (derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }) ]")?;
    /// assert_eq!(scope.derivations(v, &frazil::Arguments::default())?[0].output, "out");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn derivations(&mut self, v: Value<'v>, arguments: &Arguments<'v>) -> Result<Vec<Derivation>, Error> {
        let (found, outcome) = self.derivations_before_error(v, arguments);
        outcome.map(|()| found)
    }

    /// As [`Scope::derivations`], and if there is an error, those before it all the same.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("[ (derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }) (derivation { name = \"y\"; }) ]")?;
    /// let (found, outcome) = scope.derivations_before_error(v, &frazil::Arguments::default());
    /// assert!(found.len() == 1 && outcome.is_err());
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn derivations_before_error(
        &mut self,
        v: Value<'v>,
        arguments: &Arguments<'v>,
    ) -> (Vec<Derivation>, Result<(), Error>) {
        let mut found = Vec::new();
        let outcome = self.attempt(|inner| {
            let outcome;
            (found, outcome) = inner.derivations(v.val, &arguments.values);
            outcome
        });
        let plain = |found: &frazil_engine::Instance| Derivation {
            attr: text(&found.attr),
            drv_path: text(&found.drv_path),
            output: text(&found.output),
        };
        (found.iter().map(plain).collect(), outcome)
    }

    /// Whether a value is a derivation: a set whose `type` says so.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ type = \"derivation\"; }")?;
    /// assert!(scope.is_derivation(v)?);
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn is_derivation(&mut self, v: Value<'v>) -> Result<bool, Error> {
        let Some(kind) = self.get(v, "type") else { return Ok(false) };
        let kind = self.force(kind)?;
        Ok(self.type_of(kind) == Type::String
            && self.as_bytes(kind).is_some_and(|text| text == b"derivation"))
    }

    /// Tells `sink` a value piece by piece, forced with all that it holds, nested `max_depth` deep at most. Sets with
    /// `__toString` or `outPath` stand for that string, as in JSON; paths are told as they are.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// #[derive(Default)]
    /// struct Sum(i64);
    /// impl frazil::Sink for Sum {
    ///     fn int(&mut self, n: i64) -> ControlFlow<()> { self.0 += n; ControlFlow::Continue(()) }
    /// #   fn null(&mut self) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn bool(&mut self, _: bool) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn float(&mut self, _: f64) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn string(&mut self, _: &[u8]) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn begin_list(&mut self, _: usize) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn begin_set(&mut self, _: usize) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn name(&mut self, _: u32, _: &[u8]) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn end(&mut self) -> ControlFlow<()> { ControlFlow::Continue(()) }
    ///     // The other methods do nothing.
    /// }
    ///
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ a = [ 1 2 ]; b.c = 3; }")?;
    /// let mut sum = Sum::default();
    /// scope.walk(v, 10, &mut sum)?;
    /// assert_eq!(sum.0, 6);
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn walk(
        &mut self,
        v: Value<'v>,
        max_depth: usize,
        sink: &mut dyn frazil_engine::Sink,
    ) -> Result<(), Error> {
        self.attempt(|inner| inner.walk(v.val, max_depth, sink))
    }

    /// What a value is, in words: `a set`.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.int(1);
    /// assert_eq!(scope.describe(v), "an integer");
    /// # });
    /// ```
    pub fn describe(&mut self, v: Value<'v>) -> &'static str {
        match self.type_of(v) {
            Type::Thunk => "a thunk",
            Type::Null => "null",
            Type::Bool => "a Boolean",
            Type::Int => "an integer",
            Type::Float => "a float",
            Type::String => "a string",
            Type::Path => "a path",
            Type::List => "a list",
            Type::Attrs => "a set",
            Type::Function => "a function",
            Type::External => "an external value",
        }
    }

    // ---- texts --------------------------------------------------------------------------------------

    /// A value as `nix-instantiate --eval` prints it; nothing is forced.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ a = 1 + 1; }")?;
    /// assert_eq!(scope.print(v)?, b"{ a = <CODE>; }");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn print(&mut self, v: Value<'v>) -> Result<Vec<u8>, Error> {
        self.attempt(|inner| inner.print(v.val))
    }

    /// A value as `builtins.trace` shows it, in one line; nothing is forced.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("x: x")?;
    /// assert_eq!(scope.show(v), "«lambda @ «string»:1:1»");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn show(&mut self, v: Value<'v>) -> String {
        text(&self.evaluator.inner().show(v.val))
    }

    /// What there is to know about a forced value, if it is a function.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("let /** Twice. */ f = x: x * 2; in f")?;
    /// let about = scope.about(v).expect("it is a function");
    /// assert_eq!(about.doc.as_deref(), Some("Twice."));
    /// assert_eq!(about.position.map(|at| at.column), Some(23));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn about(&mut self, v: Value<'v>) -> Option<About> {
        self.evaluator.inner().about(v.val)
    }

    /// A value as JSON; forced with all that it holds if `strict`.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ a = 1 + 1; }")?;
    /// assert_eq!(scope.to_json(v, true)?, "{\"a\":2}");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn to_json(&mut self, v: Value<'v>, strict: bool) -> Result<String, Error> {
        self.attempt(|inner| inner.to_json(v.val, strict)).map(|json| text(&json))
    }

    /// A value as XML; forced with all that it holds if `strict`, with places of attributes if `places`.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("true")?;
    /// assert!(text(scope.to_xml(v, true, false)?).contains("<bool value=\"true\" />"));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// # fn text(bytes: Vec<u8>) -> String { String::from_utf8(bytes).unwrap() }
    /// ```
    pub fn to_xml(&mut self, v: Value<'v>, strict: bool, places: bool) -> Result<Vec<u8>, Error> {
        self.attempt(|inner| inner.to_xml(v.val, strict, places))
    }

    /// What [`Scope::to_xml`] had written when it failed, with its elements closed: CppNix prints that before the error.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("[ (throw \"no\") ]")?;
    /// assert!(scope.to_xml(v, true, false).is_err());
    /// assert!(scope.unfinished_xml().ends_with(b"<list>\n  </list>\n</expr>\n"));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn unfinished_xml(&mut self) -> Vec<u8> {
        self.evaluator.inner().unfinished_xml()
    }

    /// The text of a value that is coerced to a string; `context` stands in the trace of an error.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ outPath = \"/x\"; }")?;
    /// assert_eq!(scope.to_text(v, "while testing")?, b"/x");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn to_text(&mut self, v: Value<'v>, context: &'static str) -> Result<Vec<u8>, Error> {
        self.attempt(|inner| inner.to_text(v.val, context))
    }

    // ---- looking; nothing is forced -----------------------------------------------------------------

    /// What a value is.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("x: x")?;
    /// assert_eq!(scope.type_of(v), frazil::Type::Function);
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn type_of(&mut self, v: Value<'v>) -> Type {
        let heap = &self.evaluator.inner().world().heap;
        let Some(val) = heap.peek(v.val) else { return Type::Thunk };
        match val.tag() {
            Tag::Thunk => Type::Thunk,
            Tag::Attrs => Type::Attrs,
            Tag::List => Type::List,
            Tag::String => Type::String,
            Tag::Int => Type::Int,
            Tag::Func => Type::Function,
            Tag::Immediate if val == Val::NULL => Type::Null,
            Tag::Immediate => Type::Bool,
            Tag::Boxed => match heap.boxed_kind(val) {
                Kind::Path => Type::Path,
                Kind::Float => Type::Float,
                Kind::BigInt => Type::Int,
                _ => Type::External,
            },
        }
    }

    /// The value behind a thunk that has run, if it is of that type.
    fn peek(&mut self, v: Value<'v>, wanted: Type) -> Option<Val> {
        (self.type_of(v) == wanted).then(|| self.evaluator.inner().world().heap.peek(v.val))?
    }

    /// The boolean that a value is.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.bool(true);
    /// assert_eq!((scope.as_bool(v), scope.as_int(v)), (Some(true), None));
    /// # });
    /// ```
    pub fn as_bool(&mut self, v: Value<'v>) -> Option<bool> {
        self.peek(v, Type::Bool)?.as_bool()
    }

    /// The integer that a value is.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.int(i64::MAX);
    /// assert_eq!(scope.as_int(v), Some(i64::MAX));
    /// # });
    /// ```
    pub fn as_int(&mut self, v: Value<'v>) -> Option<i64> {
        let val = self.peek(v, Type::Int)?;
        self.evaluator.inner().world().heap.as_int(val)
    }

    /// The float that a value is.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.float(0.5);
    /// assert_eq!(scope.as_float(v), Some(0.5));
    /// # });
    /// ```
    pub fn as_float(&mut self, v: Value<'v>) -> Option<f64> {
        let val = self.peek(v, Type::Float)?;
        self.evaluator.inner().world().heap.as_float(val)
    }

    /// The bytes of a string, which need not be UTF-8, or of a path.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.string("é");
    /// assert_eq!(scope.as_bytes(v), Some("é".as_bytes().to_vec()));
    /// # });
    /// ```
    pub fn as_bytes(&mut self, v: Value<'v>) -> Option<Vec<u8>> {
        if let Some(val) = self.peek(v, Type::Path) {
            return self.evaluator.inner().world().heap.as_path(val).map(<[u8]>::to_vec);
        }
        let val = self.peek(v, Type::String)?;
        Some(self.evaluator.inner().world().heap.bytes(val).to_vec())
    }

    /// The elements of a list; none if it is no list.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("[ 1 2 ]")?;
    /// assert_eq!(scope.items(v).len(), 2);
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn items(&mut self, v: Value<'v>) -> Vec<Value<'v>> {
        let Some(list) = self.peek(v, Type::List) else { return Vec::new() };
        let items: Vec<Val> =
            self.evaluator.inner().world().heap.list(list).iter().map(|slot| slot.get()).collect();
        items.into_iter().map(|item| self.root(item)).collect()
    }

    /// An element of a list.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("[ 1 2 ]")?;
    /// assert!(scope.item(v, 1).is_some() && scope.item(v, 2).is_none());
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn item(&mut self, v: Value<'v>, index: usize) -> Option<Value<'v>> {
        let list = self.peek(v, Type::List)?;
        let item = self.evaluator.inner().world().heap.list(list).get(index)?.get();
        Some(self.root(item))
    }

    /// How many elements a list, or attributes a set, has.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ a = 1; }")?;
    /// assert_eq!(scope.len(v), Some(1));
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn len(&mut self, v: Value<'v>) -> Option<usize> {
        if let Some(list) = self.peek(v, Type::List) {
            return Some(self.evaluator.inner().world().heap.list(list).len());
        }
        let set = self.peek(v, Type::Attrs)?;
        Some(self.evaluator.inner().world().machine().attr_count(set))
    }

    /// The names and values of an attribute set, by name; none if it is no set.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ b = 1; a = 2; }")?;
    /// let names: Vec<_> = scope.attrs(v).into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, [b"a", b"b"]);
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn attrs(&mut self, v: Value<'v>) -> Vec<(Vec<u8>, Value<'v>)> {
        let Some(set) = self.peek(v, Type::Attrs) else { return Vec::new() };
        let mut m = self.evaluator.inner().world().machine();
        let (keys, values) = m.attrs(set);
        let pair = |(&key, slot): (&_, &frazil_engine::Slot)| (m.st.symbols.name(key).to_vec(), slot.get());
        let pairs: Vec<(Vec<u8>, Val)> = keys.iter().zip(values).map(pair).collect();
        pairs.into_iter().map(|(name, v)| (name, self.root(v))).collect()
    }

    /// An attribute of a set.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.eval("{ a = 1; }")?;
    /// assert!(scope.get(v, "a").is_some() && scope.get(v, "b").is_none());
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn get(&mut self, v: Value<'v>, name: impl AsRef<[u8]>) -> Option<Value<'v>> {
        let set = self.peek(v, Type::Attrs)?;
        let m = self.evaluator.inner().world().machine();
        let symbol = m.st.symbols.find(name.as_ref())?;
        let v = m.attr(set, symbol)?.get();
        Some(self.root(v))
    }

    // ---- making -------------------------------------------------------------------------------------

    /// `null`
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.null();
    /// assert_eq!(scope.type_of(v), frazil::Type::Null);
    /// # });
    /// ```
    pub fn null(&self) -> Value<'v> {
        brand(Val::NULL)
    }

    /// A boolean.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.bool(false);
    /// assert_eq!(scope.as_bool(v), Some(false));
    /// # });
    /// ```
    pub fn bool(&self, b: bool) -> Value<'v> {
        brand(Val::bool(b))
    }

    /// An integer.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.int(-1);
    /// assert_eq!(scope.as_int(v), Some(-1));
    /// # });
    /// ```
    pub fn int(&mut self, n: i64) -> Value<'v> {
        let v = self.evaluator.inner().world().heap.new_int(n);
        self.root(v)
    }

    /// A float.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.float(2.5);
    /// assert_eq!(scope.as_float(v), Some(2.5));
    /// # });
    /// ```
    pub fn float(&mut self, f: f64) -> Value<'v> {
        let v = self.evaluator.inner().world().heap.new_float(f);
        self.root(v)
    }

    /// A string without context.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.string(b"\xff");
    /// assert_eq!(scope.as_bytes(v), Some(vec![0xff]));
    /// # });
    /// ```
    pub fn string(&mut self, text: impl AsRef<[u8]>) -> Value<'v> {
        brand(self.evaluator.inner().string(text.as_ref()))
    }

    /// A list.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let null = scope.null();
    /// let v = scope.list(&[null, null]);
    /// assert_eq!(scope.items(v).len(), 2);
    /// # });
    /// ```
    pub fn list(&mut self, items: &[Value<'v>]) -> Value<'v> {
        let v = self.evaluator.inner().world().heap.new_list(items.iter().map(|v| v.val));
        self.root(v)
    }

    /// An attribute set; of two for one name the last is taken.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let (one, two) = (scope.int(1), scope.int(2));
    /// let v = scope.set(&[("b", two), ("a", one)]);
    /// assert_eq!(scope.to_json(v, true)?, "{\"a\":1,\"b\":2}");
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn set<N: AsRef<[u8]>>(&mut self, attrs: &[(N, Value<'v>)]) -> Value<'v> {
        let by_name: std::collections::BTreeMap<&[u8], Val> =
            attrs.iter().map(|(name, v)| (name.as_ref(), v.val)).collect();
        let mut m = self.evaluator.inner().world().machine();
        let names: Vec<_> = by_name.keys().map(|name| m.st.symbols.intern(name)).collect();
        let values: Vec<Val> = by_name.into_values().collect();
        let v = m.new_attrs(&names, &values);
        self.root(v)
    }

    /// The value of a JSON text, as `builtins.fromJSON` reads it.
    ///
    /// ```
    /// # frazil::Engine::new().evaluator().enter(|scope| {
    /// let v = scope.read_json("[ 1, {} ]")?;
    /// assert_eq!(scope.items(v).len(), 2);
    /// # Ok::<(), frazil::Error>(()) }).unwrap();
    /// ```
    pub fn read_json(&mut self, json: impl AsRef<[u8]>) -> Result<Value<'v>, Error> {
        self.try_value(|inner| inner.read_json(json.as_ref()))
    }

    // ---- in and out ---------------------------------------------------------------------------------

    /// A handle by which the value stays alive outside.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let handle = evaluator.enter(|scope| {
    ///     let v = scope.int(1);
    ///     scope.keep(v)
    /// });
    /// assert_eq!(evaluator.print(&handle)?, "1");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn keep(&mut self, v: Value<'v>) -> Handle {
        self.evaluator.keep(v.val)
    }

    /// The value of a handle. Panics if it is another evaluator's.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let handle = evaluator.eval("3")?;
    /// let three = evaluator.enter(|scope| {
    ///     let v = scope.value(&handle);
    ///     scope.as_int(v)
    /// });
    /// assert_eq!(three, Some(3));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn value(&mut self, handle: &Handle) -> Value<'v> {
        brand(self.evaluator.value(handle))
    }
}
