//! Whom two servers believe while people of both meet (FED-01): impostors where DNS leads to and at the port for media, other pins
//! than before, and floods of strangers and of partners.

use crate::{
    enterprise::{wait, wait_for},
    federation::{NODES, OSLO, PARIS, Partners, Setting},
    federation_faults::{Gaps, knock, try_out},
    impostor::{Answer, Authority, Mask, Stand},
    network::Network,
    scenarios::Figures,
    server::Server,
};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A server that is met, and asks too often.
const LYON: &str = "lyon.example.com";
const YEARS: [i32; 2] = [2020, 2099];
/// Whose server does not prove any more who it is has left within this time.
const GONE_WITHIN: Duration = Duration::from_secs(20);
/// Others are without each other's pictures for less than this, whoever floods.
const PAUSE: Duration = Duration::from_secs(1);
/// Questions of each flood, and connections for them.
const FLOOD: usize = 2_000;
const CONNECTIONS: usize = 8;
/// What a flood may have all nodes agree on, beside what goes on anyway.
const ENTRIES: u64 = 200;

/// All of it, one after the other.
pub async fn partners_trust() -> anyhow::Result<Figures> {
    let public = Authority::new()?;
    // The records of both lead to somebody else first, who has a certificate that everybody trusts.
    let network = Network::of_size(2 * NODES)?;
    let stands = [
        public.issue(OSLO, YEARS)?.stand(Network::OWN).await?,
        public.issue(PARIS, YEARS)?.stand(Network::OWN).await?,
    ];
    let mut paris = network.places();
    let oslo = paris.split_off(NODES);
    let setting = Setting {
        own: Network::OWN,
        paris,
        oslo,
        public: &public.pem(),
        dead: stands.iter().map(Stand::address).collect(),
        ..Setting::default()
    };
    let (mut partners, _) = Partners::start_in(setting).await?;
    let authorities = [
        (OSLO, json!({ "authority": partners.oslo.root()? })),
        (PARIS, json!({ "authority": partners.paris.root()? })),
    ];
    let [(_, of_oslo), (_, of_paris)] = &authorities;
    pin(&partners.paris, OSLO, of_oslo).await?;
    pin(&partners.oslo, PARIS, of_paris).await?;
    // Before anybody of a node looks for the other server: whoever is first there by DNS would be believed.
    for (server, partner) in [(&partners.paris, OSLO), (&partners.oslo, PARIS)] {
        wait("all nodes know what is pinned", async || {
            let path = format!("/federation/partners/{partner}");
            for node in 0..NODES {
                if server.get(node, &path).await?["authority"].is_null() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await?;
    }
    partners.begin().await?;
    let last = try_out(&partners.paris, OSLO).await?;
    ensure!(
        last["good"] == true,
        "paris does not get past the impostor: {last}"
    );
    claims(&partners.paris).await?;
    let mut notes = vec![floods(&partners, &public).await?];
    notes.push(repinned(&partners, Side::Paris, of_oslo).await?);
    notes.push(repinned(&partners, Side::Oslo, of_paris).await?);
    for stand in &stands {
        ensure!(stand.said() == 0, "something was said to an impostor");
    }
    let (calls, links) = stands.iter().fold((0, 0), |(calls, links), one| {
        (calls + one.calls(), links + one.links())
    });
    ensure!(
        calls > 0 && links > 0,
        "nobody came to the impostors: {calls}, {links}"
    );
    notes.push(format!(
        "impostors where DNS leads to: {calls} times at the port for calls, {links} times at that for media, nothing said"
    ));
    partners.end().await;
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}

async fn pin(server: &Server, partner: &str, pin: &Value) -> anyhow::Result<()> {
    server
        .put(0, &format!("/federation/partners/{partner}"), pin)
        .await
}

async fn known(server: &Server, partner: &str) -> anyhow::Result<Value> {
    server.get(0, &format!("/federation/partners/{partner}")).await
}

/// What a stranger claims is seen apart from how the partner is.
async fn claims(paris: &Server) -> anyhow::Result<()> {
    let before = known(paris, OSLO).await?;
    let mask = Mask::self_signed(OSLO)?;
    let answer = knock(paris, &mask).await?.greet(OSLO).await;
    ensure!(
        answer
            .as_ref()
            .is_err_and(|why| why.code == "certificate-changed"),
        "a stranger is answered: {answer:?}"
    );
    wait("administrators see that somebody claimed it", async || {
        Ok(!known(paris, OSLO).await?["seen"]["claimed"].is_null())
    })
    .await?;
    let after = known(paris, OSLO).await?;
    ensure!(
        after["state"] == "well" && after["seen"]["changed"].is_null(),
        "a stranger changed how a partner is: {after}"
    );
    ensure!(
        after["seen"]["certificate"]["fingerprint"] == before["seen"]["certificate"]["fingerprint"],
        "a stranger's certificate is shown as the partner's: {after}"
    );
    Ok(())
}

/// Strangers who claim to be a partner, and a partner that calls and tells the same again and again: who meets notices nothing.
async fn floods(partners: &Partners, public: &Authority) -> anyhow::Result<String> {
    let paris = &partners.paris;
    let entries = async || paris.metric(0, "plenary_raft_last_log_index").await;
    partners
        .people
        .iter()
        .for_each(plenary_light::Person::forget_gaps);
    let (since, before) = (Instant::now(), entries().await?);
    let (stranger, lyon) = (Mask::self_signed(OSLO)?, public.issue(LYON, YEARS)?);
    let mut asking = JoinSet::new();
    for number in 0..CONNECTIONS {
        let is_stranger = number % 2 == 0;
        let mask = if is_stranger { &stranger } else { &lyon };
        let mut who = knock(paris, mask).await?;
        asking.spawn(async move {
            let mut answers: Vec<Result<(), Answer>> = Vec::new();
            for turn in 0..FLOOD / CONNECTIONS {
                answers.push(match (is_stranger, turn % 2) {
                    (true, _) => who.greet(OSLO).await,
                    (false, 0) => who.ring(LYON, "person-0").await,
                    (false, _) => who.deliver(LYON, &format!("person-0@{PARIS}")).await,
                });
            }
            answers
        });
    }
    let answers: Vec<_> = asking.join_all().await.into_iter().flatten().collect();
    let slowed = answers
        .iter()
        .filter(|one| one.as_ref().is_err_and(|why| why.code == "too-fast"));
    let (slowed, took) = (slowed.count(), since.elapsed());
    ensure!(slowed > 0, "nobody of {FLOOD} is told to be slower");
    let written = entries().await?.saturating_sub(before);
    ensure!(
        written < ENTRIES,
        "{FLOOD} questions had {written} things written"
    );
    let last = try_out(&partners.oslo, PARIS).await?;
    ensure!(last["good"] == true, "oslo does not get through: {last}");
    partners.settle().await.context("after floods")?;
    let gaps = Gaps::of(partners, None);
    let longest = gaps.home.max(gaps.across);
    ensure!(
        longest < PAUSE.as_millis(),
        "people were without pictures for {longest} ms"
    );
    Ok(format!(
        "flood: {slowed} of {FLOOD} greetings, calls and invitations told to be slower, within {} ms; {written} entries written; \
         people without each other's pictures for {longest} ms at most",
        took.as_millis()
    ))
}

#[derive(Debug, Clone, Copy)]
enum Side {
    /// Whose conference it is.
    Paris,
    Oslo,
}

/// One side pins something else while people are there: they are apart, and together again once it is right.
async fn repinned(partners: &Partners, side: Side, right: &Value) -> anyhow::Result<String> {
    let (server, partner) = match side {
        Side::Paris => (&partners.paris, OSLO),
        Side::Oslo => (&partners.oslo, PARIS),
    };
    let since = Instant::now();
    pin(server, partner, &json!({ "certificate": "cd".repeat(32) })).await?;
    wait_for("people of oslo are out", GONE_WITHIN, async || {
        let at_home = &partners.people[..NODES];
        Ok(at_home.iter().all(|one| one.seen().roster.len() == NODES))
    })
    .await?;
    let apart = since.elapsed();
    let last = try_out(server, partner).await?;
    ensure!(
        last["step"] == "certificate" && last["good"] == false,
        "it is believed: {last}"
    );
    let shown = known(server, partner).await?;
    ensure!(
        shown["state"] == "certificate_changed" && shown["seen"]["changed"].is_object(),
        "nobody is asked to confirm it: {shown}"
    );
    let since = Instant::now();
    pin(server, partner, right).await?;
    partners
        .settle()
        .await
        .context("after the right one is pinned again")?;
    Ok(format!(
        "{side:?} pins something else: apart after {} ms, together for 2 s again {} ms after the right one was pinned",
        apart.as_millis(),
        since.elapsed().as_millis()
    ))
}
