#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plenary_media_io::fuzz_datagrams(bytes));
