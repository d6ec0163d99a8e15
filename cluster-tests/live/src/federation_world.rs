//! Servers of two or three enterprises that find each other by a real DNS server and trust each other, some behind Border Controllers.

use crate::{
    Place, Server,
    border::{Controller, until},
    border_media::figure,
    enterprise::development_licence,
    federation::{NODES, OSLO, PARIS},
    server::{Federation, Founding},
};
use anyhow::Context as _;
use plenary_identity::EnterpriseCa;
use plenary_licences::Seats;
use plenary_testkit::{FreePorts, Process, Zones};
use serde_json::json;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

/// What all servers share: names, and whom they trust.
pub(crate) struct World {
    dns: Zones,
    trusted: PathBuf,
    /// What stands in front of paris.
    pub(crate) fronts: Vec<Front>,
    _folder: tempfile::TempDir,
}

/// An enterprise that is planned: its authority, where its server's nodes are, and where they listen for others.
struct Plan {
    name: &'static str,
    authority: PathBuf,
    places: Vec<Place>,
    listen: Vec<SocketAddr>,
    /// Targets of its records before the nodes, where nobody answers.
    dead: Vec<SocketAddr>,
    /// Border Controllers, to which its records lead instead of to its nodes.
    fronts: Vec<Controller>,
}

/// A Border Controller that runs.
pub(crate) struct Front {
    pub(crate) controller: Controller,
    pub(crate) process: Process,
}

impl Plan {
    fn new(
        name: &'static str,
        folder: &Path,
        enterprise: Option<&Path>,
        ports: &mut FreePorts,
        places: Vec<Place>,
    ) -> anyhow::Result<Self> {
        let authority = match enterprise {
            Some(enterprise) => enterprise.to_owned(),
            None => {
                let authority = folder.join(name);
                EnterpriseCa::create(&authority, &"Live".parse()?)?;
                authority
            }
        };
        let listen = places.iter().map(|place| ports.next(place.address));
        let listen = listen.collect::<Result<_, _>>()?;
        Ok(Self {
            name,
            authority,
            places,
            listen,
            dead: Vec::new(),
            fronts: Vec::new(),
        })
    }

    fn root(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.authority.join("root.pem"))?)
    }

    /// Its zone, without the name of the server itself.
    fn zone(&self) -> (&str, String) {
        let (label, zone) = self.name.split_once('.').unwrap_or((self.name, ""));
        let mut records = String::new();
        for (number, address) in self.dead.iter().enumerate() {
            records += &format!(
                "_plenary._tcp.{label} SRV {number} 10 {} dead-{number}.{label}\ndead-{number}.{label} A {}\n",
                address.port(),
                address.ip()
            );
        }
        let fronts: Vec<_> = self.fronts.iter().map(|front| front.federation).collect();
        let reached = if fronts.is_empty() { &self.listen } else { &fronts };
        for (number, address) in reached.iter().enumerate() {
            records += &format!(
                "_plenary._tcp.{label} SRV 10 10 {} node-{number}.{label}\nnode-{number}.{label} A {}\n",
                address.port(),
                address.ip()
            );
        }
        (zone, records)
    }

    async fn start(mut self, world: &mut World) -> anyhow::Result<Server> {
        let fronts = std::mem::take(&mut self.fronts);
        let founding = Founding {
            name: self.name.into(),
            authority: self.authority,
            federation: Some(Federation {
                listen: self.listen,
                dns: world.dns.address,
            }),
        };
        let mut places = self.places;
        for place in &mut places {
            let trusted = format!("SSL_CERT_FILE={}", world.trusted.display());
            // Release builds, which figures are measured with, count them only where they are told to.
            let licences = "PLENARY_DEVELOPMENT_LICENCES=yes".to_owned();
            place.wrapper.extend(["env".into(), trusted, licences]);
        }
        let server = Server::start_as(Some(founding), places).await?;
        // The free licence has no federation.
        let seats = Seats {
            pro: 50,
            online: 100,
            ..Seats::default()
        };
        let file = json!({ "file": development_licence(seats)? });
        server.post_anywhere("/licence", &file).await?;
        meet(&server, "blacklist", &[]).await?;
        for (number, controller) in fronts.into_iter().enumerate() {
            let front = stand_before(&server, controller, number, world._folder.path()).await?;
            world.fronts.push(front);
        }
        Ok(server)
    }
}

/// Has a Border Controller enrolled, and waits until all nodes take partners by it.
async fn stand_before(
    server: &Server,
    controller: Controller,
    number: usize,
    folder: &Path,
) -> anyhow::Result<Front> {
    let name = format!("front-{number}");
    let body = json!({ "name": name, "address": controller.tunnel.to_string() });
    let invited = server
        .post_anywhere("/border-controllers/invitations", &body)
        .await?;
    let token = invited["token"].as_str().context("a token")?;
    let process = controller.start(&folder.join(&name), &["join", token])?;
    let nodes = server.nodes().len() as f64;
    until("all nodes take partners by it", async || {
        let both = ["border_tunnels", "border_partners_tunnels"];
        let all = [
            figure(&controller, both[0]).await?,
            figure(&controller, both[1]).await?,
        ];
        Ok((all == [nodes, nodes]).then_some(()))
    })
    .await?;
    Ok(Front { controller, process })
}

/// Sets whom a server meets.
pub(crate) async fn meet(server: &Server, mode: &str, blacklist: &[&str]) -> anyhow::Result<()> {
    meet_by(server, mode, &[], blacklist).await
}

/// Sets whom a server meets, by both lists.
pub(crate) async fn meet_by(
    server: &Server,
    mode: &str,
    whitelist: &[&str],
    blacklist: &[&str],
) -> anyhow::Result<()> {
    let body = json!({ "federation": { "mode": mode, "whitelist": whitelist, "blacklist": blacklist } });
    server.patch(0, "/settings", &body).await
}

impl World {
    /// A world of these enterprises, in which all machines trust their authorities, and `public`, which is PEM.
    async fn make(
        folder: tempfile::TempDir,
        own: Ipv4Addr,
        plans: &[&Plan],
        public: &str,
    ) -> anyhow::Result<Self> {
        // What public authorities are on other machines.
        let trusted = folder.path().join("trusted.pem");
        let roots = plans.iter().map(|plan| plan.root());
        let roots: String = roots.collect::<anyhow::Result<_>>()?;
        fs::write(&trusted, roots + public)?;
        let zones: Vec<_> = plans.iter().map(|plan| plan.zone()).collect();
        Ok(Self {
            dns: Zones::serve_at(own, &zones).await?,
            trusted,
            fronts: Vec::new(),
            _folder: folder,
        })
    }
}

/// Where the servers are, and what there is besides them.
pub(crate) struct Setting<'a> {
    /// Where this test itself is.
    pub(crate) own: Ipv4Addr,
    pub(crate) paris: Vec<Place>,
    pub(crate) oslo: Vec<Place>,
    /// A third server of one node, by its name.
    pub(crate) third: Option<(&'static str, Place)>,
    /// Authorities that all machines trust, as PEM.
    pub(crate) public: &'a str,
    /// What the records of paris and oslo lead to first, and where nobody answers.
    pub(crate) dead: Vec<SocketAddr>,
    /// The authority of the enterprise of which all of them are; else each is of its own.
    pub(crate) enterprise: Option<PathBuf>,
    /// Border Controllers in front of paris.
    pub(crate) fronts: usize,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            own: Ipv4Addr::LOCALHOST,
            paris: vec![Place::local(); NODES],
            oslo: vec![Place::local(); NODES],
            third: None,
            public: "",
            dead: Vec::new(),
            enterprise: None,
            fronts: 0,
        }
    }
}

impl Setting<'_> {
    /// Servers that find and trust each other, and what they need as long as they run.
    pub(crate) async fn start(self) -> anyhow::Result<(Server, Server, Option<Server>, World)> {
        let folder = tempfile::Builder::new().prefix("plenary-partners-").tempdir()?;
        let mut ports = FreePorts::default();
        let enterprise = self.enterprise;
        let mut plan =
            |name, places| Plan::new(name, folder.path(), enterprise.as_deref(), &mut ports, places);
        let (mut paris, mut oslo) = (plan(PARIS, self.paris)?, plan(OSLO, self.oslo)?);
        for number in 0..self.fronts {
            let front = Controller::new(folder.path(), &format!("front-{number}"))?;
            paris.fronts.push(front);
        }
        paris.dead.clone_from(&self.dead);
        oslo.dead = self.dead;
        let third = self
            .third
            .map(|(name, place)| plan(name, vec![place]))
            .transpose()?;
        let plans: Vec<&Plan> = [&paris, &oslo].into_iter().chain(&third).collect();
        let mut world = World::make(folder, self.own, &plans, self.public).await?;
        drop(ports);
        let third = match third {
            Some(third) => Some(third.start(&mut world).await?),
            None => None,
        };
        let (paris, oslo) = (paris.start(&mut world).await?, oslo.start(&mut world).await?);
        Ok((paris, oslo, third, world))
    }
}

/// A server of each of two enterprises, which find and trust each other.
pub(crate) async fn pair() -> anyhow::Result<(Server, Server, World)> {
    let (paris, oslo, _, world) = Setting::default().start().await?;
    Ok((paris, oslo, world))
}
