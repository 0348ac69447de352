//! Derivations: from a set of attributes to a `.drv` and its outputs.

use super::functions::elements;
use super::json::ToJson;
use super::{Builtin, Want, row, strict};
use crate::coerce::{Coerce, CoerceTo};
use crate::error::{Error, Shown};
use crate::files::{Origin, Pos};
use crate::inputs::{missing_feature, require_feature};
use crate::machine::Machine;
use crate::native::{Native, Step, then, then_expected, traced};
use crate::trace::Waiting;
use crate::world::Drv;
use frazil_code::FileCode;
use frazil_store::context::{ContextElem, DerivedPath, placeholder};
use frazil_store::derivation::{DerivationError, Draft, HashModulo, HashesModulo};
use frazil_store::hash::Algorithm;
use frazil_store::path::{Method, StorePath, check_name};
use frazil_syntax::symbol::Symbol;
use frazil_value::heap::NO_UNIT;
use frazil_value::{Slot, Val};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// Builtins for parts of a derivation that wait to be made; no program can name them.
const ALL: &str = "all outputs";
const OUTPUT: &str = "output of a derivation";

pub(super) const TABLE: &[Builtin] = &[
    row(
        "derivationStrict",
        1,
        &[strict(0, Want::Attrs, "while evaluating the argument passed to builtins.derivationStrict")],
        derivation_strict,
    ),
    row("derivation", 1, &[strict(0, Want::Any, "")], derivation),
    row(ALL, 1, &[], all_outputs),
    row(OUTPUT, 2, &[], |m, a| {
        let i = m.heap.as_int(a[1]).expect("a number of an output") as usize;
        Ok(Step::Done(output_set(m, a[0], i)))
    }),
    row(
        "placeholder",
        1,
        &[strict(0, Want::Plain, "while evaluating the first argument passed to builtins.placeholder")],
        |m, a| Ok(Step::Done(m.heap.new_string(placeholder(m.heap.bytes(a[0])).as_bytes(), 0))),
    ),
    row("outputOf", 2, &[strict(0, Want::String, OUTPUT_OF)], output_of),
];

// ---- derivation ---------------------------------------------------------------------------------------

/// `derivation`: the attributes, and for each output a set whose `outPath` and `drvPath` are computed when wanted.
fn derivation(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let attrs = a[0];
    if !attrs.is_attrs() {
        const CONTEXT: &str = "while evaluating the value passed for the lambda argument";
        let pos = m.derivation_lambda();
        return Err(m.wanted("a set", attrs).while_(pos, CONTEXT));
    }
    match m.attr(attrs, m.st.known.outputs()) {
        None => {
            let out = m.symbol_string(m.st.known.out());
            finish_derivation(m, attrs, &[out])
        }
        Some(outputs) => {
            let outputs = outputs.get();
            Ok(Step::ReturnRun(Box::new(Names { attrs, outputs, names: None, i: 0 })))
        }
    }
}

/// Forces the outputs and their names.
struct Names {
    attrs: Val,
    outputs: Val,
    names: Option<Vec<Val>>,
    i: usize,
}

impl Native for Names {
    traced!(self, visit: [self.attrs, self.outputs], self.names.iter().flatten());

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        self.step(m, input).map_err(|mut error| {
            self.trace(m, &mut error);
            // Of a builtin that failed itself nobody asks for the line.
            let text = "from call site".into();
            m.trail.waiting = Waiting::Line { text, shown: Shown::InFull, always: false };
            error
        })
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        const NAME: &str =
            "while evaluating the `name` attribute of an element of the list passed to builtins.listToAttrs";
        const LEFT: &str = "in the left operand of the update (//) operator";
        const MAP: &str = "while calling the 'map' builtin";
        const HEAD: &str = "while calling the 'head' builtin";
        const TO_SET: &str = "while calling the 'listToAttrs' builtin";
        let lines: &[(usize, usize, &'static str)] = match &self.names {
            None => &[(57, 17, MAP), (60, 2, HEAD)],
            Some(names) if names.is_empty() => &[(60, 2, HEAD)],
            Some(_) => &[(48, 5, NAME), (41, 9, TO_SET), (41, 9, LEFT), (49, 13, LEFT)],
        };
        for &(line, column, text) in lines {
            error.add_trace(m.derivation_pos(internal_offset(line, column)), text);
        }
        let pos = m.derivation_lambda();
        error.add_shown(pos, "while calling anonymous lambda", Shown::InFull);
    }

    fn site_line(&self) -> Option<(&'static str, Shown, bool)> {
        Some(("from call site", Shown::InFull, false))
    }
}

impl Names {
    fn step(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let Some(names) = &mut self.names else {
            if input == Val::ABSENT {
                return Ok(Step::Force(self.outputs));
            }
            m.expect(input, Want::List, "while evaluating the second argument passed to builtins.map")?;
            let first = m.heap.list(input).first().map(Slot::get);
            self.names = Some(elements(m, input));
            let empty = || Error::eval("'builtins.head' called on an empty list");
            return first.map(Step::Force).ok_or_else(empty);
        };
        if !m.fits(input, Want::Plain) {
            let pos = m.derivation_pos(internal_offset(48, 5));
            let mut error = m.unwanted_at(input, Want::Plain, pos, "");
            // What is said of it is the same as of a name that fails.
            error.data_mut().traces.pop();
            return Err(error);
        }
        names[self.i] = input;
        self.i += 1;
        match names.get(self.i) {
            Some(&name) => Ok(Step::Force(name)),
            None => finish_derivation(m, self.attrs, names),
        }
    }
}

/// Lines of CppNix's `derivation-internal.nix` that its traces show of what is native here; the others are left empty.
const SHOWN: [(usize, &str); 21] = [
    (29, "*/"),
    (30, "drvAttrs@{"),
    (31, "  outputs ? [ \"out\" ],"),
    (37, "  strict = derivationStrict drvAttrs;"),
    (40, "    drvAttrs"),
    (41, "    // (builtins.listToAttrs outputsList)"),
    (42, "    // {"),
    (43, "      all = map (x: x.value) outputsList;"),
    (44, "      inherit drvAttrs;"),
    (47, "  outputToAttrListElement = outputName: {"),
    (48, "    name = outputName;"),
    (49, "    value = commonAttrs // {"),
    (50, "      outPath = builtins.getAttr outputName strict;"),
    (51, "      drvPath = strict.drvPath;"),
    (52, "      type = \"derivation\";"),
    (53, "      inherit outputName;"),
    (54, "    };"),
    (55, "  };"),
    (57, "  outputsList = map outputToAttrListElement outputs;"),
    (59, "in"),
    (60, "(builtins.head outputsList).value"),
];

/// The offset of a line and column in the text of those lines.
fn internal_offset(line: usize, column: usize) -> u16 {
    let before = SHOWN.iter().filter(|(number, _)| *number < line).map(|(_, text)| text.len()).sum::<usize>();
    (before + line - 1 + column - 1) as u16
}

impl Machine<'_> {
    /// The position in `derivation-internal.nix` that a delayed call of [`finish_derivation`] has by that number.
    pub(crate) fn internal_pos(&mut self, at: u16) -> Option<Pos> {
        (at != UNSAID).then(|| self.derivation_pos(at))
    }

    /// Where `derivation` stands.
    pub(crate) fn derivation_lambda(&mut self) -> Pos {
        self.derivation_pos(internal_offset(30, 1))
    }

    fn derivation_pos(&mut self, offset: u16) -> Pos {
        let files = &mut self.st.files;
        let start = *self.st.derivation_source.get_or_insert_with(|| {
            let last = SHOWN[SHOWN.len() - 1].0;
            let line = |number| SHOWN.iter().find(|(n, _)| *n == number).map_or("", |(_, text)| *text);
            let text: String = (1..=last).map(|number| format!("{}\n", line(number))).collect();
            let origin = Origin::Internal("derivation-internal.nix");
            let file = files.add(origin, text.into_bytes().into(), Vec::new(), FileCode::empty());
            files.get(file).start
        });
        Pos(start + offset as u32)
    }
}

/// In place of a position: the trace does not say that the builtin was called, since in CppNix it is none.
const UNSAID: u16 = u16::MAX;

fn finish_derivation(m: &mut Machine<'_>, attrs: Val, outputs: &[Val]) -> Result<Step, Error> {
    let (strict_fn, get_attr) = (m.global(b"derivationStrict"), m.global(b"__getAttr"));
    let strict = m.heap.new_apply_thunk(NO_UNIT, internal_offset(37, 12), strict_fn, &[attrs]);
    let drv_path_name = m.symbol_string(m.st.known.drv_path());
    let drv_path = m.heap.new_apply_thunk(NO_UNIT, UNSAID, get_attr, &[drv_path_name, strict]);
    m.st.stats.thunks += 3 + outputs.len() as u64;
    // What the sets of the outputs are made from. It and they hold each other, so it has holes that are filled afterwards.
    let own = [attrs, strict, drv_path, Val::ABSENT];
    let holes = outputs.iter().map(|_| Val::ABSENT);
    let shared = m.heap.new_list(
        own.into_iter().chain(outputs.iter().copied()).chain(holes).collect::<Vec<_>>().into_iter(),
    );
    let (make_all, make_set) = (m.global(ALL.as_bytes()), m.global(OUTPUT.as_bytes()));
    let all = m.heap.new_apply_thunk(NO_UNIT, UNSAID, make_all, &[shared]);
    let (slots, sets) = (m.heap.list(shared), NAMES_AT + outputs.len());
    slots[ALL_AT].set(all);
    for (i, slot) in slots[sets..].iter().enumerate().skip(1) {
        let i = m.heap.new_int(i as i64);
        slot.set(m.heap.new_apply_thunk(NO_UNIT, UNSAID, make_set, &[shared, i]));
    }
    let first = output_set(m, shared, 0);
    m.heap.list(shared)[sets].set(first);
    Ok(Step::Done(first))
}

/// Where in what the sets of the outputs are made from the list of all is, and where the names begin; behind them are the
/// sets. The attributes, the strict derivation and its path stand before.
const ALL_AT: usize = 3;
const NAMES_AT: usize = 4;

/// The list of the sets of all outputs, each to be made when it is wanted.
fn all_outputs(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let (shared, elem_at) = (a[0], m.global(b"__elemAt"));
    let (heap, len) = (m.heap, m.heap.list(a[0]).len());
    let sets = NAMES_AT + (len - NAMES_AT) / 2..len;
    m.st.stats.thunks += sets.len() as u64;
    let sets =
        sets.map(|i| heap.new_apply_thunk(NO_UNIT, UNSAID, elem_at, &[shared, heap.new_int(i as i64)]));
    Ok(Step::Done(heap.new_list(sets)))
}

/// The set of the output of that number.
fn output_set(m: &mut Machine<'_>, shared: Val, i: usize) -> Val {
    // As they are held: a list is known by that.
    let parts: Vec<Val> = m.heap.list(shared).iter().map(Slot::get).collect();
    let &[attrs, strict, drv_path, all, ..] = &parts[..] else { unreachable!("made with these") };
    let (outputs, sets) = parts[NAMES_AT..].split_at((parts.len() - NAMES_AT) / 2);
    let get_attr = m.global(b"__getAttr");
    let names: Vec<Symbol> = outputs.iter().map(|&o| m.symbol(o)).collect();
    let known = &m.st.known;
    let own = [
        known.all(),
        known.drv_attrs(),
        known.out_path(),
        known.drv_path(),
        known.type_(),
        known.output_name(),
    ];
    // Of an output that is called like one of our own attributes ours counts, and of two outputs the first.
    let keys: Vec<Symbol> = own.into_iter().chain(names.iter().copied()).collect();
    let output_pos = m.derivation_pos(internal_offset(49, 5));
    let own_pos = [(43, 7), (44, 15), (50, 7), (51, 7), (52, 7), (53, 15)];
    let own_pos = own_pos.map(|(line, column)| m.derivation_pos(internal_offset(line, column)));
    let pos: Vec<Pos> = own_pos.into_iter().chain(std::iter::repeat_n(output_pos, names.len())).collect();
    let kind = m.symbol_string(m.st.known.derivation());
    let output = outputs[i];
    let out_path = m.heap.new_apply_thunk(NO_UNIT, internal_offset(50, 17), get_attr, &[output, strict]);
    m.st.stats.thunks += 1;
    let own = [all, attrs, out_path, drv_path, kind, output];
    let values: Vec<Val> = own.into_iter().chain(sets.iter().copied()).collect();
    let added = m.new_attrs_at(&keys, &values, &pos);
    let whole = m.update(attrs, added);
    let set = m.flat(whole);
    // The list is held by the same thunk in each set, even if it is there already.
    m.attr(set, m.st.known.all()).expect("it was added").set(all);
    // The first set holds itself.
    for &name in &names {
        let slot = m.attr(set, name).expect("each output is an attribute");
        if slot.get() == Val::ABSENT {
            slot.set(set);
        }
    }
    set
}

impl Machine<'_> {
    /// The builtin in scope everywhere by that name.
    pub(crate) fn global(&mut self, name: &[u8]) -> Val {
        let symbol = self.st.symbols.intern(name);
        self.st.globals[&symbol]
    }
}

// ---- derivationStrict ---------------------------------------------------------------------------------

fn derivation_strict(m: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    let attrs = a[0];
    const SET: &str = "in the attrset passed as argument to builtins.derivationStrict";
    let name = m.required_attr(attrs, m.st.known.name(), SET)?;
    Ok(Step::ReturnRun(Box::new(Strict {
        attrs,
        stage: Stage::Name,
        name,
        draft: Draft::new(String::new()),
        context: 0,
        ignore_nulls: false,
        json: None,
        bytes: 0,
    })))
}

#[derive(Clone, Copy)]
enum Stage {
    Name,
    Structured,
    IgnoreNulls,
    /// Before the attribute at this place.
    Attr(usize),
    /// The attribute, forced because nulls are ignored, or because its type is checked.
    Forced(usize),
    /// The attribute as a string.
    Text(usize),
    /// The attribute as JSON.
    Json(usize),
    /// The attribute, forced after it was added as JSON.
    Structure(usize),
    /// The element of a list attribute.
    Element {
        attr: usize,
        list: Val,
        i: usize,
    },
}

impl Stage {
    fn list(&self) -> Val {
        if let Stage::Element { list, .. } = self { *list } else { Val::NULL }
    }
}

const STRUCTURED: &str =
    "while evaluating the `__structuredAttrs` attribute passed to builtins.derivationStrict";
const IGNORE_NULLS: &str =
    "while evaluating the `__ignoreNulls` attribute passed to builtins.derivationStrict";
const EVALUATING_NAME: &str = "while evaluating the derivation attribute 'name'";

struct Strict {
    attrs: Val,
    stage: Stage,
    name: Val,
    draft: Draft,
    /// The context of all strings used.
    context: u32,
    ignore_nulls: bool,
    /// Structured attributes so far, if they are.
    json: Option<Vec<u8>>,
    /// Bytes of all variables and arguments so far: strings that are shared in the heap, and are not in the draft.
    bytes: u64,
}

fn require(enabled: bool, feature: &str) -> Result<(), Error> {
    if enabled { Ok(()) } else { Err(Error::eval(crate::inputs::missing_feature(feature))) }
}

fn eval_error(error: impl std::fmt::Display) -> Error {
    Error::eval(error.to_string())
}

impl Strict {
    fn key(&self, m: &mut Machine<'_>, i: usize) -> Symbol {
        m.attrs(self.attrs).0[i]
    }

    /// An error if the draft has no room for so many more bytes.
    fn account(&mut self, m: &Machine<'_>, bytes: &[u8]) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        m.check_string_len(self.bytes)
    }

    fn is_structured(&self) -> bool {
        self.json.is_some()
    }

    /// What to ask for first.
    fn start(&mut self, m: &mut Machine<'_>, name: Val) -> Result<Step, Error> {
        const CONTEXT: &str = "while evaluating the `name` attribute passed to builtins.derivationStrict";
        let pos = m.attr_pos(self.attrs, m.st.known.name());
        let name = m.expect(name, Want::Plain, CONTEXT).map_err(|e| e.while_(pos, EVALUATING_NAME))?;
        let name = m.heap.bytes(name);
        self.draft.name = crate::message::text(name).into_owned();
        check_name(name).map_err(|e| {
            let mut error =
                eval_error(format!("invalid derivation name: {e}. Please pass a different 'name'."));
            self.trace_whole(m, &mut error);
            error
        })?;
        self.stage = Stage::Structured;
        self.flag(m, m.st.known.structured_attrs())
    }

    /// Asks for a flag among the attributes.
    fn flag(&mut self, m: &mut Machine<'_>, name: Symbol) -> Result<Step, Error> {
        match m.attr(self.attrs, name) {
            Some(slot) => Ok(Step::Force(slot.get())),
            None => self.step(m, Val::FALSE),
        }
    }

    /// Goes on with the attribute at `i`, or finishes.
    fn attr(&mut self, m: &mut Machine<'_>, i: usize) -> Result<Step, Error> {
        let (keys, values) = m.attrs(self.attrs);
        let Some(&key) = keys.get(i) else { return self.finish(m) };
        let known = &m.st.known;
        if key == known.ignore_nulls() {
            return self.attr(m, i + 1);
        }
        let v = values[i].get();
        let checked = [known.args(), known.content_addressed(), known.impure()];
        if self.ignore_nulls || checked.contains(&key) {
            self.stage = Stage::Forced(i);
            return Ok(Step::Force(v));
        }
        self.value(m, i, key, v)
    }

    /// Asks for an attribute as text or JSON.
    fn value(&mut self, m: &mut Machine<'_>, i: usize, key: Symbol, v: Val) -> Result<Step, Error> {
        if !self.is_structured() {
            self.stage = Stage::Text(i);
            if let Some(text) = m.heap.peek(v)
                && text.is_string()
            {
                return self.text(m, i, text);
            }
            return Ok(Step::Run(Box::new(Coerce::new(v, CoerceTo::ATTRIBUTE, Pos::NONE, ""))));
        }
        if key == m.st.known.structured_attrs() {
            return self.next(i);
        }
        self.stage = Stage::Json(i);
        Ok(Step::Run(Box::new(ToJson::new(v, true))))
    }

    /// Goes on with the attribute behind `i`, by way of the machine: many attributes are no recursion.
    fn next(&mut self, i: usize) -> Result<Step, Error> {
        self.stage = Stage::Attr(i + 1);
        Ok(Step::Force(Val::NULL))
    }

    /// An attribute whose value is known.
    fn forced(&mut self, m: &mut Machine<'_>, i: usize, v: Val) -> Result<Step, Error> {
        let key = self.key(m, i);
        if self.ignore_nulls && v == Val::NULL {
            return self.next(i);
        }
        let known = &m.st.known;
        if key == known.content_addressed() {
            if m.expect(v, Want::Bool, "")? == Val::TRUE {
                require_feature(m.st.settings.features.ca_derivations, "ca-derivations")?;
                self.draft.content_addressed = true;
            }
        } else if key == known.impure() {
            if m.expect(v, Want::Bool, "")? == Val::TRUE {
                require_feature(m.st.settings.features.impure_derivations, "impure-derivations")?;
                self.draft.impure = true;
            }
        } else if key == known.args() {
            let list = m.expect(v, Want::List, "")?;
            self.stage = Stage::Element { attr: i, list, i: 0 };
            return self.step(m, Val::ABSENT);
        } else {
            return self.value(m, i, key, v);
        }
        self.next(i)
    }

    /// An attribute as a string: a variable of the builder.
    fn text(&mut self, m: &mut Machine<'_>, i: usize, text: Val) -> Result<Step, Error> {
        let key = self.key(m, i);
        let string = m.heap.string(text);
        self.context = m.st.contexts.union(self.context, string.context);
        self.account(m, string.bytes)?;
        let name = m.st.symbols.name(key);
        let value = string.bytes;
        if name == b"__json" {
            let name = self.draft.name.clone();
            m.st.say(&format!("warning: In derivation '{name}': setting structured attributes via '__json' is deprecated, and may be disallowed in future versions of Nix. Set '__structuredAttrs = true' instead."));
            let given = super::json::given_object(value);
            let cannot = |why| eval_error(format!("cannot process __json attribute: {why}"));
            self.draft.structured_attrs = Some(given.map_err(cannot)?);
            return self.next(i);
        }
        match name {
            b"builder" => self.draft.builder = value.into(),
            b"system" => self.draft.system = value.into(),
            b"outputHash" => self.draft.output_hash = Some(value.into()),
            b"outputHashAlgo" => self.hash_algorithm(m, value)?,
            b"outputHashMode" => self.hash_mode(m, value)?,
            b"outputs" => {
                let names = value.split(|c| b" \t\n\r".contains(c)).filter(|name| !name.is_empty());
                self.draft.set_outputs(names).map_err(eval_error)?;
            }
            _ => {}
        }
        self.draft.env.set(name, value);
        self.next(i)
    }

    /// A name that is of no algorithm says nothing.
    fn hash_algorithm(&mut self, m: &Machine<'_>, name: &[u8]) -> Result<(), Error> {
        self.draft.output_hash_algo = match Algorithm::parse(name) {
            Ok(_) => Some(super::hashes::algorithm(m, name)?),
            Err(_) => None,
        };
        Ok(())
    }

    fn hash_mode(&mut self, m: &Machine<'_>, mode: &[u8]) -> Result<(), Error> {
        let features = &m.st.settings.features;
        match mode {
            b"git" => require_feature(features.git_hashing, "git-hashing")?,
            b"text" if !features.dynamic_derivations => {
                let (feature, name) = ("dynamic-derivations", &self.draft.name);
                let what =
                    format!("is disabled (text-hashed derivation '{name}', outputHashMode = \"text\")");
                return Err(eval_error(missing_feature(feature).replacen("is disabled", &what, 1)));
            }
            _ => {}
        }
        self.draft.output_hash_mode = Some(Method::parse_mode(mode).ok_or_else(|| {
            let mode = crate::message::text(mode);
            eval_error(format!("invalid value '{mode}' for 'outputHashMode' attribute"))
        })?);
        Ok(())
    }

    /// An attribute as JSON. Some of them mean something to us, too.
    fn json(&mut self, m: &mut Machine<'_>, i: usize, text: Val) -> Result<Step, Error> {
        let (keys, values) = m.attrs(self.attrs);
        let (key, v) = (keys[i], values[i].get());
        let string = m.heap.string(text);
        self.context = m.st.contexts.union(self.context, string.context);
        let json = self.json.as_mut().expect("attributes are structured");
        json.push(if json.is_empty() { b'{' } else { b',' });
        let name = m.st.symbols.name(key);
        frazil_text::json::string_into(name, json).map_err(eval_error)?;
        json.push(b':');
        m.check_string_len((json.len() + string.bytes.len()) as u64)?;
        json.extend_from_slice(string.bytes);
        const IGNORED: [(&[u8], &str); 6] = [
            (b"allowedReferences", "allowedReferences"),
            (b"allowedRequisites", "allowedRequisites"),
            (b"disallowedReferences", "disallowedReferences"),
            (b"disallowedRequisites", "disallowedRequisites"),
            (b"maxSize", "maxSize"),
            (b"maxClosureSize", "maxClosureSize"),
        ];
        if let Some((_, ignored)) = IGNORED.iter().find(|(n, _)| *n == name) {
            let drv = &self.draft.name;
            m.st.say(&format!("warning: In a derivation named '{drv}', 'structuredAttrs' disables the effect of the derivation attribute '{ignored}'; use 'outputChecks.<output>.{ignored}' instead"));
        }
        if matches!(
            name,
            b"builder" | b"system" | b"outputHash" | b"outputHashAlgo" | b"outputHashMode" | b"outputs"
        ) {
            self.stage = Stage::Structure(i);
            return Ok(Step::Force(v));
        }
        self.next(i)
    }

    fn structure(&mut self, m: &mut Machine<'_>, i: usize, v: Val) -> Result<Step, Error> {
        let key = self.key(m, i);
        let name = m.st.symbols.name(key).to_vec();
        if name == b"outputs" {
            let list = m.expect(v, Want::List, "")?;
            self.stage = Stage::Element { attr: i, list, i: 0 };
            return self.step(m, Val::ABSENT);
        }
        let want = if name == b"builder" { Want::String } else { Want::Plain };
        m.expect(v, want, "")?;
        let string = m.heap.string(v);
        self.context = m.st.contexts.union(self.context, string.context);
        let value = string.bytes.to_vec();
        match &name[..] {
            b"builder" => self.draft.builder = value,
            b"system" => self.draft.system = value,
            b"outputHash" => self.draft.output_hash = Some(value),
            b"outputHashAlgo" => self.hash_algorithm(m, &value)?,
            _ => self.hash_mode(m, &value)?,
        }
        self.next(i)
    }

    /// The elements of `args`, or of structured `outputs`.
    fn element(
        &mut self,
        m: &mut Machine<'_>,
        attr: usize,
        list: Val,
        i: usize,
        input: Val,
    ) -> Result<Step, Error> {
        let is_args = self.key(m, attr) == m.st.known.args();
        if input != Val::ABSENT && is_args {
            let string = m.heap.string(input);
            self.context = m.st.contexts.union(self.context, string.context);
            self.account(m, string.bytes)?;
            self.draft.args.push(string.bytes.to_vec());
        } else if input != Val::ABSENT {
            m.expect(input, Want::Plain, "")?;
        }
        let slots = m.heap.list(list);
        match slots.get(i) {
            Some(next) => {
                self.stage = Stage::Element { attr, list, i: i + 1 };
                if is_args {
                    const CONTEXT: &str = "while evaluating an element of the argument list";
                    return Ok(Step::Run(Box::new(Coerce::new(
                        next.get(),
                        CoerceTo::ATTRIBUTE,
                        Pos::NONE,
                        CONTEXT,
                    ))));
                }
                Ok(Step::Force(next.get()))
            }
            None => {
                if !is_args {
                    let names: Vec<&[u8]> =
                        slots.iter().map(|s| m.heap.bytes(m.heap.peek(s.get()).expect("forced"))).collect();
                    self.draft.set_outputs(names).map_err(eval_error)?;
                }
                self.next(attr)
            }
        }
    }

    fn finish(&mut self, m: &mut Machine<'_>) -> Result<Step, Error> {
        if let Some(mut json) = self.json.take() {
            if json.is_empty() {
                json.push(b'{');
            }
            json.push(b'}');
            self.draft.structured_attrs = Some(json);
        }
        let context: Vec<ContextElem> = m.st.contexts.elements(self.context).cloned().collect();
        for elem in context {
            match elem {
                ContextElem::Opaque(path) => {
                    self.draft.input_srcs.insert(path);
                }
                ContextElem::Built(built) => self.draft.input_drvs.insert_built(&built),
                ContextElem::DrvDeep(path) => self.add_closure(m, path)?,
            }
        }
        super::hashes::require_hash(m, self.draft.output_hash.as_deref().unwrap_or_default())?;
        let name = self.draft.name.clone();
        let draft = std::mem::replace(&mut self.draft, Draft::new(name));
        let store = m.st.settings.store_dir.clone();
        if draft.impure {
            require(m.st.settings.features.ca_derivations, "ca-derivations")?;
        }
        let state = &mut *m.st;
        let finished =
            draft.finish(&store, &Known(&state.drvs), &mut state.scratch).map_err(|e| match e {
                DerivationError::UnknownInput { drv } => {
                    eval_error(format!("store path '{}/{drv}' does not exist", store.as_str()))
                }
                e => eval_error(e),
            })?;
        m.st.stats.derivations += 1;
        if let Some(hash) = &finished.assumed_hash {
            let hash = hash.to_prefixed(frazil_store::hash::Format::Sri);
            m.st.say(&format!("warning: found empty hash, assuming '{hash}'"));
        }
        let path = finished.path;
        let path_text = store.print(&path);
        if let Some(texts) = &mut m.st.drv_texts
            && !texts.contains_key(&path)
        {
            texts.insert(path.clone(), m.st.scratch.aterm().to_vec());
        }
        if m.st.host.writes_store() {
            let written = m.st.host.write_store(&path_text, m.st.scratch.aterm());
            m.host_result(path_text.as_bytes(), written)?;
        }
        let drv = &finished.drv;
        let mut inputs: Vec<StorePath> = drv.input_srcs.iter().cloned().collect();
        inputs.extend(drv.input_drvs.iter().map(|(path, _)| path.clone()));
        m.st.drvs.insert(path.clone(), Drv { modulo: finished.modulo, inputs: inputs.into() });

        let (mut names, mut values) = (vec![m.st.known.drv_path()], Vec::new());
        let context = m.st.contexts.of([ContextElem::DrvDeep(path.clone())]);
        values.push(m.heap.new_string(path_text.as_bytes(), context));
        for (output, value) in &drv.outputs {
            let built = ContextElem::built(path.clone(), output.clone());
            let text = match (value.path(), &built) {
                (Some(path), _) => store.print(path),
                (None, ContextElem::Built(built)) => built.placeholder().expect("an output of something"),
                (None, _) => unreachable!("an output is built"),
            };
            let context = m.st.contexts.of([built]);
            names.push(m.st.symbols.intern(output));
            values.push(m.heap.new_string(text.as_bytes(), context));
        }
        Ok(Step::Done(m.new_attrs(&names, &values)))
    }

    /// Adds a derivation with all that it depends on, and all their outputs.
    fn add_closure(&mut self, m: &mut Machine<'_>, path: StorePath) -> Result<(), Error> {
        let mut todo = vec![path];
        let mut seen = BTreeSet::new();
        while let Some(path) = todo.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            if let Some(drv) = m.st.drvs.get(&path) {
                todo.extend(drv.inputs.iter().cloned());
                for output in drv.modulo.outputs.iter() {
                    self.draft.input_drvs.insert(path.clone(), output.clone());
                }
            }
            self.draft.input_srcs.insert(path);
        }
        Ok(())
    }
}

struct Known<'a>(&'a FxHashMap<StorePath, Drv>);

impl HashesModulo for Known<'_> {
    fn hash_modulo(&self, drv: &StorePath) -> Option<HashModulo> {
        self.0.get(drv).map(|drv| drv.modulo.clone())
    }
}

impl Native for Strict {
    traced!(self, visit: [self.attrs, self.name, self.stage.list()]);

    fn resume(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        let stage = self.stage;
        self.step(m, input).map_err(|mut error| {
            // An attribute whose value was there already failed at the stage that it had come to.
            if matches!(self.stage, Stage::Name) {
                self.stage = stage;
            }
            if !matches!(self.stage, Stage::Name) {
                self.trace(m, &mut error);
            }
            error
        })
    }

    fn trace(&self, m: &mut Machine<'_>, error: &mut Error) {
        let at = match self.stage {
            Stage::Forced(i) | Stage::Text(i) | Stage::Json(i) | Stage::Structure(i) => Some(i),
            Stage::Element { attr, .. } => Some(attr),
            _ => None,
        };
        if let Some(i) = at {
            let key = m.attrs(self.attrs).0[i];
            let pos = m.attr_pos(self.attrs, key);
            let key = m.shown_name(key);
            let name = &self.draft.name;
            error.add_trace(pos, format!("while evaluating attribute '{key}' of derivation '{name}'"));
        }
        match self.stage {
            Stage::Structured => error.add_trace(Pos::NONE, STRUCTURED),
            Stage::IgnoreNulls => error.add_trace(Pos::NONE, IGNORE_NULLS),
            _ => {}
        }
        let pos = m.attr_pos(self.attrs, m.st.known.name());
        if self.draft.name.is_empty() {
            error.add_trace(
                Pos::NONE,
                "while evaluating the `name` attribute passed to builtins.derivationStrict",
            );
            error.add_trace(pos, EVALUATING_NAME);
        } else {
            self.trace_whole(m, error);
        }
    }
}

impl Strict {
    fn step(&mut self, m: &mut Machine<'_>, input: Val) -> Result<Step, Error> {
        match std::mem::replace(&mut self.stage, Stage::Name) {
            Stage::Name if input == Val::ABSENT => Ok(Step::Force(self.name)),
            Stage::Name => self.start(m, input),
            Stage::Structured => {
                if self.flag_value(m, input, Stage::Structured)? {
                    self.json = Some(Vec::new());
                }
                self.stage = Stage::IgnoreNulls;
                self.flag(m, m.st.known.ignore_nulls())
            }
            Stage::IgnoreNulls => {
                self.ignore_nulls = self.flag_value(m, input, Stage::IgnoreNulls)?;
                self.attr(m, 0)
            }
            Stage::Attr(i) => self.attr(m, i),
            Stage::Forced(i) => self.forced(m, i, input),
            Stage::Text(i) => self.text(m, i, input),
            Stage::Json(i) => self.json(m, i, input),
            Stage::Structure(i) => self.structure(m, i, input),
            Stage::Element { attr, list, i } => self.element(m, attr, list, i, input),
        }
    }

    /// The value of a flag; the trace says what that of the stage is.
    fn flag_value(&mut self, m: &mut Machine<'_>, v: Val, stage: Stage) -> Result<bool, Error> {
        v.as_bool().ok_or_else(|| {
            self.stage = stage;
            m.wanted("a Boolean", v)
        })
    }

    /// Which derivation was being evaluated.
    fn trace_whole(&self, m: &mut Machine<'_>, error: &mut Error) {
        let pos = m.attr_pos(self.attrs, m.st.known.name());
        let (name, pos) = (&self.draft.name, m.st.show_pos(pos));
        let text =
            format!("while evaluating derivation '{name}'\n  whose name attribute is located at {pos}");
        error.add_trace(Pos::NONE, text);
    }
}

impl From<DerivationError> for Error {
    fn from(error: DerivationError) -> Error {
        eval_error(error)
    }
}

const OUTPUT_OF: &str = "while evaluating the first argument to builtins.outputOf";

/// The output of a derivation that itself is an output.
fn output_of(_: &mut Machine<'_>, a: &[Val]) -> Result<Step, Error> {
    const NAME: &str = "while evaluating the second argument to builtins.outputOf";
    let output = a[1];
    then(Step::Force(a[0]), &[output], |m, kept, drv| {
        m.expect(drv, Want::String, OUTPUT_OF)?;
        // It is refused before the second argument is looked at.
        let base = output_base(m, drv).map_err(|e| e.while_(Pos::NONE, OUTPUT_OF))?;
        let (found, right) = (m.heap.bytes(drv).to_vec(), derived_string(m, &base)?);
        if found != right.as_bytes() {
            let found = crate::message::text(&found);
            let text = match base.split_last() {
                None => format!("path string '{found}' has context with the different path '{right}'"),
                Some((drv, output)) => format!(
                    "string '{found}' has context with the output '{}' from derivation '{}', but the string is not the right placeholder for this derivation output. It should be '{right}'",
                    crate::message::text(output),
                    crate::message::text(&drv.display(&m.st.settings.store_dir)),
                ),
            };
            return Err(eval_error(text).while_(Pos::NONE, OUTPUT_OF));
        }
        then_expected(kept[0], Want::Plain, NAME, &[drv], move |m, output| {
            let built = DerivedPath::built(&base, m.heap.bytes(output).into()).map_err(eval_error)?;
            let text = derived_string(m, &built)?;
            let context = m.st.contexts.of([ContextElem::Built(built)]);
            Ok(Step::Done(m.heap.new_string(text.as_bytes(), context)))
        })
    })
}

/// The string that stands for a path or for the output of a derivation. Whether an output of a derivation that is there has a
/// path of its own is known from the derivation alone.
fn derived_string(m: &mut Machine<'_>, path: &DerivedPath) -> Result<String, Error> {
    let store = m.st.settings.store_dir.clone();
    let Some((drv, output)) = path.split_last() else { return Ok(store.print(path.base())) };
    let placeholder = || path.placeholder().expect("an output of something");
    if !drv.is_opaque() {
        return Ok(placeholder());
    }
    let place = store.print(drv.base());
    let text =
        m.st.host
            .read_file(place.as_bytes())
            .map_err(|_| eval_error(format!("path '{place}' is not a valid store path")))?;
    if !drv.base().is_derivation() {
        let text = format!("store path '{}' is not a valid derivation path", drv.base().as_str());
        return Err(eval_error(format!("error parsing derivation '{place}': {text}")));
    }
    let name = drv.base().name();
    let name = name.strip_suffix(".drv").unwrap_or(name).to_owned();
    let drv = frazil_store::aterm::parse(&store, &name, &text)
        .map_err(|e| eval_error(format!("error parsing derivation '{place}': {e}")))?;
    match drv.outputs.iter().find(|(name, _)| *name == output) {
        None => Err(eval_error(format!(
            "derivation '{place}' does not have output '{}'",
            crate::message::text(output)
        ))),
        Some((_, known)) => Ok(known.path().map_or_else(placeholder, |path| store.print(path))),
    }
}

/// What a string with one element of context stands for.
fn output_base(m: &Machine<'_>, drv: Val) -> Result<DerivedPath, Error> {
    let string = m.heap.string(drv);
    let elems: Vec<ContextElem> = m.st.contexts.elements(string.context).cloned().collect();
    let text = crate::message::text(string.bytes);
    match elems.as_slice() {
        [ContextElem::Opaque(path)] => Ok(DerivedPath::opaque(path.clone())),
        [ContextElem::Built(built)] => Ok(built.clone()),
        [ContextElem::DrvDeep(_)] => Err(eval_error(format!(
            "string '{text}' has a context which refers to a complete source and binary closure. This is not supported at this time"
        ))),
        _ => Err(eval_error(format!(
            "string '{text}' has {} entries in its context. It should only have exactly one entry",
            elems.len()
        ))),
    }
}
