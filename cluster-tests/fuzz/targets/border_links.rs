//! What partners send to a Border Controller.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plenary_border::fuzz_links(bytes));
