//! What changes and what is lost while people meet through two Border Controllers: whom the inside lets in, the certificate of the
//! web, all tunnels for a while, a controller, a node.

use crate::{
    border::{Inside, outside, until},
    border_firewall::{BESIDE, Lab, NODES, OUTSIDE, controllers},
    border_media::{CALM, PEOPLE, Ways, enter, longest_gap},
    border_tricks::Door,
    impostor::{Authority, write_papers},
    meeting::settle,
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plenary_light::Person;
use plenary_testkit::Process;
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::sleep;

/// Nobody is without a picture or a voice for so long where nothing is lost; pictures come ten times a second.
const NO_GAP: Duration = Duration::from_secs(1);
/// Of quickstart, where none is named.
const SERVER: &str = "demo.internal";
const CUT: Duration = Duration::from_secs(5);
/// Who loses the way of their media is back within this, once there is one.
const AWAY: Duration = Duration::from_secs(3);
/// Where media are for clients at a controller.
const MEDIA: u16 = 53_000;

/// The certificate of the web, in files that somebody keeps fresh.
struct Papers {
    authority: Authority,
    chain: PathBuf,
    key: PathBuf,
}

impl Papers {
    /// For whatever name: who asks checks by the authority alone.
    fn make(folder: &Path, server: &str) -> anyhow::Result<Self> {
        let papers = Self {
            authority: Authority::new()?,
            chain: folder.join("web.pem"),
            key: folder.join("web.key"),
        };
        papers.renew(server)?;
        Ok(papers)
    }

    fn renew(&self, server: &str) -> anyhow::Result<()> {
        write_papers(&self.authority, server, &self.chain, &self.key)
    }

    /// What a node reads them by.
    fn environment(&self) -> [String; 3] {
        [
            "env".to_owned(),
            format!("PLENARY_WEB__CERTIFICATE={}", self.chain.display()),
            format!("PLENARY_WEB__KEY={}", self.key.display()),
        ]
    }
}

/// People who meet by two controllers.
struct Crossing {
    lab: Lab,
    inside: Inside,
    controllers: Vec<Process>,
    /// For the web.
    at: Vec<SocketAddr>,
    papers: Papers,
    people: Vec<Person>,
}

impl Crossing {
    /// Does something, and gives how long somebody missed somebody else; all are who they were before.
    async fn bear(
        &mut self,
        what: &str,
        bound: Duration,
        change: impl AsyncFnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<String> {
        let speakers: Vec<usize> = (0..PEOPLE).collect();
        let places = |people: &[Person]| -> BTreeSet<_> {
            people.iter().filter_map(|person| person.seen().me).collect()
        };
        settle(&self.people, &speakers, CALM)
            .await
            .with_context(|| format!("before {what}"))?;
        let before = places(&self.people);
        self.people.iter().for_each(Person::forget_gaps);
        change(self).await.context(what.to_owned())?;
        settle(&self.people, &speakers, CALM)
            .await
            .with_context(|| format!("after {what}"))?;
        let gap = longest_gap(&self.people);
        ensure!(gap < bound, "{what}: somebody was away for {gap:?}");
        ensure!(
            places(&self.people) == before,
            "{what}: somebody is another one now"
        );
        let told = format!("{what}: {} ms", gap.as_millis());
        eprintln!("{told}");
        Ok(told)
    }

    /// The first page, for somebody at this address.
    async fn page_from(&self, address: IpAddr, server: &str) -> anyhow::Result<StatusCode> {
        let client = Client::builder()
            .timeout(Duration::from_secs(10))
            .local_address(address)
            .tls_certs_only([Certificate::from_pem(self.papers.authority.pem().as_bytes())?])
            .resolve_to_addrs(server, &self.at[..1])
            .build()?;
        Ok(client.get(format!("https://{server}")).send().await?.status())
    }

    async fn deny(&self, networks: &[String]) -> anyhow::Result<()> {
        let settings = self.inside.call(Method::GET, "/settings", None).await?;
        let mut border = settings["border"].clone();
        border["deny"] = json!(networks);
        let patch = json!({ "border": border });
        self.inside.call(Method::PATCH, "/settings", Some(patch)).await?;
        Ok(())
    }
}

/// Nobody comes from one address any more, then they do again.
async fn policy(crossing: &mut Crossing, server: &str) -> anyhow::Result<()> {
    let stranger = IpAddr::from(crossing.lab.another_address()?);
    let served = |status: StatusCode| (status == StatusCode::OK).then_some(());
    until("everybody is let in", async || {
        Ok(served(crossing.page_from(stranger, server).await?))
    })
    .await?;
    crossing.deny(&[format!("{stranger}/32")]).await?;
    until("nobody comes from there", async || {
        Ok(crossing.page_from(stranger, server).await.is_err().then_some(()))
    })
    .await?;
    let others = crossing.page_from(OUTSIDE.into(), server).await?;
    ensure!(others == StatusCode::OK, "others are let in: {others}");
    until("both controllers go by it", async || {
        let all = crossing
            .inside
            .call(Method::GET, "/border-controllers", None)
            .await?;
        let all = all["items"].as_array().cloned().unwrap_or_default();
        let goes = |one: &Value| one["tunnel"]["policy_changed_at"].is_string();
        Ok((all.len() == 2 && all.iter().all(goes)).then_some(()))
    })
    .await?;
    crossing.deny(&[]).await?;
    until("they are let in again", async || {
        Ok(served(crossing.page_from(stranger, server).await?))
    })
    .await
}

/// The files change, and whoever comes then is shown the new certificate; who is served all the while misses nothing.
async fn certificate(crossing: &mut Crossing, server: &str) -> anyhow::Result<()> {
    let at = crossing.at.first().copied().context("a controller")?;
    let root = crossing.papers.authority.pem();
    let door = Door::new(at, server, &root)?;
    let shown = async || -> anyhow::Result<Vec<u8>> {
        let tls = door.dial(OUTSIDE).await?;
        let chain = tls.get_ref().1.peer_certificates().unwrap_or_default();
        Ok(chain.first().context("a certificate")?.to_vec())
    };
    let before = shown().await?;
    let person = outside(server, &root, &crossing.at)?;
    crossing.papers.renew(server)?;
    until("the new certificate is shown", async || {
        let page = person.get(format!("https://{server}")).send().await;
        let status = page.context("who is served")?.status();
        ensure!(status == StatusCode::OK, "who is served: {status}");
        sleep(Duration::from_millis(200)).await;
        Ok((shown().await? != before).then_some(()))
    })
    .await
}

/// Meets through two controllers while one thing after the other changes or is lost.
///
/// # Errors
/// What was not as it must be.
pub async fn border_changes() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-border-").tempdir()?;
    let server = SERVER;
    let papers = Papers::make(folder.path(), server)?;
    let lab = Lab::make()?;
    let wrapper = [lab.wrapper("lan"), papers.environment().into()].concat();
    let inside = Inside::start(folder.path(), &wrapper, &format!("{NODES}:0")).await?;
    ensure!(
        inside.server().await? == server,
        "quickstart's server has another name"
    );
    let (processes, at) = controllers(&lab, &inside, folder.path()).await?;
    inside.tunnels().await?;
    let ways = Ways {
        inside: BESIDE.into(),
        outside: OUTSIDE.into(),
        controllers: at.iter().map(|web| SocketAddr::new(web.ip(), MEDIA)).collect(),
    };
    let people = enter(&inside, &ways).await?;
    let mut crossing = Crossing {
        lab,
        inside,
        controllers: processes,
        at,
        papers,
        people,
    };
    let mut notes = vec![
        crossing
            .bear("whom the inside lets in", NO_GAP, async |all| {
                policy(all, server).await
            })
            .await?,
        crossing
            .bear("a new certificate", NO_GAP, async |all| {
                certificate(all, server).await
            })
            .await?,
    ];
    let cut = crossing.bear("tunnels cut for 5 s", CUT + AWAY, async |all| {
        all.lab.cut_tunnels(true)?;
        sleep(CUT).await;
        all.lab.cut_tunnels(false)
    });
    notes.push(cut.await?);
    let controller = crossing.bear("a controller killed", AWAY, async |all| {
        Ok(all.controllers.first_mut().context("a controller")?.kill()?)
    });
    notes.push(controller.await?);
    let node = crossing.bear("a node killed", AWAY, async |all| {
        let pid = all.inside.line["nodes"][0]["pid"].as_i64().context("a process")?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGKILL)?)
    });
    notes.push(node.await?);
    for person in std::mem::take(&mut crossing.people) {
        person.leave().await;
    }
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}
