//! What the inside tells a Border Controller to let in, and names of hosts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plenary_border::fuzz_policy(bytes));
