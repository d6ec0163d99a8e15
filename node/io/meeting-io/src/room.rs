//! A room on this node: tells everybody in it what is new, and who waits that they wait.

mod podium;

use crate::{
    Hub, Present, Refused, View,
    seat::{Permit, Told, UNSETTLED},
};
use plenary_model::Cid;
use plenary_signalling::{
    ServerBody,
    meeting::{
        Chat, Joined, Known, ParticipantId, Place, Role, Room as Facts, Roster, Said, Speaking, Waiting, Why,
    },
};
use podium::Voices;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// Changes are told at most this often, so that many who come at once are not many messages to each.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// When the state could not be read.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// What the task of a room is told.
pub(crate) enum Tidings {
    Came(Box<Seated>),
    /// By run.
    Went(u64),
    /// Roster, chat or the conference itself are not as they were.
    Changed,
    Speaking(Speaking),
}

/// Somebody of this node in the room.
pub(crate) struct Seated {
    pub(crate) run: u64,
    pub(crate) place: Place,
    pub(crate) moves: Arc<AtomicU64>,
    pub(crate) tell: mpsc::UnboundedSender<ServerBody>,
    pub(crate) seat: mpsc::UnboundedSender<Told>,
    /// What the seat was told last; `None` before it was told anything.
    pub(crate) permit: Option<Permit>,
    /// Whether they were a moderator when they were told of the roster last: moderators hear of who waits.
    pub(crate) moderates: bool,
    pub(crate) joined_at: u64,
}

impl Seated {
    fn is_inside(&self) -> bool {
        self.permit.as_ref().is_some_and(|permit| permit.inside)
    }
}

struct Keeper {
    hub: Hub,
    cid: Cid,
    seated: HashMap<u64, Seated>,
    /// Those inside, as all were told.
    known: Known,
    /// With those who wait, as moderators were told.
    known_to_moderators: Known,
    facts: Facts,
    last_line: u64,
    /// When changes are told next.
    due: Option<Instant>,
    told: Option<Instant>,
    speaking: Speaking,
    voices: Voices,
}

/// Lives as long as somebody of this node is in the room.
pub(crate) async fn keep(hub: Hub, cid: Cid, mut inbox: mpsc::UnboundedReceiver<Tidings>) {
    let mut keeper = Keeper {
        hub,
        cid,
        seated: HashMap::new(),
        known: Known::default(),
        known_to_moderators: Known::default(),
        facts: Facts::default(),
        last_line: 0,
        due: None,
        told: None,
        speaking: Speaking::default(),
        voices: Voices::default(),
    };
    loop {
        let tidings = tokio::select! {
            tidings = inbox.recv() => tidings,
            () = wait(keeper.due) => {
                keeper.look().await;
                continue;
            }
            () = wait(keeper.voices.due()) => {
                keeper.tell_voices();
                continue;
            }
        };
        match tidings {
            Some(Tidings::Came(seated)) => keeper.came(*seated).await,
            Some(Tidings::Went(run)) => {
                keeper.seated.remove(&run);
                if keeper.seated.is_empty() && keeper.hub.close_room(&keeper.cid, &inbox) {
                    return;
                }
            }
            Some(Tidings::Changed) => keeper.changed(),
            Some(Tidings::Speaking(speaking)) => keeper.speaking(speaking),
            None => return,
        }
    }
}

async fn wait(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

impl Keeper {
    fn changed(&mut self) {
        let soon = self.told.map_or_else(Instant::now, |told| told + TELL_EVERY);
        self.due.get_or_insert(soon);
    }

    fn speaking(&mut self, speaking: Speaking) {
        self.voices.hear(&speaking.participants, self.facts.mode);
        self.speaking = speaking;
        self.tell_inside(&ServerBody::Speaking(self.speaking.clone()));
        self.tell_voices();
    }

    /// In a smart meeting, who speaks here or by a program comes onto the podium.
    fn tell_voices(&mut self) {
        let here = |id: ParticipantId| self.seated.values().any(|one| one.place.participant == id);
        let Some(heard) = self.voices.news(&self.known, here) else {
            return;
        };
        let (hub, cid) = (self.hub.clone(), self.cid.clone());
        tokio::spawn(async move {
            // It is told again while they speak.
            hub.roster().spoke(&cid, heard).await.ok();
        });
    }

    fn tell_inside(&self, body: &ServerBody) {
        for seated in self.seated.values().filter(|seated| seated.is_inside()) {
            seated.tell.send(body.clone()).ok();
        }
    }

    /// Reads the state and tells what is new.
    async fn look(&mut self) {
        self.due = None;
        self.told = Some(Instant::now());
        match self.read().await {
            Ok(Some((view, lines))) => {
                if let Err(error) = self.take(&view, lines).await {
                    self.look_again(&error);
                }
            }
            Ok(None) => self.all_out(Why::RoomDeleted),
            Err(error) => self.look_again(&error),
        }
    }

    fn look_again(&mut self, error: &Refused) {
        tracing::warn!(reason = error.detail, room = %self.cid, "the roster cannot be read; it is tried again");
        self.due = Some(Instant::now() + READ_AGAIN);
    }

    async fn read(&self) -> Result<Option<(View, Vec<(u64, Said)>)>, Refused> {
        let roster = self.hub.roster();
        let Some(view) = roster.view(&self.cid).await? else {
            return Ok(None);
        };
        let lines = roster.lines(&self.cid, self.last_line).await?;
        Ok(Some((view, lines)))
    }

    /// Tells what is new in `view`, and lets in and sends back whom it says.
    async fn take(&mut self, view: &View, lines: Vec<(u64, Said)>) -> Result<(), Refused> {
        let all = || view.participants.iter().map(|one| one.participant.clone());
        let news = self.known.update(all().filter(|one| !one.waiting).collect());
        let news_to_moderators = self.known_to_moderators.update(all().collect());
        if self.facts != view.room {
            self.facts = view.room.clone();
            self.tell_inside(&ServerBody::Room(self.facts.clone()));
        }
        if let Some((last, _)) = lines.last() {
            self.last_line = *last;
            let lines = lines.into_iter().map(|(_, line)| line).collect();
            self.tell_inside(&ServerBody::Chat(Chat { lines }));
        }
        let present: BTreeMap<_, _> = view
            .participants
            .iter()
            .map(|one| (one.participant.id, one))
            .collect();
        let hidden = Arc::new(hidden(view));
        let mut let_in = Vec::new();
        for seated in self.seated.values_mut() {
            let own = seated.moves.load(Ordering::Acquire);
            let Some(one) = present.get(&seated.place.participant) else {
                if own != UNSETTLED {
                    let why = why_gone(view, seated);
                    drop(seated.seat.send(Told::Out(why)));
                }
                continue;
            };
            if own != UNSETTLED && one.moves > own {
                drop(seated.seat.send(Told::Elsewhere));
                continue;
            }
            if one.moves == own && one.participant.away {
                drop(seated.seat.send(Told::Away));
            }
            let was_inside = seated.is_inside();
            if seated.permit.is_some() && was_inside && !one.participant.waiting {
                tell_roster(seated, one, &news, &news_to_moderators, view);
            }
            if permit(seated, one, &hidden) && seated.is_inside() != was_inside {
                if seated.is_inside() {
                    let_in.push(seated.run);
                } else {
                    seated
                        .tell
                        .send(ServerBody::Waiting(Waiting::new(
                            view.room.clone(),
                            &seated.place,
                        )))
                        .ok();
                }
            }
        }
        self.voices.podium(&view.participants);
        self.welcome(view, &let_in).await
    }

    /// Those who have come in get all of it.
    async fn welcome(&mut self, view: &View, runs: &[u64]) -> Result<(), Refused> {
        if runs.is_empty() {
            return Ok(());
        }
        let lines = self.hub.roster().lines(&self.cid, 0).await?;
        let lines: Vec<Said> = lines.into_iter().map(|(_, line)| line).collect();
        for run in runs {
            let Some(seated) = self.seated.get_mut(run) else {
                continue;
            };
            let id = seated.place.participant;
            let own = view.participants.iter().find(|one| one.participant.id == id);
            seated.moderates = own.is_some_and(|one| one.participant.role > Role::Participant);
            let moderates = seated.moderates;
            let all = view.participants.iter().map(|one| &one.participant);
            let joined = Joined {
                room: view.room.clone(),
                participant: id,
                secret: seated.place.secret.clone(),
                participants: all.filter(|one| moderates || !one.waiting).cloned().collect(),
                chat: lines.clone(),
                ice_servers: self.hub.media_engine().ice_servers(id),
            };
            seated.tell.send(ServerBody::Joined(joined)).ok();
            if !self.speaking.participants.is_empty() {
                seated.tell.send(ServerBody::Speaking(self.speaking.clone())).ok();
            }
        }
        Ok(())
    }

    fn all_out(&self, why: Why) {
        for seated in self.seated.values() {
            seated.seat.send(Told::Out(why)).ok();
        }
    }

    /// Somebody comes: the others hear what is new first, then they get all of it, or wait.
    async fn came(&mut self, mut seated: Seated) {
        let run = seated.run;
        let (view, news) = match self.read().await {
            Ok(Some(read)) => read,
            Ok(None) => {
                seated.seat.send(Told::Out(Why::RoomDeleted)).ok();
                self.seated.insert(run, seated);
                return;
            }
            Err(why) => {
                self.seated.insert(run, seated);
                return self.turn_away(run, why);
            }
        };
        let taken = self.take(&view, news).await;
        let id = seated.place.participant;
        let own = view.participants.iter().find(|one| one.participant.id == id);
        match own {
            Some(one) => drop(permit(&mut seated, one, &Arc::new(hidden(&view)))),
            // Gone again already.
            None => self.changed(),
        }
        let waits = own.is_some_and(|one| one.participant.waiting);
        if waits {
            let waiting = Waiting::new(view.room.clone(), &seated.place);
            seated.tell.send(ServerBody::Waiting(waiting)).ok();
        }
        self.seated.insert(run, seated);
        let done = match taken {
            Ok(()) if !waits => self.welcome(&view, &[run]).await,
            taken => taken,
        };
        if let Err(why) = done {
            self.turn_away(run, why);
        }
    }

    fn turn_away(&self, run: u64, why: Refused) {
        if let Some(seated) = self.seated.get(&run) {
            seated.tell.send(crate::hub::refused("join", why)).ok();
            seated.seat.send(Told::Leave).ok();
        }
    }
}

/// Whom those may not be shown who do not see all.
fn hidden(view: &View) -> BTreeSet<ParticipantId> {
    let hidden = view.participants.iter().filter(|one| !one.shown_to_all);
    hidden.map(|one| one.participant.id).collect()
}

/// Notes what a place may do, and tells the seat. Gives whether that is new.
fn permit(seated: &mut Seated, one: &Present, hidden: &Arc<BTreeSet<ParticipantId>>) -> bool {
    let permit = Permit {
        inside: !one.participant.waiting,
        flow: one.flow,
        hidden: if one.sees_all {
            Arc::default()
        } else {
            hidden.clone()
        },
    };
    seated.joined_at = one.participant.joined_at;
    if seated.permit.as_ref() == Some(&permit) {
        return false;
    }
    seated.permit = Some(permit.clone());
    seated.seat.send(Told::Permit(permit)).ok();
    true
}

fn why_gone(view: &View, seated: &Seated) -> Why {
    if let Some(why) = view.lost.get(&seated.place.participant) {
        return *why;
    }
    let ended = view.ended.filter(|(at, _)| *at >= seated.joined_at);
    match (&seated.permit, ended) {
        (Some(_), Some((_, why))) => why,
        (Some(permit), None) if !permit.inside => Why::NotAdmitted,
        _ => Why::Removed,
    }
}

/// Tells somebody inside what is new in the roster; who becomes a moderator hears of those who wait.
fn tell_roster(
    seated: &mut Seated,
    own: &Present,
    news: &Option<Roster>,
    news_to_moderators: &Option<Roster>,
    view: &View,
) {
    let moderates = own.participant.role > Role::Participant;
    let news = if moderates { news_to_moderators } else { news };
    if let Some(news) = news {
        seated.tell.send(ServerBody::Roster(news.clone())).ok();
    }
    if std::mem::replace(&mut seated.moderates, moderates) == moderates {
        return;
    }
    let waiting = || {
        view.participants
            .iter()
            .map(|one| &one.participant)
            .filter(|one| one.waiting)
    };
    let roster = Roster {
        participants: if moderates {
            waiting().cloned().collect()
        } else {
            Vec::new()
        },
        gone: if moderates {
            Vec::new()
        } else {
            waiting().map(|one| one.id).collect()
        },
    };
    if roster != Roster::default() {
        seated.tell.send(ServerBody::Roster(roster)).ok();
    }
}
