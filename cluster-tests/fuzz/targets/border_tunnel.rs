//! Messages and datagrams of the tunnel between nodes and a Border Controller, at both of its ends.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    plenary_border_client::fuzz_messages(bytes);
    plenary_border::fuzz_halves(bytes);
});
