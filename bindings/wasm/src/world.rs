//! A world that is filled from outside, and the answers of its evaluations.

use frazil::settings::{Outside, Settings, Unreadable};
use frazil::{Engine, Error, ErrorKind, EvalSpec, Memory, Source};

/// Files, environment, search path and settings.
pub struct World {
    /// Files and environment.
    pub host: Memory,
    /// Names and paths of the search path.
    pub search: Vec<(Vec<u8>, Vec<u8>)>,
    settings: Settings,
}

/// What an evaluation came to.
pub struct Answer {
    /// Whether it is a value.
    pub ok: bool,
    /// The value, or the error as CppNix prints it.
    pub text: Vec<u8>,
}

/// How a value is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As Nix.
    Plain,
    /// As XML without places.
    Xml,
    /// As JSON.
    Json,
}

/// No settings come from files or variables.
struct Nothing;

impl Outside for Nothing {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn read(&self, _: &str) -> Result<String, Unreadable> {
        Err(Unreadable::Missing)
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn working_directory(&self) -> String {
        "/".to_owned()
    }
}

impl Default for World {
    fn default() -> World {
        let settings = Settings::load(&Nothing).expect("where nothing is set, nothing is set wrongly");
        World { host: Memory::new(), search: Vec::new(), settings }
    }
}

impl World {
    /// Changes the host, whose methods take it by value.
    pub fn with_host(&mut self, change: impl FnOnce(Memory) -> Memory) {
        self.host = change(std::mem::take(&mut self.host));
    }

    /// Sets a setting of nix.conf; answers whether it could be.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let outcome = self.settings.set(name, value);
        self.settings.finish();
        outcome.is_ok()
    }

    /// Evaluates a text to the bottom.
    pub fn eval(&self, text: &[u8], form: Form) -> Answer {
        match self.try_eval(text, form) {
            Ok(text) => Answer { ok: true, text },
            Err(error) => Answer { ok: false, text: error.render().as_bytes().to_vec() },
        }
    }

    fn try_eval(&self, text: &[u8], form: Form) -> Result<Vec<u8>, Error> {
        let mut builder = Engine::builder().host(self.host.clone()).settings(&self.settings);
        for (name, path) in &self.search {
            builder = builder.search_path(name, path);
        }
        if let Some(home) = frazil::Host::env(&self.host, b"HOME") {
            builder = builder.home(home);
        }
        builder.build().evaluator().enter(|scope| {
            let v = scope.eval(Source::text(text, "/"))?;
            let v = scope.force_deep(v)?;
            match form {
                Form::Plain => scope.print(v),
                Form::Xml => scope.to_xml(v, true, false),
                Form::Json => scope.to_json(v, true).map(String::into_bytes),
            }
        })
    }
}

/// Evaluates a spec to its data.
pub(crate) fn run(spec: &[u8]) -> Answer {
    let data = || -> Result<Vec<u8>, Error> {
        let invalid = |error: serde_json::Error| Error::new(ErrorKind::Type, error.to_string());
        let spec: EvalSpec = serde_json::from_slice(spec).map_err(invalid)?;
        let (_, value) = spec.open()?;
        Ok(value.to::<serde_json::Value>()?.to_string().into_bytes())
    };
    match data() {
        Ok(text) => Answer { ok: true, text },
        Err(error) => Answer { ok: false, text: serde_json::to_vec(&error).unwrap_or_default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_evaluates() {
        let mut world = World::default();
        world.with_host(|host| host.file("/x.nix", "[ <y> ]"));
        world.search.push((b"y".to_vec(), b"/x.nix".to_vec()));
        let answer = world.eval(b"import /x.nix", Form::Plain);
        assert_eq!((answer.ok, answer.text), (true, b"[ /x.nix ]".to_vec()));
        assert!(!world.eval(b"1 +", Form::Json).ok);
    }
}
