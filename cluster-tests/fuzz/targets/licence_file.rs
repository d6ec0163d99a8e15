//! Files that somebody sends as a licence, request or confirmation.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plenary_licences::fuzz(bytes));
