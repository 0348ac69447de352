//! What evaluators share: the world outside, what changes answers, what may be used.

use crate::hosts::{Interrupt, OnEvent, Watched};
use crate::{Evaluator, Event, Memory, Session};
use frazil_engine::{Features, Function, Host, Limits, Settings, StoreDir, settings};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Makes [`Evaluator`]s. Cheap to clone; may be sent and shared between threads.
///
/// ```
/// let engine = frazil::Engine::new();
/// let threads: Vec<_> = (1..=3)
///     .map(|n| {
///         let engine = engine.clone();
///         std::thread::spawn(move || {
///             let mut evaluator = engine.evaluator();
///             let value = evaluator.eval(&*format!("{n} * 10")).unwrap();
///             evaluator.to_json(&value).unwrap()
///         })
///     })
///     .collect();
/// let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
/// assert_eq!(answers, ["10", "20", "30"]);
/// ```
#[derive(Clone)]
pub struct Engine {
    host: Arc<dyn Host>,
    settings: Arc<Settings>,
    limits: Limits,
    additions: Arc<Additions>,
}

/// What the embedder adds to the language and to evaluations.
#[derive(Clone, Default)]
struct Additions {
    functions: Vec<(usize, Function)>,
    /// Names and JSON texts.
    globals: Vec<(String, Vec<u8>)>,
    #[cfg(feature = "disk")]
    cache: Option<frazil_engine::Cache>,
    on_event: Option<OnEvent>,
    interrupt: Option<Interrupt>,
}

impl Engine {
    /// An engine with nothing outside of it: no files, no environment.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// assert!(evaluator.eval("builtins.readFile /etc/passwd").is_err());
    /// ```
    pub fn new() -> Engine {
        Engine::builder().build()
    }

    /// What says how an engine is to be.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().system("riscv64-linux").build();
    /// let mut evaluator = engine.evaluator();
    /// let value = evaluator.eval("builtins.currentSystem")?;
    /// assert_eq!(evaluator.to_json(&value)?, "\"riscv64-linux\"");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn builder() -> Builder {
        let additions = Additions::default();
        Builder { host: None, settings: Settings::default(), limits: Limits::default(), additions }
    }

    /// An evaluator with an empty heap.
    ///
    /// ```
    /// let engine = frazil::Engine::new();
    /// let (mut one, mut other) = (engine.evaluator(), engine.evaluator());
    /// assert!(one.eval("1").is_ok() && other.eval("2").is_ok());
    /// ```
    pub fn evaluator(&self) -> Evaluator {
        let stop = Arc::new(AtomicBool::new(false));
        let Additions { functions, globals, on_event, interrupt, .. } = &*self.additions;
        let watched = Watched::new(self.host.clone(), on_event.clone(), interrupt.clone(), stop.clone());
        let settings = Settings::clone(&self.settings);
        let mut evaluator = Evaluator::new(Arc::new(watched), settings, stop);
        evaluator.set_limits(self.limits.clone());
        let world = evaluator.inner().world();
        functions.iter().for_each(|(arity, function)| world.add_function(*arity, function.clone()));
        for (name, json) in globals {
            world.add_global(name, json).expect("`Builder::global` made it of data");
        }
        #[cfg(feature = "disk")]
        if let Some(cache) = &self.additions.cache {
            world.state.cache = Some(frazil_engine::cache::asker(cache));
        }
        evaluator
    }

    /// An evaluator that may be shared between threads, one of which uses it at a time.
    ///
    /// ```
    /// let session = frazil::Engine::new().session();
    /// let value = session.eval("{ a = 1; }")?;
    /// assert_eq!(value.to_json()?, r#"{"a":1}"#);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn session(&self) -> Session {
        Session::new(self.evaluator())
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

/// Says how an [`Engine`] is to be.
///
/// ```
/// use frazil::{Engine, Memory};
///
/// let host = Memory::new().file("/lib/default.nix", "{ seven = 7; }");
/// let engine = Engine::builder().host(host).search_path("lib", "/lib").build();
/// let mut evaluator = engine.evaluator();
/// let value = evaluator.eval("(import <lib>).seven")?;
/// assert_eq!(evaluator.to_json(&value)?, "7");
/// # Ok::<(), frazil::Error>(())
/// ```
#[must_use]
pub struct Builder {
    host: Option<Arc<dyn Host>>,
    settings: Settings,
    limits: Limits,
    additions: Additions,
}

impl Builder {
    /// The world outside; an empty [`Memory`] if none is given.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().host(frazil::Memory::new().env("USER", "nobody")).build();
    /// let mut evaluator = engine.evaluator();
    /// let user = evaluator.eval("builtins.getEnv \"USER\"")?;
    /// assert_eq!(evaluator.to_json(&user)?, "\"nobody\"");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn host(mut self, host: impl Host + 'static) -> Builder {
        self.host = Some(Arc::new(host));
        self
    }

    /// Keeps the code of files in a cache on disk, so that they are not parsed again, by whatever process; and listings of
    /// directories. What has the [`Host::stamp`] that it had is neither read nor listed again, but for files if
    /// [`Builder::on_event`] is to be told of them. By default nothing is written anywhere.
    ///
    /// ```
    /// use frazil::{Cache, Disk, Engine};
    ///
    /// let dir = std::env::temp_dir().join("frazil-example-cache");
    /// let engine = Engine::builder().host(Disk).cache(&Cache::new(&dir, 1 << 30)).build();
    /// assert!(engine.evaluator().eval("1 + 1").is_ok());
    /// ```
    #[cfg(feature = "disk")]
    pub fn cache(mut self, cache: &frazil_engine::Cache) -> Builder {
        self.additions.cache = Some(cache.clone());
        self
    }

    /// What an evaluation may use.
    ///
    /// ```
    /// use frazil::{Engine, ErrorKind, Limits};
    ///
    /// let engine = Engine::builder().limits(Limits { steps: 10_000, ..Limits::default() }).build();
    /// let sum = "builtins.foldl' (a: b: a + b) 0 (builtins.genList (n: n) 1000000)";
    /// let error = engine.evaluator().eval(sum).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Steps);
    /// ```
    pub fn limits(mut self, limits: Limits) -> Builder {
        self.limits = limits;
        self
    }

    /// Adds an entry to the search path of `<…>`; an empty name stands for all that is in `path`.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().search_path("", "/parts").build();
    /// let mut evaluator = engine.evaluator();
    /// let value = evaluator.eval("builtins.length builtins.nixPath")?;
    /// assert_eq!(evaluator.to_json(&value)?, "1");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn search_path(mut self, name: impl AsRef<[u8]>, path: impl AsRef<[u8]>) -> Builder {
        self.settings.nix_path.push((name.as_ref().to_vec(), path.as_ref().to_vec()));
        self
    }

    /// `builtins.currentSystem`; `x86_64-linux` if none is given.
    ///
    /// ```
    /// let _ = frazil::Engine::builder().system("aarch64-darwin").build();
    /// ```
    pub fn system(mut self, system: &str) -> Builder {
        self.settings.system = system.as_bytes().to_vec();
        self
    }

    /// The directory of store paths; `/nix/store` if none is given. What is no absolute path changes nothing.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::builder().store_dir("/gnu/store").build().evaluator();
    /// let value = evaluator.eval("builtins.storeDir")?;
    /// assert_eq!(evaluator.to_json(&value)?, "\"/gnu/store\"");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn store_dir(mut self, directory: &str) -> Builder {
        self.settings.store_dir = StoreDir::new(directory).unwrap_or(self.settings.store_dir);
        self
    }

    /// Whether values that are printed without being forced show as unevaluated what CppNix does not evaluate. By default small
    /// values are made at once, which is faster.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::builder().patient(true).build().evaluator();
    /// let text = evaluator.enter(|scope| {
    ///     let v = scope.eval("{ f = x: x; }")?;
    ///     scope.print(v)
    /// })?;
    /// assert_eq!(text, b"{ f = <CODE>; }");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn patient(mut self, patient: bool) -> Builder {
        self.settings.patient = patient;
        self
    }

    /// The directory that `~/` paths start from.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::builder().home("/home/me").build().evaluator();
    /// let value = evaluator.eval("toString ~/x")?;
    /// assert_eq!(evaluator.to_json(&value)?, "\"/home/me/x\"");
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn home(mut self, directory: impl AsRef<[u8]>) -> Builder {
        self.settings.home = Some(directory.as_ref().to_vec());
        self
    }

    /// What changes answers among the settings of `nix.conf`; its depth of calls becomes the limit's.
    ///
    /// ```
    /// use frazil::{Engine, settings::{Nothing, Settings}};
    ///
    /// let mut settings = Settings::load(&Nothing)?;
    /// settings.set("system", "i686-linux")?;
    /// let mut evaluator = Engine::builder().settings(&settings).build().evaluator();
    /// let value = evaluator.eval("builtins.currentSystem").unwrap();
    /// assert_eq!(evaluator.to_json(&value).unwrap(), "\"i686-linux\"");
    /// # Ok::<(), frazil::settings::SettingsError>(())
    /// ```
    pub fn settings(mut self, settings: &settings::Settings) -> Builder {
        use settings::Feature;
        self.limits.depth = settings.max_call_depth();
        self.settings = Settings {
            system: settings.current_system().as_bytes().to_vec(),
            pure: settings.pure_eval(),
            restricted: settings.restrict_eval(),
            trace_verbose: settings.trace_verbose(),
            abort_on_warn: settings.abort_on_warn(),
            trace_calls: settings.trace_function_calls(),
            pipe_operators: settings.has_feature(Feature::PipeOperators),
            toml_timestamps: settings.has_feature(Feature::ParseTomlTimestamps),
            lints: settings.lints(),
            features: Features {
                flakes: settings.has_feature(Feature::Flakes),
                fetch_tree: settings.has_feature(Feature::FetchTree),
                fetch_closure: settings.has_feature(Feature::FetchClosure),
                verified_fetches: settings.has_feature(Feature::VerifiedFetches),
                dynamic_derivations: settings.has_feature(Feature::DynamicDerivations),
                ca_derivations: settings.has_feature(Feature::CaDerivations),
                impure_derivations: settings.has_feature(Feature::ImpureDerivations),
                git_hashing: settings.has_feature(Feature::GitHashing),
                blake3_hashes: settings.has_feature(Feature::Blake3Hashes),
            },
            imports_builds: settings.allow_import_from_derivation(),
            allowed_uris: settings.allowed_uris().to_vec(),
            ..self.settings
        };
        self
    }

    /// Tells events to the embedder, and messages to nobody else.
    ///
    /// ```
    /// use frazil::Event;
    ///
    /// let engine = frazil::Engine::builder().on_event(|event| {
    ///     if let Event::Warn(text) = event {
    ///         assert_eq!(*text, "careful");
    ///     }
    /// });
    /// engine.build().evaluator().eval("builtins.warn \"careful\" 1")?;
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn on_event(mut self, on_event: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Builder {
        self.additions.on_event = Some(Arc::new(on_event));
        self
    }

    /// Asks every few milliseconds whether the evaluation at work is to end, on its own thread.
    ///
    /// ```
    /// # #[cfg(feature = "disk")] {
    /// let engine = frazil::Engine::builder().host(frazil::Disk).interrupt(|| true).build();
    /// let endless = "let f = x: f x; in builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }";
    /// assert_eq!(engine.evaluator().eval(endless).unwrap_err().kind(), frazil::ErrorKind::Cancelled);
    /// # }
    /// ```
    pub fn interrupt(mut self, interrupt: impl Fn() -> bool + Send + Sync + 'static) -> Builder {
        self.additions.interrupt = Some(Arc::new(interrupt));
        self
    }

    /// Puts a function into scope everywhere, from the JSON text of the list of its arguments to that of its result. It
    /// takes from one argument to [`crate::MAX_ARITY`]. A panic in it is its error. [`Builder::function`] converts.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().json_function("echo", 1, |arguments| Ok(arguments.to_vec())).build();
    /// let mut evaluator = engine.evaluator();
    /// let value = evaluator.eval("echo { a = 1; }")?;
    /// assert_eq!(evaluator.to_json(&value)?, r#"[{"a":1}]"#);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn json_function(
        mut self,
        name: &str,
        arity: usize,
        run: impl Fn(&[u8]) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Builder {
        let run = move |arguments: &[u8]| {
            let answer = catch_unwind(AssertUnwindSafe(|| run(arguments)));
            answer.unwrap_or_else(|panic| Err(format!("it panicked: {}", panic_text(&*panic))))
        };
        let function = Function { name: name.to_owned(), run: Arc::new(run) };
        self.additions.functions.push((arity.clamp(1, frazil_engine::MAX_ARITY), function));
        self
    }

    /// Puts a function of one argument into scope everywhere, by serde. What takes several arguments takes a set, as it
    /// would in Nix; or see [`Builder::json_function`].
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Size { width: u32, height: u32 }
    ///
    /// let engine = frazil::Engine::builder()
    ///     .function("area", |size: Size| Ok::<u32, String>(size.width * size.height))
    ///     .function("fail", |(): ()| Err::<(), &str>("no luck"))
    ///     .build();
    /// let mut evaluator = engine.evaluator();
    /// let value = evaluator.eval("area { width = 2; height = 3; }")?;
    /// assert_eq!(evaluator.to::<u32>(&value)?, 6);
    /// let error = evaluator.eval("fail null").unwrap_err();
    /// assert_eq!((error.kind(), error.message()), (frazil::ErrorKind::Embedder, "no luck"));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    pub fn function<A, R, E>(
        self,
        name: &str,
        run: impl Fn(A) -> Result<R, E> + Send + Sync + 'static,
    ) -> Builder
    where
        A: serde::de::DeserializeOwned,
        R: serde::Serialize,
        E: std::fmt::Display,
    {
        self.json_function(name, 1, move |arguments| {
            let reader = &mut serde_json::Deserializer::from_slice(arguments);
            let (argument,): (A,) = serde_path_to_error::deserialize(reader)
                .map_err(|error| format!("its argument does not fit: {}", error.inner()))?;
            let answer = run(argument).map_err(|error| error.to_string())?;
            serde_json::to_vec(&answer).map_err(|error| error.to_string())
        })
    }

    /// Puts a value into scope everywhere.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().global("ports", &[80, 443])?.build();
    /// let mut evaluator = engine.evaluator();
    /// let value = evaluator.eval("builtins.elemAt ports 1")?;
    /// assert_eq!(evaluator.to::<u16>(&value)?, 443);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    #[cfg(feature = "serde")]
    pub fn global<T: serde::Serialize + ?Sized>(
        mut self,
        name: &str,
        value: &T,
    ) -> Result<Builder, crate::Error> {
        let invalid = |text: String| crate::Error::new(frazil_engine::ErrorKind::Type, text);
        let json = serde_json::to_vec(value).map_err(|error| invalid(error.to_string()))?;
        // What it refuses now cannot fail when an evaluator is made.
        Engine::new().evaluator().enter(|scope| scope.read_json(&json).map(|_| ()))?;
        self.additions.globals.push((name.to_owned(), json));
        Ok(self)
    }

    /// Evaluation in a world where only what is named by its hash can be seen: `pure-eval`.
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::builder().pure(true).build().evaluator();
    /// assert!(evaluator.eval("builtins.currentTime").is_err());
    /// ```
    pub fn pure(mut self, pure: bool) -> Builder {
        self.settings.pure = pure;
        self
    }

    /// The engine.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().build();
    /// assert!(engine.evaluator().eval("true").is_ok());
    /// ```
    pub fn build(self) -> Engine {
        let host = self.host.unwrap_or_else(|| Arc::new(Memory::new()));
        let (settings, additions) = (Arc::new(self.settings), Arc::new(self.additions));
        Engine { host, settings, limits: self.limits, additions }
    }
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}
