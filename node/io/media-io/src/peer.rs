//! One peer connection: str0m's state machine, what the peer is sent beside it, and what the shard must know of its lines.
//!
//! Blast radius: a panic within one peer's state machine ends that peer alone.

mod life;

use crate::{
    egress::{self, Egress, Media, Numbered, Said},
    engine::Client,
    exit::{Exit, Route},
    ground::Ground,
    timers::Noted,
};
use life::Life;
use plenary_media::Kbps;
use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};
use str0m::{
    Event, IceConnectionState, Input, Output, Rtc, RtcError,
    change::SdpOffer,
    format::{Codec, FormatParams},
    media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt},
    net::{DatagramRecv, Protocol, Receive, Transmit},
    rtp::{RtpPacket, Ssrc},
};

/// RTP header extension by which a receiver tells when each packet came
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
const TRANSPORT_FEEDBACK: &str = "transport-wide-cc-extensions-01";

/// So long, the last message of the handshake is on its way; a key frame before it could not be decrypted.
const SETTLES: Duration = Duration::from_millis(30);
/// Turns that a peer gets before others do.
const TURNS: usize = 64;
/// What is due within this is done now: coming back for it would take longer.
const AT_ONCE: Duration = Duration::from_micros(5);

/// What a peer's state machine told.
#[allow(clippy::large_enum_variant)] // Nearly all are packets, and a box for each would be an allocation for each.
pub(crate) enum Happening {
    /// [`Peer::tracks`] grew.
    Lines,
    Connected,
    /// Nobody is there any more, or the peer said so.
    Ended,
    /// A packet of the n-th of [`Peer::inbound`].
    Packet(usize, RtpPacket),
    /// Of what it is sent.
    Said(Said),
}

/// A stream that comes from the peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inbound {
    ssrc: Ssrc,
    /// Which of the peer's lines that send; with `layer` it names the stream.
    pub(crate) track: usize,
    /// Place of its RID in the offer, the smallest picture first; 0 without simulcast.
    pub(crate) layer: u8,
}

/// A line of the offer that sends to us.
#[derive(Debug, Clone)]
pub(crate) struct Track {
    pub(crate) mid: Mid,
    pub(crate) kind: MediaKind,
    /// RIDs of its layers in the order of the offer; empty without simulcast.
    pub(crate) rids: Vec<str0m::media::Rid>,
}

/// A payload type and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) codec: Codec,
    params: FormatParams,
}

pub(crate) struct Peer {
    rtc: Box<Rtc>,
    client: Client,
    /// Of a program, whose ICE begins anew without another one; it has some 2 kB for each line.
    offer: String,
    pub(crate) ufrag: String,
    pub(crate) noted: Noted,
    pub(crate) tracks: Vec<Track>,
    pub(crate) inbound: Vec<Inbound>,
    egress: Egress,
    said: Vec<Said>,
    formats: Vec<(Pt, Format)>,
    pub(crate) is_connected: bool,
    /// Since when media can be sent.
    connected_at: Option<Instant>,
    /// Of programs; of browsers ICE knows it.
    life: Option<Life>,
}

impl Peer {
    /// Answers an offer whose size was checked. Gives the answer (SDP).
    pub(crate) fn answer(
        ground: &Ground,
        (client, outside): (Client, bool),
        offer: String,
        now: Instant,
    ) -> Result<(Self, String), String> {
        let parsed = SdpOffer::from_sdp_string(&offer).map_err(|error| error.to_string())?;
        let made = catch_unwind(AssertUnwindSafe(|| {
            let (mut rtc, tap) = egress::tapped(|| ground.config(client, now));
            ground
                .offer_to(&mut rtc, outside)
                .map_err(|error| error.to_string())?;
            let answer = rtc
                .sdp_api()
                .accept_offer(parsed)
                .map_err(|error| error.to_string())?;
            Ok::<_, String>((rtc, tap, answer.to_sdp_string()))
        }));
        let (mut rtc, tap, answer) = made.unwrap_or_else(|_| Err("it contradicts itself".into()))?;
        let ufrag = rtc.direct_api().local_ice_credentials().ufrag;
        let mut peer = Self {
            rtc: Box::new(rtc),
            client,
            egress: Egress::new(tap, offer.contains(TRANSPORT_FEEDBACK), now),
            said: Vec::new(),
            offer: String::new(),
            ufrag,
            noted: Noted::default(),
            tracks: Vec::new(),
            inbound: Vec::new(),
            formats: Vec::new(),
            is_connected: false,
            connected_at: None,
            life: (client == Client::Program).then(|| Life::new(now)),
        };
        peer.keep(offer);
        Ok((peer, answer))
    }

    /// Begins ICE anew with the client's new credentials; gives the new answer.
    pub(crate) fn restart(&mut self, ufrag: &str, pwd: &str) -> Result<String, String> {
        let line = |line: &str| {
            if line.starts_with("a=ice-ufrag:") {
                format!("a=ice-ufrag:{ufrag}\r\n")
            } else if line.starts_with("a=ice-pwd:") {
                format!("a=ice-pwd:{pwd}\r\n")
            } else {
                format!("{line}\r\n")
            }
        };
        let offer: String = self.offer.lines().map(line).collect();
        self.negotiate(offer)
    }

    /// Answers a new offer of the same connection, whose size was checked.
    pub(crate) fn negotiate(&mut self, offer: String) -> Result<String, String> {
        let parsed = SdpOffer::from_sdp_string(&offer).map_err(|error| error.to_string())?;
        let Self { rtc, egress, .. } = self;
        let made = catch_unwind(AssertUnwindSafe(|| {
            egress.answering(rtc, |rtc| rtc.sdp_api().accept_offer(parsed))
        }));
        let answer = match made {
            Ok(Ok(answer)) => answer.to_sdp_string(),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err("it contradicts itself".into()),
        };
        self.ufrag = self.rtc.direct_api().local_ice_credentials().ufrag;
        self.keep(offer);
        Ok(answer)
    }

    fn keep(&mut self, offer: String) {
        self.learn_lines(&offer);
        if self.client == Client::Program {
            self.offer = offer;
        }
    }

    /// The lines of the offer that the peer is sent something on. str0m tells of lines once there are keys; what fills
    /// these can be prepared before.
    fn learn_lines(&mut self, offer: &str) {
        self.learn_formats();
        let mids = offer.lines().filter_map(|line| line.strip_prefix("a=mid:"));
        for mid in mids.map(|mid| Mid::from(mid.trim_end())) {
            if self.egress.lines().iter().any(|line| line.mid == mid) {
                continue;
            }
            if let Some(media) = self.rtc.media(mid)
                && !media.disabled()
                && matches!(media.direction(), Direction::SendOnly | Direction::SendRecv)
            {
                self.egress.add_line(mid, media.kind(), media.cname().to_owned());
            }
        }
        self.egress.learn(&mut self.rtc);
    }

    /// Whether the offer already has these credentials.
    pub(crate) fn has_credentials(&self, ufrag: &str) -> bool {
        self.offer
            .lines()
            .any(|line| line.trim_end().strip_prefix("a=ice-ufrag:") == Some(ufrag))
    }

    /// Hands a datagram to the state machine. `false` if the peer has failed. After it, [`Self::drain`] is due.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        proto: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
    ) -> bool {
        if is_control(bytes) {
            let said = &mut self.said;
            let heard = self.egress.hear(bytes, now, |one| said.push(one));
            if heard == Some(true)
                && let Some(life) = &mut self.life
            {
                life.hear(now);
            }
            // Whoever sends nothing has nothing to say but that.
            if heard.is_some() && self.tracks.is_empty() {
                return true;
            }
        }
        let Ok(contents) = DatagramRecv::try_from(bytes) else {
            return true;
        };
        let input = Input::Receive(
            now,
            Receive {
                proto,
                source,
                destination,
                contents,
            },
        );
        if !self.input(input) {
            return false;
        }
        if is_check(bytes) && !self.egress.lines().is_empty() && !self.egress.is_at(proto, source) {
            self.ask_where();
        }
        true
    }

    /// Lets str0m send something, which tells where the peer is now.
    fn ask_where(&mut self) {
        let nobody = Ssrc::from(0);
        self.rtc.direct_api().send_pli_feedback(nobody, nobody);
    }

    pub(crate) fn wake(&mut self, now: Instant) -> bool {
        self.input(Input::Timeout(now))
    }

    fn input(&mut self, input: Input<'_>) -> bool {
        let rtc = &mut self.rtc;
        match catch_unwind(AssertUnwindSafe(|| rtc.handle_input(input))) {
            Ok(Ok(())) => true,
            // Forged and broken packets are an everyday matter.
            Ok(Err(error)) => {
                tracing::debug!(%error, "a peer's packet was not taken");
                true
            }
            Err(_) => false,
        }
    }

    /// Takes all that is to be sent and told. Gives when the peer wants to be woken; `None` if it has failed.
    pub(crate) fn drain(
        &mut self,
        send: impl FnMut(&Route, &[u8]),
        tell: impl FnMut(Happening),
    ) -> Option<Instant> {
        match catch_unwind(AssertUnwindSafe(|| self.take_all(send, tell))) {
            Ok(Ok(wake)) => Some(wake),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a peer failed");
                None
            }
            Err(_) => None,
        }
    }

    fn take_all(
        &mut self,
        mut send: impl FnMut(&Route, &[u8]),
        mut tell: impl FnMut(Happening),
    ) -> Result<Instant, RtcError> {
        let mut left = TURNS;
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(transmit) => self.pass(transmit, &mut send),
                Output::Timeout(at) => {
                    self.said.drain(..).map(Happening::Said).for_each(&mut tell);
                    let now = Instant::now();
                    if self.life.as_ref().is_some_and(|life| life.is_over(now)) {
                        tell(Happening::Ended);
                    }
                    let due = self.egress.poll_timeout().unwrap_or(at).min(at);
                    if due > now + AT_ONCE || left == 0 {
                        return Ok(due);
                    }
                    left -= 1;
                    self.egress.handle_timeout(now, &mut send);
                    if at <= now + AT_ONCE {
                        self.rtc.handle_input(Input::Timeout(now.max(at)))?;
                    }
                }
                Output::Event(event) => {
                    if let Some(happening) = self.understand(event) {
                        tell(happening);
                    }
                }
            }
        }
    }

    /// Sends what str0m has to send. Of what goes to who is sent media, answers and handshakes alone are its own.
    fn pass(&mut self, transmit: Transmit, mut send: impl FnMut(&Route, &[u8])) {
        let route = Route::of(&transmit);
        if is_check(&transmit.contents) {
            return send(&route, &transmit.contents);
        }
        self.egress.follow(route);
        if is_control(&transmit.contents) {
            let mixed = !self.tracks.is_empty();
            if let Some(packet) = self.egress.pass(&transmit.contents, mixed) {
                send(&route, &packet);
            }
        } else {
            send(&route, &transmit.contents);
        }
    }

    fn understand(&mut self, event: Event) -> Option<Happening> {
        match event {
            Event::Connected => {
                self.is_connected = true;
                self.connected_at = Some(Instant::now());
                self.egress.learn(&mut self.rtc);
                Some(Happening::Connected)
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => match &mut self.life {
                Some(life) => life.miss(Instant::now()).then_some(Happening::Ended),
                None => Some(Happening::Ended),
            },
            Event::IceConnectionStateChange(_) => {
                if let Some(life) = &mut self.life {
                    life.ask();
                }
                None
            }
            Event::Closed => Some(Happening::Ended),
            Event::MediaAdded(added) => {
                self.learn_formats();
                if matches!(added.direction, Direction::RecvOnly | Direction::SendRecv) {
                    let rids = added
                        .simulcast
                        .map(|simulcast| simulcast.recv)
                        .unwrap_or_default();
                    self.tracks.push(Track {
                        mid: added.mid,
                        kind: added.kind,
                        rids: rids.iter().map(|layer| layer.rid).collect(),
                    });
                }
                Some(Happening::Lines)
            }
            Event::RtpPacket(packet) => {
                if let Some(life) = &mut self.life {
                    life.hear(packet.timestamp);
                }
                let inbound = self.inbound_of(packet.header.ssrc)?;
                Some(Happening::Packet(inbound, packet))
            }
            _ => None,
        }
    }

    fn learn_formats(&mut self) {
        self.formats = self
            .rtc
            .codec_config()
            .params()
            .iter()
            .map(|params| {
                let spec = params.spec();
                let format = Format {
                    codec: spec.codec,
                    params: spec.format,
                };
                (params.pt(), format)
            })
            .collect();
    }

    /// Which stream an SSRC is; found by its RID or line at the first packet.
    fn inbound_of(&mut self, ssrc: Ssrc) -> Option<usize> {
        if let Some(known) = self.inbound.iter().position(|inbound| inbound.ssrc == ssrc) {
            return Some(known);
        }
        let (mid, rid) = {
            let mut api = self.rtc.direct_api();
            let stream = api.stream_rx(&ssrc)?;
            (stream.mid(), stream.rid())
        };
        let track = self.tracks.iter().position(|track| track.mid == mid)?;
        let rids = &self.tracks.get(track)?.rids;
        let layer = rid
            .and_then(|rid| rids.iter().position(|known| *known == rid))
            .unwrap_or(0);
        let inbound = Inbound {
            ssrc,
            track,
            layer: u8::try_from(layer).ok()?,
        };
        // A browser that restarts a stream gives it a new SSRC.
        let same = |known: &Inbound| known.track == inbound.track && known.layer == inbound.layer;
        if let Some(place) = self.inbound.iter().position(same) {
            self.inbound[place] = inbound;
            return Some(place);
        }
        self.inbound.push(inbound);
        Some(self.inbound.len() - 1)
    }

    /// What a payload type of this peer stands for.
    pub(crate) fn format(&self, pt: Pt) -> Option<Format> {
        self.formats
            .iter()
            .find(|(known, _)| *known == pt)
            .map(|(_, format)| *format)
    }

    /// This peer's payload type for what another one sends; none if it did not offer that.
    pub(crate) fn payload_type(&self, format: &Format) -> Option<Pt> {
        let exact = self.formats.iter().find(|(_, known)| known == format);
        let alike = || self.formats.iter().find(|(_, known)| known.can_take(format));
        exact.or_else(alike).map(|(pt, _)| *pt)
    }

    /// Asks the peer for a key frame of one of its streams.
    pub(crate) fn ask_for_key_frame(&mut self, inbound: usize) {
        let Some(Inbound { ssrc, .. }) = self.inbound.get(inbound).copied() else {
            return;
        };
        if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// The lines that it is sent something on: slots, in the order of the offer.
    pub(crate) fn lines(&self) -> &[egress::Line] {
        self.egress.lines()
    }

    /// Whether packets can be sent to it.
    pub(crate) fn is_ready(&mut self, now: Instant) -> bool {
        let settled = self
            .connected_at
            .is_some_and(|at| now.saturating_duration_since(at) >= SETTLES);
        settled && self.egress.is_ready()
    }

    /// Sends a packet on the n-th of [`Self::lines`]. After it, [`Self::drain`] is due.
    pub(crate) fn forward(
        &mut self,
        line: usize,
        media: &Media<'_>,
        numbered: &Numbered,
        exit: &mut Exit<'_>,
        now: Instant,
    ) {
        self.egress.forward(line, media, numbered, exit, now);
    }

    /// Sends one again that did not come.
    pub(crate) fn repair(
        &mut self,
        line: usize,
        media: &Media<'_>,
        numbered: &Numbered,
        exit: &mut Exit<'_>,
        now: Instant,
    ) -> bool {
        self.egress.repair(line, media, numbered, exit, now)
    }

    /// What its network is taken to bear until the first estimate; none if there will never be one.
    pub(crate) fn first_estimate(&self) -> Option<Kbps> {
        self.egress.first_estimate()
    }

    /// What this receiver would get if the network let it, for the estimation to look for.
    pub(crate) fn desire(&mut self, desired: Kbps, now: Instant) {
        self.egress.desire(desired, now);
    }

    /// Forgets what was learned of the network, and probes it from so much.
    pub(crate) fn estimate_anew(&mut self, first: Kbps, now: Instant) {
        self.egress.estimate_anew(first, now);
    }

    /// Whether it is sent what it gets from this address of ours.
    pub(crate) fn is_met_at(&self, address: SocketAddr) -> bool {
        self.egress.goes_from(address)
    }

    pub(crate) fn is_browser(&self) -> bool {
        self.client == Client::Browser
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.rtc.is_alive()
    }

    /// Says goodbye; what is to be sent for it is given by the next [`Self::drain`].
    pub(crate) fn close(&mut self) {
        if let Err(error) = self.rtc.close() {
            tracing::debug!(%error, "a peer could not be told that it is over");
        }
    }
}

impl Format {
    /// As other nodes read it: `H264;profile-level-id=42e01f`.
    pub(crate) fn to_text(self) -> String {
        format!("{};{}", self.codec, self.params)
    }

    /// `None` for what is not forwarded.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let (codec, params) = text.split_once(';')?;
        let known = [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1];
        Some(Self {
            codec: known.into_iter().find(|known| known.to_string() == codec)?,
            params: FormatParams::parse_line(params),
        })
    }

    /// H.264 and VP9 have profiles; a decoder that offered another level of the same profile takes it.
    fn can_take(&self, sent: &Format) -> bool {
        self.codec == sent.codec
            && self.params.packetization_mode == sent.params.packetization_mode
            && self.params.profile_id == sent.params.profile_id
            && profile_of(&self.params) == profile_of(&sent.params)
    }
}

/// The profile of H.264's `profile-level-id` without its level.
fn profile_of(params: &FormatParams) -> Option<u32> {
    params.profile_level_id.map(|id| id >> 8)
}

/// A STUN message (RFC 7983 §7).
fn is_check(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 4)
}

/// A control packet (RFC 5761 §4).
fn is_control(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, 192..=223, ..])
}
