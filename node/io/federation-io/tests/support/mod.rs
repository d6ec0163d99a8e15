//! Servers with identities of their own, and a DNS server for them.

#![allow(dead_code)] // Each file of tests uses a part of it.

use hyper_util::rt::TokioIo;
use plenary_access::{FederationMode, FederationPolicy, PartnerTerms, Presence};
use plenary_conference::Delivery;
use plenary_contracts::federation::v1::federation_server::{Federation, FederationServer};
use plenary_federation::{Found, LocalName, Pages};
use plenary_federation_io::{
    Attending, Dns, Home, Hosted, Ledger, Limits, Names, People, Reach, RingAnswer, RingEnd, Ringing, Rung,
    Seen, Stir, Told, Tried, Unheard, Unhosted, Visit, identify, service, while_met,
};
use plenary_identity::{
    Authorities, EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, PartnerTls, Pin, Program, WebTls,
};
use plenary_model::{NodeId, ServerName};
use plenary_testkit::Zones;
use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{broadcast, mpsc},
};
use tokio_rustls::TlsAcceptor;
use tonic::{
    Code,
    transport::{Channel, Endpoint, Uri},
};

pub(crate) fn whitelist(masks: &[&str]) -> FederationPolicy {
    policy(FederationMode::Whitelist, masks)
}

pub(crate) fn blacklist(masks: &[&str]) -> FederationPolicy {
    policy(FederationMode::Blacklist, masks)
}

fn policy(mode: FederationMode, masks: &[&str]) -> FederationPolicy {
    let masks: Vec<_> = masks.iter().map(|mask| mask.parse().expect("a mask")).collect();
    FederationPolicy {
        mode,
        whitelist: masks.clone(),
        blacklist: masks,
    }
}

struct Settings {
    me: ServerName,
    policy: Mutex<FederationPolicy>,
    ledger: Ledger,
    limits: Limits,
    /// What names are here, and what people do.
    people: Mutex<BTreeMap<String, (Found, Option<Presence>)>>,
    stirs: broadcast::Sender<Stir>,
    heard: Mutex<Vec<(ServerName, Delivery)>>,
    pages: Mutex<Vec<Pages>>,
    /// What those said who attend.
    said: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Held for each who attends.
    hosted: Arc<()>,
}

#[async_trait::async_trait]
impl People for Settings {
    async fn look(&self, _: &PartnerTerms, names: Vec<LocalName>) -> Option<Vec<Found>> {
        let people = self.people.lock().expect("whole");
        let found = |name: &LocalName| {
            people
                .get(name.as_str())
                .map_or(Found::Nothing, |(found, _)| found.clone())
        };
        Some(names.iter().map(found).collect())
    }

    async fn presences(&self, names: Vec<LocalName>) -> Option<Vec<Seen>> {
        let people = self.people.lock().expect("whole");
        let seen = |name: &LocalName| match people.get(name.as_str()) {
            Some((Found::Person { user, profile }, presence)) => Seen {
                user: Some(user.clone()),
                presence: *presence,
                revision: profile.display_name.len() as u64,
            },
            _ => Seen::default(),
        };
        Some(names.iter().map(seen).collect())
    }

    fn stirs(&self) -> mpsc::Receiver<Stir> {
        let (tell, told) = mpsc::channel(8);
        let mut stirs = self.stirs.subscribe();
        tokio::spawn(async move {
            loop {
                let stir = tokio::select! {
                    stir = stirs.recv() => stir,
                    () = tell.closed() => return,
                };
                let Ok(stir) = stir else { return };
                if tell.send(stir).await.is_err() {
                    return;
                }
            }
        });
        told
    }

    async fn estranged(&self, server: &ServerName) {
        self.parted(server, false).await;
    }
}

#[async_trait::async_trait]
impl Home for Settings {
    fn me(&self) -> &ServerName {
        &self.me
    }

    async fn policy(&self) -> Option<FederationPolicy> {
        Some(self.policy.lock().expect("whole").clone())
    }

    fn pages(&self) -> Vec<Pages> {
        self.pages.lock().expect("whole").clone()
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn hear(&self, server: &ServerName, deliveries: Vec<Delivery>) -> Result<Unheard, Unhosted> {
        let mut unheard = Unheard::new();
        for (place, delivery) in deliveries.into_iter().enumerate() {
            if delivery.user.as_str().starts_with("nobody") {
                unheard.insert(place, "unknown-user".into());
            } else {
                self.heard.lock().expect("whole").push((server.clone(), delivery));
            }
        }
        Ok(unheard)
    }

    async fn parted(&self, server: &ServerName, _: bool) {
        while self.policy.lock().expect("whole").admits(server).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn host(&self, server: &ServerName, _: &PartnerTerms, who: Attending) -> Result<Hosted, Unhosted> {
        if who.user.as_str() == "nobody" {
            return Err(Unhosted {
                grpc: Code::Unavailable,
                code: "unavailable",
                words: "there is no leader".into(),
            });
        }
        // A conference in which everybody hears what they say themselves.
        let (say, mut said) = mpsc::channel::<Vec<u8>>(8);
        let (tell, hear) = mpsc::channel(8);
        let (noted, hosted) = (self.said.clone(), self.hosted.clone());
        let hello = format!("{}@{server} as {}, {}", who.user, who.name, who.shares).into_bytes();
        tokio::spawn(async move {
            let _hosted = hosted;
            tell.send(Told::Said(hello)).await.ok();
            while let Some(bytes) = said.recv().await {
                noted.lock().expect("whole").push(bytes.clone());
                tell.send(Told::Said(bytes)).await.ok();
            }
        });
        Ok(Hosted {
            by_call: false,
            visit: Visit { say, hear },
            part: Box::new(|| {}),
        })
    }

    /// It rings at whom there is, until the caller gives up.
    async fn ring(
        self: Arc<Self>,
        server: &ServerName,
        _: &PartnerTerms,
        whom: Ringing,
    ) -> Result<Rung, Unhosted> {
        let (say, mut said) = mpsc::channel(8);
        let (tell, hear) = mpsc::channel(8);
        let name = format!("{}@{server}, {}", whom.user, whom.name);
        let answer = match whom.to.parse() {
            Ok(user) if whom.to != "nobody" => RingAnswer::Rings {
                user: Some(user),
                name,
                group: false,
            },
            _ => RingAnswer::Over(RingEnd::Nobody),
        };
        tokio::spawn(async move {
            tell.send(answer).await.ok();
            if let Some(end) = said.recv().await {
                tell.send(RingAnswer::Over(end)).await.ok();
            }
        });
        Ok(Rung { say, hear })
    }
}

/// A server of an enterprise of its own. Its port answers once it knows whom to trust.
pub(crate) struct Partner {
    pub(crate) address: SocketAddr,
    identity: Identity,
    web: WebTls,
    settings: Arc<Settings>,
    listener: Mutex<Option<TcpListener>>,
    /// How often it is looked whether who is connected is met still.
    looks_every: Mutex<Duration>,
    tls: OnceLock<PartnerTls>,
    _folder: TempDir,
}

impl Partner {
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_with(name, Limits::default()).await
    }

    pub(crate) async fn start_with(name: &str, limits: Limits) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let me: ServerName = name.parse().expect("a name");
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good"))
            .expect("a root");
        let ca = root.certify(Program::Node, &me, &[]).expect("issuers");
        let home = folder.path().join("node");
        std::fs::create_dir_all(&home).expect("a folder");
        let machine = MachineKey::open_or_create(&home.join(MACHINE_KEY_FILE)).expect("a key");
        let identity = Identity::create(&home, machine, ca, "node-1".parse().expect("good"), NodeId(1))
            .expect("an identity");
        let web = identity
            .web(&[name.parse().expect("good")])
            .expect("a certificate");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        Self {
            address: listener.local_addr().expect("bound"),
            identity,
            web,
            settings: Arc::new(Settings {
                me,
                policy: Mutex::new(FederationPolicy::default()),
                ledger: Ledger::default(),
                limits,
                people: Mutex::default(),
                stirs: broadcast::channel(64).0,
                heard: Mutex::default(),
                pages: Mutex::default(),
                said: Arc::default(),
                hosted: Arc::default(),
            }),
            listener: Mutex::new(Some(listener)),
            looks_every: Mutex::new(Duration::from_secs(30)),
            tls: OnceLock::new(),
            _folder: folder,
        }
    }

    /// From now on it has this policy; and, the first time, trusts the authority of `other` and serves.
    pub(crate) fn trusts(&self, other: &Partner, policy: FederationPolicy) {
        *self.settings.policy.lock().expect("whole") = policy;
        self.serves(other, service(self.settings.clone()));
    }

    /// Once it serves, it looks again and again whether who is connected is met still.
    pub(crate) fn looks_often(&self) {
        *self.looks_every.lock().expect("whole") = Duration::from_millis(50);
    }

    /// As [`Partner::trusts`] everybody, but it answers what it likes.
    pub(crate) fn lies(&self, other: &Partner, liar: impl Federation) {
        *self.settings.policy.lock().expect("whole") = blacklist(&[]);
        self.serves(other, FederationServer::new(liar));
    }

    /// From now on a name means this, and who it is does that.
    pub(crate) fn has(&self, name: &str, found: Found, presence: Option<Presence>) {
        let mut people = self.settings.people.lock().expect("whole");
        people.insert(name.into(), (found, presence));
    }

    /// From now on it says that its pages are there.
    pub(crate) fn has_pages(&self, pages: &str) {
        *self.settings.pages.lock().expect("whole") = Pages::at(pages).into_iter().collect();
    }

    pub(crate) fn stirs(&self, stir: Stir) {
        self.settings.stirs.send(stir).expect("somebody watches");
    }

    /// How many hear of what changes.
    pub(crate) fn watchers(&self) -> usize {
        self.settings.stirs.receiver_count()
    }

    fn serves(&self, other: &Partner, service: FederationServer<impl Federation>) {
        let Some(listener) = self.listener.lock().expect("whole").take() else {
            return;
        };
        let authorities = Authorities::new([other.identity.root_der().clone()]);
        let tls = self.web.partners(authorities.clone());
        let home: Arc<dyn Home> = self.settings.clone();
        let identify = Arc::new(move |connection: &_| identify(&home, &authorities, connection));
        let connections = plenary_links::incoming(
            listener,
            tls.server_config(),
            identify,
            self.settings.limits.bounds(),
        );
        self.tls.set(tls).expect("once");
        let router = tonic::transport::Server::builder().add_service(service);
        let every = *self.looks_every.lock().expect("whole");
        tokio::spawn(router.serve_with_incoming(while_met(connections, every)));
    }

    /// Its certificate, before a DNS server that answers by TCP: asked by TLS (RFC 7858) at the address that this gives.
    pub(crate) async fn wrap(&self, dns: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut config = (*self.web.server_config()).clone();
        config.alpn_protocols.clear();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut asked = acceptor.accept(socket).await?;
                    let mut plain = TcpStream::connect(dns).await?;
                    tokio::io::copy_bidirectional(&mut asked, &mut plain).await
                });
            }
        });
        address
    }

    /// What others told of their conferences.
    pub(crate) fn heard(&self) -> Vec<(ServerName, Delivery)> {
        self.settings.heard.lock().expect("whole").clone()
    }

    /// What those have said who attend here, as it came.
    pub(crate) fn said(&self) -> Vec<Vec<u8>> {
        self.settings.said.lock().expect("whole").clone()
    }

    /// How many attend here.
    pub(crate) fn hosted(&self) -> usize {
        Arc::strong_count(&self.settings.hosted) - 1
    }

    /// How often something was refused with this code.
    pub(crate) fn refusals(&self, code: &str) -> u64 {
        let mut counted = self.settings.ledger.refusals();
        counted
            .find(|(known, _)| *known == code)
            .map_or(0, |(_, count)| count)
    }

    /// What this node noted of the others.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.settings.ledger
    }

    pub(crate) fn root(&self) -> Pin {
        Pin::Authorities(vec![self.identity.root_der().clone()])
    }

    /// From now on of `server` this counts alone.
    pub(crate) fn pins(&self, server: &str, pin: Pin) {
        let tls = self.tls();
        tls.authorities()
            .set_pins([(server.parse().expect("a name"), pin)].into());
    }

    /// From now on it shows another certificate.
    pub(crate) fn renews(&self) {
        self.is_called(&[format!("node-1.{}", self.settings.me)]);
    }

    /// From now on its certificate is for these names as well.
    pub(crate) fn is_called(&self, more: &[String]) {
        let names = more.iter().map(String::as_str).chain([self.settings.me.as_str()]);
        let names: Vec<_> = names.map(|name| name.parse().expect("a name")).collect();
        self.web.set_names(&names).expect("a certificate");
    }

    fn tls(&self) -> PartnerTls {
        self.tls.get().expect("it serves").clone()
    }

    pub(crate) async fn try_out(&self, dns: &Zones, server: &str) -> Tried {
        self.reach(dns).try_out(&server.parse().expect("a name")).await
    }

    /// The way to others, by this DNS server.
    pub(crate) fn reach(&self, dns: &Zones) -> Reach {
        self.reach_by(&Dns {
            servers: vec![dns.address],
            here: true,
            ..Dns::default()
        })
    }

    pub(crate) fn reach_by(&self, dns: &Dns) -> Reach {
        let names = Names::new(dns, self.tls().authorities());
        Reach::new(self.settings.clone(), names.expect("a resolver"), self.tls())
    }

    /// Where it is, as lines of the zone above its name.
    pub(crate) fn records(&self) -> String {
        let label = self
            .settings
            .me
            .as_str()
            .split('.')
            .next()
            .expect("a part")
            .to_owned();
        format!(
            "_plenary._tcp.{label} SRV 0 0 {} node-1.{label}\nnode-1.{label} A 127.0.0.1\n",
            self.address.port()
        )
    }

    pub(crate) async fn channel_to(&self, other: &Partner) -> Channel {
        let (tls, address, name) = (self.tls(), other.address, other.settings.me.to_string());
        let connector = tower::service_fn(move |_: Uri| {
            let (tls, name) = (tls.clone(), name.clone());
            async move {
                let socket = TcpStream::connect(address).await?;
                let connected = tls.connect(socket, &name).await.map_err(std::io::Error::other)?;
                Ok::<_, std::io::Error>(TokioIo::new(connected.0))
            }
        });
        let endpoint = Endpoint::from_static("http://partner");
        endpoint
            .connect_with_connector(connector)
            .await
            .expect("it answers")
    }
}

/// A port at which nobody listens.
pub(crate) fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}
