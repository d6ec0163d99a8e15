//! Somebody who is connected to a node by signalling, and what they were told.

use crate::world::{Account, LOOK, PATIENCE, World};
use anyhow::ensure;
use plenary_light::{Heard, Signal};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        Act, CalledPerson, Counts, InvitedPerson, Join, Joined, Layout, Moderate, Participant, ParticipantId,
        Place, Refusal, Refused, RemovedPerson, Room, Said, Say, State, Watchers, Why,
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

/// A sign of life goes out so often.
const BEAT: Duration = Duration::from_secs(2);

/// What somebody was told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) place: Option<Place>,
    pub(crate) inside: bool,
    pub(crate) waits: bool,
    pub(crate) room: Room,
    pub(crate) roster: BTreeMap<ParticipantId, Participant>,
    pub(crate) counts: Counts,
    pub(crate) chat: Vec<String>,
    /// The chat as it is now, by the numbers of lines.
    pub(crate) lines: BTreeMap<u64, Said>,
    /// There may be lines before those.
    pub(crate) more: bool,
    /// When the run began that goes on.
    pub(crate) run: Option<u64>,
    /// Who is writing.
    pub(crate) writing: Vec<ParticipantId>,
    pub(crate) called: Vec<CalledPerson>,
    /// Who is invited to the podium, as far as this one is told.
    pub(crate) invitations: Vec<InvitedPerson>,
    /// The layout that a moderator has sent to this one alone.
    pub(crate) own_layout: Option<Layout>,
    /// Programs that watch.
    pub(crate) watchers: Watchers,
    /// Whom moderators removed.
    pub(crate) removed: Vec<RemovedPerson>,
    pub(crate) ended: Vec<Why>,
    /// What somebody in the address book does, by user.
    pub(crate) presence: BTreeMap<String, String>,
    refused: Vec<Refused>,
    /// Why the connection is over.
    pub(crate) closed: Option<String>,
}

impl Seen {
    /// Who is known by this account.
    pub(crate) fn of(&self, account: &Account) -> Option<&Participant> {
        let is = |one: &&Participant| one.user.as_deref() == Some(account.id.as_str());
        self.roster.values().find(is)
    }

    pub(crate) fn me(&self) -> Option<&Participant> {
        self.roster.get(&self.place.as_ref()?.participant)
    }

    fn take(&mut self, body: ServerBody) {
        match body {
            ServerBody::Joined(joined) => self.joined(joined),
            ServerBody::Waiting(waiting) => {
                (self.inside, self.waits, self.room) = (false, true, waiting.room);
                self.place = Some(Place {
                    participant: waiting.participant,
                    secret: waiting.secret,
                });
                self.roster.clear();
            }
            ServerBody::Roster(roster) => {
                for gone in &roster.gone {
                    self.roster.remove(gone);
                }
                self.counts = roster.counts;
                let changed = roster.participants.into_iter();
                self.roster.extend(changed.map(|one| (one.id, one)));
            }
            ServerBody::Room(room) => self.room = room,
            ServerBody::Chat(chat) => {
                self.chat.extend(chat.lines.iter().map(|line| line.text.clone()));
                self.hear_lines(chat.lines);
            }
            ServerBody::ChatChanged(changed) => self.hear_lines(changed.lines),
            ServerBody::ChatEarlier(earlier) => {
                self.more = earlier.more;
                self.hear_lines(earlier.lines);
            }
            ServerBody::Writing(writing) => {
                self.writing = writing.people.iter().map(|one| one.participant).collect();
            }
            ServerBody::Called(called) => self.called = called.people,
            ServerBody::Invitations(told) => self.invitations = told.people,
            ServerBody::OwnLayout(own) => self.own_layout = own.layout,
            ServerBody::Watchers(watchers) => self.watchers = watchers,
            ServerBody::Removed(removed) => self.removed = removed.people,
            ServerBody::Refused(refused) => self.refused.push(refused),
            ServerBody::Ended(ended) => {
                (self.inside, self.waits) = (false, false);
                self.ended.push(ended.reason);
            }
            ServerBody::Presence { user, presence } => {
                let presence = serde_json::to_value(presence).unwrap_or_default();
                let presence = presence.as_str().unwrap_or_default().to_owned();
                self.presence.insert(user.to_string(), presence);
            }
            _ => {}
        }
    }

    fn hear_lines(&mut self, lines: Vec<Said>) {
        let numbered = lines
            .into_iter()
            .filter_map(|line| Some((line.id.parse().ok()?, line)));
        self.lines.extend(numbered);
    }

    fn joined(&mut self, joined: Joined) {
        (self.inside, self.waits, self.room) = (true, false, joined.room);
        self.place = Some(Place {
            participant: joined.participant,
            secret: joined.secret,
        });
        (self.counts, self.more, self.run) = (joined.counts, joined.earlier, joined.run);
        self.chat = joined.chat.iter().map(|line| line.text.clone()).collect();
        self.lines.clear();
        self.hear_lines(joined.chat);
        self.roster = joined.participants.into_iter().map(|one| (one.id, one)).collect();
    }
}

/// A connection; it is cut when this is dropped.
pub(crate) struct Visitor {
    name: String,
    seen: Arc<Mutex<Seen>>,
    orders: mpsc::UnboundedSender<ClientBody>,
    task: JoinHandle<()>,
}

impl Visitor {
    /// Connects to the node whose turn it is.
    pub(crate) async fn open(world: &World, name: &str, token: &str) -> anyhow::Result<Self> {
        Self::open_at(world, world.next(), name, token).await
    }

    pub(crate) async fn open_at(world: &World, node: usize, name: &str, token: &str) -> anyhow::Result<Self> {
        let mut signal = Signal::open_from(world.address(), world.url(node), token, PATIENCE).await?;
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let (orders, mut inbox) = mpsc::unbounded_channel();
        let known = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut beat = tokio::time::interval(BEAT);
            let error = loop {
                let done = tokio::select! {
                    heard = signal.hear() => match heard {
                        Ok(Heard::Body(body)) => {
                            locked(&known).take(*body);
                            Ok(())
                        }
                        Ok(Heard::Beat) => Ok(()),
                        Err(error) => Err(error),
                    },
                    Some(order) = inbox.recv() => signal.say(order).await,
                    _ = beat.tick() => signal.ping().await,
                };
                if let Err(error) = done {
                    break error;
                }
            };
            locked(&known).closed = Some(format!("{error:#}"));
        });
        Ok(Self {
            name: name.to_owned(),
            seen,
            orders,
            task,
        })
    }

    pub(crate) fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }

    pub(crate) fn say(&self, body: ClientBody) {
        self.orders.send(body).ok();
    }

    /// Asks to come in.
    pub(crate) fn knock(&self, room: &str, pin: Option<&str>) {
        self.say(ClientBody::Join(Join {
            room: room.to_owned(),
            muted: false,
            camera: true,
            resume: None,
            pin: pin.map(str::to_owned),
        }));
    }

    /// Takes up the place of another connection.
    pub(crate) fn resume(&self, room: &str, place: Place) {
        self.say(ClientBody::Join(Join {
            room: room.to_owned(),
            muted: false,
            camera: true,
            resume: Some(place),
            pin: None,
        }));
    }

    /// Comes in.
    pub(crate) async fn join(&self, room: &str) -> anyhow::Result<()> {
        self.join_by(room, None).await
    }

    pub(crate) async fn join_by(&self, room: &str, pin: Option<&str>) -> anyhow::Result<()> {
        self.knock(room, pin);
        self.until("comes in", |seen| seen.inside && seen.me().is_some())
            .await
    }

    /// Goes out again.
    pub(crate) fn leave(&self) {
        self.say(ClientBody::Leave {});
        let mut seen = locked(&self.seen);
        (seen.inside, seen.waits, seen.place) = (false, false, None);
    }

    /// Comes in, and has to wait.
    pub(crate) async fn join_to_wait(&self, room: &str) -> anyhow::Result<()> {
        self.knock(room, None);
        self.until("waits", |seen| seen.waits).await
    }

    pub(crate) fn set(&self, state: State) {
        self.say(ClientBody::State(state));
    }

    /// The screen.
    pub(crate) fn show(&self, content: bool) {
        self.set(State {
            content: Some(content),
            ..State::default()
        });
    }

    pub(crate) fn raise_hand(&self) {
        self.set(State {
            hand: Some(true),
            ..State::default()
        });
    }

    /// Accepts an invitation to the podium, or declines it.
    pub(crate) fn answer(&self, accepts: bool) {
        self.set(State {
            invitation: Some(accepts),
            ..State::default()
        });
    }

    pub(crate) fn chat(&self, text: &str) {
        let text = text.to_owned();
        self.say(ClientBody::Say(Say {
            text,
            ..Say::default()
        }));
    }

    pub(crate) fn act(&self, act: Act) {
        self.moderate(act, None, None);
    }

    pub(crate) fn act_on(&self, act: Act, whom: &Visitor) {
        let place = whom.seen().place;
        self.moderate(act, place.map(|place| place.participant), None);
    }

    /// Has somebody come again who was removed, by the ID of the list of them.
    pub(crate) fn let_back(&self, id: ParticipantId) {
        self.moderate(Act::LetBack, Some(id), None);
    }

    pub(crate) fn set_layout(&self, layout: Layout) {
        self.moderate(Act::SetLayout, None, Some(layout));
    }

    pub(crate) fn set_layout_of(&self, whom: &Visitor, layout: Layout) {
        let place = whom.seen().place;
        let whom = place.map(|place| place.participant);
        self.moderate(Act::SetLayoutOf, whom, Some(layout));
    }

    fn moderate(&self, act: Act, participant: Option<ParticipantId>, layout: Option<Layout>) {
        self.say(ClientBody::Moderate(Moderate {
            participant,
            layout,
            ..Moderate::from(act)
        }));
    }

    /// Waits until they were told so.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Seen) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let seen = self.seen();
            if is_so(&seen) {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "{}: not within {} s: {what}; {seen:?}",
                self.name,
                PATIENCE.as_secs()
            );
            sleep(LOOK).await;
        }
    }

    /// Waits until a request of theirs was refused as this.
    pub(crate) async fn refused(&self, request: &str, code: Refusal) -> anyhow::Result<String> {
        Ok(self.refusal(request, code).await?.detail)
    }

    /// The same, with all that is told.
    pub(crate) async fn refusal(&self, request: &str, code: Refusal) -> anyhow::Result<Refused> {
        let is = |refused: &Refused| refused.request == request && refused.code == code;
        self.until(&format!("{request} is refused as {code:?}"), |seen| {
            seen.refused.iter().any(is)
        })
        .await?;
        let mut seen = locked(&self.seen);
        let at = seen.refused.iter().position(is).unwrap_or_default();
        Ok(seen.refused.remove(at))
    }

    /// Waits until they are put out for this reason.
    pub(crate) async fn out(&self, why: Why) -> anyhow::Result<()> {
        self.until(&format!("is put out: {why:?}"), |seen| seen.ended.contains(&why))
            .await
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Account {
    /// Connects by signalling, to the node whose turn it is.
    pub(crate) async fn connect(&self) -> anyhow::Result<Visitor> {
        Visitor::open(&self.world, &self.id, &self.token).await
    }

    /// Connects and comes in.
    pub(crate) async fn join(&self, room: &str) -> anyhow::Result<Visitor> {
        let visitor = self.connect().await?;
        visitor.join(room).await?;
        Ok(visitor)
    }
}

fn locked(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
