//! Writes the JavaScript of a module for one kind of surroundings: `bindgen MODULE web|bundler|nodejs FOLDER`.
//!
//! wasm-bindgen's own command does the same, but comes with a web server and its TLS.

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, target, folder] = arguments.as_slice() else {
        eprintln!("usage: bindgen MODULE web|bundler|nodejs FOLDER");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let outcome = match target.as_str() {
        "web" => bindgen.web(true),
        "bundler" => bindgen.bundler(true),
        "nodejs" => bindgen.nodejs(true),
        _ => {
            eprintln!("bindgen: no surroundings are called '{target}'");
            return ExitCode::from(2);
        }
    };
    let outcome = outcome.and_then(|bindgen| {
        bindgen.input_path(module).out_name("module").typescript(true).omit_default_module_path(false);
        bindgen.remove_producers_section(true).remove_name_section(true).generate(folder)
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bindgen: {error:?}");
            ExitCode::FAILURE
        }
    }
}
