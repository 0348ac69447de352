//! The header that is in the repository is that of the source.
#![expect(clippy::disallowed_methods, reason = "this test reads the checkout it is part of")]

use std::path::Path;

/// Set to write the header anew.
const UPDATE: &str = "UPDATE_HEADER";

#[test]
fn the_header_is_that_of_the_source() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_root_or_default(room);
    let mut made = Vec::new();
    let source = cbindgen::Builder::new().with_src(room.join("src/lib.rs")).with_config(config);
    source.generate().expect("the source can be bound").write(&mut made);
    let path = room.join("include/frazil.h");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &made).expect("the header can be written");
    }
    let kept = std::fs::read(&path).unwrap_or_default();
    assert!(kept == made, "{} is not what cbindgen makes; set {UPDATE} to write it anew", path.display());
}
