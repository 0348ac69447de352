//! The format of `nix.conf`: lines of `name = words`, comments, and files that include files.

use super::{Outside, SettingsError, Unreadable};

/// How deep files may include files. CppNix has no limit, and dies of a file that includes itself.
const MAX_INCLUDES: u32 = 100;

/// The settings of a text in order, those of the files it includes in their place.
///
/// `path` is what the text is called in messages, and where relative includes start from.
pub(super) fn parse(
    text: &str,
    path: &str,
    outside: &dyn Outside,
) -> Result<Vec<(String, String)>, SettingsError> {
    let mut found = Vec::new();
    parse_into(text, path, outside, 0, &mut found)?;
    Ok(found)
}

fn parse_into(
    text: &str,
    path: &str,
    outside: &dyn Outside,
    depth: u32,
    found: &mut Vec<(String, String)>,
) -> Result<(), SettingsError> {
    let syntax = |line: &str| {
        SettingsError::Usage(format!("syntax error in configuration line '{line}' in \"{path}\""))
    };
    for line in text.split('\n') {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        let words: Vec<&str> = words(line).collect();
        match words[..] {
            [] => {}
            [_] => return Err(syntax(line)),
            ["include" | "!include", file] => {
                let file = absolute(file, path, outside);
                match outside.read(&file) {
                    Ok(_) if depth == MAX_INCLUDES => {
                        return Err(SettingsError::Failure(format!(
                            "file \"{file}\" included from \"{path}\" is more than {MAX_INCLUDES} files deep"
                        )));
                    }
                    Ok(text) => parse_into(&text, &file, outside, depth + 1, found)?,
                    // CppNix skips what it cannot read, too.
                    Err(Unreadable::Other) => {}
                    Err(Unreadable::Missing) if words[0] == "!include" => {}
                    Err(Unreadable::Missing) => {
                        return Err(SettingsError::Failure(format!(
                            "file \"{file}\" included from \"{path}\" not found"
                        )));
                    }
                }
            }
            // What CppNix 2.34.8 says here: its message has more parts than it is given.
            ["include" | "!include", ..] => {
                return Err(SettingsError::Failure(
                    "boost::bad_format_string: format-string is ill-formed".to_owned(),
                ));
            }
            [name, "=", ref value @ ..] => found.push((name.to_owned(), value.join(" "))),
            _ => return Err(syntax(line)),
        }
    }
    Ok(())
}

/// The words between blanks of any kind.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty())
}

/// `file` as seen from the folder of `from`, without `.` and `..`.
fn absolute(file: &str, from: &str, outside: &dyn Outside) -> String {
    let mut whole = String::new();
    if !file.starts_with('/') {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        if !from.starts_with('/') {
            whole.push_str(&outside.working_directory());
            whole.push('/');
        }
        whole.push_str(folder);
        whole.push('/');
    }
    whole.push_str(file);
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
