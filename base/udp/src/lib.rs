//! A UDP socket for media: many datagrams with one call, in (recvmmsg, GRO) and out (GSO).
//!
//! Invariant: sending never waits. What the kernel has no room for is lost and counted, as on the wire.

use nix::{
    errno::Errno,
    libc,
    sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg},
};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use socket2::{Domain, SockRef, Type};
use std::{
    io::{self, IoSlice, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};
use tokio::{io::Interest, net::UdpSocket};

/// What the kernel is asked to keep for us in each direction: 4 MiB are 20 ms of 1.6 Gbit/s. It gives what it may.
const KERNEL_BUFFER: usize = 4 << 20;
/// Room for one received datagram, or a train of them (GRO).
const TRAIN: usize = 65_536;
/// Trains read at once: more would only wait for their turn here instead of in the kernel.
const TRAINS: usize = 8;
/// Longest message of UDP over IPv4.
const LARGEST: usize = 65_000;

/// This socket and more of them at its address, `count` in all: the system gives each sender's datagrams to one of them.
///
/// The first was bound to be the only one, and the others come to it. So a second process that is started on the port
/// by mistake is refused as ever, instead of taking its share.
pub fn several(first: std::net::UdpSocket, count: usize) -> io::Result<Vec<std::net::UdpSocket>> {
    let mut all = Vec::with_capacity(count);
    if count > 1 {
        let local = first.local_addr()?;
        let shared = SockRef::from(&first);
        shared.set_reuse_port(true)?;
        for _ in 1..count {
            let another = socket2::Socket::new(Domain::for_address(local), Type::DGRAM, None)?;
            if local.is_ipv6() {
                another.set_only_v6(shared.only_v6()?)?;
            }
            another.set_reuse_port(true)?;
            another.bind(&local.into())?;
            all.push(another.into());
        }
    }
    all.insert(0, first);
    Ok(all)
}

pub struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    buffers: Vec<Vec<u8>>,
}

/// One datagram as it came.
pub struct Received<'a> {
    pub source: SocketAddr,
    /// The address of ours that it was sent to.
    pub destination: SocketAddr,
    pub bytes: &'a [u8],
}

impl Socket {
    /// To be called within the runtime that waits for it.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let state = UdpSocketState::new((&socket).into())?;
        for (what, result) in [
            (
                "receive",
                state.set_recv_buffer_size((&socket).into(), KERNEL_BUFFER),
            ),
            (
                "send",
                state.set_send_buffer_size((&socket).into(), KERNEL_BUFFER),
            ),
        ] {
            if let Err(error) = result {
                tracing::warn!(%error, what, "the media socket keeps the buffers that the system gives");
            }
        }
        let trains = TRAINS.min(BATCH_SIZE);
        Ok(Self {
            io: UdpSocket::from_std(socket)?,
            state,
            local,
            buffers: vec![vec![0; TRAIN]; trains],
        })
    }

    pub async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Gives what is there to `take`, some trains of them at most. `false` if nothing was there.
    pub fn receive(&mut self, mut take: impl FnMut(Received<'_>)) -> io::Result<bool> {
        let Self {
            io,
            state,
            local,
            buffers,
        } = self;
        let mut metas = [RecvMeta::default(); TRAINS];
        let metas = &mut metas[..buffers.len()];
        let mut slices: Vec<IoSliceMut<'_>> =
            buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
        let received = io.try_io(Interest::READABLE, || {
            state.recv((&*io).into(), &mut slices, metas)
        });
        let count = match received {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        for (meta, buffer) in metas.iter().zip(buffers.iter()).take(count) {
            let destination = meta
                .dst_ip
                .map_or(*local, |ip| SocketAddr::new(canonical(ip), local.port()));
            let source = SocketAddr::new(canonical(meta.addr.ip()), meta.addr.port());
            let train = buffer.get(..meta.len).unwrap_or_default();
            for bytes in train.chunks(meta.stride.max(1)) {
                take(Received {
                    source,
                    destination,
                    bytes,
                });
            }
        }
        Ok(true)
    }
}

/// A socket of both families names IPv4 addresses as IPv6 ones; peers know them as IPv4.
fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// What a datagram is, for networks that let some pass before others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Sound,
    /// Pictures, and what keeps a connection alive.
    Pictures,
}

/// How each class is marked: code points of differentiated services (RFC 2474), 0 to 63; 0 is as everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    pub sound: u8,
    pub pictures: u8,
}

impl Marks {
    pub const MOST: u8 = 63;

    /// The octet of an IP header; its two lower bits are congestion notification's.
    fn octet(self, class: Class) -> u8 {
        let point = match class {
            Class::Sound => self.sound,
            Class::Pictures => self.pictures,
        };
        point.min(Self::MOST) << 2
    }
}

impl Default for Marks {
    /// What RFC 8837 §5 gives interactive sound and pictures: EF and AF41.
    fn default() -> Self {
        Self {
            sound: 46,
            pictures: 34,
        }
    }
}

/// Datagrams on their way out, gathered so that those of one length and class to one address leave as one message.
pub struct Outbox {
    bytes: Vec<u8>,
    runs: Vec<Run>,
    most_segments: usize,
    marks: Marks,
    /// Whether the socket is one of both families, which names IPv4 addresses its own way.
    mapped: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Run {
    class: Class,
    source: IpAddr,
    destination: SocketAddr,
    start: usize,
    length: usize,
    segment: usize,
    segments: usize,
}

/// What became of what was in an [`Outbox`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub datagrams: u64,
    pub calls: u64,
    /// The kernel had no room, or refused the address.
    pub dropped: u64,
}

impl Outbox {
    pub fn for_socket(socket: &Socket, marks: Marks) -> Self {
        Self {
            marks,
            ..Self::new(socket.state.max_gso_segments(), socket.local.is_ipv6())
        }
    }

    fn new(most_segments: usize, mapped: bool) -> Self {
        Self {
            bytes: Vec::with_capacity(1 << 20),
            runs: Vec::new(),
            most_segments,
            marks: Marks::default(),
            mapped,
        }
    }

    /// Lets a datagram be written where it leaves from, behind what is there. If `write` gives false, there is none.
    pub fn write(
        &mut self,
        class: Class,
        source: IpAddr,
        destination: SocketAddr,
        write: impl FnOnce(&mut Vec<u8>) -> bool,
    ) -> bool {
        let start = self.bytes.len();
        if !write(&mut self.bytes) {
            self.bytes.truncate(start);
            return false;
        }
        let length = self.bytes.len() - start;
        if let Some(run) = self.runs.last_mut()
            && run.class == class
            && run.takes(source, destination, length, self.most_segments)
        {
            run.length += length;
            run.segments += 1;
            return true;
        }
        self.runs.push(Run {
            class,
            source,
            destination,
            start,
            length,
            segment: length,
            segments: 1,
        });
        true
    }

    /// Enough is gathered: sending it now keeps it in the cache and others from waiting.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= 1 << 19
    }

    pub fn flush(&mut self, socket: &Socket) -> Sent {
        let mut sent = Sent::default();
        for run in self.runs.drain(..) {
            let contents = self
                .bytes
                .get(run.start..run.start + run.length)
                .unwrap_or_default();
            let mark = self.marks.octet(run.class);
            sent.calls += 1;
            // What the kernel has no room for is lost as on the wire; what counts is asked for again.
            match run.send(socket, contents, mark, self.mapped) {
                Ok(()) => sent.datagrams += run.segments as u64,
                // The device cannot cut trains; from now on none are made.
                Err(Errno::EIO | Errno::EINVAL) if run.segments > 1 => {
                    self.most_segments = 1;
                    let single = Run { segments: 1, ..run };
                    for datagram in contents.chunks(run.segment) {
                        sent.calls += 1;
                        match single.send(socket, datagram, mark, self.mapped) {
                            Ok(()) => sent.datagrams += 1,
                            Err(_) => sent.dropped += 1,
                        }
                    }
                }
                Err(_) => sent.dropped += run.segments as u64,
            }
        }
        self.bytes.clear();
        sent
    }
}

impl Run {
    /// A message is cut into segments of one length, of which the last may be shorter.
    fn takes(&self, source: IpAddr, destination: SocketAddr, length: usize, most: usize) -> bool {
        let all_equal = self.length == self.segment * self.segments;
        self.destination == destination
            && self.source == source
            && all_equal
            && length <= self.segment
            && self.segments < most
            && self.length + length <= LARGEST
    }

    /// One message with these bytes. It says for itself how it is marked, how it is cut and where it comes from.
    fn send(&self, socket: &Socket, bytes: &[u8], mark: u8, mapped_too: bool) -> nix::Result<()> {
        let destination = if mapped_too {
            mapped(self.destination)
        } else {
            self.destination
        };
        let segment = u16::try_from(self.segment).unwrap_or(u16::MAX);
        let wide = i32::from(mark);
        let (v4, v6) = from(self.source);
        let mut about = [ControlMessage::Ipv4Tos(&mark); 3];
        let mut count = 1;
        if !self.destination.is_ipv4() {
            about[0] = ControlMessage::Ipv6TClass(&wide);
        }
        for more in [
            (self.segments > 1).then_some(ControlMessage::UdpGsoSegments(&segment)),
            match self.source {
                source if source.is_unspecified() => None,
                IpAddr::V4(_) => Some(ControlMessage::Ipv4PacketInfo(&v4)),
                IpAddr::V6(_) => Some(ControlMessage::Ipv6PacketInfo(&v6)),
            },
        ]
        .into_iter()
        .flatten()
        {
            about[count] = more;
            count += 1;
        }
        let to = SockaddrStorage::from(destination);
        let bytes = [IoSlice::new(bytes)];
        let fd = socket.io.as_raw_fd();
        sendmsg(fd, &bytes, &about[..count], MsgFlags::MSG_DONTWAIT, Some(&to)).map(drop)
    }
}

/// A source address as the kernel is told one, of either family.
fn from(source: IpAddr) -> (libc::in_pktinfo, libc::in6_pktinfo) {
    let (v4, v6) = match source {
        IpAddr::V4(v4) => (v4.octets(), [0; 16]),
        IpAddr::V6(v6) => ([0; 4], v6.octets()),
    };
    let v4 = libc::in_pktinfo {
        ipi_ifindex: 0,
        ipi_spec_dst: libc::in_addr {
            s_addr: u32::from_ne_bytes(v4),
        },
        ipi_addr: libc::in_addr { s_addr: 0 },
    };
    let v6 = libc::in6_pktinfo {
        ipi6_addr: libc::in6_addr { s6_addr: v6 },
        ipi6_ifindex: 0,
    };
    (v4, v6)
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) => SocketAddr::new(v4.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{ControlMessageOwned, recvmsg};

    impl Outbox {
        fn push(&mut self, source: IpAddr, destination: SocketAddr, datagram: &[u8]) {
            self.write(Class::Pictures, source, destination, |out| {
                out.extend_from_slice(datagram);
                true
            });
        }
    }

    const ANY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

    fn to(port: u16) -> SocketAddr {
        (std::net::Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn equal_lengths_to_one_address_leave_as_one_message() {
        let mut outbox = Outbox::new(64, false);
        for length in [100, 100, 40, 100] {
            outbox.push(ANY, to(1), &vec![0; length]);
        }
        outbox.push(ANY, to(2), &[0; 100]);
        let segments: Vec<_> = outbox.runs.iter().map(|run| (run.segments, run.length)).collect();
        assert_eq!(
            segments,
            [(3, 240), (1, 100), (1, 100)],
            "a shorter one ends its run"
        );
    }

    #[test]
    fn a_message_has_no_more_segments_than_the_kernel_takes() {
        let mut outbox = Outbox::new(4, false);
        for _ in 0..10 {
            outbox.push(ANY, to(1), &[0; 10]);
        }
        assert_eq!(
            outbox.runs.iter().map(|run| run.segments).collect::<Vec<_>>(),
            [4, 4, 2]
        );
    }

    #[test]
    fn several_sockets_share_an_address_that_nobody_else_gets() {
        for address in ["127.0.0.1:0", "[::]:0"] {
            let first = std::net::UdpSocket::bind(address).expect("loopback is there");
            let local = first.local_addr().expect("it is bound");
            let all = several(first, 3).expect("they are bound");
            let addresses = all.iter().map(|socket| socket.local_addr().expect("it is bound"));
            assert_eq!(addresses.collect::<Vec<_>>(), [local; 3]);
            assert!(std::net::UdpSocket::bind(local).is_err());
        }
    }

    #[tokio::test]
    async fn what_is_sent_arrives_datagram_by_datagram() {
        let bind = || std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let (sender, mut receiver) = (
            Socket::new(bind()).expect("a socket"),
            Socket::new(bind()).expect("a socket"),
        );
        let mut outbox = Outbox::for_socket(&sender, Marks::default());
        let sizes = [1200, 1200, 1200, 700, 3];
        for (at, size) in sizes.iter().enumerate() {
            outbox.push(
                ANY,
                receiver.local,
                &vec![u8::try_from(at).expect("small"); *size],
            );
        }
        let sent = outbox.flush(&sender);
        assert_eq!((sent.datagrams, sent.dropped), (5, 0));
        let mut seen = Vec::new();
        while seen.len() < sizes.len() {
            receiver.readable().await.expect("a socket");
            let from = sender.local;
            receiver
                .receive(|datagram| {
                    assert_eq!(datagram.source, from);
                    seen.push((datagram.bytes[0], datagram.bytes.len()));
                })
                .expect("a socket");
        }
        assert_eq!(seen, [(0, 1200), (1, 1200), (2, 1200), (3, 700), (4, 3)]);
    }

    /// The TOS octets of `count` datagrams.
    fn marks_of(receiver: &std::net::UdpSocket, count: usize) -> Vec<u8> {
        let mut seen = Vec::new();
        for _ in 0..count {
            let mut bytes = [0; 2000];
            let mut about = nix::cmsg_space!(u8, u8);
            let mut slices = [IoSliceMut::new(&mut bytes)];
            let fd = receiver.as_raw_fd();
            let message = recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut about), MsgFlags::empty())
                .expect("it arrives");
            for about in message.cmsgs().expect("there is room") {
                match about {
                    ControlMessageOwned::Ipv4Tos(octet) => seen.push(octet),
                    other => panic!("{other:?}"),
                }
            }
        }
        seen
    }

    #[tokio::test]
    async fn sound_and_pictures_are_marked_each_their_way_from_sockets_of_either_family() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        SockRef::from(&receiver)
            .set_recv_tos_v4(true)
            .expect("it is known");
        let to = receiver.local_addr().expect("it is bound");
        for address in ["127.0.0.1:0", "[::]:0"] {
            let sender = std::net::UdpSocket::bind(address).expect("loopback is there");
            let sender = Socket::new(sender).expect("a socket");
            for source in [ANY, to.ip()] {
                let mut outbox = Outbox::for_socket(&sender, Marks::default());
                for class in [Class::Sound, Class::Pictures, Class::Pictures] {
                    outbox.write(class, source, to, |out| {
                        out.extend_from_slice(&[7; 100]);
                        true
                    });
                }
                let sent = outbox.flush(&sender);
                assert_eq!((sent.datagrams, sent.calls, sent.dropped), (3, 2, 0));
                assert_eq!(marks_of(&receiver, 3), [46 << 2, 34 << 2, 34 << 2], "EF and AF41");
            }
        }
    }
}
