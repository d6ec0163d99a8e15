//! Live updates: what signalling asks of the server, and presence in the other direction.

use crate::{
    meetings::{self, newcomer, whence},
    options::system,
    server::Server,
};
use async_trait::async_trait;
use plenary_access::{AdminRole, Change, Command, Notice, Presence, Topic as Changed};
use plenary_model::UserName;
use plenary_rest_api::{Network, backend::ReadError, token_hash};
use plenary_signalling_io::{Caller, Client, ClientBody, Hub, Notification, Source, Topic, Unavailable, Who};
use plenary_store::{Changes, queries};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::broadcast::{self, error::TryRecvError};

/// How often presence is compared with what the server was told, beside at once when somebody comes or goes.
const COMPARE_EVERY: Duration = Duration::from_secs(2);
/// Most whose presence is told one by one.
const CROWD: usize = 32;
/// How often it is looked whether nodes came or went without a change of the stored state.
const LOOK_EVERY: Duration = Duration::from_secs(1);

fn unavailable(error: ReadError) -> Unavailable {
    Unavailable(error.into())
}

impl Server {
    async fn who(&self, token: &str, caller: &Caller) -> Result<Option<Who>, ReadError> {
        let (hash, now) = (token_hash(token), self.now_ms());
        let found = self
            .query(move |db| Ok((queries::session(db, &hash, now)?, queries::settings(db)?)))
            .await?;
        let (Some((session, row)), settings) = found else {
            return meetings::guest(self, token).await;
        };
        if !row.user.active {
            return Ok(None);
        }
        let mut networks = settings.admin_access.networks.iter();
        let near = !caller.from_outside
            && networks.any(|text| {
                text.parse::<Network>()
                    .is_ok_and(|network| network.contains(caller.address))
            });
        Ok(Some(Who {
            admin: row.user.admin != AdminRole::None && near,
            user: session.user,
            guest_of: None,
            session: session.id,
        }))
    }
}

#[async_trait]
impl Source for Server {
    async fn authenticate(&self, token: &str, caller: &Caller) -> Result<Option<Who>, Unavailable> {
        if let Some(who) = self.who(token, caller).await.map_err(unavailable)? {
            return Ok(Some(who));
        }
        // The sign-in may have been on another node a moment ago.
        self.replica
            .read_index()
            .await
            .map_err(|error| Unavailable(error.into()))?;
        self.who(token, caller).await.map_err(unavailable)
    }

    async fn still_valid(&self, token: &str, caller: &Caller) -> Result<Option<Who>, Unavailable> {
        self.who(token, caller).await.map_err(unavailable)
    }

    async fn in_address_book(&self, viewer: &UserName, user: &UserName) -> Result<bool, Unavailable> {
        let (viewer, user) = (viewer.clone(), user.clone());
        self.query(move |db| queries::finds(db, &viewer, &user))
            .await
            .map_err(unavailable)
    }

    async fn nodes(&self) -> Vec<String> {
        self.known_urls()
    }

    fn applied(&self) -> u64 {
        self.replica.applied()
    }

    fn request(&self, client: &Client, request: ClientBody) {
        if let Some(meetings) = self.meetings.get() {
            meetings.request(&newcomer(client), request);
        }
    }

    fn moved(&self, client: &Client) {
        if let Some(meetings) = self.meetings.get() {
            meetings.moved(client.run, whence(client));
        }
    }

    fn ended(&self, run: u64) {
        if let Some(meetings) = self.meetings.get() {
            meetings.ended(run);
        }
    }

    fn subscribe(&self) -> broadcast::Receiver<Notification> {
        self.notifications.subscribe()
    }
}

/// The topic that clients watch; `None` for what they are told otherwise.
fn topic(changed: Changed) -> Option<Topic> {
    Some(match changed {
        Changed::Users => Topic::Users,
        Changed::Groups => Topic::Groups,
        Changed::Aliases => Topic::Aliases,
        Changed::Settings => Topic::Settings,
        Changed::Events => Topic::Events,
        Changed::Sessions => Topic::Sessions,
        Changed::Contacts => Topic::Contacts,
        Changed::Cluster => Topic::Cluster,
        Changed::Conferences => Topic::Conferences,
        Changed::Calls => Topic::Calls,
        Changed::Licensing => Topic::Licensing,
        Changed::Meetings | Changed::Presence => return None,
    })
}

/// Turns what was committed into notifications, until the store ends.
pub(crate) async fn notify(server: Arc<Server>, mut changes: broadcast::Receiver<Changes>) {
    loop {
        let change = match changes.recv().await {
            Ok(change) => change,
            // Missed some: everything may have changed.
            Err(broadcast::error::RecvError::Lagged(_)) => Changes {
                index: server.replica.applied(),
                notices: None,
            },
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let index = change.index;
        let Some(notices) = change.notices else {
            if let Some(meetings) = server.meetings.get() {
                meetings.all_changed();
            }
            for topic in Topic::ALL {
                server.tell(Notification::Changed {
                    topic,
                    object: String::new(),
                    index,
                });
            }
            continue;
        };
        let crowd = is_crowd(&notices);
        if crowd {
            tell_crowd(&server, index);
        }
        for notice in notices.iter() {
            if matches!(notice.topic, Changed::Meetings | Changed::Conferences) {
                tell_meetings(&server, &notice.object);
            }
            if let Some(topic) = topic(notice.topic) {
                let object = notice.object.clone();
                server.tell(Notification::Changed { topic, object, index });
            }
            let is_told = match notice.topic {
                Changed::Users => true,
                Changed::Presence => !crowd,
                _ => false,
            };
            if is_told {
                tell_presence(&server, &notice.object).await;
            }
        }
    }
}

/// Whether so many come or go at once that whoever watches them had better look again than be told of each.
fn is_crowd(notices: &[Notice]) -> bool {
    let presences = notices.iter().filter(|notice| notice.topic == Changed::Presence);
    presences.count() > CROWD
}

/// A large meeting has begun or ended.
fn tell_crowd(server: &Server, index: u64) {
    for topic in [Topic::Contacts, Topic::Users] {
        let object = String::new();
        server.tell(Notification::Changed { topic, object, index });
    }
}

/// What changed in a conference is told to those in it.
fn tell_meetings(server: &Server, conference: &str) {
    let Some(meetings) = server.meetings.get() else {
        return;
    };
    match conference.parse() {
        Ok(cid) => meetings.changed(&cid),
        Err(_) => meetings.all_changed(),
    }
}

async fn tell_presence(server: &Server, user: &str) {
    let Ok(user) = user.parse::<UserName>() else {
        return;
    };
    let id = user.clone();
    match server.query(move |db| queries::user(db, &id)).await {
        Ok(row) => {
            let presence = row.map_or(Presence::Offline, |row| row.presence);
            server.tell(Notification::Presence { user, presence });
        }
        Err(error) => tracing::warn!(%error, "presence was not told"),
    }
}

/// Tells when a node came, went or took over leading: the stored state does not change then.
pub(crate) async fn watch_nodes(server: Arc<Server>) {
    let mut before = None;
    let mut status = server.replica.watch_status();
    loop {
        let up: BTreeSet<u64> = {
            let now = status.borrow_and_update();
            let members = now.members.keys().copied();
            members
                .filter(|id| *id == now.node || server.peers.is_up(plenary_model::NodeId(*id)))
                .collect()
        };
        let now = Some((server.replica.status().leader, up));
        if before != now {
            before = now;
            let (topic, index) = (Topic::Cluster, server.replica.applied());
            server.tell(Notification::Changed {
                topic,
                object: String::new(),
                index,
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whose devices have changed since this was asked last; `None`: whoever's.
fn stirred(changes: &mut broadcast::Receiver<Notification>) -> Option<BTreeSet<String>> {
    let mut users = Some(BTreeSet::new());
    loop {
        match changes.try_recv() {
            Ok(Notification::Changed {
                topic: Topic::Sessions,
                object,
                ..
            }) if !object.is_empty() => {
                if let Some(users) = &mut users {
                    users.insert(object);
                }
            }
            Ok(Notification::Changed {
                topic: Topic::Sessions,
                ..
            })
            | Err(TryRecvError::Lagged(_)) => users = None,
            Ok(_) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return users,
        }
    }
}

/// Sessions that are connected here and that the server takes for offline: one that is connected at two nodes counts for the
/// one that told it last, and is nowhere when it goes there.
async fn taken_off(
    server: &Server,
    stirred: Option<BTreeSet<String>>,
    online: &BTreeMap<UserName, BTreeSet<String>>,
) -> Vec<String> {
    let is_stirred = |user: &UserName| stirred.as_ref().is_none_or(|users| users.contains(user.as_str()));
    let here = online.iter().filter(|(user, _)| is_stirred(user));
    let here: Vec<_> = here.map(|(user, here)| (user.clone(), here.clone())).collect();
    if here.is_empty() {
        return Vec::new();
    }
    let now = server.now_ms();
    let read = server.query(move |db| {
        let mut off = Vec::new();
        for (user, here) in here {
            let known = queries::sessions(db, &user, now)?.into_iter();
            let known = known.filter(|session| session.online_on.is_none() && here.contains(&session.id));
            off.extend(known.map(|session| session.id));
        }
        Ok(off)
    });
    // It is looked again with the next change.
    read.await.unwrap_or_default()
}

/// Keeps the server's knowledge of who is online here as it is, until the task is dropped.
pub(crate) async fn tell_presences(server: Arc<Server>, hub: Hub) {
    let mut seen = hub.presence();
    let mut changes = server.notifications.subscribe();
    let mut told: BTreeSet<String> = BTreeSet::new();
    loop {
        if server.told_anew.swap(false, Ordering::AcqRel) {
            told.clear();
        }
        let online = hub.online();
        for session in taken_off(&server, stirred(&mut changes), &online).await {
            told.remove(&session);
        }
        let now: BTreeSet<String> = online.into_values().flatten().collect();
        let (node, epoch) = (server.me(), server.epoch);
        let came = now.difference(&told).map(|session| {
            (
                session.clone(),
                Change::DeviceOnline {
                    session: session.clone(),
                    node,
                    epoch,
                },
            )
        });
        let went = told.difference(&now).map(|session| {
            (
                session.clone(),
                Change::DeviceOffline {
                    session: session.clone(),
                    node,
                    epoch,
                },
            )
        });
        let changes: Vec<(String, Change)> = came.chain(went).collect();
        // All at once: they share one entry of the log.
        let done = futures::future::join_all(changes.into_iter().map(|(session, change)| {
            let server = server.clone();
            async move {
                let online = matches!(change, Change::DeviceOnline { .. });
                let command = Command {
                    by: system(),
                    idempotency: None,
                    change,
                };
                let told = server.propose_command(&command).await;
                if let Err(error) = &told {
                    tracing::debug!(%error, "presence was not told; it is tried again");
                }
                (session, online, told.is_ok())
            }
        }))
        .await;
        for (session, online, _) in done.into_iter().filter(|(.., ok)| *ok) {
            if online {
                told.insert(session);
            } else {
                told.remove(&session);
            }
        }
        tokio::select! {
            _ = seen.recv() => {}
            () = tokio::time::sleep(COMPARE_EVERY) => {}
        }
    }
}
