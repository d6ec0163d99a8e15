//! What people and conferences limit of media (USR-07, CONF-10): looked up for each session of this node when it begins,
//! and again when something of it may be another.
//!
//! The devices of one person share the person's limits on this node, each way in equal parts: who comes with a second one has
//! half of it with each. What they have on other nodes is limited there, by the whole.

use crate::server::Server;
use plenary_access::Topic;
use plenary_conference::{ParticipantId, Person};
use plenary_media_io::{Engine, Kbps, Limits, SessionKey, limited};
use plenary_model::{Cid, UserName};
use plenary_store::{Changes, queries};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;

/// Changes that come soon after one another are looked at together.
const TOGETHER: Duration = Duration::from_millis(250);

/// Whose session it is.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// Of who has this place in the meeting.
    Place(ParticipantId),
    User(UserName),
}

/// Which way the media of a session go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// From who sends.
    In,
    /// To who receives.
    Out,
}

#[derive(Debug, Clone)]
struct Held {
    /// None in conferences of other servers, whose limits are theirs to tell.
    cid: Option<Cid>,
    whose: Whose,
    direction: Direction,
    /// Who that is, as far as it was found.
    person: Option<Person>,
    /// As if it were the only one of that person.
    whole: Limits,
    /// What the engine was told.
    limits: Limits,
}

/// What shares a limit with others: connections of one place that follow one another are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Device {
    Place(ParticipantId),
    Session(SessionKey),
}

impl Held {
    fn device(&self, key: SessionKey) -> Device {
        match self.whose {
            Whose::Place(id) => Device::Place(id),
            Whose::User(_) => Device::Session(key),
        }
    }

    /// The part that one of so many devices has.
    fn part(&self, devices: usize) -> Limits {
        let devices = u32::try_from(devices.max(1)).unwrap_or(u32::MAX);
        let part = |whole: Option<Kbps>| whole.map(|whole| Kbps((whole.0 / devices).max(1)));
        match self.direction {
            Direction::In => Limits {
                send: part(self.whole.send),
                ..self.whole
            },
            Direction::Out => Limits {
                receive: part(self.whole.receive),
                ..self.whole
            },
        }
    }
}

/// Shares the limits of these people among their sessions anew; gives those whose part is another one now.
fn share(held: &mut BTreeMap<SessionKey, Held>, people: &BTreeSet<Person>) -> Vec<(SessionKey, Limits)> {
    let mut devices: BTreeMap<(&Person, Direction), BTreeSet<Device>> = BTreeMap::new();
    for (key, one) in held.iter() {
        if let Some(person) = one.person.as_ref().and_then(|person| people.get(person)) {
            devices
                .entry((person, one.direction))
                .or_default()
                .insert(one.device(*key));
        }
    }
    let mut told = Vec::new();
    for (key, one) in held.iter_mut() {
        let count = match &one.person {
            Some(person) if !people.contains(person) => continue,
            Some(person) => devices.get(&(person, one.direction)).map_or(1, BTreeSet::len),
            None => 1,
        };
        let limits = one.part(count);
        if one.limits != limits {
            one.limits = limits;
            told.push((*key, limits));
        }
    }
    told
}

/// The limits of the sessions of this node.
pub(crate) struct Limiter {
    server: Arc<Server>,
    engine: Engine,
    held: Mutex<BTreeMap<SessionKey, Held>>,
}

impl Limiter {
    pub(crate) fn new(server: Arc<Server>, engine: Engine) -> Self {
        Self {
            server,
            engine,
            held: Mutex::default(),
        }
    }

    /// A session is about to begin: it may be over at once.
    pub(crate) fn begin(&self, key: SessionKey, cid: Option<Cid>, whose: Whose, direction: Direction) {
        let held = Held {
            cid,
            whose,
            direction,
            person: None,
            whole: Limits::default(),
            limits: Limits::default(),
        };
        self.held().insert(key, held);
    }

    /// It has begun.
    pub(crate) async fn begun(&self, key: SessionKey) {
        self.look([key].into()).await;
    }

    /// An answer with how much may be sent; a session that receives has no use for it, and does not mind.
    pub(crate) fn told(&self, key: SessionKey, answer: String) -> String {
        match self.of(key).send {
            Some(send) => limited(&answer, send),
            None => answer,
        }
    }

    /// What a session was told last.
    fn of(&self, key: SessionKey) -> Limits {
        self.held().get(&key).map(|held| held.limits).unwrap_or_default()
    }

    /// A session is over: others of the same person have more now.
    pub(crate) fn over(&self, key: SessionKey) {
        let told = {
            let mut held = self.held();
            let gone = held.remove(&key).and_then(|gone| gone.person);
            share(&mut held, &gone.into_iter().collect())
        };
        if !told.is_empty() {
            let engine = self.engine.clone();
            tokio::spawn(async move { tell(&engine, told).await });
        }
    }

    /// Tells the engine what has changed. Runs until the task is dropped.
    pub(crate) async fn watch(self: Arc<Self>, mut changes: broadcast::Receiver<Changes>) {
        loop {
            match changes.recv().await {
                Ok(changes) if !concerns_limits(&changes) => continue,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
            tokio::time::sleep(TOGETHER).await;
            let all = self.held().keys().copied().collect();
            self.look(all).await;
        }
    }

    /// Looks these up, and tells what is another.
    async fn look(&self, keys: Vec<SessionKey>) {
        let asked: Vec<(SessionKey, Option<Cid>, Whose)> = {
            let held = self.held();
            let asked = keys.iter().filter_map(|key| Some((*key, held.get(key)?)));
            asked
                .map(|(key, held)| (key, held.cid.clone(), held.whose.clone()))
                .collect()
        };
        let read = self.server.query(move |db| {
            let mut found = Vec::new();
            for (key, cid, whose) in asked {
                let person = match whose {
                    Whose::Place(id) => queries::participant_anywhere(db, id)?.map(|one| one.person),
                    Whose::User(user) => Some(Person::Account(user)),
                };
                let bandwidth = person.as_ref().map(|person| queries::bandwidth(db, person));
                let bandwidth = bandwidth.transpose()?;
                let bandwidth = bandwidth.unwrap_or_default();
                let conference = cid.map(|cid| queries::conference(db, &cid)).transpose()?;
                let quality = conference
                    .flatten()
                    .map(|conference| conference.settings.quality)
                    .unwrap_or_default();
                let height = |height: u16| (height > 0).then_some(height);
                let limits = Limits {
                    receive: bandwidth.in_kbps.map(Kbps),
                    send: bandwidth.out_kbps.map(Kbps),
                    camera_height: height(quality.camera_height),
                    content_height: height(quality.content_height),
                };
                found.push((key, person, limits));
            }
            Ok(found)
        });
        // Where the server cannot tell, what was told before holds.
        let found = read.await.unwrap_or_default();
        tell(&self.engine, self.learn(found)).await;
    }

    /// Notes what was found; gives what the engine is to be told.
    fn learn(&self, found: Vec<(SessionKey, Option<Person>, Limits)>) -> Vec<(SessionKey, Limits)> {
        let mut held = self.held();
        let mut people = BTreeSet::new();
        for (key, person, whole) in found {
            if let Some(one) = held.get_mut(&key) {
                // Whose place is gone keeps what it had, until its session is over.
                one.person = person.or_else(|| one.person.take());
                one.whole = whole;
                people.extend(one.person.clone());
            }
        }
        share(&mut held, &people)
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<SessionKey, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tell(engine: &Engine, told: Vec<(SessionKey, Limits)>) {
    for (key, limits) in told {
        // An engine that has ended tells so itself.
        engine.limit(key, limits).await.ok();
    }
}

fn concerns_limits(changes: &Changes) -> bool {
    let of_limits = |topic: Topic| matches!(topic, Topic::Users | Topic::Groups | Topic::Conferences);
    changes
        .notices
        .as_ref()
        .is_none_or(|notices| notices.iter().any(|notice| of_limits(notice.topic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(whose: Whose, person: &str, direction: Direction) -> Held {
        Held {
            cid: None,
            whose,
            direction,
            person: Some(Person::Account(person.parse().expect("a name"))),
            whole: Limits {
                receive: Some(Kbps(900)),
                send: Some(Kbps(600)),
                camera_height: Some(720),
                ..Limits::default()
            },
            limits: Limits::default(),
        }
    }

    fn place(id: u64) -> Whose {
        Whose::Place(ParticipantId(id))
    }

    #[test]
    fn the_devices_of_one_person_share_the_limit_and_other_people_have_their_own() {
        let mut all = BTreeMap::from([
            (SessionKey(1), held(place(1), "ann", Direction::In)),
            (SessionKey(2), held(place(1), "ann", Direction::Out)),
            (SessionKey(3), held(place(2), "ann", Direction::Out)),
            (SessionKey(4), held(place(3), "ben", Direction::Out)),
            // A program of hers.
            (
                SessionKey(5),
                held(Whose::User("ann".parse().expect("a name")), "ann", Direction::Out),
            ),
            // The connection of a place that follows the one before.
            (SessionKey(6), held(place(2), "ann", Direction::Out)),
        ]);
        let people: BTreeSet<Person> = all.values().filter_map(|one| one.person.clone()).collect();
        let told = share(&mut all, &people);
        assert_eq!(told.len(), 6);
        let receive = |all: &BTreeMap<SessionKey, Held>, key: u64| all[&SessionKey(key)].limits.receive;
        assert_eq!(
            all[&SessionKey(1)].limits.send,
            Some(Kbps(600)),
            "she sends from one"
        );
        for key in [2, 3, 5, 6] {
            assert_eq!(receive(&all, key), Some(Kbps(300)), "{key}");
        }
        assert_eq!(receive(&all, 4), Some(Kbps(900)));
        assert!(share(&mut all, &people).is_empty(), "nothing is new");
        // One is over: the others have more, and nobody else hears of it.
        all.remove(&SessionKey(5));
        let ann = BTreeSet::from([Person::Account("ann".parse().expect("a name"))]);
        let told: Vec<_> = share(&mut all, &ann).into_iter().map(|(key, _)| key.0).collect();
        assert_eq!(told, [2, 3, 6]);
        assert_eq!(receive(&all, 2), Some(Kbps(450)));
        assert_eq!(
            all[&SessionKey(2)].limits.camera_height,
            Some(720),
            "pictures are as large"
        );
    }

    #[test]
    fn who_has_no_limit_shares_none_and_the_smallest_part_is_something() {
        let mut free = held(place(1), "ann", Direction::Out);
        free.whole.receive = None;
        assert_eq!(free.part(3).receive, None);
        free.whole.receive = Some(Kbps(2));
        assert_eq!(free.part(32).receive, Some(Kbps(1)));
        assert_eq!(free.part(0).receive, Some(Kbps(2)));
    }
}
