//! DTLS with programs that come by WHIP and WHEP, whose certificates may be RSA (docs/decisions/0015).
//!
//! The DTLS that str0m brings asks for ECDSA certificates and takes no other. Browsers have those; `webrtcbin` of
//! GStreamer 1.22 has RSA. Here is the server of `rtc-dtls` in its place, which takes both. As before, str0m compares
//! the certificate that comes out of it with the fingerprint in the offer, and derives the keys of SRTP.
//!
//! Invariants: nothing is told before the client has proved that the certificate's key is its own; who sends no
//! certificate gets nowhere; what a client makes this hold and search is bounded by [`Fence`].

mod fence;

use bytes::BytesMut;
use fence::Fence;
use rtc_dtls::{
    cipher_suite::CipherSuiteId,
    config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType},
    crypto::{Certificate, CryptoPrivateKey},
    crypto_provider::{RTCCryptoProvider, SignatureScheme, providers::AwsLcRsProvider},
    endpoint::{Endpoint, EndpointEvent},
    extension::extension_use_srtp::SrtpProtectionProfile as Offered,
};
use std::{
    collections::VecDeque,
    fmt::{self, Display},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use str0m::crypto::{
    CryptoError,
    dtls::{
        DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, KeyingMaterial,
        ProtocolVersion, SrtpProfile,
    },
};

/// Bytes of a datagram where str0m does not say it.
const MTU: usize = 1_200;
/// What `rtc-dtls` may write beyond the size that it is told: the headers of a record and of a fragment, and the tag.
const HEADERS: usize = 64;
/// When to look again where nothing is waited for.
const IDLE: Duration = Duration::from_secs(3_600);
/// RFC 5764 §4.2.
const LABEL: &str = "EXTRACTOR-dtls_srtp";
/// It tells peers apart by their addresses; here it has one, and ICE knows where that is.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 1);

/// Makes the DTLS of sessions of programs.
#[derive(Debug)]
pub(crate) struct ForPrograms;

/// That of everybody else.
pub(crate) fn usual() -> &'static dyn DtlsProvider {
    str0m::crypto::from_feature_flags().dtls_provider
}

impl DtlsProvider for ForPrograms {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        usual().generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        Ok(Box::new(EitherEnd {
            server: Server::new(cert, mtu.unwrap_or(MTU)).map_err(CryptoError::Other)?,
            client: usual().new_dtls(cert, now, version, mtu)?,
            is_client: false,
        }))
    }
}

/// Which end this is stands in the offer. It is the server unless the client insists on being that (`a=setup:passive`,
/// which RFC 9725 does not know); the usual DTLS is the client then.
#[derive(Debug)]
struct EitherEnd {
    server: Server,
    client: Box<dyn DtlsInstance>,
    is_client: bool,
}

impl EitherEnd {
    fn end(&self) -> &dyn DtlsInstance {
        if self.is_client {
            &*self.client
        } else {
            &self.server
        }
    }

    fn end_mut(&mut self) -> &mut dyn DtlsInstance {
        if self.is_client {
            &mut *self.client
        } else {
            &mut self.server
        }
    }
}

impl DtlsInstance for EitherEnd {
    fn set_active(&mut self, active: bool) {
        self.is_client = active;
        self.client.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.end_mut().handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.end_mut().poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.end_mut().handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.end_mut().send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.is_client
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.end().protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.end().is_closing()
    }

    fn is_closed(&self) -> bool {
        self.end().is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.end_mut().close()
    }
}

/// What is told once.
enum Told {
    PeerCert(Vec<u8>),
    Keys(SrtpProfile, Vec<u8>),
    Connected,
    Data(BytesMut),
    CloseNotify,
}

/// The server's end of a connection.
struct Server {
    /// Never locked: `rtc-dtls` may move between threads, but str0m asks that it may be shared too.
    endpoint: Mutex<Endpoint>,
    fence: Fence,
    packets: VecDeque<BytesMut>,
    told: VecDeque<Told>,
    is_connected: bool,
    /// Nothing more is listened to: an alert came, or this end has closed.
    is_over: bool,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// Says why no server can be made with this certificate.
    fn new(cert: &DtlsCert, mtu: usize) -> Result<Self, String> {
        let said = |error: &dyn Display| format!("the DTLS of a program cannot be made: {error}");
        let provider = AwsLcRsProvider::new();
        let key = provider
            .crypto()
            .import_signing_key(SignatureScheme::EcdsaP256Sha256, &cert.private_key)
            .map_err(|error| said(&error))?;
        let certificate = Certificate {
            certificate: vec![cert.certificate.clone().into()],
            private_key: CryptoPrivateKey::from_signing_key(key),
        };
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::new(provider))
            .with_certificates(vec![certificate])
            .with_cipher_suites(vec![
                CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256,
                CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256,
            ])
            .with_srtp_protection_profiles(vec![
                Offered::Srtp_Aead_Aes_256_Gcm,
                Offered::Srtp_Aead_Aes_128_Gcm,
                Offered::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            // A certificate, and the proof that its key is the client's. Whose it is, its fingerprint says.
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            // This is about certificates of servers, of which there is none here.
            .with_insecure_skip_verify(true)
            .with_mtu(mtu.saturating_sub(HEADERS))
            .build(false, None)
            .map_err(|error| said(&error))?;
        // The third is a protocol for its notes alone.
        let endpoint = Endpoint::new(PEER, Default::default(), Some(Arc::new(config)));
        Ok(Self {
            endpoint: Mutex::new(endpoint),
            fence: Fence::default(),
            packets: VecDeque::new(),
            told: VecDeque::new(),
            is_connected: false,
            is_over: false,
        })
    }

    fn endpoint(&mut self) -> &mut Endpoint {
        self.endpoint.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_packets(&mut self) {
        while let Some(transmit) = self.endpoint().poll_transmit() {
            self.packets.push_back(transmit.message);
        }
    }

    /// The handshake is done: `false` if that does not suffice for media.
    fn finish(&mut self) -> bool {
        let Some((certificate, profile, keys)) = self.agreed() else {
            return false;
        };
        self.is_connected = true;
        // In this order: a certificate that is not the one of the offer ends all before its keys are used.
        self.told.extend([
            Told::PeerCert(certificate),
            Told::Keys(profile, keys),
            Told::Connected,
        ]);
        true
    }

    fn agreed(&mut self) -> Option<(Vec<u8>, SrtpProfile, Vec<u8>)> {
        let state = self.endpoint().get_connection_state(PEER)?;
        let profile = match state.srtp_protection_profile() {
            Offered::Srtp_Aead_Aes_256_Gcm => SrtpProfile::AEAD_AES_256_GCM,
            Offered::Srtp_Aead_Aes_128_Gcm => SrtpProfile::AEAD_AES_128_GCM,
            Offered::Srtp_Aes128_Cm_Hmac_Sha1_80 => SrtpProfile::AES128_CM_SHA1_80,
            _ => return None,
        };
        let certificate = state.peer_certificates.first()?.clone();
        let keys = state.export_keying_material(LABEL, &[], profile.keying_material_len());
        Some((certificate, profile, keys.ok()?.into_bytes()))
    }

    /// Gives a datagram to the state machine.
    fn read(&mut self, packet: &[u8]) {
        let read = self
            .endpoint()
            .read(Instant::now(), PEER, None, BytesMut::from(packet));
        self.take_packets();
        match read {
            Ok(events) => events.into_iter().for_each(|event| self.take(event)),
            // Broken packets are an everyday matter. An alert is the end; it would be answered with an alert.
            Err(error) => {
                tracing::debug!(%error, "a packet of a program's DTLS was not taken");
                self.is_over |= fence::has_alert(packet);
            }
        }
    }

    fn take(&mut self, event: EndpointEvent) {
        match event {
            EndpointEvent::HandshakeComplete => self.is_over |= !self.finish(),
            EndpointEvent::ApplicationData(data) if self.is_connected => {
                self.told.push_back(Told::Data(data));
            }
            EndpointEvent::PeerClosed => {
                self.is_over = true;
                self.told.push_back(Told::CloseNotify);
            }
            _ => {}
        }
    }
}

impl DtlsInstance for Server {
    /// It is passive.
    fn set_active(&mut self, _active: bool) {}

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        if !self.is_over && self.fence.lets_in(packet, self.is_connected) {
            self.read(packet);
        }
        Ok(())
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let needed = self.packets.front().map_or(0, |packet| packet.len());
        if needed > buf.len() {
            return DtlsOutput::BufferTooSmall { needed };
        }
        if let Some(packet) = self.packets.pop_front() {
            return DtlsOutput::Packet(copied(&packet, buf));
        }
        let needed = match self.told.front() {
            Some(Told::PeerCert(bytes)) => bytes.len(),
            Some(Told::Data(bytes)) => bytes.len(),
            _ => 0,
        };
        if needed > buf.len() {
            // str0m has room for what a datagram holds, and asks for no more: that is the end of it.
            self.told.clear();
            self.is_over = true;
        }
        match self.told.pop_front() {
            Some(Told::PeerCert(bytes)) => DtlsOutput::PeerCert(copied(&bytes, buf)),
            Some(Told::Keys(profile, keys)) => {
                DtlsOutput::KeyingMaterial(KeyingMaterial::new(&keys), profile)
            }
            Some(Told::Connected) => DtlsOutput::Connected,
            Some(Told::Data(bytes)) => DtlsOutput::ApplicationData(copied(&bytes, buf)),
            Some(Told::CloseNotify) => DtlsOutput::CloseNotify,
            None => {
                let due = match self.is_over {
                    true => None,
                    false => self.endpoint().poll_timeout(&PEER),
                };
                DtlsOutput::Timeout(due.unwrap_or_else(|| Instant::now() + IDLE))
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        if self.is_over {
            return Ok(());
        }
        // Before the client's first packet there is nothing to send again.
        if let Err(error) = self.endpoint().handle_timeout(PEER, now) {
            tracing::trace!(%error, "nothing of a program's DTLS was due");
        }
        self.take_packets();
        Ok(())
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        if self.is_over {
            return Err(DtlsImplError::ConnectionClosed);
        }
        if !self.is_connected {
            return Ok(0);
        }
        let written = self.endpoint().write(Instant::now(), PEER, data);
        self.take_packets();
        match written {
            Ok(()) => Ok(data.len()),
            Err(_) => Err(DtlsImplError::ConnectionClosed),
        }
    }

    fn is_active(&self) -> bool {
        false
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.is_connected.then_some(ProtocolVersion::DTLS1_2)
    }

    fn is_closing(&self) -> bool {
        self.is_over
    }

    fn is_closed(&self) -> bool {
        self.is_over && self.packets.is_empty()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        if !self.is_over {
            self.is_over = true;
            self.endpoint().stop(Instant::now(), PEER);
            self.take_packets();
        }
        Ok(())
    }
}

fn copied<'a>(bytes: &[u8], buf: &'a mut [u8]) -> &'a [u8] {
    let place = &mut buf[..bytes.len()];
    place.copy_from_slice(bytes);
    place
}

#[cfg(test)]
mod tests;
