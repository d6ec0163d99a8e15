//! Sockets that a program listens on, bound before anything else is done.

use crate::UsageError;
use std::net::{SocketAddr, TcpListener, UdpSocket};

/// Listens on what `key` of the configuration says.
///
/// # Errors
/// What hinders it, with what to do.
pub fn bind(key: &str, text: &str) -> Result<TcpListener, UsageError> {
    bind_by(key, text, TcpListener::bind)
}

/// The same for UDP.
///
/// # Errors
/// As [`bind`].
pub fn bind_udp(key: &str, text: &str) -> Result<UdpSocket, UsageError> {
    bind_by(key, text, UdpSocket::bind)
}

fn bind_by<T>(
    key: &str,
    text: &str,
    bind: impl Fn(SocketAddr) -> std::io::Result<T>,
) -> Result<T, UsageError> {
    let address: SocketAddr = text.parse().map_err(UsageError::caused)?;
    let bound = bind(address).or_else(|error| {
        // A machine without IPv6 still has all of its IPv4 addresses.
        let wide = address.ip().is_unspecified() && address.is_ipv6();
        let missing = error.raw_os_error() == Some(nix::errno::Errno::EAFNOSUPPORT as i32);
        if wide && missing {
            bind(([0, 0, 0, 0], address.port()).into())
        } else {
            Err(error)
        }
    });
    bound.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "; another program uses it: end that, or choose another port",
            std::io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need CAP_NET_BIND_SERVICE, or choose another"
            }
            _ => "",
        };
        UsageError::new(format!("{key} = {text:?} cannot be listened on: {error}{hint}"))
    })
}

/// Whether `text` is what [`bind`] takes; `usual` is the port of the example in the error.
///
/// # Errors
/// When it is not an address with port.
pub fn check(key: &str, text: &str, usual: u16) -> Result<(), UsageError> {
    if text.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    Err(UsageError::new(format!(
        "configuration: {key} = {text:?} is not an address with port, like 0.0.0.0:{usual} or [::]:{usual}"
    )))
}

/// As tokio has it; within its runtime.
///
/// # Errors
/// When the system refuses.
pub fn asynchronous(listener: TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
