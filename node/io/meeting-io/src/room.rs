//! A room on this node: tells everybody in it what is new, and who waits that they wait.

mod murmur;
mod personal;
mod podium;

use crate::{
    History, Hub, Murmur, Present, ReadLine, Reads, Refused, View,
    seat::{Permit, Told, UNSETTLED},
};
use murmur::Murmurs;
pub(crate) use personal::ToldAlone;
use plenary_model::Cid;
use plenary_signalling::{
    ServerBody,
    meeting::{
        CHAT_PAGE, Called, CalledPerson, Chat, ChatChanged, Joined, Layout, LineNumber, List, Listener,
        ParticipantId, People, Place, Room as Facts, Said, Speaking, Waiting, Why,
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
/// Of more people than are told by name, numbers alone are told at most this often.
const COUNT_EVERY: Duration = Duration::from_secs(1);
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
    /// Of a run: what it asks of the list of people.
    List(u64, List),
    /// Of a run: whom it wants to hear of beside those who come first.
    Follow(u64, Vec<ParticipantId>),
    /// A run is writing into the chat.
    Writes(u64),
    /// A run has read the chat up to a line.
    Reads(u64, LineNumber),
    /// What another node tells of its people.
    Murmur(Murmur),
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
    pub(crate) listener: Listener,
    pub(crate) joined_at: u64,
    /// Which lines of the chat they are told; what they may not read changes unheard.
    pub(crate) reads: Option<Reads>,
    /// Knows who was called, as moderators do.
    pub(crate) told_called: bool,
    /// Came through a Border Controller.
    pub(crate) outside: bool,
    pub(crate) alone: ToldAlone,
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
    people: People,
    /// Whom those may be shown who are not shown everybody.
    stage: Arc<BTreeSet<ParticipantId>>,
    facts: Facts,
    /// The highest number of a line, and of a change of one, that was read.
    last_line: u64,
    last_change: u64,
    /// When changes are told next.
    due: Option<Instant>,
    told: Option<Instant>,
    /// When numbers were told last.
    counted: Option<Instant>,
    speaking: Speaking,
    voices: Voices,
    murmurs: Murmurs,
    called: Vec<CalledPerson>,
    /// Guests inside when it was looked the last time, with what they are called; none: it never was.
    guests: Option<BTreeMap<ParticipantId, String>>,
}

/// What was read of the state at once.
struct Read {
    view: View,
    /// What was said or changed since the last time.
    lines: Vec<ReadLine>,
    /// What was said in all, for those who may come in.
    history: Vec<History>,
}

/// Lives as long as somebody of this node is in the room.
pub(crate) async fn keep(hub: Hub, cid: Cid, mut inbox: mpsc::UnboundedReceiver<Tidings>) {
    let mut keeper = Keeper {
        hub,
        cid,
        seated: HashMap::new(),
        people: People::default(),
        stage: Arc::default(),
        facts: Facts::default(),
        last_line: 0,
        last_change: 0,
        due: None,
        told: None,
        counted: None,
        speaking: Speaking::default(),
        voices: Voices::default(),
        murmurs: Murmurs::default(),
        called: Vec::new(),
        guests: None,
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
            () = wait(keeper.murmurs.due()) => {
                keeper.tell_murmurs();
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
            Some(Tidings::List(run, list)) => keeper.list(run, &list),
            Some(Tidings::Follow(run, whom)) => keeper.follow(run, whom),
            Some(Tidings::Writes(run)) => keeper.writes(run),
            Some(Tidings::Reads(run, line)) => keeper.reads(run, line),
            Some(Tidings::Murmur(murmur)) => keeper.hear_murmur(&murmur),
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
        self.due_by(soon);
    }

    fn due_by(&mut self, moment: Instant) {
        self.due = Some(self.due.map_or(moment, |due| due.min(moment)));
    }

    fn speaking(&mut self, speaking: Speaking) {
        self.voices.hear(&speaking.participants, self.facts.mode);
        if !speaking.participants.iter().all(|id| self.people.is_told(*id)) {
            // Of who speaks all must know who that is.
            self.changed();
        }
        self.speaking = speaking;
        self.tell_inside(&ServerBody::Speaking(self.speaking.clone()));
        self.tell_voices();
    }

    fn list(&mut self, run: u64, list: &List) {
        if let Some(seated) = self.seated.get(&run).filter(|seated| seated.is_inside()) {
            let page = seated.listener.list(&mut self.people, &list.find, list.from);
            seated.tell.send(ServerBody::Listed(page)).ok();
        }
    }

    fn follow(&mut self, run: u64, whom: Vec<ParticipantId>) {
        if let Some(seated) = self.seated.get_mut(&run) {
            seated.listener.follow(whom);
            self.changed();
        }
    }

    /// In a smart meeting, who speaks here or by a program comes onto the podium.
    fn tell_voices(&mut self) {
        let here = |id: ParticipantId| self.seated.values().any(|one| one.place.participant == id);
        let Some(heard) = self.voices.news(&self.people, here) else {
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

    /// Reads the state and tells what is new; those who have come get all of it, or wait.
    async fn look(&mut self) {
        self.due = None;
        self.told = Some(Instant::now());
        match self.read().await {
            Ok(Some(read)) => {
                let come = self.new_guests(&read.view);
                self.take(read);
                self.tell_lines_of(&come).await;
            }
            Ok(None) => self.all_out(self.hub.roster().why_gone(&self.cid).await),
            Err(why) => {
                self.turn_away(&why);
                self.look_again(&why);
            }
        }
    }

    fn look_again(&mut self, error: &Refused) {
        tracing::warn!(reason = error.detail, room = %self.cid, "the roster cannot be read; it is tried again");
        self.due = Some(Instant::now() + READ_AGAIN);
    }

    async fn read(&self) -> Result<Option<Read>, Refused> {
        let roster = self.hub.roster();
        let Some(view) = roster.view(&self.cid).await? else {
            return Ok(None);
        };
        let lines = roster.lines(&self.cid, self.last_change).await?;
        let outside = self.seated.values().filter(|seated| !seated.is_inside());
        let outside: Vec<_> = outside.map(|seated| seated.place.participant).collect();
        let history = if outside.is_empty() {
            Vec::new()
        } else {
            roster.history(&self.cid, &outside).await?
        };
        Ok(Some(Read { view, lines, history }))
    }

    /// Tells what is new, and lets in and sends back whom the roster says.
    fn take(&mut self, read: Read) {
        let Read { view, lines, history } = read;
        if self.facts != view.room {
            self.facts = view.room.clone();
            self.tell_inside(&ServerBody::Room(self.facts.clone()));
        }
        self.tell_lines(lines);
        self.voices.podium(&view.participants);
        let stage = stage(&view);
        if *self.stage != stage {
            self.stage = Arc::new(stage);
        }
        let let_in = self.tell_roster(&view);
        self.welcome(&let_in, &history);
        self.note_nodes(&view);
        self.tell_called(&view);
        self.tell_alone(&view);
    }

    /// What is new of the chat; clients of before know nothing of lines that change.
    fn tell_lines(&mut self, lines: Vec<ReadLine>) {
        let known = self.last_line;
        for read in &lines {
            self.last_change = self.last_change.max(read.changed);
            self.last_line = self.last_line.max(read.number);
        }
        let (mut said, changed): (Vec<_>, Vec<_>) = lines.into_iter().partition(|read| read.number > known);
        said.sort_by_key(|read| read.number);
        self.murmurs.said(&said);
        self.tell_readers_of(said, |lines| ServerBody::Chat(Chat { lines }));
        self.tell_readers_of(changed, |lines| ServerBody::ChatChanged(ChatChanged { lines }));
    }

    /// Guests who have come, or are called otherwise now, since it was looked the last time.
    fn new_guests(&mut self, view: &View) -> Vec<ParticipantId> {
        let all = view.participants.iter().map(|one| &one.participant);
        let guests = all.filter(|one| one.guest && !one.waiting);
        let guests: BTreeMap<_, _> = guests.map(|one| (one.id, one.name.clone())).collect();
        let before = self.guests.replace(guests);
        let (Some(before), Some(now)) = (before, &self.guests) else {
            return Vec::new();
        };
        let is_new = |(id, name): &(&ParticipantId, &String)| before.get(id) != Some(*name);
        now.iter().filter(is_new).map(|(id, _)| *id).collect()
    }

    /// What guests who come back have said before is theirs by the name that they have now.
    async fn tell_lines_of(&self, guests: &[ParticipantId]) {
        if guests.is_empty() {
            return;
        }
        match self.hub.roster().lines_of(&self.cid, guests).await {
            Ok(lines) => self.tell_readers_of(lines, |lines| ServerBody::ChatChanged(ChatChanged { lines })),
            // They have their lines again when they, or others, load the page anew.
            Err(why) => {
                tracing::warn!(reason = why.detail, room = %self.cid, "lines of guests cannot be read")
            }
        }
    }

    /// Tells each of them those of the lines that they read.
    fn tell_readers_of(&self, lines: Vec<ReadLine>, body: impl Fn(Vec<Said>) -> ServerBody) {
        let lines: Vec<_> = lines.into_iter().map(|read| read.line).collect();
        for seated in self.seated.values().filter(|seated| seated.is_inside()) {
            let Some(reads) = &seated.reads else { continue };
            let theirs: Vec<_> = lines.iter().filter(|line| reads.has(line)).cloned().collect();
            if !theirs.is_empty() {
                seated.tell.send(body(theirs)).ok();
            }
        }
    }

    /// Moderators hear who was called; who is one no more forgets it.
    fn tell_called(&mut self, view: &View) {
        let is_new = self.called != view.called;
        if is_new {
            self.called.clone_from(&view.called);
        }
        let moderators = personal::moderators(view);
        for seated in self.seated.values_mut() {
            let moderates = seated.is_inside() && moderators.contains(&seated.place.participant);
            let people = match (moderates, seated.told_called) {
                (true, true) if is_new => self.called.clone(),
                (true, false) if !self.called.is_empty() => self.called.clone(),
                (false, true) => Vec::new(),
                _ => continue,
            };
            seated.told_called = moderates;
            seated.tell.send(ServerBody::Called(Called { people })).ok();
        }
    }

    /// Tells each client what is new of the roster and of its own place. Gives the runs of those who have come in.
    fn tell_roster(&mut self, view: &View) -> Vec<u64> {
        let now = Instant::now();
        let may_count = self.people.is_whole() || self.counted.is_none_or(|at| now >= at + COUNT_EVERY);
        let laid_out = self.facts.layout.as_deref().into_iter().flat_map(Layout::people);
        let ahead = self.voices.recent().chain(laid_out);
        let all = view.participants.iter().map(|one| one.participant.clone());
        let news = self.people.update(all.collect(), &ahead.collect(), may_count);
        if self.people.owes_counts() {
            self.due_by(self.counted.map_or(now, |at| at + COUNT_EVERY));
        } else if may_count {
            self.counted = Some(now);
        }
        let present: HashMap<_, _> = view
            .participants
            .iter()
            .map(|one| (one.participant.id, one))
            .collect();
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
            let (is_new, was_inside) = (seated.permit.is_none(), seated.is_inside());
            if was_inside
                && !one.participant.waiting
                && let Some(roster) = seated.listener.news(&self.people, &news)
            {
                seated.tell.send(ServerBody::Roster(roster)).ok();
            }
            if permit(seated, one, &self.stage) && (is_new || seated.is_inside() != was_inside) {
                if seated.is_inside() {
                    let_in.push(seated.run);
                } else {
                    let waiting = Waiting::new(view.room.clone(), &seated.place);
                    seated.tell.send(ServerBody::Waiting(waiting)).ok();
                }
            }
        }
        let_in
    }

    /// Those who have come in get all that they are to know.
    fn welcome(&mut self, runs: &[u64], history: &[History]) {
        if !runs.is_empty() {
            self.murmurs.came();
        }
        let media = self.hub.media_engine();
        for run in runs {
            let Some(seated) = self.seated.get_mut(run) else {
                continue;
            };
            let theirs = |one: &&History| one.of.contains(&seated.place.participant);
            let theirs = history.iter().find(theirs);
            let chat = theirs.map(|one| one.lines.clone()).unwrap_or_default();
            seated.reads = theirs.map(|one| one.reads.clone());
            let (participants, counts) = seated.listener.begin(&self.people);
            let joined = Joined {
                room: self.facts.clone(),
                participant: seated.place.participant,
                secret: seated.place.secret.clone(),
                participants,
                counts,
                earlier: chat.len() >= CHAT_PAGE,
                chat,
                run: theirs.and_then(|one| one.run),
                ice_servers: media.ice_servers(seated.place.participant, seated.outside),
            };
            seated.tell.send(ServerBody::Joined(joined)).ok();
            if !self.speaking.participants.is_empty() {
                seated.tell.send(ServerBody::Speaking(self.speaking.clone())).ok();
            }
        }
    }

    fn all_out(&self, why: Why) {
        for seated in self.seated.values() {
            seated.seat.send(Told::Out(why)).ok();
        }
    }

    /// Somebody comes. In a small meeting they are in at once; in a large one those who come at the same time share a look.
    async fn came(&mut self, seated: Seated) {
        self.seated.insert(seated.run, seated);
        if self.people.is_whole() {
            self.look().await;
        } else {
            self.changed();
        }
    }

    /// Those who have just come cannot be let in.
    fn turn_away(&self, why: &Refused) {
        for seated in self.seated.values().filter(|seated| seated.permit.is_none()) {
            seated.tell.send(crate::hub::refused("join", why.clone())).ok();
            seated.seat.send(Told::Leave).ok();
        }
    }
}

/// Who is shown to all.
fn stage(view: &View) -> BTreeSet<ParticipantId> {
    let shown = view.participants.iter().filter(|one| one.shown_to_all);
    shown.map(|one| one.participant.id).collect()
}

/// Notes what a place may do, and tells the seat. Gives whether that is new.
fn permit(seated: &mut Seated, one: &Present, stage: &Arc<BTreeSet<ParticipantId>>) -> bool {
    let permit = Permit {
        inside: !one.participant.waiting,
        flow: one.flow,
        only: (!one.sees_all).then(|| stage.clone()),
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
