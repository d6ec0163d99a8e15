/// One RTP stream of a publisher: a microphone, or one simulcast layer of a camera or of content. A stream that starts
/// anew with other sequence numbers is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// One participant of one room, as long as they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(pub u64);

/// Kilobits in a second, headers of RTP and below not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Kbps(pub u32);
