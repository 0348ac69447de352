//! Texts that builtins make sense of.

use crate::types::Sort;

/// Texts of a sort.
pub fn of(sort: Sort) -> &'static [&'static str] {
    match sort {
        Sort::Plain | Sort::Name => PLAIN,
        Sort::Version => VERSIONS,
        Sort::DrvName => DRV_NAMES,
        Sort::Regex => REGEXES,
        Sort::Json => &["{}", "[1,2,{\"a\":null}]", "\"x\"", "1.0", "{\"a\":1,\"a\":2}"],
        Sort::Toml => TOMLS,
        Sort::Algorithm => &["sha256", "sha1", "sha512", "md5", "blake3", "SHA256", ""],
        Sort::Hash => HASHES,
        Sort::StoreName => &["x", "foo-1.0", "a_b", "a.drv", ".x", "", "a b", "-", "x?=+", "ü", "..", ".-x"],
    }
}

const PLAIN: &[&str] = &[
    "", "a", "b", "foo", "bar", "a b", "x\ny", "\"", "$", "${", "$$", "\\", "ü€😀", "/a/b", "/a/b/", "a/b", "1", "1.5", "-1",
    "A", "aa", "ab", "\t", "\r", "é", "a.b", "foo-1.2.3", "key=value", "{}", "/nix/store", "./x", "true", "null", "''", "'",
    "/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo", "/", "//", "a//b", ".", "..", "x86_64-linux", "hello world",
    "/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv", "github:a/b", "path:/a?dir=b", "0", "<x>", "&", "a&<>\"'b",
];

const VERSIONS: &[&str] = &[
    "1", "1.0", "1.0.1", "2.3pre4", "2.3", "1.0-rc1", "", "a", "1.a", "1a", "pre", "10", "9", "1.10", "1..2", "-1", "1.0.0.0",
    "00", "0", "18446744073709551616", "99999999999999999999", "1.0-2", "2pre", "1-pre1", "x-1", "1.0pre", "ü", "1_2", "1+2",
];

const DRV_NAMES: &[&str] = &[
    "foo-1.0", "foo", "foo-bar-1.2", "-1", "foo-", "foo--1", "a-1b-2", "", "-", "foo-1-2", "foo_1.0", "x-ü", "foo-9bar", "nix-0.12pre12876",
    "foo-/a", "1-foo",
];

const REGEXES: &[&str] = &[
    "(.*)", "([a-z]+)-([0-9.]+)", "a|b", "(a)|(b)", "x?", "", "[[:space:]]*(.*)[[:space:]]*", "^a$", "(a*)*", "(a|ab)(c|bcd)",
    ".", "[^/]*/(.*)", "(foo|bar)*", "[a-zA-Z0-9_]+", "\\$\\{([^}]*)\\}", "(.)(.)?", "((a)|b)+", "()", "(/[^/]+)+", "[.]",
    "(a?)(ab)?", "(x*)(y*)", "[[:upper:]]|[[:lower:]]", "(.*)\n(.*)",
];

const TOMLS: &[&str] = &[
    "", "a = 1", "a = 1.5\nb = \"x\"", "[a]\nb = 1\n[a.c]\nd = [1, 2]", "[[x]]\na=1\n[[x]]\na=2", "a.b.c = true", "a = {b = 1, c = \"d\"}",
    "a = 0x1F\nb = 0o17\nc = 0b11", "a = 1_000", "a = inf", "a = -nan", "a = '''x\ny'''", "a = \"\"\"\n x \\\n  y\"\"\"", "a = 1979-05-27",
    "a = 1\na = 2", "a = ", "[a\nb=1", "\"a b\" = 1", "a = [1, \"x\"]", "a = '\\x'", "a = \"\\u00e9\"", "# c\na = 1 # d", "a = 9223372036854775807",
    "a = 9223372036854775808", "a = +1", "a = 01", "a = 1e5", "a = 1.", "a = .5", "'' = 1", "[a.b]\n[a]\nc = 1", "[a]\n[a]", "a = [1,\n2,\n]",
    "a = true\nb = false", "a = 07:32:00", "a = 1979-05-27T07:32:00Z", "a.b = 1\na.c = 2", "a = {b.c = 1}", "a = [{b=1},{b=2}]", "a = \"x",
];

const HASHES: &[&str] = &[
    "sha256", "base16", "nix32", "base64", "sri", "base32", "md5", "sha1", "sha512", "recursive", "flat", "nar", "text",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s",
    "900150983cd24fb0d6963f7d28e17f72", "", "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s", "zz", "git",
    "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "a9993e364706816aba3e25717850c26c9cd0d89d",
];
