//! Certificates that others show, and tokens that they bring: what is read of them before they are believed.
#![no_main]

use plenary_identity::{Authorities, JoinToken, PeerIdentity, Pin, authorities};
use rustls_pki_types::CertificateDer;
use std::time::SystemTime;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let chain = [CertificateDer::from(bytes)];
    PeerIdentity::of_chain(&chain);
    Authorities::describe(&chain);
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(token) = text.parse::<JoinToken>() {
            let written = token.encode();
            let again: JoinToken = written.parse().expect("what is written is read");
            assert_eq!(again.encode(), written);
        }
        drop(authorities(text, SystemTime::UNIX_EPOCH));
        drop(Pin::of_pem(text));
    }
});
