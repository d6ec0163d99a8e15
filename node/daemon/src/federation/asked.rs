//! What partners are told of this server's people.

use super::unreadable;
use crate::server::Server;
use plenary_access::{PartnerTerms, Viewer};
use plenary_federation::{Found, LocalName};
use plenary_federation_io::{Home, People, Seen, Stir, knows_people};
use plenary_model::ServerName;
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries::{self, Meant};
use tokio::sync::{broadcast::error::RecvError, mpsc};

/// Changes that wait for one who watches.
const WAITING: usize = 64;

#[async_trait::async_trait]
impl People for Server {
    async fn look(&self, terms: &PartnerTerms, names: Vec<LocalName>) -> Option<Vec<Found>> {
        let terms = terms.clone();
        let read = self.query(move |db| {
            let shows = queries::settings(db)?.profile_fields;
            let meant = |name: LocalName| {
                Ok(match queries::meant(db, name.as_str())? {
                    Meant::Person(row) => Found::Person {
                        user: row.user.id,
                        profile: Box::new(shows.profile(Viewer::Partner, row.user.profile)),
                    },
                    Meant::Group(id) if terms.calls => Found::Group(id),
                    Meant::Conference(id) if terms.conferences => Found::Conference(id),
                    Meant::Group(_) | Meant::Conference(_) | Meant::Nothing => Found::Nothing,
                })
            };
            names.into_iter().map(meant).collect()
        });
        read.await.inspect_err(unreadable).ok()
    }

    async fn presences(&self, names: Vec<LocalName>) -> Option<Vec<Seen>> {
        let read = self.query(move |db| {
            let seen = |name: LocalName| {
                Ok(match queries::meant(db, name.as_str())? {
                    Meant::Person(row) => Seen {
                        revision: row.user.revision.0,
                        user: Some(row.user.id),
                        presence: Some(row.presence),
                    },
                    Meant::Group(_) | Meant::Conference(_) | Meant::Nothing => Seen::default(),
                })
            };
            names.into_iter().map(seen).collect()
        });
        read.await.inspect_err(unreadable).ok()
    }

    fn stirs(&self) -> mpsc::Receiver<Stir> {
        let (tell, told) = mpsc::channel(WAITING);
        let mut changes = self.notifications.subscribe();
        tokio::spawn(async move {
            loop {
                let change = tokio::select! {
                    change = changes.recv() => change,
                    () = tell.closed() => return,
                };
                let stir = match change {
                    Ok(notification) => match stir(notification) {
                        Some(stir) => stir,
                        None => continue,
                    },
                    Err(RecvError::Lagged(_)) => Stir::All,
                    // The node ends, and with it everything.
                    Err(RecvError::Closed) => return,
                };
                if tell.send(stir).await.is_err() {
                    return;
                }
            }
        });
        told
    }

    async fn estranged(&self, server: &ServerName) {
        self.until_not(server, knows_people).await;
    }
}

/// What of it concerns those who watch people here.
fn stir(notification: Notification) -> Option<Stir> {
    match notification {
        Notification::Presence { user, .. } => Some(Stir::Person(user)),
        Notification::Changed { topic, object, .. } => match topic {
            Topic::Users => Some(object.parse().map_or(Stir::People, Stir::Person)),
            // A large meeting has begun or ended.
            Topic::Contacts if object.is_empty() => Some(Stir::People),
            Topic::Settings | Topic::Aliases => Some(Stir::All),
            _ => None,
        },
        Notification::Partner { .. } => None,
    }
}

impl Server {
    /// Ends when the terms of that server are no more as `may` has them, or there are none.
    pub(super) async fn until_not(&self, server: &ServerName, may: fn(&PartnerTerms) -> bool) {
        let mut changes = self.notifications.subscribe();
        loop {
            // Where it cannot be read, what was found last holds.
            let standing = Home::standing(self, server).await;
            let terms = standing.map(|standing| plenary_access::policy_for(&standing, server).cloned());
            if terms.is_some_and(|terms| terms.map_or(true, |terms| !may(&terms))) {
                return;
            }
            if !super::terms_may_change(&mut changes).await {
                return;
            }
        }
    }
}
