//! Programs that watch a meeting and stand in no roster (CONF-08).

use super::ParticipantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who watches by a program, told to moderators: all of it each time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingWatchers)]
pub struct Watchers {
    /// How many there are.
    pub count: u64,
    /// Those that came first; at most 200.
    pub programs: Vec<Watcher>,
}

/// A program that watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = MeetingWatcher)]
pub struct Watcher {
    /// What `moderate` names to remove it; nobody of the roster has it.
    pub id: ParticipantId,
    /// Whose it is.
    pub user: String,
    pub name: String,
    /// The node that it is connected to.
    pub node: String,
    /// In milliseconds since 1970.
    pub since: u64,
}
