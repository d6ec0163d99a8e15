//! How QUIC is set up for tunnels.

use plenary_border::frame;
use plenary_identity::{PeerIdentity, join};
use quinn::{
    Connection, MtuDiscoveryConfig, TransportConfig, VarInt,
    congestion::BbrConfig,
    crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig},
};
use rustls_pki_types::CertificateDer;
use std::{sync::Arc, time::Duration};

/// What is spoken in the tunnel, and while a controller is enrolled; another version has another number.
pub const TUNNEL: &[u8] = b"plenary-border/1";
pub const MEDIA: &[u8] = b"plenary-border-media/1";
/// The same as [`MEDIA`] for what servers of partners send.
pub const PARTNERS: &[u8] = b"plenary-border-partners/1";
pub const JOIN: &[u8] = b"plenary-border-join/1";

/// An end that says nothing for this long is lost.
const IDLE_MS: u32 = 2_000;
const KEEP_ALIVE: Duration = Duration::from_millis(400);
/// What one client may have on its way through the tunnel in each direction.
pub const STREAM_WINDOW: u32 = 64 << 10;
/// Clients in one tunnel at once.
pub const STREAMS: u32 = 4_096;
/// Streams that the controller may open. Of those that ended a node tells once they are more than an eighth of all (the quinn
/// crate); nobody waits for that.
const OPEN: u32 = STREAMS + STREAMS / 4;
/// Datagrams that came and were not taken yet, and those that wait to leave: the oldest are lost first. 1 MiB is 80 ms of
/// 100 Mbit/s.
const DATAGRAMS: usize = 1 << 20;

/// What a packet has beside a datagram in it, at most: its kind, connection ID and number (RFC 9000 §17.3.1), what makes it
/// authentic (RFC 9001 §5.3), and the head of the datagram's frame (RFC 9221 §4), as the quinn crate reckons with it.
const AROUND_DATAGRAM: usize = (1 + 8 + 4) + 16 + (1 + 8);
/// A path that carries packets of so many bytes carries full-size media whole; where it is narrower, each goes in two halves.
pub const WHOLE_MTU: u16 = (frame::FULL_SIZE + frame::USUAL_HEAD + AROUND_DATAGRAM) as u16;

/// What the path of a connection carries in one packet to the other end, as far as was found until now: bytes of UDP.
pub fn mtu(connection: &Connection) -> u16 {
    connection.stats().path.current_mtu
}

/// Why QUIC cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the TLS configuration has no suite that QUIC can begin with")]
pub struct NoSuite;

/// Invariant: the window of a connection is that of all its streams together, so that clients who read nothing hold up
/// nobody but themselves.
fn transport(streams: u32) -> Arc<TransportConfig> {
    let all = u64::from(STREAM_WINDOW) * u64::from(OPEN + 1);
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(VarInt::from_u32(IDLE_MS).into()))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(Duration::from_millis(50))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_concurrent_bidi_streams(VarInt::from_u32(streams))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u64(all).unwrap_or(VarInt::MAX))
        .send_window(all)
        .mtu_discovery_config(Some(MtuDiscoveryConfig::default()))
        .datagram_receive_buffer_size(Some(DATAGRAMS))
        .datagram_send_buffer_size(DATAGRAMS)
        // Loss that is no congestion must not stop media (docs/protocols/cascade.md).
        .congestion_controller_factory(Arc::new(BbrConfig::default()))
        .allow_spin(false);
    Arc::new(transport)
}

/// For the controller's port: the node opens one stream.
///
/// # Errors
/// [`NoSuite`].
pub fn listening(tls: &rustls::ServerConfig, protocols: &[&[u8]]) -> Result<quinn::ServerConfig, NoSuite> {
    const INCOMING: usize = 64;
    const INCOMING_BYTES: u64 = 16 * 1024;
    let mut tls = tls.clone();
    tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| NoSuite)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(transport(1))
        .max_incoming(INCOMING)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_BYTES * INCOMING as u64)
        .migration(false);
    Ok(config)
}

/// For dialling: the controller opens a stream for each client.
///
/// # Errors
/// [`NoSuite`].
pub fn dialling(tls: &rustls::ClientConfig, protocol: &[u8]) -> Result<quinn::ClientConfig, NoSuite> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![protocol.to_vec()];
    let crypto = QuicClientConfig::try_from(tls).map_err(|_| NoSuite)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    config.transport_config(transport(OPEN));
    Ok(config)
}

/// Which of the protocols that are listened for is spoken.
pub fn protocol(connection: &Connection) -> Option<Vec<u8>> {
    let data = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
    data.protocol
}

/// Who is at the other end of a tunnel, as its certificate proved. `None` for somebody without one.
pub fn peer(connection: &Connection) -> Option<PeerIdentity> {
    let shown = connection.peer_identity()?;
    let chain = shown.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    PeerIdentity::of_chain(&chain)
}

/// Keying material of a connection, as [`join::binding`] gives it of TLS over TCP.
pub fn binding(connection: &Connection) -> Option<[u8; 32]> {
    let mut binding = [0; 32];
    connection
        .export_keying_material(&mut binding, join::BINDING_LABEL, &[])
        .ok()?;
    Some(binding)
}

/// Why a connection is closed by us; told to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    Stopping = 0,
    Stranger = 1,
    Revoked = 2,
    Protocol = 3,
    TooMany = 4,
}

impl Close {
    pub fn close(self, connection: &Connection) {
        let reason: &[u8] = match self {
            Self::Stopping => b"it stops, or does not know you any more",
            Self::Stranger => b"no program that is expected here",
            Self::Revoked => b"revoked",
            Self::Protocol => b"protocol",
            Self::TooMany => b"there are as many tunnels as there may be",
        };
        connection.close(VarInt::from_u32(self as u32), reason);
    }
}
