//! See `frazil_fuzz::json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::json(data));
