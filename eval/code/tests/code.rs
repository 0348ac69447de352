//! The code of small programs, one rule of the compiler in each.

use frazil_code::file::Names;
use frazil_code::{FileCode, ScopeError, emit, resolve, verify};
use frazil_syntax::symbol::Symbols;
use insta::assert_snapshot;

/// The builtins of these programs.
const GLOBALS: &[&str] = &["true", "map", "__sub", "__lessThan", "__findFile", "__nixPath"];

fn compile(source: &str, symbols: &mut Symbols, scope: Option<&[&str]>) -> Result<FileCode, ScopeError> {
    let options = frazil_syntax::Options::default();
    let Ok(exprs) = frazil_syntax::parse(source.as_bytes(), symbols, &options) else {
        panic!("syntax: {source}")
    };
    let names = compiler_names(symbols);
    let mut intern = |name: &str| symbols.intern(name.as_bytes());
    let globals: Vec<_> = GLOBALS.iter().map(|name| intern(name)).collect();
    let scope: Option<Vec<_>> = scope.map(|names| names.iter().map(|name| intern(name)).collect());
    resolve(exprs, &|name| globals.contains(&name), names, scope.as_deref(), false)
}

fn compiler_names(symbols: &mut Symbols) -> Names {
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

/// The code of all units, each verified.
fn dump_in(source: &str, scope: Option<&[&str]>) -> String {
    let mut symbols = Symbols::new();
    let file = match compile(source, &mut symbols, scope) {
        Ok(file) => file,
        Err(ScopeError::Undefined { name, pos }) => {
            return format!("undefined variable '{}' at {pos}", String::from_utf8_lossy(symbols.name(name)));
        }
        Err(ScopeError::TooManyCaptures { pos }) => return format!("too many captures at {pos}"),
    };
    let dump = dump_all(&file, &symbols);
    // As a process that met other names before would read it from a cache.
    let mut others = Symbols::new();
    for name in ["x", "b", "__sub", "other", "true"] {
        others.intern(name.as_bytes());
    }
    let packed = file.pack(&symbols).expect("it is not patient");
    let names = compiler_names(&mut others);
    let again = FileCode::unpack(&packed, &mut others, names).expect("what `pack` made");
    assert_eq!(dump_all(&again, &others), dump, "{source}");
    assert_eq!((again.exprs.pos, again.exprs.docs), (file.exprs.pos, file.exprs.docs), "{source}");
    dump
}

fn dump_all(file: &FileCode, symbols: &Symbols) -> String {
    let unit = |unit: usize| {
        let chunk = emit(file, unit as u32);
        assert_eq!(verify(&chunk, file), Ok(()), "unit {unit}");
        format!("unit {unit}: {}", frazil_code::dump::dump(&chunk, file, symbols))
    };
    (0..file.unit_count()).map(unit).collect()
}

fn dump(source: &str) -> String {
    dump_in(source, None)
}

/// How many units a program has.
fn n_units(source: &str) -> usize {
    let file = compile(source, &mut Symbols::new(), None).unwrap_or_else(|error| panic!("{error:?}"));
    for unit in 0..file.unit_count() {
        let chunk = emit(&file, unit as u32);
        assert_eq!(verify(&chunk, &file), Ok(()), "unit {unit}");
    }
    file.unit_count()
}

#[test]
fn constants_are_loaded() {
    assert_snapshot!(dump(r#"[ 1 2.5 "s" ./p true [ ] { } ]"#));
}

#[test]
fn variables_in_lazy_places_are_copied() {
    assert_snapshot!(dump(r#"a: b: [ a b { inherit a; } ]"#));
}

#[test]
fn a_plain_selection_is_a_select_thunk() {
    assert_snapshot!(dump(r#"a: { x = a.b; }"#));
}

#[test]
fn a_plain_call_is_an_apply_thunk() {
    assert_snapshot!(dump(r#"f: x: { y = f x; }"#));
}

#[test]
fn other_delayed_expressions_are_units() {
    assert_snapshot!(dump(r#"a: { x = a + 1; y = a.b.c; z = a.b or 1; }"#));
}

#[test]
fn equal_constants_are_one() {
    assert_snapshot!(dump(r#"a: a 1 1 "x" "x""#));
}

#[test]
fn lambdas_in_a_row_are_one_unit() {
    assert_snapshot!(dump(r#"a: b: c: b"#));
}

#[test]
fn a_pattern_ends_a_row() {
    assert_snapshot!(dump(r#"a: { b }: c: b"#));
}

#[test]
fn formals_take_registers() {
    assert_snapshot!(dump(r#"{ a, b ? 1, c ? a, ... }@args: [ a b c args ]"#));
}

#[test]
fn let_bindings_take_registers() {
    assert_snapshot!(dump(r#"x: let a = b + x; b = 2; f = y: a; in f"#));
}

#[test]
fn a_binding_without_captures_waits_for_nothing() {
    assert_snapshot!(dump(r#"let a = 1 + 1; b = a; in b"#));
}

#[test]
fn inherit_from_shares_its_source() {
    assert_snapshot!(dump(r#"a: let inherit (a.s) x y; in x + y"#));
}

#[test]
fn captures_go_through_every_unit_between() {
    assert_snapshot!(dump(r#"a: { x = 1 + (y: { z = 2 + a; }).z; }"#));
}

#[test]
fn a_with_variable_is_looked_for_inside_out() {
    assert_snapshot!(dump(r#"a: b: with a; with b; [ x (x + 1) ]"#));
}

#[test]
fn bound_variables_hide_with() {
    assert_snapshot!(dump(r#"a: let x = 1; in with a; x"#));
}

#[test]
fn an_operator_bound_by_the_program_is_called() {
    assert_snapshot!(dump(r#"let __sub = a: b: a; __lessThan = a: b: true; in 3 - 1 < -1"#));
}

#[test]
fn a_search_path_calls_the_scopes_find_file() {
    assert_snapshot!(dump(r#"let __findFile = a: b: b; in [ <x> (with { }; <y/z>) ]"#));
}

#[test]
fn overrides_replace_bindings() {
    assert_snapshot!(dump(r#"rec { a = 1; b = a; __overrides = { a = 2; }; }"#));
}

#[test]
fn dynamic_attributes_are_added_last() {
    assert_snapshot!(dump(r#"n: rec { ${n} = a; a = 1; "b${n}" = 2; }"#));
}

#[test]
fn selections_with_defaults_skip() {
    assert_snapshot!(dump(r#"a: n: a.b.${n}.c or 1"#));
}

#[test]
fn has_attr_jumps_over_what_is_missing() {
    assert_snapshot!(dump(r#"a: n: a ? b.${n}.c"#));
}

#[test]
fn conditions_say_whose_they_are() {
    assert_snapshot!(dump(r#"a: b: if a && b || !a then assert b; 1 else a -> b"#));
}

#[test]
fn interpolations_gather_parts() {
    assert_snapshot!(dump(r#"a: "x${a}y${a}" + "${a}""#));
}

#[test]
fn paths_are_put_together() {
    assert_snapshot!(dump(r#"a: ./x/${a}/y"#));
}

#[test]
fn scoped_names_are_attributes_of_the_argument() {
    assert_snapshot!(dump_in("x + (let y = 1; in y) + z true", Some(&["x", "y", "z", "true"])));
}

#[test]
fn undefined_variables_are_found_anywhere() {
    let errors =
        ["x", "a: b", "let a = { b = c; }; in 1", "rec { a = 1; }.a + a", "{ inherit q; }", "{ x ? y }: 1"];
    assert_snapshot!(errors.map(dump).join("\n"));
}

#[test]
fn in_with_no_variable_is_undefined_yet() {
    assert_eq!(n_units("with { }; x"), 1);
}

/// Forty bindings have registers; one more, and all share a set.
#[test]
fn many_bindings_share_a_set() {
    let group = |n: usize| {
        let bindings: String = (0..n).map(|i| format!("a{i} = x; ")).collect();
        dump(&format!("x: let {bindings} in a{}", n - 1))
    };
    assert!(!group(40).contains("NewSet"));
    let code = group(41);
    assert!(code.contains("NewSet") && code.contains("LoadSlot { dst: 1, from: 2, slot: 35 }"), "{code}");
}

#[test]
fn many_formals_share_a_set() {
    let formals: String = (0..60).map(|i| format!("a{i} ? x, ")).collect();
    let code = dump(&format!("x: {{ {formals} b ? 1 }}: [ a0 b ]"));
    assert!(
        code.contains("FormalsBoxed") && code.contains("SlotDefault") && code.contains("ConstDefault"),
        "{code}"
    );
}

#[test]
fn many_sources_share_a_list() {
    let sources: String = (0..9).map(|i| format!("inherit (x.s{i}) a{i}; ")).collect();
    let code = dump(&format!("x: {{ {sources} }}"));
    assert!(code.contains("NewList { dst: 2, n: 9 }"), "{code}");
}

#[test]
fn many_captures_stay_in_the_closure() {
    let bindings: String = (0..30).map(|i| format!("a{i} = x + {i}; ")).collect();
    let sum: String = (0..30).map(|i| format!(" + a{i}")).collect();
    let code = dump(&format!("x: let {bindings} in y: y{sum}"));
    assert!(code.contains("captures 30") && code.contains("LoadCapture") && code.contains("i: 29"), "{code}");
}

/// Nesting costs registers, so that a part of what is nested deeply becomes a unit of its own.
#[test]
fn deep_nests_are_cut_into_units() {
    let nest = |n: usize| format!("{}1{}", "(1 + ".repeat(n), ")".repeat(n));
    assert_eq!(n_units(&nest(10)), 1);
    assert!(n_units(&nest(1000)) > 20);
    assert!(n_units(&format!("{}1{}", "(x: x ".repeat(500), ")".repeat(500))) > 500);
    n_units(&"if true then 1 else ".repeat(1000).chars().chain("2".chars()).collect::<String>());
    n_units(&format!("{}1", "with { a = 1; }; ".repeat(1000)));
    n_units(&format!("{}1", "let a = 1; b = a; in ".repeat(1000)));
}

#[test]
fn wide_expressions_stay_within_registers() {
    n_units(&format!("[ {} ]", "(1 + 1) ".repeat(5000)));
    n_units(&format!("map {}", "(1 + 1) ".repeat(500)));
    n_units(&format!("\"{}\"", "${map}-".repeat(500)));
    n_units(&format!("1{}", " + map".repeat(5000)));
    n_units(&format!("{{ {} }}", (0..5000).map(|i| format!("a{i} = map {i}; ")).collect::<String>()));
    n_units(&format!("x: x{}", (0..300).map(|i| format!(".a{i}")).collect::<String>()));
}

#[test]
fn what_is_no_packed_file_is_refused() {
    let mut symbols = Symbols::new();
    let Ok(file) = compile("let f = { a, b ? 1, ... }@c: a + b; in with f; [ x (f 1) ]", &mut symbols, None)
    else {
        panic!("it is a program")
    };
    let packed = file.pack(&symbols).expect("it is not patient");
    let unpack = |bytes: &[u8]| {
        let mut symbols = Symbols::new();
        let names = compiler_names(&mut symbols);
        FileCode::unpack(bytes, &mut symbols, names).is_some()
    };
    assert!(unpack(&packed));
    assert!((0..packed.len()).all(|end| !unpack(&packed[..end])));
    assert!(!unpack(&[&packed[..], &[0]].concat()));
}
