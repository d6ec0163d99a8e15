//! What happens, one after the other.

use super::{DEVICES, NODES, Story, USERS};
use crate::{borrowing, home::*, licensing::*};
use plenary_access::*;
use plenary_conference::{
    Access, Act, Change as Meeting, ParticipantId, Patch, Put, SettingsPatch, WaitingRoom,
};
use plenary_licences::licence::{Edition, Licence, LicenceId};
use plenary_licensing::{Change as Counting, RulesPatch};
use plenary_model::NodeId;
use proptest::{prelude::*, sample::select};

#[derive(Debug, Clone)]
pub(super) enum Licences {
    Install(u128, u32, u32),
    Enterprise,
    Remove(u128),
    NewLease(u32, u32, u32),
    /// An Enterprise licence of the manager, or not.
    Gives(bool),
    Disconnect,
    Connect,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Come(usize, u8, u64),
    Back(usize, u64, bool),
    Leave(usize, bool),
    Look(u64),
    Claim(u64, bool),
    Lose(u64),
    Silent(u64, bool),
    Start(u64),
    /// What the owner does to the place of a device.
    Act(u8, usize),
    Settings(u8, u8),
    Room(u8),
    Count(u8, usize),
    Account(u8, usize),
    Licences(Licences),
    Dial(usize, usize),
    Widen(usize),
    Online(usize, u64, bool),
    Wait(u64),
}

pub(super) fn any_step() -> impl Strategy<Value = Step> {
    let device = || 0..DEVICES.len();
    let user = || 0..USERS.len();
    let node = || 1..=NODES;
    prop_oneof![
        12 => (device(), 0u8..3, node()).prop_map(|(device, room, node)| Step::Come(device, room, node)),
        6 => (device(), node(), prop::bool::weighted(0.9))
            .prop_map(|(device, node, right)| Step::Back(device, node, right)),
        3 => (device(), prop::bool::weighted(0.3)).prop_map(|(device, late)| Step::Leave(device, late)),
        5 => node().prop_map(Step::Look),
        1 => (node(), any::<bool>()).prop_map(|(node, early)| Step::Claim(node, early)),
        2 => node().prop_map(Step::Lose),
        2 => (node(), prop::bool::weighted(0.3)).prop_map(|(node, early)| Step::Silent(node, early)),
        2 => node().prop_map(Step::Start),
        4 => (0u8..6, device()).prop_map(|(what, device)| Step::Act(what, device)),
        2 => (0u8..2, 0u8..4).prop_map(|(room, what)| Step::Settings(room, what)),
        1 => (0u8..2).prop_map(Step::Room),
        3 => (0u8..4, user()).prop_map(|(what, user)| Step::Count(what, user)),
        1 => (0u8..4, user()).prop_map(|(what, user)| Step::Account(what, user)),
        4 => licences().prop_map(Step::Licences),
        3 => (user(), user()).prop_map(|(from, to)| Step::Dial(from, to)),
        2 => user().prop_map(Step::Widen),
        3 => (0usize..6, node(), prop::bool::weighted(0.7))
            .prop_map(|(device, node, on)| Step::Online(device, node, on)),
        4 => select(vec![1, 1_500, 31_000, 61_000, 3_600_000, 13 * 3_600_000, 25 * 3_600_000])
            .prop_map(Step::Wait),
    ]
}

fn licences() -> impl Strategy<Value = Licences> {
    prop_oneof![
        1 => select(vec![Licences::Install(1, 2, 1), Licences::Install(2, 1, 1)]),
        2 => Just(Licences::Enterprise),
        3 => (1u128..4).prop_map(Licences::Remove),
        2 => (0u32..4, 0u32..5, 0u32..3).prop_map(|(pro, online, guest)| Licences::NewLease(pro, online, guest)),
        1 => any::<bool>().prop_map(Licences::Gives),
        1 => select(vec![Licences::Disconnect, Licences::Connect]),
    ]
}

impl Step {
    /// Refused or not: what holds is checked after it.
    pub(super) fn run(&self, story: &mut Story) {
        match self {
            Self::Come(device, room, node) => story.come(*device, *room, *node),
            Self::Back(device, node, right) => story.back(*device, *node, *right),
            Self::Leave(device, late) => story.leave(*device, *late),
            Self::Look(node) => story.look(*node),
            Self::Claim(node, early) => story.claim(*node, *early),
            Self::Lose(node) => story.lose(*node),
            Self::Silent(node, early) => story.silent(*node, *early),
            Self::Start(node) => story.start(*node),
            Self::Act(what, device) => act(story, *what, *device),
            Self::Settings(room, what) => settings(story, *room, *what),
            Self::Room(which) => {
                let cid = story.room(*which);
                drop(story.run(plain(by("root"), close(cid.as_str()))));
                drop(story.run(plain(by("root"), room(cid.as_str(), "Anew"))));
            }
            Self::Count(what, user) => count(story, *what, USERS[*user]),
            Self::Account(what, user) => account(story, *what, USERS[*user]),
            Self::Licences(what) => what.change(story),
            Self::Dial(from, to) => story.dial(*from, *to),
            Self::Widen(who) => story.widen(*who),
            Self::Online(device, node, on) => online_or_off(story, *device, *node, *on),
            Self::Wait(ms) => {
                story.home.now += ms;
                drop(story.meet(Meeting::Sweep));
                drop(story.run(plain(system(), Counting::Tick)));
            }
        }
    }
}

fn act(story: &mut Story, what: u8, device: usize) {
    let Some(place) = story.devices[device].clone() else {
        return;
    };
    let id = ParticipantId(place.id);
    let act = match what {
        0 => Act::SendBack(id),
        1 => Act::Admit(id),
        2 => Act::Lock,
        3 => Act::Unlock,
        4 => Act::End,
        _ => Act::Remove(id),
    };
    let by_owner = Meeting::Act {
        cid: place.cid,
        by: None,
        act,
    };
    drop(story.run(plain(by("root"), by_owner)));
}

fn settings(story: &mut Story, room: u8, what: u8) {
    let mut patch = Patch::default();
    match what {
        0 => patch.access = Some(Access::Internal),
        1 => patch.access = Some(Access::Public),
        _ => {
            let waiting_room = Some(match what {
                2 => Put::Nothing,
                _ => Put::To(WaitingRoom::All),
            });
            patch.settings = SettingsPatch {
                waiting_room,
                ..SettingsPatch::default()
            };
        }
    }
    let cid = story.room(room);
    let update = Meeting::Update {
        cid,
        expect: None,
        patch,
    };
    drop(story.run(plain(by("root"), update)));
}

fn count(story: &mut Story, what: u8, who: &str) {
    let groups = |groups: Vec<plenary_model::GroupId>| Counting::UpdateRules {
        expect: None,
        patch: RulesPatch {
            groups: Some(groups),
            ..RulesPatch::default()
        },
    };
    let (by, change) = match what {
        0 => (by("root"), Counting::Revoke { user: name(who) }),
        1 => (by(who), Counting::AskForPro),
        2 => (by("root"), groups(vec![name("g-board")])),
        _ => (by("root"), groups(Vec::new())),
    };
    drop(story.run(plain(by, change)));
    if what > 1 {
        drop(story.run(plain(self::by("root"), Counting::Recompute)));
    }
}

fn account(story: &mut Story, what: u8, who: &str) {
    let active = |active| UserPatch {
        active: Some(active),
        ..UserPatch::default()
    };
    let id = name(who);
    let change = match what {
        0 | 1 => Change::UpdateUser {
            id,
            expect: None,
            patch: active(what == 1),
        },
        2 => Change::DeleteUser { id, expect: None },
        _ => Change::CreateUser(new_user(who)),
    };
    drop(story.run(plain(by("root"), change)));
    let people = ["alice", "bob", "carol"].map(|who| {
        let active = active(true);
        let patch = Change::UpdateUser {
            id: name(who),
            expect: None,
            patch: active,
        };
        [Change::CreateUser(new_user(who)), patch]
    });
    if what == 3 {
        for change in people.into_iter().flatten() {
            drop(story.run(plain(by("root"), change)));
        }
    }
}

fn online_or_off(story: &mut Story, device: usize, node: u64, on: bool) {
    let session = format!("{}-{device}", DEVICES[device]);
    let epoch = story.nodes[&node].epoch;
    let node = NodeId(node);
    if on {
        drop(story.run(plain(system(), sign_in(DEVICES[device], &session))));
        let online = Change::DeviceOnline { session, node, epoch };
        drop(story.run(plain(system(), online)));
    } else {
        let offline = Change::DeviceOffline { session, node, epoch };
        drop(story.run(plain(system(), offline)));
    }
}

impl Licences {
    fn change(&self, story: &mut Story) {
        let root = || by("root");
        match self {
            Self::Install(id, pro, guest) => {
                drop(story.run(plain(root(), install(&licence(*id, *pro, *guest)))));
            }
            Self::Enterprise => {
                let enterprise = Licence {
                    edition: Edition::Enterprise,
                    ..licence(3, 2, 1)
                };
                drop(story.run(plain(root(), install(&enterprise))));
            }
            Self::Remove(id) => {
                let licence = LicenceId(*id);
                drop(story.run(plain(root(), Counting::Remove { licence })));
            }
            Self::NewLease(pro, online, guest) => {
                story.new_lease(borrowing::seats(*pro, *online, *guest));
            }
            Self::Gives(enterprise) => {
                drop(story.run(plain(system(), borrowing::gives(*enterprise))));
            }
            Self::Disconnect => {
                for node in story.nodes.values_mut() {
                    if desk(&story.home).is_lent() {
                        node.uses.clear();
                    }
                }
                drop(story.run(plain(root(), Counting::Disconnect { end: true })));
            }
            Self::Connect => {
                drop(story.run(plain(root(), borrowing::connect())));
                drop(story.run(plain(system(), borrowing::gives(false))));
                drop(story.run(plain(system(), borrowing::registered(1))));
                drop(story.run(plain(system(), borrowing::grown(1, 1, borrowing::seats(3, 4, 2)))));
                drop(story.run(plain(system(), borrowing::begin(1))));
            }
        }
    }
}
