//! URLs as CppNix reads them: RFC 3986, with a query that is a map and a path in decoded segments.
//!
//! All texts are those of [`bytes`](crate::bytes), so that escapes of bytes that are no characters come back as they were.

use crate::bytes::{bytes, text};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// A URL in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// What stands before the first colon.
    pub scheme: String,
    /// What stands behind `//`.
    pub authority: Option<Authority>,
    /// The segments of the path, decoded; an absolute path begins with an empty one.
    pub path: Vec<String>,
    /// The parameters, decoded; of two for one name the first.
    pub query: BTreeMap<String, String>,
    /// What stands behind `#`, decoded.
    pub fragment: String,
    /// Parameters without a value, which are left out.
    pub dubious: Vec<String>,
}

/// Whose the path is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    user: Option<String>,
    password: Option<String>,
    host: String,
    /// Whether the host stands in brackets.
    literal: bool,
    port: Option<u16>,
}

/// Why a text is no URL, in CppNix's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(pub String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UrlError {}

/// What Boost.URL says of a part that it could not read.
const MISMATCH: &str = "mismatch";
/// What Boost.URL says of a rest that belongs to no part.
const LEFTOVER: &str = "leftover";

fn unreserved(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"-._~".contains(&c)
}

fn sub_delimiter(c: u8) -> bool {
    b"!$&'()*+,;=".contains(&c)
}

fn segment(c: u8) -> bool {
    unreserved(c) || sub_delimiter(c) || b":@/".contains(&c)
}

/// How long the part at the start is, of such characters and escapes; `None` where an escape is broken.
fn span(part: &[u8], allowed: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0;
    while let Some(&c) = part.get(at) {
        if c == b'%' {
            let digits = part.get(at + 1..at + 3)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            at += 3;
        } else if allowed(c) {
            at += 1;
        } else {
            break;
        }
    }
    Some(at)
}

fn decode(part: &[u8]) -> String {
    let mut out = Vec::with_capacity(part.len());
    let mut rest = part;
    while let [c, tail @ ..] = rest {
        let escaped = (*c == b'%').then(|| tail.get(..2)).flatten();
        match escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*c);
                rest = tail;
            }
        }
    }
    text(&out).into_owned()
}

/// The bytes that an escaped text stands for.
pub fn percent_decode(part: &str) -> Result<String, UrlError> {
    let raw = bytes(part);
    match span(&raw, |_| true) {
        Some(_) => Ok(decode(&raw)),
        None => Err(UrlError(format!("invalid URI parameter '{part}': {MISMATCH}"))),
    }
}

fn encode(out: &mut String, part: &str, keep: &[u8]) {
    for &c in bytes(part).iter() {
        if unreserved(c) || keep.contains(&c) {
            out.push(c as char);
        } else {
            write!(out, "%{c:02X}").expect("a string takes all");
        }
    }
}

/// Escapes what may stand in a part all the same.
fn escape(part: &[u8], lenient: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.len());
    for &c in part {
        if lenient.contains(&c) {
            out.extend_from_slice(format!("%{c:02X}").as_bytes());
        } else {
            out.push(c);
        }
    }
    out
}

/// Reads the parameters of a query, whose escapes are sound.
fn parameters(query: &[u8], url: &mut Url) {
    for parameter in query.split(|&c| c == b'&').filter(|_| !query.is_empty()) {
        match parameter.iter().position(|&c| c == b'=') {
            None => url.dubious.push(text(parameter).into_owned()),
            Some(at) => {
                url.query.entry(decode(&parameter[..at])).or_insert_with(|| decode(&parameter[at + 1..]));
            }
        }
    }
}

impl Url {
    /// Reads a URL. If `lenient`, blanks and quotes may stand in its query and fragment.
    pub fn parse(source: &str, lenient: bool) -> Result<Url, UrlError> {
        let raw = bytes(source);
        let fixed = if lenient { Cow::Owned(soften(&raw)) } else { Cow::Borrowed(&*raw) };
        parse_exact(&fixed).map_err(|why| match why {
            Refusal::Syntax(why) => UrlError(format!("'{source}' is not a valid URL: {why}")),
            Refusal::NoScheme => UrlError(format!("'{}' doesn't have a scheme", text(&fixed))),
            Refusal::Host(authority) => {
                UrlError(format!("file:// URL '{}' has unexpected authority '{authority}'", text(&fixed)))
            }
            Refusal::Port(port) => UrlError(format!("port '{port}' is invalid")),
        })
    }

    /// Reads the query of a path that is no URL.
    pub fn set_query(&mut self, query: &str) -> Result<(), UrlError> {
        let raw = escape(&bytes(query), b" \"");
        if span(&raw, |c| segment(c) || c == b'?') != Some(raw.len()) {
            return Err(UrlError(format!("invalid URI query '{query}': {LEFTOVER}")));
        }
        parameters(&raw, self);
        Ok(())
    }

    /// The scheme's two halves: `git` and `https` of `git+https`.
    pub fn application(&self) -> (Option<&str>, &str) {
        match self.scheme.split_once('+') {
            Some((application, transport)) => (Some(application), transport),
            None => (None, &self.scheme),
        }
    }

    /// The segments that are not empty.
    pub fn segments(&self) -> Vec<String> {
        self.path.iter().filter(|segment| !segment.is_empty()).cloned().collect()
    }

    /// The path as one of the file system.
    pub fn file_path(&self) -> Result<String, UrlError> {
        let mut out = String::new();
        for (i, segment) in self.path.iter().enumerate() {
            if segment.contains('/') {
                let text = "contains '/', which is not allowed in file names";
                return Err(UrlError(format!("URL path component '{segment}' {text}")));
            }
            if segment.contains('\0') {
                let segment = segment.replace('\0', "␀");
                let text = "contains NUL byte which is not allowed";
                return Err(UrlError(format!("URL path component '{segment}' {text}")));
            }
            if i == 0 && segment.is_empty() {
                out.push('/');
                continue;
            }
            if !out.is_empty() && !out.ends_with('/') {
                out.push('/');
            }
            out.push_str(segment);
        }
        Ok(out)
    }
}

impl Authority {
    /// The host's name; empty for this machine.
    pub fn host(&self) -> &str {
        &self.host
    }
}

enum Refusal {
    Syntax(&'static str),
    NoScheme,
    Host(Authority),
    Port(String),
}

fn soften(raw: &[u8]) -> Vec<u8> {
    let at = |from: &[u8], c: u8| from.iter().position(|&found| found == c);
    let hash = at(raw, b'#').unwrap_or(raw.len());
    // A fragment may hold a question mark, but CppNix looks for the first one anywhere.
    let (mut out, rest) = match at(raw, b'?') {
        Some(question) => {
            let (before, rest) = raw.split_at(question + 1);
            let end = at(rest, b'#').unwrap_or(rest.len());
            ([before, &escape(&rest[..end], b" \"")[..]].concat(), &rest[end..])
        }
        None => (raw[..hash].to_vec(), &raw[hash..]),
    };
    match rest {
        [b'#', fragment @ ..] => {
            out.push(b'#');
            out.extend(escape(fragment, b" \"^"));
        }
        rest => out.extend_from_slice(rest),
    }
    out
}

fn parse_exact(raw: &[u8]) -> Result<Url, Refusal> {
    let mut url = Url::default();
    let colon = raw.iter().position(|&c| c == b':');
    let is_scheme = |name: &[u8]| {
        name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|&c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
    };
    let scheme = colon.map(|at| &raw[..at]).filter(|name| is_scheme(name));
    let mut rest = scheme.map_or(raw, |name| &raw[name.len() + 1..]);
    if let Some(name) = scheme {
        url.scheme = text(name).to_ascii_lowercase();
    }
    if let Some(behind) = rest.strip_prefix(b"//") {
        let (authority, tail) = authority(behind)?;
        url.authority = Some(authority);
        rest = tail;
    }
    let len = span(rest, segment).ok_or(Refusal::Syntax(MISMATCH))?;
    let (path, tail) = rest.split_at(len);
    if scheme.is_none() && url.authority.is_none() {
        let first = path.split(|&c| c == b'/').next().unwrap_or_default();
        if first.contains(&b':') {
            return Err(Refusal::Syntax(MISMATCH));
        }
    }
    if url.authority.is_some() && !path.is_empty() && !path.starts_with(b"/") {
        return Err(Refusal::Syntax(LEFTOVER));
    }
    let part = |tail: &[u8]| span(tail, |c| segment(c) || c == b'?').ok_or(Refusal::Syntax(LEFTOVER));
    let (mut query, mut rest): (&[u8], &[u8]) = (b"", tail);
    if let Some(tail) = rest.strip_prefix(b"?") {
        let len = part(tail)?;
        (query, rest) = tail.split_at(len);
    }
    if let Some(tail) = rest.strip_prefix(b"#") {
        let len = part(tail)?;
        url.fragment = decode(&tail[..len]);
        rest = &tail[len..];
    }
    if !rest.is_empty() {
        return Err(Refusal::Syntax(LEFTOVER));
    }
    if scheme.is_none() {
        return Err(Refusal::NoScheme);
    }
    let is_file = url.application().1 == "file";
    if is_file && let Some(authority) = url.authority.clone().filter(|authority| !authority.host.is_empty()) {
        return Err(Refusal::Host(authority));
    }
    let path = if is_file && path.is_empty() { b"/" } else { path };
    url.path = path.split(|&c| c == b'/').map(decode).collect();
    parameters(query, &mut url);
    Ok(url)
}

/// Reads an authority; answers what stands behind it, too.
fn authority(raw: &[u8]) -> Result<(Authority, &[u8]), Refusal> {
    let end = raw.iter().position(|c| b"/?#".contains(c)).unwrap_or(raw.len());
    let (mut part, rest) = raw.split_at(end);
    let mut out = Authority::default();
    if let Some(at) = part.iter().rposition(|&c| c == b'@') {
        let user = &part[..at];
        let len = span(user, |c| unreserved(c) || sub_delimiter(c) || c == b':');
        if len.ok_or(Refusal::Syntax(MISMATCH))? < user.len() {
            return Err(Refusal::Syntax(LEFTOVER));
        }
        let (name, password) = match user.iter().position(|&c| c == b':') {
            Some(colon) => (&user[..colon], Some(&user[colon + 1..])),
            None => (user, None),
        };
        (out.user, out.password) = (Some(decode(name)), password.map(decode));
        part = &part[at + 1..];
    }
    let port = if let Some(inside) = part.strip_prefix(b"[") {
        let close = inside.iter().position(|&c| c == b']').ok_or(Refusal::Syntax(MISMATCH))?;
        if close == 0
            || !inside[..close].iter().all(|&c| unreserved(c) || sub_delimiter(c) || b":%".contains(&c))
        {
            return Err(Refusal::Syntax(MISMATCH));
        }
        (out.host, out.literal) = (decode(&inside[..close]), true);
        &inside[close + 1..]
    } else {
        let len = span(part, |c| unreserved(c) || sub_delimiter(c)).ok_or(Refusal::Syntax(MISMATCH))?;
        out.host = decode(&part[..len]);
        &part[len..]
    };
    match port {
        [] | [b':'] => {}
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            let digits = text(digits).into_owned();
            out.port = Some(digits.parse().ok().filter(|&port| port != 0).ok_or(Refusal::Port(digits))?);
        }
        _ => return Err(Refusal::Syntax(LEFTOVER)),
    }
    Ok((out, rest))
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        if let Some(user) = &self.user {
            encode(&mut out, user, b"");
            if let Some(password) = &self.password {
                out.push(':');
                encode(&mut out, password, b"");
            }
            out.push('@');
        }
        if self.literal {
            out.push('[');
            encode(&mut out, &self.host, b":");
            out.push(']');
        } else {
            encode(&mut out, &self.host, b"");
        }
        f.write_str(&out)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        let mut out = String::new();
        for (i, segment) in self.path.iter().enumerate() {
            if i > 0 {
                out.push('/');
            }
            encode(&mut out, segment, b":@");
        }
        for (i, (name, value)) in self.query.iter().enumerate() {
            out.push(if i == 0 { '?' } else { '&' });
            encode(&mut out, name, b":@/?");
            out.push('=');
            encode(&mut out, value, b":@/?");
        }
        if !self.fragment.is_empty() {
            out.push('#');
            encode(&mut out, &self.fragment, b"");
        }
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let shown = match Url::parse(source, false) {
            Ok(url) => url.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "{source}");
    }

    /// Each answer is CppNix 2.34.8's.
    #[test]
    fn urls_are_shown_and_refused_as_cppnix_does() {
        check("https://x/%41%2f.tar?a=b%20c&q", "https://x/A%2F.tar?a=b%20c");
        check("https://[::1]:80/x.tar", "https://[::1]:80/x.tar");
        check("file:./x", "file:./x");
        check("a b", "'a b' is not a valid URL: leftover");
        check("%zz", "'%zz' is not a valid URL: mismatch");
        check("", "'' doesn't have a scheme");
        check("1foo:bar", "'1foo:bar' is not a valid URL: mismatch");
        check("http://a:b:c/", "'http://a:b:c/' is not a valid URL: leftover");
        check("http://a:999999/", "port '999999' is invalid");
        check("http://a/?q=%4", "'http://a/?q=%4' is not a valid URL: leftover");
        check("http://[", "'http://[' is not a valid URL: mismatch");
        check("file://host/x", "file:// URL 'file://host/x' has unexpected authority 'host'");
    }

    #[test]
    fn lenient_reading_takes_blanks_in_queries() {
        let url = Url::parse("x:y?a=b c#d ^e", true).expect("a URL");
        assert_eq!((url.query["a"].as_str(), url.fragment.as_str()), ("b c", "d ^e"));
        assert!(Url::parse("x:y?a=b c", false).is_err());
    }
}
