//! A room on this node: tells everybody in it what is new.

use crate::{Hub, Refused, View, seat::Told, seat::UNSETTLED};
use plenary_model::Cid;
use plenary_signalling::{
    ServerBody,
    meeting::{Chat, Joined, Known, Place, Room as RoomFacts, Said, Speaking, Why},
};
use std::{
    collections::{BTreeMap, HashMap},
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
}

struct Keeper {
    hub: Hub,
    cid: Cid,
    seated: HashMap<u64, Seated>,
    known: Known,
    last_line: u64,
    /// When changes are told next.
    due: Option<Instant>,
    told: Option<Instant>,
    speaking: Speaking,
}

/// Lives as long as somebody of this node is in the room.
pub(crate) async fn keep(hub: Hub, cid: Cid, mut inbox: mpsc::UnboundedReceiver<Tidings>) {
    let mut keeper = Keeper {
        hub,
        cid,
        seated: HashMap::new(),
        known: Known::default(),
        last_line: 0,
        due: None,
        told: None,
        speaking: Speaking::default(),
    };
    loop {
        let tidings = tokio::select! {
            tidings = inbox.recv() => tidings,
            () = wait(keeper.due) => {
                keeper.look().await;
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
        self.speaking = speaking;
        self.tell_all(&ServerBody::Speaking(self.speaking.clone()));
    }

    fn tell_all(&self, body: &ServerBody) {
        for seated in self.seated.values() {
            seated.tell.send(body.clone()).ok();
        }
    }

    /// Reads the state and tells what is new.
    async fn look(&mut self) {
        self.due = None;
        self.told = Some(Instant::now());
        match self.read().await {
            Ok(Some((view, lines))) => self.take(view, lines),
            Ok(None) => self.all_out(Why::RoomDeleted),
            Err(error) => {
                tracing::warn!(reason = error.detail, room = %self.cid, "the roster cannot be read; it is tried again");
                self.due = Some(Instant::now() + READ_AGAIN);
            }
        }
    }

    async fn read(&self) -> Result<Option<(View, Vec<(u64, Said)>)>, Refused> {
        let roster = self.hub.roster();
        let Some(view) = roster.view(&self.cid).await? else {
            return Ok(None);
        };
        let lines = roster.lines(&self.cid, self.last_line).await?;
        Ok(Some((view, lines)))
    }

    fn take(&mut self, view: View, lines: Vec<(u64, Said)>) {
        let View {
            participants, lost, ..
        } = view;
        let moves: BTreeMap<_, _> = participants
            .iter()
            .map(|(one, moves)| (one.id, (*moves, one.away)))
            .collect();
        let roster = self
            .known
            .update(participants.into_iter().map(|(one, _)| one).collect());
        if let Some(roster) = roster {
            self.tell_all(&ServerBody::Roster(roster));
        }
        if let Some((last, _)) = lines.last() {
            self.last_line = *last;
            let lines = lines.into_iter().map(|(_, line)| line).collect();
            self.tell_all(&ServerBody::Chat(Chat { lines }));
        }
        for seated in self.seated.values() {
            let own = seated.moves.load(Ordering::Acquire);
            match moves.get(&seated.place.participant) {
                None if own != UNSETTLED => {
                    let why = lost.get(&seated.place.participant);
                    drop(seated.seat.send(Told::Out(why.copied().unwrap_or(Why::Removed))));
                }
                Some((moves, _)) if own != UNSETTLED && *moves > own => {
                    drop(seated.seat.send(Told::Elsewhere))
                }
                Some((moves, true)) if *moves == own => drop(seated.seat.send(Told::Away)),
                _ => {}
            }
        }
    }

    fn all_out(&self, why: Why) {
        for seated in self.seated.values() {
            seated.seat.send(Told::Out(why)).ok();
        }
    }

    /// Somebody comes: the others hear what is new first, then they get all of it.
    async fn came(&mut self, seated: Seated) {
        let all = async {
            let read = self.read().await?;
            let Some((view, news)) = read else { return Ok(None) };
            let lines = self.hub.roster().lines(&self.cid, 0).await?;
            Ok::<_, Refused>(Some((view, news, lines)))
        };
        match all.await {
            Ok(Some((view, news, lines))) => {
                let joined = Joined {
                    room: RoomFacts {
                        cid: self.cid.to_string(),
                        name: view.name.clone(),
                    },
                    participant: seated.place.participant,
                    secret: seated.place.secret.clone(),
                    participants: view.participants.iter().map(|(one, _)| one.clone()).collect(),
                    chat: lines.into_iter().map(|(_, line)| line).collect(),
                    ice_servers: self.hub.media_engine().ice_servers(seated.place.participant),
                };
                self.take(view, news);
                seated.tell.send(ServerBody::Joined(joined)).ok();
                if !self.speaking.participants.is_empty() {
                    seated.tell.send(ServerBody::Speaking(self.speaking.clone())).ok();
                }
                self.seated.insert(seated.run, seated);
            }
            Ok(None) => {
                seated.seat.send(Told::Out(Why::RoomDeleted)).ok();
                self.seated.insert(seated.run, seated);
            }
            Err(why) => {
                seated.tell.send(crate::hub::refused("join", why)).ok();
                seated.seat.send(Told::Leave).ok();
                self.seated.insert(seated.run, seated);
            }
        }
    }
}
