use plenary_model::{NodeId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// SHA-256 of a session token; the token itself is known to its holder only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenHash(pub [u8; 32]);

/// One sign-in on one device (AUTH-01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Public name of the session, random; not the token.
    pub id: String,
    pub user: UserName,
    pub device: Device,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// The node that the device's signalling connection is on right now.
    pub online_on: Option<NodeId>,
}

/// What a client told about itself when it signed in; shown to its user.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Browser or application, at most 512 characters.
    pub user_agent: String,
    pub address: String,
    /// A name the user may give.
    pub label: String,
}
