//! Meetings of this node: what they need of the server and of the media engine.

mod chat;
mod entry;
mod media;
pub(crate) mod murmur;
mod refusal;
mod wire;

pub(crate) use entry::Comer;

use crate::{
    federation, lease::Usable, limits::Limiter, media::MediaDoor, options::system_for, seats, server::Server,
    turn::Turn,
};
use async_trait::async_trait;
use entry::{comer, moves, person};
use media::EngineMedia;
use plenary_access::Refusal as Ruled;
use plenary_conference::{Change, Command, Heard, Party, Run, SecretHash, StatePatch, Via, Whom};
use plenary_media_io::{Engine, Event};
use plenary_meeting_io::{
    Entered, History, Hub, Murmur, Newcomer, Person as Visitor, ReadLine, Refused, Roster, View, Whence,
};
use plenary_model::{Cid, NodeId, ServerName, UserName};
use plenary_rest_api::{
    backend::{Applied, Backend as _, ReadError, WriteError},
    token_hash,
};
use plenary_signalling::{
    Who,
    meeting::{
        Call, CallOff, ChatEarlier, Edit, LineNumber, Moderate, ParticipantId, Place, Refusal, Say, State,
        Unsay, Why,
    },
};
use plenary_signalling_io::Client;
use plenary_store::queries;
use refusal::{refused, unreadable};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};
use tokio::sync::mpsc;
use wire::{
    act_of, called_person, ended, for_meetings, invitations, present, removed, room_on_wire, rules_id,
    watchers, why,
};
pub(crate) use wire::{allow, flow_of};

/// Most people whom moderators hear of that they were called.
const CALLED: usize = 200;

/// The roster of all meetings: the replicated state.
pub(crate) struct ServerRoster(pub(crate) Arc<Server>);

/// Begins meetings on this node.
pub(crate) fn start(server: &Arc<Server>, engine: &Engine, turn: Arc<Turn>, limiter: Arc<Limiter>) -> Hub {
    let roster = Arc::new(ServerRoster(server.clone()));
    let engine = engine.clone();
    let media = Arc::new(EngineMedia {
        engine,
        turn,
        limiter,
    });
    let hub = Hub::new(roster, media);
    federation::travel(server, &hub);
    server.meetings.get_or_init(|| hub).clone()
}

/// From where a client of signalling is connected now.
pub(crate) fn whence(client: &Client) -> Whence {
    Whence {
        address: client.address,
        outside: client.from_outside,
    }
}

/// Who a client of signalling is in meetings.
pub(crate) fn newcomer(client: &Client) -> Newcomer {
    let Who { user, guest_of, .. } = &client.who;
    let person = match guest_of {
        Some(room) => Visitor::Guest {
            id: user.clone(),
            room: room.clone(),
        },
        None => Visitor::Account(user.clone()),
    };
    Newcomer {
        run: client.run,
        person,
        whence: Some(whence(client)),
        tell: client.tell.clone(),
        permits: None,
    }
}

/// Carries what the media engine tells to those whom it concerns, until the engine ends.
pub(crate) async fn watch_media(
    hub: Hub,
    door: Arc<MediaDoor>,
    limiter: Arc<Limiter>,
    mut events: mpsc::UnboundedReceiver<Event>,
) {
    while let Some(event) = events.recv().await {
        if let Event::Ended(key) = &event {
            door.over(*key);
            limiter.over(*key);
        }
        if let Some(event) = for_meetings(event) {
            hub.media(event);
        }
    }
}

fn hash(secret: &str) -> SecretHash {
    SecretHash(token_hash(secret).0)
}

impl ServerRoster {
    async fn propose(&self, change: Change) -> Result<Applied, WriteError> {
        self.propose_for(None, change).await
    }

    /// The same for who comes from there.
    async fn propose_for(&self, from: Option<IpAddr>, change: Change) -> Result<Applied, WriteError> {
        let command = Command {
            by: system_for(from),
            idempotency: None,
            change,
        };
        self.0.propose_conference(command).await
    }

    /// Proposes, and waits until this node has it too.
    async fn change(&self, change: Change) -> Result<Applied, Refused> {
        let applied = self.propose(change).await.map_err(refused)?;
        self.0.wait_applied(applied.index).await.map_err(unreadable)?;
        Ok(applied)
    }

    /// The same for what a moderator does, and for who answers one.
    async fn act(&self, change: Change) -> Result<(), Refused> {
        let applied = self.propose(change).await.map_err(|error| match &error {
            // Trying again does not help a moderator: things are not as they thought.
            WriteError::Refused(Ruled::Conflict(words)) => Refused::new(Refusal::Conflict, words.clone()),
            _ => refused(error),
        })?;
        self.0.wait_applied(applied.index).await.map_err(unreadable)
    }

    /// Whether it is a call of two, by this node's copy of the state.
    async fn is_call(&self, room: &Cid) -> bool {
        let cid = room.clone();
        let found = self.0.query(move |db| queries::conference(db, &cid)).await;
        found.is_ok_and(|found| found.is_some_and(|conference| conference.call))
    }
}

fn named(own: &ServerName, users: &[String]) -> Result<Vec<Party>, Refused> {
    let users = users
        .iter()
        .map(|user| user.parse().map(|party: Party| party.seen_from(own)));
    let users = users.collect::<Result<_, _>>();
    users.map_err(|error| Refused::new(Refusal::BadRequest, format!("users: {error}")))
}

#[async_trait]
impl Roster for ServerRoster {
    async fn find(&self, id: &Cid, place: Option<&Place>) -> Result<Option<Cid>, Refused> {
        let look = || {
            let (id, place) = (id.clone(), place.cloned());
            self.0.query(move |db| {
                if let Some(place) = &place
                    && let Some(found) = queries::participant_anywhere(db, rules_id(place.participant))?
                    && found.secret.is(&hash(&place.secret))
                {
                    return Ok(Some(found.cid));
                }
                let called = queries::conference_called(db, &id)?;
                Ok(called.map(|conference| conference.cid))
            })
        };
        if let Some(found) = look().await.map_err(unreadable)? {
            return Ok(Some(found));
        }
        // It may have got this ID a moment ago, on another node.
        self.0.fresh().await.map_err(unreadable)?;
        look().await.map_err(unreadable)
    }

    async fn enter(
        &self,
        room: &Cid,
        visitor: &Visitor,
        from: Option<IpAddr>,
        state: State,
        pin: Option<String>,
    ) -> Result<Entered, Refused> {
        self.enter_by(room, comer(visitor, from)?, Via::Browser, state, pin)
            .await
    }

    async fn knows(&self, room: &Cid, visitor: &Visitor, place: &Place) -> bool {
        if self.0.lessee.usable() != Usable::Yes && !self.is_call(room).await {
            return false;
        }
        let (cid, id) = (room.clone(), rules_id(place.participant));
        let found = self.0.query(move |db| queries::participant(db, &cid, id)).await;
        let (Ok(Some(found)), Ok(person)) = (found, person(visitor)) else {
            return false;
        };
        found.person == person && found.secret.is(&hash(&place.secret))
    }

    async fn resume(&self, room: &Cid, place: &Place, from: Option<IpAddr>) -> Result<u64, Refused> {
        let change = Change::Resume {
            cid: room.clone(),
            participant: rules_id(place.participant),
            secret: hash(&place.secret),
            node: self.0.me(),
            epoch: self.0.epoch,
        };
        let asked = seats::reading();
        let applied = self.propose_for(from, change).await.map_err(refused)?;
        self.0.wait_applied(applied.index).await.map_err(unreadable)?;
        self.0.alive.heard(asked);
        moves(&applied)
    }

    async fn leave(&self, room: &Cid, participant: ParticipantId, moves: u64) -> Result<(), Refused> {
        let change = Change::Leave {
            cid: room.clone(),
            participant: rules_id(participant),
            moves,
        };
        self.change(change).await.map(drop)
    }

    async fn set(
        &self,
        room: &Cid,
        participant: ParticipantId,
        moves: u64,
        state: State,
    ) -> Result<(), Refused> {
        let State {
            muted,
            camera,
            content,
            hand,
            podium,
            invitation,
        } = state;
        let change = Change::Set {
            cid: room.clone(),
            participant: rules_id(participant),
            moves,
            patch: StatePatch {
                muted,
                camera,
                content,
                hand,
                podium,
                invitation,
            },
        };
        match invitation {
            // Whoever answers is told why it is too late.
            Some(_) => self.act(change).await,
            None => self.change(change).await.map(drop),
        }
    }

    async fn react(
        &self,
        room: &Cid,
        participant: ParticipantId,
        moves: u64,
        reaction: String,
    ) -> Result<(), Refused> {
        let change = Change::React {
            cid: room.clone(),
            participant: rules_id(participant),
            moves,
            text: reaction,
        };
        self.change(change).await.map(drop)
    }

    async fn say(&self, room: &Cid, participant: ParticipantId, say: Say) -> Result<(), Refused> {
        let level = self.0.replica.status().level;
        self.act(chat::say(room, participant, say, level)).await
    }

    async fn edit(&self, room: &Cid, participant: ParticipantId, edit: Edit) -> Result<(), Refused> {
        self.act(chat::edit(room, participant, edit)).await
    }

    async fn unsay(&self, room: &Cid, participant: ParticipantId, unsay: Unsay) -> Result<(), Refused> {
        self.act(chat::unsay(room, participant, unsay)).await
    }

    async fn moderate(&self, room: &Cid, by: ParticipantId, what: Moderate) -> Result<(), Refused> {
        let change = Change::Act {
            cid: room.clone(),
            by: Some(rules_id(by)),
            act: act_of(what)?,
        };
        self.act(change).await
    }

    async fn call(&self, room: &Cid, by: ParticipantId, call: Call) -> Result<(), Refused> {
        let whom = if call.invited {
            Whom::Invited
        } else {
            Whom::Users(named(&self.0.facts.server, &call.users)?)
        };
        let change = Change::Call {
            cid: room.clone(),
            by: Some(rules_id(by)),
            whom,
        };
        self.act(change).await
    }

    async fn call_off(&self, room: &Cid, by: ParticipantId, calls: CallOff) -> Result<(), Refused> {
        let users = (!calls.all)
            .then(|| named(&self.0.facts.server, &calls.users))
            .transpose()?;
        let change = Change::CallOff {
            cid: room.clone(),
            by: Some(rules_id(by)),
            users,
        };
        self.act(change).await
    }

    async fn spoke(&self, room: &Cid, heard: Vec<(ParticipantId, u64)>) -> Result<(), Refused> {
        let heard = heard.into_iter().take(plenary_conference::HEARD);
        let heard = heard.map(|(id, ago_ms)| Heard {
            participant: rules_id(id),
            ago_ms,
        });
        let change = Change::Spoke {
            cid: room.clone(),
            heard: heard.collect(),
        };
        self.change(change).await.map(drop)
    }

    async fn why_gone(&self, room: &Cid) -> Why {
        let cid = room.clone();
        let last = self.0.query(move |db| queries::last_run(db, &cid)).await;
        // What was a call goes with its run, which has ended for all; what goes while people meet was deleted.
        let ended_by = last
            .ok()
            .flatten()
            .and_then(|run| run.ended)
            .and_then(|end| end.why);
        ended_by.map_or(Why::RoomDeleted, ended)
    }

    async fn view(&self, room: &Cid) -> Result<Option<View>, Refused> {
        let cid = room.clone();
        let lease_ends = self.0.lessee.ends_soon();
        let read = self.0.query(move |db| {
            let Some(conference) = queries::conference(db, &cid)? else {
                return Ok(None);
            };
            let names: BTreeMap<NodeId, String> = queries::nodes(db)?
                .into_iter()
                .map(|row| (row.id, row.name.to_string()))
                .collect();
            let lost = queries::lost_seats(db)?;
            let roster = queries::roster(db, &cid)?;
            let run = queries::run(db, &cid)?;
            let invitations = invitations(&conference, &roster);
            let silent = chat::silent(db, &conference, &roster)?;
            let present = roster.into_iter().map(|one| {
                let no_chat = silent.get(&one.id).copied();
                present(&conference, one, &names, no_chat)
            });
            let participants = present.collect();
            let called = match run.as_ref().filter(|run| run.is_on()) {
                Some(Run { started_at, .. }) => queries::rings(db, &cid, *started_at, CALLED)?,
                None => Vec::new(),
            };
            Ok(Some(View {
                called: called.into_iter().map(called_person).collect(),
                room: room_on_wire(&conference, run.as_ref(), lease_ends),
                participants,
                watchers: watchers(queries::named_watchers(db, &cid)?),
                removed: removed(queries::shut_out(db, &cid)?),
                invitations,
                ended: run.and_then(|run| run.ended).map(|(at, why)| (at.0, ended(why))),
                lost: lost
                    .into_iter()
                    .map(|(place, loss)| (ParticipantId(place), why(loss)))
                    .collect(),
            }))
        });
        read.await.map_err(unreadable)
    }

    async fn lines(&self, room: &Cid, after: u64) -> Result<Vec<ReadLine>, Refused> {
        let cid = room.clone();
        let read = self.0.query(move |db| chat::lines(db, &cid, after));
        read.await.map_err(unreadable)
    }

    async fn lines_of(&self, room: &Cid, places: &[ParticipantId]) -> Result<Vec<ReadLine>, Refused> {
        let (cid, places) = (room.clone(), places.to_vec());
        let read = self.0.query(move |db| chat::lines_of(db, &cid, &places));
        read.await.map_err(unreadable)
    }

    async fn history(&self, room: &Cid, of: &[ParticipantId]) -> Result<Vec<History>, Refused> {
        let (cid, of) = (room.clone(), of.to_vec());
        let level = self.0.replica.status().level;
        let read = self.0.query(move |db| chat::history(db, &cid, &of, level));
        read.await.map_err(unreadable)
    }

    async fn earlier(
        &self,
        room: &Cid,
        of: ParticipantId,
        before: LineNumber,
    ) -> Result<ChatEarlier, Refused> {
        let cid = room.clone();
        let read = self.0.query(move |db| chat::earlier(db, &cid, of, before.0));
        read.await.map_err(unreadable)
    }

    fn murmur(&self, room: &Cid, to: BTreeSet<String>, murmur: Murmur) {
        murmur::tell(&self.0, room, &to, murmur);
    }
}

/// The guest of a token, as signalling knows clients.
pub(crate) async fn guest(server: &Server, token: &str) -> Result<Option<Who>, ReadError> {
    let (hash, now) = (token_hash(token), server.now_ms());
    let guest = server.query(move |db| queries::guest(db, &hash, now)).await?;
    let Some(guest) = guest else { return Ok(None) };
    let Ok(user) = guest.id.to_string().parse::<UserName>() else {
        return Ok(None);
    };
    Ok(Some(Who {
        session: user.to_string(),
        user,
        guest_of: Some(guest.cid),
        admin: false,
    }))
}
