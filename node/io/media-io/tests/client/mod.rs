//! A client with a socket of its own: what it publishes is a picture of three packets every 20 ms and sound.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};
use str0m::{
    Candidate, Event, Input, Output, Rtc,
    change::{SdpAnswer, SdpOffer, SdpPendingOffer},
    media::{Direction, MediaKind, Mid},
    net::{Protocol, Receive, TcpType},
    rtp::{ExtensionValues, RtpWrite},
};

/// What the last bytes of a key frame's first packet are.
pub(crate) const KEY_FRAME: &[u8] = b"key frame";
const PICTURE_EVERY: Duration = Duration::from_millis(20);
const WITHIN: Duration = Duration::from_secs(60);

/// A packet that a client received.
pub(crate) struct Seen {
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) payload: Vec<u8>,
}

/// How a client reaches the server.
enum Wire {
    Udp(UdpSocket),
    /// With what came of a frame that is not whole yet (RFC 4571).
    Tcp(TcpStream, Vec<u8>),
}

impl Wire {
    fn protocol(&self) -> Protocol {
        match self {
            Self::Udp(_) => Protocol::Udp,
            Self::Tcp(..) => Protocol::Tcp,
        }
    }

    /// A full buffer of the system is a lost packet.
    fn send(&mut self, bytes: &[u8], to: SocketAddr) {
        match self {
            Self::Udp(socket) => drop(socket.send_to(bytes, to)),
            Self::Tcp(stream, _) => {
                let length = u16::try_from(bytes.len()).unwrap();
                let frame = [&length.to_be_bytes(), bytes].concat();
                stream.write_all(&frame).unwrap();
            }
        }
    }

    fn receive(&mut self) -> Option<(Vec<u8>, SocketAddr)> {
        let mut buffer = [0; 2000];
        match self {
            Self::Udp(socket) => {
                let (length, source) = socket.recv_from(&mut buffer).ok()?;
                Some((buffer[..length].to_vec(), source))
            }
            Self::Tcp(stream, rest) => {
                if let Ok(length) = stream.read(&mut buffer) {
                    rest.extend_from_slice(&buffer[..length]);
                }
                let length = usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]));
                let frame = rest.get(2..2 + length)?.to_vec();
                rest.drain(..2 + length);
                Some((frame, stream.peer_addr().unwrap()))
            }
        }
    }
}

pub(crate) struct Client {
    rtc: Rtc,
    wire: Wire,
    local: SocketAddr,
    pending: Option<SdpPendingOffer>,
    offer: Option<SdpOffer>,
    lines: Vec<(Mid, MediaKind, Direction)>,
    seen: Vec<(Mid, Seen)>,
    connected: bool,
    wants_key_frame: bool,
    next_picture: Instant,
    pictures: u32,
    packets: [u64; 2],
    mark: u8,
    /// Of its pictures, where key frames tell it.
    size: Option<(u16, u16)>,
    server_ufrag: String,
    wake: Instant,
}

impl Client {
    pub(crate) fn new(lines: &[(MediaKind, Direction)]) -> Self {
        Self::at(UdpSocket::bind("127.0.0.1:0").unwrap(), lines)
    }

    /// One that speaks from there.
    pub(crate) fn at(socket: UdpSocket, lines: &[(MediaKind, Direction)]) -> Self {
        socket.set_nonblocking(true).unwrap();
        let local = socket.local_addr().unwrap();
        Self::over(Wire::Udp(socket), local, lines)
    }

    /// One that no UDP gets through to.
    pub(crate) fn over_tcp(server: SocketAddr, lines: &[(MediaKind, Direction)]) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nonblocking(true).unwrap();
        let local = stream.local_addr().unwrap();
        Self::over(Wire::Tcp(stream, Vec::new()), local, lines)
    }

    fn over(wire: Wire, local: SocketAddr, lines: &[(MediaKind, Direction)]) -> Self {
        let now = Instant::now();
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now);
        let candidate = Candidate::builder();
        let candidate = match wire {
            Wire::Udp(_) => candidate.udp().host(local).build(),
            Wire::Tcp(..) => candidate.tcp().host(local).tcptype(TcpType::Active).build(),
        };
        rtc.add_local_candidate(candidate.unwrap());
        let mut changes = rtc.sdp_api();
        let lines = lines
            .iter()
            .map(|(kind, direction)| {
                let mid = changes.add_media(*kind, *direction, None, None, None);
                (mid, *kind, *direction)
            })
            .collect();
        let (offer, pending) = changes.apply().unwrap();
        Self {
            rtc,
            wire,
            local,
            pending: Some(pending),
            offer: Some(offer),
            lines,
            seen: Vec::new(),
            connected: false,
            wants_key_frame: true,
            next_picture: now,
            pictures: 0,
            packets: [0; 2],
            mark: 1,
            size: None,
            server_ufrag: String::new(),
            wake: now,
        }
    }

    /// The names of the lines, in the order in which they were given.
    pub(crate) fn mids(&self) -> Vec<String> {
        self.lines.iter().map(|(mid, ..)| mid.to_string()).collect()
    }

    /// Packets of sound on all lines.
    pub(crate) fn heard(&self) -> usize {
        let audio = |of: &Mid| {
            self.lines
                .iter()
                .any(|(mid, kind, _)| mid == of && kind.is_audio())
        };
        self.seen.iter().filter(|(mid, _)| audio(mid)).count()
    }

    pub(crate) fn offer(&self) -> String {
        self.offer.as_ref().unwrap().to_sdp_string()
    }

    pub(crate) fn accept(&mut self, answer: &str) {
        let find = |line: &str| line.strip_prefix("a=ice-ufrag:").map(str::to_owned);
        self.server_ufrag = answer.lines().find_map(find).unwrap();
        let answer = SdpAnswer::from_sdp_string(answer).unwrap();
        let pending = self.pending.take().unwrap();
        self.rtc.sdp_api().accept_answer(pending, answer).unwrap();
        // Those of before are gone if ICE began anew.
        if let Wire::Udp(_) = self.wire {
            let candidate = Candidate::builder().udp().host(self.local).build();
            self.rtc.add_local_candidate(candidate.unwrap());
        }
    }

    /// Goes on from another address. Gives the offer that begins ICE anew.
    pub(crate) fn move_elsewhere(&mut self) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        self.local = socket.local_addr().unwrap();
        self.wire = Wire::Udp(socket);
        let mut changes = self.rtc.sdp_api();
        changes.ice_restart(false);
        let (offer, pending) = changes.apply().unwrap();
        self.pending = Some(pending);
        self.offer = Some(offer);
        self.offer()
    }

    /// Where it speaks from.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Puts this byte into all pictures.
    pub(crate) fn mark(&mut self, mark: u8) {
        self.mark = mark;
    }

    /// Pictures are so wide and high from the next one on, which is a key frame.
    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.size = Some((width, height));
        self.wants_key_frame = true;
    }

    pub(crate) fn server_ufrag(&self) -> &str {
        &self.server_ufrag
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// What came on the n-th line of this kind.
    fn on_line(&self, kind: MediaKind, place: usize) -> Vec<&Seen> {
        let mut of_kind = self.lines.iter().filter(|(_, of, _)| *of == kind);
        let mid = of_kind.nth(place).unwrap().0;
        self.seen
            .iter()
            .filter(|(of, _)| *of == mid)
            .map(|(_, seen)| seen)
            .collect()
    }

    pub(crate) fn video(&self, place: usize) -> Vec<&Seen> {
        self.on_line(MediaKind::Video, place)
    }

    pub(crate) fn audio(&self) -> Vec<&Seen> {
        self.on_line(MediaKind::Audio, 0)
    }

    pub(crate) async fn say_goodbye(&mut self) {
        self.rtc.close().unwrap();
        for _ in 0..20 {
            self.go_on();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn go_on(&mut self) {
        while let Some((bytes, source)) = self.wire.receive() {
            let received = Receive::new(self.wire.protocol(), source, self.local, &bytes);
            if let Ok(received) = received {
                self.rtc
                    .handle_input(Input::Receive(Instant::now(), received))
                    .unwrap();
                self.drain();
            }
        }
        let now = Instant::now();
        if now >= self.wake {
            self.rtc.handle_input(Input::Timeout(now)).unwrap();
            self.drain();
        }
        if self.connected && now >= self.next_picture {
            self.next_picture += PICTURE_EVERY;
            self.publish(now);
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.wake = at;
                    return;
                }
                Output::Transmit(transmit) => {
                    if transmit.proto == self.wire.protocol() {
                        self.wire.send(&transmit.contents, transmit.destination);
                    }
                }
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::KeyframeRequest(_)) => self.wants_key_frame = true,
                Output::Event(Event::RtpPacket(packet)) => {
                    let mid = self
                        .rtc
                        .direct_api()
                        .stream_rx(&packet.header.ssrc)
                        .unwrap()
                        .mid();
                    let seen = Seen {
                        seq: *packet.seq_no,
                        timestamp: packet.header.timestamp,
                        payload: packet.payload.to_vec(),
                    };
                    self.seen.push((mid, seen));
                }
                Output::Event(_) => {}
            }
        }
    }

    fn publish(&mut self, now: Instant) {
        let sending: Vec<_> = self
            .lines
            .iter()
            .filter(|(_, _, direction)| *direction == Direction::SendOnly)
            .map(|(mid, kind, _)| (*mid, *kind))
            .collect();
        for (mid, kind) in sending {
            if kind.is_audio() {
                self.write(mid, kind, now, true, &[self.mark; 40]);
                continue;
            }
            let key = std::mem::take(&mut self.wants_key_frame);
            let id = u16::try_from(self.pictures & 0x7fff).unwrap().to_be_bytes();
            let frame_header = u8::from(!key);
            let mut first = vec![0x90, 0x80, 0x80 | id[0], id[1], frame_header, self.mark];
            if let Some((width, height)) = self.size.filter(|_| key) {
                // RFC 6386 §9.1: the frame tag ends, then come a start code and the size.
                first.extend([0, 0x9d, 0x01, 0x2a]);
                first.extend(width.to_le_bytes());
                first.extend(height.to_le_bytes());
            }
            first.extend(if key { KEY_FRAME } else { b"picture" });
            let rest = vec![0x80, 0x80, 0x80 | id[0], id[1], self.mark, self.mark];
            self.write(mid, kind, now, false, &first);
            self.write(mid, kind, now, false, &rest);
            self.write(mid, kind, now, true, &rest);
        }
        self.pictures += 1;
    }

    fn write(&mut self, mid: Mid, kind: MediaKind, now: Instant, marker: bool, payload: &[u8]) {
        let pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        let place = usize::from(kind.is_video());
        let clock = if kind.is_audio() { 960 } else { 1800 };
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, None).unwrap();
        self.packets[place] += 1;
        let write = RtpWrite::new(
            pt,
            self.packets[place].into(),
            self.pictures * clock,
            now,
            payload,
        )
        .marker(marker)
        .ext_vals(ExtensionValues {
            audio_level: kind.is_audio().then_some(-30),
            voice_activity: kind.is_audio().then_some(true),
            ..ExtensionValues::default()
        })
        .nackable(kind.is_video());
        stream.write_rtp(write);
        self.drain();
    }
}

/// Lets the clients go on until this holds.
pub(crate) async fn until(clients: &mut [&mut Client], holds: impl Fn(&[&mut Client]) -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !holds(clients) {
        assert!(Instant::now() < deadline, "not within {WITHIN:?}");
        for client in clients.iter_mut() {
            client.go_on();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
