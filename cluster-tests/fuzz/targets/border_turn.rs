//! What clients by TURN over TLS say to a Border Controller.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plenary_border::fuzz_turn(bytes));
