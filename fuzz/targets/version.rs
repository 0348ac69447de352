//! See `frazil_fuzz::version`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::version(data));
