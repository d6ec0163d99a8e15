//! What one peer is sent: packets that are sealed where they leave from, repairs, probes and reports.
//!
//! str0m keeps ICE, DTLS, the session description and all that comes from a publisher. What goes to a receiver does not
//! pass it: a packet costs there as much as ten times what sealing and sending it cost (docs/performance.md).
//!
//! Invariants: no number of a stream is sealed twice; control packets are numbered here alone as soon as the peer has
//! a line that it is sent something on.

mod line;
mod srtp;
mod tap;

pub(crate) use line::Line;
pub(crate) use tap::{Tap, provider, tapped};

use crate::exit::{Exit, Route};
use plenary_congestion::{Bitrate, Estimator};
use plenary_media::{
    Kbps,
    payload::{self, Codec},
};
use plenary_rtp::{
    Extensions, Header, Values,
    feedback::{self, Feedback},
    report,
};
use plenary_udp::Class;
use srtp::Srtp;
use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};
use str0m::{
    Rtc,
    media::{MediaKind, Mid},
    net::Protocol,
};

/// The estimate that a receiver starts with, until its first feedback: a few small pictures and sound.
const FIRST_ESTIMATE: Bitrate = Bitrate::from_kbps(600);
/// Between two reports of all streams, once the first ones are out.
const REPORTS: Duration = Duration::from_secs(1);
/// Until the reports of a stream that has just begun: receivers bring sound and picture together by them.
const FIRST_REPORT: Duration = Duration::from_millis(100);
/// What repairs may be of all that is sent: one byte in so many, and what may be saved up.
const REPAIRS: u64 = 7;
const REPAIRS_SAVED: u64 = 64 * 1024;
/// Bytes of padding in a packet (RFC 3550 §5.1: a byte tells how many).
const PADDING: usize = 255;
/// Packets of padding that leave at once.
const TRAIN: usize = 64;
/// The SSRC of probes where no line has repairs: nobody takes them for media.
const PROBES: u32 = 0;

/// A packet to forward, as it came.
pub(crate) struct Media<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) audio_level: Option<(u8, bool)>,
    pub(crate) orientation: Option<u8>,
    /// When it came.
    pub(crate) at: Instant,
}

/// What is new in it.
pub(crate) struct Numbered {
    pub(crate) payload_type: u8,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) codec: Codec,
    /// VP8 and VP9 alone.
    pub(crate) picture_id: Option<u16>,
    pub(crate) tl0_pic_idx: Option<u8>,
}

/// What the peer said of what it is sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Of the n-th line.
    KeyFrameWanted(usize),
    /// Numbers that did not come on the n-th line.
    Missing(usize, Vec<u64>),
    /// What the network bears, found by when packets came.
    Estimate(Kbps),
    /// What the peer itself thinks of it.
    ReceivedEstimate(Kbps),
}

pub(crate) struct Egress {
    tap: Tap,
    srtp: Option<Srtp>,
    /// Where the peer is. str0m follows its ICE; whatever it sends but answers to checks goes there.
    route: Option<Route>,
    lines: Vec<Line>,
    /// None for peers that do not tell when packets came.
    estimator: Option<Estimator>,
    hears: bool,
    started: Instant,
    report_at: Instant,
    /// Bytes that repairs may take.
    repairs: u64,
    probes: u64,
    cname: String,
    /// For control packets and probes.
    scratch: Vec<u8>,
}

impl Egress {
    /// `tells`: the peer offered to tell when packets came.
    pub(crate) fn new(tap: Tap, tells: bool, now: Instant) -> Self {
        Self {
            tap,
            srtp: None,
            route: None,
            lines: Vec::new(),
            estimator: tells.then(|| Estimator::new(FIRST_ESTIMATE, 0)),
            hears: false,
            started: now,
            report_at: now + FIRST_REPORT,
            repairs: REPAIRS_SAVED,
            probes: 0,
            cname: String::new(),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// `cname`: the name that the session description gives to all that is sent.
    pub(crate) fn add_line(&mut self, mid: Mid, kind: MediaKind, cname: String) {
        self.cname = cname;
        self.lines.push(Line::new(mid, kind));
    }

    /// Learns what was negotiated for lines that are new.
    pub(crate) fn learn(&mut self, rtc: &mut Rtc) {
        for line in &mut self.lines {
            line.learn(rtc);
        }
    }

    /// Does what makes an answer, which names the streams of the lines that are known already.
    pub(crate) fn answering<T>(&self, rtc: &mut Rtc, answer: impl FnOnce(&mut Rtc) -> T) -> T {
        self.lines.iter().for_each(|line| line.lend(rtc));
        let answered = answer(rtc);
        self.lines.iter().for_each(|line| line.take_back(rtc));
        answered
    }

    /// Takes the keys as soon as there are some. Whether packets can be sent.
    pub(crate) fn is_ready(&mut self) -> bool {
        if self.srtp.is_none() {
            self.srtp = self.tap.take().as_ref().and_then(Srtp::new);
        }
        self.srtp.is_some() && self.route.is_some()
    }

    /// str0m sends to here now.
    pub(crate) fn follow(&mut self, route: Route) {
        self.route = Some(route);
    }

    /// Whether what is sent goes from this address of ours, by UDP.
    pub(crate) fn goes_from(&self, address: SocketAddr) -> bool {
        self.route
            .is_some_and(|route| route.proto == Protocol::Udp && route.local == address)
    }

    pub(crate) fn is_at(&self, proto: Protocol, address: SocketAddr) -> bool {
        self.route
            .is_some_and(|route| route.proto == proto && route.destination == address)
    }

    /// Microseconds since the begin.
    fn elapsed(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }

    /// Sends a packet on a line. False if it cannot leave.
    pub(crate) fn forward(
        &mut self,
        line: usize,
        media: &Media<'_>,
        numbered: &Numbered,
        exit: &mut Exit<'_>,
        now: Instant,
    ) -> bool {
        let at = self.elapsed(now);
        let (Some(srtp), Some(route), Some(line)) = (&self.srtp, &self.route, self.lines.get_mut(line))
        else {
            return false;
        };
        if !line.take(numbered.sequence) {
            return false;
        }
        let header = Header {
            payload_type: numbered.payload_type,
            marker: numbered.marker,
            padding: false,
            sequence: numbered.sequence as u16,
            timestamp: numbered.timestamp,
            ssrc: line.ssrc,
        };
        let sealing = Sealing {
            srtp,
            line,
            header,
            number: numbered.sequence,
            original: None,
            estimator: self.estimator.as_mut(),
            at,
        };
        let sent = sealing.send(media, numbered, route, exit);
        if sent > 0 {
            self.repairs = (self.repairs + sent as u64 / REPAIRS).min(REPAIRS_SAVED);
            if line.count(numbered, media) {
                self.report_at = self.report_at.min(now + FIRST_REPORT);
            }
        }
        sent > 0
    }

    /// Sends a packet again that did not come, beside its stream (RFC 4588).
    pub(crate) fn repair(
        &mut self,
        line: usize,
        media: &Media<'_>,
        numbered: &Numbered,
        exit: &mut Exit<'_>,
        now: Instant,
    ) -> bool {
        let at = self.elapsed(now);
        let (Some(srtp), Some(route), Some(line)) = (&self.srtp, &self.route, self.lines.get_mut(line))
        else {
            return false;
        };
        let Some((ssrc, payload_type)) = line.repair_by(numbered.payload_type) else {
            return false;
        };
        if self.repairs < media.payload.len() as u64 {
            return false;
        }
        let number = line.next_repair();
        let header = Header {
            payload_type,
            marker: numbered.marker,
            padding: false,
            sequence: number as u16,
            timestamp: numbered.timestamp,
            ssrc,
        };
        let sealing = Sealing {
            srtp,
            line,
            header,
            number,
            original: Some(numbered.sequence as u16),
            estimator: self.estimator.as_mut(),
            at,
        };
        let sent = sealing.send(media, numbered, route, exit);
        self.repairs = self.repairs.saturating_sub(sent as u64);
        sent > 0
    }

    /// What is due: probes and reports. `send` gets each datagram.
    pub(crate) fn handle_timeout(&mut self, now: Instant, mut send: impl FnMut(&Route, &[u8])) {
        let at = self.elapsed(now);
        let Some(route) = self.route else { return };
        if let Some(estimator) = &mut self.estimator {
            estimator.handle_timeout(at);
            for _ in 0..TRAIN {
                let Some(bytes) = self.estimator.as_mut().and_then(|one| one.poll_probe(at)) else {
                    break;
                };
                if !self.probe(bytes, at, |datagram| send(&route, datagram)) {
                    break;
                }
            }
        }
        if now >= self.report_at {
            self.report_at = now + REPORTS;
            self.report(now, |datagram| send(&route, datagram));
        }
    }

    /// When [`Self::handle_timeout`] is due next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.lines.is_empty() || self.srtp.is_none() || self.route.is_none() {
            return None;
        }
        let probes = self.estimator.as_ref().and_then(Estimator::poll_timeout);
        let probes = probes.map(|at| self.started + Duration::from_micros(at));
        let told = self.lines.iter().any(Line::has_news).then_some(self.report_at);
        [probes, told].into_iter().flatten().min()
    }

    fn probe(&mut self, bytes: usize, at: u64, send: impl FnOnce(&[u8])) -> bool {
        let (Some(srtp), Some(estimator)) = (&self.srtp, &mut self.estimator) else {
            return false;
        };
        let counted = |line: &&mut Line| line.extensions.transport.is_some() && line.is_known();
        let with_repairs = self.lines.iter_mut().filter(counted).find_map(|line| {
            let (ssrc, payload_type) = line.any_repair()?;
            let number = line.next_repair();
            Some((
                ssrc,
                payload_type,
                number,
                line.extensions,
                line.mid.as_bytes().to_vec(),
            ))
        });
        let found = with_repairs.or_else(|| {
            let line = self.lines.iter_mut().find(counted)?;
            let number = self.probes + 1_000;
            self.probes += 1;
            let payload_type = line.probed_by?;
            Some((
                PROBES,
                payload_type,
                number,
                line.extensions,
                line.mid.as_bytes().to_vec(),
            ))
        });
        let Some((ssrc, payload_type, number, extensions, mid)) = found else {
            return false;
        };
        let header = Header {
            payload_type,
            marker: false,
            padding: true,
            sequence: number as u16,
            timestamp: 0,
            ssrc,
        };
        let padding = bytes.clamp(1, PADDING);
        let values = Values {
            mid: Some(&mid),
            transport: Some(estimator.handle_sent_probe(padding + 24, at)),
            ..Values::default()
        };
        let out = &mut self.scratch;
        out.clear();
        header.write(&extensions, &values, out);
        let length = out.len();
        out.resize(length + padding - 1, 0);
        out.push(u8::try_from(padding).unwrap_or(u8::MAX));
        if srtp.seal(out, 0, length, ssrc, number) {
            send(out);
        }
        true
    }

    fn report(&mut self, now: Instant, mut send: impl FnMut(&[u8])) {
        let Some(srtp) = &mut self.srtp else { return };
        let streams: Vec<report::Stream> = self
            .lines
            .iter_mut()
            .filter_map(|line| line.report(now))
            .collect();
        for streams in streams.chunks(report::STREAMS) {
            let out = &mut self.scratch;
            out.clear();
            report::write(ntp(SystemTime::now()), streams, &self.cname, out);
            if srtp.seal_control(out, 0) {
                send(out);
            }
        }
    }

    /// A control packet of the peer: whether its seal was right. `None` if it is for str0m alone, as nothing is sent here.
    pub(crate) fn hear(&mut self, packet: &[u8], now: Instant, mut say: impl FnMut(Said)) -> Option<bool> {
        let at = self.elapsed(now);
        if self.lines.is_empty() || !self.is_ready() {
            return None;
        }
        let mut opened = std::mem::take(&mut self.scratch);
        let is_right = self.srtp.as_mut()?.open_control(packet, &mut opened);
        if is_right {
            feedback::read(&opened, |feedback| match feedback {
                Feedback::KeyFrame { ssrc } => {
                    if let Some(line) = self.line_of(ssrc) {
                        say(Said::KeyFrameWanted(line));
                    }
                }
                Feedback::Missing { ssrc, lost } => {
                    if let Some(at) = self.line_of(ssrc)
                        && let Some(line) = self.lines.get(at)
                    {
                        let numbers = lost.numbers().map(|number| line.extend(number));
                        say(Said::Missing(at, numbers.collect()));
                    }
                }
                Feedback::Arrivals(information) => {
                    if let Some(estimator) = &mut self.estimator {
                        self.hears |= estimator.handle_feedback(information, at).is_ok();
                    }
                }
                Feedback::Estimate(bits) => {
                    if !self.hears {
                        say(Said::ReceivedEstimate(kbps(Bitrate(bits))));
                    }
                }
            });
        }
        self.scratch = opened;
        if let Some(estimate) = self.estimator.as_mut().and_then(Estimator::poll_estimate) {
            say(Said::Estimate(kbps(estimate)));
        }
        Some(is_right)
    }

    fn line_of(&self, ssrc: u32) -> Option<usize> {
        self.lines
            .iter()
            .position(|line| line.is_known() && line.ssrc == ssrc)
    }

    /// A control packet that str0m has for the peer: `mixed` if the peer sends as well. Gives what is to be sent.
    pub(crate) fn pass(&mut self, packet: &[u8], mixed: bool) -> Option<Vec<u8>> {
        if self.lines.is_empty() {
            return Some(packet.to_vec());
        }
        let srtp = self.srtp.as_mut()?;
        if !mixed || !srtp.open_own_control(packet, &mut self.scratch) {
            return None;
        }
        let mut out = Vec::with_capacity(packet.len());
        feedback::without_sender_reports(&self.scratch, &mut out);
        srtp.seal_control(&mut out, 0).then_some(out)
    }

    /// What its network is taken to bear until the first estimate; none if there will never be one.
    pub(crate) fn first_estimate(&self) -> Option<Kbps> {
        self.estimator.as_ref().map(|_| kbps(FIRST_ESTIMATE))
    }

    pub(crate) fn desire(&mut self, desired: Kbps, now: Instant) {
        let at = self.elapsed(now);
        if let Some(estimator) = &mut self.estimator {
            estimator.handle_desired(Bitrate::from_kbps(desired.0.into()), at);
        }
    }

    pub(crate) fn estimate_anew(&mut self, first: Kbps, now: Instant) {
        let at = self.elapsed(now);
        if let Some(estimator) = &mut self.estimator {
            estimator.reset(Bitrate::from_kbps(first.0.into()), at);
        }
    }
}

/// One packet on its way out.
struct Sealing<'a> {
    srtp: &'a Srtp,
    line: &'a Line,
    header: Header,
    number: u64,
    /// The number that it had, in a repair.
    original: Option<u16>,
    estimator: Option<&'a mut Estimator>,
    at: u64,
}

impl Sealing<'_> {
    /// Gives its bytes; 0 if it cannot be sealed.
    fn send(self, media: &Media<'_>, numbered: &Numbered, route: &Route, exit: &mut Exit<'_>) -> usize {
        let Extensions {
            transport, send_time, ..
        } = self.line.extensions;
        let bytes = self.line.overhead() + media.payload.len();
        let counted = self.estimator.filter(|_| transport.is_some());
        let values = Values {
            mid: Some(self.line.mid.as_bytes()),
            audio_level: media.audio_level,
            orientation: media.orientation,
            transport: counted.map(|estimator| estimator.handle_sent(bytes, self.at)),
            send_time_us: send_time.map(|_| self.at),
        };
        let mut length = 0;
        let class = if self.line.kind.is_audio() {
            Class::Sound
        } else {
            Class::Pictures
        };
        let written = exit.write(&route.of_class(class), |out| {
            let start = out.len();
            self.header.write(&self.line.extensions, &values, out);
            let header = out.len() - start;
            if let Some(original) = self.original {
                out.extend(original.to_be_bytes());
            }
            let behind = out.len();
            out.extend_from_slice(media.payload);
            if numbered.picture_id.is_some() || numbered.tl0_pic_idx.is_some() {
                let payload = out.get_mut(behind..).unwrap_or_default();
                // It was read when it came.
                payload::patch(numbered.codec, payload, numbered.picture_id, numbered.tl0_pic_idx).ok();
            }
            let sealed = self.srtp.seal(out, start, header, self.header.ssrc, self.number);
            length = out.len() - start;
            sealed
        });
        if written { length } else { 0 }
    }
}

fn kbps(bitrate: Bitrate) -> Kbps {
    Kbps(u32::try_from(bitrate.as_kbps()).unwrap_or(u32::MAX))
}

/// Seconds since 1900, with 32 bits behind the point (RFC 3550 §4).
fn ntp(now: SystemTime) -> u64 {
    const SINCE_1900: u64 = 2_208_988_800;
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    (since.as_secs() + SINCE_1900) << 32 | fraction
}
