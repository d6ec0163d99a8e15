//! Federation: port 4307, and the way to partners.

mod asked;
mod called;
mod callers;
mod halls;
mod hosting;
mod neighbours;
pub(crate) mod outbox;
mod own;
mod ringing;
mod travel;

use crate::{
    UsageError,
    border::partners::{BothWays, Door},
    config::{Config, Names as NamesConfig},
    partners,
    server::Server,
};
use anyhow::Context as _;
pub(crate) use callers::Callers;
pub(crate) use halls::Rosters;
pub(crate) use neighbours::Neighbours;
use plenary_access::{FederationMode, FederationPolicy, PartnerTerms, Standing};
use plenary_conference::Delivery;
use plenary_federation::{Pages, QuarantineRules};
use plenary_federation_io::{
    Attending, Dns, Home, Hosted, Ledger, Limits, Names, Reach, Ringing, Rung, Unheard, Unhosted, identify,
    knows_people, service, shown, while_met,
};
use plenary_identity::{Authorities, WebTls};
use plenary_links::incoming;
use plenary_meeting_io::Hub;
use plenary_model::{Cid, ServerName};
use plenary_program::ports::asynchronous;
use plenary_rest_api::backend::{PartnerTried, ReadError};
use plenary_signalling::meeting::Join;
use plenary_signalling_io::{Notification, Topic};
use plenary_store::{Changes, queries};
use plenary_telemetry::Metrics;
pub(crate) use ringing::until_told;
use serde::{Deserialize, Serialize};
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinSet,
};
use travel::Traveller;

/// A partner that is silent is asked so often whether it is there, and may take so long to say so; its people are away then,
/// and their places are given up ten seconds later.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// How often it is looked whether who is connected is met still: as long as strangers may stay.
const MET_EVERY: Duration = Duration::from_secs(30);
/// Requests that one connection has under way: one for each of a partner's people, and some more.
const STREAMS: u32 = 1_024;

#[async_trait::async_trait]
impl Home for Server {
    fn me(&self) -> &ServerName {
        &self.facts.server
    }

    /// Off where the licence has no federation.
    async fn policy(&self) -> Option<FederationPolicy> {
        let read = self.query(|db| Ok((queries::settings(db)?, queries::federates(db)?)));
        let (settings, is_licensed) = read.await.inspect_err(unreadable).ok()?;
        if is_licensed {
            return Some(settings.federation);
        }
        Some(FederationPolicy {
            mode: FederationMode::Off,
            ..settings.federation
        })
    }

    async fn standing(&self, server: &ServerName) -> Option<Standing> {
        let server = server.clone();
        let standing = self.query(move |db| queries::standing(db, &server)).await;
        standing.inspect_err(unreadable).ok()
    }

    async fn hear(&self, server: &ServerName, deliveries: Vec<Delivery>) -> Result<Unheard, Unhosted> {
        outbox::hear(self, server, deliveries).await
    }

    /// Those of all nodes; where people look first comes first.
    fn pages(&self) -> Vec<Pages> {
        let (me, urls) = (&self.facts.server, self.known_urls());
        let mut pages = Pages::all_of(me, urls.iter().map(String::as_str));
        pages.sort_by_key(|pages| !pages.is_at(me));
        pages
    }

    fn ledger(&self) -> &Ledger {
        self.partners.ledger()
    }

    fn limits(&self) -> &Limits {
        self.partners.limits()
    }

    async fn parted(&self, server: &ServerName, by_call: bool) {
        let may: fn(&PartnerTerms) -> bool = if by_call {
            // A call may have become a conference: `callers` looks which of the two it is.
            knows_people
        } else {
            |terms| terms.lets_meet(false)
        };
        self.until_not(server, may).await;
    }

    fn doubt(&self, server: &ServerName) {
        if let Some(crossing) = self.crossing.get() {
            crossing.doubt(server);
        }
    }

    async fn host(
        &self,
        server: &ServerName,
        terms: &PartnerTerms,
        who: Attending,
    ) -> Result<Hosted, Unhosted> {
        let room = asked_for(&who);
        let hosted = hosting::host(self, server, terms, who).await?;
        Ok(match room.filter(|_| hosted.by_call) {
            Some(call) => self.callers.note(server.clone(), call, hosted),
            None => hosted,
        })
    }

    async fn ring(
        self: Arc<Self>,
        server: &ServerName,
        terms: &PartnerTerms,
        whom: Ringing,
    ) -> Result<Rung, Unhosted> {
        called::ring(self, server, terms, whom).await
    }
}

/// What a partner hears where something is the matter here: not what.
fn not_now() -> Unhosted {
    Unhosted {
        grpc: tonic::Code::Unavailable,
        code: "unavailable",
        words: "this server cannot do that now; try again".into(),
    }
}

/// The ID of the conference that somebody asks for.
fn asked_for(who: &Attending) -> Option<Cid> {
    let join: Join = serde_json::from_slice(&who.join).ok()?;
    join.room.parse().ok()
}

/// Waits until what may be done with partners may be something else; `false` if that will not be any more.
async fn terms_may_change(changes: &mut broadcast::Receiver<Notification>) -> bool {
    loop {
        match changes.recv().await {
            Ok(Notification::Changed {
                topic: Topic::Settings | Topic::Licensing,
                ..
            })
            | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            // The node ends, and with it everything.
            Err(RecvError::Closed) => return false,
        }
    }
}

fn unreadable(error: &ReadError) {
    tracing::warn!(%error, "whom this server meets with cannot be read");
}

impl NamesConfig {
    /// For a node that listens for partners there.
    pub(crate) fn dns(&self, listen: &str) -> Result<Dns, UsageError> {
        let servers = self.servers.iter().map(|text| {
            let bad = |_| {
                UsageError::new(format!(
                    "dns.servers: {text:?} is no address; write it like 10.0.0.53:53"
                ))
            };
            text.parse().map_err(bad)
        });
        let servers: Vec<_> = servers.collect::<Result<_, _>>()?;
        if self.tls_name.is_some() && servers.is_empty() {
            return Err(UsageError::new(
                "dns.tls_name is of use with dns.servers only; name the servers that answer by TLS, with port 853",
            ));
        }
        let keys = self.dnssec_keys.as_ref().map(|file| {
            std::fs::read_to_string(file)
                .map_err(|error| UsageError::new(format!("dns.dnssec_keys: {}: {error}", file.display())))
        });
        Ok(Dns {
            servers,
            tls_name: self.tls_name.clone(),
            dnssec: self.dnssec,
            keys: keys.transpose()?,
            // Whoever is not heard elsewhere has all partners here.
            here: listen
                .parse()
                .is_ok_and(|at: std::net::SocketAddr| at.ip().is_loopback()),
        })
    }
}

impl Server {
    /// Tries to reach another server. `None` where this node is not to.
    pub(crate) async fn reach_out(&self, server: &ServerName) -> Option<PartnerTried> {
        let tried = self.federation.get()?.try_out(server).await;
        Some(PartnerTried {
            trial: tried.trial,
            address: tried.address,
            is_change: tried.is_change,
            certificate: tried.certificate.as_ref().map(shown),
        })
    }
}

/// What this node does for partners and people who have to do with them, until the tasks are dropped.
pub(crate) fn work(tasks: &mut JoinSet<()>, server: &Arc<Server>, clients: &plenary_signalling_io::Hub) {
    tasks.spawn(outbox::run(server.clone()));
    tasks.spawn(ringing::drive(server.clone()));
    tasks.spawn(callers::watch_over(server.clone()));
    tasks.spawn(neighbours::keep_in_view(server.clone(), clients.clone()));
}

/// From now on people of this server come into conferences of partners'.
pub(crate) fn travel(server: &Arc<Server>, meetings: &Hub) {
    meetings.meet(Arc::new(Traveller(server.clone())));
}

/// Serves partners at `listener`, and gives this server the way to them. It is served as long as what this gives is polled; those
/// from outside come by the door beside it.
pub(crate) async fn start(
    server: &Arc<Server>,
    config: &Config,
    (listener, web): (TcpListener, &WebTls),
    metrics: &Metrics,
    changes: broadcast::Receiver<Changes>,
) -> anyhow::Result<(impl Future<Output = ()> + Send + use<>, Door)> {
    let authorities = Authorities::of_this_machine(server.identity.root_der().clone());
    partners::load_pins(server, &authorities).await?;
    partners::register(metrics, server.partners.ledger().clone());
    neighbours::register(metrics, server.clone());
    server.partners.limit(config.federation.limits());
    let tls = server
        .partner_tls
        .get_or_init(|| web.partners(authorities.clone()));
    let names = Names::new(&config.dns.dns(&config.listen.federation)?, tls.authorities()).context("dns")?;
    server
        .federation
        .get_or_init(|| Reach::new(server.clone(), names, tls.clone()));
    let following = partners::follow_pins(server.clone(), authorities.clone(), changes);
    let home: Arc<dyn Home> = server.clone();
    let identify = Arc::new(move |connection: &_| identify(&home, &authorities, connection));
    let bounds = server.partners.limits().bounds();
    let (arrivals, door) = BothWays::new(asynchronous(listener)?);
    let connections = incoming(arrivals, tls.server_config(), identify, bounds);
    let connections = while_met(connections, MET_EVERY);
    let router = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .max_concurrent_streams(Some(STREAMS))
        .add_service(service(server.clone()));
    let serving = async move {
        if let Err(error) = router.serve_with_incoming(connections).await {
            tracing::error!(%error, "the federation port is not served any more");
        }
    };
    let both = async move {
        tokio::join!(serving, following);
    };
    Ok((both, door))
}

/// What this node bears of servers of other enterprises, and of strangers at the same port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FederationConfig {
    /// TLS handshakes at a time, in all; of one network a quarter.
    pub(crate) handshakes: usize,
    /// Connections at a time of those who proved nothing, in all; of one network a quarter.
    pub(crate) strangers: usize,
    /// Connections of all at a time, and of one network.
    pub(crate) connections: usize,
    pub(crate) connections_per_network: usize,
    /// Messages of one partner a second in the long run; four times as many at once.
    pub(crate) messages_per_second: u32,
    /// The longest message.
    pub(crate) message_bytes: usize,
    /// Faults of one partner within a minute that begin a quarantine.
    pub(crate) quarantine_faults: u32,
    /// How long the first quarantine is; each next one is twice as long.
    pub(crate) quarantine_s: u64,
    /// And none is longer.
    pub(crate) quarantine_longest_s: u64,
}

impl Default for FederationConfig {
    fn default() -> Self {
        let Limits {
            handshakes,
            strangers,
            connections,
            messages,
            message_bytes,
            quarantine,
            ..
        } = Limits::default();
        Self {
            handshakes: handshakes.0,
            strangers: strangers.0,
            connections: connections.0,
            connections_per_network: connections.1,
            messages_per_second: messages.1 as u32,
            message_bytes,
            quarantine_faults: quarantine.faults,
            quarantine_s: quarantine.first_ms / 1_000,
            quarantine_longest_s: quarantine.longest_ms / 1_000,
        }
    }
}

impl FederationConfig {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let ranges = [
            ("handshakes", self.handshakes as u64, 4, 65_536),
            ("strangers", self.strangers as u64, 4, 65_536),
            ("connections", self.connections as u64, 4, 1_000_000),
            (
                "connections_per_network",
                self.connections_per_network as u64,
                1,
                self.connections as u64,
            ),
            (
                "messages_per_second",
                self.messages_per_second.into(),
                1,
                1_000_000,
            ),
            ("message_bytes", self.message_bytes as u64, 16 << 10, 4 << 20),
            ("quarantine_faults", self.quarantine_faults.into(), 1, 1_000_000),
            ("quarantine_s", self.quarantine_s, 1, self.quarantine_longest_s),
            ("quarantine_longest_s", self.quarantine_longest_s, 1, 30 * 86_400),
        ];
        for (key, value, least, most) in ranges {
            anyhow::ensure!(
                (least..=most).contains(&value),
                "configuration: federation.{key} is {value}; it must be {least} to {most}"
            );
        }
        Ok(())
    }

    fn limits(&self) -> Limits {
        let quarter = |all: usize| (all, all / 4);
        let messages = f64::from(self.messages_per_second);
        Limits {
            handshakes: quarter(self.handshakes),
            strangers: quarter(self.strangers),
            connections: (self.connections, self.connections_per_network),
            messages: (4.0 * messages, messages),
            message_bytes: self.message_bytes,
            quarantine: QuarantineRules {
                faults: self.quarantine_faults,
                first_ms: self.quarantine_s * 1_000,
                longest_ms: self.quarantine_longest_s * 1_000,
                ..QuarantineRules::default()
            },
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_as_documented_where_nothing_is_said() {
        let config = FederationConfig::default();
        config.check().expect("the defaults are good");
        assert_eq!(config.limits(), Limits::default());
    }

    #[test]
    fn limits_that_make_no_sense_name_their_key() {
        let config = FederationConfig {
            connections_per_network: 2_000,
            ..FederationConfig::default()
        };
        let words = config.check().expect_err("refused").to_string();
        assert!(
            words.contains("federation.connections_per_network is 2000"),
            "{words}"
        );
    }
}
