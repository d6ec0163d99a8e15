/// One RTP stream of a publisher: a microphone, or one simulcast layer of a camera or of content. A stream that
/// starts anew with other sequence numbers is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// One participant of one room, as long as they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(pub u64);

/// Kilobits in a second, headers of RTP and below not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Kbps(pub u32);

/// What a track or a slot carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Audio,
    /// A camera.
    Video,
    /// A screen, a window or a document.
    Content,
    /// The sound of that: who shows it hears it, whoever speaks.
    ContentAudio,
}

impl Kind {
    /// Whether there is nothing to see.
    pub fn is_sound(self) -> bool {
        matches!(self, Self::Audio | Self::ContentAudio)
    }
}

/// One place of a subscriber's receive pool; it is negotiated once and filled by whoever is to be heard or seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    pub kind: Kind,
    /// From 0, counted for each kind.
    pub index: u8,
}

/// A track of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    pub participant: ParticipantId,
    pub kind: Kind,
}
