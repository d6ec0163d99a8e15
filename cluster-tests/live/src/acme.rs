//! Certificates for browsers by ACME, from a real authority: caddy's, which looks by TLS-ALPN-01 whether a name leads to the server.
//!
//! ```text
//!  nodes 10.77.0.1 … 3, port 443          this machine, 10.77.0.254
//!     │   leader orders ────────────────────► caddy, port 14443 ── reads a hosts file of its own
//!     ◄── whichever the name leads to ─────────── looks ──┘   └──► Border Controller, port 443 ──tunnel──► nodes
//! ```

use crate::{
    border::{Controller, until},
    disks::run,
    network::Network,
    scenarios::Figures,
    server::{Place, Server},
};
use anyhow::{Context as _, ensure};
use plenary_testkit::Process;
use reqwest::tls::TlsInfo;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep},
};

/// What the server is called; it leads where the authority's hosts file says.
const NAME: &str = "live.internal";
/// Leads to an address of this machine where nobody listens.
const ELSEWHERE: &str = "elsewhere.internal";
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const CADDY: SocketAddr = SocketAddr::new(IpAddr::V4(Network::OWN), 14_443);
/// How long a certificate of caddy lasts. Two thirds of it pass until it is renewed: the clock of the server is put forward.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
const LATER: &str = "+9h";
/// Go looks at a hosts file again after five seconds.
const HOSTS_HOLD: Duration = Duration::from_secs(6);
const ISSUED_WITHIN: Duration = Duration::from_secs(60);

/// caddy as an authority, with names of its own.
struct Authority {
    folder: PathBuf,
    _process: Process,
}

impl Authority {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let hosts = folder.join("hosts");
        std::fs::write(&hosts, "")?;
        let config = folder.join("caddy.json");
        let host = CADDY.ip().to_string();
        let server = json!({
            "listen": [CADDY.to_string()],
            "routes": [{ "handle": [{ "handler": "acme_server", "ca": "local" }] }],
            "automatic_https": { "disable_redirects": true },
            "tls_connection_policies": [{ "default_sni": host }],
        });
        let policy = json!({ "subjects": [host], "issuers": [{ "module": "internal" }] });
        let all = json!({
            "admin": { "disabled": true },
            "storage": { "module": "file_system", "root": folder.join("caddy") },
            "apps": {
                "pki": { "certificate_authorities": { "local": { "install_trust": false } } },
                "tls": { "certificates": { "automate": [host] }, "automation": { "policies": [policy] } },
                "http": { "servers": { "acme": server } },
            },
        });
        std::fs::write(&config, all.to_string())?;
        // It reads names from a file of its own, which only it sees as that of the machine.
        let script = format!(
            "mount --bind '{}' /etc/hosts && exec \"$0\" \"$@\"",
            hosts.display()
        );
        let wrapper = [
            "unshare",
            "-m",
            "env",
            "-u",
            "HTTPS_PROXY",
            "-u",
            "HTTP_PROXY",
            "sh",
            "-c",
            &script,
        ];
        let wrapper: Vec<String> = wrapper.into_iter().map(String::from).collect();
        let config = config.to_str().context("temporary paths are UTF-8")?;
        let arguments = ["run", "--config", config];
        let log = folder.join("caddy.log");
        let mut process = Process::start(&wrapper, Path::new("caddy"), &arguments, &log)?;
        let root = folder.join("caddy/pki/authorities/local/root.crt");
        until("caddy is ready", async || {
            ensure!(process.is_running(), "it ended: {}", process.last_words());
            let open = tokio::net::TcpStream::connect(CADDY).await.is_ok();
            Ok((open && root.exists()).then_some(()))
        })
        .await?;
        Ok(Self {
            folder: folder.to_owned(),
            _process: process,
        })
    }

    fn root_file(&self) -> PathBuf {
        self.folder.join("caddy/pki/authorities/local/root.crt")
    }

    fn root(&self) -> anyhow::Result<reqwest::Certificate> {
        Ok(reqwest::Certificate::from_pem(&std::fs::read(self.root_file())?)?)
    }

    /// From now on the server's name leads there, for the authority.
    async fn lead(&self, to: IpAddr) -> anyhow::Result<()> {
        let text = format!("{to} {NAME}\n{} {ELSEWHERE}\n", NOBODY);
        std::fs::write(self.folder.join("hosts"), text)?;
        // Not luck: it has no other way to say that it has seen it.
        sleep(HOSTS_HOLD).await;
        Ok(())
    }
}

/// The clock of the server, which is put forward by a file.
struct Clock(PathBuf);

impl Clock {
    fn set(&self, to: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(&self.0, to)?)
    }

    /// Arguments for `env`. Needs Debian's faketime.
    fn settings(&self) -> [String; 4] {
        let library = format!(
            "/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1",
            std::env::consts::ARCH
        );
        [
            "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
            "FAKETIME_CACHE_DURATION=1".into(),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.0.display()),
            format!("LD_PRELOAD={library}"),
        ]
    }
}

/// Where a node runs, and what its environment says of the certificate.
fn place(place: Place, (authority, clock): (&Authority, &Clock), names: &str) -> Place {
    let set = |key: &str, value: String| format!("PLENARY_{key}={value}");
    let settings = [
        set("LISTEN__HTTPS", SocketAddr::new(place.address, 443).to_string()),
        set("WEB__ACME__AGREE", "true".into()),
        set(
            "WEB__ACME__DIRECTORY",
            format!("https://{CADDY}/acme/local/directory"),
        ),
        set(
            "WEB__ACME__AUTHORITY",
            authority.root_file().display().to_string(),
        ),
        set("WEB__ACME__CONTACT", "it@example.com".into()),
        set("WEB__ACME__NAMES", names.into()),
        "NO_PROXY=10.77.0.0/24".into(),
    ];
    let wrapper = place
        .wrapper
        .into_iter()
        .chain(["env".to_owned()])
        .chain(settings)
        .chain(clock.settings());
    Place {
        wrapper: wrapper.collect(),
        ..place
    }
}

/// The certificate that is shown there to who trusts the authority and asks for the server's name.
async fn shown(authority: &Authority, at: SocketAddr) -> anyhow::Result<Vec<u8>> {
    let browser = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .no_proxy()
        .tls_info(true)
        .tls_certs_only([authority.root()?])
        .resolve(NAME, at)
        .build()?;
    let page = browser.get(format!("https://{NAME}/")).send().await?;
    let seen = page.extensions().get::<TlsInfo>();
    let leaf = seen
        .and_then(TlsInfo::peer_certificate)
        .context("a certificate")?;
    Ok(leaf.to_vec())
}

/// Waits until all of them show the same one, and not `before`.
async fn all_show(
    authority: &Authority,
    at: &[SocketAddr],
    before: Option<&[u8]>,
    within: Duration,
) -> anyhow::Result<(Vec<u8>, Duration)> {
    let since = Instant::now();
    loop {
        let mut all = Vec::new();
        for one in at {
            all.push(shown(authority, *one).await);
        }
        let good: Vec<&Vec<u8>> = all.iter().flatten().collect();
        if good.len() == at.len()
            && let Some(first) = good.first()
            && good.iter().all(|one| one == first)
            && before.is_none_or(|before| before != first.as_slice())
        {
            return Ok((first.to_vec(), since.elapsed()));
        }
        let trouble: Vec<String> = all
            .iter()
            .filter_map(|one| Some(format!("{:#}", one.as_ref().err()?)))
            .collect();
        ensure!(
            since.elapsed() < within,
            "not the same new certificate everywhere within {within:?}: {trouble:?}"
        );
        sleep(Duration::from_millis(250)).await;
    }
}

/// What the server says of problems with the certificate: the code, and what it is about.
async fn problems(server: &Server, node: usize) -> anyhow::Result<Vec<(String, String)>> {
    let cluster = server.get(node, "/cluster").await?;
    let all = cluster["problems"].as_array().context("a list")?.clone();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let all = all.iter().map(|one| (text(one, "code"), text(one, "object")));
    Ok(all.filter(|(code, _)| code.starts_with("acme-")).collect())
}

/// The names lead to a listener that says nothing; the leader is killed while the authority waits for it, and another node goes on.
async fn first_one(
    server: &mut Server,
    authority: &Authority,
    at: &[SocketAddr],
) -> anyhow::Result<(Vec<u8>, Duration)> {
    let silent = TcpListener::bind((Network::OWN, 443)).await?;
    authority.lead(Network::OWN.into()).await?;
    for node in 0..at.len() {
        server.launch(node)?;
    }
    for node in 0..at.len() {
        server.wait_ready(node).await?;
    }
    let taken = tokio::time::timeout(ISSUED_WITHIN, silent.accept()).await;
    let _looks = taken.context("the authority looks")??;
    ensure!(
        shown(authority, at[0]).await.is_err(),
        "there is no certificate yet"
    );
    let leader = server.leader().await?;
    let others: Vec<usize> = (0..at.len()).filter(|node| *node != leader).collect();
    let other = *others.last().context("three nodes")?;
    authority.lead(at[other].ip()).await?;
    server.kill(leader)?;
    drop(silent);
    let up: Vec<SocketAddr> = others.iter().map(|node| at[*node]).collect();
    let (first, took) = all_show(authority, &up, None, ISSUED_WITHIN).await?;
    server.restart(leader).await?;
    let (again, _) = all_show(authority, at, None, ISSUED_WITHIN).await?;
    ensure!(
        first == again,
        "the node that comes back shows another certificate"
    );
    let logs: String = server
        .members
        .iter()
        .map(|member| std::fs::read_to_string(&member.log).unwrap_or_default())
        .collect();
    let accounts = logs
        .matches("this server has an account at the authority")
        .count();
    ensure!(accounts == 1, "{accounts} accounts for one server");
    ensure!(!logs.contains("PRIVATE KEY"), "a key is in a log");
    Ok((first, took))
}

/// A Border Controller at this machine's port 443, to which all nodes have tunnels.
async fn controller(server: &Server, folder: &Path, clock: &Clock) -> anyhow::Result<(Controller, Process)> {
    let own = |port: u16| SocketAddr::from((Network::OWN, port));
    let ports = [
        own(443),
        own(4307),
        own(4312),
        own(53_000),
        SocketAddr::from((Ipv4Addr::LOCALHOST, 19_464)),
    ];
    let wrapper: Vec<String> = std::iter::once("env".to_owned())
        .chain(clock.settings())
        .collect();
    let controller = Controller::at(folder, "dmz", ports, &wrapper)?;
    let invitation = json!({ "name": "dmz", "address": controller.tunnel.to_string() });
    let invited = server
        .post_anywhere("/border-controllers/invitations", &invitation)
        .await?;
    let token = invited["token"].as_str().context("a token")?;
    let process = controller.start(&folder.join("dmz"), &["join", token])?;
    for node in 0..3 {
        until("the tunnels are up", async || {
            let all = server.get(node, "/border-controllers").await?;
            Ok(all["items"][0]["tunnel"]["up_since"].is_string().then_some(()))
        })
        .await?;
    }
    Ok((controller, process))
}

/// One more name, which leads to nobody here: that is said, and what there is goes on.
async fn lead_astray(
    server: &mut Server,
    (authority, clock): (&Authority, &Clock),
    places: &[Place],
    (at, now): (&[SocketAddr], &[u8]),
) -> anyhow::Result<String> {
    let names = format!("[\"{ELSEWHERE}\"]");
    for (node, one) in places.iter().enumerate() {
        server.kill(node)?;
        server.wrap(node, place(one.clone(), (authority, clock), &names).wrapper);
        server.restart(node).await?;
        if node == 0 {
            until("nodes that want different certificates are told", async || {
                let all = problems(server, 2).await?;
                Ok(all.iter().any(|(code, _)| code == "acme-differs").then_some(()))
            })
            .await?;
        }
    }
    let told = until("the name that leads elsewhere is told", async || {
        let all = problems(server, 1).await?;
        let mut all = all.into_iter().filter(|(code, _)| code == "acme-failed");
        Ok(all.find_map(|(_, about)| about.contains(ELSEWHERE).then_some(about)))
    })
    .await?;
    let (still, _) = all_show(authority, at, None, ISSUED_WITHIN).await?;
    ensure!(still == now, "the certificate of before is shown on");
    Ok(told)
}

/// Gets, renews and goes without a certificate by ACME.
///
/// # Errors
/// What was not as it must be.
pub async fn acme() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-acme-").tempdir()?;
    let network = Network::make()?;
    run("caddy", &["version"])?;
    let authority = Authority::start(folder.path()).await?;
    let clock = Clock(folder.path().join("clock"));
    clock.set("+0")?;
    let places = network.places();
    let at: Vec<SocketAddr> = places
        .iter()
        .map(|one| SocketAddr::new(one.address, 443))
        .collect();
    let mut server = Server::start(places.clone()).await?;
    for (node, one) in places.iter().enumerate() {
        server.kill(node)?;
        server.wrap(node, place(one.clone(), (&authority, &clock), "[]").wrapper);
    }
    let (first, took) = first_one(&mut server, &authority, &at).await?;

    // It is renewed in time, and the authority comes through the Border Controller.
    let (controller, _process) = controller(&server, folder.path(), &clock).await?;
    authority.lead(Network::OWN.into()).await?;
    let everywhere = [at.as_slice(), &[controller.web]].concat();
    let (before, _) = all_show(&authority, &everywhere, None, ISSUED_WITHIN).await?;
    ensure!(
        before == first,
        "it is renewed before two thirds of its life are over"
    );
    clock.set(LATER)?;
    let (second, _) = all_show(&authority, &everywhere, Some(&first), ISSUED_WITHIN).await?;
    let ends = server
        .figure(0, "plenary_web_certificate_expiry_timestamp_seconds")
        .await?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let left = ends - now.as_secs_f64();
    ensure!(
        (1.0..=LIFE.as_secs_f64()).contains(&left),
        "{left} s are left by the metric"
    );
    ensure!(problems(&server, 0).await?.is_empty(), "all is well");

    let told = lead_astray(&mut server, (&authority, &clock), &places, (&at, &second)).await?;
    Ok(Figures {
        notes: vec![format!(
            "another node has the certificate {} ms after the leader was killed in the middle of its order; it is renewed through a \
             Border Controller; of a name that leads elsewhere people are told: {told}",
            took.as_millis()
        )],
        ..Figures::default()
    })
}
