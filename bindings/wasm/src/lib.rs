//! Frazil as WebAssembly: what `js/frazil.ts` makes JavaScript's own. Data and errors cross as JSON texts, each once as a
//! whole.

mod check;
mod scripts;
mod world;

use frazil::{Error, ErrorKind, EvalSpec, Evaluator, JobOptions, Memory, Options, Root, Source, Type, View};
use scripts::Script;
use serde_json::json;
use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;
pub use world::Tree;
use world::World;

/// An error as the JSON that is thrown.
fn thrown(error: Error) -> String {
    serde_json::to_string(&error).unwrap_or_default()
}

fn invalid(error: impl std::fmt::Display) -> String {
    thrown(Error::new(ErrorKind::Type, error.to_string()))
}

thread_local! {
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Makes room, and keeps what a panic says for [`last_panic`]; nothing else of it leaves the module.
#[wasm_bindgen(start)]
pub fn start() {
    // Memory grows slowly in small steps, and what was free once stays at hand; it costs nothing before it is used.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(64 << 20)));
    std::panic::set_hook(Box::new(|panic| PANIC.with_borrow_mut(|text| *text = panic.to_string())));
}

/// What the last panic said.
#[wasm_bindgen]
pub fn last_panic() -> String {
    PANIC.with_borrow(String::clone)
}

/// Evaluates a spec, which is JSON, to the JSON of its data.
#[wasm_bindgen]
pub fn run(spec: &str) -> Result<String, String> {
    let spec: EvalSpec = serde_json::from_str(spec).map_err(invalid)?;
    let (_, value) = spec.open().map_err(thrown)?;
    value.to::<serde_json::Value>().map(|data| data.to_string()).map_err(thrown)
}

/// An evaluator that is being set up.
#[wasm_bindgen]
pub struct Builder {
    builder: Option<frazil::Builder>,
    files: Memory,
    trees: Vec<Memory>,
}

#[wasm_bindgen]
impl Builder {
    /// By options as JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str) -> Result<Builder, String> {
        let options: Options = serde_json::from_str(options).map_err(invalid)?;
        let builder = options.builder().map_err(thrown)?;
        Ok(Builder { builder: Some(builder), files: Memory::new(), trees: Vec::new() })
    }

    fn change(&mut self, change: impl FnOnce(frazil::Builder) -> frazil::Builder) {
        self.builder = self.builder.take().map(change);
    }

    fn with_files(&mut self, change: impl FnOnce(Memory) -> Memory) {
        self.files = change(std::mem::take(&mut self.files));
    }

    /// Adds a file.
    pub fn file(&mut self, path: &str, contents: &[u8], executable: bool) {
        self.with_files(|files| {
            if executable { files.executable(path, contents) } else { files.file(path, contents) }
        });
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.with_files(|files| files.link(path, target));
    }

    /// Sets a variable of the environment.
    pub fn env(&mut self, name: &str, value: &str) {
        self.with_files(|files| files.env(name, value));
        if name == "HOME" {
            self.change(|builder| builder.home(value));
        }
    }

    /// Adds an entry to the search path.
    pub fn search(&mut self, name: &str, path: &str) {
        self.change(|builder| builder.search_path(name, path));
    }

    /// Adds the files of a tree, below those that are there.
    pub fn tree(&mut self, tree: &Tree) {
        self.trees.push(tree.files.clone());
    }

    /// Whether what is not evaluated stays so where it does in CppNix.
    pub fn patient(&mut self, patient: bool) {
        self.change(|builder| builder.patient(patient));
    }

    /// Adds a function from the JSON of its arguments to that of `{ "ok": … }` or `{ "error": … }`.
    pub fn function(&mut self, name: &str, arity: usize, run: js_sys::Function) {
        let script = Script::new(run);
        self.change(|builder| builder.json_function(name, arity, move |arguments| script.answer(arguments)));
    }

    /// Adds a value as JSON.
    pub fn global(&mut self, name: &str, json: &str) -> Result<(), String> {
        let value: serde_json::Value = serde_json::from_str(json).map_err(invalid)?;
        if let Some(builder) = self.builder.take() {
            self.builder = Some(builder.global(name, &value).map_err(thrown)?);
        }
        Ok(())
    }

    /// Tells events by their kind and text.
    pub fn on_event(&mut self, run: js_sys::Function) {
        let script = Script::new(run);
        self.change(|builder| {
            builder.on_event(move |event| match event {
                frazil::Event::Trace(text) => script.tell("trace", text),
                frazil::Event::Warn(text) => script.tell("warn", text),
                frazil::Event::Read(text) => script.tell("read", text),
                frazil::Event::Derivation(text) => script.tell("derivation", text),
                frazil::Event::Message(text) => script.tell("message", text),
                _ => {}
            })
        });
    }

    /// Asks every few milliseconds whether the evaluation at work is to end.
    pub fn interrupt(&mut self, run: js_sys::Function) {
        let script = Script::new(run);
        self.change(|builder| builder.interrupt(move || script.is_true()));
    }

    /// The evaluator.
    pub fn build(mut self, keep_derivations: bool) -> Result<Session, String> {
        let builder = self.builder.take().ok_or("an error came before")?;
        let layers = std::iter::once(self.files).chain(self.trees).collect();
        let session = builder.host(World { layers }).build().session();
        if keep_derivations {
            let keep = |evaluator: &mut Evaluator| {
                evaluator.keep_derivations();
                Ok(())
            };
            session.with(keep).map_err(thrown)?;
        }
        Ok(Session(session))
    }
}

/// An evaluator.
#[wasm_bindgen]
pub struct Session(frazil::Session);

#[wasm_bindgen]
impl Session {
    fn with<R>(&self, work: impl FnOnce(&mut Evaluator) -> R) -> Result<R, String> {
        self.0.with(|evaluator| Ok(work(evaluator))).map_err(thrown)
    }

    /// The value of a text, with the directory that its paths start from, or of a file.
    pub fn eval(&self, text: &str, base: Option<String>) -> Result<Value, String> {
        let source = match base {
            Some(base) => Source::text(text, base),
            None => Source::file(text),
        };
        self.0.eval(source).map(Value).map_err(thrown)
    }

    /// The value of data as JSON.
    pub fn value(&self, json: &str) -> Result<Value, String> {
        let data: serde_json::Value = serde_json::from_str(json).map_err(invalid)?;
        self.0.to_value(&data).map(Value).map_err(thrown)
    }

    /// The set of these values.
    pub fn set(&self, names: Vec<String>, values: Vec<Value>) -> Result<Value, String> {
        let members: Vec<_> = names.into_iter().zip(values.into_iter().map(|value| value.0)).collect();
        self.0.set(&members).map(Value).map_err(thrown)
    }

    /// All that is wrong with a text before it runs, and lints if they are wanted, as JSON.
    pub fn check(&self, text: &str, base: &str, lints: bool, utf16: bool) -> Result<String, String> {
        self.with(|evaluator| check::check(evaluator, text, base, lints, utf16).to_string())
    }

    /// A text as a room of the evaluator has it: `tokens`, `tree`, `ir` or `bytecode`.
    pub fn explain(&self, view: &str, text: &str, base: &str) -> Result<String, String> {
        let view = match view {
            "tokens" => View::Tokens,
            "tree" => View::Tree,
            "ir" => View::Ir,
            "bytecode" => View::Bytecode,
            _ => return Err(invalid(format!("there is no view '{view}'"))),
        };
        self.0.with(|evaluator| evaluator.explain(view, Source::text(text, base))).map_err(thrown)
    }

    /// A program as CppNix prints it.
    pub fn parse(&self, text: &str, base: &str) -> Result<Vec<u8>, String> {
        self.0
            .with(|evaluator| evaluator.enter(|scope| scope.parse(Source::text(text, base))))
            .map_err(thrown)
    }

    /// Names that mean something in every program, as JSON.
    pub fn globals(&self) -> Result<String, String> {
        self.with(|evaluator| json!(evaluator.globals()).to_string())
    }

    /// From now on notes so many thunks that begin to run.
    pub fn watch_forces(&self, room: usize) -> Result<(), String> {
        self.with(|evaluator| evaluator.watch_forces(room))
    }

    /// What was forced, as JSON.
    pub fn forces(&self) -> Result<String, String> {
        self.with(|evaluator| {
            let forces: Vec<_> = evaluator.forces();
            let mut shown = Vec::new();
            for force in forces {
                let (kind, text) = evaluator.enter(|scope| {
                    let v = scope.value(&force.value);
                    preview(scope, v)
                });
                let at =
                    force.position.map(|at| json!({ "file": at.file, "line": at.line, "column": at.column }));
                shown.push(json!({ "position": at, "depth": force.depth, "kind": kind, "text": text }));
            }
            serde_json::Value::Array(shown).to_string()
        })
    }

    /// A walk over the jobs of a value, by options as JSON.
    pub fn jobs(&self, value: &Value, options: &str) -> Result<Jobs, String> {
        let options: JobOptions = serde_json::from_str(options).map_err(invalid)?;
        let jobs = self.0.jobs(&value.0, options).map_err(thrown)?;
        Ok(Jobs { session: self.0.clone(), jobs })
    }

    /// Frees what nothing needs; answers the bytes still live.
    pub fn collect(&self) -> Result<f64, String> {
        self.0.collect().map(|bytes| bytes as f64).map_err(thrown)
    }

    /// What was asked of the world outside, as JSON.
    pub fn inputs(&self) -> Result<String, String> {
        let inputs = self.0.inputs().map_err(thrown)?;
        let json = json!({
            "files": inputs.files, "directories": inputs.directories,
            "lookedAt": inputs.looked_at, "variables": inputs.variables,
        });
        Ok(json.to_string())
    }

    /// What was counted, as JSON.
    pub fn counts(&self) -> Result<String, String> {
        let counts = self.0.counts().map_err(thrown)?;
        let stats = counts.stats;
        let json = json!({
            "thunks": stats.thunks, "forced": stats.forced, "calls": stats.calls, "builtinCalls": stats.builtin_calls,
            "files": stats.files, "derivations": stats.derivations,
            "allocatedBytes": counts.allocated, "reservedBytes": counts.reserved,
        });
        Ok(json.to_string())
    }

    /// The texts of derivations and of all that they depend on, as JSON by path.
    pub fn derivation_closure(&self, paths: Vec<String>) -> Result<String, String> {
        self.with(|evaluator| {
            let closure = evaluator.derivation_closure(&paths).into_iter();
            let texts = closure.map(|(path, text)| (path, String::from_utf8_lossy(text).into_owned().into()));
            serde_json::Value::Object(texts.collect()).to_string()
        })
    }

    /// What the derivation at a path says, as JSON, if it is kept.
    pub fn derivation_file(&self, path: &str) -> Result<Option<String>, String> {
        self.with(|evaluator| evaluator.derivation_file(path).map(|file| drv(path, &file).to_string()))
    }
}

fn drv(path: &str, file: &frazil::DrvFile) -> serde_json::Value {
    json!({
        "drvPath": path, "name": file.name, "system": file.system, "builder": file.builder,
        "outputs": file.outputs, "inputDrvs": file.input_drvs, "inputSrcs": file.input_srcs,
    })
}

/// A walk over jobs.
#[wasm_bindgen]
pub struct Jobs {
    session: frazil::Session,
    jobs: frazil::Jobs,
}

#[wasm_bindgen]
impl Jobs {
    /// The next job as JSON.
    #[expect(clippy::should_implement_trait, reason = "JavaScript knows no traits")]
    pub fn next(&mut self) -> Result<Option<String>, String> {
        let next =
            |evaluator: &mut Evaluator| Ok(self.jobs.next(evaluator).map(|job| job.to_json().to_string()));
        self.session.with(next).map_err(thrown)
    }
}

/// What a value is, and in one short line what there is to see of it without evaluating anything.
fn preview<'v>(scope: &mut frazil::Scope<'_, 'v>, v: frazil::Value<'v>) -> (&'static str, String) {
    /// Longer texts are cut.
    const ROOM: usize = 200;
    let kind = scope.type_of(v);
    let text = match kind {
        Type::Thunk => String::new(),
        Type::List => scope.len(v).map_or(String::new(), |n| format!("[ {n} ]")),
        Type::Attrs => scope.len(v).map_or(String::new(), |n| format!("{{ {n} }}")),
        // A long string need not be copied to be cut.
        _ => scope.show(v),
    };
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => (kind.name(), format!("{}…", &text[..end])),
        None => (kind.name(), text),
    }
}

/// A value of an evaluator, which may not be evaluated yet.
#[wasm_bindgen]
pub struct Value(Root);

#[wasm_bindgen]
impl Value {
    /// The same value again, since calls take theirs.
    pub fn again(&self) -> Value {
        Value(self.0.clone())
    }

    /// What the value is, as far as it is evaluated.
    pub fn kind(&self) -> Result<String, String> {
        self.0.type_of().map(|kind| kind.name().to_owned()).map_err(thrown)
    }

    /// Evaluates the value, not what it holds.
    pub fn force(&self) -> Result<String, String> {
        self.0.force().map(|kind| kind.name().to_owned()).map_err(thrown)
    }

    /// An attribute.
    pub fn get(&self, name: &str) -> Result<Option<Value>, String> {
        self.0.get(name).map(|found| found.map(Value)).map_err(thrown)
    }

    /// An element.
    pub fn index(&self, index: usize) -> Result<Option<Value>, String> {
        self.0.index(index).map(|found| found.map(Value)).map_err(thrown)
    }

    /// The value at an attribute path.
    pub fn path(&self, path: &str) -> Result<Value, String> {
        self.0.path(path).map(Value).map_err(thrown)
    }

    /// The result of a call.
    pub fn call(&self, values: Vec<Value>) -> Result<Value, String> {
        let arguments: Vec<&Root> = values.iter().map(|value| &value.0).collect();
        self.0.call(&arguments).map(Value).map_err(thrown)
    }

    /// The value as JSON that JavaScript reads without loss.
    pub fn data(&self, bigint: bool) -> Result<String, String> {
        self.0.to_javascript(bigint).map_err(thrown)
    }

    /// The value as `builtins.toJSON` writes it.
    pub fn json(&self) -> Result<String, String> {
        self.0.to_json().map_err(thrown)
    }

    /// The value in the language's own words, in its own bytes.
    pub fn nix(&self, deep: bool) -> Result<Vec<u8>, String> {
        self.look(|scope, v| {
            let v = if deep { scope.force_deep(v)? } else { scope.force(v)? };
            scope.print(v)
        })
    }

    /// The value as XML without places.
    pub fn xml(&self) -> Result<Vec<u8>, String> {
        self.look(|scope, v| scope.to_xml(v, true, false))
    }

    /// The text that the value is coerced to.
    pub fn text(&self) -> Result<String, String> {
        self.0.coerce().map_err(thrown)
    }

    /// How many elements or attributes there are.
    pub fn length(&self) -> Result<Option<usize>, String> {
        self.0.len().map_err(thrown)
    }

    /// The names of a set.
    pub fn names(&self) -> Result<Vec<String>, String> {
        self.0.names().map_err(thrown)
    }

    /// What the value holds, from the first on, as JSON: for each attribute or element its name, what it is and a short text,
    /// evaluating nothing.
    pub fn entries(&self, first: usize, count: usize) -> Result<String, String> {
        self.look(|scope, v| {
            let members: Vec<(Option<Vec<u8>>, frazil::Value<'_>)> = match scope.type_of(v) {
                Type::List => scope.items(v).into_iter().map(|v| (None, v)).collect(),
                _ => scope.attrs(v).into_iter().map(|(name, v)| (Some(name), v)).collect(),
            };
            let shown = members.into_iter().enumerate().skip(first).take(count).map(|(i, (name, v))| {
                let name =
                    name.map_or_else(|| i.to_string(), |name| String::from_utf8_lossy(&name).into_owned());
                let (kind, text) = preview(scope, v);
                json!([name, kind, text])
            });
            Ok(serde_json::Value::from_iter(shown).to_string())
        })
    }

    /// What there is to know about a function, as JSON.
    pub fn about(&self) -> Result<Option<String>, String> {
        self.look(|scope, v| {
            let about = scope.about(v);
            Ok(about.map(|about| {
                let at =
                    about.position.map(|at| json!({ "file": at.file, "line": at.line, "column": at.column }));
                json!({ "doc": about.doc, "position": at }).to_string()
            }))
        })
    }

    /// A short text, evaluating nothing.
    pub fn preview(&self) -> Result<String, String> {
        self.look(|scope, v| Ok(preview(scope, v).1))
    }

    /// Whether the value is a derivation.
    pub fn is_derivation(&self) -> Result<bool, String> {
        self.0.is_derivation().map_err(thrown)
    }

    /// The derivation that the value is, as JSON.
    pub fn derivation(&self) -> Result<Option<String>, String> {
        let found = self.0.derivation().map_err(thrown)?;
        Ok(found.map(|(path, file)| match file {
            None => json!({ "drvPath": path }).to_string(),
            Some(file) => drv(&path, &file).to_string(),
        }))
    }

    fn look<R>(
        &self,
        work: impl for<'v> FnOnce(&mut frazil::Scope<'_, 'v>, frazil::Value<'v>) -> Result<R, Error>,
    ) -> Result<R, String> {
        let handle = self.0.handle();
        let enter = |evaluator: &mut Evaluator| {
            evaluator.enter(|scope| {
                let v = scope.value(handle);
                work(scope, v)
            })
        };
        self.0.session().with(enter).map_err(thrown)
    }
}
