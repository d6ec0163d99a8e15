use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
};

/// Hands out free ports, each once: all are held until this is dropped.
///
/// Prefer port 0 where a program can tell what it got; this is for those whose configuration must name ports.
#[derive(Debug, Default)]
pub struct FreePorts {
    held: Vec<TcpListener>,
}

impl FreePorts {
    /// A free port at `address`. In another network namespace the address is not ours to bind: its ports are all
    /// free there, and one that is free on loopback is given.
    ///
    /// # Errors
    /// When no port is free.
    pub fn next(&mut self, address: IpAddr) -> io::Result<SocketAddr> {
        let listener =
            TcpListener::bind((address, 0)).or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        self.held.push(listener);
        Ok(SocketAddr::new(address, port))
    }
}
