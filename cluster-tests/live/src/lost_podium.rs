//! A node is lost during a role-based meeting: everybody is back in their place, and roles, hands, podium, waiting room,
//! layout and what is switched off are as before; whoever moderates goes on (ENT-01, CONF-09).

use crate::{
    Place, Server,
    enterprise::wait,
    meeting::{PASSWORD, sign_in},
    scenarios::{Figures, Spread},
};
use anyhow::{Context as _, ensure};
use plenary_light::{Attendance, Attendee, Pass};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Arrangement, Counts, Layout, Moderate, Participant, ParticipantId, Role, Room, State},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const ROOM: &str = "assembly";
const NODES: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);
/// Before what a node could not do without a leader is said again.
const AGAIN: Duration = Duration::from_millis(100);

/// Who is what. Person `n` belongs to node `n` modulo the number of nodes, so that each node has some of everything. They
/// are as many as the free licence has seats for: ten accounts and a guest, who is the last.
const PEOPLE: usize = 11;
const OWNER: usize = 0;
const MODERATORS: [usize; 2] = [1, 2];
/// The first belongs to the first node, and so on: who is made a moderator while that one is lost.
const ON_PODIUM: [usize; 3] = [3, 4, 8];
const PINNED: usize = 4;
/// In the order in which they raise their hands.
const HANDS: [usize; 3] = [6, 5, 7];
const MUTED: usize = 8;
const WITHOUT_CAMERA: usize = 6;
const MAY_SPEAK: usize = 2;
const WAITING: [usize; 2] = [9, 10];

/// What one of them knows, but for the nodes that others are at.
#[derive(Debug, Clone, PartialEq)]
struct Picture {
    me: Option<ParticipantId>,
    waits: bool,
    /// Who waits hears of it no more.
    room: Option<Room>,
    roster: BTreeMap<ParticipantId, Participant>,
    counts: Counts,
}

struct Assembly {
    server: Server,
    people: Vec<Attendee>,
}

/// What the loss of a node cost, in milliseconds.
#[derive(Debug, Default)]
struct Cost {
    /// Of each who was on it, until their place was theirs again at another node.
    away: Vec<u64>,
    /// Until what a moderator asked for right after it was seen to be done.
    acted: Vec<u64>,
}

/// Loses the leader and another node so many times each.
pub async fn lost_node_podium(rounds: usize) -> anyhow::Result<Figures> {
    let assembly = &mut Assembly::gather().await?;
    let before = assembly.arrange().await?;
    let (mut leaders, mut others) = (Cost::default(), Cost::default());
    for round in 0..2 * rounds {
        let leads = round.is_multiple_of(2);
        let waiter = WAITING[round / 2 % WAITING.len()];
        let cost = if leads { &mut leaders } else { &mut others };
        assembly
            .lose(leads, waiter, &before, cost)
            .await
            .with_context(|| format!("round {}", round + 1))?;
    }
    let notes = vec![format!("leader: {leaders}"), format!("another node: {others}")];
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

impl Assembly {
    /// All come; nobody but the owner is inside.
    async fn gather() -> anyhow::Result<Self> {
        let server = Server::start(vec![Place::local(), Place::local(), Place::local()]).await?;
        wait("seats are counted", async || {
            Ok(server.get(0, "/licence").await.is_ok())
        })
        .await?;
        let settings = json!({ "mode": "role_based", "waiting_room": "all", "podium_places": 4 });
        let room = json!({ "cid": ROOM, "name": "Assembly", "access": "public", "settings": settings });
        server.post_anywhere("/conferences", &room).await?;
        let mut tokens = vec![server.token.clone()];
        for number in 1..PEOPLE - 1 {
            let login = format!("person-{number}");
            let account = json!({ "id": login, "password": PASSWORD });
            server.post_anywhere("/users", &account).await?;
            tokens.push(sign_in(&server, number % NODES, &login).await?);
        }
        let path = format!("/conferences/{ROOM}/guests");
        let guest = server.post_anywhere(&path, &json!({ "name": "Ann" })).await?;
        tokens.push(
            guest["token"]
                .as_str()
                .context("a guest gets a token")?
                .to_owned(),
        );
        let nodes = server.nodes();
        let pass = |(number, token)| Pass {
            nodes: nodes.clone(),
            at: number % NODES,
            token,
            room: ROOM.to_owned(),
        };
        let people = tokens.into_iter().enumerate().map(pass).map(Attendee::enter);
        let assembly = Self {
            people: people.collect(),
            server,
        };
        let all = (0..PEOPLE).collect::<Vec<_>>();
        assembly
            .until("all are at the door", |seen| all_here(seen, &all))
            .await?;
        Ok(assembly)
    }

    /// Makes each what they are to be. Gives what they know then.
    async fn arrange(&self) -> anyhow::Result<Vec<Picture>> {
        for number in 1..WAITING[0] {
            self.act(OWNER, Act::Admit, number).await?;
        }
        self.until("eight are let in", |seen| {
            seen[1..WAITING[0]].iter().all(|one| !one.waits)
        })
        .await?;
        for number in MODERATORS {
            self.act(OWNER, Act::MakeModerator, number).await?;
        }
        for (place, number) in HANDS.into_iter().enumerate() {
            let raise = State {
                hand: Some(true),
                ..State::default()
            };
            self.people[number].say(ClientBody::State(raise));
            self.until("a hand is raised", |seen| hands(&seen[OWNER]).len() == place + 1)
                .await?;
        }
        for number in ON_PODIUM {
            self.act(OWNER, Act::GivePodium, number).await?;
        }
        self.act(MODERATORS[0], Act::Pin, PINNED).await?;
        self.act(MODERATORS[1], Act::Mute, MUTED).await?;
        self.act(OWNER, Act::StopCamera, WITHOUT_CAMERA).await?;
        self.act(OWNER, Act::GiveRemark, MAY_SPEAK).await?;
        let layout = Layout {
            arrangement: Arrangement::Speaker,
            pinned: self.seen()[PINNED].me,
            locked: true,
            ..Layout::default()
        };
        for act in [Act::SetLayout, Act::Lock] {
            self.people[OWNER].say(ClientBody::Moderate(Moderate {
                layout: (act == Act::SetLayout).then(|| layout.clone()),
                ..Moderate::from(act)
            }));
        }
        self.until("all is arranged, and everybody knows", |seen| {
            seen.iter().filter(|one| !one.waits).all(is_arranged)
                && seen.iter().filter(|one| one.waits).count() == 2
        })
        .await?;
        let pictures = self.pictures();
        let order: Vec<_> = HANDS.iter().filter_map(|number| pictures[*number].me).collect();
        ensure!(
            hands(&self.seen()[OWNER]) == order,
            "hands are not in their order"
        );
        Ok(pictures)
    }

    /// Kills a node, lets a moderator of another one admit who waits and make somebody a moderator whose node is gone, and sees
    /// that all is as it was but for that; then the node is started again, both are taken back, and all go where they belong.
    async fn lose(
        &mut self,
        leads: bool,
        waiter: usize,
        before: &[Picture],
        cost: &mut Cost,
    ) -> anyhow::Result<()> {
        let leader = self.server.leader().await?;
        let node = if leads { leader } else { (leader + 1) % NODES };
        let known = self.seen();
        let moderators = [OWNER, MODERATORS[0], MODERATORS[1]];
        let actor = moderators.into_iter().find(|one| one % NODES != node);
        let actor = actor.context("a moderator is at another node")?;
        let place = known[waiter].me.context("who waits has a place")?;
        let (promoted, role) = (ON_PODIUM[node], Role::Moderator);
        let whom = known[promoted].me.context("who is on the podium has a place")?;
        let harm = Instant::now();
        self.server.kill(node)?;
        // Said before anybody of that node can be back.
        let promote = moderate(Act::MakeModerator, whom);
        self.people[actor].say(promote.clone());
        self.persist(actor, moderate(Act::Admit, place), |seen| {
            seen[actor].roster.get(&place).is_some_and(|one| !one.waiting)
        })
        .await
        .context("a moderator lets somebody in")?;
        cost.acted.push(ms_since(harm));
        let moderates =
            |seen: &[Attendance]| seen[actor].roster.get(&whom).is_some_and(|one| one.role == role);
        if !moderates(&self.seen()) {
            self.persist(actor, promote, moderates)
                .await
                .context("a moderator makes one of a lost node a moderator")?;
        }
        let lost: Vec<usize> = (0..PEOPLE).filter(|number| number % NODES == node).collect();
        self.until("all are back", |seen| {
            let is_back = |number: &usize| seen[*number].returns.len() > known[*number].returns.len();
            all_here(seen, &(0..PEOPLE).collect::<Vec<_>>()) && lost.iter().all(is_back)
        })
        .await?;
        self.becomes(&make_moderator(let_in(before, waiter), promoted))
            .await
            .context("with the node gone")?;
        for (number, seen) in self.seen().iter().enumerate() {
            let Some(last) = seen
                .returns
                .get(known[number].returns.len()..)
                .and_then(<[_]>::last)
            else {
                continue;
            };
            ensure!(
                last.from == node,
                "person {number} left node {}, not the lost one",
                last.from
            );
            cost.away.push(last.back.duration_since(harm).as_millis() as u64);
        }
        eprintln!("node {node}{}: {cost}", if leads { ", the leader" } else { "" });
        self.server.restart(node).await?;
        self.server.wait_voters(NODES).await?;
        for number in lost {
            self.people[number].go(node);
        }
        self.until("all are where they belong", |seen| {
            let belongs = |(number, one): (usize, &Attendance)| one.here && one.at == number % NODES;
            seen.iter().enumerate().all(belongs)
        })
        .await?;
        self.persist(actor, moderate(Act::UnmakeModerator, whom), |seen| {
            seen[promoted]
                .roster
                .get(&whom)
                .is_some_and(|one| one.role != role)
        })
        .await
        .context("a moderator takes the role back")?;
        self.persist(actor, moderate(Act::SendBack, place), |seen| seen[waiter].waits)
            .await
            .context("a moderator sends somebody back")?;
        self.becomes(before).await.context("with the node back")
    }

    fn seen(&self) -> Vec<Attendance> {
        self.people.iter().map(Attendee::seen).collect()
    }

    fn pictures(&self) -> Vec<Picture> {
        self.seen().into_iter().map(Picture::of).collect()
    }

    /// One does something to another.
    async fn act(&self, by: usize, act: Act, whom: usize) -> anyhow::Result<()> {
        let place = self.seen()[whom].me.context("they have a place")?;
        self.people[by].say(moderate(act, place));
        Ok(())
    }

    /// Says it until it is done: without a leader a node cannot do it.
    async fn persist(
        &self,
        by: usize,
        body: ClientBody,
        done: impl Fn(&[Attendance]) -> bool,
    ) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut complaints = self.people[by].seen().complaints.len();
        self.people[by].say(body.clone());
        while !done(&self.seen()) {
            ensure!(
                begun.elapsed() < PATIENCE,
                "it is not done; {:?}",
                self.people[by].seen().complaints
            );
            let now = self.people[by].seen().complaints.len();
            if now > complaints {
                complaints = now;
                sleep(AGAIN).await;
                self.people[by].say(body.clone());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    async fn until(&self, what: &str, is_so: impl Fn(&[Attendance]) -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let seen = self.seen();
            if is_so(&seen) {
                return Ok(());
            }
            let complaints = || {
                seen.iter()
                    .enumerate()
                    .map(|(number, one)| (number, one.here, &one.complaints))
            };
            ensure!(
                begun.elapsed() < PATIENCE,
                "not within {} s: {what}; {:?}",
                PATIENCE.as_secs(),
                complaints().collect::<Vec<_>>()
            );
            sleep(LOOK).await;
        }
    }

    /// Waits until everybody knows this and nothing else.
    async fn becomes(&self, wanted: &[Picture]) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let now = self.pictures();
            let Some(number) = (0..PEOPLE).find(|number| now[*number] != wanted[*number]) else {
                return Ok(());
            };
            ensure!(
                begun.elapsed() < PATIENCE,
                "person {number} knows\n{:?}\nand not\n{:?}",
                now[number],
                wanted[number]
            );
            sleep(LOOK).await;
        }
    }
}

impl Picture {
    fn of(seen: Attendance) -> Self {
        let mut roster = seen.roster;
        roster.values_mut().for_each(|one| one.node.clear());
        Self {
            me: seen.me,
            waits: seen.waits,
            room: (!seen.waits).then_some(seen.room),
            counts: if seen.waits {
                Counts::default()
            } else {
                seen.counts
            },
            roster,
        }
    }
}

/// What all know when somebody who waited is let in.
fn let_in(before: &[Picture], waiter: usize) -> Vec<Picture> {
    let mut after = before.to_vec();
    let owner = &before[OWNER];
    let inside = |one: &Participant| !one.waiting || Some(one.id) == before[waiter].me;
    let mut everybody = owner.roster.clone();
    everybody.retain(|_, one| inside(one));
    everybody.values_mut().for_each(|one| one.waiting = false);
    for picture in after.iter_mut().filter(|picture| !picture.waits) {
        let moderates = picture.counts.waiting > 0;
        picture.counts.inside += 1;
        picture.counts.waiting -= u32::from(moderates);
        picture.roster.retain(|_, one| one.waiting);
        picture.roster.extend(everybody.clone());
    }
    // Guests learn no accounts.
    let is_guest = |id: &ParticipantId| everybody.get(id).is_some_and(|one| one.guest);
    if before[waiter].me.as_ref().is_some_and(is_guest) {
        everybody.values_mut().for_each(|one| one.user = None);
    }
    after[waiter] = Picture {
        me: before[waiter].me,
        waits: false,
        room: owner.room.clone(),
        counts: Counts {
            waiting: 0,
            ..after[OWNER].counts
        },
        roster: everybody,
    };
    after
}

/// What all know when somebody inside is made a moderator, who hears of those who wait from then on.
fn make_moderator(mut pictures: Vec<Picture>, number: usize) -> Vec<Picture> {
    let Some(place) = pictures[number].me else {
        return pictures;
    };
    let inside = pictures.iter_mut().filter(|picture| !picture.waits);
    for one in inside.filter_map(|picture| picture.roster.get_mut(&place)) {
        one.role = Role::Moderator;
    }
    let Picture { roster, counts, .. } = pictures[OWNER].clone();
    let one = &mut pictures[number];
    (one.roster, one.counts) = (roster, counts);
    pictures
}

fn moderate(act: Act, place: ParticipantId) -> ClientBody {
    ClientBody::Moderate(Moderate {
        participant: Some(place),
        ..Moderate::from(act)
    })
}

fn all_here(seen: &[Attendance], numbers: &[usize]) -> bool {
    numbers.iter().all(|number| seen[*number].here)
}

/// Who has a hand raised, in the order in which they did.
fn hands(seen: &Attendance) -> Vec<ParticipantId> {
    let mut hands: Vec<_> = seen
        .roster
        .values()
        .filter_map(|one| Some((one.hand?, one.id)))
        .collect();
    hands.sort_unstable();
    hands.into_iter().map(|(_, id)| id).collect()
}

/// By what one of them knows who is inside.
fn is_arranged(seen: &Attendance) -> bool {
    let count = |is: fn(&Participant) -> bool| seen.roster.values().filter(|one| is(one)).count();
    count(|one| !one.waiting) == WAITING[0]
        && count(|one| one.role == Role::Moderator) == MODERATORS.len()
        && count(|one| one.podium.is_some() && one.role == Role::Participant) == ON_PODIUM.len()
        && count(|one| one.pinned) == 1
        && count(|one| one.hushed) == 1
        && count(|one| one.dimmed) == 1
        && count(|one| one.remark) == 1
        && hands(seen).len() == HANDS.len()
        && seen.room.locked
        && seen.room.layout.as_ref().is_some_and(|layout| layout.locked)
}

fn ms_since(moment: Instant) -> u64 {
    moment.elapsed().as_millis() as u64
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (away, acted) = (Spread(&self.away), Spread(&self.acted));
        write!(
            f,
            "{} people away for {away}, a moderator let somebody in after {acted} ms (p50/p95/worst)",
            self.away.len()
        )
    }
}
