//! Collections while a machine runs change no answer. Debug builds overwrite what is freed, so a value that was
//! forgotten shows.
#![expect(clippy::disallowed_methods, reason = "this test reads Nixpkgs, which is not in the checkout")]

use frazil_engine::{AutoArgs, Disk, Evaluator, Source};
use frazil_vm::{Limits, Settings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes between two collections: few enough that every program here sees many.
const BUDGET: u64 = 16 << 10;

fn evaluator(budget: u64) -> Evaluator {
    let mut evaluator = Evaluator::new(Arc::new(Disk), Settings::default(), Limits::default());
    evaluator.world().collect_after(budget);
    evaluator
}

fn answer(program: &str, budget: u64) -> String {
    let mut evaluator = evaluator(budget);
    let v = evaluator.eval(&Source::text(program, b"/")).expect("the program has a value");
    let v = evaluator.force_deep(v).expect("all of it");
    String::from_utf8(evaluator.print(v).expect("it can be printed")).expect("as text")
}

#[test]
fn programs_that_allocate_much() {
    // Each keeps values in other places: accumulators, closures, frames of builtins, half-sorted lists, contexts.
    let programs = [
        "builtins.foldl' (acc: n: acc // { ${toString n} = [ n acc.x ]; }) { x = 1; } (builtins.genList (n: n) 2000)",
        "let f = n: if n == 0 then [ ] else f (n - 1) ++ [ { inherit n; s = \"s${toString n}\"; } ]; in f 900",
        "builtins.sort (a: b: (a: b: a.k < b.k) a b) (builtins.genList (n: { k = n * 7919 - n / 3 * 17; }) 3000)",
        "builtins.length (builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: if x.key > 3000 then [ ] \
         else [ { key = x.key + 1; } { key = x.key + 2; } ]; })",
        "builtins.mapAttrs (n: v: builtins.concatStringsSep \",\" (map toString v)) (builtins.groupBy (n: toString \
         (n - n / 7 * 7)) (builtins.genList (n: n) 3000))",
        "let xs = builtins.genList (n: { a = n; b.c = [ n ]; }) 3000; in xs == map (x: x // { }) xs",
        "builtins.fromJSON (builtins.toJSON (builtins.genList (n: { a = n; b.c = [ \"${toString n}\" ]; }) 2000))",
        "builtins.deepSeq (builtins.genList (n: { inherit n; }) 5000) (builtins.filter (n: n > 4990) (builtins.genList \
         (n: n) 5000))",
        "builtins.replaceStrings [ \"1\" \"2\" ] [ (toString (1 + 1)) (toString 3) ] (builtins.concatStringsSep \"\" \
         (builtins.genList toString 2000))",
        "map (n: (builtins.tryEval (if n - n / 2 * 2 == 0 then throw \"x\" else { y = [ n ]; })).value) \
         (builtins.genList (n: n) 2000)",
    ];
    for program in programs {
        assert_eq!(answer(program, BUDGET), answer(program, u64::MAX), "{program}");
    }
}

fn corpus() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    let path =
        std::env::var_os("FRAZIL_NIXPKGS").map(PathBuf::from).or(cache.map(|c| c.join("frazil/nixpkgs")))?;
    path.exists().then_some(path)
}

#[test]
fn a_package_of_nixpkgs() {
    let Some(nixpkgs) = corpus() else {
        eprintln!("skipped: no corpus (FRAZIL_NIXPKGS)");
        return;
    };
    let hello = |budget| {
        let mut evaluator = evaluator(budget);
        let source = Source::File(nixpkgs.to_str().expect("a plain path").as_bytes().to_vec());
        let v = evaluator.eval(&source).expect("a function");
        let v = evaluator.select(v, b"hello", &AutoArgs::default()).expect("a package");
        let (mut found, outcome) = evaluator.derivations(v, &AutoArgs::default());
        outcome.expect("a derivation");
        found.remove(0).drv_path
    };
    assert_eq!(hello(512 << 10), hello(u64::MAX));
}
