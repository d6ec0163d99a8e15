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
//! | [`first`] | whether a connection begins as TLS or as media by TCP |
//! | [`hello`] | which name a ClientHello asks for, and whether it is one at all |
//! | [`name`] | what a host name is: [`HostName`] |
//! | [`desk`] | which node takes a connection: [`Desk`] |
//! | [`media`] | which datagrams of clients go to which node, and back: [`Flows`] |
//! | [`links`] | the same of datagrams of partners: [`Links`] |
//! | [`router`] | what both have in common: [`Router`] |
//! | [`route`] | connection IDs that lead to nodes |
//! | [`frame`] | how they travel in the tunnel |
//! | [`policy`] | what the inside wants it to let in: [`Policy`] |
//! | [`refused`] | the reasons for which connections are refused: [`Refused`] |
//!
//! Deliberately not here: sockets, tunnels, rates (they count by a clock), and what is inside of TLS: nothing of it is ever
//! read here.

pub mod desk;
pub mod first;
pub mod frame;
pub mod hello;
pub mod links;
pub mod media;
pub mod name;
pub mod policy;
pub mod refused;
pub mod route;
pub mod router;
mod slots;

pub use desk::{Desk, Offer, Service, TunnelId};
pub use first::First;
pub use hello::{Hello, HelloFault};
pub use links::Links;
pub use media::{Bounds, Dropped, FlowId, Flows, Passed};
pub use name::HostName;
pub use policy::Policy;
pub use refused::Refused;
pub use router::Router;

/// Foreign bytes for what reads datagrams of the outside and of tunnels; for fuzzers. Nothing here does anything but return.
///
/// # Panics
/// Where what is written of a frame is read as another one.
pub fn fuzz_media(bytes: &[u8]) {
    let client = ([192, 0, 2, 1], 9).into();
    let mut flows = Flows::new(Bounds::default());
    flows.begin(TunnelId(1), "anna");
    let passed = flows.inbound(0, client, bytes);
    let strangers = flows.up() + flows.tried();
    assert!(
        passed.is_ok() || strangers == 0,
        "who is dropped leaves nothing behind"
    );
    flows.outbound(0, TunnelId(1), FlowId(0), bytes);
    if let Some(read) = frame::read(bytes) {
        let mut written = Vec::new();
        frame::write(read, &mut written);
        assert_eq!(frame::read(&written), Some(read));
    }
}

/// Foreign bytes for what strangers reach first; for fuzzers. Nothing here does anything but return.
///
/// # Panics
/// Where what is read of a whole differs from what is read of it piece by piece.
pub fn fuzz(bytes: &[u8]) {
    const MOST: usize = 16 << 10;
    if let Ok(First::Needs(more)) = first::read(bytes) {
        assert!(more > bytes.len(), "it always asks for more than there is");
    }
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
