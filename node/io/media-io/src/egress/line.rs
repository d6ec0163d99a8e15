//! One line that a peer is sent something on: a slot.

use super::{Media, Numbered};
use plenary_rtp::{Extensions, Numbers, extend, report};
use std::time::Instant;
use str0m::{
    Rtc,
    media::{MediaKind, Mid},
    rtp::{Extension, Ssrc},
};

/// The first number of repairs; SRTP assumes that it is below 65,536.
const FIRST_REPAIR: u64 = 1_000;
/// Ticks of a second.
const VOICE_CLOCK: u32 = 48_000;
const PICTURE_CLOCK: u32 = 90_000;

pub(crate) struct Line {
    pub(crate) mid: Mid,
    pub(crate) kind: MediaKind,
    /// Whether what follows is known.
    known: bool,
    pub(super) ssrc: u32,
    rtx: Option<u32>,
    /// The payload type of repairs, by that of what is repaired.
    repaired_by: Vec<(u8, u8)>,
    /// The payload type of probes.
    pub(super) probed_by: Option<u8>,
    pub(super) extensions: Extensions,
    used: Numbers,
    highest: u64,
    repairs: u64,
    packets: u32,
    octets: u32,
    /// The timestamp of the newest packet, and when that came.
    newest: Option<(u32, Instant)>,
    has_news: bool,
}

impl Line {
    pub(crate) fn new(mid: Mid, kind: MediaKind) -> Self {
        Self {
            mid,
            kind,
            known: false,
            ssrc: 0,
            rtx: None,
            repaired_by: Vec::new(),
            probed_by: None,
            extensions: Extensions::default(),
            used: Numbers::default(),
            highest: 0,
            repairs: 0,
            packets: 0,
            octets: 0,
            newest: None,
            has_news: false,
        }
    }

    /// What was negotiated for it is known.
    pub(super) fn is_known(&self) -> bool {
        self.known
    }

    /// Learns what was negotiated, once that is known.
    pub(crate) fn learn(&mut self, rtc: &mut Rtc) {
        if self.known {
            return;
        }
        let Some(media) = rtc.media(self.mid) else { return };
        let map = media.remote_extmap();
        self.extensions = Extensions {
            mid: map.id_of(Extension::RtpMid),
            audio_level: map.id_of(Extension::AudioLevel),
            orientation: map.id_of(Extension::VideoOrientation),
            transport: map.id_of(Extension::TransportSequenceNumber),
            send_time: map.id_of(Extension::AbsoluteSendTime),
        };
        let types = rtc.codec_config().params();
        let mine =
            |params: &&str0m::format::PayloadParams| params.spec().codec.is_audio() == self.kind.is_audio();
        self.repaired_by = types
            .iter()
            .filter(mine)
            .filter_map(|params| Some((*params.pt(), *params.resend()?)))
            .collect();
        self.probed_by = types
            .iter()
            .filter(mine)
            .find(|params| params.fb_transport_cc())
            .map(|params| *params.pt());
        let mut api = rtc.direct_api();
        if let Some(stream) = api.stream_tx_by_mid(self.mid, None) {
            let ssrc = stream.ssrc();
            self.ssrc = *ssrc;
            self.rtx = stream.rtx().map(|ssrc| *ssrc);
            self.known = true;
            // Nothing is sent by it: it would keep room for repairs and write reports.
            api.remove_stream_tx(ssrc);
        }
    }

    /// Lets str0m name this line's streams once more in an answer, until [`Self::take_back`].
    pub(super) fn lend(&self, rtc: &mut Rtc) {
        if self.known && rtc.media(self.mid).is_some() {
            let rtx = self.rtx.map(Ssrc::from);
            rtc.direct_api()
                .declare_stream_tx(Ssrc::from(self.ssrc), rtx, self.mid, None);
        }
    }

    pub(super) fn take_back(&self, rtc: &mut Rtc) {
        if self.known {
            rtc.direct_api().remove_stream_tx(Ssrc::from(self.ssrc));
        }
    }

    /// Whether no packet went out under this number.
    pub(super) fn take(&mut self, sequence: u64) -> bool {
        self.highest = self.highest.max(sequence);
        self.known && self.used.take(sequence)
    }

    /// The whole number of one that the peer named.
    pub(super) fn extend(&self, number: u16) -> u64 {
        extend(self.highest, number)
    }

    /// How a packet of this payload type is repaired: SSRC and payload type.
    pub(super) fn repair_by(&self, payload_type: u8) -> Option<(u32, u8)> {
        let (_, by) = self.repaired_by.iter().find(|(of, _)| *of == payload_type)?;
        Some((self.rtx?, *by))
    }

    pub(super) fn any_repair(&self) -> Option<(u32, u8)> {
        let (_, by) = self.repaired_by.first()?;
        Some((self.rtx?, *by))
    }

    pub(super) fn next_repair(&mut self) -> u64 {
        let number = FIRST_REPAIR + self.repairs;
        self.repairs += 1;
        number
    }

    /// Bytes of a packet beside its payload, about.
    pub(super) fn overhead(&self) -> usize {
        // Header, extensions, tag.
        12 + 16 + 16
    }

    /// A packet went out. Gives whether it is the first.
    pub(super) fn count(&mut self, numbered: &Numbered, media: &Media<'_>) -> bool {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self
            .octets
            .wrapping_add(u32::try_from(media.payload.len()).unwrap_or_default());
        self.has_news = true;
        let is_newer =
            |(before, _): (u32, Instant)| numbered.timestamp.wrapping_sub(before).cast_signed() > 0;
        let is_first = self.newest.is_none();
        if self.newest.is_none_or(is_newer) {
            self.newest = Some((numbered.timestamp, media.at));
        }
        is_first
    }

    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// What a report says of it, if something was sent since the last one.
    pub(super) fn report(&mut self, now: Instant) -> Option<report::Stream> {
        let (timestamp, at) = self.newest.filter(|_| self.has_news)?;
        self.has_news = false;
        let clock = if self.kind.is_audio() {
            VOICE_CLOCK
        } else {
            PICTURE_CLOCK
        };
        let passed = now.saturating_duration_since(at).as_micros() * u128::from(clock) / 1_000_000;
        Some(report::Stream {
            ssrc: self.ssrc,
            timestamp: timestamp.wrapping_add(passed as u32),
            packets: self.packets,
            octets: self.octets,
        })
    }
}
