//! The addresses of this machine.

use std::net::{IpAddr, SocketAddr, UdpSocket};

/// All addresses of this machine's interfaces, loopback first; for the names of the HTTPS certificate.
pub fn own_addresses() -> Vec<IpAddr> {
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let mut addresses: Vec<IpAddr> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        })
        .filter(|ip| !matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .collect();
    addresses.sort_by_key(|ip| (!ip.is_loopback(), *ip));
    addresses.dedup();
    addresses
}

/// The address by which other machines most likely reach this one: the source of its default route.
/// Connecting a UDP socket sends nothing.
pub fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(SocketAddr::from(([192, 0, 2, 1], 9))).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}
