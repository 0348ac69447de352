//! Frazil's own commands, run as a user runs them.
#![expect(clippy::disallowed_methods, reason = "a test has a scratch folder")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("frazil-own-{name}.{}", std::process::id()));
        fs::create_dir_all(&path).expect("a scratch folder");
        Scratch(path)
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> &Scratch {
        fs::write(self.0.join(name), contents).expect("a scratch file");
        self
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A path as a program knows it.
fn nix(path: &Path) -> String {
    String::from_utf8(frazil::Disk::to_nix(path).expect("a path")).expect("text")
}

fn frazil(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_frazil"));
    command.current_dir(folder).args(words).output().expect("the binary runs")
}

/// Asserts that a command fails as errors do: with this on standard error, status 1, and nothing printed.
fn fails(folder: &Path, words: &[&str], wanted: &str) {
    let output = frazil(folder, words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words:?}: {errors}");
    assert!(errors.starts_with("error:") && errors.contains(wanted), "{words:?}: {errors}");
    assert!(output.stdout.is_empty(), "{words:?}");
}

fn prints(folder: &Path, words: &[&str], wanted: &str) {
    let output = frazil(folder, words);
    assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{words:?}: {output:?}");
    assert!(output.status.success(), "{words:?}");
}

const DRV: &str = "derivation { name = \"x\"; system = \"s\"; builder = \"b\"; src = ";

#[test]
fn values_are_printed_in_each_form() {
    let scratch = Scratch::new("forms");
    scratch.file("default.nix", "{ n ? 1 }: { a.b = n + 1; }");
    let at = &scratch.0;
    prints(at, &["eval", "-A", "a.b"], "2\n");
    prints(at, &["eval", "-A", "a.b", "--arg", "n", "40 + 1"], "42\n");
    prints(at, &["eval", "-A", "a", "--json", "--strict"], "{\"b\":2}\n");
    prints(at, &["eval", "-E", "\"x\"", "--raw"], "x");
    prints(at, &["parse", "-E", "1+ 2"], "(1 + 2)\n");
    prints(
        at,
        &["eval", "-E", "<a>", "-I", "a=./default.nix"],
        &format!("{}\n", nix(&at.join("default.nix"))),
    );
}

#[test]
fn bad_inputs_are_clear_errors() {
    let scratch = Scratch::new("bad");
    fs::create_dir(scratch.0.join("empty")).expect("a folder");
    scratch.file("bytes.nix", b"a = \"\xff");
    let at = &scratch.0;
    fails(at, &["eval", "-f", "nowhere.nix"], "nowhere.nix' does not exist");
    fails(at, &["eval", "-f", "empty"], "empty/default.nix' does not exist");
    fails(at, &["eval", "-f", "bytes.nix"], "bytes.nix:1:3");
    fails(at, &["eval", "--bogus"], "--bogus");
    fails(at, &["check", "bytes.nix", "nowhere.nix"], "2 errors found in 2 files");
    fails(at, &["instantiate", "-E", "1"], "derivation");
}

#[cfg(unix)]
#[test]
fn links_that_lead_to_themselves_are_clear_errors() {
    let scratch = Scratch::new("loop");
    std::os::unix::fs::symlink("loop2", scratch.0.join("loop1")).expect("a link");
    std::os::unix::fs::symlink("loop1", scratch.0.join("loop2")).expect("a link");
    fails(&scratch.0, &["eval", "-f", "loop1"], "too many symbolic links");
}

const MESSY: &str = "\
{ lib, ... }:
let
  unused = 1;
  twice = x: x == true;
in {
  a = twice 1;
}
";

#[test]
fn lints_are_said_when_asked_for() {
    let scratch = Scratch::new("lint");
    let at = &scratch.file("messy.nix", MESSY).0;
    assert_eq!(frazil(at, &["check", "messy.nix"]).status.code(), Some(0));
    let output = frazil(at, &["check", "messy.nix", "--lint"]);
    assert_eq!(output.status.code(), Some(0), "lints alone fail nothing");
    let errors = String::from_utf8(output.stderr).expect("text");
    let wanted = "\
warning: 'unused' is bound, but not used [unused-let]
       at messy.nix:3:3:
            2| let
            3|   unused = 1;
             |   ^^^^^^
            4|   twice = x: x == true;
       hint: leave the binding out
";
    assert!(errors.contains(wanted), "{errors}");
    let output = frazil(at, &["check", "messy.nix", "--lint", "--fail-on", "warning"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("error: 2 warnings found in 1 file\n"));
}

#[test]
fn all_errors_of_a_file_are_said_with_hints() {
    let scratch = Scratch::new("hints");
    let at = &scratch.file("a.nix", "{ a = 1\n; b = libb; c = [ 1, 2 ];\n d = e }\n").0;
    let output = frazil(at, &["check", "a.nix", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let findings = json["findings"].as_array().expect("a list");
    let shown: Vec<_> = findings
        .iter()
        .map(|f| (f["line"].as_u64(), f["column"].as_u64(), f["rule"].as_str(), f["hint"].as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Some(2), Some(7), Some("undefined-variable"), None),
            (Some(2), Some(20), Some("syntax"), Some("elements of a list stand apart by blanks")),
            (Some(3), Some(8), Some("syntax"), Some("';' is missing before this")),
        ]
    );
    assert_eq!(findings[2]["fix"][0]["text"], ";");
}

#[test]
fn findings_are_written_as_sarif() {
    let scratch = Scratch::new("sarif");
    let at = &scratch.file("m e.nix", MESSY).0;
    let output = frazil(at, &["check", "m e.nix", "--lint", "--format", "sarif"]);
    let log: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), 3);
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().expect("an index") as usize];
        assert_eq!(result["ruleId"], rule["id"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
        assert!(result["message"]["text"].is_string());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "m%20e.nix");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
    }
}

#[test]
fn only_the_closure_of_derivations_is_written() {
    let scratch = Scratch::new("closure");
    let at = &scratch.0;
    let used = format!("{DRV} {DRV} 1; }}; }}");
    let unused = format!("builtins.seq ({DRV} 2; }}).drvPath ({used})");
    let output = frazil(at, &["instantiate", "-E", &unused, "--derivations", "out/drvs"]);
    assert!(output.status.success(), "{output:?}");
    let written = fs::read_dir(at.join("out/drvs")).expect("the folder was made").count();
    assert_eq!(written, 2);
    let path = String::from_utf8(output.stdout).expect("a path");
    let name = path.trim_end().rsplit('/').next().expect("a name");
    let text = fs::read(at.join("out/drvs").join(name)).expect("the printed derivation");
    assert!(text.starts_with(b"Derive("));
}

#[test]
fn an_unwritable_folder_is_an_error() {
    let scratch = Scratch::new("unwritable");
    scratch.file("file", "");
    let output =
        frazil(&scratch.0, &["instantiate", "-E", &format!("{DRV} 1; }}"), "--derivations", "file/drvs"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("error: cannot write 'file/drvs'"),
        "{output:?}"
    );
}

#[test]
fn the_repl_goes_on_after_errors() {
    let scratch = Scratch::new("repl");
    scratch.file("lines", "x = 1\ny\nx + 1\n1 +)\n:t x\n:p { a = x + 2; }\n:q\nx\n");
    let input = fs::File::open(scratch.0.join("lines")).expect("a file");
    let output =
        Command::new(env!("CARGO_BIN_EXE_frazil")).arg("repl").stdin(input).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "2\nan integer\n{ a = 3; }\n");
    assert!(output.status.success());
}

/// What the REPL prints for these lines, and what it says on standard error.
fn repl(folder: &Path, lines: &str) -> (String, String) {
    fs::write(folder.join("lines"), lines).expect("a scratch file");
    let input = fs::File::open(folder.join("lines")).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_frazil"));
    let output = command.current_dir(folder).arg("repl").stdin(input).output().expect("it runs");
    assert!(output.status.success());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(output.stdout), text(output.stderr))
}

#[test]
fn the_repl_reads_on_until_an_expression_is_whole() {
    let scratch = Scratch::new("repl-lines");
    let (out, errors) = repl(&scratch.0, "let x = 1; in\n  x +\n\n 2\nf = x:\n  x * 2\nf 21\n[ 1\n");
    assert_eq!(out, "3\n42\n");
    assert!(errors.contains("unexpected end of file"), "{errors}");
}

#[test]
fn the_repl_shows_values_over_lines() {
    let scratch = Scratch::new("repl-show");
    let program = "{ a.b.c = 1; l = [ [ 1 ] ]; e = throw \"x\"; \"a b\" = { }; }";
    let (out, _) = repl(&scratch.0, &format!("{program}\n:p {{ a.b = [ 1 2 ]; }}\n:p \"a\\nb\"\n"));
    let wanted = "\
{
  a = { ... };
  \"a b\" = { };
  e = «error: x»;
  l = [ ... ];
}
{
  a = {
    b = [
      1
      2
    ];
  };
}
a
b
";
    assert_eq!(out, wanted);
}

#[test]
fn the_repl_knows_documentation_and_files() {
    let scratch = Scratch::new("repl-doc");
    let library = "{ n ? 1 }: {\n  /** Twice.\n\n      As much. */\n  twice = x: x * 2;\n  inherit n;\n}\n";
    scratch.file("lib.nix", library);
    let lines =
        ":l lib.nix\n:doc twice\n:doc builtins.map\n:doc n\n:ll\nn\n:t twice\n:t map 1\n:nope\n:r\nn\n";
    let (out, errors) = repl(&scratch.0, lines);
    let place = scratch.0.join("lib.nix").canonicalize().expect("it is there");
    let wanted = format!(
        "Added 2 variables.\nFunction at {}:5:11\n\nTwice.\n\nAs much.\nSynopsis: builtins.map f list\n\n\
         The values of f for each element.\nn\ntwice\n1\na function\n\
         the partially applied built-in function 'map'\nAdded 2 variables.\n1\n",
        nix(&place)
    );
    assert_eq!(out, wanted);
    assert_eq!(errors, "error: value does not have documentation\nerror: unknown command ':nope'\n");
}

#[test]
fn a_reader_that_goes_is_no_panic() {
    let words = ["eval", "--strict", "-E", "builtins.genList (n: n) 100000"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_frazil"))
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn jobs_are_lines_of_json() {
    let scratch = Scratch::new("jobs");
    let text = "{ system ? \"s\" }: let d = name: derivation { inherit name system; builder = \"b\"; }; in \
                { a = d \"a\"; bad = throw \"bad\"; deep = { recurseForDerivations = true; c = d \"c\"; }; none = null; }";
    scratch.file("default.nix", text);
    let at = &scratch.0;
    let attrs = |words: &[&str]| {
        let output = frazil(at, &[&["jobs"], words].concat());
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        let lines =
            text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"));
        lines.map(|job| (job["attr"].as_str().expect("a name").to_owned(), job)).collect::<Vec<_>>()
    };
    let all = attrs(&[]);
    assert_eq!(all.iter().map(|(attr, _)| attr.as_str()).collect::<Vec<_>>(), ["a", "bad", "deep.c"]);
    assert!(all[0].1["drvPath"].as_str().expect("a path").ends_with("-a.drv") && all[0].1["system"] == "s");
    assert!(all[1].1["error"].as_str().expect("an error").contains("bad"));
    assert_eq!(attrs(&["--argstr", "system", "t", "-A", "deep"])[0].1["system"], "t");
    assert!(attrs(&["--systems", "t"]).iter().all(|(attr, _)| attr == "bad"));
    let parts = [attrs(&["--shard", "0/2"]), attrs(&["--shard", "1/2"])].concat();
    assert_eq!(parts.len(), 3);
    scratch.file("done", format!("{}\n{{\"att", all[0].1));
    assert_eq!(attrs(&["--resume", "done"]).len(), 2);
    assert_eq!(attrs(&["--show-input-derivations"])[0].1["inputDrvs"], serde_json::json!({}));
    assert_eq!(frazil(at, &["jobs", "--shard", "2/2"]).status.code(), Some(1));
}
