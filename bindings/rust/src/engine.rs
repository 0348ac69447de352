//! What evaluators share: the world outside, what changes answers, what may be used.

use crate::{Evaluator, Memory};
use frazil_engine::{Features, Host, Limits, Settings, StoreDir, settings};
use std::sync::Arc;

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
        Builder { host: None, settings: Settings::default(), limits: Limits::default() }
    }

    /// An evaluator with an empty heap.
    ///
    /// ```
    /// let engine = frazil::Engine::new();
    /// let (mut one, mut other) = (engine.evaluator(), engine.evaluator());
    /// assert!(one.eval("1").is_ok() && other.eval("2").is_ok());
    /// ```
    pub fn evaluator(&self) -> Evaluator {
        Evaluator::new(self.host.clone(), Settings::clone(&self.settings), self.limits.clone())
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
    /// use frazil::{Engine, settings::Settings};
    /// # struct Nothing;
    /// # impl frazil::settings::Outside for Nothing {
    /// #     fn variable(&self, _: &str) -> Option<String> { None }
    /// #     fn read(&self, _: &str) -> Result<String, frazil::settings::Unreadable> {
    /// #         Err(frazil::settings::Unreadable::Missing)
    /// #     }
    /// #     fn exists(&self, _: &str) -> bool { false }
    /// #     fn working_directory(&self) -> String { "/".to_owned() }
    /// # }
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

    /// The engine.
    ///
    /// ```
    /// let engine = frazil::Engine::builder().build();
    /// assert!(engine.evaluator().eval("true").is_ok());
    /// ```
    pub fn build(self) -> Engine {
        let host = self.host.unwrap_or_else(|| Arc::new(Memory::new()));
        Engine { host, settings: Arc::new(self.settings), limits: self.limits }
    }
}
