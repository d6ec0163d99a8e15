//! The addresses of this machine.

use std::net::{AddrParseError, IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

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
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(SocketAddr::from(([192, 0, 2, 1], 9))).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then_some(ip)
}

/// `host:port` at which other machines reach what listens on `listen`: what is advertised, else that address, with
/// [`lan_address`] where it is that of all interfaces.
///
/// # Errors
/// When `listen` is not an address with port.
pub fn reachable(advertised: Option<&str>, listen: &str) -> Result<String, AddrParseError> {
    if let Some(address) = advertised {
        return Ok(address.to_owned());
    }
    let mut listen: SocketAddr = listen.parse()?;
    if listen.ip().is_unspecified() {
        listen = SocketAddr::new(lan_address().unwrap_or(Ipv4Addr::LOCALHOST.into()), listen.port());
    }
    Ok(listen.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advertised_wins_and_all_interfaces_are_no_address() {
        assert_eq!(
            reachable(Some("a.example:1"), "[::]:2").as_deref(),
            Ok("a.example:1")
        );
        assert_eq!(reachable(None, "192.0.2.1:2").as_deref(), Ok("192.0.2.1:2"));
        let made: SocketAddr = reachable(None, "[::]:2").expect("good").parse().expect("good");
        assert!(!made.ip().is_unspecified() && made.port() == 2, "{made}");
        assert!(reachable(None, "192.0.2.1").is_err());
    }
}
