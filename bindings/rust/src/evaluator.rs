//! The evaluator, and the handles by which values stay alive outside of it.

use crate::hosts::Watched;
use crate::{Arguments, DrvFile, Error, Inputs, Limits, Position, Scope, Source, Value, View};
use frazil_engine::{Settings, Stats, Val};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Slots whose handles are gone; handles may end on any thread.
type Freed = Arc<Mutex<Vec<u32>>>;

/// A value that stays alive while the handle does, for the evaluator that made it.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// let list = evaluator.eval("[ 1 2 ]")?;
/// evaluator.collect();
/// assert_eq!(evaluator.to_json(&list)?, "[1,2]");
/// # Ok::<(), frazil::Error>(())
/// ```
pub struct Handle {
    slot: u32,
    freed: Freed,
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A list of numbers is whole, whatever panicked beside it.
        self.freed.lock().unwrap_or_else(PoisonError::into_inner).push(self.slot);
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handle").field(&self.slot).finish()
    }
}

/// Counts of what an evaluator did and holds.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// evaluator.eval("builtins.length [ 1 2 3 ]")?;
/// assert_eq!(evaluator.counts().stats.builtin_calls, 1);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// What was done since the evaluator was made.
    pub stats: Stats,
    /// Key sets of attribute sets.
    pub layouts: u64,
    /// Names.
    pub symbols: u64,
    /// Bytes of values made, those that are gone among them.
    pub allocated: u64,
    /// Bytes that the heap has from the system.
    pub reserved: u64,
}

/// A thunk that began to run: see [`Evaluator::watch_forces`].
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// evaluator.watch_forces(1);
/// evaluator.eval("1 + 1")?;
/// assert_eq!(evaluator.forces().len(), 1);
/// # Ok::<(), frazil::Error>(())
/// ```
pub struct Force {
    /// Where it stands in a source, if CppNix says so.
    pub position: Option<Position>,
    /// How many frames were below it: a force within another has more.
    pub depth: u32,
    /// The thunk, which has its value now, unless that failed.
    pub value: Handle,
}

/// Evaluates programs, which share one heap and one cache of files.
///
/// A program that breaks a limit or fails leaves the evaluator as good as before. What no value needs is freed from time to
/// time, but for derivations: that they were made is remembered as long as the evaluator lives, some 200 bytes each, which
/// count against [`Limits::heap`]. A new evaluator starts without them.
///
/// ```
/// let mut evaluator = frazil::Engine::new().evaluator();
/// assert!(evaluator.eval("throw \"x\"").is_err());
/// let value = evaluator.eval("map (x: x * x) [ 1 2 3 ]")?;
/// assert_eq!(evaluator.to_json(&value)?, "[1,4,9]");
/// # Ok::<(), frazil::Error>(())
/// ```
pub struct Evaluator {
    inner: frazil_engine::Evaluator,
    watched: Arc<Watched>,
    /// What the embedder's wish to end an evaluation sets, and any thread may.
    stop: Arc<AtomicBool>,
    freed: Freed,
    /// Slots that hold nothing.
    free: Vec<u32>,
    collected: bool,
}

impl Evaluator {
    pub(crate) fn new(watched: Arc<Watched>, settings: Settings, stop: Arc<AtomicBool>) -> Evaluator {
        Evaluator {
            inner: frazil_engine::Evaluator::new(watched.clone(), settings, Limits::default()),
            watched,
            stop,
            freed: Freed::default(),
            free: Vec::new(),
            collected: false,
        }
    }

    /// Runs `work` among plain values, which are this evaluator's and end with the call.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let sum = evaluator.enter(|scope| {
    ///     let list = scope.eval("[ 1 2 3 ]")?;
    ///     let mut sum = 0;
    ///     for item in scope.items(list) {
    ///         let item = scope.force(item)?;
    ///         sum += scope.as_int(item).unwrap_or(0);
    ///     }
    ///     Ok::<i64, frazil::Error>(sum)
    /// })?;
    /// assert_eq!(sum, 6);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn enter<R>(&mut self, work: impl for<'v> FnOnce(&mut Scope<'_, 'v>) -> R) -> R {
        self.free();
        let world = self.inner.world();
        if world.over_limit() {
            // What an evaluation left behind when it broke the limit is nobody's.
            world.collect();
        } else {
            world.collect_if_due();
        }
        let pins = self.inner.pins();
        let result = work(&mut Scope::new(self));
        self.inner.unpin(pins);
        // The wish was for this evaluation.
        self.stop.store(false, Ordering::Relaxed);
        #[cfg(feature = "disk")]
        self.inner.settle();
        result
    }

    /// The value of a program.
    ///
    /// ```
    /// use frazil::{Engine, Memory, Source};
    ///
    /// let host = Memory::new().file("/x/default.nix", "import ./y.nix + 1").file("/x/y.nix", "1");
    /// let mut evaluator = Engine::builder().host(host).build().evaluator();
    /// let value = evaluator.eval(Source::file("/x"))?;
    /// assert_eq!(evaluator.to_json(&value)?, "2");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn eval(&mut self, source: impl Into<Source>) -> Result<Handle, Error> {
        self.enter(|scope| {
            let v = scope.eval(source)?;
            Ok(scope.keep(v))
        })
    }

    /// The value at an attribute path: `a."b.c".0`.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let value = evaluator.eval("{ a = [ { b = \"deep\"; } ]; }")?;
    /// let inner = evaluator.select(&value, "a.0.b")?;
    /// assert_eq!(evaluator.to_json(&inner)?, "\"deep\"");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn select(&mut self, value: &Handle, path: &str) -> Result<Handle, Error> {
        self.enter(|scope| {
            let v = scope.value(value);
            let v = scope.select(v, path, &Arguments::default())?;
            let v = scope.force(v)?;
            Ok(scope.keep(v))
        })
    }

    /// The result of a call.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let (add, one) = (evaluator.eval("a: b: a + b")?, evaluator.eval("1")?);
    /// let two = evaluator.call(&add, &[&one, &one])?;
    /// assert_eq!(evaluator.to_json(&two)?, "2");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn call(&mut self, function: &Handle, arguments: &[&Handle]) -> Result<Handle, Error> {
        self.enter(|scope| {
            let function = scope.value(function);
            let arguments: Vec<Value<'_>> = arguments.iter().map(|&handle| scope.value(handle)).collect();
            let v = scope.call(function, &arguments)?;
            Ok(scope.keep(v))
        })
    }

    /// A value as JSON, forced with all that it holds.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let value = evaluator.eval("{ b = [ 1 null ]; a = 1.5; }")?;
    /// assert_eq!(evaluator.to_json(&value)?, r#"{"a":1.5,"b":[1,null]}"#);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to_json(&mut self, value: &Handle) -> Result<String, Error> {
        self.enter(|scope| {
            let v = scope.value(value);
            scope.to_json(v, true)
        })
    }

    /// A value in the language's own words, forced with all that it holds.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let value = evaluator.eval("{ a = [ 1 \"x\" ]; f = x: x; }")?;
    /// assert_eq!(evaluator.print(&value)?, "{ a = [ 1 \"x\" ]; f = <LAMBDA>; }");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn print(&mut self, value: &Handle) -> Result<String, Error> {
        self.enter(|scope| {
            let v = scope.value(value);
            let v = scope.force_deep(v)?;
            Ok(String::from_utf8_lossy(&scope.print(v)?).into_owned())
        })
    }

    /// All that is wrong with a program before it runs: its syntax, or else its first undefined variable.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert_eq!(evaluator.check("{ a = ; b = 1 + ; }")?.len(), 2);
    /// assert!(evaluator.check("throw \"fine\"")?.is_empty());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn check(&mut self, source: impl Into<Source>) -> Result<Vec<Error>, Error> {
        let found = self.inner.check(&source.into());
        let errors = self.lift(found)?;
        Ok(errors.into_iter().map(|error| Error::placed(error, &self.inner)).collect())
    }

    /// A program as a room of the evaluator has it; for people.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let tokens = evaluator.explain(frazil::View::Tokens, "a: a")?;
    /// assert!(tokens.starts_with("Ident@0..1 \"a\"\n"));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn explain(&mut self, view: View, source: impl Into<Source>) -> Result<String, Error> {
        let text = self.inner.explain(view, &source.into());
        self.lift(text)
    }

    /// Frees all values that no handle needs. Answers the bytes still live.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let list = evaluator.eval("builtins.genList (x: x) 100000")?;
    /// let with = evaluator.collect();
    /// drop(list);
    /// assert!(evaluator.collect() < with);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn collect(&mut self) -> u64 {
        self.collected = true;
        self.free();
        self.inner.world().collect()
    }

    /// Lets go of the values whose handles are gone.
    fn free(&mut self) {
        let mut freed = self.freed.lock().unwrap_or_else(PoisonError::into_inner);
        let handles = &mut self.inner.world().state.handles;
        freed.iter().for_each(|&slot| handles[slot as usize] = Val::NULL);
        self.free.append(&mut freed);
    }

    /// Changes what may be used from the next evaluation on.
    ///
    /// ```
    /// use frazil::{Engine, ErrorKind, Limits};
    ///
    /// let mut evaluator = Engine::new().evaluator();
    /// evaluator.set_limits(Limits { depth: 10, ..Limits::default() });
    /// let error = evaluator.eval("let f = n: 1 + f n; in f 0").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::CallDepth);
    /// ```
    pub fn set_limits(&mut self, mut limits: Limits) {
        self.watched.tokens().limits = limits.cancel.replace(self.stop.clone());
        self.inner.world().set_limits(limits);
    }

    /// What may be used.
    ///
    /// ```
    /// let evaluator = frazil::Engine::new().evaluator();
    /// assert_eq!(evaluator.limits().depth, 10_000);
    /// ```
    pub fn limits(&self) -> Limits {
        let cancel = self.watched.tokens().limits.clone();
        Limits { cancel, ..self.inner.limits().clone() }
    }

    /// Has `token` stop evaluations until it is taken back.
    pub(crate) fn set_call_token(&mut self, token: Option<Arc<AtomicBool>>) {
        self.watched.tokens().call = token;
    }

    /// What was asked of the world outside since the evaluator was made.
    ///
    /// ```
    /// let host = frazil::Memory::new().file("/x/y", "1");
    /// let mut evaluator = frazil::Engine::builder().host(host).build().evaluator();
    /// evaluator.eval("builtins.readDir /x")?;
    /// assert_eq!(evaluator.inputs().directories, ["/x"]);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn inputs(&self) -> Inputs {
        self.watched.inputs()
    }

    /// What the derivation at that path says, if it was made since [`Evaluator::keep_derivations`].
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// evaluator.keep_derivations();
    /// let text = "(derivation { name = \"x\"; system = \"s\"; builder = \"/bin/sh\"; }).drvPath";
    /// let path = evaluator.eval(text)?;
    /// let path = evaluator.enter(|scope| {
    ///     let v = scope.value(&path);
    ///     scope.as_bytes(v)
    /// });
    /// let file = evaluator.derivation_file(&path.unwrap()).unwrap();
    /// assert_eq!((file.name.as_str(), file.builder.as_str()), ("x", "/bin/sh"));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn derivation_file(&self, path: impl AsRef<[u8]>) -> Option<DrvFile> {
        self.inner.derivation_file(path.as_ref())
    }

    /// From now on notes so many thunks that begin to run, for [`Evaluator::forces`], and forgets those noted before.
    pub fn watch_forces(&mut self, room: usize) {
        self.inner.watch_forces(room);
    }

    /// What was forced since [`Evaluator::watch_forces`], in the order in which it began.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::builder().patient(true).build().evaluator();
    /// evaluator.watch_forces(100);
    /// evaluator.eval("let a = 1 + 1; b = throw \"never\"; in a")?;
    /// let forces = evaluator.forces();
    /// assert!(forces.iter().any(|force| force.position.as_ref().is_some_and(|at| at.column == 11)));
    /// assert!(!forces.iter().any(|force| force.position.as_ref().is_some_and(|at| at.column > 15)));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn forces(&mut self) -> Vec<Force> {
        let noted = self.inner.forces();
        let force = |(thunk, pos, depth)| {
            let position = self.inner.locate(pos);
            let value = self.keep(thunk);
            Force { position, depth, value }
        };
        noted.into_iter().map(force).collect()
    }

    /// What stops the evaluation at work when it is set.
    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// What was counted.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// evaluator.eval("(x: x) 1")?;
    /// assert_eq!(evaluator.counts().stats.calls, 1);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn counts(&mut self) -> Counts {
        let world = self.inner.world();
        Counts {
            stats: world.state.stats,
            layouts: world.layouts.count() as u64,
            symbols: world.state.symbols.len() as u64,
            allocated: world.heap.allocated(),
            reserved: world.heap.reserved(),
        }
    }

    /// Number and bytes of the objects of each kind; empty once the heap was collected, when it cannot be walked.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// evaluator.eval("[ 1 2 ]")?;
    /// assert!(evaluator.census().iter().any(|(kind, n, _)| kind == "List" && *n > 0));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn census(&mut self) -> Vec<(String, u64, u64)> {
        if self.collected {
            return Vec::new();
        }
        let world = self.inner.world();
        let kinds = world.heap.census(&world.layouts);
        kinds.into_iter().map(|(kind, n, bytes)| (format!("{kind:?}"), n, bytes)).collect()
    }

    /// From now on files are read anew, as they may have changed; values that were made of them stay.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// evaluator.forget_files();
    /// ```
    pub fn forget_files(&mut self) {
        self.inner.forget_files();
    }

    /// From now on the texts of derivations are kept, to be asked for by [`Evaluator::derivation_closure`].
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// evaluator.keep_derivations();
    /// let path = evaluator.eval(
    ///     "(derivation { name = \"x\"; system = \"x86_64-linux\"; builder = \"/bin/sh\"; }).drvPath",
    /// )?;
    /// let path = evaluator.to_json(&path)?;
    /// let closure = evaluator.derivation_closure(&[path.trim_matches('"')]);
    /// assert!(closure.values().next().unwrap().starts_with(b"Derive("));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn keep_derivations(&mut self) {
        self.inner.keep_derivations();
    }

    /// The texts of derivations and of all that they depend on, by path; see [`Evaluator::keep_derivations`].
    ///
    /// ```
    /// let evaluator = frazil::Engine::new().evaluator();
    /// assert!(evaluator.derivation_closure(&["/nix/store/none.drv"]).is_empty());
    /// ```
    pub fn derivation_closure<P: AsRef<[u8]>>(&self, paths: &[P]) -> BTreeMap<String, &[u8]> {
        let roots: Vec<Vec<u8>> = paths.iter().map(|path| path.as_ref().to_vec()).collect();
        self.inner.derivation_closure(&roots)
    }

    pub(crate) fn inner(&mut self) -> &mut frazil_engine::Evaluator {
        &mut self.inner
    }

    /// The result with its error made the embedder's.
    pub(crate) fn lift<T>(&self, result: Result<T, frazil_engine::Error>) -> Result<T, Error> {
        result.map_err(|error| Error::placed(error, &self.inner))
    }

    pub(crate) fn keep(&mut self, v: Val) -> Handle {
        let handles = &mut self.inner.world().state.handles;
        let slot = self.free.pop().unwrap_or(handles.len() as u32);
        match handles.get_mut(slot as usize) {
            Some(place) => *place = v,
            None => handles.push(v),
        }
        Handle { slot, freed: self.freed.clone() }
    }

    pub(crate) fn value(&mut self, handle: &Handle) -> Val {
        assert!(Arc::ptr_eq(&self.freed, &handle.freed), "a handle is of the evaluator that made it");
        self.inner.world().state.handles[handle.slot as usize]
    }
}
