//! What a participant does: docs/protocols/meeting.md from the client's side, as the pages do it
//! (`node/web-ui`: `meeting/meeting.ts`).

use crate::{
    heart::{self, BEAT, Verdict},
    peer::{Changed, Connection, Outgoing, Surroundings},
    person::{Move, Seen, Ticket, locked},
    signal::{Heard, Signal},
    watch::Watch,
};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{
        Answer, Join, Joined, Kind, Offer, ParticipantId, Peer, Place, Refusal, Refused, Roster, Show, Tile,
    },
};
use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

/// Pixels of a tile.
const HEIGHT: u16 = 180;
/// A voice packet's time; every fifth of them a picture goes out.
const VOICE: Duration = Duration::from_millis(20);
const VOICES_A_PICTURE: u32 = 5;
/// Voices that can be heard at once.
const VOICES: usize = 3;
/// A connection that is not up by then is made anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries to reach a node, and before what was refused for now is asked again.
const RETRY: Duration = Duration::from_millis(100);
const RETRY_REFUSED: Duration = Duration::from_secs(1);

/// One of the two connections.
struct Side<C> {
    open: Option<C>,
    /// Since when it is awaited; none when it is up or there is none.
    awaited: Option<Instant>,
}

pub(crate) struct Session {
    ticket: Ticket,
    seen: Arc<Mutex<Seen>>,
    surroundings: Surroundings,
    changes: mpsc::UnboundedReceiver<Changed>,
    signal: Option<Signal>,
    opening: Option<JoinHandle<anyhow::Result<Signal>>>,
    /// Nodes that were not reached one after the other.
    tries: usize,
    /// When the last socket or node was found lost.
    noticed: Instant,
    /// The last message came then.
    heard: Instant,
    place: Option<Place>,
    joined: bool,
    rejoin: Option<Instant>,
    generation: u32,
    publish: Side<Outgoing>,
    receive: Side<Connection>,
    told: Vec<Tile>,
    /// Voice packets and pictures sent so far.
    voices: u32,
    pictures: u32,
}

impl Session {
    pub(crate) fn new(ticket: Ticket, seen: Arc<Mutex<Seen>>, watch: Arc<Mutex<Watch>>) -> Self {
        let (sender, changes) = mpsc::unbounded_channel();
        // Higher than those of any run before, at whichever node.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            surroundings: Surroundings {
                address: ticket.address,
                through: ticket.through.as_slice().into(),
                changes: sender,
                watch,
            },
            ticket,
            seen,
            changes,
            signal: None,
            opening: None,
            tries: 0,
            noticed: Instant::now(),
            heard: Instant::now(),
            place: None,
            joined: false,
            rejoin: None,
            generation: since.as_secs() as u32,
            publish: Side::none(),
            receive: Side::none(),
            told: Vec::new(),
            voices: 0,
            pictures: 0,
        }
    }

    pub(crate) async fn run(mut self, mut left: oneshot::Receiver<()>) {
        let mut voice = interval(VOICE);
        voice.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.open(Duration::ZERO);
        loop {
            let result = tokio::select! {
                _ = &mut left => break,
                opened = opened(&mut self.opening) => self.opened(opened).await,
                heard = heard(&mut self.signal) => match heard {
                    Ok(heard) => self.hear(heard).await,
                    Err(error) => {
                        self.complain(&error);
                        self.cut(false);
                        Ok(())
                    }
                },
                Some(changed) = self.changes.recv() => self.changed(&changed).await,
                _ = voice.tick() => self.send().await,
                _ = beat.tick() => self.beat().await,
            };
            if let Err(error) = result {
                self.complain(&error);
            }
        }
        if let Some(mut signal) = self.signal.take() {
            signal.say(ClientBody::Leave {}).await.ok();
            signal.close().await;
        }
        self.close().await;
    }

    /// Reaches for the node that it is at.
    fn open(&mut self, after: Duration) {
        let node = self.ticket.nodes[self.ticket.at].clone();
        let token = self.ticket.token.clone();
        self.signal = None;
        self.joined = false;
        self.opening = Some(tokio::spawn(async move {
            sleep(after).await;
            Signal::open(&node, &token).await
        }));
    }

    async fn opened(&mut self, opened: anyhow::Result<Signal>) -> anyhow::Result<()> {
        match opened {
            Ok(signal) => {
                self.signal = Some(signal);
                self.tries = 0;
                self.heard = Instant::now();
                self.join().await
            }
            Err(error) => {
                self.tries += 1;
                self.go_on();
                let all_tried = self.tries >= self.ticket.nodes.len();
                self.open(if all_tried { RETRY } else { Duration::ZERO });
                Err(error)
            }
        }
    }

    /// The socket is gone, or with it the node.
    fn cut(&mut self, node: bool) {
        self.noticed = Instant::now();
        if node {
            self.go_on();
        }
        self.open(Duration::ZERO);
    }

    /// To the next node.
    fn go_on(&mut self) {
        let from = self.ticket.at;
        let to = (from + 1) % self.ticket.nodes.len();
        self.ticket.at = to;
        let mut seen = locked(&self.seen);
        seen.at = to;
        seen.connected = false;
        if let Some(last) = seen.moves.last_mut().filter(|last| last.joined.is_none()) {
            last.to = to;
        } else if self.place.is_some() {
            seen.moves.push(Move::new(from, to, self.noticed));
        }
    }

    async fn join(&mut self) -> anyhow::Result<()> {
        self.rejoin = None;
        let join = Join {
            room: self.ticket.room.clone(),
            muted: false,
            camera: true,
            resume: self.place.clone(),
            pin: None,
        };
        self.say(ClientBody::Join(join)).await
    }

    async fn say(&mut self, body: ClientBody) -> anyhow::Result<()> {
        match &mut self.signal {
            Some(signal) => signal.say(body).await,
            None => Ok(()),
        }
    }

    async fn hear(&mut self, heard: Heard) -> anyhow::Result<()> {
        self.heard = Instant::now();
        let Heard::Body(body) = heard else { return Ok(()) };
        match *body {
            ServerBody::Joined(joined) => self.joined(joined).await,
            ServerBody::Refused(refused) => {
                self.refused(&refused);
                Err(anyhow::anyhow!(
                    "{} was refused: {}",
                    refused.request,
                    refused.detail
                ))
            }
            ServerBody::Answer(answer) => self.answer(answer).await,
            ServerBody::Lost(lost) => self.renew(lost.connection, lost.generation).await,
            ServerBody::Roster(roster) => self.follow(roster).await,
            ServerBody::Ended(ended) => {
                self.place = None;
                self.rejoin = Some(Instant::now() + RETRY_REFUSED);
                Err(anyhow::anyhow!("put out of the meeting: {:?}", ended.reason))
            }
            _ => Ok(()),
        }
    }

    async fn joined(&mut self, joined: Joined) -> anyhow::Result<()> {
        self.joined = true;
        self.place = Some(Place {
            participant: joined.participant,
            secret: joined.secret,
        });
        {
            let mut seen = locked(&self.seen);
            seen.me = Some(joined.participant);
            seen.connected = false;
            let participants = joined.participants.into_iter();
            seen.roster = participants.map(|one| (one.id, one)).collect();
            if let Some(last) = seen.moves.last_mut() {
                last.joined.get_or_insert_with(Instant::now);
            }
        }
        locked(&self.surroundings.watch).begin_anew();
        self.told.clear();
        self.open_receive().await?;
        self.open_publish().await?;
        self.show().await
    }

    fn refused(&mut self, refused: &Refused) {
        if refused.request == "join" || refused.code == Refusal::NotJoined {
            if !matches!(
                refused.code,
                Refusal::Unavailable | Refusal::TooFast | Refusal::NotJoined
            ) {
                self.place = None;
            }
            self.rejoin = Some(Instant::now() + RETRY_REFUSED);
        }
    }

    async fn answer(&mut self, answer: Answer) -> anyhow::Result<()> {
        let connection = match answer.connection {
            Peer::Publish => self.publish.open.as_ref().map(|outgoing| &outgoing.connection),
            Peer::Receive => self.receive.open.as_ref(),
        };
        match connection.filter(|connection| connection.generation == answer.generation) {
            Some(connection) => connection.answer(answer.sdp).await,
            None => Ok(()),
        }
    }

    async fn follow(&mut self, roster: Roster) -> anyhow::Result<()> {
        {
            let mut seen = locked(&self.seen);
            for gone in &roster.gone {
                seen.roster.remove(gone);
            }
            let changed = roster.participants.into_iter();
            seen.roster.extend(changed.map(|one| (one.id, one)));
        }
        self.show().await
    }

    /// All others, in the order of their IDs.
    async fn show(&mut self) -> anyhow::Result<()> {
        let tile = |participant: ParticipantId| Tile {
            participant,
            kind: Kind::Video,
            height: HEIGHT,
        };
        let tiles: Vec<Tile> = {
            let seen = locked(&self.seen);
            let others = seen.roster.keys().filter(|id| Some(**id) != seen.me);
            others.take(self.ticket.pictures).map(|id| tile(*id)).collect()
        };
        if !self.joined || tiles == self.told {
            return Ok(());
        }
        self.told.clone_from(&tiles);
        self.say(ClientBody::Show(Show { tiles })).await
    }

    async fn open_receive(&mut self) -> anyhow::Result<()> {
        self.generation += 1;
        let pictures = self.ticket.pictures;
        let connection = Connection::receive(&self.surroundings, self.generation, VOICES, pictures).await?;
        let offer = connection.offer(Peer::Receive);
        if let Some(before) = self.receive.begin(connection) {
            tokio::spawn(before.close());
        }
        self.say(ClientBody::Offer(offer)).await
    }

    async fn open_publish(&mut self) -> anyhow::Result<()> {
        self.generation += 1;
        let outgoing = Outgoing::open(&self.surroundings, self.generation, self.ticket.tag).await?;
        let offer = outgoing.connection.offer(Peer::Publish);
        if let Some(before) = self.publish.begin(outgoing) {
            tokio::spawn(before.connection.close());
        }
        self.say(ClientBody::Offer(offer)).await
    }

    /// Makes a connection anew, if it is still this one.
    async fn renew(&mut self, connection: Peer, generation: u32) -> anyhow::Result<()> {
        if self.generation_of(connection) != Some(generation) || !self.joined {
            return Ok(());
        }
        match connection {
            Peer::Publish => self.open_publish().await,
            Peer::Receive => {
                locked(&self.surroundings.watch).begin_anew();
                self.open_receive().await
            }
        }
    }

    fn generation_of(&self, connection: Peer) -> Option<u32> {
        match connection {
            Peer::Publish => self
                .publish
                .open
                .as_ref()
                .map(|outgoing| outgoing.connection.generation),
            Peer::Receive => self.receive.open.as_ref().map(|connection| connection.generation),
        }
    }

    async fn changed(&mut self, changed: &Changed) -> anyhow::Result<()> {
        if self.generation_of(changed.connection) != Some(changed.generation) {
            return Ok(());
        }
        if !changed.up {
            return self.renew(changed.connection, changed.generation).await;
        }
        match changed.connection {
            Peer::Publish => self.publish.awaited = None,
            Peer::Receive => self.receive.awaited = None,
        }
        if self.publish.is_up() && self.receive.is_up() {
            let mut seen = locked(&self.seen);
            seen.connected = true;
            if let Some(last) = seen.moves.last_mut() {
                last.connected.get_or_insert_with(Instant::now);
            }
        }
        Ok(())
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        self.note_picture();
        if !self.publish.is_up() {
            return Ok(());
        }
        let Some(outgoing) = &mut self.publish.open else {
            return Ok(());
        };
        let (tag, level) = (self.ticket.tag, self.ticket.level);
        self.voices += 1;
        outgoing.say(tag, self.voices, level).await?;
        if self.voices.is_multiple_of(VOICES_A_PICTURE) {
            self.pictures += 1;
            let ms = self.voices.wrapping_mul(VOICE.as_millis() as u32);
            outgoing.show(tag, self.pictures, ms).await?;
        }
        Ok(())
    }

    /// When the first picture came after a move.
    fn note_picture(&self) {
        let mut seen = locked(&self.seen);
        if let Some(last) = seen.moves.last_mut()
            && let (Some(joined), None) = (last.joined, last.first_picture)
        {
            let watch = locked(&self.surroundings.watch);
            let after = watch.pictures.values().filter_map(|pictures| pictures.last);
            last.first_picture = after.filter(|at| *at > joined).min();
        }
    }

    async fn beat(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        if self.rejoin.is_some_and(|at| now >= at) {
            self.join().await?;
        }
        for (connection, awaited) in [
            (Peer::Publish, self.publish.awaited),
            (Peer::Receive, self.receive.awaited),
        ] {
            if awaited.is_some_and(|since| now - since >= PATIENCE)
                && let Some(generation) = self.generation_of(connection)
            {
                let waited = PATIENCE.as_secs();
                self.complain(&anyhow::anyhow!("no {connection:?} connection after {waited} s"));
                self.renew(connection, generation).await?;
            }
        }
        let Some(signal) = &mut self.signal else {
            return Ok(());
        };
        signal.ping().await?;
        let flowed = locked(&self.surroundings.watch).last();
        match heart::judge(self.heard, flowed, now) {
            Verdict::Alive => {}
            Verdict::Lost => self.cut(true),
            Verdict::Silent => self.cut(false),
        }
        Ok(())
    }

    async fn close(&mut self) {
        if let Some(outgoing) = self.publish.open.take() {
            outgoing.connection.close().await;
        }
        if let Some(connection) = self.receive.open.take() {
            connection.close().await;
        }
    }

    fn complain(&self, error: &anyhow::Error) {
        let mut seen = locked(&self.seen);
        let at = self.ticket.at;
        seen.complaints.push(format!("at node {at}: {error:#}"));
    }
}

impl<C> Side<C> {
    fn none() -> Self {
        Self {
            open: None,
            awaited: None,
        }
    }

    /// Gives the one of before.
    fn begin(&mut self, connection: C) -> Option<C> {
        self.awaited = Some(Instant::now());
        self.open.replace(connection)
    }

    fn is_up(&self) -> bool {
        self.open.is_some() && self.awaited.is_none()
    }
}

impl Connection {
    fn offer(&self, connection: Peer) -> Offer {
        Offer {
            connection,
            generation: self.generation,
            sdp: self.offer.clone(),
            lines: self.lines.clone(),
        }
    }
}

async fn opened(opening: &mut Option<JoinHandle<anyhow::Result<Signal>>>) -> anyhow::Result<Signal> {
    let Some(task) = opening else {
        return pending().await;
    };
    let opened = task.await;
    *opening = None;
    opened?
}

async fn heard(signal: &mut Option<Signal>) -> anyhow::Result<Heard> {
    match signal {
        Some(signal) => signal.hear().await,
        None => pending().await,
    }
}
