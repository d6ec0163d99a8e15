//! Many in one meeting: what each of them costs the others.

#![allow(clippy::unwrap_used)]

mod world;

use plenary_meeting_io::{Hub, Newcomer, Person};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Act, Follow, Join, Joined, List, Listed, ParticipantId, Refusal, Roster, TOLD},
    seal,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use world::World;

struct Client {
    newcomer: Newcomer,
    told: mpsc::UnboundedReceiver<ServerBody>,
}

impl Client {
    fn new(run: u64) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let person = Person::Account(format!("person-{run}").parse().unwrap());
        Self {
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

    fn join(&self, hub: &Hub) {
        let join = Join {
            room: "demo".into(),
            muted: false,
            camera: false,
            resume: None,
            pin: None,
        };
        hub.request(&self.newcomer, ClientBody::Join(join));
    }

    async fn hear<T>(&mut self, mut pick: impl FnMut(ServerBody) -> Option<T>) -> T {
        let found = async {
            loop {
                if let Some(found) = pick(self.told.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        timeout(Duration::from_secs(60), found)
            .await
            .expect("it is told in time")
    }

    async fn joined(&mut self) -> Joined {
        self.hear(|told| match told {
            ServerBody::Joined(joined) => Some(joined),
            _ => None,
        })
        .await
    }

    async fn listed(&mut self) -> Listed {
        self.hear(|told| match told {
            ServerBody::Listed(listed) => Some(listed),
            ServerBody::Refused(refused) => panic!("{refused:?}"),
            _ => None,
        })
        .await
    }

    async fn refused(&mut self) -> Refusal {
        self.hear(|told| match told {
            ServerBody::Refused(refused) => Some(refused.code),
            _ => None,
        })
        .await
    }

    /// What was told of the roster and not heard yet.
    fn rosters(&mut self) -> Vec<Roster> {
        let mut all = Vec::new();
        while let Ok(told) = self.told.try_recv() {
            if let ServerBody::Roster(roster) = told {
                all.push(roster);
            }
        }
        all
    }
}

fn start() -> (Hub, Arc<World>) {
    let world = Arc::new(World::default());
    let hub = Hub::keeping(world.clone(), world.clone(), Duration::ZERO);
    world.watched_by(hub.clone());
    (hub, world)
}

/// So many join at the same time.
async fn crowd(hub: &Hub, runs: std::ops::Range<u64>) -> Vec<(Client, Joined)> {
    let mut clients: Vec<Client> = runs.map(Client::new).collect();
    clients.iter().for_each(|client| client.join(hub));
    let mut all = Vec::new();
    for mut client in clients.drain(..) {
        let joined = client.joined().await;
        all.push((client, joined));
    }
    all
}

#[tokio::test]
async fn who_joins_a_crowd_is_a_number_to_the_others() {
    let (hub, _world) = start();
    let mut first = crowd(&hub, 1..TOLD as u64 + 30).await;
    let (mut ann, joined) = first.swap_remove(0);
    if joined.counts.inside != TOLD as u32 + 29 {
        ann.hear(|told| match told {
            ServerBody::Roster(roster) => (roster.counts.inside == TOLD as u32 + 29).then_some(()),
            _ => None,
        })
        .await;
    }
    let begun = Instant::now();
    let mut bytes = 0;
    for batch in 0..8 {
        for (_, joined) in crowd(&hub, 1_000 + batch * 50..1_050 + batch * 50).await {
            let own = joined
                .participants
                .iter()
                .filter(|one| one.id == joined.participant);
            assert_eq!((joined.participants.len(), own.count()), (TOLD + 1, 1));
            assert!(joined.counts.inside as usize > TOLD);
            bytes = bytes.max(seal(1, 1, &ServerBody::Joined(joined)).len());
        }
    }
    let last = ann.hear(|told| match told {
        ServerBody::Roster(roster) => (roster.counts.inside == TOLD as u32 + 429).then_some(roster),
        _ => None,
    });
    let last = timeout(Duration::from_secs(20), last).await.unwrap();
    assert_eq!((last.participants.len(), last.gone.len()), (0, 0));
    assert!(bytes < 64 * 1024, "{bytes} bytes for who joins");
    // Somebody else of before: at most one message a second, and one at the beginning and the end.
    let told = first[5].0.rosters();
    let after = told
        .iter()
        .filter(|roster| roster.counts.inside as usize > TOLD + 29);
    let most = begun.elapsed().as_secs() as usize + 2;
    assert!(
        after.clone().count() <= most,
        "{} in {:?}",
        after.count(),
        begun.elapsed()
    );
}

#[tokio::test]
async fn all_hear_of_the_podium_of_a_crowd_in_one_small_message() {
    let (hub, world) = start();
    let mut all = crowd(&hub, 1..301).await;
    let late = all.last().unwrap().1.participant;
    world.give_podium(late);
    for (client, _) in &mut all {
        let told = client.hear(|told| match told {
            ServerBody::Roster(roster) if roster.participants.iter().any(|one| one.podium.is_some()) => {
                Some(roster)
            }
            _ => None,
        });
        let told = told.await;
        assert_eq!(told.participants[0].id, late);
        assert!(seal(1, 1, &ServerBody::Roster(told)).len() < 1_024);
    }
}

#[tokio::test]
async fn a_crowd_is_read_by_pages_and_by_names() {
    let (hub, world) = start();
    let mut all = crowd(&hub, 1..201).await;
    let (client, joined) = &mut all[0];
    let ask = |find: &str, from| {
        ClientBody::List(List {
            find: find.into(),
            from,
        })
    };
    hub.request(&client.newcomer, ask("", 0));
    let page = client.listed().await;
    assert_eq!((page.participants.len(), page.found), (50, 200));
    hub.request(&client.newcomer, ask("Person-77", 0));
    let page = client.listed().await;
    assert_eq!((page.found, page.find.as_str()), (1, "Person-77"));
    // Who is followed is told as they are, though not all hear of them.
    let other = ParticipantId(180);
    hub.request(
        &client.newcomer,
        ClientBody::Follow(Follow {
            participants: vec![other],
        }),
    );
    client
        .hear(|told| match told {
            ServerBody::Roster(roster) => roster
                .participants
                .iter()
                .any(|one| one.id == other)
                .then_some(()),
            _ => None,
        })
        .await;
    hub.request(&client.newcomer, ask(&"x".repeat(101), 0));
    assert_eq!(client.refused().await, Refusal::BadRequest);
    let many = ClientBody::Follow(Follow {
        participants: vec![other; 50],
    });
    hub.request(&client.newcomer, many);
    assert_eq!(client.refused().await, Refusal::BadRequest);
    for _ in 0..40 {
        hub.request(&client.newcomer, ask("", 0));
    }
    assert_eq!(client.refused().await, Refusal::TooFast);
    // Who waits is told of nobody.
    world.make_moderator(joined.participant);
    world.wait_room();
    let mut waits = Client::new(999);
    waits.join(&hub);
    waits
        .hear(|told| matches!(told, ServerBody::Waiting(_)).then_some(()))
        .await;
    hub.request(&waits.newcomer, ask("", 0));
    assert_eq!(waits.refused().await, Refusal::Waiting);
    let admit_all = ClientBody::Moderate(Act::AdmitAll.into());
    hub.request(&waits.newcomer, admit_all);
    assert_eq!(waits.refused().await, Refusal::Waiting);
}
