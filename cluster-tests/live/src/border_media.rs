//! Media through a Border Controller: people outside and inside see and hear each other, whatever strangers send, and also
//! when a node or the controller is lost.

use crate::{
    border::{Controller, Inside, until},
    meeting::{PASSWORD, settle},
};
use anyhow::{Context as _, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plenary_light::{Person, Tag, Ticket};
use reqwest::Method;
use serde_json::json;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::net::UdpSocket;

const ROOM: &str = "over-the-fence";
/// The first is inside, the others are outside, at different nodes.
pub(crate) const PEOPLE: usize = 3;
/// Nothing is missing for so long.
pub(crate) const CALM: Duration = Duration::from_secs(2);
/// Datagrams of strangers.
const FLOOD: usize = 30_000;
/// Pictures come ten times a second; machines that test are busy. What a flood costs is told by the long test of attacks.
const NO_GAP: Duration = Duration::from_secs(5);

/// A figure of the controller, without its labels or with them.
pub(crate) async fn figure(controller: &Controller, name: &str) -> anyhow::Result<f64> {
    let url = format!("http://{}/metrics", controller.metrics);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .build()?;
    let text = client.get(url).send().await?.error_for_status()?.text().await?;
    let line = text.lines().find_map(|line| {
        let figure = line.strip_prefix("plenary_").unwrap_or(line);
        figure.strip_prefix(name)?.strip_prefix(' ')
    });
    Ok(line.with_context(|| format!("no figure {name}"))?.parse()?)
}

/// Where people are, and by which addresses those outside reach media.
pub(crate) struct Ways {
    /// From which address the one inside sends, and those outside.
    pub(crate) inside: IpAddr,
    pub(crate) outside: IpAddr,
    /// Of controllers, for media by UDP.
    pub(crate) controllers: Vec<SocketAddr>,
}

impl Ways {
    /// All on this machine, by one controller.
    pub(crate) fn here(controller: &Controller) -> Self {
        Self {
            inside: Ipv4Addr::LOCALHOST.into(),
            outside: Ipv4Addr::LOCALHOST.into(),
            controllers: vec![controller.media],
        }
    }
}

/// Everybody has an account, and comes in at a node; all but the first by controllers alone.
pub(crate) async fn enter(inside: &Inside, ways: &Ways) -> anyhow::Result<Vec<Person>> {
    let room = json!({ "cid": ROOM, "name": "Over the fence" });
    inside.call(Method::POST, "/conferences", Some(room)).await?;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let login = format!("person-{number}");
        let account = json!({ "id": login, "password": PASSWORD });
        inside.call(Method::POST, "/users", Some(account)).await?;
        let at = number % 2;
        let body = json!({ "login": login, "password": PASSWORD });
        let session = until("accounts are everywhere soon", async || {
            Ok(Some(
                inside
                    .call_at(at, Method::POST, "/session", Some(body.clone()))
                    .await?,
            ))
        })
        .await?;
        people.push(Person::enter(Ticket {
            nodes: [0, 1].map(|node| inside.url(node).to_owned()).into(),
            at,
            token: session["token"].as_str().context("a token")?.to_owned(),
            room: ROOM.to_owned(),
            tag: number as Tag,
            address: if number > 0 { ways.outside } else { ways.inside },
            through: if number > 0 {
                ways.controllers.clone()
            } else {
                Vec::new()
            },
            pictures: PEOPLE - 1,
            level: 20,
        }));
    }
    Ok(people)
}

/// What strangers send: requests for names that nobody has, media of no flow, and garbage.
async fn flood(at: SocketAddr) -> anyhow::Result<()> {
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    for number in 0..FLOOD {
        let mut message = vec![0, 1, 0, 20, 0x21, 0x12, 0xA4, 0x42];
        message.extend([7; 12]);
        message.extend([0, 6, 0, 16]);
        message.extend(format!("{number:08}:nobody_").into_bytes());
        match number % 3 {
            0 => {}
            1 => message[0] = 128,
            _ => message[0] = 255,
        }
        // What the system has no room for is lost.
        stranger.send_to(&message, at).await.ok();
    }
    Ok(())
}

pub(crate) fn longest_gap(people: &[Person]) -> Duration {
    let watches = people.iter().map(Person::watch);
    let gaps = watches.flat_map(|watch| {
        let pictures = watch.pictures.into_values().map(|pictures| pictures.longest_gap);
        let voices = watch.voices.into_values().map(|voice| voice.longest_gap);
        pictures.chain(voices).collect::<Vec<_>>()
    });
    gaps.max().unwrap_or_default()
}

/// People meet over a controller; strangers flood it; a node is killed, then the controller.
///
/// # Errors
/// What was not as it must be.
pub async fn border_media() -> anyhow::Result<String> {
    let folder = tempfile::Builder::new()
        .prefix("plenary-border-media-")
        .tempdir()?;
    let inside = Inside::start(folder.path(), &[], "127.0.0.1:0").await?;
    let controller = Controller::new(folder.path(), "bc")?;
    let data = folder.path().join("controller");
    let token = inside.invite("dmz-1", controller.tunnel).await?;
    let mut process = controller.start(&data, &["join", &token])?;
    inside.tunnels().await?;
    let both = async || {
        let tunnels = figure(&controller, "border_media_tunnels").await?;
        Ok((tunnels >= 2.0).then_some(()))
    };
    until("both nodes carry media", both).await?;
    let people = enter(&inside, &Ways::here(&controller)).await?;
    let speakers: Vec<usize> = (0..PEOPLE).collect();
    settle(&people, &speakers, CALM)
        .await
        .context("all by the controller")?;
    let flows = figure(&controller, "border_media_flows").await?;
    ensure!(flows >= 2.0 * (PEOPLE - 1) as f64, "{flows} flows");

    people.iter().for_each(Person::forget_gaps);
    flood(controller.media).await?;
    settle(&people, &speakers, CALM)
        .await
        .context("beside the flood")?;
    let flooded = longest_gap(&people);
    ensure!(flooded < NO_GAP, "the flood cost a gap of {flooded:?}");
    let after = figure(&controller, "border_media_flows").await?;
    let tried = figure(&controller, "border_media_flows_tried").await?;
    ensure!(
        after == flows && tried == 0.0,
        "strangers have flows: {after}, {tried} tried"
    );
    let foreign = figure(&controller, "border_media_dropped_total{reason=\"foreign\"}").await?;
    let unknown = figure(&controller, "border_media_dropped_total{reason=\"unknown_name\"}").await?;
    ensure!(
        foreign > 0.0 && unknown > 0.0,
        "{foreign} foreign, {unknown} unknown"
    );

    let pid = inside.line["nodes"][0]["pid"].as_i64().context("a process")?;
    kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?;
    let killed = Instant::now();
    settle(&people, &speakers, CALM)
        .await
        .context("after a node was killed")?;
    let without_node = killed.elapsed().saturating_sub(CALM);

    process.kill()?;
    let _again = controller.start(&data, &["run"])?;
    let killed = Instant::now();
    settle(&people, &speakers, CALM)
        .await
        .context("after the controller was killed")?;
    let without_controller = killed.elapsed().saturating_sub(CALM);
    for person in people {
        person.leave().await;
    }
    Ok(format!(
        "longest gap beside {FLOOD} datagrams of strangers {} ms; all together again {} ms after a node was killed, {} ms after \
         the controller was",
        flooded.as_millis(),
        without_node.as_millis(),
        without_controller.as_millis(),
    ))
}
