//! What happened, for the Directory's administrators.

use plenary_model::ServerName;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// An administrator gave a key of a server.
    KeyAdded {
        server: ServerName,
        client_id: String,
        by: String,
    },
    /// The server proved itself with a key for the first time.
    Connected {
        server: ServerName,
        client_id: String,
    },
    /// Somebody was refused.
    Refused {
        server: ServerName,
        code: String,
    },
    /// All entries came anew.
    Snapshot {
        server: ServerName,
        entries: u64,
    },
    /// What the server shows is another.
    Shared {
        server: ServerName,
    },
    /// It told that nobody of it is to be found any more; its key counts no more.
    ServerLeft {
        server: ServerName,
    },
    ServerRemoved {
        server: ServerName,
        by: String,
    },
    /// Somebody asked so many different questions that they were held up.
    Walked {
        server: ServerName,
        user: String,
    },
}
