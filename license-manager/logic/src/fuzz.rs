use crate::licence::{Confirmation, Licence, PublicKey, Request, Signed};

/// Gives foreign bytes to everything here that reads files, for fuzzers: as whole files, and as what would stand in one
/// that somebody did sign. Never returns anything but normally.
pub fn fuzz(bytes: &[u8]) {
    let keys = [PublicKey([1; 32])];
    drop(Signed::of_text(bytes, &keys));
    drop(Signed::peek(bytes));
    drop(Confirmation::peek(bytes));
    drop(Request::of_text(bytes));
    drop(Confirmation::of_text(bytes, &keys, crate::PoolId(1)));
    if let Ok(licence) = Licence::of_body(bytes) {
        assert_eq!(licence.to_body(), bytes, "one licence has one form");
    }
}
