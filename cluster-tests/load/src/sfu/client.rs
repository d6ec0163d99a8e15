//! One client: publishes one picture, or watches some, and counts what comes.

use super::{
    picture::{self, Pictures},
    socket::{Buffer, Socket},
};
use anyhow::Context as _;
use hdrhistogram::Histogram;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use str0m::{
    Candidate, Event, Input, Output, Rtc, RtcConfig,
    change::{SdpAnswer, SdpOffer, SdpPendingOffer},
    media::{Direction, MediaKind, Mid, Pt},
    net::{DatagramRecv, Protocol, Receive},
    rtp::{RtpPacket, RtpWrite, Ssrc},
};

/// RTP's clock for pictures.
const CLOCK_HZ: u64 = 90_000;

/// What a client is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Publishes,
    /// So many pictures.
    Watches(usize),
}

pub(super) struct Client {
    rtc: Box<Rtc>,
    pub(super) socket: Socket,
    /// When it wants to be woken.
    pub(super) wake: Instant,
    pub(super) is_connected: bool,
    publishes: Option<Publishes>,
    flows: BTreeMap<Ssrc, Flow>,
}

struct Publishes {
    line: Mid,
    stream: Option<(Ssrc, Pt)>,
    pictures: Pictures,
    seq: u64,
    key_frame_wanted: bool,
    sent: u64,
}

impl Publishes {
    fn new(line: Mid) -> Self {
        Self {
            line,
            stream: None,
            pictures: Pictures::default(),
            seq: 0,
            key_frame_wanted: false,
            sent: 0,
        }
    }
}

/// One picture that is watched.
#[derive(Debug, Clone, Copy)]
struct Flow {
    first: u64,
    last: u64,
    came: u64,
    bytes: u64,
}

/// What was counted since it was asked for last.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub(super) connected: usize,
    /// Packets that publishers sent.
    pub(super) sent: u64,
    /// Pictures of which anything came.
    pub(super) flows: usize,
    pub(super) came: u64,
    pub(super) bytes: u64,
    /// Between the first and the last packet of each flow.
    pub(super) missing: u64,
    /// Microseconds from a publisher's program to a watcher's kernel.
    pub(super) latency: Histogram<u64>,
}

impl Counted {
    pub(super) fn nothing() -> anyhow::Result<Self> {
        Ok(Self {
            connected: 0,
            sent: 0,
            flows: 0,
            came: 0,
            bytes: 0,
            missing: 0,
            latency: Histogram::new_with_bounds(1, 60_000_000, 3).context("a histogram")?,
        })
    }
}

impl Client {
    fn new(ip: Ipv4Addr) -> anyhow::Result<Self> {
        let now = Instant::now();
        let socket = Socket::bind(ip)?;
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_vp8(true)
            .build(now);
        rtc.add_local_candidate(Candidate::host(socket.local, "udp")?);
        Ok(Self {
            rtc: Box::new(rtc),
            socket,
            wake: now,
            is_connected: false,
            publishes: None,
            flows: BTreeMap::new(),
        })
    }

    /// A client that offers; it goes on with [`Self::accept`].
    pub(super) fn offer(ip: Ipv4Addr, part: Part) -> anyhow::Result<(Self, String, SdpPendingOffer)> {
        let mut client = Self::new(ip)?;
        let mut api = client.rtc.sdp_api();
        let (lines, direction) = match part {
            Part::Publishes => (1, Direction::SendOnly),
            Part::Watches(lines) => (lines, Direction::RecvOnly),
        };
        let mut line = None;
        for _ in 0..lines {
            line = Some(api.add_media(MediaKind::Video, direction, None, None, None));
        }
        let (offer, pending) = api.apply().context("there is something to offer")?;
        client.publishes = line.filter(|_| part == Part::Publishes).map(Publishes::new);
        Ok((client, offer.to_sdp_string(), pending))
    }

    pub(super) fn accept(&mut self, pending: SdpPendingOffer, answer: &str) -> anyhow::Result<()> {
        let answer = SdpAnswer::from_sdp_string(answer)?;
        self.rtc.sdp_api().accept_answer(pending, answer)?;
        Ok(())
    }

    /// A watcher that answers an offer; gives the answer.
    pub(super) fn answer(ip: Ipv4Addr, offer: &str) -> anyhow::Result<(Self, String)> {
        let offer = SdpOffer::from_sdp_string(offer)?;
        let mut client = Self::new(ip)?;
        let answer = client.rtc.sdp_api().accept_offer(offer)?;
        Ok((client, answer.to_sdp_string()))
    }

    /// Takes all that has come.
    pub(super) fn read(&mut self, buffer: &mut Buffer, counted: &mut Counted) {
        while let Some(datagram) = self.socket.receive(buffer) {
            let Ok(contents) = DatagramRecv::try_from(datagram.bytes) else {
                continue;
            };
            let input = Input::Receive(
                Instant::now(),
                Receive {
                    proto: Protocol::Udp,
                    source: datagram.source,
                    destination: self.socket.local,
                    contents,
                },
            );
            self.rtc.handle_input(input).ok();
            self.drain(Some(datagram.at), counted);
        }
    }

    pub(super) fn wake(&mut self, now: Instant, counted: &mut Counted) {
        self.rtc.handle_input(Input::Timeout(now)).ok();
        self.drain(None, counted);
    }

    pub(super) fn drain(&mut self, came_at: Option<Duration>, counted: &mut Counted) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.wake = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.socket.send(transmit.destination, &transmit.contents),
                Ok(Output::Event(event)) => self.hear(event, came_at, counted),
                // It has ended; what it should have got counts as missing.
                Err(_) => {
                    self.wake = Instant::now() + Duration::from_secs(3_600);
                    return;
                }
            }
        }
    }

    fn hear(&mut self, event: Event, came_at: Option<Duration>, counted: &mut Counted) {
        match event {
            Event::Connected => {
                self.is_connected = true;
                counted.connected += 1;
            }
            Event::KeyframeRequest(_) => {
                if let Some(publishes) = &mut self.publishes {
                    publishes.key_frame_wanted = true;
                }
            }
            Event::RtpPacket(packet) => self.count(&packet, came_at, counted),
            _ => {}
        }
    }

    fn count(&mut self, packet: &RtpPacket, came_at: Option<Duration>, counted: &mut Counted) {
        let Some(sent_at) = picture::sent_at(&packet.payload) else {
            return;
        };
        let seq = *packet.seq_no;
        let flow = self.flows.entry(packet.header.ssrc).or_insert(Flow {
            first: seq,
            last: seq,
            came: 0,
            bytes: 0,
        });
        flow.first = flow.first.min(seq);
        flow.last = flow.last.max(seq);
        flow.came += 1;
        flow.bytes += packet.payload.len() as u64;
        if let Some(took) = came_at.and_then(|at| at.checked_sub(sent_at)) {
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            counted.latency.saturating_record(micros.max(1));
        }
    }

    /// Sends one frame, if this is a publisher.
    pub(super) fn publish(
        &mut self,
        packets: usize,
        frame: u64,
        frames_a_second: u64,
        counted: &mut Counted,
    ) {
        let Some(publishes) = &mut self.publishes else {
            return;
        };
        let Some((ssrc, pt)) = publishes.stream.or_else(|| stream(&mut self.rtc, publishes.line)) else {
            return;
        };
        publishes.stream = Some((ssrc, pt));
        let key_frame = std::mem::take(&mut publishes.key_frame_wanted) || publishes.seq == 0;
        let timestamp = u32::try_from(frame * CLOCK_HZ / frames_a_second % (1 << 32)).unwrap_or(0);
        let mut left = packets;
        for payload in publishes.pictures.next(packets, key_frame) {
            left -= 1;
            publishes.seq += 1;
            publishes.sent += 1;
            let write = RtpWrite::new(pt, publishes.seq.into(), timestamp, Instant::now(), payload)
                .marker(left == 0)
                .nackable(true);
            if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
                stream.write_rtp(write);
            }
        }
        self.drain(None, counted);
    }

    /// Adds what was counted to `counted`, and begins anew.
    pub(super) fn take_counted(&mut self, counted: &mut Counted) {
        if let Some(publishes) = &mut self.publishes {
            counted.sent += std::mem::take(&mut publishes.sent);
        }
        for flow in std::mem::take(&mut self.flows).into_values() {
            counted.flows += 1;
            counted.came += flow.came;
            counted.bytes += flow.bytes;
            counted.missing += (flow.last - flow.first + 1).saturating_sub(flow.came);
        }
    }
}

/// The stream of this line, once the answer has named the payload type.
fn stream(rtc: &mut Rtc, mid: Mid) -> Option<(Ssrc, Pt)> {
    let pt = *rtc.media(mid)?.remote_pts().first()?;
    let ssrc = rtc.direct_api().stream_tx_by_mid(mid, None)?.ssrc();
    Some((ssrc, pt))
}
