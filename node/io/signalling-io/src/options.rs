use axum::{extract::ConnectInfo, http::request::Parts};
use plenary_model::{NodeName, ServerName};
use plenary_signalling::Limits;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

/// Tells which origins are good right now.
pub type Origins = Arc<dyn Fn() -> Vec<String> + Send + Sync>;
/// Tells the address of a client by its request.
pub type AddressOf = Arc<dyn Fn(&Parts) -> IpAddr + Send + Sync>;

/// What signalling needs to know beside its source.
#[derive(Clone)]
pub struct Options {
    pub server: ServerName,
    pub node: NodeName,
    /// This node's own URL as [`Source::nodes`](crate::Source::nodes) gives it; clients are never sent there when the
    /// node takes leave.
    pub url: Option<String>,
    /// Origins (`https://meet.example.com`) whose pages may connect beside those of the host that they connect to: the
    /// other nodes, and proxies that change the `Host` header. Asked for each connection.
    pub origins: Origins,
    /// The default believes the connection and no header.
    pub address_of: AddressOf,
    pub limits: Limits,
    /// Most runs on this node, those whose client is away for a moment included.
    pub runs: usize,
    /// Most runs of one user on this node.
    pub runs_of_user: usize,
    /// Most connections that have not said who they are; half of them from one address.
    pub handshakes: usize,
    /// How often a session is looked up though nothing was heard of it; it may have expired.
    pub recheck: Duration,
    /// A message that takes longer to write ends the connection.
    pub write_timeout: Duration,
    /// How long the other side may take to answer a close.
    pub close_wait: Duration,
}

impl Options {
    /// What suits most.
    pub fn new(server: ServerName, node: NodeName) -> Self {
        Self {
            server,
            node,
            url: None,
            origins: Arc::new(Vec::new),
            address_of: Arc::new(peer_address),
            limits: Limits::default(),
            runs: 20_000,
            runs_of_user: 20,
            handshakes: 1_024,
            recheck: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            close_wait: Duration::from_secs(2),
        }
    }
}

fn peer_address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
        info.0.ip().to_canonical()
    })
}
