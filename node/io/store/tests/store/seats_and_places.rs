//! Whatever people, nodes, administrators and the clock do: no seat without its participant, no participant without a seat,
//! nobody in two places at once with one device, and what is refused changes nothing.
//!
//! The story has nodes beside the replicated state: what they still let people do, whatever the state says by now. A seat of
//! who was put out is in use until the node has ended it, so until then it is nobody else's.

mod rules;
mod step;

use crate::{borrowing, home::*, licensing::*};
use plenary_access::*;
use plenary_conference::{self as conference, ParticipantId, Person, SecretHash};
use plenary_licensing::Change as Counting;
use plenary_model::{Cid, NodeId};
use plenary_store::{AnyCommand, Reply, queries};
use proptest::{prelude::*, test_runner::TestCaseError};
use rules::{PlaceRow, Rows};
use std::collections::BTreeMap;
use step::Step;

/// Who has which device.
const DEVICES: [&str; 9] = [
    "alice", "alice", "bob", "bob", "carol", "carol", "ann", "ann", "ben",
];
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const NODES: u64 = 3;

/// What a node is, and what it lets go on.
#[derive(Default)]
struct Node {
    /// Of its start; it may be lost to the others all the same.
    epoch: u64,
    lost: bool,
    /// Places that are in use here, and whether they need a seat.
    uses: BTreeMap<u64, bool>,
}

/// The place in which a device is, as far as it knows.
#[derive(Clone)]
struct Place {
    cid: Cid,
    id: u64,
    node: u64,
    moves: u64,
}

struct Story {
    home: Home,
    nodes: BTreeMap<u64, Node>,
    devices: Vec<Option<Place>>,
    /// Each place that there was, and the device that took it.
    taken_by: BTreeMap<u64, usize>,
    /// The call that began last.
    call: Cid,
    numbers: u64,
    rows: Rows,
    /// Commands since a copy of the state was taken, to be applied to it too.
    since_copy: Option<Vec<(u64, AnyCommand)>>,
}

impl Story {
    fn new(lent: bool) -> Self {
        let mut home = if lent {
            borrowing::lent(&USERS, borrowing::seats(2, 4, 1))
        } else {
            counting(&[licence(1, 2, 1)], &USERS)
        };
        home.ok(by("root"), create_group("g-board", "Board"));
        home.ok(by("root"), join("g-board", &["bob", "carol"]));
        for number in 2..=NODES {
            let (id, secret) = (format!("node-{number}"), [1; 32]);
            let invitation = id.clone();
            home.ok(
                by("root"),
                Change::InviteNode {
                    id,
                    secret,
                    ttl_s: 60,
                },
            );
            let address = "192.0.2.2:7000".into();
            let name = name(&invitation);
            home.ok(
                system(),
                Change::AdmitNode {
                    invitation,
                    secret,
                    name,
                    address,
                },
            );
        }
        let rows = Rows::of(&home);
        let mut story = Self {
            home,
            nodes: (1..=NODES).map(|number| (number, Node::default())).collect(),
            devices: vec![None; DEVICES.len()],
            taken_by: BTreeMap::new(),
            call: name("call-0"),
            numbers: 100,
            rows,
            since_copy: None,
        };
        for node in 1..=NODES {
            story.start(node);
        }
        story
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// Has it applied; what is refused changes nothing of who is where.
    fn run(&mut self, command: impl Into<AnyCommand>) -> Reply {
        let command = command.into();
        let before = Rows::of(&self.home);
        let reply = apply(&mut self.home, &command);
        let after = Rows::of(&self.home);
        if matches!(command, AnyCommand::Licensing(_)) {
            assert_eq!(
                before.in_calls(),
                after.in_calls(),
                "{command:?}: a call of two needs no seat"
            );
        }
        if reply.is_err() {
            assert_eq!(
                (before.places, before.seats),
                (after.places, after.seats),
                "{command:?} was refused and changes nothing"
            );
        }
        if let Some(since) = &mut self.since_copy {
            since.push((self.home.now, command));
        }
        reply
    }

    fn meet(&mut self, change: conference::Change) -> Reply {
        self.run(plain(system(), change))
    }

    fn room(&self, which: u8) -> Cid {
        match which {
            0 => name("review"),
            1 => name("board"),
            _ => self.call.clone(),
        }
    }

    fn node(&mut self, number: u64) -> &mut Node {
        self.nodes.get_mut(&number).expect("one of the three")
    }

    fn is_call(&self, cid: &Cid) -> bool {
        let found = queries::conference(&self.home.db, cid).expect("reads");
        found.is_some_and(|conference| conference.call)
    }

    fn is_in_roster(&self, id: u64) -> bool {
        self.rows.places.iter().any(|place| place.id == id)
    }

    fn person(&mut self, device: usize) -> Person {
        let who = DEVICES[device];
        if USERS.contains(&who) {
            return user(who);
        }
        let number = if who == "ann" { 1 } else { 2 };
        // Again and again: they may not be let in now.
        guest_of(self, number)
    }

    fn come(&mut self, device: usize, room: u8, node: u64) {
        if let Some(place) = self.devices[device].clone() {
            if self.node(place.node).lost {
                return;
            }
            self.leave(device, false);
        }
        let (cid, id) = (self.room(room), self.number());
        let person = self.person(device);
        let epoch = self.node(node).epoch;
        let mut change = enter(id, person);
        if let conference::Change::Enter {
            cid: of,
            node: on,
            epoch: start,
            secret,
            ..
        } = &mut change
        {
            (*of, *on, *start, *secret) = (cid.clone(), NodeId(node), epoch, secret_of(id));
        }
        let free = self.is_call(&cid);
        if let Ok(Outcome::Entered { moves }) = self.meet(change) {
            assert!(!self.node(node).lost, "of a lost node nothing counts");
            self.taken_by.insert(id, device);
            self.node(node).uses.insert(id, !free);
            self.devices[device] = Some(Place { cid, id, node, moves });
        }
    }

    fn back(&mut self, device: usize, node: u64, right: bool) {
        let Some(place) = self.devices[device].clone() else {
            return;
        };
        let free = self.is_call(&place.cid);
        let reply = self.meet(conference::Change::Resume {
            cid: place.cid.clone(),
            participant: ParticipantId(place.id),
            secret: secret_of(if right { place.id } else { 0 }),
            node: NodeId(node),
            epoch: self.nodes[&node].epoch,
        });
        let Ok(Outcome::Entered { moves }) = reply else {
            return;
        };
        assert!(right, "the secret of another place opens none");
        // The device is there now, and no more here.
        self.node(place.node).uses.remove(&place.id);
        self.node(node).uses.insert(place.id, !free);
        self.devices[device] = Some(Place { node, moves, ..place });
    }

    /// Leaves by the node on which they are; or a word comes late, and does nothing.
    fn leave(&mut self, device: usize, late: bool) {
        let Some(place) = self.devices[device].clone() else {
            return;
        };
        if self.node(place.node).lost {
            return;
        }
        let rows = self.rows.clone();
        let leave = conference::Change::Leave {
            cid: place.cid,
            participant: ParticipantId(place.id),
            moves: if late { place.moves + 1 } else { place.moves },
        };
        if !late {
            self.node(place.node).uses.remove(&place.id);
            self.devices[device] = None;
        }
        let was_in = self.is_in_roster(place.id);
        self.meet(leave).expect("it is never refused");
        let after = Rows::of(&self.home);
        if late {
            assert_eq!(rows.places, after.places, "late words do nothing");
        } else if was_in {
            assert!(
                !after.seats.contains_key(&place.id),
                "the seat goes with the word"
            );
        }
    }

    /// The node ends what is no more here, and says so.
    fn look(&mut self, number: u64) {
        let rows = Rows::of(&self.home);
        let here = |id: &u64| {
            let mut places = rows.places.iter();
            places.any(|place| place.id == *id && place.node == number)
        };
        let node = self.node(number);
        node.uses.retain(|id, _| here(id));
        let (epoch, lost) = (node.epoch, node.lost);
        for place in &mut self.devices {
            place.take_if(|place| rows.places.iter().all(|row| row.id != place.id));
        }
        if lost {
            return;
        }
        let node = NodeId(number);
        let places = queries::orphans(&self.home.db, node).expect("reads");
        self.run(plain(system(), Counting::Ended { node, epoch, places }))
            .expect("it is never refused");
        let left = queries::orphans(&self.home.db, node).expect("reads");
        assert!(left.is_empty(), "no seat without participant: {left:?}");
    }

    /// A node speaks of what is not its own, and of an earlier start: that frees nothing.
    fn claim(&mut self, number: u64, early: bool) {
        let rows = Rows::of(&self.home);
        let node = &self.nodes[&number];
        let epoch = if early { node.epoch - 1 } else { node.epoch };
        let others = rows.seats.iter().filter(|(id, seat)| {
            early || seat.node != number || rows.places.iter().any(|place| place.id == **id)
        });
        let places = others.map(|(id, _)| *id).collect();
        let node = NodeId(number);
        self.run(plain(system(), Counting::Ended { node, epoch, places }))
            .expect("it is never refused");
        assert_eq!(rows, Rows::of(&self.home));
    }

    fn lose(&mut self, number: u64) {
        self.run(plain(system(), Change::NodeLost { node: NodeId(number) }))
            .expect("it is never refused");
        self.node(number).lost = true;
    }

    /// Of a lost node for which was waited long enough: it has ended everything by its own clock.
    fn silent(&mut self, number: u64, early: bool) {
        if !self.node(number).lost {
            return;
        }
        let node = NodeId(number);
        let beat = desk(&self.home).beat(node);
        let rows = Rows::of(&self.home);
        if early {
            self.run(plain(system(), Counting::Silent { node, beat: beat + 1 }))
                .expect("it is never refused");
            assert_eq!(rows, Rows::of(&self.home), "it was heard of since");
            return;
        }
        self.node(number).uses.clear();
        self.run(plain(system(), Counting::Silent { node, beat }))
            .expect("it is never refused");
        let after = Rows::of(&self.home);
        assert!(after.seats.values().all(|seat| seat.node != number));
    }

    fn start(&mut self, number: u64) {
        let epoch = self.number();
        self.run(plain(
            system(),
            Change::NodeStarted {
                node: NodeId(number),
                epoch,
                version: "1".into(),
            },
        ))
        .expect("it is never refused");
        *self.node(number) = Node {
            epoch,
            ..Node::default()
        };
        let left = queries::orphans(&self.home.db, NodeId(number)).expect("reads");
        // Permanent PRO is given out anew with the last node that starts: who is put out for that was in until now.
        assert!(
            left.iter().all(|id| self.is_in_roster(*id)),
            "nothing of before goes on: {left:?}"
        );
    }

    fn dial(&mut self, from: usize, to: usize) {
        let cid: Cid = name(&format!("call-{}", self.number()));
        let (from, to) = (USERS[from], USERS[to]);
        let dial = conference::Change::Dial {
            cid: cid.clone(),
            to: name(to),
        };
        if self.run(plain(by(from), dial)).is_ok() {
            self.call = cid;
        }
    }

    fn widen(&mut self, who: usize) {
        let cid = self.call.clone();
        let widen = conference::Change::Widen { cid: cid.clone() };
        if self.run(plain(by(USERS[who]), widen)).is_err() {
            return;
        }
        let inside: Vec<(u64, u64)> = Rows::of(&self.home)
            .places
            .iter()
            .filter(|place| place.cid == cid.as_str())
            .map(|place| (place.id, place.node))
            .collect();
        for (id, node) in inside {
            if let Some(needs) = self.node(node).uses.get_mut(&id) {
                *needs = true;
            }
        }
    }

    /// The manager has made a new lease: what was used under the one before was ended on all nodes.
    fn new_lease(&mut self, held: plenary_licences::Seats) {
        let Some(lease) = desk(&self.home).lease().cloned() else {
            return;
        };
        let number = lease.held.epoch().map_or(1, |epoch| epoch.number + 1);
        for node in self.nodes.values_mut() {
            node.uses.clear();
        }
        self.run(plain(system(), borrowing::registered(number))).ok();
        let left = Rows::of(&self.home);
        // Who is away and whose lost node was silent for long has no seat to give back, and asks for one on coming back.
        let goes_on = |place: &&PlaceRow| !place.away || left.seats.contains_key(&place.id);
        let left: Vec<_> = left.needing().into_iter().filter(goes_on).collect();
        assert!(left.is_empty(), "all are out: {left:?}");
        self.run(plain(system(), borrowing::grown(number, 1, held))).ok();
    }

    fn copy(&mut self) -> Home {
        self.since_copy = Some(Vec::new());
        self.home.copied()
    }
}

/// Their token of before is worth nothing any more.
fn guest_of(story: &mut Story, number: u8) -> Person {
    let (person, change) = guest_enters(number);
    drop(story.meet(change));
    person
}

fn secret_of(id: u64) -> SecretHash {
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&id.to_be_bytes());
    SecretHash(secret)
}

fn apply(home: &mut Home, command: &AnyCommand) -> Reply {
    match command.clone() {
        AnyCommand::Access(command) => home.run(command),
        AnyCommand::Conference(command) => home.run(command),
        AnyCommand::Licensing(command) => home.run(command),
    }
}

fn tell(lent: bool, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut story = Story::new(lent);
    let mut copy = None;
    for (number, step) in steps.iter().enumerate() {
        if number == steps.len() / 2 {
            copy = Some(story.copy());
        }
        step.run(&mut story);
        story.check()?;
    }
    // A node that read everything from its disk in the middle goes on alike.
    if let Some(mut copy) = copy {
        for (now, command) in story.since_copy.take().unwrap_or_default() {
            copy.now = now;
            drop(apply(&mut copy, &command));
        }
        prop_assert_eq!(desk(&story.home), desk(&copy));
        prop_assert_eq!(story.home.digest(), copy.digest());
    }
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step::any_step(), 1..500)
}

proptest! {
    // Twice 24 stories of 250 steps on average: 12,000 steps.
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn seats_and_places_stay_together(steps in steps()) {
        tell(false, &steps)?;
    }

    #[test]
    fn seats_of_a_manager_and_places_stay_together(steps in steps()) {
        tell(true, &steps)?;
    }
}

/// Their seat was free before, so the new lease ends nothing of theirs: they are back as soon as there is a seat.
#[test]
fn who_is_away_from_a_node_that_was_silent_outlasts_a_new_lease() {
    let (ben, room) = (8, 0);
    let steps = [
        Step::Come(ben, room, 3),
        Step::Lose(3),
        Step::Silent(3, false),
        Step::Licences(step::Licences::NewLease(2, 4, 1)),
        Step::Back(ben, 1, true),
    ];
    let mut story = Story::new(true);
    for step in &steps {
        step.run(&mut story);
        story.check().expect("holds");
    }
    assert_eq!(Rows::of(&story.home).seats.len(), 1, "they have a seat again");
}
