//! Smart meetings: who comes onto the podium by speaking, and who leaves it for them (CONF-01).

use crate::{
    modes::{LOUD, SILENT, enters},
    visitor::{Seen, Visitor},
    world::{Account, World},
};
use anyhow::ensure;
use plenary_light::Person;
use plenary_signalling::meeting::{Act, Moderate, ParticipantId};
use serde_json::json;

/// A place of the podium changes at most so often, in ms.
const CHANGE_MS: u64 = 2_000;

fn podium(seen: &Seen) -> Vec<String> {
    let on_it = seen.roster.values().filter(|one| one.podium.is_some());
    let mut users: Vec<_> = on_it.filter_map(|one| one.user.clone()).collect();
    users.sort_unstable();
    users
}

/// A meeting, and the owner in it who sends nothing; the first who comes takes a place and leaves it again for others.
struct Smart {
    world: World,
    room: String,
    host: Visitor,
    people: Vec<Person>,
}

impl Smart {
    async fn set(world: &World, places: u8) -> anyhow::Result<Self> {
        let owner = world.account("owner").await?;
        let settings = json!({ "mode": "smart", "podium_places": places });
        let room = owner.conference(json!({ "settings": settings })).await?;
        Ok(Self {
            world: world.clone(),
            host: owner.join(&room).await?,
            room,
            people: Vec::new(),
        })
    }

    /// Somebody comes, and speaks all the time, or never.
    async fn comes(&mut self, word: &str, level: u8) -> anyhow::Result<Account> {
        let who = self.world.account(word).await?;
        let tag = self.people.len() as u8 + 1;
        let person = enters(&self.world, &self.room, tag.into(), &who, level).await?;
        self.people.push(person);
        Ok(who)
    }

    /// The owner does something about somebody.
    fn act(&self, act: Act, whom: &Account) -> anyhow::Result<ParticipantId> {
        let seen = self.host.seen();
        let place = seen.of(whom).map(|one| one.id);
        let place = place.ok_or_else(|| anyhow::anyhow!("{} is not in", whom.id))?;
        self.host.say(plenary_signalling::ClientBody::Moderate(Moderate {
            participant: Some(place),
            ..Moderate::from(act)
        }));
        Ok(place)
    }

    /// From then on they are silent.
    async fn mute(&self, whom: &Account) -> anyhow::Result<()> {
        self.act(Act::Mute, whom)?;
        let is_muted = |seen: &Seen| seen.of(whom).is_some_and(|one| one.hushed);
        self.host.until("somebody is muted", is_muted).await
    }

    async fn podium_is(&self, wanted: &[&Account]) -> anyhow::Result<()> {
        let mut users: Vec<&str> = wanted.iter().map(|who| who.id.as_str()).collect();
        users.sort_unstable();
        self.host
            .until(&format!("the podium is {users:?}"), |seen| podium(seen) == users)
            .await
    }

    async fn end(self) {
        for person in self.people {
            person.leave().await;
        }
    }
}

pub(crate) async fn the_longest_silent_leaves_and_who_is_pinned_stays(world: World) -> anyhow::Result<()> {
    let mut meeting = Smart::set(&world, 2).await?;
    let ann = meeting.comes("ann", LOUD).await?;
    // The owner, who came first, has never spoken.
    let bob = meeting.comes("bob", LOUD).await?;
    meeting.podium_is(&[&ann, &bob]).await?;
    // Ann is silent longer than Bob.
    meeting.mute(&ann).await?;
    let carol = meeting.comes("carol", SILENT).await?;
    meeting.mute(&bob).await?;
    meeting.podium_is(&[&ann, &bob]).await?;
    let dora = meeting.comes("dora", LOUD).await?;
    meeting.podium_is(&[&bob, &dora]).await?;
    // Bob is silent longer than Dora, and stays where he is pinned.
    meeting.act(Act::Pin, &bob)?;
    let is_pinned = |seen: &Seen| seen.of(&bob).is_some_and(|one| one.pinned);
    meeting.host.until("bob is pinned", is_pinned).await?;
    meeting.mute(&dora).await?;
    let emil = meeting.comes("emil", LOUD).await?;
    meeting.podium_is(&[&bob, &emil]).await?;
    ensure!(
        !podium(&meeting.host.seen()).contains(&carol.id),
        "who is silent has taken a place"
    );
    meeting.end().await;
    Ok(())
}

pub(crate) async fn one_place_changes_at_most_every_two_seconds(world: World) -> anyhow::Result<()> {
    let mut meeting = Smart::set(&world, 1).await?;
    // All speak, at all nodes; whoever has the place is muted at once, so that the others want it.
    let mut speakers = Vec::new();
    for word in ["ann", "bob", "carol", "dora"] {
        speakers.push(meeting.comes(word, LOUD).await?);
    }
    let mut times = Vec::new();
    while !speakers.is_empty() {
        let is_one = |seen: &Seen| {
            let all = podium(seen);
            all.len() == 1 && speakers.iter().any(|who| who.id == all[0])
        };
        meeting.host.until("one who speaks has the place", is_one).await?;
        let seen = meeting.host.seen();
        let mine = speakers.iter().position(|who| podium(&seen) == [who.id.as_str()]);
        let who = speakers.remove(mine.unwrap_or_default());
        // When it was taken is said by the log, however long the telling took.
        times.extend(seen.of(&who).and_then(|one| one.podium));
        meeting.mute(&who).await?;
    }
    ensure!(times.len() == 4, "{times:?}");
    for pair in times.windows(2) {
        let ms = pair[1] - pair[0];
        ensure!(ms >= CHANGE_MS, "the place changed after {ms} ms: {times:?}");
    }
    meeting.end().await;
    Ok(())
}
