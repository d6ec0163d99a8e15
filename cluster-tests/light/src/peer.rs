//! The two peer connections, by the `webrtc` crate.

use crate::{
    media::{self, Tag},
    watch::Watch,
};
use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use plenary_signalling::meeting::{Kind, Line, Peer};
use rtc::{
    interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket},
    media_stream::MediaStreamTrack,
    peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MIME_TYPE_VP8},
    rtcp::payload_feedbacks::{
        full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
    },
    rtp::{
        Header, Packet as Rtp,
        extension::{HeaderExtension, audio_level_extension::AudioLevelExtension},
    },
    rtp_transceiver::{
        RTCRtpTransceiverDirection, RTCRtpTransceiverInit,
        rtp_sender::{
            RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
            RTCRtpEncodingParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
        },
    },
    sansio::Protocol,
    shared::error::Error,
};
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use webrtc::{
    media_stream::{
        track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
        track_remote::{TrackRemote, TrackRemoteEvent},
    },
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler,
        RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder,
        register_default_interceptors,
    },
};

const VOICE_TYPE: u8 = 111;
const PICTURE_TYPE: u8 = 96;
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// Ticks of a second.
const VOICE_CLOCK: u32 = 48_000;
const PICTURE_CLOCK: u32 = 90_000;
/// Between two checks of ICE, as browsers do it; the crate's own is 200 ms.
const CHECKS: Duration = Duration::from_millis(50);
/// Browsers do not give a pair up while its connection is waited for: this is more than that lasts.
const CHECKS_OF_A_PAIR: u16 = 240;
/// Between two checks of a connection that is up. Browsers look more often once they hear nothing, which the crate does not.
const CONSENT: Duration = Duration::from_millis(500);
/// Behind all that the crate brings.
const LAST_SLOT: usize = 14_000;

/// A connection is up, or has failed.
pub(crate) struct Changed {
    pub(crate) connection: Peer,
    pub(crate) generation: u32,
    pub(crate) up: bool,
}

/// Where connections tell, and what they are for.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Own address to send from.
    pub(crate) address: IpAddr,
    /// The only candidates of nodes that are taken; all, if none is named.
    pub(crate) through: Arc<[SocketAddr]>,
    pub(crate) changes: mpsc::UnboundedSender<Changed>,
    pub(crate) watch: Arc<Mutex<Watch>>,
}

/// A connection, its offer and what its lines are for.
pub(crate) struct Connection {
    peer: Arc<dyn PeerConnection>,
    through: Arc<[SocketAddr]>,
    pub(crate) generation: u32,
    pub(crate) offer: String,
    pub(crate) lines: Vec<Line>,
}

/// What is sent on a publishing connection.
pub(crate) struct Outgoing {
    pub(crate) connection: Connection,
    microphone: Track,
    camera: Track,
    /// Somebody asked for a key frame.
    asked: Arc<AtomicBool>,
}

struct Track {
    local: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    sequence: u16,
    payload_type: u8,
}

impl Connection {
    pub(crate) async fn answer(&self, sdp: String) -> anyhow::Result<()> {
        let answer = RTCSessionDescription::answer(if self.through.is_empty() {
            sdp
        } else {
            with_candidates(&sdp, &self.through)
        })?;
        Ok(self.peer.set_remote_description(answer).await?)
    }

    pub(crate) async fn close(self) {
        self.peer.close().await.ok();
    }

    /// Receives so many voices and pictures.
    pub(crate) async fn receive(
        surroundings: &Surroundings,
        generation: u32,
        voices: usize,
        pictures: usize,
    ) -> anyhow::Result<Self> {
        let peer = build(surroundings, Peer::Receive, generation, Arc::default()).await?;
        let mut kinds = Vec::new();
        for (kind, rtp, count) in [
            (Kind::Audio, RtpCodecKind::Audio, voices),
            (Kind::Video, RtpCodecKind::Video, pictures),
        ] {
            for _ in 0..count {
                peer.add_transceiver_from_kind(rtp, Some(init(RTCRtpTransceiverDirection::Recvonly)))
                    .await?;
                kinds.push(kind);
            }
        }
        Self::offered(peer, Arc::clone(&surroundings.through), generation, &kinds).await
    }

    async fn offered(
        peer: Arc<dyn PeerConnection>,
        through: Arc<[SocketAddr]>,
        generation: u32,
        kinds: &[Kind],
    ) -> anyhow::Result<Self> {
        let offer = peer.create_offer(None).await?;
        peer.set_local_description(offer).await?;
        let offer = peer.local_description().await.context("an offer was made")?.sdp;
        let mids = offer.lines().filter_map(|line| line.strip_prefix("a=mid:"));
        let lines = mids.zip(kinds).map(|(mid, kind)| Line {
            mid: mid.to_owned(),
            kind: *kind,
        });
        Ok(Self {
            lines: lines.collect(),
            peer,
            through,
            generation,
            offer,
        })
    }
}

impl Outgoing {
    pub(crate) async fn open(surroundings: &Surroundings, generation: u32, tag: Tag) -> anyhow::Result<Self> {
        let asked = Arc::new(AtomicBool::new(true));
        let peer = build(surroundings, Peer::Publish, generation, Arc::clone(&asked)).await?;
        // Each connection has its own.
        let ssrc = generation << 8 | tag << 1;
        let microphone = Track::new(RtpCodecKind::Audio, ssrc, tag);
        let camera = Track::new(RtpCodecKind::Video, ssrc | 1, tag);
        for track in [&microphone, &camera] {
            let local = Arc::clone(&track.local) as Arc<dyn TrackLocal>;
            peer.add_transceiver_from_track(local, Some(init(RTCRtpTransceiverDirection::Sendonly)))
                .await?;
        }
        Ok(Self {
            connection: Connection::offered(
                peer,
                Arc::clone(&surroundings.through),
                generation,
                &[Kind::Audio, Kind::Video],
            )
            .await?,
            microphone,
            camera,
            asked,
        })
    }

    pub(crate) async fn say(&mut self, tag: Tag, number: u32, level: u8) -> anyhow::Result<()> {
        let level = HeaderExtension::AudioLevel(AudioLevelExtension { level, voice: true });
        let timestamp = number.wrapping_mul(VOICE_CLOCK / 50);
        let packet = self
            .microphone
            .packet(media::sound(tag, number), timestamp, false);
        Ok(self
            .microphone
            .local
            .write_rtp_with_extensions(packet, &[level])
            .await?)
    }

    /// `elapsed`: ticks of 1/1000 s since the first.
    pub(crate) async fn show(&mut self, tag: Tag, number: u32, ms: u32) -> anyhow::Result<()> {
        let key_frame = self.asked.swap(false, Ordering::Relaxed);
        let timestamp = ms.wrapping_mul(PICTURE_CLOCK / 1_000);
        for (part, bytes) in media::picture(tag, number, key_frame).enumerate() {
            let last = part + 1 == usize::from(media::PARTS);
            let packet = self.camera.packet(bytes, timestamp, last);
            self.camera.local.write_rtp(packet).await?;
        }
        Ok(())
    }
}

impl Track {
    fn new(kind: RtpCodecKind, ssrc: u32, tag: Tag) -> Self {
        let codec = codec(kind);
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                ..Default::default()
            },
            codec: codec.rtp_codec,
            ..Default::default()
        };
        let (stream, name) = (format!("stream-{tag}"), format!("track-{tag}-{kind}"));
        let track = MediaStreamTrack::new(stream, name.clone(), name, kind, vec![coding]);
        Self {
            local: Arc::new(TrackLocalStaticRTP::new(track)),
            ssrc,
            sequence: 0,
            payload_type: codec.payload_type,
        }
    }

    fn packet(&mut self, payload: Bytes, timestamp: u32, marker: bool) -> Rtp {
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: 2,
            marker,
            payload_type: self.payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        Rtp { header, payload }
    }
}

/// Without candidates for other addresses (RFC 8839 §5.1).
fn with_candidates(sdp: &str, only: &[SocketAddr]) -> String {
    let wanted: Vec<String> = only
        .iter()
        .map(|address| format!(" {} {} ", address.ip(), address.port()))
        .collect();
    let is_wanted = |line: &str| wanted.iter().any(|wanted| line.contains(wanted));
    let kept = sdp
        .lines()
        .filter(|line| !line.starts_with("a=candidate:") || is_wanted(line));
    kept.flat_map(|line| [line, "\r\n"]).collect()
}

fn init(direction: RTCRtpTransceiverDirection) -> RTCRtpTransceiverInit {
    RTCRtpTransceiverInit {
        direction,
        streams: Vec::new(),
        send_encodings: Vec::new(),
    }
}

fn codec(kind: RtpCodecKind) -> RTCRtpCodecParameters {
    let feedback = |parameter: &str| RTCPFeedback {
        typ: "nack".into(),
        parameter: parameter.into(),
    };
    if kind == RtpCodecKind::Audio {
        return RTCRtpCodecParameters {
            rtp_codec: RTCRtpCodec {
                mime_type: MIME_TYPE_OPUS.into(),
                clock_rate: VOICE_CLOCK,
                channels: 2,
                sdp_fmtp_line: "minptime=10;useinbandfec=1".into(),
                rtcp_feedback: Vec::new(),
            },
            payload_type: VOICE_TYPE,
        };
    }
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_VP8.into(),
            clock_rate: PICTURE_CLOCK,
            channels: 0,
            sdp_fmtp_line: String::new(),
            rtcp_feedback: vec![feedback(""), feedback("pli")],
        },
        payload_type: PICTURE_TYPE,
    }
}

async fn build(
    surroundings: &Surroundings,
    connection: Peer,
    generation: u32,
    asked: Arc<AtomicBool>,
) -> anyhow::Result<Arc<dyn PeerConnection>> {
    let mut engine = MediaEngine::default();
    engine.register_codec(codec(RtpCodecKind::Audio), RtpCodecKind::Audio)?;
    engine.register_codec(codec(RtpCodecKind::Video), RtpCodecKind::Video)?;
    let uri = AUDIO_LEVEL.to_owned();
    engine.register_header_extension(RTCRtpHeaderExtensionCapability { uri }, RtpCodecKind::Audio, None)?;
    let registry = register_default_interceptors(Registry::new(), &mut engine)?;
    let registry = registry.with(Slot::from(LAST_SLOT), KeyFrameRequests::new(asked));
    let settings = SettingEngineBuilder::new()
        .with_ice_connection_attempts(Some(CHECKS), Some(CHECKS_OF_A_PAIR))
        .with_ice_timeouts(None, None, Some(CONSENT))
        .build();
    let peer = PeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .with_handler(Arc::new(Handler {
            connection,
            generation,
            surroundings: surroundings.clone(),
        }))
        .with_udp_addrs(vec![(surroundings.address, 0)])
        .build()
        .await?;
    Ok(Arc::new(peer))
}

struct Handler {
    connection: Peer,
    generation: u32,
    surroundings: Surroundings,
}

#[async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let up = match state {
            RTCPeerConnectionState::Connected => true,
            RTCPeerConnectionState::Failed => false,
            _ => return,
        };
        let changed = Changed {
            connection: self.connection,
            generation: self.generation,
            up,
        };
        // Whoever listened is gone, and with it this connection soon.
        self.surroundings.changes.send(changed).ok();
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let watch = Arc::clone(&self.surroundings.watch);
        tokio::spawn(async move {
            let read = match track.kind().await {
                RtpCodecKind::Audio => media::read_sound,
                _ => media::read_picture,
            };
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(Rtp { header, payload }) = event {
                    // Padding alone, by which a node probes.
                    if payload.is_empty() {
                        continue;
                    }
                    let packet = read(&payload);
                    let asks = watch.lock().unwrap_or_else(PoisonError::into_inner).handle(
                        header.ssrc,
                        header.sequence_number,
                        packet,
                        Instant::now(),
                    );
                    if asks {
                        let request = PictureLossIndication {
                            sender_ssrc: 0,
                            media_ssrc: header.ssrc,
                        };
                        // The connection may be closed by now.
                        track.write_rtcp(vec![Box::new(request)]).await.ok();
                    }
                }
            }
        });
    }
}

/// Notes that the node asked for a key frame.
struct KeyFrameRequests {
    asked: Arc<AtomicBool>,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl KeyFrameRequests {
    fn new(asked: Arc<AtomicBool>) -> Self {
        Self {
            asked,
            inward: VecDeque::new(),
            outward: VecDeque::new(),
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyFrameRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        if let Packet::Rtcp(packets) = &message.message.packet {
            let asks = packets
                .iter()
                .map(|packet| packet.as_any())
                .any(|packet| packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>());
            if asks {
                self.asked.store(true, Ordering::Relaxed);
            }
        }
        self.inward.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<Self::Rout> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Self::Error> {
        self.outward.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<Self::Wout> {
        self.outward.pop_front()
    }
}

impl Interceptor for KeyFrameRequests {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
