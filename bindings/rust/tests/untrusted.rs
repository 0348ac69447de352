//! What a program that means harm may try: each ends in an error of its kind, and the evaluator works on.
#![cfg(all(feature = "disk", feature = "macros"))]
#![expect(clippy::disallowed_methods, reason = "these tests lay out what a program is not to reach")]

use frazil::{Engine, Error, ErrorKind, Evaluator, LimitOptions, MemoryOption, Options, Session};
use std::path::Path;

/// A folder with a secret, and an open one beside it.
struct House(std::path::PathBuf);

impl House {
    fn new(name: &str) -> House {
        let place = std::env::temp_dir().join(format!("frazil-{name}-{}", std::process::id()));
        std::fs::create_dir_all(place.join("open")).expect("a folder");
        std::fs::write(place.join("secret"), "secret").expect("a file");
        std::fs::write(place.join("open/own"), "own").expect("a file");
        House(place)
    }

    /// One that may read what is open, as the system names it.
    fn evaluator(&self) -> Evaluator {
        let open = self.0.join("open").display().to_string();
        evaluator(&Options { roots: vec![open], ..Options::default() })
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A path as a program writes it.
fn text(path: &Path) -> String {
    String::from_utf8(frazil::Disk::to_nix(path).expect("a path")).expect("its name is a text")
}

/// An evaluator as every language but Rust makes one: nothing is allowed that is not named.
fn evaluator(options: &Options) -> Evaluator {
    options.builder().expect("the options are in order").build().evaluator()
}

fn limited() -> Options {
    let limits = LimitOptions {
        steps: Some(20_000_000),
        memory: Some(MemoryOption::Text("64MiB".to_owned())),
        seconds: Some(20.0),
        depth: None,
    };
    Options { limits, ..Options::default() }
}

/// Evaluates the program and all that its value holds.
fn data(evaluator: &mut Evaluator, program: &str) -> Result<String, Error> {
    let value = evaluator.eval(program)?;
    evaluator.to_json(&value)
}

fn ends_in(evaluator: &mut Evaluator, program: &str, kinds: &[ErrorKind]) -> Error {
    let error = data(evaluator, program).expect_err(program);
    assert!(kinds.contains(&error.kind()), "{program}: {:?}: {}", error.kind(), error.render());
    assert_eq!(data(evaluator, "1 + 1").expect("the evaluator works on"), "2", "after {program}");
    error
}

#[cfg(unix)]
#[test]
fn links_that_lead_out() {
    let house = House::new("links");
    let link = house.0.join("open/link");
    std::os::unix::fs::symlink(house.0.join("secret"), &link).expect("a link");
    let program = format!("builtins.readFile {}", text(&link));
    ends_in(&mut house.evaluator(), &program, &[ErrorKind::Restricted]);
}

#[test]
fn files_that_are_not_named() {
    let house = House::new("files");
    let place = text(&house.0);
    let mut evaluator = house.evaluator();
    assert_eq!(
        data(&mut evaluator, &format!("builtins.readFile {place}/open/own")).expect("it is open"),
        "\"own\""
    );
    for program in [
        format!("builtins.readFile {place}/secret"),
        format!("builtins.readFile {place}/open/../secret"),
        format!("builtins.readFileType {place}/secret"),
        format!("builtins.readDir {place}"),
        format!("import {place}/secret"),
        format!("\"${{{place}/secret}}\""),
        format!("builtins.hashFile \"sha256\" {place}/secret"),
        format!("builtins.path {{ path = {place}/secret; }}"),
        format!("builtins.filterSource (path: type: true) {place}"),
        "import <nixpkgs>".to_owned(),
    ] {
        let kinds: &[ErrorKind] = match program.contains('<') {
            // A name of the search path that means nothing is an error which a program may catch.
            true => &[ErrorKind::Thrown],
            false => &[ErrorKind::Restricted],
        };
        ends_in(&mut evaluator, &program, kinds);
    }
    assert_eq!(
        data(&mut evaluator, &format!("builtins.pathExists {place}/secret")).expect("a Boolean"),
        "false"
    );
}

#[test]
fn the_environment() {
    let mut closed = evaluator(&Options::default());
    assert_eq!(data(&mut closed, "builtins.getEnv \"PATH\"").expect("as if it were not set"), "\"\"");
    let mut open = evaluator(&Options { variables: vec!["PATH".to_owned()], ..Options::default() });
    assert_ne!(data(&mut open, "builtins.getEnv \"PATH\"").expect("it is allowed"), "\"\"");
}

#[test]
fn the_network() {
    let mut evaluator = evaluator(&Options::default());
    for program in [
        "builtins.fetchurl \"http://localhost\"",
        "import (builtins.fetchTarball \"http://localhost/x.tar.gz\")",
        "builtins.fetchGit \"http://localhost/x.git\"",
    ] {
        ends_in(&mut evaluator, program, &[ErrorKind::Unavailable]);
    }
}

#[test]
fn the_store() {
    let mut evaluator = evaluator(&Options::default());
    let path = "/nix/store/00000000000000000000000000000000-x";
    ends_in(
        &mut evaluator,
        &format!("builtins.readFile (builtins.storePath {path})"),
        &[ErrorKind::Restricted],
    );
    // What a derivation would build cannot be read, for nothing is built.
    let built = "import (derivation { name = \"x\"; system = builtins.currentSystem; builder = \"b\"; })";
    ends_in(&mut evaluator, built, &[ErrorKind::Restricted, ErrorKind::Unavailable]);
}

#[test]
fn what_would_never_end() {
    let mut evaluator = evaluator(&limited());
    ends_in(
        &mut evaluator,
        "builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }",
        &[ErrorKind::Steps, ErrorKind::Memory],
    );
    ends_in(&mut evaluator, "let f = n: 1 + f n; in f 0", &[ErrorKind::CallDepth]);
    ends_in(&mut evaluator, "let x = { y = x.y; }; in x.y", &[ErrorKind::InfiniteRecursion]);
}

/// A text of half a megabyte, which costs nothing to have many times over.
const TEXT: &str = "let s = builtins.concatStringsSep \"x\" (builtins.genList toString 90000); in ";

#[test]
fn what_would_fill_the_memory() {
    let mut evaluator = evaluator(&limited());
    let laughs: String = (0..60).map(|n| format!("a{} = {{ l = a{n}; r = a{n}; }}; ", n + 1)).collect();
    let laughs = format!("let a0 = {{ x = \"ha\"; }}; {laughs}");
    let twins = laughs.clone() + &laughs.replace("let ", "").replace('a', "b").replace("hb", "ha");
    let parts = "${s}".repeat(3000);
    for program in [
        "let f = s: n: if n == 0 then s else f (s + s) (n - 1); in f \"12345678\" 40".to_owned(),
        "builtins.concatStringsSep \"12345678\" (builtins.genList toString 1000000000)".to_owned(),
        format!("{TEXT} \"{parts}\""),
        format!("{TEXT} /a/{parts}"),
        format!("{TEXT} /a {}", "+ s".repeat(3000)),
        format!("{TEXT} toString (builtins.genList (n: s) 3000)"),
        format!("{TEXT} builtins.genList (n: s) 3000"),
        format!("{TEXT} builtins.replaceStrings [ \"1\" ] [ s ] s"),
        format!("{TEXT} builtins.replaceStrings [ \"\" ] [ s ] s"),
        format!("{TEXT} builtins.toXML (builtins.genList (n: s) 3000)"),
        format!("{TEXT} derivation {{ name = \"x\"; system = \"s\"; builder = \"b\"; args = builtins.genList (n: s) 3000; }}"),
        format!(
            "{TEXT} derivation (builtins.listToAttrs (builtins.genList (n: {{ name = \"a${{toString n}}\"; value = s; }}) 3000)
               // {{ name = \"x\"; system = \"s\"; builder = \"b\"; }})"
        ),
        "builtins.zipAttrsWith (n: builtins.length)
          (builtins.genList (n: builtins.groupBy toString (builtins.genList (n: n) 1000)) 100000)"
            .to_owned(),
        "let l = builtins.genList (n: n) 100000; in builtins.concatMap (x: l) l".to_owned(),
        format!("{laughs} in a60"),
        format!("{laughs} in builtins.toJSON a60"),
        format!("{laughs} in builtins.toXML a60"),
        format!("{twins} in a60 == b60"),
    ] {
        ends_in(&mut evaluator, &program, &[ErrorKind::Memory, ErrorKind::Steps]);
    }
}

/// What a program makes of each number, of which nothing stays in the heap.
const LEFT_BEHIND: &[&str] = &[
    "{ \"name${toString n}\" = n; }",
    "builtins.tryEval (throw \"no\")",
    "builtins.fromJSON \"{\\\"name${toString n}\\\":1}\"",
    "(derivation { name = \"x${toString n}\"; system = \"s\"; builder = \"b\"; }).drvPath",
    "builtins.toFile \"x${toString n}\" \"y\"",
];

#[test]
fn what_would_fill_tables_beside_the_heap() {
    let limits =
        LimitOptions { memory: Some(MemoryOption::Text("12MiB".to_owned())), ..LimitOptions::default() };
    let options = Options { limits, ..Options::default() };
    for body in LEFT_BEHIND {
        let mut evaluator = evaluator(&options);
        let inner = format!(
            "builtins.foldl' (a: j: let n = i * 1000 + j; in builtins.seq ({body}) a) a (builtins.genList (n: n) 1000)"
        );
        let program = format!("builtins.foldl' (a: i: {inner}) 0 (builtins.genList (n: n) 1000)");
        ends_in(&mut evaluator, &program, &[ErrorKind::Memory]);
    }
}

#[test]
fn what_would_take_for_ever_in_one_step() {
    let limits = LimitOptions { seconds: Some(0.3), ..LimitOptions::default() };
    let mut evaluator = evaluator(&Options { limits, ..Options::default() });
    let many = "builtins.replaceStrings (builtins.genList (n: \"a${toString n}\") 50000) (builtins.genList toString 50000)
      (builtins.concatStringsSep \"\" (builtins.genList (n: \"a\") 300000))";
    ends_in(&mut evaluator, many, &[ErrorKind::Time]);
}

/// Fails as a mistake does.
#[frazil::function]
fn careless(list: Vec<u32>) -> u32 {
    list[3]
}

#[test]
fn functions_of_the_embedders_that_panic() {
    let engine = Engine::builder()
        .register::<careless>()
        .function("divide", |(a, b): (i64, i64)| Ok::<i64, String>(a / b))
        .json_function("strange", 1, |_| std::panic::panic_any(7))
        .json_function("wrong", 1, |_| Ok(b"{ no JSON".to_vec()))
        .build();
    let mut evaluator = engine.evaluator();
    let kinds = &[ErrorKind::Embedder];
    let error = ends_in(&mut evaluator, "careless [ 1 2 3 ]", kinds);
    assert_eq!(error.message(), "it panicked: index out of bounds: the len is 3 but the index is 3");
    let error = ends_in(&mut evaluator, "divide [ 1 0 ]", kinds);
    assert_eq!(error.message(), "it panicked: attempt to divide by zero");
    assert_eq!(ends_in(&mut evaluator, "strange 1", kinds).message(), "it panicked: without a word");
    let error = ends_in(&mut evaluator, "wrong 1", kinds);
    assert!(error.message().starts_with("its answer is no data: "), "{}", error.message());
    assert_eq!(
        data(&mut evaluator, "[ (careless [ 1 2 3 4 ]) (divide [ 6 2 ]) ]").expect("as ever"),
        "[4,3]"
    );

    let session: Session = engine.session();
    let error = session.eval("careless [ ]").expect_err("it panics on any thread");
    assert_eq!(error.kind(), ErrorKind::Embedder);
    assert_eq!(session.eval("careless [ 0 0 0 9 ]").and_then(|value| value.to_json()).expect("as ever"), "9");
}
