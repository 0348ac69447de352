//! Hosts in memory and in layers say what a disk says.

use frazil::{Engine, Host, Memory, Overlay};

/// The JSON of an expression, or the innermost message.
fn answer(host: impl Host + 'static, text: &str) -> String {
    let mut evaluator = Engine::builder().host(host).build().evaluator();
    evaluator
        .enter(|scope| {
            let v = scope.eval(text)?;
            scope.to_json(v, true)
        })
        .unwrap_or_else(|error: frazil::Error| error.message().to_owned())
}

#[test]
fn a_file_in_memory_is_no_directory() {
    let host = Memory::new().file("/a/file", "");
    assert_eq!(
        answer(host, "builtins.readDir /a/file"),
        r#"cannot read directory "/a/file": Not a directory"#
    );
}

#[test]
fn a_directory_hides_the_file_below() {
    let host = Overlay { upper: Memory::new().file("/a/b", ""), lower: Memory::new().file("/a", "") };
    assert_eq!(answer(host, "builtins.readDir /a"), r#"{"b":"regular"}"#);
}

#[test]
fn a_file_hides_the_directory_below() {
    let host = Overlay { upper: Memory::new().file("/a", ""), lower: Memory::new().file("/a/b", "") };
    assert_eq!(answer(host, "builtins.readDir /a"), r#"cannot read directory "/a": Not a directory"#);
}
