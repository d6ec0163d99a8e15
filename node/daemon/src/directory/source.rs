//! What the Directory is told, read from this node's copy of the state.

use super::Known;
use crate::server::Server;
use async_trait::async_trait;
use futures::StreamExt as _;
use plenary_access::{DirectoryLink, Presence as Does};
use plenary_directory_client::{Changes, Place, Presence, Snapshot, Source, SourceError};
use plenary_identity::{IdentityError, SignedRevocations};
use plenary_model::Revision;
use plenary_people::{Kind, Share};
use plenary_rest_api::backend::ReadError;
use plenary_store::{
    QueryError,
    queries::{self, DirectoryPlace},
};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// Rows that are read at once for a snapshot.
const PART: u32 = 500;

/// The store of this node as a source.
pub(super) struct Told {
    server: Arc<Server>,
    known: watch::Receiver<Known>,
    /// Counts what became known.
    count: watch::Receiver<u64>,
    /// Since then this node leads.
    term: u64,
    store: [u8; 16],
    leaves: bool,
    /// The newest list of revocations, by its version: no two signatures of a list are the same.
    signed: Mutex<Option<(u64, SignedRevocations)>>,
}

impl Told {
    /// While this node leads with this term.
    pub(super) fn new(
        server: Arc<Server>,
        known: watch::Receiver<Known>,
        link: &DirectoryLink,
        term: u64,
    ) -> Self {
        let (counter, count) = watch::channel(0);
        let mut seen = known.clone();
        let mut revoked = server.identity.revocations().subscribe();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    changed = seen.changed() => if changed.is_err() { return },
                    changed = revoked.changed() => if changed.is_err() { return },
                    () = counter.closed() => return,
                }
                counter.send_modify(|count| *count += 1);
            }
        });
        Self {
            server,
            known,
            count,
            term,
            store: link.store(),
            leaves: !link.is_on(),
            signed: Mutex::default(),
        }
    }
}

/// What a feed tells as long as nothing is known that it could: no store has this incarnation.
const NOWHERE: Place = Place {
    incarnation: [0; 16],
    tells_from: 0,
    position: 0,
};

/// Where the store is for the Directory, if it still tells what the hello named.
fn place_of(db: &Connection, incarnation_told: [u8; 16]) -> Result<Option<DirectoryPlace>, QueryError> {
    let place = queries::directory_place(db)?;
    Ok(place.filter(|place| incarnation(place) == incarnation_told))
}

fn failed(error: ReadError) -> SourceError {
    SourceError::Failed(error.to_string())
}

/// Names what is told: with another share, or other fields that people see of each other, all is told anew.
fn incarnation(place: &DirectoryPlace) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(place.link.incarnation);
    for part in [
        serde_json::to_vec(&place.link.share),
        serde_json::to_vec(&place.visible),
    ] {
        let part = part.unwrap_or_default();
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    first
}

#[async_trait]
impl Source for Told {
    fn place(&self) -> Place {
        match &self.known.borrow().place {
            Some(place) if place.link.is_on() != self.leaves => Place {
                incarnation: incarnation(place),
                tells_from: place.link.tells_from.0,
                position: place.position.0,
            },
            // The feed ends in a moment.
            _ => NOWHERE,
        }
    }

    fn store(&self) -> [u8; 16] {
        self.store
    }

    fn leaves(&self) -> bool {
        self.leaves
    }

    fn share(&self) -> Share {
        let known = self.known.borrow();
        let link = known.place.as_ref().map(|place| &place.link);
        link.filter(|link| link.is_on())
            .map_or_else(Share::nothing, |link| link.share.told())
    }

    async fn changes(&self, incarnation: [u8; 16], from: u64, most: usize) -> Result<Changes, SourceError> {
        let server = self.server.facts.server.clone();
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let read = self.server.query(move |db| match place_of(db, incarnation)? {
            Some(place) if from >= place.link.tells_from.0 => {
                queries::directory_changes(db, &server, Revision(from), most).map(Some)
            }
            _ => Ok(None),
        });
        let (to, changes) = read.await.map_err(failed)?.ok_or(SourceError::Gone)?;
        Ok(Changes { to: to.0, changes })
    }

    async fn snapshot(&self, incarnation: [u8; 16]) -> Result<Snapshot, SourceError> {
        let place = self.server.query(move |db| place_of(db, incarnation)).await;
        let place = place.map_err(failed)?.ok_or(SourceError::Gone)?;
        let server = self.server.clone();
        // What changes while it is read is told once more afterwards.
        let start = Some((Kind::User, String::new()));
        let parts = futures::stream::unfold(start, move |at| {
            let server = server.clone();
            async move {
                let (kind, after) = at?;
                let name = server.facts.server.clone();
                let read = server.query(move |db| match place_of(db, incarnation)? {
                    Some(_) => queries::directory_entries(db, &name, kind, &after, PART).map(Some),
                    None => Ok(None),
                });
                match read.await {
                    Ok(None) => Some((Err(SourceError::Gone), None)),
                    Ok(Some((entries, last))) => {
                        let next = match last {
                            Some(last) => Some((kind, last)),
                            None => following(kind).map(|kind| (kind, String::new())),
                        };
                        Some((Ok(entries), next))
                    }
                    Err(error) => Some((Err(failed(error)), None)),
                }
            }
        });
        Ok(Snapshot {
            position: place.position.0,
            digest: None,
            parts: parts.boxed(),
        })
    }

    fn presence(&self) -> BTreeMap<String, Presence> {
        let known = self.known.borrow();
        let presence = known.presence.iter();
        presence
            .map(|(user, does)| (user.to_string(), presence_to(*does)))
            .collect()
    }

    fn term(&self) -> u64 {
        self.term
    }

    fn revocations(&self) -> Option<SignedRevocations> {
        let identity = &self.server.identity;
        let list = identity.revocations().list(identity.ca().scope())?;
        let mut kept = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, signed)) = kept.as_ref()
            && *version == list.version
        {
            return Some(signed.clone());
        }
        let signed = identity.sign_revocations(&list);
        let unsigned =
            |error: &IdentityError| tracing::warn!(%error, "the Directory is not told of removed nodes");
        let signed = signed.inspect_err(unsigned).ok()?;
        *kept = Some((list.version, signed.clone()));
        Some(signed)
    }

    fn watch(&self) -> watch::Receiver<u64> {
        self.count.clone()
    }
}

fn following(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::User => Some(Kind::Group),
        Kind::Group => Some(Kind::Conference),
        Kind::Room | Kind::Conference => None,
    }
}

fn presence_to(does: Does) -> Presence {
    match does {
        Does::Disabled | Does::Offline => Presence::Offline,
        Does::Online => Presence::Online,
        Does::InConference => Presence::InConference,
        Does::Owner => Presence::Owner,
        Does::InCall => Presence::InCall,
    }
}

/// `None` where it is not known.
pub(super) fn presence_from(presence: Presence) -> Option<Does> {
    match presence {
        Presence::Unknown => None,
        Presence::Offline => Some(Does::Offline),
        Presence::Online => Some(Does::Online),
        Presence::InConference => Some(Does::InConference),
        Presence::Owner => Some(Does::Owner),
        Presence::InCall => Some(Does::InCall),
    }
}
