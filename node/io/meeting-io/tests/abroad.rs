//! People of one server (oslo) in a conference of another (paris): both nodes are real, the connection between them is a pair
//! of channels.

#![allow(clippy::unwrap_used)]

mod world;

use async_trait::async_trait;
use plenary_meeting_io::{
    Abroad, Attendance, Attendee, Federated, FromAbroad, Hub, Newcomer, Person, Refused,
};
use plenary_model::{ServerName, UserId, UserName};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Act, Ended, Join, Moderate, Offer, ParticipantId, Peer, Place, Refusal, Say, State, Why},
};
use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, watch};
use world::{
    World,
    client::{Client, client, join},
};

const PARIS: &str = "paris.example.com";

/// The connection between the servers.
struct Line {
    me: ServerName,
    paris: Hub,
    runs: AtomicU64,
    dead: AtomicBool,
    /// Each change cuts what is there.
    cuts: watch::Sender<u64>,
    halls: Arc<AtomicUsize>,
    /// Who came and left, as this server was told.
    noted: watch::Sender<Vec<String>>,
}

/// Held as long as media cross.
struct Crossing(Arc<AtomicUsize>);

impl Drop for Crossing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Abroad for Line {
    fn me(&self) -> &ServerName {
        &self.me
    }

    async fn attend(
        &self,
        server: &ServerName,
        user: &UserName,
        _: Option<std::net::IpAddr>,
        join: Join,
    ) -> Result<Attendance, Refused> {
        if self.dead.load(Ordering::SeqCst) || server.as_str() != PARIS {
            return Err(Refused::new(Refusal::Unavailable, "paris does not answer"));
        }
        let (tell, mut told) = mpsc::unbounded_channel();
        let (permits, mut permitted) = mpsc::unbounded_channel();
        let newcomer = Newcomer {
            run: self.runs.fetch_add(1, Ordering::SeqCst),
            person: Person::Federated(Federated {
                user: UserId {
                    name: user.clone(),
                    server: self.me.clone(),
                },
                name: user.to_string(),
                shares: true,
            }),
            whence: None,
            tell,
            permits: Some(permits),
        };
        let (say, mut said) = mpsc::channel(8);
        let (out, hear) = mpsc::channel(8);
        let (paris, mut cut) = (self.paris.clone(), self.cuts.subscribe());
        paris.request(&newcomer, ClientBody::Join(join));
        let server = server.clone();
        tokio::spawn(async move {
            loop {
                let told = tokio::select! {
                    biased;
                    _ = cut.changed() => break,
                    Some(mut permitted) = permitted.recv() => {
                        permitted.hall = format!("{}@{server}", permitted.hall);
                        FromAbroad::Permitted(permitted)
                    }
                    Some(body) = told.recv() => FromAbroad::Said(Box::new(body)),
                    body = said.recv() => match body {
                        Some(body) => {
                            paris.request(&newcomer, body);
                            continue;
                        }
                        None => break,
                    },
                };
                if out.send(told).await.is_err() {
                    break;
                }
            }
            paris.ended(newcomer.run);
        });
        Ok(Attendance { say, hear })
    }

    fn enter_hall(&self, _: &ServerName, _: &str) -> Result<Box<dyn Any + Send>, Refused> {
        self.halls.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Crossing(self.halls.clone())))
    }

    fn came(&self, who: &Attendee) {
        let note = format!("{} came into {} by {}", who.user, who.room, who.run);
        self.noted.send_modify(|noted| noted.push(note));
    }

    fn left(&self, who: &Attendee, returns: Duration) {
        let returns = if returns.is_zero() { "" } else { " or returns" };
        let note = format!("{} left {} by {}{returns}", who.user, who.room, who.run);
        self.noted.send_modify(|noted| noted.push(note));
    }
}

struct Two {
    paris: Hub,
    paris_world: Arc<World>,
    oslo: Hub,
    oslo_world: Arc<World>,
    line: Arc<Line>,
}

fn two() -> Two {
    two_keeping(Duration::from_millis(200))
}

/// Places of who lost the connection are kept so long.
fn two_keeping(kept: Duration) -> Two {
    let hub = || {
        let world: Arc<World> = Arc::default();
        let hub = Hub::keeping(world.clone(), world.clone(), kept);
        world.watched_by(hub.clone());
        (hub, world)
    };
    let ((paris, paris_world), (oslo, oslo_world)) = (hub(), hub());
    let line = Arc::new(Line {
        me: "oslo.example.net".parse().unwrap(),
        paris: paris.clone(),
        runs: AtomicU64::new(1 << 63),
        dead: AtomicBool::new(false),
        cuts: watch::Sender::new(0),
        halls: Arc::default(),
        noted: watch::Sender::default(),
    });
    oslo.meet(line.clone());
    Two {
        paris,
        paris_world,
        oslo,
        oslo_world,
        line,
    }
}

/// `demo` of paris, for somebody of oslo.
async fn come(two: &Two, one: &mut Client) -> ParticipantId {
    two.oslo
        .request(&one.newcomer, join("demo@paris.example.com", None));
    one.hear(|told| match told {
        ServerBody::Joined(joined) => {
            assert_eq!(joined.room.cid, "demo@paris.example.com");
            Some(joined.participant)
        }
        ServerBody::Refused(refused) => panic!("{refused:?}"),
        _ => None,
    })
    .await
}

fn offer(peer: Peer) -> ClientBody {
    ClientBody::Offer(Offer {
        connection: peer,
        generation: 1,
        sdp: "an offer".into(),
        lines: Vec::new(),
    })
}

#[tokio::test(start_paused = true)]
async fn their_own_server_is_told_who_comes_and_who_leaves() {
    let two = two();
    let (mut ben, mut cora) = (client(2, "ben"), client(3, "cora"));
    come(&two, &mut ben).await;
    come(&two, &mut cora).await;
    two.oslo.request(&ben.newcomer, ClientBody::Leave {});
    two.oslo.ended(cora.newcomer.run);
    let mut noted = two.line.noted.subscribe();
    let all = noted.wait_for(|noted| noted.len() == 4).await.unwrap().clone();
    let [came, went] = [&all[..2], &all[2..]].map(|notes| {
        let mut notes = notes.to_vec();
        notes.sort();
        notes
    });
    assert_eq!(came, ["ben came into demo by 2", "cora came into demo by 3"]);
    // Whose page is lost may come back by another connection.
    assert_eq!(went, ["ben left demo by 2", "cora left demo by 3 or returns"]);
}

#[tokio::test(start_paused = true)]
async fn they_are_in_the_roster_there_and_their_media_are_served_here() {
    let two = two();
    let mut anna = client(1, "anna");
    anna.join(&two.paris, None).await;
    let mut ben = client(2, "ben");
    come(&two, &mut ben).await;
    let name = anna.hear(|told| match told {
        ServerBody::Roster(roster) => {
            let names = roster.participants.into_iter().map(|one| one.name);
            names.into_iter().find(|name| name.contains("oslo.example.net"))
        }
        _ => None,
    });
    assert!(name.await.contains("ben"));
    two.oslo.request(&ben.newcomer, offer(Peer::Publish));
    ben.hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    assert_eq!(
        (two.oslo_world.handshakes(), two.paris_world.handshakes()),
        (1, 0)
    );
    assert_eq!(two.line.halls.load(Ordering::SeqCst), 1);
    let paris: ServerName = PARIS.parse().unwrap();
    assert_eq!(two.oslo.abroad_counts(), [(paris, 1)].into());
    assert!(two.paris.abroad_counts().is_empty(), "she is at home");
    two.oslo.request(
        &ben.newcomer,
        ClientBody::Say(Say {
            text: "hello".into(),
            ..Say::default()
        }),
    );
    anna.hear(|told| match told {
        ServerBody::Chat(chat) => (chat.lines[0].text == "hello").then_some(()),
        _ => None,
    })
    .await;
    two.oslo.request(&ben.newcomer, ClientBody::Leave {});
    two.paris_world.until(|_| two.paris.seats() == 1).await;
    two.oslo_world.until(World::is_empty).await;
    two.oslo_world
        .until(|_| two.oslo.abroad_counts().is_empty())
        .await;
    assert_eq!(
        two.line.halls.load(Ordering::SeqCst),
        0,
        "nothing crosses any more"
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_moderator_there_does_holds_here() {
    let two = two();
    let mut anna = client(1, "anna");
    let own = anna.join(&two.paris, None).await.participant;
    two.paris_world.make_moderator(own);
    let mut ben = client(2, "ben");
    let place = come(&two, &mut ben).await;
    two.oslo.request(&ben.newcomer, offer(Peer::Publish));
    ben.hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    let act = |act: Act| {
        ClientBody::Moderate(Moderate {
            participant: Some(place),
            ..Moderate::from(act)
        })
    };
    two.paris.request(&anna.newcomer, act(Act::SendBack));
    ben.hear(|told| match told {
        ServerBody::Waiting(waiting) => (waiting.room.cid == "demo@paris.example.com").then_some(()),
        _ => None,
    })
    .await;
    // Nothing of them flows, whatever they ask for.
    two.oslo_world.until(|world| world.is_empty()).await;
    two.oslo.request(&ben.newcomer, offer(Peer::Publish));
    assert_eq!(ben.refused().await, ("offer".into(), Refusal::Waiting));
    two.paris.request(&anna.newcomer, act(Act::Remove));
    let why = ben.hear(|told| match told {
        ServerBody::Ended(Ended { reason }) => Some(reason),
        _ => None,
    });
    assert!(matches!(why.await, Why::NotAdmitted | Why::Removed));
}

#[tokio::test(start_paused = true)]
async fn when_the_connection_is_lost_the_place_is_taken_up_again() {
    let two = two();
    let mut anna = client(1, "anna");
    let left = anna.join(&two.paris, None).await.participant;
    let mut ben = client(2, "ben");
    let place = come(&two, &mut ben).await;
    two.oslo.request(&ben.newcomer, offer(Peer::Publish));
    ben.hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    two.paris.request(&anna.newcomer, ClientBody::Leave {});
    two.line.cuts.send_modify(|cuts| *cuts += 1);
    // They are told what is new, and nothing that has them begin anew.
    let gone = ben.hear(|told| match told {
        ServerBody::Roster(roster) => roster.gone.contains(&left).then_some(roster.participants),
        ServerBody::Joined(_) | ServerBody::Lost(_) | ServerBody::Ended(_) => panic!("{told:?}"),
        _ => None,
    });
    drop(gone.await);
    assert_eq!(two.oslo_world.handshakes(), 1, "media were not touched");
    two.oslo.request(
        &ben.newcomer,
        ClientBody::State(State {
            hand: Some(true),
            ..State::default()
        }),
    );
    two.paris_world.until(|world| world.moves(place) == Some(1)).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_other_server_to_come_back_is_heard() {
    let two = two();
    let mut ben = client(2, "ben");
    come(&two, &mut ben).await;
    two.line.dead.store(true, Ordering::SeqCst);
    two.line.cuts.send_modify(|cuts| *cuts += 1);
    two.oslo.request(&ben.newcomer, offer(Peer::Publish));
    ben.hear(|told| matches!(told, ServerBody::Answer(_)).then_some(()))
        .await;
    let hand = State {
        hand: Some(true),
        ..State::default()
    };
    two.oslo.request(&ben.newcomer, ClientBody::State(hand));
    assert_eq!(ben.refused().await, ("state".into(), Refusal::TooFast));
    two.oslo.request(&ben.newcomer, ClientBody::Leave {});
    two.oslo_world.until(World::is_empty).await;
    assert_eq!(two.line.halls.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_is_told_and_the_place_is_there_when_it_is_back() {
    let two = two_keeping(Duration::from_secs(10));
    let mut ben = client(2, "ben");
    two.oslo
        .request(&ben.newcomer, join("demo@paris.example.com", None));
    let place = ben.hear(|told| match told {
        ServerBody::Joined(joined) => Some(Place {
            participant: joined.participant,
            secret: joined.secret,
        }),
        _ => None,
    });
    let place = place.await;
    two.line.dead.store(true, Ordering::SeqCst);
    two.line.cuts.send_modify(|cuts| *cuts += 1);
    assert_eq!(ben.refused().await, ("join".into(), Refusal::Unavailable));
    two.line.dead.store(false, Ordering::SeqCst);
    let resume = Some(place.clone());
    two.oslo
        .request(&ben.newcomer, join("demo@paris.example.com", resume));
    let again = ben.hear(|told| match told {
        ServerBody::Joined(joined) => Some(joined.participant),
        _ => None,
    });
    assert_eq!(again.await, place.participant);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_cannot_be_reached_is_told_and_not_waited_for() {
    let two = two();
    two.line.dead.store(true, Ordering::SeqCst);
    let mut ben = client(2, "ben");
    two.oslo
        .request(&ben.newcomer, join("demo@paris.example.com", None));
    assert_eq!(ben.refused().await, ("join".into(), Refusal::Unreachable));
    // A name that is no server is no conference of this one either.
    two.oslo.request(&ben.newcomer, join("demo@", None));
    assert_eq!(ben.refused().await, ("join".into(), Refusal::NotFound));
    // With the own server's name it is one of this server.
    two.oslo
        .request(&ben.newcomer, join("demo@oslo.example.net", None));
    ben.hear(|told| matches!(told, ServerBody::Joined(_)).then_some(()))
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_pro_leaves_and_is_told_why() {
    let two = two();
    let (mut ben, mut carl, mut dora) = (client(2, "ben"), client(3, "ben"), client(4, "dora"));
    for one in [&mut ben, &mut carl, &mut dora] {
        come(&two, one).await;
    }
    let name = |user: &str| user.parse::<UserName>().unwrap();
    assert_eq!(two.oslo.abroad_people(), [name("ben"), name("dora")].into());
    two.oslo.end_abroad(&name("ben"), Why::SeatRevoked);
    for one in [&mut ben, &mut carl] {
        assert_eq!(one.ended().await, Why::SeatRevoked);
    }
    two.paris_world.until(|_| two.paris.seats() == 1).await;
    two.oslo_world
        .until(|_| two.oslo.abroad_people() == [name("dora")].into())
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_may_not_be_in_such_conferences_any_more_leaves_and_is_told_why() {
    let two = two();
    let (mut ben, mut dora) = (client(2, "ben"), client(3, "dora"));
    for one in [&mut ben, &mut dora] {
        come(&two, one).await;
    }
    let paris: ServerName = "paris.example.com".parse().unwrap();
    assert_eq!(two.oslo.abroad_meetings(), [(paris.clone(), false)].into());
    let lyon = "lyon.example.org".parse().unwrap();
    two.oslo.end_meetings(&lyon, false, Why::NotAllowed);
    two.oslo.end_meetings(&paris, true, Why::NotAllowed);
    two.oslo.end_meetings(&paris, false, Why::NotAllowed);
    for one in [&mut ben, &mut dora] {
        assert_eq!(one.ended().await, Why::NotAllowed);
    }
    two.paris_world.until(|_| two.paris.seats() == 0).await;
    assert_eq!(two.oslo.abroad_meetings(), [].into());
}

#[tokio::test(start_paused = true)]
async fn a_line_whose_link_breaks_is_said_once() {
    let two = two();
    let (mut anna, mut ben) = (client(1, "anna"), client(2, "ben"));
    anna.join(&two.paris, None).await;
    come(&two, &mut ben).await;
    let writer = ben.newcomer.clone();
    let say = |text: &str, key: &str| {
        let line = Say {
            text: text.into(),
            key: Some(key.into()),
            ..Say::default()
        };
        two.oslo.request(&writer, ClientBody::Say(line));
    };
    // It was heard there, and the link breaks before that is told here: the line comes with the place.
    say("Hello", "b-1");
    let lines = anna.hear(|told| match told {
        ServerBody::Chat(chat) => Some(chat.lines),
        _ => None,
    });
    assert_eq!(lines.await[0].key.as_deref(), Some("b-1"));
    two.line.cuts.send_modify(|cuts| *cuts += 1);
    ben.hear(|told| match told {
        ServerBody::Chat(chat) => (chat.lines.last()?.key.as_deref() == Some("b-1")).then_some(()),
        _ => None,
    })
    .await;
    // While nothing goes over, it is told which line is to be sent again.
    two.line.dead.store(true, Ordering::SeqCst);
    two.line.cuts.send_modify(|cuts| *cuts += 1);
    let lost = loop {
        say("More", "b-2");
        let told = ben.told.try_recv();
        if let Ok(ServerBody::Refused(refused)) = told {
            break refused;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((lost.code, lost.key.as_deref()), (Refusal::TooFast, Some("b-2")));
    two.line.dead.store(false, Ordering::SeqCst);
    two.paris_world.until(|_| two.paris.seats() == 2).await;
    // As a page does that has not seen its lines.
    say("Hello", "b-1");
    say("More", "b-2");
    say("More", "b-2");
    say("Last", "b-3");
    let mut heard = Vec::new();
    while heard.last().map(String::as_str) != Some("Last") {
        let more = anna.hear(|told| match told {
            ServerBody::Chat(chat) => Some(chat.lines),
            _ => None,
        });
        heard.extend(more.await.into_iter().map(|line| line.text));
    }
    assert_eq!(heard, ["More", "Last"]);
}
