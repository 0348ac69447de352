//! See `frazil_fuzz::tree`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::tree(data));
