//! Names of servers, resolved.

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        dnssec::TrustAnchors,
        rr::{RData, Record},
    },
};
use plenary_federation::{Srv, Target, Way, may_lead_to, service_of};
use plenary_identity::Authorities;
use plenary_model::ServerName;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinSet, time::timeout_at};

/// One question to one DNS server may take so long; each is asked twice.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Addresses of all hosts of a server are asked for at once, and those that came within this time are tried.
const ADDRESSES_WITHIN: Duration = Duration::from_secs(3);
/// Hosts that are asked for at a time.
const HOSTS: usize = 16;
pub(crate) const LATE: &str = "DNS did not answer in time";
const UNSIGNED: &str = "the answer of DNS is not signed as it must be (DNSSEC)";
/// Answers are kept as long as they say, and no longer than this: whoever has moved is to be found within the hour,
const POSITIVE_AT_MOST: Duration = Duration::from_secs(3_600);
/// and whose records were missing soon after they are there.
const NEGATIVE_AT_MOST: Duration = Duration::from_secs(30);
/// Addresses of one host that are tried.
const ADDRESSES: usize = 8;
/// Addresses of one server that are tried.
const SOCKETS: usize = 16;

/// Whom to ask for names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dns {
    /// None: those of this machine (`/etc/resolv.conf`).
    pub servers: Vec<SocketAddr>,
    /// The name in their certificates, where they are asked by DNS over TLS (RFC 7858).
    pub tls_name: Option<String>,
    /// Answers must be signed (DNSSEC, RFC 4033), up to the root of the Internet.
    pub dnssec: bool,
    /// Or up to one of these keys, for names that are not on the Internet: `DNSKEY` records, as lines of a zone file. All keys of
    /// a zone, where nobody above answers for it.
    pub keys: Option<String>,
    /// Servers may be on this machine itself, and next to it: where several are tried out on one.
    pub here: bool,
}

/// Why names cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum NamesError {
    #[error("names of other servers cannot be resolved: {0}")]
    Net(#[from] NetError),
    #[error("DNS servers cannot be asked by TLS: {0}")]
    Tls(#[from] tokio_rustls::rustls::Error),
    #[error("the keys that zones may be signed with are no DNSKEY records: {0}")]
    Keys(String),
}

/// Resolves names, with a cache. Cheap to clone.
#[derive(Clone)]
pub struct Names {
    resolver: TokioResolver,
    /// What is not signed does not count.
    dnssec: bool,
    here: bool,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names")
    }
}

impl Names {
    /// To be called within a runtime. Those who are asked by TLS are believed by these authorities.
    ///
    /// # Errors
    /// When this machine does not say whom to ask, or the keys cannot be read.
    pub fn new(dns: &Dns, authorities: &Authorities) -> Result<Self, NamesError> {
        let mut builder = if dns.servers.is_empty() {
            TokioResolver::builder_tokio()?
        } else {
            let servers = dns
                .servers
                .iter()
                .map(|address| name_server(*address, dns.tls_name.as_deref()));
            let config = ResolverConfig::from_name_servers(servers.collect());
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.validate = dns.dnssec;
        options.timeout = ANSWER_WITHIN;
        options.attempts = 2;
        options.positive_max_ttl = Some(POSITIVE_AT_MOST);
        options.negative_max_ttl = Some(NEGATIVE_AT_MOST);
        if dns.tls_name.is_some() {
            builder = builder.with_tls_config(authorities.client_config()?);
        }
        if let Some(keys) = &dns.keys {
            builder = builder.with_trust_anchor(Arc::new(anchors(keys)?));
        }
        Ok(Self {
            resolver: builder.build()?,
            dnssec: dns.dnssec || dns.keys.is_some(),
            here: dns.here,
        })
    }

    /// Whether all of an answer is signed, where it must be.
    fn believed(&self, records: &[Record]) -> Result<(), String> {
        // Signatures are not signed themselves.
        let mut counted = records.iter().filter(|record| !record.record_type().is_rrsig());
        if !self.dnssec || counted.all(|record| record.proof.is_secure()) {
            return Ok(());
        }
        Err(UNSIGNED.to_owned())
    }

    /// Where a server is.
    ///
    /// # Errors
    /// A sentence for administrators, where DNS does not answer; no answer at all is not the same as none being there.
    pub async fn way(&self, server: &ServerName) -> Result<Way, String> {
        let records = match self.resolver.srv_lookup(service_of(server)).await {
            Ok(found) => {
                self.believed(found.answers())?;
                let records = found.answers().iter();
                records.filter_map(|record| srv(&record.data)).collect()
            }
            Err(error) if is_nothing(&error) => Vec::new(),
            Err(error) => return Err(unanswered(&error)),
        };
        Ok(Way::to(server, &records, |most| {
            // Without random numbers the way is still a right one.
            getrandom::u32().unwrap_or(0) % most.saturating_add(1)
        }))
    }

    /// The same, as hosts with ports; the first is to be tried first.
    ///
    /// # Errors
    /// As for [`Names::way`], and where DNS says that the server is not to be met.
    pub async fn targets(&self, server: &ServerName) -> Result<Vec<Target>, String> {
        match self.way(server).await? {
            Way::Targets(targets) => Ok(targets),
            Way::Closed => Err(format!(
                "DNS says that {server} is not to be met (the SRV target is a dot)"
            )),
        }
    }

    /// Where these hosts listen, at most sixteen of them, and which have no addresses, in words. Takes three seconds at most: a
    /// host whose DNS servers are silent keeps nobody from the others.
    ///
    /// # Errors
    /// When none has one.
    pub async fn sockets(&self, targets: &[Target]) -> Result<(Vec<SocketAddr>, Vec<String>), String> {
        let mut answers = self.all_addresses(targets).await;
        let (mut found, mut failed) = (Vec::new(), Vec::new());
        for (place, target) in targets.iter().enumerate() {
            match answers.remove(&place) {
                Some(Ok(ips)) => found.extend(ips.into_iter().map(|ip| SocketAddr::new(ip, target.port))),
                Some(Err(why)) => failed.push(why),
                None => failed.push(format!("{}: {LATE}", target.host)),
            }
        }
        found.truncate(SOCKETS);
        if found.is_empty() {
            return Err(failed.join("; "));
        }
        Ok((found, failed))
    }

    /// What DNS answers in time, by the places of the targets.
    async fn all_addresses(&self, targets: &[Target]) -> BTreeMap<usize, Result<Vec<IpAddr>, String>> {
        let until = tokio::time::Instant::now() + ADDRESSES_WITHIN;
        let mut left = targets.iter().enumerate();
        let mut asking = JoinSet::new();
        let mut answers = BTreeMap::new();
        loop {
            while asking.len() < HOSTS
                && let Some((place, target)) = left.next()
            {
                let (names, host) = (self.clone(), target.host.clone());
                asking.spawn(async move { (place, names.addresses(&host).await) });
            }
            match timeout_at(until, asking.join_next()).await {
                Ok(Some(Ok((place, answer)))) => {
                    answers.insert(place, answer);
                }
                // Nobody ends these tasks.
                Ok(Some(Err(_))) => {}
                Ok(None) | Err(_) => return answers,
            }
        }
    }

    /// The addresses of a host.
    ///
    /// # Errors
    /// A sentence for administrators, where it has none or DNS does not answer.
    pub async fn addresses(&self, host: &ServerName) -> Result<Vec<IpAddr>, String> {
        match self.resolver.lookup_ip(format!("{host}.")).await {
            Ok(found) => {
                self.believed(found.as_lookup().answers())?;
                let all = found.iter();
                let may: Vec<IpAddr> = all
                    .filter(|ip| self.here || may_lead_to(*ip))
                    .take(ADDRESSES)
                    .collect();
                match (may.is_empty(), found.iter().next()) {
                    (true, Some(one)) => Err(format!(
                        "DNS leads from {host} to {one}, which every machine calls itself or its neighbours: servers elsewhere cannot be there"
                    )),
                    _ => Ok(may),
                }
            }
            Err(error) if is_nothing(&error) => Err(format!("{host} has no address in DNS")),
            Err(error) => Err(unanswered(&error)),
        }
    }
}

/// These keys, and those of the root of the Internet.
fn anchors(keys: &str) -> Result<TrustAnchors, NamesError> {
    let anchors = keys.parse::<TrustAnchors>();
    let mut anchors = anchors.map_err(|error| NamesError::Keys(error.to_string()))?;
    let root = TrustAnchors::default();
    for key in (0..root.len()).filter_map(|at| root.get(at)) {
        anchors.insert(key);
    }
    Ok(anchors)
}

fn name_server(address: SocketAddr, tls_name: Option<&str>) -> NameServerConfig {
    let mut connections = match tls_name {
        Some(name) => vec![ConnectionConfig::tls(Arc::from(name))],
        None => vec![ConnectionConfig::udp(), ConnectionConfig::tcp()],
    };
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

fn srv(data: &RData) -> Option<Srv> {
    let RData::SRV(srv) = data else { return None };
    Some(Srv {
        priority: srv.priority,
        weight: srv.weight,
        port: srv.port,
        target: srv.target.to_ascii(),
    })
}

/// DNS answers that there is nothing, and may be believed.
fn is_nothing(error: &NetError) -> bool {
    matches!(
        error,
        NetError::Dns(DnsError::NoRecordsFound(_) | DnsError::Nsec { .. })
    )
}

fn unanswered(error: &NetError) -> String {
    match error {
        NetError::Timeout => LATE.to_owned(),
        NetError::Dns(DnsError::DnssecBogus) => UNSIGNED.to_owned(),
        other => format!("DNS did not answer: {other}"),
    }
}
