//! What the compiler and the search of regular expressions answer.

use super::*;
use proptest::prelude::*;

fn show(text: &str, groups: &[Group]) -> String {
    let show = |group: &Group| match group {
        Some(range) => format!("{:?}", &text[range.clone()]),
        None => "null".into(),
    };
    groups.iter().map(show).collect::<Vec<_>>().join(" ")
}

/// What `builtins.match` says: `null`, the groups, or the kind of error.
fn matched(pattern: &str, text: &str) -> String {
    match Regex::new(pattern.as_bytes()) {
        Err(RegexError::Invalid) => "invalid".into(),
        Err(RegexError::TooLarge) => "limit".into(),
        Ok(regex) => match regex.match_whole(text.as_bytes()) {
            None => "null".into(),
            Some(groups) => format!("[{}]", show(text, &groups)),
        },
    }
}

/// What `builtins.split` says.
fn split(pattern: &str, text: &str) -> String {
    let regex = Regex::new(pattern.as_bytes()).unwrap();
    let mut parts = Vec::new();
    let mut from = 0;
    for found in regex.split_iter(text.as_bytes()) {
        parts.push(format!("{:?}", &text[from..found.range.start]));
        parts.push(format!("[{}]", show(text, &found.groups)));
        from = found.range.end;
    }
    parts.push(format!("{:?}", &text[from..]));
    parts.join(" ")
}

#[test]
fn matches() {
    let cases = [
        ("a]", "a]", "[]"),
        ("a}", "a}", "[]"),
        ("()", "", "[\"\"]"),
        ("", "", "[]"),
        ("a||b", "", "[]"),
        ("(^a)", "a", "[\"a\"]"),
        ("a^b", "a^b", "null"),
        ("a$", "a", "[]"),
        ("$a", "a", "null"),
        ("(a*)*", "b", "null"),
        ("(a*)*", "", "[\"\"]"),
        ("(a|b*)*", "ab", "[\"\"]"),
        ("((a)|b)*", "ab", "[\"b\" \"a\"]"),
        ("(a)|b", "b", "[null]"),
        ("(a|ab)(c|bcd)(d*)", "abcd", "[\"a\" \"bcd\" \"\"]"),
        ("[[:ALPHA:]]", "a", "[]"),
        ("[[:w:]]", "_", "[]"),
        ("[[.a.]]", "a", "[]"),
        ("[[.hyphen.]]", "-", "[]"),
        ("[[.a.]-c]", "b", "[]"),
        ("[[=a=]]", "A", "[]"),
        ("[]a]", "]", "[]"),
        ("[^]a]", "b", "[]"),
        ("[--a]", ".", "[]"),
        ("[-a]", "-", "[]"),
        ("[a-c-]", "-", "[]"),
        ("[\\n]", "n", "[]"),
        ("a{2}{3}", "aaaaaa", "[]"),
        ("a{2}{3}", "aaaaa", "null"),
        ("a{0}", "", "[]"),
        ("(a){0}", "", "[null]"),
        ("a{2,}", "aaa", "[]"),
        ("a{1,3}b", "aaab", "[]"),
        ("a{1,3}b", "aaaab", "null"),
        ("a**", "aa", "[]"),
        ("a+?", "aa", "[]"),
        ("\\.", ".", "[]"),
        ("\\\\", "\\", "[]"),
        ("\\^", "^", "[]"),
        (".", "é", "null"),
        ("(a{99990})", "a", "null"),
        ("a{99993}", "a", "null"),
    ];
    for (pattern, text, expected) in cases {
        assert_eq!(matched(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn refusals() {
    let invalid = [
        "\\d",
        "\\]",
        "\\}",
        "\\-",
        "a{",
        "*a",
        "a|*b",
        "^*",
        "[[.-.]]",
        "[a-é]",
        "[a-",
        "[a-c-e]",
        "a{1,0}",
        "a{,2}",
        "\\",
        "(",
        ")",
        "a)",
        "[[:foo:]]",
        "[[:alpha:",
        "[[.foo.]]",
        "[z-a]",
        "[[:alpha:]-z]",
        "a{99999999999999999999}",
        "[a",
        "[",
        "[]",
        "a{1",
        "a{1,",
        "a{1,x}",
        "a{x",
        "{",
        "x|{1}",
        "[a-z--9]",
        "[a-[.c.]]",
        "[a-[:digit:]]",
    ];
    for pattern in invalid {
        assert_eq!(matched(pattern, ""), "invalid", "{pattern}");
    }
    for pattern in ["a{100000}", "a{99994}", "a{5000000000}"] {
        assert_eq!(matched(pattern, ""), "limit", "{pattern}");
    }
    assert_eq!(RegexError::Invalid.message(b"("), "invalid regular expression '('");
}

#[test]
fn splits() {
    assert_eq!(split("(a|ab)", "abc"), "\"\" [\"ab\"] \"c\"");
    assert_eq!(split("(a*)", "baac"), "\"\" [\"\"] \"b\" [\"aa\"] \"\" [\"\"] \"c\" [\"\"] \"\"");
    assert_eq!(split("(a)b", "abc"), "\"\" [\"a\"] \"c\"");
    assert_eq!(split("x", "abc"), "\"abc\"");
    assert_eq!(split("-+", "a--b-"), "\"a\" [] \"b\" [] \"\"");
}

#[test]
fn time_is_linear() {
    let text = "a".repeat(2000);
    for pattern in ["(a*)*b", "(a|a)*b", "((a*)*)*b", "(a|aa)*b", "(a?){200}a{200}b"] {
        let regex = Regex::new(pattern.as_bytes()).unwrap();
        assert_eq!(regex.match_whole(text.as_bytes()), None);
        assert_eq!(regex.split_iter(text.as_bytes()).count(), 0);
    }
    let long = "x,".repeat(100_000);
    for pattern in [",", "(,|x)", "x*,"] {
        let regex = Regex::new(pattern.as_bytes()).unwrap();
        assert!(regex.split_iter(long.as_bytes()).count() >= 100_000);
    }
}

#[test]
fn nesting_is_no_matter() {
    let deep = format!("{}a{}", "(".repeat(20_000), ")".repeat(20_000));
    assert!(Regex::new(deep.as_bytes()).unwrap().match_whole(b"a").is_some());
    let repeated = format!("a{}", "{1}".repeat(300));
    assert!(Regex::new(repeated.as_bytes()).unwrap().match_whole(b"a").is_some());
}

proptest! {
    #[test]
    fn any_pattern_is_read(pattern in "[ab()\\[\\]{}*+?|.^$,0-3:=\\\\-]{0,16}", text in "[ab-]{0,8}") {
        if let Ok(regex) = Regex::new(pattern.as_bytes()) {
            let _ = regex.match_whole(text.as_bytes());
            let _ = regex.split_iter(text.as_bytes()).count();
        }
    }

    #[test]
    fn any_bytes_are_read(pattern: Vec<u8>) {
        let _ = Regex::new(&pattern);
    }
}
