//! Federation: port 4307, and the way to partners.

mod hosting;
mod travel;

use crate::{
    UsageError,
    config::{Config, Names as NamesConfig},
    server::Server,
};
use anyhow::Context as _;
use plenary_access::FederationPolicy;
use plenary_federation_io::{Attending, BOUNDS, Dns, Home, Names, Reach, Unhosted, Visit, identify, service};
use plenary_identity::{Authorities, WebTls};
use plenary_links::incoming;
use plenary_meeting_io::Hub;
use plenary_model::{ServerName, Timestamp};
use plenary_program::ports::asynchronous;
use plenary_rest_api::backend::{PartnerCertificate, PartnerTried};
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries;
use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};
use tokio::sync::broadcast::error::RecvError;
use travel::Traveller;

/// A partner that is silent is asked so often whether it is there, and may take so long to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Requests that one connection has under way: one for each of a partner's people, and some more.
const STREAMS: u32 = 1_024;

#[async_trait::async_trait]
impl Home for Server {
    fn me(&self) -> &ServerName {
        &self.facts.server
    }

    async fn policy(&self) -> Option<FederationPolicy> {
        let settings = self.query(queries::settings).await;
        settings
            .inspect_err(|error| tracing::warn!(%error, "whom this server meets with cannot be read"))
            .map(|settings| settings.federation)
            .ok()
    }

    async fn parted(&self, server: &ServerName) {
        let mut changes = self.notifications.subscribe();
        loop {
            // Where it cannot be read, what was found last holds.
            if Home::policy(self)
                .await
                .is_some_and(|policy| policy.admits(server).is_err())
            {
                return;
            }
            loop {
                match changes.recv().await {
                    Ok(Notification::Changed {
                        topic: Topic::Settings,
                        ..
                    })
                    | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    // The node ends, and with it everything.
                    Err(RecvError::Closed) => return,
                }
            }
        }
    }

    async fn host(&self, server: &ServerName, who: Attending) -> Result<Visit, Unhosted> {
        hosting::host(self, server, who)
    }
}

impl NamesConfig {
    pub(crate) fn dns(&self) -> Result<Dns, UsageError> {
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
        Ok(Dns {
            servers,
            tls_name: self.tls_name.clone(),
            dnssec: self.dnssec,
        })
    }
}

impl Server {
    /// Tries to reach another server. `None` where this node is not to.
    pub(crate) async fn reach_out(&self, server: &ServerName) -> Option<PartnerTried> {
        let tried = self.federation.get()?.try_out(server).await;
        let certificate = tried.certificate.map(|shown| {
            let expires = shown.expires.duration_since(UNIX_EPOCH).unwrap_or_default();
            PartnerCertificate {
                subject: shown.subject,
                issuer: shown.issuer,
                expires: Timestamp(u64::try_from(expires.as_millis()).unwrap_or(u64::MAX)),
                fingerprint: shown.fingerprint,
                names: shown.names,
            }
        });
        Some(PartnerTried {
            trial: tried.trial,
            address: tried.address,
            certificate,
        })
    }
}

/// From now on people of this server come into conferences of partners'.
pub(crate) fn travel(server: &Arc<Server>, meetings: &Hub) {
    meetings.meet(Arc::new(Traveller(server.clone())));
}

/// Serves partners at `listener`, and gives this server the way to them. It is served as long as what this gives is polled.
pub(crate) fn start(
    server: &Arc<Server>,
    config: &Config,
    web: &WebTls,
    listener: TcpListener,
) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
    let authorities = Authorities::of_this_machine(server.identity.root_der().clone());
    let tls = web.partners(authorities.clone());
    let names = Names::new(&config.dns.dns()?).context("dns")?;
    server
        .federation
        .get_or_init(|| Reach::new(server.clone(), names, tls.clone()));
    let identify = Arc::new(move |connection: &_| identify(&authorities, connection));
    let connections = incoming(asynchronous(listener)?, tls.server_config(), identify, BOUNDS);
    let router = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .http2_keepalive_timeout(Some(KEEP_ALIVE))
        .max_concurrent_streams(Some(STREAMS))
        .add_service(service(server.clone()));
    Ok(async move {
        if let Err(error) = router.serve_with_incoming(connections).await {
            tracing::error!(%error, "the federation port is not served any more");
        }
    })
}
