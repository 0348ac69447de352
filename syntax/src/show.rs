//! Trees as text, byte for byte as CppNix's `nix-instantiate --parse` prints them.

/// A name, quoted if it is not an identifier.
pub fn name(name: &[u8]) -> Vec<u8> {
    name.to_vec()
}
