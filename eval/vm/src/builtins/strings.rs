//! Strings and their contexts.

use super::functions::elements;
use super::{Builtin, Want, list, row, strict};
use crate::coerce::{Coerce, CoerceTo, to_string};
use crate::error::Error;
use crate::files::Pos;
use crate::machine::Machine;
use crate::native::{Native, Step, then, then_closure, then_expected, traced};
use frazil_store::context::ContextElem;
use frazil_syntax::symbol::Symbol;
use frazil_value::Val;
use std::collections::BTreeMap;

macro_rules! plain {
    ($name:literal) => {
        &[strict(0, Want::Plain, concat!("while evaluating the first argument passed to builtins.", $name))]
    };
}

pub(super) const TABLE: &[Builtin] = &[
    row("toString", 1, &[], |_, a| {
        Ok(to_string(
            a[0],
            CoerceTo::MORE,
            Pos::NONE,
            "while evaluating the first argument passed to builtins.toString",
        ))
    }),
    row(
        "substring",
        3,
        &[strict(
            0,
            Want::Int,
            "while evaluating the first argument (the start offset) passed to builtins.substring",
        )],
        |m, a| {
            if m.heap.as_int(a[0]).expect("checked") < 0 {
                return Err(Error::eval("negative start position in 'substring'"));
            }
            match m.heap.peek(a[1]) {
                Some(len) if len.as_small_int().is_some() => substring(m, &[a[0], len, a[2]]),
                _ => {
                    const CONTEXT: &str = "while evaluating the second argument (the substring length) passed to builtins.substring";
                    let (start, text) = (a[0], a[2]);
                    then_expected(a[1], Want::Int, CONTEXT, &[start, text], move |m, len| {
                        substring(m, &[start, len, text])
                    })
                }
            }
        },
    ),
    row("stringLength", 1, &[], |_, a| {
        const CONTEXT: &str = "while evaluating the argument passed to builtins.stringLength";
        let string = Coerce::new(a[0], CoerceTo { more: false, copy: true }, Pos::NONE, CONTEXT);
        then(Step::Run(Box::new(string)), &[], |m, _, v| {
            Ok(Step::Done(m.heap.new_int(m.heap.bytes(v).len() as i64)))
        })
    }),
    row(
        "concatStringsSep",
        2,
        &[
            strict(
                0,
                Want::String,
                "while evaluating the first argument (the separator string) passed to builtins.concatStringsSep",
            ),
            strict(
                1,
                Want::List,
                "while evaluating the second argument (the list of strings to concat) passed to builtins.concatStringsSep",
            ),
        ],
        |_, a| Ok(Step::ReturnRun(Box::new(Join { separator: a[0], list: a[1], i: 0, parts: Vec::new() }))),
    ),
    row(
        "replaceStrings",
        3,
        &[
            strict(0, Want::List, "while evaluating the first argument passed to builtins.replaceStrings"),
            strict(1, Want::List, "while evaluating the second argument passed to builtins.replaceStrings"),
        ],
        replace_strings,
    ),
    row("parseDrvName", 1, plain!("parseDrvName"), |m, a| {
        let (name, version) = frazil_text::version::parse_drv_name(m.heap.bytes(a[0]));
        let values = [m.heap.new_string(name, 0), m.heap.new_string(version, 0)];
        let names = [m.st.known.name(), m.st.known.version()];
        Ok(Step::Done(m.new_attrs(&names, &values)))
    }),
    row(
        "compareVersions",
        2,
        &[
            strict(0, Want::Plain, "while evaluating the first argument passed to builtins.compareVersions"),
            strict(1, Want::Plain, "while evaluating the second argument passed to builtins.compareVersions"),
        ],
        |m, a| {
            let order = frazil_text::version::compare(m.heap.bytes(a[0]), m.heap.bytes(a[1]));
            Ok(Step::Done(m.heap.new_int(order as i64)))
        },
    ),
    row("splitVersion", 1, plain!("splitVersion"), |m, a| {
        let parts = frazil_text::version::split(m.heap.bytes(a[0])).map(|part| m.heap.new_string(part, 0));
        let parts: Vec<Val> = parts.collect();
        Ok(Step::Done(list(m.heap, parts)))
    }),
    row("unsafeDiscardStringContext", 1, &[], |_, a| {
        const CONTEXT: &str = "while evaluating the argument passed to builtins.unsafeDiscardStringContext";
        let string = Coerce::new(a[0], CoerceTo { more: false, copy: true }, Pos::NONE, CONTEXT);
        then(Step::Run(Box::new(string)), &[], |m, _, v| Ok(Step::Done(m.with_context(v, 0))))
    }),
    row(
        "hasContext",
        1,
        &[strict(0, Want::String, "while evaluating the argument passed to builtins.hasContext")],
        |m, a| Ok(Step::Done(Val::bool(m.heap.string(a[0]).context != 0))),
    ),
    row(
        "getContext",
        1,
        &[strict(0, Want::String, "while evaluating the argument passed to builtins.getContext")],
        get_context,
    ),
    row("unsafeDiscardOutputDependency", 1, &[], |_, a| {
        const CONTEXT: &str =
            "while evaluating the argument passed to builtins.unsafeDiscardOutputDependency";
        let string = Coerce::new(a[0], CoerceTo { more: false, copy: true }, Pos::NONE, CONTEXT);
        then(Step::Run(Box::new(string)), &[], |m, _, v| {
            let context = m.heap.string(v).context;
            let elems: Vec<ContextElem> =
                m.st.contexts
                    .elements(context)
                    .cloned()
                    .map(|elem| match elem {
                        ContextElem::DrvDeep(path) => ContextElem::Opaque(path),
                        other => other,
                    })
                    .collect();
            let context = m.st.contexts.of(elems);
            Ok(Step::Done(m.with_context(v, context)))
        })
    }),
    row("addDrvOutputDependencies", 1, &[], |_, a| {
        const CONTEXT: &str = "while evaluating the argument passed to builtins.addDrvOutputDependencies";
        let string = Coerce::new(a[0], CoerceTo { more: false, copy: true }, Pos::NONE, CONTEXT);
        then(Step::Run(Box::new(string)), &[], |m, _, v| add_output_dependencies(m, v))
    }),
    row(
        "appendContext",
        2,
        &[
            strict(0, Want::String, "while evaluating the first argument passed to builtins.appendContext"),
            strict(1, Want::Attrs, "while evaluating the second argument passed to builtins.appendContext"),
        ],
        |m, a| Ok(Step::ReturnRun(Box::new(Append::new(m, a[0], a[1])))),
    ),
];

impl Machine<'_> {
    /// The same text with another context.
    pub(crate) fn with_context(&self, v: Val, context: u32) -> Val {
        let string = self.heap.string(v);
        if string.context == context { v } else { self.heap.new_string(string.bytes, context) }
    }
}

fn substring(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let start = m.heap.as_int(a[0]).expect("checked");
    let len = m.heap.as_int(a[1]).expect("checked");
    let start = usize::try_from(start).expect("checked");
    const CONTEXT: &str = "while evaluating the third argument (the string) passed to builtins.substring";
    let string = Coerce::new(a[2], CoerceTo { more: false, copy: true }, Pos::NONE, CONTEXT);
    let cut = move |m: &mut Machine<'_>, v: Val| {
        let string = m.heap.string(v);
        let rest = string.bytes.get(start..).unwrap_or(b"");
        // A negative length is all the rest.
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(rest.len());
        if len == string.bytes.len() {
            return Ok(Step::Done(v));
        }
        Ok(Step::Done(m.heap.new_string(&rest[..len], string.context)))
    };
    if a[2].is_string() {
        return cut(m, a[2]);
    }
    then_closure(Step::Run(Box::new(string)), &[], cut)
}

struct Join {
    separator: Val,
    list: Val,
    i: usize,
    parts: Vec<Val>,
}

impl Native for Join {
    traced!(self, visit: [self.separator, self.list], &self.parts);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            self.parts.push(input);
        }
        const CONTEXT: &str = "while evaluating one element of the list of strings to concat passed to builtins.concatStringsSep";
        while let Some(next) = m.heap.list(self.list).get(self.i) {
            self.i += 1;
            if self.i > 1 {
                self.parts.push(self.separator);
            }
            match m.heap.peek(next.get()) {
                Some(v) if v.is_string() => self.parts.push(v),
                _ => {
                    let to = CoerceTo { more: false, copy: true };
                    return Ok(Step::Run(Box::new(Coerce::new(next.get(), to, Pos::NONE, CONTEXT))));
                }
            }
        }
        // The separator's context counts even where it does not stand.
        let context = m.heap.string(self.separator).context;
        let joined = match self.parts.is_empty() {
            true => m.heap.empty_string(),
            false => m.concat_strings(&self.parts)?,
        };
        let context = m.st.contexts.union(context, m.heap.string(joined).context);
        Ok(Step::Done(m.with_context(joined, context)))
    }
}

fn replace_strings(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    if m.heap.list(a[0]).len() != m.heap.list(a[1]).len() {
        return Err(Error::eval(
            "'from' and 'to' arguments passed to builtins.replaceStrings have different lengths",
        ));
    }
    let replace = Replace {
        from: elements(m, a[0]),
        to: elements(m, a[1]),
        string: a[2],
        forced: 0,
        out: Vec::new(),
        at: 0,
        context: 0,
        used: vec![false; m.heap.list(a[0]).len()],
        waiting: None,
    };
    Ok(Step::ReturnRun(Box::new(replace)))
}

/// How many comparisons count as a step.
const AT_ONCE: usize = 4096;

/// Forces what is to be replaced, then the string, then each replacement when it is first needed.
struct Replace {
    from: Vec<Val>,
    to: Vec<Val>,
    string: Val,
    forced: usize,
    out: Vec<u8>,
    at: usize,
    context: u32,
    used: Vec<bool>,
    /// The replacement that is waited for.
    waiting: Option<usize>,
}

impl Replace {
    /// Puts replacement `i` in; answers whether the text is over.
    fn put(&mut self, m: &mut Machine<'_>, i: usize) -> Result<bool, Error> {
        let string = m.heap.string(self.to[i]);
        m.check_string_len((self.out.len() + string.bytes.len()) as u64)?;
        self.out.extend_from_slice(string.bytes);
        self.context = m.st.contexts.union(self.context, string.context);
        let found = m.heap.bytes(self.from[i]).len();
        let text = m.heap.bytes(self.string);
        if found == 0 {
            // An empty string is found before every byte, and at the end.
            match text.get(self.at) {
                Some(&byte) => self.out.push(byte),
                None => return Ok(true),
            }
            self.at += 1;
        } else {
            self.at += found;
        }
        Ok(false)
    }
}

impl Native for Replace {
    traced!(self, visit: [self.string], &self.from, &self.to);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        if input != Val::ABSENT {
            if let Some(i) = self.waiting.take() {
                self.to[i] = m.expect(input, Want::String, Replace::TO)?;
                self.used[i] = true;
                if self.put(m, i)? {
                    self.at = usize::MAX;
                }
            } else if self.forced < self.from.len() {
                self.from[self.forced] = m.expect(input, Want::String, Replace::FROM)?;
                self.forced += 1;
            } else {
                self.string = m.expect(input, Want::String, Replace::STRING)?;
                self.forced += 1;
                self.context = m.heap.string(self.string).context;
            }
        }
        if let Some(&from) = self.from.get(self.forced) {
            return Ok(Step::Force(from));
        }
        if self.forced == self.from.len() {
            return Ok(Step::Force(self.string));
        }
        let text = m.heap.bytes(self.string);
        let mut compared = 0;
        'text: while self.at <= text.len() {
            let rest = &text[self.at..];
            // Many patterns and a long text may take for ever.
            compared += self.from.len();
            if compared >= AT_ONCE {
                compared = 0;
                m.tick(self.out.len() as u64)?;
            }
            for i in 0..self.from.len() {
                if rest.starts_with(m.heap.bytes(self.from[i])) {
                    if !self.used[i] {
                        self.waiting = Some(i);
                        return Ok(Step::Force(self.to[i]));
                    }
                    if self.put(m, i)? {
                        break 'text;
                    }
                    continue 'text;
                }
            }
            self.out.extend(rest.first());
            self.at += 1;
        }
        m.check_string_len(self.out.len() as u64)?;
        Ok(Step::Done(m.heap.new_string(&self.out, self.context)))
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        let context = match self.forced.cmp(&self.from.len()) {
            _ if self.waiting.is_some() => Replace::TO,
            std::cmp::Ordering::Less => Replace::FROM,
            _ => Replace::STRING,
        };
        error.add_trace(Pos::NONE, context);
    }
}

impl Replace {
    const TO: &str = "while evaluating one of the replacement strings passed to builtins.replaceStrings";
    const FROM: &str = "while evaluating one of the strings to replace passed to builtins.replaceStrings";
    const STRING: &str = "while evaluating the third argument passed to builtins.replaceStrings";
}

fn get_context(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    #[derive(Default)]
    struct Info {
        path: bool,
        all_outputs: bool,
        outputs: Vec<Vec<u8>>,
    }
    let store = m.st.settings.store_dir.clone();
    let mut infos: BTreeMap<String, Info> = BTreeMap::new();
    for elem in m.st.contexts.elements(m.heap.string(a[0]).context) {
        match elem {
            ContextElem::Opaque(path) => infos.entry(store.print(path)).or_default().path = true,
            ContextElem::DrvDeep(path) => infos.entry(store.print(path)).or_default().all_outputs = true,
            ContextElem::Built(built) => {
                let (drv, output) = built.split_last().expect("an output of something");
                let drv = crate::message::text(&drv.display(&store)).into_owned();
                infos.entry(drv).or_default().outputs.push(output.to_vec());
            }
        }
    }
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (path, info) in infos {
        let (mut keys, mut fields) = (Vec::new(), Vec::new());
        if info.path {
            keys.push(m.st.known.path());
            fields.push(Val::TRUE);
        }
        if info.all_outputs {
            keys.push(m.st.known.all_outputs());
            fields.push(Val::TRUE);
        }
        if !info.outputs.is_empty() {
            keys.push(m.st.known.outputs());
            let outputs = info.outputs.iter().map(|o| m.heap.new_string(o, 0)).collect();
            fields.push(list(m.heap, outputs));
        }
        names.push(m.st.symbols.intern(path.as_bytes()));
        values.push(m.new_attrs(&keys, &fields));
    }
    Ok(Step::Done(m.new_attrs(&names, &values)))
}

fn add_output_dependencies(m: &mut Machine<'_>, v: Val) -> Result<Step, Error> {
    let context = m.heap.string(v).context;
    let elems: Vec<ContextElem> = m.st.contexts.elements(context).cloned().collect();
    let [elem] = elems.as_slice() else {
        let text = crate::message::text(m.heap.bytes(v)).into_owned();
        return Err(Error::eval(format!(
            "context of string '{text}' must have exactly one element, but has {}",
            elems.len()
        )));
    };
    let store = m.st.settings.store_dir.clone();
    let deep = match elem {
        ContextElem::DrvDeep(path) => ContextElem::DrvDeep(path.clone()),
        ContextElem::Opaque(path) if path.is_derivation() => ContextElem::DrvDeep(path.clone()),
        ContextElem::Opaque(path) => {
            return Err(Error::eval(format!("path '{}' is not a derivation", store.print(path))));
        }
        ContextElem::Built(built) => {
            let (_, output) = built.split_last().expect("an output of something");
            return Err(Error::eval(format!(
                "`addDrvOutputDependencies` can only act on derivations, not on a derivation output such as '{}'",
                crate::message::text(output)
            )));
        }
    };
    let context = m.st.contexts.of([deep]);
    Ok(Step::Done(m.with_context(v, context)))
}

/// `appendContext`: walks the described context, forcing each part.
struct Append {
    string: Val,
    set: Val,
    /// Its slots, in the order in which they are looked at.
    order: Vec<u32>,
    /// The number of the entry behind the one being read.
    i: usize,
    field: Field,
    elems: Vec<ContextElem>,
    /// What the trace says of the value that is being forced.
    asked: Option<(Pos, &'static str)>,
}

#[derive(Clone, Copy)]
enum Field {
    Entry,
    Info,
    Path(Val),
    AllOutputs(Val),
    Outputs(Val),
    Output(Val, Val, usize, Pos),
}

impl Field {
    fn values(self) -> [Val; 2] {
        match self {
            Field::Entry | Field::Info => [Val::NULL; 2],
            Field::Path(info) | Field::AllOutputs(info) | Field::Outputs(info) => [info, Val::NULL],
            Field::Output(info, outputs, ..) => [info, outputs],
        }
    }
}

impl Append {
    fn new(m: &mut Machine<'_>, string: Val, set: Val) -> Append {
        let order = m.met_order(set);
        Append { string, set, order, i: 0, field: Field::Entry, elems: Vec::new(), asked: None }
    }

    fn key(&self, m: &mut Machine<'_>) -> (Symbol, Pos) {
        let key = m.attrs(self.set).0[self.order[self.i - 1] as usize];
        (key, m.attr_pos(self.set, key))
    }

    fn path(&self, m: &mut Machine<'_>) -> Result<frazil_store::path::StorePath, Error> {
        let (key, pos) = self.key(m);
        let (parsed, name) = (m.st.settings.store_dir.parse(m.st.symbols.name(key)), m.shown_name(key));
        parsed.map_err(|_| Error::eval(format!("context key '{name}' is not a store path")).at(pos))
    }

    fn derivation(&self, m: &mut Machine<'_>, what: &str) -> Result<frazil_store::path::StorePath, Error> {
        let path = self.path(m)?;
        if path.is_derivation() {
            return Ok(path);
        }
        let (key, pos) = self.key(m);
        let name = m.shown_name(key);
        let text = format!("tried to add {what} context of {name}, which is not a derivation, to a string");
        Err(Error::eval(text).at(pos))
    }

    /// Asks for an attribute of an entry, if it is there; what it then must be is said by `taken`.
    fn ask(&mut self, m: &mut Machine<'_>, info: Val, name: Symbol, context: &'static str) -> Option<Step> {
        let slot = m.attr(info, name)?;
        self.asked = Some((m.attr_pos(info, name), context));
        Some(Step::Force(slot.get()))
    }

    /// The value that was asked for, if it is what it must be.
    fn taken(&mut self, m: &mut Machine<'_>, v: Val, want: Want) -> Result<Val, Error> {
        let (pos, context) = self.asked.take().unwrap_or((Pos::NONE, ""));
        if m.fits(v, want) {
            return Ok(v);
        }
        Err(match want {
            Want::Attrs => m.wanted("a set", v).while_(pos, context),
            Want::List => m.wanted("a list", v).while_(pos, context),
            want => m.unwanted_at(v, want, pos, context),
        })
    }
}

impl Native for Append {
    traced!(self, visit: [self.string, self.set], self.field.values());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let mut input = input;
        loop {
            // What was asked for is looked at once only.
            let v = std::mem::replace(&mut input, Val::ABSENT);
            let is_there = v != Val::ABSENT;
            let asked = match self.field {
                Field::Entry => {
                    let Some(&slot) = self.order.get(self.i) else { break };
                    let slot = &m.attrs(self.set).1[slot as usize];
                    self.i += 1;
                    self.path(m)?;
                    self.field = Field::Info;
                    let (_, pos) = self.key(m);
                    self.asked = Some((pos, "while evaluating the value of a string context"));
                    return Ok(Step::Force(slot.get()));
                }
                Field::Info => {
                    let info = self.taken(m, v, Want::Attrs)?;
                    self.field = Field::Path(info);
                    let name = m.st.known.path();
                    self.ask(m, info, name, "while evaluating the `path` attribute of a string context")
                }
                Field::Path(info) => {
                    if is_there && self.taken(m, v, Want::Bool)? == Val::TRUE {
                        self.elems.push(ContextElem::Opaque(self.path(m)?));
                    }
                    self.field = Field::AllOutputs(info);
                    let name = m.st.known.all_outputs();
                    self.ask(m, info, name, "while evaluating the `allOutputs` attribute of a string context")
                }
                Field::AllOutputs(info) => {
                    if is_there && self.taken(m, v, Want::Bool)? == Val::TRUE {
                        self.elems.push(ContextElem::DrvDeep(self.derivation(m, "all-outputs")?));
                    }
                    self.field = Field::Outputs(info);
                    let name = m.st.known.outputs();
                    self.ask(m, info, name, "while evaluating the `outputs` attribute of a string context")
                }
                Field::Outputs(info) => {
                    self.field = Field::Entry;
                    if is_there {
                        let outputs = self.taken(m, v, Want::List)?;
                        if !m.heap.list(outputs).is_empty() {
                            self.derivation(m, "derivation output")?;
                        }
                        self.field = Field::Output(info, outputs, 0, m.attr_pos(info, m.st.known.outputs()));
                    }
                    None
                }
                Field::Output(info, outputs, i, pos) => {
                    if is_there {
                        let name = self.taken(m, v, Want::Plain)?;
                        let output = m.heap.bytes(name).into();
                        self.elems.push(ContextElem::built(self.path(m)?, output));
                    }
                    match m.heap.list(outputs).get(i) {
                        Some(slot) => {
                            self.field = Field::Output(info, outputs, i + 1, pos);
                            self.asked =
                                Some((pos, "while evaluating an output name within a string context"));
                            Some(Step::Force(slot.get()))
                        }
                        None => {
                            self.field = Field::Entry;
                            None
                        }
                    }
                }
            };
            if let Some(step) = asked {
                return Ok(step);
            }
        }
        let added = m.st.contexts.of(std::mem::take(&mut self.elems));
        let context = m.st.contexts.union(m.heap.string(self.string).context, added);
        Ok(Step::Done(m.with_context(self.string, context)))
    }

    fn trace(&self, _: &mut Machine<'_>, error: &mut Error) {
        if let Some((pos, context)) = self.asked
            && !matches!(self.field, Field::Info | Field::Outputs(_))
        {
            error.add_trace(pos, context);
        }
    }

    fn call_site(&self, _: &mut Machine<'_>) -> Option<Pos> {
        self.asked.map(|(pos, _)| pos)
    }
}
