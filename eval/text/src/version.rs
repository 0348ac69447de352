//! Versions: how Nix takes them apart, compares them, and finds them in names.

use std::cmp::Ordering;

/// `builtins.splitVersion`: the components, without the dots and dashes between them.
pub fn split(version: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = version;
    std::iter::from_fn(move || Some(next_component(&mut rest)).filter(|c| !c.is_empty()))
}

/// `builtins.compareVersions`: component by component, a missing one being empty.
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() || !b.is_empty() {
        let (x, y) = (next_component(&mut a), next_component(&mut b));
        if is_less(x, y) {
            return Ordering::Less;
        }
        if is_less(y, x) {
            return Ordering::Greater;
        }
    }
    Ordering::Equal
}

/// `builtins.parseDrvName`: the name, and the version after the first dash no letter follows.
pub fn parse_drv_name(name: &[u8]) -> (&[u8], &[u8]) {
    let dash = name.windows(2).position(|pair| pair[0] == b'-' && !pair[1].is_ascii_alphabetic());
    match dash {
        Some(at) => (&name[..at], &name[at + 1..]),
        None => (name, b""),
    }
}

/// Cuts off separators, then the longest run of digits or of anything else; empty at the end.
fn next_component<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let is_separator = |c: &u8| matches!(c, b'.' | b'-');
    let start = rest.iter().position(|c| !is_separator(c)).unwrap_or(rest.len());
    let text = &rest[start..];
    let is_number = text.first().is_some_and(u8::is_ascii_digit);
    let ends = |c: &u8| c.is_ascii_digit() != is_number || is_separator(c);
    let (component, after) = text.split_at(text.iter().position(ends).unwrap_or(text.len()));
    *rest = after;
    component
}

fn is_less(a: &[u8], b: &[u8]) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a < b,
        (None, Some(_)) if a.is_empty() => true,
        _ if a == b"pre" && b != b"pre" => true,
        _ if b == b"pre" => false,
        // So that 2.3a is less than 2.3.1.
        (_, Some(_)) => true,
        (Some(_), _) => false,
        _ => a < b,
    }
}

/// A component as a number; those beyond 32 bits are compared as text.
fn number(component: &[u8]) -> Option<i32> {
    if !component.first()?.is_ascii_digit() {
        return None;
    }
    std::str::from_utf8(component).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn components() {
        let split =
            |v: &'static str| split(v.as_bytes()).map(|c| String::from_utf8_lossy(c)).collect::<Vec<_>>();
        assert_eq!(split("1.2.3a-pre4"), ["1", "2", "3", "a", "pre", "4"]);
        assert_eq!(split("..-"), [""; 0]);
        assert_eq!(split("a.-b"), ["a", "b"]);
    }

    #[test]
    fn order_as_compare_versions_says() {
        let ascending = [
            ("1.0", "2.3"),
            ("2.1", "2.3"),
            ("2.3", "2.5"),
            ("2.3", "3.1"),
            ("2.3", "2.3.1"),
            ("2.3a", "2.3.1"),
            ("2.3pre1", "2.3"),
            ("2.3pre1", "2.3pre3"),
            ("2.3pre1", "2.3c"),
            ("2.3pre1", "2.3q"),
            ("", "1"),
            ("pre", ""),
            ("", "a"),
            ("99999999999", "a"),
            ("99999999999", "1"),
        ];
        for (a, b) in ascending {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), Ordering::Less, "{a} {b}");
            assert_eq!(compare(b.as_bytes(), a.as_bytes()), Ordering::Greater, "{b} {a}");
        }
        assert_eq!(compare(b"2.3", b"2.3."), Ordering::Equal);
        assert_eq!(compare(b"1-0", b"1.00"), Ordering::Equal);
    }

    #[test]
    fn names() {
        let parse = |name: &'static str| parse_drv_name(name.as_bytes());
        assert_eq!(parse("nix-0.12pre12876"), (b"nix".as_slice(), b"0.12pre12876".as_slice()));
        assert_eq!(parse("apache-httpd-2.0.48"), (b"apache-httpd".as_slice(), b"2.0.48".as_slice()));
        assert_eq!(parse("a-"), (b"a-".as_slice(), b"".as_slice()));
        assert_eq!(parse("a--b"), (b"a".as_slice(), b"-b".as_slice()));
        assert_eq!(parse("-1"), (b"".as_slice(), b"1".as_slice()));
    }

    proptest! {
        #[test]
        fn comparing_is_antisymmetric(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        }
    }
}
