//! See `frazil_fuzz::nar`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::nar(data));
