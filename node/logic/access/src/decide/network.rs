//! Ranges of addresses.

use std::net::IpAddr;

/// An address, or a range of addresses in CIDR notation (RFC 4632 §3.1).
pub(super) fn is_network(text: &str) -> bool {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| {
        bits.bytes().all(|byte| byte.is_ascii_digit()) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}
