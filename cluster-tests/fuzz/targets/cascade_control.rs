#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plenary_cascade_io::fuzz_control(bytes));
