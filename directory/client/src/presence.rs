/// What somebody does at this moment, never where (USR-02). Of several, the one that stands last here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Presence {
    /// Their server is silent, or says nothing of them.
    #[default]
    Unknown,
    Offline,
    /// On a device that is connected.
    Online,
    /// Has a place in a conference.
    InConference,
    /// In one that is their own.
    Owner,
    /// In a call of two, or calling.
    InCall,
}
