//! What a forwarder needs to know of a packet's payload, and the few bytes of it that it changes.
//!
//! Bytes come from strangers: nothing here panics on them or allocates for each packet, and what cannot be read is
//! [`Malformed`], so that the packet is dropped and nothing else happens.

mod av1;
mod bits;
mod dependency;
mod fuzz;
mod h264;
mod picture_id;
mod vp8;
mod vp9;

pub use dependency::{Descriptor, Structure, patch_frame_number};
pub use fuzz::fuzz;

/// How a payload is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Any audio: each packet stands alone.
    Opus,
    Vp8,
    Vp9,
    H264,
    Av1,
}

/// The payload or header extension is not what its format says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payload is cut short or contradicts its format")]
pub struct Malformed;

/// A set of layers, each a spatial index (0 to 7) with a temporal one (0 to 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerSet(u64);

impl LayerSet {
    /// Whether the set has this layer. One that cannot exist is in no set.
    pub fn contains(self, spatial: u8, temporal: u8) -> bool {
        spatial < 8 && temporal < 8 && self.0 >> (spatial * 8 + temporal) & 1 == 1
    }

    fn insert(&mut self, spatial: u8, temporal: u8) {
        if spatial < 8 && temporal < 8 {
            self.0 |= 1 << (spatial * 8 + temporal);
        }
    }
}

/// What one packet is to a forwarder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub codec: Codec,
    /// Whether somebody who has nothing of the stream can begin with this very packet. H.264: it brings a sequence
    /// parameter set, because without one the IDR picture is of no use. Audio: always.
    pub key_frame: bool,
    /// Whether a frame begins here; with spatial layers, each layer of a picture is a frame. H.264 has no field for
    /// it, so parameter sets and slices of the first macroblock count.
    pub starts_frame: bool,
    /// Whether the frame is known to end here. VP8 and H.264 tell it by the marker of RTP only.
    pub ends_frame: bool,
    /// 0 to 7.
    pub temporal: Option<u8>,
    /// 0 to 7, where one stream carries several.
    pub spatial: Option<u8>,
    /// 7 or 15 bits, of VP8 and VP9.
    pub picture_id: Option<u16>,
    pub tl0_pic_idx: Option<u8>,
    /// Of the dependency descriptor.
    pub frame_number: Option<u16>,
    /// Whether who has the next lower temporal layer can take up this frame's (Y of VP8, U of VP9).
    pub switch_up: bool,
    /// Whether who has the next lower spatial layer of this picture can take up this frame's (VP9 without P).
    pub switch_up_spatial: bool,
    /// Layers that can be taken up from here by who can decode this frame (switch indications of AV1).
    pub opens: LayerSet,
}

impl Summary {
    /// A packet that says nothing of itself.
    fn plain(codec: Codec) -> Self {
        Self {
            codec,
            key_frame: false,
            starts_frame: false,
            ends_frame: false,
            temporal: None,
            spatial: None,
            picture_id: None,
            tl0_pic_idx: None,
            frame_number: None,
            switch_up: false,
            switch_up_spatial: false,
            opens: LayerSet::default(),
        }
    }

    /// A packet of audio: a beginning in itself.
    pub fn audio() -> Self {
        Self {
            key_frame: true,
            starts_frame: true,
            ends_frame: true,
            ..Self::plain(Codec::Opus)
        }
    }
}

/// Puts a picture id and TL0PICIDX in the place of those that a payload of VP8 or VP9 has. One that it does not have is
/// not put in, so the length stays; in a field of 7 bits only the low 7 are kept. Other codecs have neither.
pub fn patch(
    codec: Codec,
    payload: &mut [u8],
    picture_id: Option<u16>,
    tl0_pic_idx: Option<u8>,
) -> Result<(), Malformed> {
    match codec {
        Codec::Vp8 => vp8::patch(payload, picture_id, tl0_pic_idx),
        Codec::Vp9 => vp9::patch(payload, picture_id, tl0_pic_idx),
        Codec::Opus | Codec::H264 | Codec::Av1 => Ok(()),
    }
}

/// Reads the packets of one incoming stream.
///
/// It keeps what later packets refer to: the last dependency structure of AV1, about 1.2 KB, from the first one on.
#[derive(Debug)]
pub struct Reader {
    codec: Codec,
    structure: Option<Box<Structure>>,
}

impl Reader {
    pub fn new(codec: Codec) -> Self {
        Self {
            codec,
            structure: None,
        }
    }

    /// The last dependency structure of AV1, which says how large the layers are.
    pub fn structure(&self) -> Option<&Structure> {
        self.structure.as_deref()
    }

    /// How wide and high the picture is whose key frame begins with this packet, in pixels, where it stands in it in the clear:
    /// VP8, and VP9 with a scalability structure.
    pub fn picture_size(&self, payload: &[u8]) -> Option<(u16, u16)> {
        match self.codec {
            Codec::Vp8 => vp8::size(payload),
            Codec::Vp9 => vp9::size(payload),
            _ => None,
        }
    }

    /// Reads a packet. `descriptor` is the dependency descriptor header extension, if the packet has one; it is of
    /// use for AV1 only.
    pub fn read(&mut self, payload: &[u8], descriptor: Option<&[u8]>) -> Result<Summary, Malformed> {
        match (self.codec, descriptor) {
            (Codec::Opus, _) => Ok(Summary::audio()),
            (Codec::Vp8, _) => vp8::read(payload),
            (Codec::Vp9, _) => vp9::read(payload),
            (Codec::H264, _) => h264::read(payload),
            (Codec::Av1, Some(bytes)) => dependency::read(bytes, &mut self.structure),
            (Codec::Av1, None) => av1::read(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_can_begin_anywhere() {
        let summary = Reader::new(Codec::Opus).read(&[], None).unwrap();
        assert!(summary.key_frame && summary.starts_frame);
    }

    #[test]
    fn a_layer_that_cannot_exist_is_in_no_set() {
        let mut set = LayerSet::default();
        set.insert(8, 0);
        set.insert(7, 7);
        assert!(set.contains(7, 7));
        assert!(!set.contains(8, 0) && !set.contains(0, 8) && !set.contains(255, 255));
    }
}
