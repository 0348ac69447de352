//! Plain data in and out of values, by serde.

use crate::{Error, ErrorKind, Evaluator, Handle, Scope, Sink, Source, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value as Json};
use std::ops::ControlFlow;

/// How deeply data may be nested, since deserializers recurse; serde_json's number.
const MAX_DEPTH: usize = 128;

/// Builds JSON of what it is told.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    done: Option<Json>,
    /// What JSON has no form for.
    fault: Option<&'static str>,
}

enum Open {
    List(Vec<Json>),
    Set(Map<String, Json>, String),
}

impl Builder {
    fn put(&mut self, json: Json) -> ControlFlow<()> {
        match self.open.last_mut() {
            None => self.done = Some(json),
            Some(Open::List(items)) => items.push(json),
            Some(Open::Set(attrs, name)) => {
                attrs.insert(std::mem::take(name), json);
            }
        }
        ControlFlow::Continue(())
    }

    fn fail(&mut self, fault: &'static str) -> ControlFlow<()> {
        self.fault = Some(fault);
        ControlFlow::Break(())
    }
}

impl Sink for Builder {
    fn null(&mut self) -> ControlFlow<()> {
        self.put(Json::Null)
    }

    fn bool(&mut self, b: bool) -> ControlFlow<()> {
        self.put(b.into())
    }

    fn int(&mut self, n: i64) -> ControlFlow<()> {
        self.put(n.into())
    }

    fn float(&mut self, f: f64) -> ControlFlow<()> {
        match Number::from_f64(f) {
            Some(number) => self.put(Json::Number(number)),
            None => self.fail("a float that is not finite is no data"),
        }
    }

    fn string(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.put(text.into()),
            Err(_) => self.fail("a string that is not UTF-8 is no data"),
        }
    }

    fn begin_list(&mut self, _: usize) -> ControlFlow<()> {
        // Memory is taken as elements come, since each of them is paid for.
        self.open.push(Open::List(Vec::new()));
        ControlFlow::Continue(())
    }

    fn begin_set(&mut self, _: usize) -> ControlFlow<()> {
        self.open.push(Open::Set(Map::new(), String::new()));
        ControlFlow::Continue(())
    }

    fn name(&mut self, _: u32, bytes: &[u8]) -> ControlFlow<()> {
        if let Some(Open::Set(_, name)) = self.open.last_mut() {
            *name = String::from_utf8_lossy(bytes).into_owned();
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self) -> ControlFlow<()> {
        match self.open.pop() {
            Some(Open::List(items)) => self.put(items.into()),
            Some(Open::Set(attrs, _)) => self.put(attrs.into()),
            None => ControlFlow::Continue(()),
        }
    }
}

impl<'v> Scope<'_, 'v> {
    /// A value as a type of the embedder's, forced with all that it holds. Sets with `outPath` or `__toString` stand for
    /// that string; paths are strings. The error says which attribute does not fit.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Server { name: String, ports: Vec<u16> }
    ///
    /// frazil::Engine::new().evaluator().enter(|scope| {
    ///     let v = scope.eval("{ name = \"a\" + \"b\"; ports = map (x: x + 1) [ 79 ]; }")?;
    ///     let server: Server = scope.to(v)?;
    ///     assert_eq!((server.name.as_str(), server.ports.as_slice()), ("ab", &[80][..]));
    ///     Ok::<(), frazil::Error>(())
    /// })?;
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to<T: DeserializeOwned>(&mut self, v: Value<'v>) -> Result<T, Error> {
        let mut builder = Builder::default();
        self.walk(v, MAX_DEPTH, &mut builder)?;
        if let Some(fault) = builder.fault {
            return Err(Error::new(ErrorKind::Type, fault));
        }
        let json = builder.done.unwrap_or(Json::Null);
        serde_path_to_error::deserialize(json).map_err(|error| {
            let (path, text) = (error.path().to_string(), error.inner());
            let place = if path == "." { String::new() } else { format!("at '{path}': ") };
            Error::new(ErrorKind::Type, format!("{place}{text}"))
        })
    }

    /// The value of the embedder's data, which is to have a form in JSON.
    ///
    /// ```
    /// frazil::Engine::new().evaluator().enter(|scope| {
    ///     let v = scope.to_value(&vec![1, 2, 3])?;
    ///     assert_eq!(scope.items(v).len(), 3);
    ///     Ok::<(), frazil::Error>(())
    /// })?;
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to_value<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<Value<'v>, Error> {
        let json = serde_json::to_vec(data);
        let json = json.map_err(|error| Error::new(ErrorKind::Type, error.to_string()))?;
        self.read_json(json)
    }
}

impl Evaluator {
    /// A value as a type of the embedder's; see [`Scope::to`].
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let value = evaluator.eval("[ 1 2 ]")?;
    /// assert_eq!(evaluator.to::<Vec<u8>>(&value)?, [1, 2]);
    /// let value = evaluator.eval("{ a.b = [ 1 \"x\" ]; }")?;
    /// let error = evaluator.to::<std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<u8>>>>(&value);
    /// assert!(error.unwrap_err().message().starts_with("at 'a.b[1]': invalid type"));
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to<T: DeserializeOwned>(&mut self, value: &Handle) -> Result<T, Error> {
        self.enter(|scope| {
            let v = scope.value(value);
            scope.to(v)
        })
    }

    /// The value of the embedder's data; see [`Scope::to_value`].
    ///
    /// ```
    /// let mut evaluator = frazil::Engine::new().evaluator();
    /// let (double, n) = (evaluator.eval("n: n * 2")?, evaluator.to_value(&21)?);
    /// let answer = evaluator.call(&double, &[&n])?;
    /// assert_eq!(evaluator.to::<i64>(&answer)?, 42);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to_value<T: Serialize + ?Sized>(&mut self, data: &T) -> Result<Handle, Error> {
        self.enter(|scope| {
            let v = scope.to_value(data)?;
            Ok(scope.keep(v))
        })
    }
}

/// A type of the embedder's from a program that can reach nothing outside of itself.
///
/// ```
/// #[derive(serde::Deserialize, PartialEq, Debug)]
/// struct Point { x: i32, y: i32 }
///
/// let point: Point = frazil::from_str("let x = 1; in { inherit x; y = x + 1; }")?;
/// assert_eq!(point, Point { x: 1, y: 2 });
/// # Ok::<(), frazil::Error>(())
/// ```
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    crate::Engine::new().evaluator().enter(|scope| {
        let v = scope.eval(Source::from(text))?;
        scope.to(v)
    })
}
