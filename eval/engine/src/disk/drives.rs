//! Paths of Windows as a program sees them, text to text, so that every system can test it.

/// What begins a path that Windows takes as it is: any length, and no name of a device among its names.
const AS_IT_IS: &str = r"\\?\";

/// `C:\x` as `/c/x`; paths that have this form, or are relative, keep their names.
pub(super) fn to_nix(path: &str) -> Result<String, String> {
    let text = path.strip_prefix(AS_IT_IS).unwrap_or(path).replace('\\', "/");
    match text.as_bytes() {
        [drive, b':', b'/', ..] if drive.is_ascii_alphabetic() => {
            Ok(format!("/{}{}", drive.to_ascii_lowercase() as char, text[2..].trim_end_matches('/')))
        }
        [drive, b':', ..] if drive.is_ascii_alphabetic() => {
            Err(format!("'{path}' depends on the directory that its drive is at"))
        }
        bytes if bytes.starts_with(b"//") || path.starts_with(AS_IT_IS) => {
            Err(format!("'{path}' is on no drive"))
        }
        _ => Ok(text),
    }
}

/// `/c/x` as `\\?\C:\x`, and `x/y` as `x\y`; nothing for what is on no drive, or has a name that Windows knows none like.
pub(super) fn to_system(path: &str) -> Option<String> {
    if path.contains(|c: char| c < ' ' || "\"*:<>?\\|".contains(c)) {
        return None;
    }
    let Some(path) = path.strip_prefix('/') else { return Some(path.replace('/', r"\")) };
    let mut names = path.split('/').filter(|name| !name.is_empty());
    let drive = names.next().filter(|drive| drive.len() == 1 && drive.as_bytes()[0].is_ascii_alphabetic())?;
    let names: Vec<&str> = names.collect();
    Some(format!(r"{AS_IT_IS}{}:\{}", drive.to_ascii_uppercase(), names.join(r"\")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drive_is_the_first_name() {
        for (windows, nix) in [
            (r"C:\", "/c"),
            (r"C:\src\x.nix", "/c/src/x.nix"),
            ("d:/src/", "/d/src"),
            (r"\\?\Z:\a b", "/z/a b"),
            (r"..\x", "../x"),
            ("x", "x"),
            ("/c/x", "/c/x"),
        ] {
            assert_eq!(to_nix(windows).as_deref(), Ok(nix), "{windows}");
        }
        for (nix, windows) in [
            ("/c", r"\\?\C:\"),
            ("/C/src/x.nix", r"\\?\C:\src\x.nix"),
            ("/c/nul", r"\\?\C:\nul"),
            ("x/y", r"x\y"),
        ] {
            assert_eq!(to_system(nix).as_deref(), Some(windows), "{nix}");
        }
    }

    #[test]
    fn what_is_on_no_drive_is_not_there() {
        for path in [r"\\server\share\x", r"\\?\UNC\server\share", r"\\.\pipe\x", "C:x", "C:"] {
            assert!(to_nix(path).is_err(), "{path}");
        }
        for path in ["/", "//", "/etc/passwd", "/?/C:/x", "/1/x", "/UNC/server/share"] {
            assert_eq!(to_system(path), None, "{path}");
        }
    }

    #[test]
    fn no_name_hides_others() {
        for path in
            [r"/c/in/..\..\secret", "/c/in/x:stream", "/c/in/C:", "/c/a*", "/c/a\0", "c:x", r"\\server\share"]
        {
            assert_eq!(to_system(path), None, "{path}");
        }
    }
}
