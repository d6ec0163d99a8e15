use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    ops::Range,
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
};

/// Linux takes ports of outgoing connections, and what it gives for port 0, from 32,768 on. A port from there can be
/// gone again before the program that it was found for has started; from below, only another search can take it.
const RANGE: Range<u16> = 20_000..32_768;

/// Tests that run at the same time begin their search at different places.
static NEXT: LazyLock<AtomicU16> = LazyLock::new(|| {
    let chance = RandomState::new().hash_one(std::process::id());
    AtomicU16::new(u16::try_from(chance % u64::from(u16::MAX)).unwrap_or_default())
});

/// Hands out ports that are free by TCP and UDP, each once: all are held until this is dropped.
///
/// Prefer port 0 where a program can tell what it got; this is for those whose configuration must name ports.
#[derive(Debug, Default)]
pub struct FreePorts {
    held: Vec<(TcpListener, UdpSocket)>,
}

impl FreePorts {
    /// A free port at `address`. In another network namespace the address is not ours to bind: its ports are all
    /// free there, and one that is free on loopback is given.
    ///
    /// # Errors
    /// When no port is free.
    pub fn next(&mut self, address: IpAddr) -> io::Result<SocketAddr> {
        let here = UdpSocket::bind((address, 0)).map_or(Ipv4Addr::LOCALHOST.into(), |_| address);
        let mut problem = None;
        for _ in RANGE {
            let port = RANGE.start + NEXT.fetch_add(1, Ordering::Relaxed) % (RANGE.end - RANGE.start);
            match hold(SocketAddr::new(here, port)) {
                Ok(held) => {
                    self.held.push(held);
                    return Ok(SocketAddr::new(address, port));
                }
                Err(error) => problem = Some(error),
            }
        }
        Err(problem.unwrap_or_else(|| io::Error::other("no port was tried")))
    }
}

fn hold(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    Ok((TcpListener::bind(address)?, UdpSocket::bind(address)?))
}
