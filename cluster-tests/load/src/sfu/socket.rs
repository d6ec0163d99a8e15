//! A client's socket. The kernel says when a datagram came, so that latency does not hold how long this program was busy.

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt,
    sockopt::{RcvBuf, ReceiveTimestampns},
};
use std::{
    io::{self, IoSliceMut},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket},
    os::fd::{AsFd, AsRawFd as _, BorrowedFd},
    time::Duration,
};

/// A burst of a second of 16 Mbit/s.
const KERNEL_BUFFER: usize = 2 << 20;

pub(super) struct Socket {
    io: UdpSocket,
    pub(super) local: SocketAddr,
}

/// Room for what one call gives.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

pub(super) struct Datagram<'a> {
    pub(super) source: SocketAddr,
    pub(super) bytes: &'a [u8],
    /// Since 1970.
    pub(super) at: Duration,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; 2_048],
            control: nix::cmsg_space!(nix::libc::timespec),
        }
    }
}

impl Socket {
    pub(super) fn bind(ip: Ipv4Addr) -> io::Result<Self> {
        let io = UdpSocket::bind((ip, 0))?;
        io.set_nonblocking(true)?;
        setsockopt(&io, ReceiveTimestampns, &true)?;
        setsockopt(&io, RcvBuf, &KERNEL_BUFFER)?;
        let local = io.local_addr()?;
        Ok(Self { io, local })
    }

    /// The next datagram that is there.
    pub(super) fn receive<'a>(&self, buffer: &'a mut Buffer) -> Option<Datagram<'a>> {
        let Buffer { bytes, control } = buffer;
        let (length, source, at) = {
            let mut slices = [IoSliceMut::new(bytes)];
            let received = recvmsg::<SockaddrIn>(
                self.io.as_raw_fd(),
                &mut slices,
                Some(control),
                MsgFlags::MSG_DONTWAIT,
            )
            .ok()?;
            let at = received.cmsgs().ok()?.find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
                _ => None,
            });
            let source = SocketAddrV4::from(received.address?);
            (received.bytes, source.into(), at?)
        };
        let bytes = bytes.get(..length)?;
        Some(Datagram { source, bytes, at })
    }

    /// What the kernel has no room for is lost, as on the wire.
    pub(super) fn send(&self, to: SocketAddr, bytes: &[u8]) {
        self.io.send_to(bytes, to).ok();
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_kernel_says_when_a_datagram_came() {
        let ip = Ipv4Addr::LOCALHOST;
        let (one, other) = (Socket::bind(ip).unwrap(), Socket::bind(ip).unwrap());
        let mut buffer = Buffer::new();
        assert!(other.receive(&mut buffer).is_none());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        for text in ["one", "two"] {
            let before = now();
            one.send(other.local, text.as_bytes());
            let datagram =
                std::iter::repeat_with(|| other.receive(&mut buffer).map(|d| (d.bytes.to_vec(), d.at)))
                    .flatten()
                    .next()
                    .unwrap();
            assert_eq!(datagram.0, text.as_bytes());
            assert!(datagram.1 >= before && datagram.1 <= now());
        }
    }
}
