//! What a Border Controller decides of connections from outside (ENT-04), without clocks or sockets.
//!
//! ```text
//!  first bytes ──hello::read──► HostName ──Desk::choose──► which node's tunnel takes it, or why it is Refused
//!                                             ▲
//!                           Offer of each node┘
//! ```
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`hello`] | which name a ClientHello asks for, and whether it is one at all |
//! | [`name`] | what a host name is: [`HostName`] |
//! | [`desk`] | which node takes a connection: [`Desk`] |
//! | [`refused`] | the reasons for which connections are refused: [`Refused`] |
//!
//! Deliberately not here: sockets, tunnels, rates (they count by a clock), and what is inside of TLS: nothing of it is ever
//! read here.

pub mod desk;
pub mod hello;
pub mod name;
pub mod refused;

pub use desk::{Desk, Offer, Service, TunnelId};
pub use hello::{Hello, HelloFault};
pub use name::HostName;
pub use refused::Refused;

/// Foreign bytes for what strangers reach first; for fuzzers. Nothing here does anything but return.
///
/// # Panics
/// Where what is read of a whole differs from what is read of it piece by piece.
pub fn fuzz(bytes: &[u8]) {
    const MOST: usize = 16 << 10;
    let whole = hello::read(bytes, MOST);
    let mut came = 1;
    let pieces = loop {
        let piece = bytes.get(..came).unwrap_or(bytes);
        match hello::read(piece, MOST) {
            Ok(Hello::Needs(bytes_needed)) if bytes_needed <= bytes.len() => {
                assert!(bytes_needed > came, "it always asks for more than there is");
                came = bytes_needed;
            }
            other => break other,
        }
    };
    match pieces {
        // The last record is not whole; what there is of it may be a fault already.
        Ok(Hello::Needs(_)) => assert!(!matches!(whole, Ok(Hello::Names(_) | Hello::Nameless))),
        told => assert_eq!(whole, told),
    }
}
