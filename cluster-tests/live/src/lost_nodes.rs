//! A node is lost during a meeting of nine on three nodes (ENT-01): how long those on it, and the others, miss what.

use crate::{
    Server,
    meeting::Meeting,
    network::Network,
    scenarios::{Figures, Spread},
    steady::Steady,
};
use anyhow::{Context as _, ensure};
use nix::sys::signal::Signal;
use plenary_light::{Move, Seen, Tag};
use plenary_signalling::meeting::ParticipantId;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

const PEOPLE: usize = 9;
const NODES: usize = 3;
/// Each kind of loss is done so often to a leader and to another node.
const ROUNDS: usize = 2;
/// A round in which this machine itself stood still is done again, at most so often in all.
const VOID: usize = 6;
/// So long all is as it should be before a node is lost: estimates of bandwidth are, too.
const CALM: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy)]
enum Loss {
    /// `kill -9`.
    Kill,
    /// It stands still (SIGSTOP).
    Pause,
    /// Its link is cut.
    Cut,
}

/// What a loss cost, in milliseconds.
#[derive(Debug, Default)]
struct Cost {
    /// Of those on the lost node: from the loss to noticing it, from there to the place at another node, to both
    /// connections, to the first picture; and from the loss to that.
    notice: Vec<u64>,
    join: Vec<u64>,
    connect: Vec<u64>,
    picture: Vec<u64>,
    whole: Vec<u64>,
    /// The longest time without a picture of somebody on another node that was not lost either.
    others: Vec<u64>,
    /// The longest time without a picture of somebody who was on the lost node.
    moved: Vec<u64>,
}

/// Every loss, of leaders and others.
pub async fn lost_node_many() -> anyhow::Result<Figures> {
    let network = Network::make()?;
    let server = Server::start(network.places()).await?;
    let mut meeting = Meeting::prepare(server, PEOPLE, Network::OWN.into()).await?;
    meeting.begin().await?;
    let (mut all, mut void, mut notes) = (Cost::default(), 0, Vec::new());
    for loss in [Loss::Kill, Loss::Pause, Loss::Cut] {
        let mut costs = Cost::default();
        for round in 0..2 * ROUNDS {
            loop {
                let leads = round.is_multiple_of(2);
                match lose(&mut meeting, &network, loss, leads).await? {
                    Some(cost) => break costs.add(cost),
                    None => void += 1,
                }
                ensure!(
                    void <= VOID,
                    "this machine stands still too often to measure anything"
                );
            }
        }
        notes.push(format!("{loss:?}: {costs}"));
        all.add(costs);
    }
    notes.push(format!("all: {all}"));
    notes.push(format!("{void} rounds void"));
    meeting.end().await;
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

/// Gives none if this machine stood still meanwhile.
async fn lose(
    meeting: &mut Meeting,
    network: &Network,
    loss: Loss,
    leads: bool,
) -> anyhow::Result<Option<Cost>> {
    meeting.spread().await?;
    meeting.settle_for(CALM).await?;
    let before = meeting.places()?;
    let leader = meeting.server.leader().await?;
    let node = if leads { leader } else { (leader + 1) % NODES };
    let moves: Vec<usize> = meeting
        .people
        .iter()
        .map(|person| person.seen().moves.len())
        .collect();
    let losses: Vec<u64> = meeting
        .people
        .iter()
        .map(|person| person.watch().lost())
        .collect();
    meeting.people.iter().for_each(plenary_light::Person::forget_gaps);
    let steady = Steady::begin()?;
    let harm = Instant::now();
    match loss {
        Loss::Kill => meeting.server.kill(node)?,
        Loss::Pause => meeting.server.signal(node, Signal::SIGSTOP)?,
        Loss::Cut => network.pull(node)?,
    }
    // Pictures of before count for nothing.
    let deadline = harm + Duration::from_secs(30);
    while meeting
        .people
        .iter()
        .any(|person| !has_moved(&person.seen(), node))
    {
        ensure!(Instant::now() < deadline, "somebody stays at the lost node");
        sleep(Duration::from_millis(5)).await;
    }
    meeting.settle().await.context("after the loss")?;
    let stood_still = steady.end()?;
    let after = meeting.places()?;
    let cost = measure(meeting, node, harm, &moves, &losses)?;
    mend(meeting, network, loss, node).await?;
    if let Some(longest) = stood_still {
        eprintln!(
            "{loss:?} of node {node}: this machine stood still for {} ms, again",
            longest.as_millis()
        );
        return Ok(None);
    }
    same(&before, &after)?;
    eprintln!(
        "{loss:?} of node {node}{}: {cost}",
        if leads { ", the leader" } else { "" }
    );
    Ok(Some(cost))
}

/// Somebody at this node is at another one, and sees something there.
fn has_moved(seen: &Seen, node: usize) -> bool {
    seen.at != node && seen.connected && seen.moves.last().is_none_or(|last| last.first_picture.is_some())
}

async fn mend(meeting: &mut Meeting, network: &Network, loss: Loss, node: usize) -> anyhow::Result<()> {
    match loss {
        Loss::Kill => meeting.server.launch(node)?,
        Loss::Pause => meeting.server.signal(node, Signal::SIGCONT)?,
        Loss::Cut => network.mend(node)?,
    }
    meeting.server.wait_ready(node).await?;
    meeting.server.wait_voters(NODES).await
}

fn same(before: &[ParticipantId], after: &[ParticipantId]) -> anyhow::Result<()> {
    ensure!(before == after, "places changed from {before:?} to {after:?}");
    Ok(())
}

fn measure(
    meeting: &Meeting,
    node: usize,
    harm: Instant,
    moves: &[usize],
    losses: &[u64],
) -> anyhow::Result<Cost> {
    let mut cost = Cost::default();
    let people: Vec<_> = meeting
        .people
        .iter()
        .map(|person| (person.seen(), person.watch()))
        .collect();
    let moved: BTreeSet<Tag> = people
        .iter()
        .zip(moves)
        .enumerate()
        .filter(|(_, ((seen, _), moves))| seen.moves.len() > **moves)
        .map(|(number, _)| number as Tag)
        .collect();
    for (number, (seen, watch)) in people.iter().enumerate() {
        let tag = number as Tag;
        if let Some(last) = seen.moves.get(moves[number]..).and_then(<[Move]>::last) {
            ensure!(
                last.from == node,
                "person {number} left node {}, not the lost one",
                last.from
            );
            cost.note(harm, last)
                .with_context(|| format!("person {number}"))?;
            continue;
        }
        let lost = watch.lost() - losses[number];
        ensure!(
            lost == 0,
            "person {number} is at another node and lost {lost} packets"
        );
        for (other, pictures) in &watch.pictures {
            let gap = pictures.longest_gap.as_millis() as u64;
            match moved.contains(other) {
                true => cost.moved.push(gap),
                false if *other != tag => cost.others.push(gap),
                false => {}
            }
        }
    }
    ensure!(moved.len() == PEOPLE / NODES, "{moved:?} moved");
    Ok(cost)
}

impl Cost {
    fn note(&mut self, harm: Instant, last: &Move) -> anyhow::Result<()> {
        let joined = last.joined.context("did not join")?;
        let connected = last.connected.context("did not connect")?;
        let picture = last.first_picture.context("saw nothing")?;
        let ms = |from: Instant, to: Instant| to.saturating_duration_since(from).as_millis() as u64;
        self.notice.push(ms(harm, last.noticed));
        self.join.push(ms(last.noticed, joined));
        self.connect.push(ms(joined, connected));
        self.picture.push(ms(connected, picture));
        self.whole.push(ms(harm, picture));
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.notice.extend(other.notice);
        self.join.extend(other.join);
        self.connect.extend(other.connect);
        self.picture.extend(other.picture);
        self.whole.extend(other.whole);
        self.others.extend(other.others);
        self.moved.extend(other.moved);
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} people; ", self.whole.len())?;
        for (what, values) in [
            ("noticed", &self.notice),
            ("joined", &self.join),
            ("connected", &self.connect),
            ("picture", &self.picture),
            ("in all", &self.whole),
            ("others without each other", &self.others),
            ("others without the moved", &self.moved),
        ] {
            write!(f, "{what} {}, ", Spread(values))?;
        }
        write!(f, "ms (p50/p95/worst)")
    }
}
