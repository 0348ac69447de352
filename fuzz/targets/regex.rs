//! See `frazil_fuzz::regex`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| frazil_fuzz::regex(data));
