//! A track of a participant: a microphone, a camera or content with all its layers.

use super::stream::Stream;
use plenary_media::{Kind, Source, StreamId, allocation::Layer};
use plenary_model::NodeId;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A simulcast layer of which nothing came for so long is none: its publisher was told to pause it, or has not the
/// bandwidth.
const LIVE_FOR: Duration = Duration::from_millis(1_500);
/// The heights of layers that do not tell theirs, where there are several; each is twice the one before.
const LOWEST: u16 = 180;
/// The height of a picture without layers that does not tell it.
const ONLY: u16 = 720;

/// Where who sends it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// The session that publishes it.
    Here(usize),
    Node(NodeId),
}

pub(super) struct Track {
    pub(super) source: Source,
    pub(super) home: Home,
    /// Tracks that came later have a higher number.
    pub(super) born: u64,
    /// How many layers it was negotiated with.
    negotiated: usize,
    /// By layer.
    pub(super) streams: BTreeMap<u8, StreamId>,
    /// Those of which something comes, as the allocation sees them.
    pub(super) layers: Vec<Layer>,
    /// The heights that the rules know.
    pub(super) heights: Vec<u16>,
    /// Slots that it fills.
    pub(super) slots: usize,
}

impl Track {
    pub(super) fn new(source: Source, home: Home, born: u64, negotiated: usize) -> Self {
        Self {
            source,
            home,
            born,
            negotiated: negotiated.max(1),
            streams: BTreeMap::new(),
            layers: Vec::new(),
            heights: Vec::new(),
            slots: 0,
        }
    }

    /// There is such a layer. Of another node's track, the higher ones may come to light later.
    pub(super) fn handle_layer(&mut self, layer: u8) {
        self.negotiated = self.negotiated.max(usize::from(layer) + 1);
    }

    /// Looks at which layers there are now. Gives whether the rules must hear of other heights.
    pub(super) fn look(&mut self, streams: &BTreeMap<StreamId, Stream>, now: Instant) -> bool {
        let of = |id: &StreamId| streams.get(id);
        let known = self
            .streams
            .iter()
            .find_map(|(layer, id)| Some((*layer, of(id)?.height?)));
        let heights: Vec<u16> = (0..self.negotiated)
            .map(|layer| self.guess(layer, known))
            .collect();
        let beyond = self.streams.iter();
        let beyond = beyond.filter(|(_, id)| of(id).is_some_and(Stream::is_beyond));
        let beyond = beyond.map(|(layer, _)| usize::from(*layer)).min();
        // What may not flow is not asked for.
        let heights = match beyond {
            Some(layer) => heights.into_iter().take(layer.max(1)).collect(),
            None => heights,
        };
        let alone = self.streams.len() == 1;
        self.layers = self
            .streams
            .iter()
            .filter_map(|(layer, id)| {
                let stream = of(id)?;
                let live = alone || now.duration_since(stream.last) < LIVE_FOR;
                let height = stream.height.or(heights.get(usize::from(*layer)).copied());
                (live && !stream.is_beyond())
                    .then(|| Layer::new(*layer, height.unwrap_or(ONLY), 30, &[stream.rate.kbps()]))
            })
            .collect();
        std::mem::replace(&mut self.heights, heights) != self.heights
    }

    /// Whether a layer that does not tell its size is larger than it may be, by what is usual.
    pub(super) fn is_high(&self, layer: u8, stream: &Stream) -> bool {
        let guessed = self.guess(usize::from(layer), None);
        self.negotiated > 1 && stream.most > 0 && stream.height.is_none() && guessed > stream.most
    }

    /// A browser's layers halve from one to the next.
    fn guess(&self, layer: usize, known: Option<(u8, u16)>) -> u16 {
        match known {
            Some((at, height)) if usize::from(at) <= layer => height << (layer - usize::from(at)).min(4),
            Some((at, height)) => height >> (usize::from(at) - layer).min(15),
            None if self.negotiated == 1 => ONLY,
            None => LOWEST << layer.min(4),
        }
    }
}

/// What the n-th sound or picture of a session is that does not say it.
pub(super) fn usual(sound: bool, nth: usize) -> Option<Kind> {
    match (sound, nth) {
        (true, 0) => Some(Kind::Audio),
        (true, 1) => Some(Kind::ContentAudio),
        (false, 0) => Some(Kind::Video),
        (false, 1) => Some(Kind::Content),
        _ => None,
    }
}
