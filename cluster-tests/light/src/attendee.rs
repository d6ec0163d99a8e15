//! Somebody in a meeting who neither sends nor receives media, and moves to another node when theirs is lost.

use crate::{
    heart::{self, BEAT, Verdict},
    person::locked,
    signal::{Heard, Signal},
};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        Counts, Join, Joined, Participant, ParticipantId, Place, Refusal, Refused, Room, Roster, Waiting,
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

/// Between two tries to reach a node, and before what was refused for now is asked again.
const RETRY: Duration = Duration::from_millis(100);

/// Who attends what, and where.
#[derive(Debug, Clone)]
pub struct Pass {
    /// URLs of all nodes (`http://…`), and the number of the one to begin with.
    pub nodes: Vec<String>,
    pub at: usize,
    /// Of a sign-in, or a guest's.
    pub token: String,
    /// The CID.
    pub room: String,
}

/// What an attendee knows.
#[derive(Debug, Clone, Default)]
pub struct Attendance {
    pub me: Option<ParticipantId>,
    /// The node that it is at.
    pub at: usize,
    /// There is a place, inside or in the waiting room, on the node that it is at.
    pub here: bool,
    pub waits: bool,
    pub room: Room,
    pub roster: BTreeMap<ParticipantId, Participant>,
    pub counts: Counts,
    /// What was said since, as it was said.
    pub lines: Vec<String>,
    /// From lost nodes, the last one at the end.
    pub returns: Vec<Return>,
    /// What was refused, and what failed, in words.
    pub complaints: Vec<String>,
}

/// From a lost node to another one.
#[derive(Debug, Clone, Copy)]
pub struct Return {
    pub from: usize,
    /// The place was taken up at another node.
    pub back: Instant,
}

enum Order {
    Say(ClientBody),
    Go(usize),
}

/// An attendee; it is gone without a word when this is dropped.
pub struct Attendee {
    seen: Arc<Mutex<Attendance>>,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl Attendee {
    /// Comes in; returns at once.
    #[must_use]
    pub fn enter(pass: Pass) -> Self {
        let seen = Arc::new(Mutex::new(Attendance {
            at: pass.at,
            ..Attendance::default()
        }));
        let (orders, inbox) = mpsc::unbounded_channel();
        let stay = Stay {
            pass,
            seen: Arc::clone(&seen),
            orders: inbox,
            place: None,
            lost: None,
        };
        Self {
            seen,
            orders,
            task: tokio::spawn(stay.run()),
        }
    }

    #[must_use]
    pub fn seen(&self) -> Attendance {
        locked(&self.seen).clone()
    }

    /// Says something, if there is a connection.
    pub fn say(&self, body: ClientBody) {
        self.orders.send(Order::Say(body)).ok();
    }

    /// Takes the place up at another node, as a page does that is loaded there.
    pub fn go(&self, node: usize) {
        self.orders.send(Order::Go(node)).ok();
    }
}

impl Drop for Attendee {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Stay {
    pass: Pass,
    seen: Arc<Mutex<Attendance>>,
    orders: mpsc::UnboundedReceiver<Order>,
    place: Option<Place>,
    /// The node that was lost and not come back from yet.
    lost: Option<usize>,
}

impl Stay {
    async fn run(mut self) {
        loop {
            if let Err(error) = self.attend().await {
                let mut seen = locked(&self.seen);
                let at = self.pass.at;
                seen.complaints.push(format!("at node {at}: {error:#}"));
                seen.here = false;
                if self.place.is_some() {
                    self.lost.get_or_insert(at);
                }
                self.pass.at = (at + 1) % self.pass.nodes.len();
                seen.at = self.pass.at;
            }
            sleep(RETRY).await;
        }
    }

    /// One connection; ends well when it is to go on at another node, which is noted.
    async fn attend(&mut self) -> anyhow::Result<()> {
        let mut signal = Signal::open(&self.pass.nodes[self.pass.at], &self.pass.token).await?;
        signal.say(self.join()).await?;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = Instant::now();
        loop {
            tokio::select! {
                heard = signal.hear() => {
                    last = Instant::now();
                    if let Heard::Body(body) = heard?
                        && !self.take(*body)?
                    {
                        sleep(RETRY).await;
                        signal.say(self.join()).await?;
                    }
                }
                _ = beat.tick() => {
                    signal.ping().await?;
                    if heart::judge(last, None, Instant::now()) != Verdict::Alive {
                        anyhow::bail!("nothing is heard of the node");
                    }
                }
                Some(order) = self.orders.recv() => match order {
                    Order::Say(body) => signal.say(body).await?,
                    Order::Go(node) => {
                        self.pass.at = node;
                        let mut seen = locked(&self.seen);
                        (seen.at, seen.here) = (node, false);
                        return Ok(());
                    }
                },
            }
        }
    }

    fn join(&self) -> ClientBody {
        ClientBody::Join(Join {
            room: self.pass.room.clone(),
            muted: false,
            camera: true,
            resume: self.place.clone(),
            pin: None,
        })
    }

    /// False: it must be asked again to come in.
    fn take(&mut self, body: ServerBody) -> anyhow::Result<bool> {
        match body {
            ServerBody::Joined(joined) => self.joined(joined),
            ServerBody::Waiting(waiting) => self.waits(waiting),
            ServerBody::Roster(roster) => self.follow(roster),
            ServerBody::Chat(chat) => {
                let lines = chat.lines.into_iter().map(|line| line.text);
                locked(&self.seen).lines.extend(lines);
            }
            ServerBody::Room(room) => locked(&self.seen).room = room,
            ServerBody::Refused(refused) => return Ok(self.refused(&refused)),
            ServerBody::Ended(ended) => anyhow::bail!("put out of the meeting: {:?}", ended.reason),
            _ => {}
        }
        Ok(true)
    }

    fn joined(&mut self, joined: Joined) {
        self.placed(joined.participant, joined.secret, joined.room, false);
        let mut seen = locked(&self.seen);
        seen.counts = joined.counts;
        seen.roster = joined.participants.into_iter().map(|one| (one.id, one)).collect();
    }

    fn waits(&mut self, waiting: Waiting) {
        self.placed(waiting.participant, waiting.secret, waiting.room, true);
        locked(&self.seen).roster.clear();
    }

    fn placed(&mut self, participant: ParticipantId, secret: String, room: Room, waits: bool) {
        self.place = Some(Place { participant, secret });
        let mut seen = locked(&self.seen);
        (seen.me, seen.here, seen.waits, seen.room) = (Some(participant), true, waits, room);
        if let Some(from) = self.lost.take() {
            let back = Instant::now();
            seen.returns.push(Return { from, back });
        }
    }

    fn follow(&self, roster: Roster) {
        let mut seen = locked(&self.seen);
        for gone in &roster.gone {
            seen.roster.remove(gone);
        }
        seen.counts = roster.counts;
        seen.roster
            .extend(roster.participants.into_iter().map(|one| (one.id, one)));
    }

    /// Only what is refused for now is asked again: a place that is lost must not be made up for by another one.
    fn refused(&self, refused: &Refused) -> bool {
        let words = format!("{} was refused: {}", refused.request, refused.detail);
        locked(&self.seen).complaints.push(words);
        let for_now = matches!(refused.code, Refusal::Unavailable | Refusal::TooFast);
        refused.request != "join" || !for_now
    }
}
