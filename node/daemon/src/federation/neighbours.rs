//! People of partners' servers as this node knows them: who they are, for whoever asks, and what those do whom somebody who
//! is signed in here has in the address book.
//!
//! All of it is soft: nothing is stored, each node asks for itself, and what is not sure any more is forgotten.

use super::{terms_may_change, unreadable};
use crate::server::Server;
use plenary_access::{AddressBookRow, policy_for};
use plenary_federation::{Faces, Found, LocalName, Sight, Sighting, Viewers};
use plenary_federation_io::{Asking, Heard, Home, NAMES, Watching, knows_people, unmet};
use plenary_model::{Buckets, CallKind, ServerName, UserName};
use plenary_rest_api::backend::Looked;
use plenary_signalling_io::{Hub, Notification, PartnerNews, Topic};
use plenary_store::queries;
use plenary_telemetry::Metrics;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{broadcast::error::RecvError, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

/// Names of partners that this node remembers what they stand for.
const FACES: usize = 10_000;
/// What one person may have asked of other servers: at once, and a second.
const ASKS: (f64, f64) = (30.0, 1.0);
/// Who asks does not wait longer: they can ask again.
const WAITS: Duration = Duration::from_secs(10);
/// Changes of who is in view that come soon after one another are looked at together.
const TOGETHER: Duration = Duration::from_millis(250);
/// Who is in view is looked at so often, beside when that may have changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Names of one partner are looked up so often at most, and after it did not answer.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
const LOOKS_AGAIN: Duration = Duration::from_secs(10);
/// After the connection to a partner was lost.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// After the partner has refused: its administrators may change that.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// A stream that went on for so long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// What this node knows of people of partners.
pub(crate) struct Neighbours {
    known: Mutex<Known>,
    asks: Buckets<UserName>,
    told: AtomicU64,
}

struct Known {
    faces: Faces,
    sights: BTreeMap<ServerName, Sight>,
    /// Partners whose people are watched right now.
    watched: BTreeSet<ServerName>,
}

impl Default for Neighbours {
    fn default() -> Self {
        Self {
            known: Mutex::new(Known {
                faces: Faces::new(FACES),
                sights: BTreeMap::new(),
                watched: BTreeSet::new(),
            }),
            asks: Buckets::new(ASKS.0, ASKS.1),
            told: AtomicU64::new(0),
        }
    }
}

impl Neighbours {
    fn known(&self) -> MutexGuard<'_, Known> {
        // What is known is whole after every operation, so a panic elsewhere does not spoil it.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows of an address book with what is known of people of partners.
    pub(crate) fn fill(&self, me: &ServerName, rows: &mut [AddressBookRow], now_ms: u64) {
        let mut known = self.known();
        for row in rows {
            let CallKind::Account {
                name,
                server: Some(server),
            } = row.call.kind()
            else {
                continue;
            };
            let Ok(name) = name.parse::<LocalName>() else {
                continue;
            };
            if server == *me {
                continue;
            }
            row.presence = known.sights.get(&server).and_then(|sight| sight.presence(&name));
            if let Some(Found::Person { profile, .. }) = known.faces.get(&server, &name, now_ms) {
                row.email = profile.email;
                if row.display_name == row.call.as_str() && !profile.display_name.is_empty() {
                    row.display_name = profile.display_name;
                }
            }
        }
    }
}

/// Registers what is counted of people of partners.
pub(super) fn register(metrics: &Metrics, server: Arc<Server>) {
    metrics.figures(move |figures| {
        let (faces, watched, names) = {
            let known = server.neighbours.known();
            let names: usize = known.sights.values().map(|sight| sight.names().count()).sum();
            (known.faces.len(), known.watched.len(), names)
        };
        figures.gauge(
            "federation_names_known",
            "Names of other servers that this node remembers what they stand for",
            faces as f64,
        )?;
        figures.gauge(
            "federation_partners_watched",
            "Partners whose people this node watches",
            watched as f64,
        )?;
        figures.gauge(
            "federation_people_in_view",
            "People of partners whom somebody who is signed in at this node has in the address book",
            names as f64,
        )?;
        figures.counter(
            "federation_presences_told",
            "Changes of presence that partners told and that concerned somebody here",
            server.neighbours.told.load(Ordering::Relaxed),
        )
    });
}

impl Server {
    /// What a name of another server is, for somebody of this one.
    pub(crate) async fn look_elsewhere(
        &self,
        by: &UserName,
        server: &ServerName,
        name: &LocalName,
    ) -> Looked {
        let Some(reach) = self.federation.get() else {
            let words =
                "this node does not meet with other servers; ask the administrator to switch federation on";
            return Looked::unknown(words);
        };
        match self.may_know(server).await {
            Some(Ok(())) => {}
            Some(Err(words)) => return Looked::unknown(words),
            None => return Looked::unknown("the server cannot answer now; try again"),
        }
        let presence = {
            let known = self.neighbours.known();
            known.sights.get(server).and_then(|sight| sight.presence(name))
        };
        let known = self.neighbours.known().faces.get(server, name, self.now_ms().0);
        if let Some(found) = known {
            return Looked::found(found, presence);
        }
        if let Err(wait_s) = self.neighbours.asks.take(by.clone(), Instant::now()) {
            return Looked::TooFast(wait_s);
        }
        let names = [name.clone()];
        let answered = timeout(WAITS, reach.look(server, &names)).await;
        let found = match answered {
            Ok(Ok(found)) => found.into_iter().next().unwrap_or(Found::Nothing),
            Ok(Err(why)) => return Looked::unknown(why.words),
            Err(_) => return Looked::unknown(format!("{server} did not answer in time; try again")),
        };
        self.neighbours
            .known()
            .faces
            .put(server, name, found.clone(), self.now_ms().0);
        Looked::found(found, presence)
    }

    /// Whether people of this server may know those of that one, or why not; `None` where that cannot be read now.
    async fn may_know(&self, server: &ServerName) -> Option<Result<(), String>> {
        let standing = Home::standing(self, server).await?;
        Some(match policy_for(&standing, server) {
            Err(why) => Err(unmet(why, server)),
            Ok(terms) if !knows_people(terms) => Err(format!(
                "people of this server do not meet those of {server}; ask your administrator"
            )),
            Ok(_) => Ok(()),
        })
    }

    async fn may_meet(&self, server: &ServerName) -> bool {
        matches!(self.may_know(server).await, Some(Ok(())))
    }

    /// Tells those who see somebody what they do now.
    fn tell_sightings(&self, server: &ServerName, sightings: Vec<Sighting>) {
        self.neighbours
            .told
            .fetch_add(sightings.len() as u64, Ordering::Relaxed);
        for Sighting {
            viewers,
            name,
            presence,
        } in sightings
        {
            self.tell(Notification::Partner {
                viewers: Arc::new(viewers),
                news: PartnerNews::Presence {
                    user: format!("{name}@{server}"),
                    presence,
                },
            });
        }
    }

    /// Nothing is sure any more of what the partner's people do.
    fn lose_sight(&self, server: &ServerName) {
        let lost = {
            let mut known = self.neighbours.known();
            known.watched.remove(server);
            known.sights.get_mut(server).map(Sight::lost).unwrap_or_default()
        };
        self.tell_sightings(server, lost);
    }

    /// The partner is met no more: nothing of its people is remembered.
    fn part_with(&self, server: &ServerName) {
        self.lose_sight(server);
        let viewers = {
            let mut known = self.neighbours.known();
            known.faces.forget_server(server);
            let sight = known.sights.get(server);
            sight
                .map(|sight| sight.viewers(sight.names()))
                .unwrap_or_default()
        };
        self.tell_faces(viewers);
    }

    /// Whom this server does not meet any more, nobody here knows.
    async fn forget_unmet(&self) {
        let known: Vec<ServerName> = self.neighbours.known().faces.servers().cloned().collect();
        for server in known {
            if matches!(self.may_know(&server).await, Some(Err(_))) {
                self.part_with(&server);
            }
        }
    }

    fn tell_faces(&self, viewers: BTreeSet<UserName>) {
        if !viewers.is_empty() {
            self.tell(Notification::Partner {
                viewers: Arc::new(viewers),
                news: PartnerNews::Profiles,
            });
        }
    }

    /// Who of those who are signed in at this node has whom of partners in the address book.
    async fn in_view(&self, hub: &Hub) -> Option<BTreeMap<ServerName, Viewers>> {
        let online: Vec<UserName> = hub.online().into_keys().collect();
        let read = self.query(move |db| {
            let mut wanted = BTreeMap::<ServerName, Viewers>::new();
            for seen in queries::in_view(db, &online)? {
                if let Ok(name) = seen.name.parse::<LocalName>() {
                    let viewers = wanted.entry(seen.server).or_default();
                    viewers.entry(name).or_default().insert(seen.viewer);
                }
            }
            Ok(wanted)
        });
        read.await.inspect_err(unreadable).ok()
    }
}

/// Whom one partner's watcher is to have in view, and since which look: who goes out of view and comes back is asked for anew.
type Wanted = BTreeMap<LocalName, u64>;

/// Keeps in view whom somebody at this node has in the address book, until the task is dropped. A partner of whom that is
/// nobody costs no connection.
pub(crate) async fn keep_in_view(server: Arc<Server>, hub: Hub) {
    if server.federation.get().is_none() {
        return;
    }
    let (mut seen, mut changes) = (hub.presence(), server.notifications.subscribe());
    let mut watchers = BTreeMap::<ServerName, watch::Sender<Wanted>>::new();
    let mut tasks = JoinSet::new();
    for turn in 0.. {
        if let Some(wanted) = server.in_view(&hub).await {
            let mut names = BTreeMap::<ServerName, Wanted>::new();
            {
                let mut known = server.neighbours.known();
                known.sights.retain(|partner, _| wanted.contains_key(partner));
                for (partner, viewers) in wanted {
                    let sight = known.sights.entry(partner.clone()).or_default();
                    sight.look(viewers);
                    let names_now = sight.names().map(|name| (name.clone(), turn));
                    names.insert(partner, names_now.collect());
                }
            }
            // Those end themselves of whom nobody is in view any more.
            watchers.retain(|partner, _| names.contains_key(partner));
            for (partner, mut names) in names {
                if let Some(watcher) = watchers.get(&partner) {
                    for (name, since) in &*watcher.borrow() {
                        if let Some(turn) = names.get_mut(name) {
                            *turn = *since;
                        }
                    }
                    watcher.send_replace(names);
                } else {
                    let (tell, told) = watch::channel(names);
                    watchers.insert(partner.clone(), tell);
                    tasks.spawn(follow(server.clone(), partner, told));
                }
            }
        }
        while tasks.try_join_next().is_some() {}
        let again = sleep(LOOK_EVERY);
        tokio::pin!(again);
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Ok(Notification::Changed { topic: Topic::Settings, .. }) => server.forget_unmet().await,
                    // Of nobody in particular: a large meeting has begun or ended.
                    Ok(Notification::Changed { topic: Topic::Contacts, object, .. }) if object.is_empty() => {}
                    Ok(Notification::Changed { topic: Topic::Contacts | Topic::Groups, .. })
                    | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                },
                _ = seen.recv() => break,
                () = &mut again => break,
            }
        }
        sleep(TOGETHER).await;
    }
}

/// Watches people of one partner, until nobody here has any in view.
async fn follow(server: Arc<Server>, partner: ServerName, mut wanted: watch::Receiver<Wanted>) {
    let Some(reach) = server.federation.get().cloned() else {
        return;
    };
    let mut changes = server.notifications.subscribe();
    let mut pause = FIRST_PAUSE;
    loop {
        changes = changes.resubscribe();
        let mut wait = pause;
        let may = server.may_meet(&partner).await;
        if may {
            let since = Instant::now();
            let watched = tokio::select! {
                watched = reach.watch(&partner) => watched,
                () = nobody(&mut wanted) => return,
            };
            match watched {
                Ok(watching) => {
                    let goes_on = see(&server, &partner, watching, &mut wanted).await;
                    server.lose_sight(&partner);
                    if !goes_on {
                        return;
                    }
                    if since.elapsed() >= GOOD {
                        pause = FIRST_PAUSE;
                    }
                    wait = pause;
                }
                Err(why) => {
                    tracing::debug!(%partner, reason = why.detail, "people of a partner are not watched");
                    if !why.may_change {
                        // Its lists or terms are others by now.
                        server.part_with(&partner);
                        wait = REFUSED_PAUSE;
                    }
                }
            }
        } else {
            server.part_with(&partner);
            wait = LONGEST_PAUSE;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        let until = sleep(wait);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => break,
                goes_on = terms_may_change(&mut changes) => {
                    if !goes_on {
                        return;
                    }
                    if server.may_meet(&partner).await != may {
                        break;
                    }
                }
                () = nobody(&mut wanted) => return,
            }
        }
    }
}

/// Ends when nobody is in view any more.
async fn nobody(wanted: &mut watch::Receiver<Wanted>) {
    while wanted.changed().await.is_ok() {}
}

/// Hears what the partner tells. Gives whether there is still somebody in view when that ends.
async fn see(
    server: &Arc<Server>,
    partner: &ServerName,
    mut watching: Watching,
    wanted: &mut watch::Receiver<Wanted>,
) -> bool {
    server.neighbours.known().watched.insert(partner.clone());
    let mut asked = Wanted::new();
    let parted = server.until_not(partner, knows_people);
    tokio::pin!(parted);
    wanted.mark_changed();
    let mut look = tokio::time::interval(LOOKS_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            changed = wanted.changed() => {
                if changed.is_err() {
                    return false;
                }
                let now = wanted.borrow_and_update().clone();
                let asking = Asking {
                    add: without(&now, &asked),
                    remove: without(&asked, &now),
                };
                asked = now;
                if asking != Asking::default() && watching.ask.send(asking).await.is_err() {
                    return true;
                }
            }
            heard = watching.hear.recv() => match heard {
                Some(heard) => hear(server, partner, heard),
                None => return true,
            },
            () = &mut parted => {
                server.part_with(partner);
                return true;
            }
            _ = look.tick() => if !recognise(server, partner, &asked).await {
                look.reset_after(LOOKS_AGAIN);
            },
        }
    }
}

/// Those of `these` that `others` has not, or since another look.
fn without(these: &Wanted, others: &Wanted) -> Vec<LocalName> {
    let missing = these
        .iter()
        .filter(|(name, since)| others.get(name) != Some(since));
    missing.map(|(name, _)| name.clone()).collect()
}

fn hear(server: &Server, partner: &ServerName, heard: Heard) {
    let sightings = {
        let mut known = server.neighbours.known();
        if heard.all_stale {
            known.faces.forget_server(partner);
        }
        for name in &heard.stale {
            known.faces.forget(partner, name);
        }
        let Some(sight) = known.sights.get_mut(partner) else {
            return;
        };
        let heard = heard.presences.into_iter();
        heard
            .filter_map(|(name, presence)| sight.heard(&name, presence))
            .collect()
    };
    server.tell_sightings(partner, sightings);
}

/// Looks up who those are of whom that is not known, as many as one may ask for at once. Gives whether the partner answered.
async fn recognise(server: &Server, partner: &ServerName, asked: &Wanted) -> bool {
    let Some(reach) = server.federation.get() else {
        return true;
    };
    let now_ms = server.now_ms().0;
    let names: Vec<LocalName> = {
        let mut known = server.neighbours.known();
        let unknown = asked
            .keys()
            .filter(|name| known.faces.get(partner, name, now_ms).is_none());
        unknown.take(NAMES).cloned().collect()
    };
    if names.is_empty() {
        return true;
    }
    let found = match timeout(WAITS, reach.look(partner, &names)).await {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => {
            tracing::debug!(%partner, reason = why.detail, "who people of a partner are is not known");
            return false;
        }
        Err(_) => return false,
    };
    let viewers = {
        let mut known = server.neighbours.known();
        let found = names.iter().zip(found);
        let new: Vec<&LocalName> = found
            .filter(|(name, found)| known.faces.put(partner, name, found.clone(), now_ms))
            .map(|(name, _)| name)
            .collect();
        known
            .sights
            .get(partner)
            .map(|sight| sight.viewers(new))
            .unwrap_or_default()
    };
    server.tell_faces(viewers);
    true
}
