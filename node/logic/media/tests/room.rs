//! People come, go, show and speak, and slots follow.

use plenary_media::{
    Kind, ParticipantId, Slot, Source,
    room::{Effect, NotHere, Room, Show, VIDEO_SLOTS},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const ANN: ParticipantId = ParticipantId(1);
const BEN: ParticipantId = ParticipantId(2);
const CAT: ParticipantId = ParticipantId(3);
const CAMERA: [u16; 3] = [180, 360, 720];

fn camera(who: ParticipantId) -> Source {
    Source {
        participant: who,
        kind: Kind::Video,
    }
}

fn tile(who: ParticipantId, height: u16) -> Show {
    Show {
        source: camera(who),
        height,
    }
}

fn video(index: u8) -> Slot {
    Slot {
        kind: Kind::Video,
        index,
    }
}

fn effects(room: &mut Room) -> Vec<Effect> {
    std::iter::from_fn(|| room.poll_effect()).collect()
}

fn publish(room: &mut Room, who: ParticipantId, kind: Kind) {
    room.handle_publish(who, kind, &CAMERA, 0)
        .expect("the participant is here");
}

/// Participants 1 to `count`, each with microphone and camera and nine slots.
fn room(count: u64) -> Room {
    let mut room = Room::default();
    for who in (1..=count).map(ParticipantId) {
        room.handle_join(who, 9, 0);
        publish(&mut room, who, Kind::Audio);
        publish(&mut room, who, Kind::Video);
    }
    effects(&mut room);
    room
}

fn assigned(subscriber: ParticipantId, index: u8, source: Option<ParticipantId>) -> Effect {
    Effect::Assign {
        subscriber,
        slot: video(index),
        source: source.map(camera),
    }
}

fn layers(who: ParticipantId, highest: Option<u8>) -> Effect {
    Effect::Layers {
        source: camera(who),
        highest,
    }
}

#[test]
fn a_tile_gets_a_slot_and_a_key_frame() {
    let mut room = room(2);
    room.handle_show(ANN, &[tile(BEN, 360)], 0).unwrap();
    let key_frame = Effect::KeyFrame {
        subscriber: ANN,
        source: camera(BEN),
    };
    assert_eq!(effects(&mut room), [assigned(ANN, 0, Some(BEN)), key_frame]);
    assert_eq!(
        room.slots(ANN).collect::<Vec<_>>(),
        [(video(0), camera(BEN), 360)]
    );
    assert_eq!(
        room.subscribers(camera(BEN)).collect::<Vec<_>>(),
        [(ANN, video(0))]
    );
}

#[test]
fn who_stays_shown_keeps_the_slot() {
    let mut room = room(4);
    let dan = ParticipantId(4);
    room.handle_show(ANN, &[tile(BEN, 360), tile(CAT, 360)], 0)
        .unwrap();
    effects(&mut room);
    room.handle_show(ANN, &[tile(dan, 180), tile(CAT, 720)], 0)
        .unwrap();
    let changed: Vec<_> = effects(&mut room)
        .into_iter()
        .filter(|effect| matches!(effect, Effect::Assign { .. }))
        .collect();
    assert_eq!(changed, [assigned(ANN, 0, Some(dan))]);
    let slots: Vec<_> = room.slots(ANN).collect();
    assert_eq!(
        slots,
        [(video(0), camera(dan), 180), (video(1), camera(CAT), 720)]
    );
}

#[test]
fn a_camera_that_is_switched_on_later_fills_a_slot_then() {
    let mut room = room(2);
    room.handle_unpublish(BEN, Kind::Video, 0).unwrap();
    room.handle_show(ANN, &[tile(BEN, 360)], 0).unwrap();
    assert_eq!(effects(&mut room), []);
    room.handle_publish(BEN, Kind::Video, &CAMERA, 0).unwrap();
    assert_eq!(effects(&mut room)[0], assigned(ANN, 0, Some(BEN)));
    room.handle_unpublish(BEN, Kind::Video, 0).unwrap();
    assert_eq!(effects(&mut room), [assigned(ANN, 0, None)]);
}

#[test]
fn who_has_no_slot_yet_gets_the_one_that_becomes_free() {
    let mut room = Room::default();
    for who in [ANN, BEN, CAT] {
        room.handle_join(who, 1, 0);
        room.handle_publish(who, Kind::Video, &CAMERA, 0).unwrap();
    }
    room.handle_show(ANN, &[tile(BEN, 180), tile(CAT, 180)], 0)
        .unwrap();
    effects(&mut room);
    room.handle_leave(BEN, 0);
    assert_eq!(effects(&mut room)[0], assigned(ANN, 0, Some(CAT)));
    room.handle_join(BEN, 1, 0);
    room.handle_publish(BEN, Kind::Video, &CAMERA, 0).unwrap();
    room.handle_pool(ANN, 2, 0).unwrap();
    let both: BTreeSet<Source> = room.slots(ANN).map(|(_, source, _)| source).collect();
    assert_eq!(both, BTreeSet::from([camera(BEN), camera(CAT)]));
}

#[test]
fn a_layer_that_nobody_watches_is_paused_after_a_while_and_is_back_at_once() {
    let mut room = room(3);
    room.handle_show(ANN, &[tile(CAT, 720)], 10_000).unwrap();
    room.handle_show(BEN, &[tile(CAT, 300)], 10_000).unwrap();
    room.handle_timeout(10_000);
    effects(&mut room);
    room.handle_show(ANN, &[tile(CAT, 100)], 20_000).unwrap();
    assert_eq!(effects(&mut room), []);
    assert_eq!(room.poll_timeout(), Some(24_000));
    room.handle_timeout(23_999);
    assert_eq!(effects(&mut room), []);
    room.handle_timeout(24_000);
    assert_eq!(effects(&mut room), [layers(CAT, Some(1))]);
    room.handle_show(ANN, &[tile(CAT, 720)], 25_000).unwrap();
    assert_eq!(effects(&mut room), [layers(CAT, Some(2))]);
    room.handle_show(ANN, &[], 26_000).unwrap();
    room.handle_show(BEN, &[tile(CAT, 0)], 27_000).unwrap();
    room.handle_timeout(30_000);
    assert!(effects(&mut room).contains(&layers(CAT, None)));
}

#[test]
fn layers_that_turn_out_smaller_are_asked_for_again() {
    let mut room = room(2);
    room.handle_timeout(10_000);
    room.handle_publish(BEN, Kind::Video, &[360, 720, 1440], 10_000)
        .unwrap();
    room.handle_show(ANN, &[tile(BEN, 360)], 10_000).unwrap();
    room.handle_timeout(20_000);
    assert!(effects(&mut room).contains(&layers(BEN, Some(0))));
    room.handle_publish(BEN, Kind::Video, &[90, 180, 360], 20_000)
        .unwrap();
    assert_eq!(effects(&mut room), [layers(BEN, Some(2))]);
}

#[test]
fn a_short_change_does_not_pause_a_layer() {
    let mut room = room(2);
    room.handle_timeout(10_000);
    effects(&mut room);
    for second in 10..60_u64 {
        let height = if second % 4 == 0 { 90 } else { 720 };
        room.handle_show(ANN, &[tile(BEN, height)], second * 1_000)
            .unwrap();
        room.handle_timeout(second * 1_000);
    }
    let told: Vec<_> = effects(&mut room)
        .into_iter()
        .filter(|effect| matches!(effect, Effect::Layers { .. }))
        .collect();
    assert_eq!(told, [layers(BEN, Some(2))], "at most the first time");
}

#[test]
fn everybody_hears_the_speakers_but_not_themselves() {
    let mut room = room(3);
    room.handle_heard(&[Some(ANN), Some(BEN), None]);
    let heard: BTreeMap<(ParticipantId, u8), Option<ParticipantId>> = effects(&mut room)
        .into_iter()
        .map(|effect| match effect {
            Effect::Assign {
                subscriber,
                slot,
                source,
            } => ((subscriber, slot.index), source.map(|source| source.participant)),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        ((ANN, 1), Some(BEN)),
        ((BEN, 0), Some(ANN)),
        ((CAT, 0), Some(ANN)),
        ((CAT, 1), Some(BEN)),
    ];
    assert_eq!(heard, BTreeMap::from(expected));
    room.handle_heard(&[Some(ANN), Some(BEN), None]);
    assert_eq!(effects(&mut room), []);
    room.handle_unpublish(ANN, Kind::Audio, 0).unwrap();
    assert_eq!(effects(&mut room).len(), 2);
    room.handle_join(ParticipantId(4), 9, 0);
    assert_eq!(effects(&mut room).len(), 1, "who comes hears at once");
}

#[test]
fn bad_wishes_do_no_harm() {
    let mut room = room(2);
    let stranger = ParticipantId(99);
    assert_eq!(room.handle_show(stranger, &[], 0), Err(NotHere(stranger)));
    assert_eq!(
        room.handle_publish(stranger, Kind::Video, &CAMERA, 0),
        Err(NotHere(stranger))
    );
    let voice = Source {
        participant: BEN,
        kind: Kind::Audio,
    };
    let odd = [
        tile(ANN, 720),
        tile(stranger, 720),
        Show {
            source: voice,
            height: 9,
        },
        tile(BEN, 180),
        tile(BEN, 720),
    ];
    room.handle_show(ANN, &odd, 0).unwrap();
    assert_eq!(
        room.slots(ANN).collect::<Vec<_>>(),
        [(video(0), camera(BEN), 180)]
    );
    room.handle_publish(BEN, Kind::Video, &[], 0).unwrap();
    room.handle_publish(BEN, Kind::Video, &[720; 300], 0).unwrap();
    room.handle_join(ANN, 255, 0);
    room.handle_show(ANN, &vec![tile(BEN, 720); 10_000], 0).unwrap();
    assert_eq!(room.slots(ANN).count(), 1);
}

#[test]
fn two_thousand_participants_come_show_speak_and_go() {
    let mut room = Room::default();
    let everybody = || (1..=2_000).map(ParticipantId);
    for who in everybody() {
        room.handle_join(who, VIDEO_SLOTS, 0);
        room.handle_publish(who, Kind::Audio, &[], 0).unwrap();
        room.handle_publish(who, Kind::Video, &CAMERA, 0).unwrap();
        let page: Vec<Show> = (1..=9).map(|other| tile(ParticipantId(other), 180)).collect();
        room.handle_show(who, &page, 0).unwrap();
    }
    assert_eq!(room.subscribers(camera(ANN)).count(), 1_999);
    effects(&mut room);
    room.handle_heard(&[Some(ANN), None, None]);
    assert_eq!(effects(&mut room).len(), 1_999);
    for who in everybody() {
        room.handle_leave(who, 1);
        effects(&mut room);
    }
    effects(&mut room);
    assert_eq!(room.poll_timeout(), None);
    assert_eq!(
        format!("{room:?}"),
        format!("{:?}", {
            let mut empty = Room::default();
            empty.handle_heard(&[Some(ANN), None, None]);
            empty
        }),
        "nothing is left of them"
    );
}

#[derive(Debug, Clone)]
enum Step {
    Join(u64, u8),
    Leave(u64),
    Publish(u64, bool, usize),
    Unpublish(u64, bool),
    Show(u64, Vec<(u64, bool, u16)>),
    Heard([u64; 3]),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1_u64..8;
    prop_oneof![
        (who.clone(), 0_u8..5).prop_map(|(who, pool)| Step::Join(who, pool)),
        who.clone().prop_map(Step::Leave),
        (who.clone(), any::<bool>(), 0_usize..4)
            .prop_map(|(who, content, layers)| Step::Publish(who, content, layers)),
        (who.clone(), any::<bool>()).prop_map(|(who, content)| Step::Unpublish(who, content)),
        (
            who.clone(),
            proptest::collection::vec((1_u64..8, any::<bool>(), 0_u16..800), 0..8)
        )
            .prop_map(|(who, shows)| Step::Show(who, shows)),
        [0_u64..8, 0..8, 0..8].prop_map(Step::Heard),
        (0_u64..6_000).prop_map(Step::Wait),
    ]
}

fn kind(content: bool) -> Kind {
    if content { Kind::Content } else { Kind::Video }
}

/// What clients know, beside what the room does.
#[derive(Default)]
struct World {
    room: Room,
    now_ms: u64,
    told: BTreeMap<(ParticipantId, Slot), Source>,
    here: BTreeSet<ParticipantId>,
    published: BTreeSet<Source>,
}

impl World {
    fn forget(&mut self, who: ParticipantId) {
        self.told.retain(|(subscriber, _), _| *subscriber != who);
        self.published.retain(|source| source.participant != who);
        self.here.remove(&who);
    }

    fn take(&mut self, step: &Step) {
        let source = |who: u64, content: bool| Source {
            participant: ParticipantId(who),
            kind: kind(content),
        };
        match step {
            Step::Join(who, pool) => {
                self.forget(ParticipantId(*who));
                self.here.insert(ParticipantId(*who));
                self.room.handle_join(ParticipantId(*who), *pool, self.now_ms);
            }
            Step::Leave(who) => {
                self.forget(ParticipantId(*who));
                self.room.handle_leave(ParticipantId(*who), self.now_ms);
            }
            Step::Publish(who, content, layers) => {
                let layers = &CAMERA[..*layers];
                let Source { participant, kind } = source(*who, *content);
                let done = self.room.handle_publish(participant, kind, layers, self.now_ms);
                self.published.extend(done.ok().map(|()| source(*who, *content)));
            }
            Step::Unpublish(who, content) => {
                let Source { participant, kind } = source(*who, *content);
                let done = self.room.handle_unpublish(participant, kind, self.now_ms);
                assert_eq!(done.is_ok(), self.here.contains(&participant));
                self.published.remove(&source(*who, *content));
            }
            Step::Show(who, shows) => {
                let show = |(who, content, height): &(u64, bool, u16)| Show {
                    source: source(*who, *content),
                    height: *height,
                };
                let shows: Vec<Show> = shows.iter().map(show).collect();
                let done = self.room.handle_show(ParticipantId(*who), &shows, self.now_ms);
                assert_eq!(done.is_ok(), self.here.contains(&ParticipantId(*who)));
            }
            Step::Heard(heard) => {
                let heard = heard.map(|who| (who > 0).then_some(ParticipantId(who)));
                self.room.handle_heard(&heard);
            }
            Step::Wait(passed_ms) => {
                self.now_ms += passed_ms;
                self.room.handle_timeout(self.now_ms);
                assert!(self.room.poll_timeout().is_none_or(|at| at > self.now_ms));
            }
        }
    }

    fn listen(&mut self) {
        for effect in effects(&mut self.room) {
            match effect {
                Effect::Assign {
                    subscriber,
                    slot,
                    source,
                } => {
                    assert!(self.here.contains(&subscriber), "who is not here is told nothing");
                    match source {
                        Some(source) => self.told.insert((subscriber, slot), source),
                        None => self.told.remove(&(subscriber, slot)),
                    };
                }
                Effect::Layers { source, .. } | Effect::KeyFrame { source, .. } => {
                    assert!(
                        self.published.contains(&source),
                        "what is not there is not asked for"
                    );
                }
            }
        }
    }

    fn check(&self) {
        let slots = |who: &ParticipantId| {
            let who = *who;
            self.room
                .slots(who)
                .map(move |(slot, source, _)| ((who, slot), source))
        };
        let real: BTreeMap<(ParticipantId, Slot), Source> = self.here.iter().flat_map(slots).collect();
        assert_eq!(real, self.told);
        for ((who, _), source) in &real {
            assert!(self.published.contains(source) && source.participant != *who);
        }
        for source in &self.published {
            let subscribers: Vec<_> = self.room.subscribers(*source).collect();
            let filled = real.iter().filter(|(_, filled)| *filled == source);
            assert_eq!(subscribers, filled.map(|(place, _)| *place).collect::<Vec<_>>());
        }
    }
}

proptest! {
    #[test]
    fn what_clients_were_told_is_what_the_room_does(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::default();
        for step in &steps {
            world.take(step);
            world.listen();
            world.check();
        }
    }
}
