//! The keys of SRTP that DTLS agrees on, for whoever sends media beside str0m, which keeps them to itself.

use crate::{dtls, engine::Client};
use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};
use str0m::crypto::{
    CryptoError, CryptoProvider,
    dtls::{
        DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
        SrtpProfile,
    },
};

/// What both ends of a connection have agreed on (RFC 5764 §4.2).
pub(crate) struct Agreed {
    pub(super) profile: SrtpProfile,
    pub(super) material: Vec<u8>,
    /// Whether this end was the client.
    pub(super) is_client: bool,
}

/// Where the keys of one connection appear once.
#[derive(Clone, Default)]
pub(crate) struct Tap(Arc<Mutex<Option<Agreed>>>);

impl Tap {
    pub(crate) fn take(&self) -> Option<Agreed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

thread_local! {
    /// That of the connection that was begun last on this thread.
    static LAST: RefCell<Option<Tap>> = const { RefCell::new(None) };
}

/// Gives what `make` made with [`provider`], and where the keys of that connection will be.
pub(crate) fn tapped<T>(make: impl FnOnce() -> T) -> (T, Tap) {
    let made = make();
    let tap = LAST.with_borrow_mut(Option::take).unwrap_or_default();
    (made, tap)
}

/// The usual one, but for the DTLS with this kind of client, and for the tap.
pub(crate) fn provider(client: Client) -> CryptoProvider {
    CryptoProvider {
        dtls_provider: match client {
            Client::Browser => &Tapping(dtls::usual),
            Client::Program => &Tapping(|| &dtls::ForPrograms),
        },
        ..str0m::crypto::from_feature_flags()
    }
}

/// Whose DTLS is tapped.
struct Tapping(fn() -> &'static dyn DtlsProvider);

impl fmt::Debug for Tapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tapping")
    }
}

impl DtlsProvider for Tapping {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.0().generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let tap = Tap::default();
        LAST.set(Some(tap.clone()));
        Ok(Box::new(Tapped {
            dtls: self.0().new_dtls(cert, now, version, mtu)?,
            tap,
        }))
    }
}

#[derive(Debug)]
struct Tapped {
    dtls: Box<dyn DtlsInstance>,
    tap: Tap,
}

impl DtlsInstance for Tapped {
    fn set_active(&mut self, active: bool) {
        self.dtls.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.dtls.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let agreed = Agreed {
                profile: *profile,
                material: material.as_ref().to_vec(),
                is_client: self.dtls.is_active(),
            };
            *self.tap.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(agreed);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.dtls.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.dtls.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}
