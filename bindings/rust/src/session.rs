//! An evaluator that many threads share, and values that keep it alive: what other languages hold.

use crate::engine::panic_text;
use crate::{
    Arguments, Counts, DrvFile, Error, ErrorKind, Evaluator, Handle, Inputs, JobOptions, Jobs, Limits, Sink,
    Source, Type,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// An [`Evaluator`] that may be shared between threads. One of them uses it at a time, the others wait; a function of the
/// embedder's that is called by an evaluation cannot use its evaluator.
///
/// ```
/// let session = frazil::Engine::new().session();
/// let function = session.eval("n: n + 1")?;
/// let answers: Vec<i64> = std::thread::scope(|threads| {
///     let work = |n| {
///         let (session, function) = (&session, &function);
///         threads.spawn(move || function.call(&[&session.to_value(&n)?])?.to::<i64>())
///     };
///     let threads: Vec<_> = (0..3).map(work).collect();
///     threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
/// });
/// assert_eq!(answers, [1, 2, 3]);
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    /// Whether it waits for another thread that uses the evaluator.
    waits: bool,
    /// What stops what is done through it.
    token: Option<Arc<AtomicBool>>,
}

struct Shared {
    evaluator: Mutex<Evaluator>,
    /// The thread that uses the evaluator; 0 if none does.
    user: AtomicUsize,
    stop: Arc<AtomicBool>,
}

/// A number that no other living thread has, and that is not 0.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// Says that nobody uses the evaluator, also when a panic ends its use.
struct InUse<'a>(MutexGuard<'a, Evaluator>, &'a AtomicUsize);

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        self.0.set_call_token(None);
        self.1.store(0, Ordering::Release);
    }
}

impl Session {
    pub(crate) fn new(evaluator: Evaluator) -> Session {
        let stop = evaluator.stop();
        let shared = Shared { evaluator: Mutex::new(evaluator), user: AtomicUsize::new(0), stop };
        Session { shared: Arc::new(shared), waits: true, token: None }
    }

    /// The same session, which answers an error of kind [`ErrorKind::Busy`] instead of waiting for another thread: for
    /// threads on which others wait.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let busy = session.with(|_| {
    ///     let other = session.without_waiting();
    ///     Ok(std::thread::spawn(move || other.eval("1").map(|_| ())).join().unwrap())
    /// })?;
    /// assert_eq!(busy.unwrap_err().kind(), frazil::ErrorKind::Busy);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn without_waiting(&self) -> Session {
        Session { waits: false, ..self.clone() }
    }

    /// The same session, but what is done through it stops when another thread sets the token.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// let session = frazil::Engine::new().session();
    /// let stopped = session.stopped_by(Some(Arc::new(true.into())));
    /// let long = "builtins.foldl' (a: b: a + b) 0 (builtins.genList (n: n) 100000)";
    /// assert_eq!(stopped.eval(long).unwrap_err().kind(), frazil::ErrorKind::Cancelled);
    /// assert!(session.eval(long).is_ok());
    /// ```
    pub fn stopped_by(&self, token: Option<Arc<AtomicBool>>) -> Session {
        Session { token, ..self.clone() }
    }

    /// Uses the evaluator. A panic in `work` is an error of kind [`ErrorKind::Internal`], after which the session is of no
    /// more use.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let value = session.eval("[ 1 2 ]")?;
    /// let n = session.with(|evaluator| {
    ///     evaluator.enter(|scope| {
    ///         let v = scope.value(value.handle());
    ///         Ok(scope.items(v).len())
    ///     })
    /// })?;
    /// assert_eq!(n, 2);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn with<R>(&self, work: impl FnOnce(&mut Evaluator) -> Result<R, Error>) -> Result<R, Error> {
        if self.shared.user.load(Ordering::Acquire) == this_thread() {
            return Err(self.busy());
        }
        let guard = match self.waits {
            true => self.shared.evaluator.lock().map_err(|_| broken())?,
            false => self.try_lock()?,
        };
        self.run(guard, work)
    }

    fn try_lock(&self) -> Result<MutexGuard<'_, Evaluator>, Error> {
        self.shared.evaluator.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => self.busy(),
            TryLockError::Poisoned(_) => broken(),
        })
    }

    /// As [`Session::with`], but an error of kind [`ErrorKind::Busy`] instead of waiting for another thread.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// assert!(session.try_with(|evaluator| evaluator.eval("1")).is_ok());
    /// ```
    pub fn try_with<R>(&self, work: impl FnOnce(&mut Evaluator) -> Result<R, Error>) -> Result<R, Error> {
        self.run(self.try_lock()?, work)
    }

    fn run<R>(
        &self,
        guard: MutexGuard<'_, Evaluator>,
        work: impl FnOnce(&mut Evaluator) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.shared.user.store(this_thread(), Ordering::Release);
        let mut in_use = InUse(guard, &self.shared.user);
        in_use.0.set_call_token(self.token.clone());
        let answer = catch_unwind(AssertUnwindSafe(|| work(&mut in_use.0)));
        answer.unwrap_or_else(|panic| {
            let text = format!("the evaluator failed: {}", panic_text(&*panic));
            // The lock is to know that what it guards is broken.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let _in_use = in_use;
                std::panic::resume_unwind(Box::new(()));
            }));
            Err(Error::new(ErrorKind::Internal, text))
        })
    }

    fn busy(&self) -> Error {
        Error::new(ErrorKind::Busy, "the evaluator is at work, and cannot be used before it is done")
    }

    /// Stops the evaluation at work, if one is; callable from any thread.
    ///
    /// ```
    /// frazil::Engine::new().session().cancel();
    /// ```
    pub fn cancel(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// A handle's value with the session that it needs.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let handle = session.with(|evaluator| evaluator.eval("1"))?;
    /// assert_eq!(session.root(handle).to_json()?, "1");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn root(&self, handle: Handle) -> Root {
        Root { session: self.clone(), handle: Arc::new(handle) }
    }

    /// The value of a program.
    ///
    /// ```
    /// assert!(frazil::Engine::new().session().eval("throw \"no\"").is_err());
    /// ```
    pub fn eval(&self, source: impl Into<Source>) -> Result<Root, Error> {
        self.with(|evaluator| evaluator.eval(source)).map(|handle| self.root(handle))
    }

    /// The value of the embedder's data.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().to_value(&[1, 2])?;
    /// assert_eq!(value.to_json()?, "[1,2]");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    pub fn to_value<T: serde::Serialize + ?Sized>(&self, data: &T) -> Result<Root, Error> {
        self.with(|evaluator| evaluator.to_value(data)).map(|handle| self.root(handle))
    }

    /// The value of a JSON text.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().read_json("{\"a\": 1}")?;
    /// assert_eq!(value.names()?, ["a"]);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn read_json(&self, json: impl AsRef<[u8]>) -> Result<Root, Error> {
        let read = |evaluator: &mut Evaluator| {
            evaluator.enter(|scope| {
                let v = scope.read_json(json)?;
                Ok(scope.keep(v))
            })
        };
        self.with(read).map(|handle| self.root(handle))
    }

    /// A set of values by name; of two for one name the last is taken.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let set = session.set(&[("a", session.eval("1")?)])?;
    /// assert_eq!(set.to_json()?, r#"{"a":1}"#);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn set<N: AsRef<[u8]>>(&self, attrs: &[(N, Root)]) -> Result<Root, Error> {
        attrs.iter().try_for_each(|(_, root)| root.check(self))?;
        let make = |evaluator: &mut Evaluator| {
            evaluator.enter(|scope| {
                let value = |(name, root): &(N, Root)| (name.as_ref().to_vec(), scope.value(&root.handle));
                let attrs: Vec<_> = attrs.iter().map(value).collect();
                let set = scope.set(&attrs);
                Ok(scope.keep(set))
            })
        };
        self.with(make).map(|handle| self.root(handle))
    }

    /// A list of values.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let list = session.list(&[session.eval("1")?, session.eval("x: x")?])?;
    /// assert_eq!(list.len()?, Some(2));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn list(&self, items: &[Root]) -> Result<Root, Error> {
        items.iter().try_for_each(|root| root.check(self))?;
        let make = |evaluator: &mut Evaluator| {
            evaluator.enter(|scope| {
                let items: Vec<_> = items.iter().map(|root| scope.value(&root.handle)).collect();
                let list = scope.list(&items);
                Ok(scope.keep(list))
            })
        };
        self.with(make).map(|handle| self.root(handle))
    }

    /// A walk over the jobs of a value.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let set = session.eval("{ x = derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }; }")?;
    /// let mut jobs = session.jobs(&set, Default::default())?;
    /// let job = session.with(|evaluator| Ok(jobs.next(evaluator)))?;
    /// assert_eq!(job.unwrap().attr, "x");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn jobs(&self, value: &Root, options: JobOptions) -> Result<Jobs, Error> {
        value.check(self)?;
        self.with(|evaluator| Jobs::new(evaluator, &value.handle, options))
    }

    /// What was asked of the world outside.
    ///
    /// ```
    /// assert!(frazil::Engine::new().session().inputs()?.files.is_empty());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn inputs(&self) -> Result<Inputs, Error> {
        self.with(|evaluator| Ok(evaluator.inputs()))
    }

    /// What was counted.
    ///
    /// ```
    /// assert!(frazil::Engine::new().session().counts()?.reserved > 0);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn counts(&self) -> Result<Counts, Error> {
        self.with(|evaluator| Ok(evaluator.counts()))
    }

    /// Frees all values that nothing needs. Answers the bytes still live.
    ///
    /// ```
    /// assert!(frazil::Engine::new().session().collect()? > 0);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn collect(&self) -> Result<u64, Error> {
        self.with(|evaluator| Ok(evaluator.collect()))
    }

    /// Changes what may be used from the next evaluation on.
    ///
    /// ```
    /// use frazil::Limits;
    ///
    /// let session = frazil::Engine::new().session();
    /// session.set_limits(Limits { depth: 10, ..Limits::default() })?;
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn set_limits(&self, limits: Limits) -> Result<(), Error> {
        self.with(|evaluator| {
            evaluator.set_limits(limits);
            Ok(())
        })
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Internal, "the evaluator failed before, and cannot be used any more")
}

/// A value that stays alive wherever it is, with the session that it needs.
///
/// ```
/// let value = frazil::Engine::new().session().eval("{ a = [ 1 (throw \"never asked for\") ]; }")?;
/// let one = std::thread::spawn(move || value.get("a").unwrap().unwrap().index(0).unwrap().unwrap());
/// assert_eq!(one.join().unwrap().to_json()?, "1");
/// # Ok::<(), frazil::Error>(())
/// ```
#[derive(Clone)]
pub struct Root {
    session: Session,
    handle: Arc<Handle>,
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Root")
    }
}

impl Root {
    /// The session that the value needs.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("1")?;
    /// assert!(value.session().eval("2").is_ok());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The handle, for [`Session::with`].
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("1")?;
    /// let printed = value.session().with(|evaluator| evaluator.print(value.handle()))?;
    /// assert_eq!(printed, "1");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The same value in another form of its session: [`Session::without_waiting`], [`Session::stopped_by`].
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let value = session.eval("1")?.within(&session.without_waiting())?;
    /// assert_eq!(value.to_json()?, "1");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn within(&self, session: &Session) -> Result<Root, Error> {
        self.check(session)?;
        Ok(Root { session: session.clone(), handle: self.handle.clone() })
    }

    fn check(&self, session: &Session) -> Result<(), Error> {
        if Arc::ptr_eq(&self.session.shared, &session.shared) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Embedder, "a value can only be used with the evaluator that made it"))
    }

    fn derive(
        &self,
        work: impl for<'v> FnOnce(
            &mut crate::Scope<'_, 'v>,
            crate::Value<'v>,
        ) -> Result<Option<crate::Value<'v>>, Error>,
    ) -> Result<Option<Root>, Error> {
        let kept = self.session.with(|evaluator| {
            evaluator.enter(|scope| {
                let v = scope.value(&self.handle);
                Ok(work(scope, v)?.map(|v| scope.keep(v)))
            })
        })?;
        Ok(kept.map(|handle| self.session.root(handle)))
    }

    fn look<R>(
        &self,
        work: impl for<'v> FnOnce(&mut crate::Scope<'_, 'v>, crate::Value<'v>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.session.with(|evaluator| {
            evaluator.enter(|scope| {
                let v = scope.value(&self.handle);
                work(scope, v)
            })
        })
    }

    /// What the value is, as far as it is evaluated.
    ///
    /// ```
    /// let list = frazil::Engine::new().session().eval("[ (1 + 1) ]")?;
    /// assert_eq!(list.index(0)?.unwrap().type_of()?, frazil::Type::Thunk);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn type_of(&self) -> Result<Type, Error> {
        self.look(|scope, v| Ok(scope.type_of(v)))
    }

    /// Evaluates the value until it is no thunk, and answers what it is.
    ///
    /// ```
    /// let list = frazil::Engine::new().session().eval("[ (1 + 1) ]")?;
    /// assert_eq!(list.index(0)?.unwrap().force()?, frazil::Type::Int);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn force(&self) -> Result<Type, Error> {
        self.look(|scope, v| {
            let v = scope.force(v)?;
            Ok(scope.type_of(v))
        })
    }

    /// Evaluates the value with all that it holds.
    ///
    /// ```
    /// assert!(frazil::Engine::new().session().eval("[ (throw \"x\") ]")?.force_deep().is_err());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn force_deep(&self) -> Result<(), Error> {
        self.look(|scope, v| scope.force_deep(v).map(|_| ()))
    }

    /// An attribute, not evaluated; the set is.
    ///
    /// ```
    /// let set = frazil::Engine::new().session().eval("{ a = throw \"x\"; }")?;
    /// assert!(set.get("a")?.is_some() && set.get("b")?.is_none());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn get(&self, name: impl AsRef<[u8]>) -> Result<Option<Root>, Error> {
        self.derive(|scope, v| {
            let v = scope.force(v)?;
            Ok(scope.get(v, name))
        })
    }

    /// An element of a list, not evaluated; the list is.
    ///
    /// ```
    /// let list = frazil::Engine::new().session().eval("[ 1 ]")?;
    /// assert!(list.index(0)?.is_some() && list.index(1)?.is_none());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn index(&self, index: usize) -> Result<Option<Root>, Error> {
        self.derive(|scope, v| {
            let v = scope.force(v)?;
            Ok(scope.item(v, index))
        })
    }

    /// How many elements a list, or attributes a set, has; `None` for what has none.
    ///
    /// ```
    /// assert_eq!(frazil::Engine::new().session().eval("[ 1 2 ]")?.len()?, Some(2));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn len(&self) -> Result<Option<usize>, Error> {
        self.look(|scope, v| {
            let v = scope.force(v)?;
            Ok(scope.len(v))
        })
    }

    /// The names of a set's attributes; none if it is no set.
    ///
    /// ```
    /// assert_eq!(frazil::Engine::new().session().eval("{ b = 1; a = 2; }")?.names()?, ["a", "b"]);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn names(&self) -> Result<Vec<String>, Error> {
        self.look(|scope, v| {
            let v = scope.force(v)?;
            let names =
                scope.attrs(v).into_iter().map(|(name, _)| String::from_utf8_lossy(&name).into_owned());
            Ok(names.collect())
        })
    }

    /// The value at an attribute path, evaluated.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("{ a = [ { b = 7; } ]; }")?;
    /// assert_eq!(value.path("a.0.b")?.to_json()?, "7");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn path(&self, path: &str) -> Result<Root, Error> {
        let selected = self.session.with(|evaluator| evaluator.select(&self.handle, path))?;
        Ok(self.session.root(selected))
    }

    /// The result of a call.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let sum = session.eval("a: b: a + b")?.call(&[&session.eval("1")?, &session.eval("2")?])?;
    /// assert_eq!(sum.to_json()?, "3");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn call(&self, arguments: &[&Root]) -> Result<Root, Error> {
        arguments.iter().try_for_each(|argument| argument.check(&self.session))?;
        let handles: Vec<&Handle> = arguments.iter().map(|argument| &*argument.handle).collect();
        let result = self.session.with(|evaluator| evaluator.call(&self.handle, &handles))?;
        Ok(self.session.root(result))
    }

    /// A function with a set pattern called with these arguments by name; any other value as it is.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let seven = session.eval("{ a, b ? 2 }: a + b")?.call_auto(&[("a", &session.eval("5")?)])?;
    /// assert_eq!(seven.to_json()?, "7");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn call_auto(&self, arguments: &[(&str, &Root)]) -> Result<Root, Error> {
        arguments.iter().try_for_each(|(_, argument)| argument.check(&self.session))?;
        let result = self.derive(|scope, v| {
            let mut named = Arguments::default();
            for (name, argument) in arguments {
                let v = scope.value(&argument.handle);
                named.add(name, v);
            }
            scope.call_auto(v, &named).map(Some)
        })?;
        Ok(result.unwrap_or_else(|| self.clone()))
    }

    /// A type of the embedder's; see [`Evaluator::to`].
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("[ true ]")?;
    /// assert_eq!(value.to::<Vec<bool>>()?, [true]);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    pub fn to<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        self.session.with(|evaluator| evaluator.to(&self.handle))
    }

    /// Tells `sink` the value piece by piece; see [`crate::Scope::walk`].
    ///
    /// ```
    /// # #[derive(Default)]
    /// # struct Nothing;
    /// # use std::ops::ControlFlow;
    /// # impl frazil::Sink for Nothing {
    /// #   fn int(&mut self, n: i64) -> ControlFlow<()> { ControlFlow::Break(()) }
    /// #   fn null(&mut self) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn bool(&mut self, _: bool) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn float(&mut self, _: f64) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn string(&mut self, _: &[u8]) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn begin_list(&mut self, _: usize) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn begin_set(&mut self, _: usize) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn name(&mut self, _: u32, _: &[u8]) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// #   fn end(&mut self) -> ControlFlow<()> { ControlFlow::Continue(()) }
    /// # }
    /// // `Nothing` breaks off at the first integer.
    /// let value = frazil::Engine::new().session().eval("[ 1 (throw \"never reached\") ]")?;
    /// value.walk(10, &mut Nothing)?;
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn walk(&self, max_depth: usize, sink: &mut dyn Sink) -> Result<(), Error> {
        self.look(|scope, v| scope.walk(v, max_depth, sink))
    }

    /// The value as JSON, forced with all that it holds.
    ///
    /// ```
    /// assert_eq!(frazil::Engine::new().session().eval("{ a = null; }")?.to_json()?, r#"{"a":null}"#);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        self.session.with(|evaluator| evaluator.to_json(&self.handle))
    }

    /// The value in the language's own words; forced with all that it holds if `deep`.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("[ (1 + 1) ]")?;
    /// assert_eq!(value.print(false)?, "[ <CODE> ]");
    /// assert_eq!(value.print(true)?, "[ 2 ]");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn print(&self, deep: bool) -> Result<String, Error> {
        self.look(|scope, v| {
            let v = if deep { scope.force_deep(v)? } else { v };
            Ok(String::from_utf8_lossy(&scope.print(v)?).into_owned())
        })
    }

    /// The bytes of the string or path that the value is, evaluated.
    ///
    /// ```
    /// assert_eq!(frazil::Engine::new().session().eval("\"a\"")?.bytes()?, b"a");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        self.look(|scope, v| {
            let v = scope.force(v)?;
            let unwanted = format!("expected a string or path but found {}", scope.describe(v));
            scope.as_bytes(v).ok_or_else(|| Error::new(ErrorKind::Type, unwanted))
        })
    }

    /// The text of the string or path that the value is, evaluated.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("\"a\" + \"b\"")?;
    /// assert_eq!(value.text()?, "ab");
    /// assert!(frazil::Engine::new().session().eval("1")?.text().is_err());
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn text(&self) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    /// The text that the value is coerced to, as in `"${value}"`.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("{ outPath = \"/x\"; }")?;
    /// assert_eq!(value.coerce()?, "/x");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn coerce(&self) -> Result<String, Error> {
        self.look(|scope, v| {
            let bytes = scope.to_text(v, "while coercing a value to a string")?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    /// What the documentation comment of the function that the value is says (RFC 145), evaluated.
    ///
    /// ```
    /// let set = frazil::Engine::new().session().eval("{ /** Twice. */ f = x: x * 2; }")?;
    /// assert_eq!(set.path("f")?.doc()?.as_deref(), Some("Twice."));
    /// assert_eq!(set.doc()?, None);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn doc(&self) -> Result<Option<String>, Error> {
        self.look(|scope, v| {
            let v = scope.force(v)?;
            Ok(scope.about(v).and_then(|about| about.doc))
        })
    }

    /// Whether the value is a derivation.
    ///
    /// ```
    /// assert!(!frazil::Engine::new().session().eval("{ type = \"x\"; }")?.is_derivation()?);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn is_derivation(&self) -> Result<bool, Error> {
        self.look(|scope, v| {
            let v = scope.force(v)?;
            scope.is_derivation(v)
        })
    }

    /// The derivation that the value is: its file, by evaluating `drvPath`. `None` if it is none, or if
    /// [`Evaluator::keep_derivations`] was not called before it was made.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// session.with(|evaluator| Ok(evaluator.keep_derivations()))?;
    /// let value = session.eval("derivation { name = \"x\"; system = \"s\"; builder = \"b\"; }")?;
    /// let (path, file) = value.derivation()?.unwrap();
    /// assert!(path.ends_with("-x.drv"));
    /// assert_eq!(file.unwrap().system, "s");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn derivation(&self) -> Result<Option<(String, Option<DrvFile>)>, Error> {
        let path = self.look(|scope, v| {
            let v = scope.force(v)?;
            match scope.get(v, "drvPath") {
                Some(path) if scope.is_derivation(v)? => {
                    let bytes = scope.to_text(path, "while evaluating the path of a derivation")?;
                    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
                }
                _ => Ok(None),
            }
        })?;
        let Some(path) = path else { return Ok(None) };
        let file = self.session.with(|evaluator| Ok(evaluator.derivation_file(&path)))?;
        Ok(Some((path, file)))
    }
}
