//! See `frazil_fuzz::store`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::store(data));
