//! Who is seen and heard by whom, with media that flows: by mode (CONF-01), and within limits (CONF-10, USR-07).

use crate::world::{Account, PATIENCE, World, until};
use anyhow::{Context as _, ensure};
use plenary_light::{Person, Tag, Ticket};
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The first comes as owner; the second speaks, the others are silent.
const OWNER: Tag = 1;
const SPEAKER: Tag = 2;
const LISTENER: Tag = 3;
/// Pictures come ten times a second.
const MOVING: Duration = Duration::from_millis(600);
/// What must not flow does not flow for so long.
const CALM: Duration = Duration::from_millis(1_500);
pub(crate) const SILENT: u8 = 127;
pub(crate) const LOUD: u8 = 20;

/// Three people, each at a node of their own.
struct Stage {
    world: World,
    /// Those who are in, in the order of their tags.
    accounts: Vec<Account>,
    room: String,
    people: Vec<(Tag, Person)>,
}

impl Stage {
    async fn set(world: &World, settings: Value) -> anyhow::Result<Self> {
        let owner = world.account("owner").await?;
        let room = owner.conference(json!({ "settings": settings })).await?;
        let mut stage = Self {
            world: world.clone(),
            people: Vec::new(),
            room,
            accounts: Vec::new(),
        };
        for (tag, level) in [(OWNER, SILENT), (SPEAKER, LOUD), (LISTENER, SILENT)] {
            let who = match tag {
                OWNER => owner.clone(),
                _ => world.account("member").await?,
            };
            stage.enter(tag, who, level).await?;
        }
        Ok(stage)
    }

    /// One more comes in, and speaks so loud all the time; at the node whose turn it is.
    async fn enter(&mut self, tag: Tag, who: Account, level: u8) -> anyhow::Result<()> {
        let person = enters(&self.world, &self.room, tag, &who, level).await?;
        self.people.push((tag, person));
        self.accounts.push(who);
        Ok(())
    }

    fn account(&self, tag: Tag) -> anyhow::Result<&Account> {
        let at = self.people.iter().position(|(other, _)| *other == tag);
        let account = at.and_then(|at| self.accounts.get(at));
        account.context("they are in")
    }

    /// The limits of somebody, in kbit/s.
    async fn limit(&self, tag: Tag, in_kbps: Option<u32>, out_kbps: Option<u32>) -> anyhow::Result<()> {
        let body = json!({ "bandwidth": { "in_kbps": in_kbps, "out_kbps": out_kbps } });
        let path = format!("/users/{}", self.account(tag)?.id);
        self.world.admin().patch(&path, body).await?.is(200)?;
        Ok(())
    }

    /// The place of somebody, for acts by REST.
    fn place(&self, tag: Tag) -> String {
        let of = self.people.iter().find(|(other, _)| *other == tag);
        let me = of.and_then(|(_, person)| person.seen().me);
        me.map(|id| id.0.to_string()).unwrap_or_default()
    }

    /// Waits until each sees exactly these, and for a while nobody else.
    async fn sees(&self, wanted: &[(Tag, &[Tag])]) -> anyhow::Result<()> {
        let is = |tag: Tag| {
            wanted
                .iter()
                .find(|(other, _)| *other == tag)
                .map(|(_, sees)| *sees)
        };
        let now = || self.people.iter().map(|(tag, person)| (*tag, seen(person)));
        let begun = Instant::now();
        let mut since = Instant::now();
        while since.elapsed() < CALM {
            let as_wanted = now().all(|(tag, sees)| is(tag) == Some(sees.as_slice()));
            if !as_wanted {
                since = Instant::now();
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "who sees whom is {:?}, not {wanted:?}",
                now().collect::<Vec<_>>()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Waits until all others hear the one who speaks, or nobody does for a while.
    async fn hears_speaker(&self, is_heard: bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut since = Instant::now();
        while since.elapsed() < CALM {
            let others = self.people.iter().filter(|(tag, _)| *tag != SPEAKER);
            let as_wanted = others
                .map(|(_, person)| hears(person, SPEAKER))
                .all(|hears| hears == is_heard);
            if !as_wanted {
                since = Instant::now();
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "that the speaker is heard is not {is_heard}"
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn act(&self, act: &str, whom: Tag) -> anyhow::Result<()> {
        let body = json!({ "act": act, "participant": self.place(whom) });
        self.account(OWNER)?.act(&self.room, body).await?.is(204)?;
        Ok(())
    }

    async fn end(self) -> anyhow::Result<()> {
        for (_, person) in self.people {
            person.leave().await;
        }
        let room = format!("/conferences/{}/participants", self.room);
        until("all have left", async || {
            Ok(self.world.admin().get(&room).await? == json!([]))
        })
        .await
    }
}

/// Comes into a room with media that flows, and speaks so loud all the time; at the node whose turn it is.
pub(crate) async fn enters(
    world: &World,
    room: &str,
    tag: Tag,
    who: &Account,
    level: u8,
) -> anyhow::Result<Person> {
    let person = Person::enter(Ticket {
        nodes: world.urls(),
        at: world.next(),
        token: who.token.clone(),
        room: room.to_owned(),
        tag,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        through: Vec::new(),
        pictures: 4,
        level,
    });
    until("everybody is connected", async || Ok(person.seen().connected)).await?;
    Ok(person)
}

/// Whose pictures move.
fn seen(person: &Person) -> Vec<Tag> {
    let moving = |last: Option<Instant>| last.is_some_and(|last| last.elapsed() < MOVING);
    let watch = person.watch();
    let pictures = watch.pictures.iter().filter(|(_, one)| moving(one.last));
    pictures.map(|(tag, _)| *tag).collect()
}

fn hears(person: &Person, tag: Tag) -> bool {
    let watch = person.watch();
    let last = watch.voices.get(&tag).and_then(|voice| voice.last);
    last.is_some_and(|last| last.elapsed() < MOVING)
}

pub(crate) async fn all_on_screen_everybody_is_seen_and_heard(world: World) -> anyhow::Result<()> {
    let stage = Stage::set(&world, json!({ "mode": "all_on_screen" })).await?;
    stage
        .sees(&[
            (OWNER, &[SPEAKER, LISTENER]),
            (SPEAKER, &[OWNER, LISTENER]),
            (LISTENER, &[OWNER, SPEAKER]),
        ])
        .await?;
    stage.hears_speaker(true).await?;
    stage.end().await
}

pub(crate) async fn in_a_smart_meeting_who_speaks_takes_the_podium(world: World) -> anyhow::Result<()> {
    let stage = Stage::set(&world, json!({ "mode": "smart", "podium_places": 1 })).await?;
    stage
        .sees(&[(OWNER, &[SPEAKER]), (SPEAKER, &[]), (LISTENER, &[SPEAKER])])
        .await?;
    stage.hears_speaker(true).await?;
    stage.end().await
}

pub(crate) async fn on_a_podium_only_who_has_a_place_is_seen(world: World) -> anyhow::Result<()> {
    let stage = Stage::set(&world, json!({ "mode": "role_based", "podium_places": 2 })).await?;
    stage
        .sees(&[(OWNER, &[]), (SPEAKER, &[OWNER]), (LISTENER, &[OWNER])])
        .await?;
    stage.hears_speaker(false).await?;
    stage.act("give_remark", SPEAKER).await?;
    stage.hears_speaker(true).await?;
    stage.act("give_podium", SPEAKER).await?;
    stage
        .sees(&[
            (OWNER, &[SPEAKER]),
            (SPEAKER, &[OWNER]),
            (LISTENER, &[OWNER, SPEAKER]),
        ])
        .await?;
    stage.act("take_podium", SPEAKER).await?;
    stage
        .sees(&[(OWNER, &[]), (SPEAKER, &[OWNER]), (LISTENER, &[OWNER])])
        .await?;
    stage.hears_speaker(false).await?;
    stage.end().await
}

pub(crate) async fn in_a_lecture_listeners_see_the_lecturer_alone(world: World) -> anyhow::Result<()> {
    let stage = Stage::set(&world, json!({ "mode": "lecture" })).await?;
    stage
        .sees(&[
            (OWNER, &[SPEAKER, LISTENER]),
            (SPEAKER, &[OWNER]),
            (LISTENER, &[OWNER]),
        ])
        .await?;
    stage.hears_speaker(false).await?;
    stage.end().await
}

/// Pictures here are 180 lines high.
pub(crate) async fn larger_pictures_than_a_conference_has_are_not_seen(world: World) -> anyhow::Result<()> {
    let quality = |height: u16| json!({ "quality": { "camera_height": height, "camera_fps": 0, "content_height": 0, "content_fps": 0 } });
    let stage = Stage::set(&world, quality(90)).await?;
    stage
        .sees(&[(OWNER, &[]), (SPEAKER, &[]), (LISTENER, &[])])
        .await?;
    stage.hears_speaker(true).await?;
    let path = format!("/conferences/{}", stage.room);
    let larger = json!({ "settings": quality(180) });
    stage.account(OWNER)?.patch(&path, larger).await?.is(200)?;
    stage
        .sees(&[
            (OWNER, &[SPEAKER, LISTENER]),
            (SPEAKER, &[OWNER, LISTENER]),
            (LISTENER, &[OWNER, SPEAKER]),
        ])
        .await?;
    stage.end().await
}

/// A voice needs 32 kbit/s here and a picture 112; limits change while people meet.
pub(crate) async fn who_may_send_or_get_little_has_voices_first(world: World) -> anyhow::Result<()> {
    let stage = Stage::set(&world, json!({})).await?;
    stage.limit(SPEAKER, None, Some(64)).await?;
    stage
        .sees(&[
            (OWNER, &[LISTENER]),
            (SPEAKER, &[OWNER, LISTENER]),
            (LISTENER, &[OWNER]),
        ])
        .await?;
    stage.hears_speaker(true).await?;
    stage.limit(SPEAKER, None, None).await?;
    stage.limit(LISTENER, Some(64), None).await?;
    stage
        .sees(&[
            (OWNER, &[SPEAKER, LISTENER]),
            (SPEAKER, &[OWNER, LISTENER]),
            (LISTENER, &[]),
        ])
        .await?;
    stage.hears_speaker(true).await?;
    stage.end().await
}
