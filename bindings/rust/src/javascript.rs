//! Values as JSON that JavaScript reads without loss.

use crate::{Error, ErrorKind, Root, Sink};
use std::io::Write;
use std::ops::ControlFlow;

/// How deeply a value may be nested that becomes JavaScript's objects, whose own code recurses.
const MAX_DEPTH: usize = 1000;
/// The largest integer that a number of JavaScript's holds, as does every smaller one.
const MAX_SAFE: u64 = (1 << 53) - 1;

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    /// For each open list or set, its closing bracket, and whether something is in it.
    open: Vec<(u8, bool)>,
    /// Whether integers that are no safe number are texts `\u0000n` and digits, which no string of Nix's can be.
    bigint: bool,
    fault: Option<&'static str>,
}

impl Writer {
    /// What comes before a value.
    fn next(&mut self) {
        if let Some((b']', some)) = self.open.last_mut()
            && std::mem::replace(some, true)
        {
            self.out.push(b',');
        }
    }

    fn put(&mut self, text: &[u8]) -> ControlFlow<()> {
        self.next();
        self.out.extend_from_slice(text);
        ControlFlow::Continue(())
    }

    fn fail(&mut self, fault: &'static str) -> ControlFlow<()> {
        self.fault = Some(fault);
        ControlFlow::Break(())
    }

    fn text(&mut self, text: &str) -> ControlFlow<()> {
        // Writing to memory does not fail, nor does text as JSON.
        let _ = serde_json::to_writer(&mut self.out, text);
        ControlFlow::Continue(())
    }
}

impl Sink for Writer {
    fn null(&mut self) -> ControlFlow<()> {
        self.put(b"null")
    }

    fn bool(&mut self, b: bool) -> ControlFlow<()> {
        self.put(if b { b"true" } else { b"false" })
    }

    fn int(&mut self, n: i64) -> ControlFlow<()> {
        self.next();
        let written = match (n.unsigned_abs() <= MAX_SAFE, self.bigint) {
            (true, _) => write!(self.out, "{n}"),
            (false, true) => write!(self.out, "\"\\u0000n{n}\""),
            (false, false) => {
                return self.fail("an integer beyond 2^53 is no number of JavaScript's; ask for `bigint`");
            }
        };
        written.map_or(ControlFlow::Break(()), ControlFlow::Continue)
    }

    fn float(&mut self, f: f64) -> ControlFlow<()> {
        match serde_json::Number::from_f64(f) {
            Some(number) => self.put(number.to_string().as_bytes()),
            None => self.fail("a float that is not finite is no data"),
        }
    }

    fn string(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        self.next();
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(_) => self.fail("a string that is not UTF-8 is no data"),
        }
    }

    fn begin_list(&mut self, _: usize) -> ControlFlow<()> {
        self.next();
        self.out.push(b'[');
        self.open.push((b']', false));
        ControlFlow::Continue(())
    }

    fn begin_set(&mut self, _: usize) -> ControlFlow<()> {
        self.next();
        self.out.push(b'{');
        self.open.push((b'}', false));
        ControlFlow::Continue(())
    }

    fn name(&mut self, _: u32, name: &[u8]) -> ControlFlow<()> {
        if let Some((_, some)) = self.open.last_mut()
            && std::mem::replace(some, true)
        {
            self.out.push(b',');
        }
        let _ = self.text(&String::from_utf8_lossy(name));
        self.out.push(b':');
        ControlFlow::Continue(())
    }

    fn end(&mut self) -> ControlFlow<()> {
        self.out.extend(self.open.pop().map(|(bracket, _)| bracket));
        ControlFlow::Continue(())
    }
}

impl Root {
    /// The value as JSON that JavaScript reads without loss, forced with all that it holds. Integers that are no safe number
    /// are an error or, if `bigint`, texts of a NUL, `n` and the digits.
    ///
    /// ```
    /// let value = frazil::Engine::new().session().eval("[ 1 9223372036854775807 ]")?;
    /// assert!(value.to_javascript(false).is_err());
    /// assert_eq!(value.to_javascript(true)?, r#"[1,"\u0000n9223372036854775807"]"#);
    /// # Ok::<(), frazil::Error>(())
    /// ```
    pub fn to_javascript(&self, bigint: bool) -> Result<String, Error> {
        let mut writer = Writer { bigint, ..Writer::default() };
        self.walk(MAX_DEPTH, &mut writer)?;
        match writer.fault {
            Some(fault) => Err(Error::new(ErrorKind::Type, fault)),
            None => Ok(String::from_utf8_lossy(&writer.out).into_owned()),
        }
    }
}
