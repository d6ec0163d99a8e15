//! What two nodes tell each other about streams, over the reliable part of a link.

use crate::wire::{StreamId, VARINT_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The longest name of a room, in bytes: the key of a conference and the domain of its server.
pub(crate) const ROOM_BYTES: usize = 384;
/// The most layers of one track.
pub(crate) const LAYERS: usize = 16;
/// The longest description of a format, in bytes.
pub(crate) const FORMAT_BYTES: usize = 256;
/// The most voices in one message; it must fit into a datagram.
pub(crate) const LEVELS: usize = 16;

/// A room: those of one room see and hear each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Room(pub String);

/// One participant of a room, wherever in the server they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Participant(pub u64);

/// What a track carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    Audio,
    /// A camera.
    Video,
    /// A screen, a window or a document.
    Content,
    /// The sound of that.
    ContentAudio,
}

impl TrackKind {
    /// Whether there is nothing to see.
    pub fn is_sound(self) -> bool {
        matches!(self, Self::Audio | Self::ContentAudio)
    }
}

/// What somebody sends into a room.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Track {
    pub room: Room,
    pub participant: Participant,
    pub kind: TrackKind,
}

/// One of the streams that a track consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    pub stream: StreamId,
    /// Spatial index, 0 for the smallest.
    pub layer: u8,
    /// What its payload is, as in SDP: `opus/48000/2`, `H264/90000;profile-level-id=42e01f`.
    pub format: String,
    /// Pixels; 0 for audio.
    pub height: u16,
    pub kbps: u32,
}

/// Which layers of a track are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layers {
    /// One: the highest that is not above this, else the lowest.
    Highest(u8),
    /// All of these that there are.
    Exact(BTreeSet<u8>),
}

impl Layers {
    /// The highest layer that this means, whether there is one already or not.
    pub fn highest(&self) -> Option<u8> {
        match self {
            Self::Highest(highest) => Some(*highest),
            Self::Exact(wanted) => wanted.last().copied(),
        }
    }

    /// The streams that this means, of a track's layers.
    pub fn pick(&self, layers: &[Layer]) -> BTreeSet<StreamId> {
        match self {
            Self::Highest(highest) => {
                let fitting = layers.iter().filter(|layer| layer.layer <= *highest);
                let lowest = || layers.iter().min_by_key(|layer| layer.layer);
                let one = fitting.max_by_key(|layer| layer.layer).or_else(lowest);
                one.map(|layer| layer.stream).into_iter().collect()
            }
            Self::Exact(wanted) => {
                let wanted = layers.iter().filter(|layer| wanted.contains(&layer.layer));
                wanted.map(|layer| layer.stream).collect()
            }
        }
    }
}

/// How loud somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    pub participant: Participant,
    /// −dBov, 0 (loudest) to 127 (RFC 6464).
    pub level: u8,
    pub voice: bool,
}

/// What a node received over the link, counted since the connection is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    pub packets: u64,
    pub lost: u64,
    pub repaired: u64,
}

/// A message. All of it is soft state: a new connection begins without any, and both sides say it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The sender has people in that room.
    Interest {
        room: Room,
    },
    /// Nobody there any more: what was announced and subscribed in that room, both ways, is over.
    NoInterest {
        room: Room,
    },
    /// Between nodes of one server: the sender has a link to the server whose room this is, or no more. Counts as long
    /// as the sender has people in that room.
    Way {
        room: Room,
        open: bool,
    },
    /// Between nodes of one server: the sender speaks about that room with the server whose it is, or no more.
    Uplink {
        room: Room,
        open: bool,
    },
    /// A track whose participant is homed at the sender, or that it passes on, or its layers changed.
    Publish {
        track: Track,
        layers: Vec<Layer>,
    },
    Unpublish {
        track: Track,
    },
    /// The sender wants a track of the receiver; replaces what it wanted of it before.
    Subscribe {
        track: Track,
        layers: Layers,
    },
    Unsubscribe {
        track: Track,
    },
    /// Somebody behind the sender can show this stream only from a key frame on.
    KeyFrame {
        stream: StreamId,
    },
    /// The loudest of those homed at the sender, about ten times a second. Not repeated when lost: the one with the
    /// highest `tick` counts.
    Levels {
        room: Room,
        tick: u64,
        levels: Vec<Level>,
    },
    /// About once a second.
    Stats(Stats),
}

/// A message that is in order by its form, and says something impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is out of range")]
pub struct BadControl {
    what: &'static str,
}

impl Control {
    /// Whether lengths and numbers are within bounds. To be asked of what came from another node, and of what goes
    /// there.
    ///
    /// # Errors
    /// What is not.
    pub fn check(&self) -> Result<(), BadControl> {
        match self {
            Self::Interest { room }
            | Self::NoInterest { room }
            | Self::Way { room, .. }
            | Self::Uplink { room, .. } => check_room(room),
            Self::Publish { track, layers } => {
                check_room(&track.room)?;
                check((1..=LAYERS).contains(&layers.len()), "the number of layers")?;
                let indices: BTreeSet<u8> = layers.iter().map(|layer| layer.layer).collect();
                check(indices.len() == layers.len(), "a layer's index")?;
                layers.iter().try_for_each(|layer| {
                    check_stream(layer.stream)?;
                    check(layer.format.len() <= FORMAT_BYTES, "a format")
                })
            }
            Self::Subscribe { track, layers } => {
                check_room(&track.room)?;
                let few = !matches!(layers, Layers::Exact(layers) if layers.len() > LAYERS);
                check(few, "the number of layers")
            }
            Self::Unpublish { track } | Self::Unsubscribe { track } => check_room(&track.room),
            Self::KeyFrame { stream } => check_stream(*stream),
            Self::Levels { room, levels, .. } => {
                check_room(room)?;
                check(levels.len() <= LEVELS, "the number of levels")?;
                check(levels.iter().all(|level| level.level <= 127), "a level")
            }
            Self::Stats(_) => Ok(()),
        }
    }

    /// The room that it is about, if it is about one: its name is another one at the other end of some links.
    pub fn room_mut(&mut self) -> Option<&mut Room> {
        match self {
            Self::Interest { room }
            | Self::NoInterest { room }
            | Self::Way { room, .. }
            | Self::Uplink { room, .. }
            | Self::Levels { room, .. } => Some(room),
            Self::Publish { track, .. }
            | Self::Unpublish { track }
            | Self::Subscribe { track, .. }
            | Self::Unsubscribe { track } => Some(&mut track.room),
            Self::KeyFrame { .. } | Self::Stats(_) => None,
        }
    }

    /// Whether only the newest counts, so that it travels as a datagram.
    pub fn is_fleeting(&self) -> bool {
        matches!(self, Self::Levels { .. } | Self::Stats(_))
    }
}

fn check(good: bool, what: &'static str) -> Result<(), BadControl> {
    if good { Ok(()) } else { Err(BadControl { what }) }
}

fn check_room(room: &Room) -> Result<(), BadControl> {
    check((1..=ROOM_BYTES).contains(&room.0.len()), "the name of a room")
}

fn check_stream(stream: StreamId) -> Result<(), BadControl> {
    check(stream.0 <= VARINT_MAX, "the number of a stream")
}
