//! Errors as miette's diagnostics, as those who show them ask for them.
#![cfg(feature = "miette")]

use frazil::{Engine, Memory};
use miette::{Diagnostic, LabeledSpan, NamedSource};

/// What a text is said to be wrong with, and the pieces of it that are pointed at.
fn pieces(text: &str, error: &dyn Diagnostic) -> Vec<(String, String)> {
    let piece = |label: LabeledSpan| {
        let piece = &text[label.offset()..label.offset() + label.len()];
        (label.label().unwrap_or_default().to_owned(), piece.to_owned())
    };
    error.labels().into_iter().flatten().map(piece).collect()
}

#[test]
fn an_error_has_code_help_label_and_source() {
    let text = "let e = \"é\"; in { colour = e; }.color";
    let error = Engine::new().evaluator().eval(text).unwrap_err();
    let error: &dyn Diagnostic = &error;
    assert_eq!(error.code().expect("a code").to_string(), "frazil::missing-attribute");
    assert_eq!(error.help().expect("a help").to_string(), "Did you mean colour?");
    let [(label, piece)] = &pieces(text, error)[..] else { panic!("one place") };
    assert_eq!((label.as_str(), piece.as_str()), ("attribute 'color' missing", "{ colour = e; }.color"));
    let span = error.labels().into_iter().flatten().next().expect("one place");
    let source =
        error.source_code().expect("the text").read_span(span.inner(), 0, 0).expect("it is in the text");
    assert_eq!(source.data(), piece.as_bytes());
    assert!(error.severity().is_none() && error.related().is_none(), "it is an error, and alone");
}

#[test]
fn an_error_in_a_file_has_the_files_text() {
    let file = "{ lib }:\nlib.missing\n";
    let host = Memory::new().file("/x.nix", file);
    let mut evaluator = Engine::builder().host(host).build().evaluator();
    let error = evaluator.eval("import /x.nix { lib = { }; }").unwrap_err();
    assert_eq!(pieces(file, &error), [("attribute 'missing' missing".to_owned(), "lib.missing".to_owned())]);
    let span = error.labels().into_iter().flatten().next().expect("one place");
    let source =
        error.source_code().expect("the text").read_span(span.inner(), 0, 0).expect("it is in the text");
    assert_eq!(source.line(), 1, "from 0");
}

#[test]
fn an_error_without_a_place_shows_no_source() {
    let error = frazil::Error::new(frazil::ErrorKind::Type, "expected a port");
    let error: &dyn Diagnostic = &error;
    assert_eq!(error.code().expect("a code").to_string(), "frazil::type");
    assert!(error.help().is_none() && error.labels().is_none() && error.source_code().is_none());
}

#[test]
fn an_error_is_a_report() {
    let report = || -> miette::Result<()> {
        Engine::new().evaluator().eval("1 + throw \"no\"")?;
        Ok(())
    };
    let report = report().expect_err("it throws").with_source_code(NamedSource::new("x.nix", "other"));
    assert_eq!(report.to_string(), "no");
    assert_eq!(report.code().expect("a code").to_string(), "frazil::thrown");
}
