//! A client of the tests, and the node that it is connected to.

use super::World;
use plenary_meeting_io::{Hub, Newcomer, Person};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Ended, Join, Joined, Place, Refusal, Say, Why},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};

pub(crate) struct Client {
    pub(crate) newcomer: Newcomer,
    pub(crate) told: mpsc::UnboundedReceiver<ServerBody>,
}

pub(crate) fn say(text: &str) -> Say {
    Say {
        text: text.into(),
        ..Say::default()
    }
}

pub(crate) fn client(run: u64, user: &str) -> Client {
    let (tell, told) = mpsc::unbounded_channel();
    let person = Person::Account(user.parse().unwrap());
    Client {
        newcomer: Newcomer {
            run,
            person,
            whence: None,
            tell,
            permits: None,
        },
        told,
    }
}

impl Client {
    /// The next message that this makes something of; others are passed over.
    pub(crate) async fn hear<T>(&mut self, mut pick: impl FnMut(ServerBody) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = pick(self.told.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        timeout(Duration::from_secs(20), found)
            .await
            .expect("it is told in time")
    }

    pub(crate) async fn join(&mut self, hub: &Hub, resume: Option<Place>) -> Joined {
        hub.request(&self.newcomer, join("demo", resume));
        self.hear(|told| match told {
            ServerBody::Joined(joined) => Some(joined),
            ServerBody::Refused(refused) => panic!("{refused:?}"),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ended(&mut self) -> Why {
        self.hear(|told| match told {
            ServerBody::Ended(Ended { reason }) => Some(reason),
            _ => None,
        })
        .await
    }

    pub(crate) async fn refused(&mut self) -> (String, Refusal) {
        self.hear(|told| match told {
            ServerBody::Refused(refused) => Some((refused.request, refused.code)),
            _ => None,
        })
        .await
    }
}

pub(crate) fn join(room: &str, resume: Option<Place>) -> ClientBody {
    ClientBody::Join(Join {
        room: room.into(),
        muted: false,
        camera: true,
        resume,
        pin: None,
    })
}

pub(crate) fn place(joined: &Joined) -> Place {
    Place {
        participant: joined.participant,
        secret: joined.secret.clone(),
    }
}

pub(crate) fn start() -> (Hub, Arc<World>) {
    let world = Arc::new(World::default());
    let hub = Hub::keeping(world.clone(), world.clone(), Duration::ZERO);
    world.watched_by(hub.clone());
    (hub, world)
}
