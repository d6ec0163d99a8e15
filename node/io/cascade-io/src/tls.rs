//! QUIC over the enterprise's mutual TLS, and how QUIC is set up for media.

use crate::cascade::CascadeError;
use plenary_identity::{Expected, Identity, PartnerTls, Program};
use plenary_model::NodeId;
use quinn::{
    ClientConfig, MtuDiscoveryConfig, ServerConfig, TransportConfig, VarInt,
    congestion::BbrConfig,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls_pki_types::CertificateDer;
use std::{sync::Arc, time::Duration};
use x509_parser::{extensions::GeneralName, prelude::FromDer as _, prelude::X509Certificate};

/// What is spoken; another version has another number.
const ALPN: &[u8] = b"plenary-cascade/1";
/// A node that says nothing for this long is lost.
const IDLE_MS: u32 = 1_000;
const KEEP_ALIVE: Duration = Duration::from_millis(250);
/// The same between servers, and who is at the other end of the Internet; QUIC waits longer where the way is (three PTO).
const PARTNER_ALPN: &[u8] = b"plenary-federation-media/1";
const PARTNER_IDLE_MS: u32 = 1_500;
const PARTNER_KEEP_ALIVE: Duration = Duration::from_millis(300);
/// The room of QUIC's own queue of datagrams, which knows no priorities. The driver uses only as much of it as leaves
/// within a moment.
pub(crate) const DATAGRAM_BUFFER: usize = 128 * 1024;
/// What came and was not taken yet: 20 ms of 1 Gbit/s.
const RECEIVE_BUFFER: usize = 2_500_000;
/// Handshakes that wait to be looked at, and what they may keep.
const INCOMING: usize = 64;
const INCOMING_BYTES: u64 = 16 * 1024;

/// Between nodes of a server.
fn transport() -> Arc<TransportConfig> {
    let mut transport = common();
    transport
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_MS).into()))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_concurrent_uni_streams(VarInt::from_u32(1));
    Arc::new(transport)
}

/// Between servers: the first words have a stream of their own.
fn partner_transport() -> Arc<TransportConfig> {
    let mut transport = common();
    transport
        .max_idle_timeout(Some(VarInt::from_u32(PARTNER_IDLE_MS).into()))
        .keep_alive_interval(Some(PARTNER_KEEP_ALIVE))
        .max_concurrent_uni_streams(VarInt::from_u32(2));
    Arc::new(transport)
}

fn common() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .initial_rtt(Duration::from_millis(100))
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(512 * 1024))
        .receive_window(VarInt::from_u32(512 * 1024))
        .send_window(512 * 1024)
        .mtu_discovery_config(Some(MtuDiscoveryConfig::default()))
        .datagram_send_buffer_size(DATAGRAM_BUFFER)
        .datagram_receive_buffer_size(Some(RECEIVE_BUFFER))
        // Loss that is no congestion (Wi-Fi, long lines) must not stop media: see docs/protocols/cascade.md.
        .congestion_controller_factory(Arc::new(BbrConfig::default()))
        .allow_spin(false);
    transport
}

/// For those who dial: only nodes of our server, with certificates of our enterprise. Whoever shows none gets through
/// the handshake and is turned away by [`Peer::of`].
pub(crate) fn server(identity: &Identity) -> Result<ServerConfig, CascadeError> {
    let expected = Expected::node_of(&identity.me().server);
    let mut tls = (*identity.server_config(vec![expected])).clone();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    listening(tls, transport())
}

fn listening(
    tls: rustls::ServerConfig,
    transport: Arc<TransportConfig>,
) -> Result<ServerConfig, CascadeError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| CascadeError::Tls)?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(transport)
        .max_incoming(INCOMING)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES * INCOMING as u64)
        .migration(false);
    Ok(config)
}

/// For servers that dial. Anybody with any certificate gets through the handshake.
pub(crate) fn partner_server(tls: &PartnerTls) -> Result<ServerConfig, CascadeError> {
    listening(tls.server_config_for(PARTNER_ALPN), partner_transport())
}

/// For dialling a server. Anybody may answer: who it is must be asked before anything is said.
pub(crate) fn partner_client(tls: &PartnerTls) -> Result<ClientConfig, CascadeError> {
    let crypto = QuicClientConfig::try_from(tls.client_config_for(PARTNER_ALPN));
    let mut config = ClientConfig::new(Arc::new(crypto.map_err(|_| CascadeError::Tls)?));
    config.transport_config(partner_transport());
    Ok(config)
}

/// What the other end showed, the leaf first; nothing where it showed nothing.
pub(crate) fn chain(connection: &quinn::Connection) -> Vec<CertificateDer<'static>> {
    let shown = connection.peer_identity();
    let shown = shown.and_then(|shown| shown.downcast::<Vec<CertificateDer<'static>>>().ok());
    shown.map(|chain| *chain).unwrap_or_default()
}

/// For dialling one node: nobody else may answer.
pub(crate) fn client(identity: &Identity, node: NodeId) -> Result<ClientConfig, CascadeError> {
    let expected = Expected::node_of(&identity.me().server).member(node);
    let mut tls = (*identity.client_config(expected)).clone();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicClientConfig::try_from(tls).map_err(|_| CascadeError::Tls)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport());
    Ok(config)
}

/// Which node is at the other end, as its certificate proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) node: NodeId,
    /// As in revocation lists.
    serial: String,
}

impl Peer {
    /// Reads what the handshake has checked. `None` for somebody without a certificate.
    pub(crate) fn of(connection: &quinn::Connection, identity: &Identity) -> Option<Self> {
        Self::read(chain(connection).first()?, identity)
    }

    fn read(leaf: &[u8], identity: &Identity) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let names = certificate.subject_alternative_name().ok()??;
        let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else {
            return None;
        };
        let (_, member) = uri.rsplit_once("?member=")?;
        let (path, _) = uri.rsplit_once('?')?;
        let (_, name) = path.rsplit_once('/')?;
        let node = NodeId(member.parse().ok()?);
        // The whole name is compared, so that nothing depends on how it was cut.
        let named = identity.ca().scope().program_named(name.parse().ok()?, node);
        let serial = certificate.raw_serial().iter();
        (named.to_string() == *uri).then(|| Self {
            node,
            serial: serial.map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    pub(crate) fn is_revoked(&self, identity: &Identity) -> bool {
        let list = identity.revocations().list(identity.ca().scope());
        list.is_some_and(|list| {
            list.members.contains(&(Program::Node, self.node))
                || list.serials.iter().any(|serial| serial.as_str() == self.serial)
        })
    }
}
