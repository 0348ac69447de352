//! What the drop-in says about command lines and settings: each answer below is CppNix's, and is asked of it again where it
//! is at hand.
#![expect(clippy::disallowed_methods, reason = "this test starts CppNix where the environment says it is")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use frazil::settings::{Outside, Settings, Unreadable};
use frazil_cli::args::{self, AutoArg, Input, InstantiateArgs, Mode, Output, Request};
use frazil_cli::outside::complaint;

/// A world of these variables and files.
#[derive(Default)]
struct World {
    variables: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
}

impl Outside for World {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn read(&self, path: &str) -> Result<String, Unreadable> {
        self.files.get(path).cloned().ok_or(Unreadable::Missing)
    }

    fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn working_directory(&self) -> String {
        "/work".to_owned()
    }
}

fn words(line: &[&str]) -> Vec<Vec<u8>> {
    line.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// Standard error of a command line under `NIX_CONFIG=config`, as far as reading it goes.
fn said(config: &str, line: &[&str]) -> String {
    let mut world = World::default();
    world.variables.insert("NIX_CONFIG".to_owned(), config.to_owned());
    let mut warnings = Vec::new();
    let end = Settings::load(&world).and_then(|mut settings| {
        let end = args::parse(words(line), &mut settings);
        warnings = settings.take_warnings();
        end
    });
    let mut said: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    if let Err(error) = end {
        said.push_str(&String::from_utf8_lossy(&complaint(&error)));
    }
    said
}

const HELP: &str = "\nTry 'nix-instantiate --help' for more information.";

/// `NIX_CONFIG`, words before `--eval -E 1`, standard error; a last `+` stands for the hint at `--help`.
const ANSWERS: &[(&str, &[&str], &str)] = &[
    ("pure-eval = maybe", &[], "error: Boolean setting 'pure-eval' has invalid value 'maybe'+"),
    ("foo bar", &[], "error: syntax error in configuration line 'foo bar' in \"NIX_CONFIG\"+"),
    ("foo # = 1", &[], "error: syntax error in configuration line 'foo ' in \"NIX_CONFIG\"+"),
    ("include /nonexistent", &[], "error: file \"/nonexistent\" included from \"NIX_CONFIG\" not found"),
    ("include a b", &[], "error: boost::bad_format_string: format-string is ill-formed"),
    ("!include /nonexistent", &[], ""),
    ("# nothing\n\n  foo = bar # and more", &[], "warning: unknown setting 'foo'"),
    (
        "extra-foo = bar\nfoo = 2\nmax-call-depth = 1K",
        &["--option", "bar", "2", "--option", "aaa", "3"],
        "warning: unknown setting 'aaa'\nwarning: unknown setting 'bar'\nwarning: unknown setting 'extra-foo'\n\
         warning: unknown setting 'foo'",
    ),
    (
        "",
        &["--option", "pure-eval", "maybe"],
        "warning: Boolean setting 'pure-eval' has invalid value 'maybe'",
    ),
    ("", &["--max-call-depth", "x"], "error: setting 'max-call-depth' has invalid value 'x'+"),
    ("", &["--max-call-depth", "-0"], "error: setting 'max-call-depth' has invalid value '-0'+"),
    (
        "",
        &["--max-call-depth", "4294967296"],
        "error: setting 'max-call-depth' has invalid value '4294967296'+",
    ),
    ("", &["--max-call-depth", "+5k"], ""),
    ("", &["--max-call-depth", " 5"], "error: setting 'max-call-depth' has invalid value ' 5'+"),
    ("", &["--option", "max-call-depth", ""], "warning: setting 'max-call-depth' has invalid value ''"),
    ("", &["--timeout", "x"], "error: invalid unit specifier 'X'+"),
    ("", &["--timeout", "1.5"], "error: '1.5' is not an integer+"),
    ("", &["--timeout", "xK"], "error: 'x' is not an integer+"),
    ("", &["--max-silent-time", "1K", "--cores", "0"], ""),
    (
        "",
        &["--lint-url-literals", "foo"],
        "error: option 'lint-url-literals' has invalid value 'foo' (expected 'ignore', 'warn', or 'fatal')+",
    ),
    ("", &["--extra-max-call-depth", "1"], "error: unrecognised flag '--extra-max-call-depth'+"),
    ("", &["--option", "extra-max-call-depth", "1"], "warning: unknown setting 'extra-max-call-depth'"),
    (
        "",
        &["--accept-flake-config"],
        "error: experimental Nix feature 'flakes' is disabled; \
         add '--extra-experimental-features flakes' to enable it",
    ),
    ("", &["--accept-flake-config", "--extra-experimental-features", "flakes"], ""),
    (
        "",
        &["--option", "accept-flake-config", "true"],
        "warning: Ignoring setting 'accept-flake-config' because experimental feature 'flakes' is not enabled",
    ),
    (
        "accept-flake-config = true",
        &[],
        "warning: Ignoring setting 'accept-flake-config' because experimental feature 'flakes' is not enabled",
    ),
    ("accept-flake-config = true\nexperimental-features = flakes", &[], ""),
    (
        "",
        &["--commit-lock-file-summary", "x"],
        "warning: Ignoring setting 'commit-lock-file-summary' because experimental feature 'flakes' is not enabled\n\
         error: experimental Nix feature 'flakes' is disabled; \
         add '--extra-experimental-features flakes' to enable it",
    ),
    (
        "",
        &["--experimental-features", "nope no-url-literals"],
        "warning: experimental feature 'no-url-literals' has been stabilized and renamed; \
         use 'lint-url-literals = fatal' setting instead\nwarning: unknown experimental feature 'nope'",
    ),
    (
        "",
        &["--warn-short-path-literals"],
        "warning: 'warn-short-path-literals' is deprecated, use 'lint-short-path-literals = warn' instead",
    ),
    (
        "warn-short-path-literals = false",
        &[],
        "warning: 'warn-short-path-literals' is deprecated, use 'lint-short-path-literals = ignore' instead",
    ),
    ("", &["--no-pure-eval", "--no-show-trace", "--no-gc-warning", "--repair"], ""),
    ("", &["-x"], "error: unrecognised flag '-x'+"),
    ("", &["-Qx"], "error: unrecognised flag '-x'+"),
    ("", &["-QkKj3"], ""),
    ("", &["--frob"], "error: unrecognised flag '--frob'+"),
    ("", &["--option", "foo", "1", "--frob"], "error: unrecognised flag '--frob'+"),
    ("", &["--no-max-jobs"], "error: unrecognised flag '--no-max-jobs'+"),
    (
        "",
        &["--build-max-jobs", "x"],
        "error: configuration setting 'max-jobs' should be 'auto' or an integer+",
    ),
    ("", &["--max-jobs", "auto", "-j", "1"], ""),
    ("", &["--max-jobs", "1K"], "error: configuration setting 'max-jobs' should be 'auto' or an integer+"),
    ("", &["--build-keep-log"], ""),
    ("", &["--no-build-keep-log"], "error: unrecognised flag '--no-build-keep-log'+"),
    ("", &["--relaxed-sandbox", "--sandbox", "--no-sandbox", "--build-use-chroot"], ""),
    ("", &["--option", "sandbox", "maybe"], "warning: option 'sandbox' has invalid value 'maybe'"),
    ("", &["--option", "sandbox", "1"], "warning: option 'sandbox' has invalid value '1'"),
    (
        "",
        &["--eval-profile-file", ""],
        "error: setting 'eval-profile-file' is a path and paths cannot be empty+",
    ),
    ("", &["--eval-profiler", "x"], "error: option 'eval-profiler' has invalid value 'x'+"),
    ("", &["--extra-nix-path", "a=/b", "--allowed-uris", "x", "--extra-allowed-uris", "y"], ""),
    ("", &["--build-dir", "x"], "error: not an absolute path: \"x\""),
    ("", &["--option", "netrc-file", "x"], "error: not an absolute path: \"x\""),
    (
        "",
        &["--option", "netrc-file", ""],
        "warning: setting 'netrc-file' is a path and paths cannot be empty",
    ),
    ("", &["--build-dir", "", "--substituters", "", "--extra-substituters", "https://a b/c"], ""),
    ("", &["--binary-caches", "https://a b"], "error: Cannot parse Nix store 'b'+"),
    ("", &["--option", "store", "x"], "warning: Cannot parse Nix store 'x'"),
    ("", &["--eval-store", "x"], "error: Cannot parse Nix store 'x'+"),
    ("", &["--log-format", "nope"], "error: option 'log-format' has an invalid value 'nope'"),
    ("", &["--refresh"], "error: unrecognised flag '--refresh'+"),
    ("", &["-L"], "error: unrecognised flag '-L'+"),
    ("", &["--debugger"], "error: unrecognised flag '--debugger'+"),
];

fn expected(answer: &str) -> String {
    let answer = answer.strip_suffix('+').map_or(answer.to_owned(), |text| format!("{text}{HELP}"));
    if answer.is_empty() { answer } else { answer + "\n" }
}

#[test]
fn answers_are_the_recorded_ones() {
    for (config, line, answer) in ANSWERS {
        let line = [line, ["--eval", "-E", "1"].as_slice()].concat();
        assert_eq!(said(config, &line), expected(answer), "NIX_CONFIG='{config}' nix-instantiate {line:?}");
    }
}

#[test]
fn words_that_end_too_early() {
    let missing = |line: &[&str], answer| assert_eq!(said("", line), expected(answer), "{line:?}");
    missing(&["--arg", "x"], "error: flag '--arg' requires 2 argument(s), but only 1 were given+");
    missing(&["--option", "a"], "error: flag '--option' requires 2 argument(s), but only 1 were given+");
    missing(&["--store"], "error: flag '--store' requires 1 argument(s), but only 0 were given+");
    missing(&["-j"], "error: flag '-j' requires 1 argument(s), but only 0 were given+");
    missing(&["-A"], "error: '-A' requires an argument+");
    missing(&["-E", "--", "1", "-2"], "error: unexpected argument '-2'+");
    missing(&["--", "-A", "x"], "error: '-A' requires an argument+");
}

/// Where CppNix is, if it is here.
fn oracle() -> Option<PathBuf> {
    let dir = std::env::var_os("FRAZIL_ORACLE").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("frazil/cppnix"))
    })?;
    Some(dir.join("bin/nix-instantiate")).filter(|program| program.exists())
}

#[test]
fn recorded_answers_are_those_of_cppnix() {
    let Some(program) = oracle() else {
        println!("skipped: CppNix is not here (FRAZIL_ORACLE)");
        return;
    };
    for (config, line, answer) in ANSWERS {
        let mut command = Command::new(&program);
        command.args(*line).args(["--eval", "-E", "1"]).env_clear();
        // A root's builds want a group of users that need not be there.
        command.env("NIX_CONFIG", format!("build-users-group =\n{config}")).env("HOME", "/nonexistent");
        let scratch = std::env::temp_dir();
        command.env("NIX_CONF_DIR", "/nonexistent").env("NIX_REMOTE", "dummy://").current_dir(scratch);
        command.env("NIX_STATE_DIR", "/nonexistent").env("PATH", "/usr/bin:/bin");
        let run = command.output().expect("CppNix starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(said, expected(answer), "NIX_CONFIG='{config}' nix-instantiate {line:?}");
    }
}

fn run(line: &[&str]) -> InstantiateArgs {
    match args::parse(words(line), &mut Settings::default()) {
        Ok(Request::Run(args)) => *args,
        other => panic!("{line:?} gave {other:?}"),
    }
}

#[test]
fn no_input_is_the_default_file() {
    assert_eq!(run(&[]).inputs, [Input::File(b"./default.nix".to_vec())]);
    assert_eq!(run(&["-E"]).inputs, []);
    assert_eq!(run(&["-"]).inputs, [Input::Stdin]);
    assert_eq!(run(&["a", "-"]).inputs, [Input::Stdin, Input::File(b"a".to_vec())]);
    assert_eq!(run(&["--find-file"]).inputs, []);
}

#[test]
fn expressions_is_a_switch() {
    let expressions = |line| run(line).inputs;
    let both = [Input::Expression(b"1".to_vec()), Input::Expression(b"2".to_vec())];
    assert_eq!(expressions(&["-E", "1", "2"]), both);
    assert_eq!(expressions(&["1", "2", "--expr"]), both);
}

#[test]
fn short_flags_in_one_word() {
    let args = run(&["-EAx", "1"]);
    assert_eq!(args.attributes, [b"-x".to_vec()]);
    assert_eq!(run(&["-Ia=/tmp"]).includes, [b"-a".to_vec()]);
    assert_eq!(run(&["-vvj3"]).verbosity, run(&["-v", "--verbose"]).verbosity);
}

#[test]
fn what_writes() {
    assert!(!run(&["a"]).read_only);
    assert!(run(&["--eval", "a"]).read_only);
    assert!(run(&["--parse", "a"]).read_only);
    assert!(run(&["--dry-run", "a"]).read_only && run(&["--readonly-mode", "a"]).read_only);
    assert!(!run(&["--eval", "--read-write-mode", "a"]).read_only);
    assert!(run(&["--eval", "--read-write-mode", "--dry-run", "a"]).read_only);
}

#[test]
fn modes_and_forms() {
    assert_eq!(run(&["--eval", "--parse-only", "a"]).mode, Mode::Parse);
    assert_eq!(run(&["--eval", "--find-file", "a"]).mode, Mode::FindFile);
    assert_eq!(run(&["--eval-only", "--json", "--xml", "a"]).output, Output::Xml);
    assert!(!run(&["--xml", "--no-location"]).locations);
}

#[test]
fn the_last_argument_of_a_name_wins() {
    let args = run(&["--arg", "a", "1", "--argstr", "a", "2", "--arg-from-stdin", "b"]);
    assert_eq!(args.auto_args[b"a".as_slice()], AutoArg::String(b"2".to_vec()));
    assert_eq!(args.auto_args[b"b".as_slice()], AutoArg::Stdin);
}

#[test]
fn version_ends_the_reading() {
    let request = |line| args::parse(words(line), &mut Settings::default());
    assert_eq!(request(&["--version", "--frob"]), Ok(Request::Version));
    assert!(request(&["--frob", "--version"]).is_err());
    assert_eq!(request(&["--", "--version"]), Ok(Request::Version));
}

#[test]
fn bytes_of_expressions_are_kept() {
    let line = vec![b"-E".to_vec(), vec![b'"', 0xff, b'"']];
    let Ok(Request::Run(args)) = args::parse(line, &mut Settings::default()) else {
        panic!("it is a good line")
    };
    assert_eq!(args.inputs, [Input::Expression(vec![b'"', 0xff, b'"'])]);
}
