//! Two servers that meet, and what goes wrong (FED-01, FED-02): nodes that are lost, links that are cut, and others who come.

use crate::{
    Place, Server,
    enterprise::wait,
    federation::{NODES, OSLO, PARIS, Partners, Setting, linking, meet},
    impostor::{Answer, Authority, Impostor, Mask},
    network::Network,
    scenarios::Figures,
    steady::Steady,
};
use anyhow::{Context as _, ensure};
use plenary_light::{Move, Tag};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, task::JoinSet, time::sleep};

/// A third server, which one of the two does not meet.
const BERGEN: &str = "bergen.example.org";
/// A server that is met, and lies.
const LYON: &str = "lyon.example.com";
const YEARS: [i32; 2] = [2020, 2099];
const LOOK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(60);
/// Rounds in which this machine itself stood still are done again, at most so often.
const VOID: usize = 4;
/// Who was on a lost node is back within this time.
const BACK_WITHIN: Duration = Duration::from_secs(3);
/// Others are without each other's pictures for less than this.
const PAUSE: Duration = Duration::from_secs(1);
/// A server that is gone leaves within this time.
const GONE_WITHIN: Duration = Duration::from_secs(15);
/// Requests of a flood, and connections at which nothing is said.
const FLOOD: usize = 3_000;
const CONNECTIONS: usize = 8;
const SILENT: usize = 300;

/// All that can go wrong, one after the other, while people of both meet.
pub async fn partners_faults() -> anyhow::Result<Figures> {
    let network = Network::of_size(2 * NODES)?;
    let public = Authority::new()?;
    let mut paris = network.places();
    let oslo = paris.split_off(NODES);
    let third = Place {
        address: Network::OWN.into(),
        ..Place::local()
    };
    let setting = Setting {
        own: Network::OWN,
        paris,
        oslo,
        third: Some((BERGEN, third)),
        public: &public.pem(),
        ..Setting::default()
    };
    let (mut partners, third) = Partners::start_in(setting).await?;
    let third = third.context("there is a third server")?;
    partners.begin().await?;
    let mut notes = Vec::new();
    not_admitted(&partners.paris, &third).await?;
    drop(third);
    impostors(&partners, &public).await?;
    notes.push(floods(&partners, &public).await?);
    for victim in [Victim::Leader, Victim::Link] {
        for side in [Side::Oslo, Side::Paris] {
            notes.push(node_lost(&mut partners, side, victim).await?);
        }
    }
    for seconds in [10, 60] {
        notes.push(cut(&mut partners, &network, Duration::from_secs(seconds)).await?);
    }
    partners.end().await;
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

/// Whom the lists do not admit hears that, and nothing more.
async fn not_admitted(paris: &Server, third: &Server) -> anyhow::Result<()> {
    meet(paris, "blacklist", &["*.example.org"]).await?;
    let last = try_out(third, PARIS).await?;
    let detail = last["detail"].as_str().unwrap_or_default();
    ensure!(
        last["step"] == "answer"
            && detail.contains("paris.example.com does not meet with bergen.example.org"),
        "the third server was told: {last}"
    );
    let back = try_out(paris, BERGEN).await?;
    let detail = back["detail"].as_str().unwrap_or_default();
    ensure!(
        back["step"] == "policy" && detail.contains("blacklist"),
        "paris was told: {back}"
    );
    Ok(())
}

/// The last step of trying to reach a server.
pub(crate) async fn try_out(from: &Server, server: &str) -> anyhow::Result<Value> {
    let mut tried = from
        .post_anywhere("/federation/test", &json!({ "server": server }))
        .await?;
    let last = tried["steps"].as_array_mut().and_then(Vec::pop);
    last.context("nothing was tried")
}

/// Who does not prove who they are, and who says what is not theirs to say.
async fn impostors(partners: &Partners, public: &Authority) -> anyhow::Result<()> {
    let paris = &partners.paris;
    for (mask, words) in [
        (
            public.issue("oslo.example.org", YEARS)?,
            "not for oslo.example.net",
        ),
        (public.issue(OSLO, [2019, 2020])?, "expired"),
        (Mask::self_signed(OSLO)?, "does not trust"),
    ] {
        let answer = knock(paris, &mask).await?.greet(OSLO).await;
        refused(answer, "not-believed", words)?;
    }
    // Whoever has a certificate of a public authority is believed, until something is pinned.
    let stolen = public.issue(OSLO, YEARS)?;
    let greeted = knock(paris, &stolen).await?.greet(OSLO).await;
    ensure!(greeted.is_ok(), "a public authority is not believed: {greeted:?}");
    let pin = json!({ "authority": partners.oslo.root()? });
    paris
        .put(0, &format!("/federation/partners/{OSLO}"), &pin)
        .await?;
    wait("the pin counts", async || {
        let greeted = knock(paris, &stolen).await?.greet(OSLO).await;
        Ok(greeted.is_err_and(|why| why.code == "certificate-changed"))
    })
    .await?;
    let state = state(paris, OSLO).await?;
    ensure!(
        state != "certificate_changed",
        "whoever comes makes a partner {state}"
    );
    // The right one comes and goes all the same.
    partners.settle().await.context("after an authority was pinned")?;

    let mut lyon = knock(paris, &public.issue(LYON, YEARS)?).await?;
    let join = json!({ "room": "review" }).to_string();
    let foreign = lyon.attend(LYON, "person-0@paris.example.com", &join).await;
    refused(foreign, "bad-request", "user")?;
    let other = lyon.attend(OSLO, "person-3", &join).await;
    refused(other, "not-believed", "not for oslo.example.net")?;
    let own = lyon.attend(PARIS, "person-0", &join).await;
    refused(own, "not-believed", "not for paris.example.com")?;
    Ok(())
}

pub(crate) async fn knock(paris: &Server, mask: &Mask) -> anyhow::Result<Impostor> {
    mask.go(paris.door(0)?, PARIS, &paris.root()?).await
}

fn refused(answer: Result<(), Answer>, code: &str, words: &str) -> anyhow::Result<()> {
    match answer {
        Err(why) if why.code == code && why.words.contains(words) => Ok(()),
        answer => anyhow::bail!("not refused with {code}, {words:?}, but {answer:?}"),
    }
}

/// How a partner is, by the word of all nodes.
async fn state(server: &Server, partner: &str) -> anyhow::Result<Value> {
    let found = server.get(0, &format!("/federation/partners/{partner}")).await?;
    Ok(found["state"].clone())
}

/// A partner that says without end what cannot be read, and strangers who connect and say nothing, are bounded, and who meets notices nothing.
async fn floods(partners: &Partners, public: &Authority) -> anyhow::Result<String> {
    let paris = &partners.paris;
    let door = paris.door(0)?;
    partners
        .people
        .iter()
        .for_each(plenary_light::Person::forget_gaps);
    let mask = public.issue(LYON, YEARS)?;
    let mut liars = Vec::new();
    for _ in 0..CONNECTIONS {
        liars.push(knock(paris, &mask).await?);
    }
    // From the same network; what is beyond its share is refused.
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(door).await);
    }
    let since = Instant::now();
    let mut asking = JoinSet::new();
    for mut lyon in liars {
        asking.spawn(async move {
            let (mut answered, mut quarantined) = (0, 0);
            for _ in 0..FLOOD / CONNECTIONS {
                match lyon.attend(LYON, "no user at all", "{").await {
                    Err(why) if why.code == "bad-request" => answered += 1,
                    Err(why) if why.code == "quarantined" => quarantined += 1,
                    Ok(()) | Err(_) => {}
                }
            }
            (answered, quarantined)
        });
    }
    let answers = asking.join_all().await;
    let took = since.elapsed();
    let answered: usize = answers.iter().map(|(answered, _)| answered).sum();
    let quarantined: usize = answers.iter().map(|(_, quarantined)| quarantined).sum();
    ensure!(quarantined > 0, "{FLOOD} requests bring nobody into quarantine");
    let state = state(paris, LYON).await?;
    ensure!(state == "quarantined", "administrators see lyon as {state}");
    // The partner that behaves is served as before, also anew.
    let last = try_out(&partners.oslo, PARIS).await?;
    ensure!(last["good"] == true, "oslo does not get through: {last}");
    drop(silent);
    partners.settle().await.context("after floods")?;
    let gap = Gaps::of(partners, None);
    Ok(format!(
        "flood: {answered} of {FLOOD} looked at, {quarantined} told of the quarantine, within {} ms, {SILENT} silent \
         connections beside; people without each other's pictures for {} ms at most",
        took.as_millis(),
        gap.home.max(gap.across)
    ))
}

/// The longest times without a picture, in milliseconds: of people of the same server, and of the other one.
pub(crate) struct Gaps {
    pub(crate) home: u128,
    pub(crate) across: u128,
}

impl Gaps {
    /// Of all but the one who is left out.
    pub(crate) fn of(partners: &Partners, but: Option<usize>) -> Self {
        let mut gaps = Self { home: 0, across: 0 };
        for (viewer, person) in partners.people.iter().enumerate() {
            let watch = person.watch();
            for shown in (0..partners.people.len()).filter(|shown| *shown != viewer) {
                let Some(pictures) = watch.pictures.get(&(shown as Tag)) else {
                    continue;
                };
                if but.is_some_and(|but| [viewer, shown].contains(&but)) {
                    continue;
                }
                let side = if viewer / NODES == shown / NODES {
                    &mut gaps.home
                } else {
                    &mut gaps.across
                };
                *side = (*side).max(pictures.longest_gap.as_millis());
            }
        }
        gaps
    }
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Paris,
    Oslo,
}

impl Side {
    fn of(self, partners: &mut Partners) -> &mut Server {
        match self {
            Self::Paris => &mut partners.paris,
            Self::Oslo => &mut partners.oslo,
        }
    }

    /// The person at one of its nodes.
    fn at(self, node: usize) -> usize {
        match self {
            Self::Paris => node,
            Self::Oslo => NODES + node,
        }
    }
}

/// Which node of a server is lost.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Leader,
    /// The one over which all that crosses between the two goes.
    Link,
}

/// A node of one of the servers is killed.
async fn node_lost(partners: &mut Partners, side: Side, victim: Victim) -> anyhow::Result<String> {
    for _ in 0..VOID {
        partners.spread().await?;
        let before = places(partners)?;
        let leader = side.of(partners).leader().await?;
        let links = linking(side.of(partners)).await?;
        let node = match victim {
            Victim::Leader => leader,
            Victim::Link => links,
        };
        let lost = side.at(node);
        let moves = partners.people[lost].seen().moves.len();
        partners
            .people
            .iter()
            .for_each(plenary_light::Person::forget_gaps);
        let steady = Steady::begin()?;
        let harm = Instant::now();
        side.of(partners).kill(node)?;
        let back = loop {
            let seen = partners.people[lost].seen();
            let last: Option<&Move> = seen.moves.get(moves..).and_then(<[Move]>::last);
            if let Some(first) = last.and_then(|last| last.first_picture) {
                break first.saturating_duration_since(harm);
            }
            ensure!(
                harm.elapsed() < PATIENCE,
                "who was on the lost node does not come back"
            );
            sleep(LOOK).await;
        };
        partners.settle().await.context("after the leader was killed")?;
        let stood_still = steady.end()?;
        let gaps = Gaps::of(partners, Some(lost));
        ensure!(places(partners)? == before, "places are not those of before");
        let server = side.of(partners);
        server.launch(node)?;
        server.wait_ready(node).await?;
        server.wait_voters(NODES).await?;
        let what = match (node == leader, node == links) {
            (true, true) => "leader, which linked the two,",
            (true, false) => "leader",
            (false, _) => "node that linked the two",
        };
        let words = format!(
            "{side:?}'s {what} killed: back after {} ms, others of one server without each other {} ms, of both {} ms",
            back.as_millis(),
            gaps.home,
            gaps.across
        );
        eprintln!("{words}");
        if let Some(longest) = stood_still {
            eprintln!("this machine stood still for {} ms, again", longest.as_millis());
            continue;
        }
        ensure!(back < BACK_WITHIN, "{words}");
        ensure!(gaps.home.max(gaps.across) < PAUSE.as_millis(), "{words}");
        return Ok(words);
    }
    anyhow::bail!("this machine stands still too often to measure anything")
}

/// Everybody's place, in their order.
fn places(partners: &Partners) -> anyhow::Result<Vec<u64>> {
    let places: Vec<_> = partners.people.iter().filter_map(|one| one.seen().me).collect();
    let different: BTreeSet<_> = places.iter().collect();
    ensure!(
        different.len() == partners.people.len(),
        "places are doubled or missing: {places:?}"
    );
    Ok(places.into_iter().map(|place| place.0).collect())
}

/// Nothing gets through between the two servers for a while.
async fn cut(partners: &mut Partners, network: &Network, long: Duration) -> anyhow::Result<String> {
    partners.spread().await?;
    let before = places(partners)?;
    let paris: Vec<usize> = (0..NODES).collect();
    let oslo: Vec<usize> = (NODES..2 * NODES).collect();
    let harm = Instant::now();
    network.part(&paris, &oslo)?;
    let mut gone = None;
    while harm.elapsed() < long {
        let at_home = &partners.people[..NODES];
        if gone.is_none() && at_home.iter().all(|one| one.seen().roster.len() == NODES) {
            gone = Some(harm.elapsed());
        }
        sleep(LOOK).await;
    }
    for node in paris {
        network.mend(node)?;
    }
    let mended = Instant::now();
    partners.settle().await.context("after the link was mended")?;
    let together = mended.elapsed();
    let words = match gone {
        Some(gone) => {
            ensure!(
                gone < GONE_WITHIN,
                "a server that is gone left only after {gone:?}"
            );
            format!("left after {} ms", gone.as_millis())
        }
        None => {
            ensure!(long < GONE_WITHIN, "a server that is gone stays");
            ensure!(places(partners)? == before, "places are not those of before");
            "in the same places".to_owned()
        }
    };
    let words = format!(
        "cut for {} s: {words}, all together for 2 s again {} ms after it was mended",
        long.as_secs(),
        together.as_millis()
    );
    eprintln!("{words}");
    Ok(words)
}
