//! Prints the tree of each file, or what is wrong with it, as `nix-instantiate --parse FILE` does.
//!
//! `--pipe-operators` enables that experimental feature for the files after it.
#![expect(clippy::disallowed_methods, reason = "a measurement meets the system itself")]

use frazil_syntax::show::{Places, show};
use frazil_syntax::symbol::Symbols;
use frazil_syntax::{Options, parse};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

fn main() {
    let mut failed = false;
    let mut options = Options::default();
    for file in std::env::args_os().skip(1) {
        if file == "--pipe-operators" {
            options.pipe_operators = true;
            continue;
        }
        let file = std::path::absolute(file).expect("a path");
        failed |= !print(&file, &options);
    }
    std::process::exit(i32::from(failed));
}

fn print(file: &Path, options: &Options) -> bool {
    let source = std::fs::read(file).expect("readable");
    let mut symbols = Symbols::new();
    let place = |offset: u32| {
        let before = &source[..offset as usize];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
        format!("{}:{line}:{column}", file.display())
    };
    let message = match parse(&source, &mut symbols, options) {
        Ok(exprs) => {
            let base = file.parent().expect("a file is in a folder").as_os_str().as_bytes();
            let home = std::env::home_dir().unwrap_or_default();
            let mut out = show(&exprs, &symbols, Places { base, home: home.as_os_str().as_bytes() });
            out.push(b'\n');
            std::io::stdout().write_all(&out).expect("stdout is open");
            return true;
        }
        Err(error) => {
            let message = [b"error: ", &error.render(place)[..]].concat();
            [message, format!("\n       at {}:\n", place(error.offset)).into_bytes()].concat()
        }
    };
    std::io::stderr().write_all(&message).expect("stderr is open");
    false
}
