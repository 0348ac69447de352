//! What must hold of each door, whatever is handed in. A target calls one of these functions.
#![forbid(unsafe_code)]

mod host;

use frazil_code::file::Names;
use frazil_engine::{Evaluator, Source};
use frazil_store::StoreDir;
use frazil_store::hash::{Algorithm, Format, Hash};
use frazil_store::{aterm, nar};
use frazil_syntax::symbol::{Symbol, Symbols};
use frazil_syntax::{Options, parse, parse_lossless};
use frazil_text::regex::Regex;
use frazil_vm::{Limits, Settings};
use std::sync::Arc;

const OPTIONS: Options = Options { pipe_operators: true };

/// Any bytes have a compact tree or an error; any text has a lossless tree, with the same text.
pub fn tree(data: &[u8]) {
    if let Err(error) = parse(data, &mut Symbols::new(), &OPTIONS) {
        assert!(error.offset as usize <= data.len(), "an error behind the end of the text");
    }
    if let Ok(text) = str::from_utf8(data) {
        assert_eq!(parse_lossless(text, &OPTIONS).0.to_string(), text);
    }
}

fn names(symbols: &mut Symbols) -> Names {
    let mut intern = |name: &str| symbols.intern(name.as_bytes());
    Names {
        overrides: intern("__overrides"),
        find_file: intern("__findFile"),
        nix_path: intern("__nixPath"),
        sub: intern("__sub"),
        mul: intern("__mul"),
        div: intern("__div"),
        less_than: intern("__lessThan"),
    }
}

/// The code of every unit of a program keeps to its registers and tables.
pub fn code(data: &[u8]) {
    let mut symbols = Symbols::new();
    let Ok(exprs) = parse(data, &mut symbols, &OPTIONS) else { return };
    let names = names(&mut symbols);
    // Half of all names are builtins, so that few programs are refused for an undefined variable.
    let is_global = |name: Symbol| name.0 % 2 == 0 || name == names.find_file || name == names.nix_path;
    let Ok(file) = frazil_code::resolve(exprs, &is_global, names, None, false) else { return };
    for unit in 0..file.unit_count() {
        let chunk = frazil_code::emit(&file, unit as u32);
        assert_eq!(frazil_code::verify(&chunk, &file), Ok(()), "unit {unit}");
    }
}

/// A program has a value or an error, within its limits, and the evaluator works on.
pub fn eval(data: &[u8]) {
    let limits = Limits { steps: 20_000, heap: 64 << 20, depth: 500, ..Limits::default() };
    let mut evaluator = Evaluator::new(Arc::new(host::Empty), Settings::default(), limits);
    let mut run = |text: &[u8]| {
        let v = evaluator.eval(&Source::Text(text.to_vec(), b"/".to_vec()))?;
        let deep = evaluator.force_deep(v).and_then(|_| evaluator.to_json(v, true));
        let text = evaluator.print(v)?;
        evaluator.world().collect();
        deep.map(|_| text)
    };
    if let Err(error) = run(data) {
        assert!(!error.to_string().is_empty());
    }
    assert_eq!(run(b"1 + 1").ok().as_deref(), Some(&b"2"[..]));
}

/// What the reader of derivations takes, the writer writes as it was; but for a system or outputs with strange names,
/// which CppNix reads with escapes and writes without.
pub fn aterm(data: &[u8]) {
    let store = StoreDir::default();
    if let Ok(derivation) = aterm::parse(&store, "name", data) {
        let mut text = Vec::new();
        derivation.write(&store, &mut text);
        let is_plain = |name: &&[u8]| name.iter().all(|c| c.is_ascii_graphic() && !matches!(c, b'"' | b'\\'));
        let is_nested = derivation.input_drvs.iter().any(|(_, node)| !node.dynamic().is_empty());
        let wanted = derivation.input_drvs.iter().flat_map(|(_, node)| node.outputs().iter());
        let mut names = derivation.outputs.keys().chain(wanted).map(|name| &name[..]);
        if is_nested || !is_plain(&&derivation.system[..]) || !names.all(|name| is_plain(&name)) {
            return;
        }
        let again = aterm::parse(&store, "name", &text).expect("what was written can be read");
        assert_eq!(again, derivation);
    }
}

/// What the reader of archives takes, the writer writes as it was.
pub fn nar(data: &[u8]) {
    let mut reader = nar::Reader::new(data);
    let mut events = Vec::new();
    for event in &mut reader {
        match event {
            Ok(event) => events.push(event),
            Err(_) => return,
        }
    }
    let mut writer = nar::Writer::new(Vec::new());
    for event in events {
        writer.event(event).expect("the reader holds names to the same rules");
    }
    assert_eq!(writer.finish(), data[..data.len() - reader.rest().len()]);
}

/// Any bytes are read as JSON or refused.
pub fn json(data: &[u8]) {
    let mut open = 0i64;
    for event in frazil_text::json::Reader::new(data) {
        use frazil_text::json::Event::*;
        open += match event {
            Ok(ArrayStart | ObjectStart) => 1,
            Ok(ArrayEnd | ObjectEnd) => -1,
            Ok(_) => 0,
            Err(_) => return,
        };
    }
    assert_eq!(open, 0, "every array and object ends");
    let mut text = Vec::new();
    // A zero byte, which no string of the language holds, is written but not read.
    if !data.contains(&0) && frazil_text::json::string_into(data, &mut text).is_ok() {
        assert!(frazil_text::json::Reader::new(&text).all(|event| event.is_ok()), "a string is JSON");
    }
}

/// Any bytes are read as TOML or refused.
pub fn toml(data: &[u8]) {
    if let Err(error) = frazil_text::toml::parse(data) {
        assert!(!error.to_string().is_empty());
    }
}

/// An expression on the first line, a text behind it: matches lie within the text, in order.
pub fn regex(data: &[u8]) {
    let end = data.iter().position(|&c| c == b'\n').unwrap_or(data.len());
    let (pattern, text) = (&data[..end.min(60)], &data[end..data.len().min(end + 200)]);
    let Ok(regex) = Regex::new(pattern) else { return };
    if let Some(groups) = regex.match_whole(text) {
        assert_eq!(groups.len(), regex.n_groups());
    }
    let mut from = 0;
    for found in regex.split_iter(text) {
        assert!(
            from <= found.range.start
                && found.range.start <= found.range.end
                && found.range.end <= text.len()
        );
        from = found.range.end;
    }
}

/// Versions on two lines: the order is one, and the components are all there is but separators.
pub fn version(data: &[u8]) {
    use frazil_text::version::{compare, parse_drv_name, split};
    let (a, b) = data.split_at(data.iter().position(|&c| c == b'\n').unwrap_or(data.len()));
    assert_eq!(compare(a, b), compare(b, a).reverse());
    assert_eq!(compare(a, a), std::cmp::Ordering::Equal);
    let letters = |text: &[u8]| text.iter().filter(|c| !b".-".contains(c)).copied().collect::<Vec<u8>>();
    assert_eq!(letters(&split(a).collect::<Vec<_>>().concat()), letters(a));
    let (name, version) = parse_drv_name(a);
    assert!(name.len() + version.len() <= a.len() && a.starts_with(name) && a.ends_with(version));
}

/// Store paths and hashes that are taken print as what is read again.
pub fn store(data: &[u8]) {
    let store = StoreDir::default();
    if let Ok(path) = store.parse(data) {
        assert_eq!(store.parse(store.print(&path).as_bytes()).expect("it was printed"), path);
    }
    for algorithm in [None, Some(Algorithm::Sha256), Some(Algorithm::Md5)] {
        let Ok(hash) = Hash::parse(data, algorithm) else { continue };
        for format in [Format::Base16, Format::Nix32, Format::Base64, Format::Sri] {
            assert_eq!(Hash::parse(hash.to_prefixed(format).as_bytes(), None).expect("it was printed"), hash);
        }
    }
}
