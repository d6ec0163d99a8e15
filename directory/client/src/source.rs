//! What a server has to tell.

use crate::Presence;
use plenary_identity::SignedRevocations;
use plenary_people::{Change, Digest, Entry, Share};
use std::{collections::BTreeMap, pin::Pin};
use tokio::sync::watch;
use tokio_stream::Stream;

/// Where the store of a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// New whenever the store was made or restored: positions of another one mean nothing.
    pub incarnation: [u8; 16],
    /// Changes after this position can be told.
    pub tells_from: u64,
    /// The newest position.
    pub position: u64,
}

/// Changes that follow a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// They are all that there is up to here.
    pub to: u64,
    /// The oldest first. None: nothing of what happened concerns the Directory.
    pub changes: Vec<Change>,
}

/// All entries as of one position, in parts of any size.
pub struct Snapshot {
    pub position: u64,
    /// Of all entries; `None`: the feed computes it.
    pub digest: Option<Digest>,
    pub parts: Pin<Box<dyn Stream<Item = Result<Vec<Entry>, SourceError>> + Send>>,
}

/// Why a source could not tell something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The store is of another incarnation than was asked for, or does not know any more what came after that position:
    /// another feed begins with what it is now.
    #[error("the log does not reach back that far, or something else is told now")]
    Gone,
    #[error("{0}")]
    Failed(String),
}

/// The store of a server, on the node that leads. Entries are those of this server only.
#[async_trait::async_trait]
pub trait Source: Send + Sync + 'static {
    fn place(&self) -> Place;

    /// Names the store which counts the terms. Unlike the incarnation it is the same whatever is told of the store, so that a
    /// leader that was replaced is known by its term also where it does not know yet what is told now.
    fn store(&self) -> [u8; 16] {
        self.place().incarnation
    }

    /// The server leaves: what it tells is nothing, and then its key is of no use any more.
    fn leaves(&self) -> bool {
        false
    }

    fn share(&self) -> Share;

    /// What came after `from`: `most` changes or a few more, where one position has several. [`SourceError::Gone`] where the
    /// store, as it is when this is read, is of another incarnation: what a feed tells is of the one that its hello named.
    async fn changes(&self, incarnation: [u8; 16], from: u64, most: usize) -> Result<Changes, SourceError>;

    /// The same for everything; the parts end with [`SourceError::Gone`], too.
    async fn snapshot(&self, incarnation: [u8; 16]) -> Result<Snapshot, SourceError>;

    /// What people do at this moment, by user name; whoever is missing is offline.
    fn presence(&self) -> BTreeMap<String, Presence>;

    /// That of the leadership of this node; each leader of a server's store has a higher one than all before it. The
    /// Directory hears nobody whose term is older than one that it heard, so that a leader that was replaced and does not know
    /// it yet cannot take the feed back. 0: it is not known, which is older than all others.
    fn term(&self) -> u64 {
        0
    }

    /// Certificates of this server that count no more, as the server signed them: the Directory hears of them only here.
    fn revocations(&self) -> Option<SignedRevocations> {
        None
    }

    /// Its value changes when the place, the share, presence, the term or revocations may have changed.
    fn watch(&self) -> watch::Receiver<u64>;
}
