//! What the rules and the media engine say, as clients hear it, and the other way round.

use plenary_conference::{
    Act, Arrangement, Call, Conference, End, How, Invited, KeptLayout, Layout, Mode, NoChat,
    Participant as Place, Person, Pin, Role as Standing, Run, ShutOut, Slot, Via, WaitingRoom, Watcher,
};
use plenary_media_io::{Allow, Event, Reason as Cause, SessionKey};
use plenary_meeting_io::{Flow, MediaEvent, Present, Refused, Session};
use plenary_model::NodeId;
use plenary_seats::Loss;
use plenary_signalling::meeting::{
    self, CalledPerson, Carried, Filled, InvitedPerson, Kind, Layers, Moderate, Participant, ParticipantId,
    Quality, Reaction, Reason, Refusal, Ringing, Role, SlotRule, Slots, Speaking, Via as Way, Why,
};
use std::collections::BTreeMap;

pub(super) fn rules_id(participant: ParticipantId) -> plenary_conference::ParticipantId {
    plenary_conference::ParticipantId(participant.0)
}

/// What of a participant may flow, as the rules have it.
pub(crate) fn flow_of(conference: &Conference, one: &Place) -> Flow {
    let flow = conference.flow_of(one);
    Flow {
        voice: flow.voice,
        camera: flow.camera,
        content: flow.content,
    }
}

pub(crate) fn allow(flow: Flow) -> Allow {
    Allow {
        voice: flow.voice,
        camera: flow.camera,
        content: flow.content,
    }
}

pub(super) fn present(
    conference: &Conference,
    one: Place,
    nodes: &BTreeMap<NodeId, String>,
    no_chat: Option<NoChat>,
) -> Present {
    Present {
        flow: flow_of(conference, &one),
        sees_all: conference.sees_all(&one),
        shown_to_all: conference.shows_to_all(&one),
        layout: one.layout.as_ref().map(layout_on_wire),
        moves: one.moves,
        participant: Participant {
            no_chat: no_chat.map(|why| match why {
                NoChat::Guests => meeting::NoChat::Guests,
                NoChat::Partner => meeting::NoChat::Partner,
            }),
            ..on_wire(conference, one, nodes)
        },
    }
}

/// A conference as those in it know it; `lease_ends` is when the seats that they have do.
pub(super) fn room_on_wire(
    conference: &Conference,
    run: Option<&Run>,
    lease_ends: Option<u64>,
) -> meeting::Room {
    let settings = &conference.settings;
    let ends_at = run.and_then(Run::ends_at).map(|at| at.0);
    let opened = run.and_then(|run| run.opened);
    meeting::Room {
        cid: conference.id().to_string(),
        name: conference.name.clone(),
        mode: match settings.mode {
            Mode::AllOnScreen => meeting::Mode::AllOnScreen,
            Mode::Smart => meeting::Mode::Smart,
            Mode::RoleBased => meeting::Mode::RoleBased,
            Mode::Lecture => meeting::Mode::Lecture,
        },
        podium_places: settings.podium_places,
        locked: run.is_some_and(|run| run.locked_at.is_some()),
        ends_at: ends_at
            .into_iter()
            .chain(lease_ends.filter(|_| !conference.call))
            .min(),
        has_pin: settings.pin.is_some(),
        layout: run
            .and_then(|run| run.layout.as_ref())
            .map(|layout| Box::new(layout_on_wire(layout))),
        layouts: settings.layouts.iter().map(kept_on_wire).collect(),
        open: conference.launch.is_virtual_room() || opened.is_some(),
        call: conference.call,
        quality: meeting::SentQuality {
            camera_height: settings.quality.camera_height,
            camera_fps: settings.quality.camera_fps,
            content_height: settings.quality.content_height,
            content_fps: settings.quality.content_fps,
        },
        guests: meeting::GuestRights {
            chat: settings.guests.chat,
            audio: settings.guests.audio,
            video: settings.guests.video,
        },
        planned: opened.is_some_and(|opened| opened.until.is_some()),
        waiting_room: match settings.waiting_room {
            None => meeting::WaitingRoom::Off,
            Some(WaitingRoom::All) => meeting::WaitingRoom::All,
            Some(WaitingRoom::Uninvited) => meeting::WaitingRoom::Uninvited,
            Some(WaitingRoom::UninvitedElsewhere) => meeting::WaitingRoom::UninvitedElsewhere,
            Some(WaitingRoom::Guests) => meeting::WaitingRoom::Guests,
        },
    }
}

fn kept_on_wire(kept: &KeptLayout) -> meeting::KeptLayout {
    meeting::KeptLayout {
        name: kept.name.clone(),
        layout: layout_on_wire(&kept.layout),
    }
}

fn layout_on_wire(layout: &Layout) -> meeting::Layout {
    meeting::Layout {
        arrangement: match layout.arrangement {
            Arrangement::Gallery => meeting::Arrangement::Gallery,
            Arrangement::Speaker => meeting::Arrangement::Speaker,
            Arrangement::Alone => meeting::Arrangement::Alone,
            Arrangement::Content => meeting::Arrangement::Content,
        },
        pinned: layout.pinned.map(|id| ParticipantId(id.0)),
        locked: layout.locked,
        slots: layout.slots.iter().map(|slot| slot_on_wire(*slot)).collect(),
        shuffle_s: layout.shuffle_s,
        names_hidden: layout.names_hidden,
        kept: layout.kept.clone(),
    }
}

fn slot_on_wire(slot: Slot) -> SlotRule {
    match slot {
        Slot::Automatic => SlotRule::Automatic,
        Slot::Person(id) => SlotRule::Person {
            participant: ParticipantId(id.0),
        },
        Slot::Speaker => SlotRule::Speaker,
        Slot::Content => SlotRule::Content,
    }
}

fn slot_of(slot: SlotRule) -> Slot {
    match slot {
        SlotRule::Automatic => Slot::Automatic,
        SlotRule::Person { participant } => Slot::Person(rules_id(participant)),
        SlotRule::Speaker => Slot::Speaker,
        SlotRule::Content => Slot::Content,
    }
}

fn layout_of(layout: meeting::Layout) -> Layout {
    Layout {
        arrangement: match layout.arrangement {
            meeting::Arrangement::Gallery => Arrangement::Gallery,
            meeting::Arrangement::Speaker => Arrangement::Speaker,
            meeting::Arrangement::Alone => Arrangement::Alone,
            meeting::Arrangement::Content => Arrangement::Content,
        },
        pinned: layout.pinned.map(rules_id),
        locked: layout.locked,
        slots: layout.slots.into_iter().map(slot_of).collect(),
        shuffle_s: layout.shuffle_s,
        names_hidden: layout.names_hidden,
        kept: layout.kept,
    }
}

fn waiting_room_of(room: meeting::WaitingRoom) -> Option<WaitingRoom> {
    match room {
        meeting::WaitingRoom::Off => None,
        meeting::WaitingRoom::All => Some(WaitingRoom::All),
        meeting::WaitingRoom::Uninvited => Some(WaitingRoom::Uninvited),
        meeting::WaitingRoom::UninvitedElsewhere => Some(WaitingRoom::UninvitedElsewhere),
        meeting::WaitingRoom::Guests => Some(WaitingRoom::Guests),
    }
}

/// What a moderator says, as the rules know it.
pub(super) fn act_of(what: Moderate) -> Result<Act, Refused> {
    use meeting::Act as Said;
    let of_all = match what.act {
        Said::AdmitAll => Some(Act::AdmitAll),
        Said::MuteAll => Some(Act::MuteAll),
        Said::Lock => Some(Act::Lock),
        Said::Unlock => Some(Act::Unlock),
        Said::End => Some(Act::End),
        Said::Start => Some(Act::Start),
        Said::SetLayout => {
            let missing = || Refused::new(Refusal::BadRequest, "layout is missing: which one?");
            Some(Act::SetLayout(layout_of(
                what.layout.clone().ok_or_else(missing)?,
            )))
        }
        Said::ClearLayout => Some(Act::ClearLayout),
        Said::SetPin => {
            let missing = || Refused::new(Refusal::BadRequest, "pin is missing: which one?");
            let digits = what.pin.clone().ok_or_else(missing)?.0;
            Some(Act::SetPin(
                Some(digits).filter(|digits| !digits.is_empty()).map(Pin),
            ))
        }
        Said::SetWaitingRoom => {
            let missing = || Refused::new(Refusal::BadRequest, "waiting_room is missing: for whom?");
            Some(Act::SetWaitingRoom(waiting_room_of(
                what.waiting_room.ok_or_else(missing)?,
            )))
        }
        Said::Extend => {
            let minutes = what.minutes;
            let missing = || Refused::new(Refusal::BadRequest, "minutes is missing: how many?");
            Some(Act::Extend(minutes.ok_or_else(missing)?))
        }
        _ => None,
    };
    if let Some(act) = of_all {
        return Ok(act);
    }
    let whom = what.participant.map(rules_id);
    let id =
        whom.ok_or_else(|| Refused::new(Refusal::BadRequest, "participant is missing: whom is it about?"))?;
    Ok(match what.act {
        Said::SetLayoutOf => {
            let missing = || Refused::new(Refusal::BadRequest, "layout is missing: which one?");
            Act::SetLayoutOf(id, layout_of(what.layout.ok_or_else(missing)?))
        }
        Said::ClearLayoutOf => Act::ClearLayoutOf(id),
        Said::Admit => Act::Admit(id),
        Said::SendBack => Act::SendBack(id),
        Said::Remove => Act::Remove(id),
        Said::LetBack => Act::LetBack(id),
        Said::RemoveWatcher => Act::RemoveWatcher(id),
        Said::Mute => Act::Mute(id),
        Said::StopCamera => Act::StopCamera(id),
        Said::StopContent => Act::StopContent(id),
        Said::AskToUnmute => Act::AskToUnmute(id),
        Said::MakeModerator => Act::MakeModerator(id),
        Said::UnmakeModerator => Act::UnmakeModerator(id),
        Said::LowerHand => Act::LowerHand(id),
        Said::GivePodium => Act::GivePodium(id),
        Said::TakePodium => Act::TakePodium(id),
        Said::InviteToPodium => Act::InviteToPodium(id),
        Said::HandLecture => Act::HandLecture(id),
        Said::Pin => Act::Pin(id),
        Said::Unpin => Act::Unpin(id),
        Said::GiveRemark => Act::GiveRemark(id),
        Said::TakeRemark => Act::TakeRemark(id),
        Said::AdmitAll
        | Said::MuteAll
        | Said::Lock
        | Said::Unlock
        | Said::SetPin
        | Said::SetWaitingRoom
        | Said::End
        | Said::Start
        | Said::Extend
        | Said::SetLayout
        | Said::ClearLayout => Act::AdmitAll,
    })
}

fn on_wire(conference: &Conference, one: Place, nodes: &BTreeMap<NodeId, String>) -> Participant {
    let role = match conference.role_of(&one) {
        Standing::Participant => Role::Participant,
        Standing::Moderator => Role::Moderator,
        Standing::Owner => Role::Owner,
    };
    let podium = conference.on_podium_since(&one).map(|at| at.0);
    let (user, guest) = account_of(&one.person);
    Participant {
        id: ParticipantId(one.id.0),
        name: one.name,
        user,
        guest,
        via: way(one.via),
        node: nodes.get(&one.node).cloned().unwrap_or_default(),
        muted: one.muted,
        camera: one.camera,
        content: one.content,
        hand: one.hand.map(|at| at.0),
        reaction: one.reaction.map(|reaction| Reaction {
            text: reaction.text,
            at: reaction.at.0,
        }),
        joined_at: one.joined_at.0,
        away: one.away,
        role,
        waiting: one.standing.waiting.is_some(),
        podium,
        pinned: one.standing.pinned,
        remark: one.standing.remark,
        hushed: one.standing.hushed,
        dimmed: one.standing.dimmed,
        covered: one.standing.covered,
        asked: one.standing.asked.map(|at| at.0),
        own_layout: one.layout.is_some(),
        screenless: one.standing.screenless,
        no_chat: None,
    }
}

/// Their account, and whether they are a guest.
fn account_of(person: &Person) -> (Option<String>, bool) {
    match person {
        Person::Account(user) => (Some(user.to_string()), false),
        Person::Guest(_) => (None, true),
        Person::Federated(user) => (Some(user.to_string()), false),
    }
}

fn way(via: Via) -> Way {
    match via {
        Via::Browser => Way::Browser,
        Via::Whip => Way::Whip,
    }
}

/// Who was invited to the podium and is not on it.
pub(super) fn invitations(conference: &Conference, roster: &[Place]) -> Vec<InvitedPerson> {
    if !matches!(conference.settings.mode, Mode::RoleBased | Mode::Lecture) {
        return Vec::new();
    }
    let invited = |one: &Place| {
        let invitation = one.standing.invitation?;
        Some(InvitedPerson {
            participant: ParticipantId(one.id.0),
            name: one.name.clone(),
            state: match invitation.state {
                Invited::Asked => meeting::Invited::Asked,
                Invited::Declined => meeting::Invited::Declined,
                Invited::Missed => meeting::Invited::Missed,
            },
            at: invitation.at.0,
        })
    };
    roster.iter().filter_map(invited).collect()
}

/// Most programs that moderators hear of by name.
const WATCHERS: usize = 200;

/// Who watches by a program.
pub(super) fn watchers(all: Vec<(Watcher, String)>) -> meeting::Watchers {
    let count = all.len() as u64;
    let program = |(one, node): (Watcher, String)| meeting::Watcher {
        id: ParticipantId(one.id.0),
        user: one.user.to_string(),
        name: one.name,
        node,
        since: one.since.0,
    };
    meeting::Watchers {
        count,
        programs: all.into_iter().take(WATCHERS).map(program).collect(),
    }
}

/// Most people whom moderators hear of by name that they were removed.
const REMOVED: usize = 200;

/// Whom moderators removed; the last one first.
pub(super) fn removed(all: Vec<ShutOut>) -> meeting::RemovedPeople {
    let count = all.len() as u64;
    let person = |one: ShutOut| {
        let (user, guest) = account_of(&one.person);
        meeting::RemovedPerson {
            id: ParticipantId(one.id.0),
            user,
            guest,
            name: one.name,
            programs_only: one.programs_only,
            at: one.at.0,
        }
    };
    meeting::RemovedPeople {
        count,
        people: all.into_iter().rev().take(REMOVED).map(person).collect(),
    }
}

/// Somebody who was called into a meeting, with their name.
pub(super) fn called_person((call, name): (Call, String)) -> CalledPerson {
    CalledPerson {
        name,
        state: match call.over.map(|over| over.how) {
            None => Ringing::Ringing,
            Some(How::Declined) => Ringing::Declined,
            Some(How::Busy) => Ringing::Busy,
            Some(How::Unreachable) => Ringing::Unreachable,
            Some(How::Cancelled) => Ringing::Cancelled,
            Some(How::Nobody) => Ringing::Nobody,
            Some(How::Unreached) => Ringing::Unreached,
            Some(How::NotAllowed) => Ringing::NotAllowed,
            Some(_) => Ringing::Missed,
        },
        at: call.over.map_or(call.began_at, |over| over.at).0,
        user: call.callee.to_string(),
    }
}

pub(super) fn ended(why: End) -> Why {
    match why {
        End::Moderator => Why::EndedForAll,
        End::Long => Why::EndedLong,
        End::Alone => Why::EndedAlone,
        End::Planned => Why::EndedPlanned,
    }
}

pub(super) fn why(loss: Loss) -> Why {
    match loss {
        Loss::Revoked => Why::SeatRevoked,
        Loss::Redistributed => Why::SeatGivenAway,
        Loss::Expired | Loss::Gone => Why::Removed,
    }
}

pub(super) fn for_meetings(event: Event) -> Option<MediaEvent> {
    let session = |key: SessionKey| Session(key.0);
    Some(match event {
        Event::Ended(key) => MediaEvent::Ended(session(key)),
        Event::Slots(key, slots) => {
            let slots = slots.into_iter().map(|slot| Filled {
                mid: slot.mid,
                kind: wire_kind(slot.kind),
                participant: slot.participant.map(|id| ParticipantId(id.0)),
            });
            MediaEvent::Slots(
                session(key),
                Slots {
                    slots: slots.collect(),
                },
            )
        }
        Event::Layers(key, kind, highest) => {
            let kind = wire_kind(kind);
            MediaEvent::Layers(session(key), Layers { kind, highest })
        }
        Event::Quality(key, quality) => {
            let slots = quality.slots.into_iter().map(|slot| Carried {
                mid: slot.mid.to_string(),
                layer: slot.carries.ok().map(|carries| carries.layer),
                height: slot.carries.map_or(0, |carries| carries.height),
                reason: match slot.carries {
                    Ok(_) => Reason::Ok,
                    Err(Cause::Bandwidth) => Reason::Bandwidth,
                    Err(Cause::NoLayer) => Reason::NoPicture,
                    Err(Cause::NotShown) => Reason::Hidden,
                },
            });
            let quality = Quality {
                kbps: quality.estimate.0,
                slots: slots.collect(),
            };
            MediaEvent::Quality(session(key), quality)
        }
        Event::Speaking(room, who) => {
            let participants = who.into_iter().map(|id| ParticipantId(id.0)).collect();
            MediaEvent::Speaking(room.to_string(), Speaking { participants })
        }
    })
}

fn wire_kind(kind: plenary_media_io::Kind) -> Kind {
    match kind {
        plenary_media_io::Kind::Audio => Kind::Audio,
        plenary_media_io::Kind::Video => Kind::Video,
        plenary_media_io::Kind::Content => Kind::Content,
        plenary_media_io::Kind::ContentAudio => Kind::ContentAudio,
    }
}

pub(super) fn engine_kind(kind: Kind) -> plenary_media_io::Kind {
    match kind {
        Kind::Audio => plenary_media_io::Kind::Audio,
        Kind::Video => plenary_media_io::Kind::Video,
        Kind::Content => plenary_media_io::Kind::Content,
        Kind::ContentAudio => plenary_media_io::Kind::ContentAudio,
    }
}
