//! See `frazil_fuzz::eval`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::eval(data));
