//! The feed: what the leader tells the Directory, and what follows from what the Directory has.

use super::{Known, LOOK_EVERY, lock, renew, source::Told, tell};
use crate::server::Server;
use plenary_access::{Change, DIRECTORY_KEPT_LEVEL, DirectoryLink};
use plenary_directory_client::{Code, Credentials, Feed, FeedOptions, Standing};
use plenary_identity::JoinSecret;
use plenary_model::Revision;
use plenary_rest_api::backend::Backend as _;
use plenary_store::queries;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// A new leader that is behind is asked again.
const FRESH_AGAIN: Duration = Duration::from_millis(500);
/// Changes that the Directory has are forgotten so often, where there are more than these.
const CUT_EVERY: Duration = Duration::from_secs(60);
const KEPT_CHANGES: u64 = 10_000;

/// What another feed is needed for. One that was opened for a server that stays says nothing of one that leaves, and one of
/// another leadership nothing of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FeedOf {
    client_id: String,
    addresses: Vec<String>,
    is_on: bool,
    term: u64,
}

/// The feed that is wanted now, with the server's word of the Directory.
fn wanted(server: &Server, seen: &mut watch::Receiver<Known>) -> Option<(FeedOf, DirectoryLink)> {
    let link = seen
        .borrow_and_update()
        .place
        .as_ref()
        .map(|place| place.link.clone())?;
    let of = FeedOf {
        client_id: link.client_id.clone(),
        addresses: link.addresses.clone(),
        is_on: link.is_on(),
        term: server.leading()?,
    };
    Some((of, link))
}

/// Tells the Directory while this node leads.
pub(super) async fn keep_feed(server: Arc<Server>, known: Arc<watch::Sender<Known>>) {
    let mut seen = known.subscribe();
    let mut feed: Option<(FeedOf, Feed)> = None;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut cut_at = Instant::now();
    loop {
        let now = wanted(&server, &mut seen);
        if feed.as_ref().map(|(of, _)| of) != now.as_ref().map(|(of, _)| of) {
            *lock(&server.directory.standing) = None;
            feed = None;
            if let Some((of, link)) = now {
                // The new leader may be behind what the old one told, and has read no presence before it led.
                if server.fresh().await.is_err() || renew(&server, &known, true, true).await.is_err() {
                    tokio::time::sleep(FRESH_AGAIN).await;
                    continue;
                }
                if wanted(&server, &mut seen).is_none_or(|(newer, _)| newer != of) {
                    continue;
                }
                let opened = open(&server, &known, &link, of.term);
                *lock(&server.directory.standing) = Some(opened.standing());
                feed = Some((of, opened));
            }
        } else if let (Some((_, feed)), Some((_, link))) = (&feed, now) {
            let standing = feed.standing().borrow().clone();
            if !link.is_on() && has_left(&standing, &link) {
                let client_id = link.client_id;
                tell(&server, Change::DirectoryLeft { client_id }).await;
            } else if cut_at.elapsed() >= CUT_EVERY {
                cut_at = Instant::now();
                cut(&server, &seen, standing.durable).await;
            }
        }
        tokio::select! {
            changed = seen.changed() => if changed.is_err() { return },
            _ = look.tick() => {}
        }
    }
}

fn open(server: &Arc<Server>, known: &Arc<watch::Sender<Known>>, link: &DirectoryLink, term: u64) -> Feed {
    let options = FeedOptions::new(None, link.addresses.clone());
    let source = Told::new(server.clone(), known.subscribe(), link, term);
    Feed::open(
        server.identity.clone(),
        credentials(link),
        options,
        Arc::new(source),
    )
}

pub(super) fn credentials(link: &DirectoryLink) -> Credentials {
    Credentials {
        client_id: link.client_id.clone(),
        secret: JoinSecret::from_slice(&link.secret.0).expect("a secret has 32 bytes"),
    }
}

/// Whether the Directory has nobody of this server any more, by the feed that was opened to tell it so.
fn has_left(standing: &Standing, link: &DirectoryLink) -> bool {
    let code = standing.trouble.as_ref().and_then(|trouble| trouble.code);
    let was_told = standing
        .durable
        .is_some_and(|position| position >= link.tells_from.0);
    was_told || matches!(code, Some(Code::KeyUnknown | Code::KeyRevoked))
}

/// Has the server forget which changes there were that the Directory has on its disk, once they are many.
async fn cut(server: &Server, seen: &watch::Receiver<Known>, durable: Option<u64>) {
    let link = seen.borrow().place.as_ref().map(|place| place.link.clone());
    let (Some(link), Some(durable)) = (link, durable) else {
        return;
    };
    if server.replica.status().level < DIRECTORY_KEPT_LEVEL {
        return;
    }
    let to = Revision(durable);
    let kept = server
        .query(move |db| queries::directory_changes_until(db, to))
        .await;
    if kept.is_ok_and(|kept| kept > KEPT_CHANGES) {
        let incarnation = link.incarnation;
        tell(server, Change::CutDirectoryChanges { incarnation, to }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_access::{DirectorySecret, DirectoryStage};
    use plenary_directory_client::Trouble;
    use plenary_model::Timestamp;

    #[test]
    fn a_server_has_left_when_the_directory_has_nothing_of_it_on_disk() {
        let link = DirectoryLink {
            stage: DirectoryStage::Leaving,
            addresses: Vec::new(),
            client_id: String::new(),
            secret: DirectorySecret([1; 32]),
            incarnation: [1; 16],
            tells_from: Revision(10),
            share: Default::default(),
            servers: Default::default(),
            since: Timestamp(0),
            by: None,
            revision: Revision(10),
        };
        let durable = |durable| Standing {
            durable,
            ..Standing::default()
        };
        assert!(!has_left(&durable(None), &link));
        assert!(!has_left(&durable(Some(9)), &link));
        // Also where the Directory ended the feed a moment later.
        assert!(has_left(&durable(Some(10)), &link));
        for (code, left) in [
            (Some(Code::KeyRevoked), true),
            (Some(Code::KeyUnknown), true),
            (Some(Code::Superseded), false),
            (None, false),
        ] {
            let reason = String::new();
            let standing = Standing {
                trouble: Some(Trouble { code, reason }),
                ..Standing::default()
            };
            assert_eq!(has_left(&standing, &link), left, "{code:?}");
        }
    }
}
