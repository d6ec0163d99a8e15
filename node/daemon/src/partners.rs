//! Servers of other enterprises, as this node and the others know them.

use crate::server::Server;
use plenary_access::{FederationMode, PartnerPin, Topic};
use plenary_cluster::{Problem, Severity};
use plenary_cluster_io::{Roster as _, clock_ms};
use plenary_contracts::cluster::v1::{self as wire, cluster_client::ClusterClient};
use plenary_federation::{Attempt, Pages, Quarantine, Seen, Shown, Trouble, Usage, concerns};
use plenary_federation_io::{Ledger, Limits};
use plenary_identity::{Authorities, Pin};
use plenary_model::{ServerName, Timestamp};
use plenary_rest_api::backend::{self, ReadError};
use plenary_store::{Changes, queries};
use plenary_telemetry::Metrics;
use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tokio::sync::broadcast;
use tonic::transport::Channel;

/// Another node may take so long to say what it knows.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// What others said of their links is believed so long.
const LINKS_HOLD: Duration = Duration::from_millis(900);
/// What others said of where pages are is believed so long: each page of a person may ask.
const PAGES_HOLD: Duration = Duration::from_secs(5);
/// What is pinned is read again after so long where that failed.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Something of each partner, and when the other nodes said so.
type Told<T> = tokio::sync::Mutex<Option<(Instant, BTreeMap<ServerName, T>)>>;

/// What this node notes of partners, and what it bears of them.
#[derive(Default)]
pub(crate) struct Partners {
    ledger: Ledger,
    limits: OnceLock<Limits>,
    /// Links for media of the other nodes with each partner, and when they said so.
    elsewhere: Told<u64>,
    /// Where the pages of partners are as all nodes know it, and when they said so.
    pages: Told<Vec<Pages>>,
}

impl Partners {
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// By default until they are set.
    pub(crate) fn limits(&self) -> &Limits {
        self.limits.get_or_init(Limits::default)
    }

    /// Before anything is served.
    pub(crate) fn limit(&self, limits: Limits) {
        self.limits.get_or_init(|| limits);
    }
}

impl Server {
    /// What is written down of partners, and what all nodes that answer know of them.
    pub(crate) async fn all_partners(&self) -> Result<backend::Partners, ReadError> {
        let (settings, is_licensed, written, link) = self
            .query(|db| {
                Ok((
                    queries::settings(db)?,
                    queries::federates(db)?,
                    queries::partners(db)?,
                    queries::directory(db)?,
                ))
            })
            .await?;
        Ok(backend::Partners {
            is_licensed,
            policy: settings.federation,
            written,
            seen: self.count_people(self.ask_for_partners(None).await).await?,
            waiting: self.waiting_for_partners().await?,
            enterprise: link.map(|link| link.servers).unwrap_or_default(),
        })
    }

    /// Notes who of them is in conferences of this server right now.
    async fn count_people(
        &self,
        mut seen: BTreeMap<ServerName, Seen>,
    ) -> Result<BTreeMap<ServerName, Seen>, ReadError> {
        let servers: Vec<ServerName> = seen.keys().cloned().collect();
        let counted = self.query(move |db| {
            let count = |server: ServerName| Ok((queries::people_of(db, &server)?, server));
            servers.into_iter().map(count).collect::<Result<Vec<_>, _>>()
        });
        for (there, server) in counted.await? {
            if let Some(seen) = seen.get_mut(&server) {
                (seen.usage.users, seen.usage.conferences) = (there.people, there.conferences);
            }
        }
        Ok(seen)
    }

    /// Ends the quarantine of `server` on all nodes that answer.
    pub(crate) async fn release(&self, server: &ServerName) {
        self.partners.ledger().lift(server);
        self.ask_for_partners(Some(server)).await;
        tracing::info!(%server, "a partner is answered again");
    }

    /// What needs a person about partners.
    pub(crate) async fn partner_problems(&self) -> Result<Vec<Problem>, ReadError> {
        let problem = |code: &str, object: String| Problem {
            code: code.into(),
            severity: Severity::Warning,
            object,
        };
        let (settings, is_licensed) = self
            .query(|db| Ok((queries::settings(db)?, queries::federates(db)?)))
            .await?;
        if settings.federation.mode == FederationMode::Off {
            return Ok(Vec::new());
        }
        if !is_licensed {
            return Ok(vec![problem("federation-not-licensed", String::new())]);
        }
        let now = Timestamp(clock_ms());
        let seen = self.ask_for_partners(None).await;
        let found = seen.into_iter().flat_map(|(server, seen)| {
            let of = concerns(&seen, now).into_iter();
            of.map(move |concern| problem(concern.code(), server.to_string()))
        });
        Ok(found.collect())
    }

    /// This node's part of what may be exchanged with a partner: as much as its part of all links with it. A node that says
    /// nothing has none.
    pub(crate) async fn part_of(&self, server: &ServerName, kbps: u32) -> u32 {
        let mut kept = self.partners.elsewhere.lock().await;
        if kept.as_ref().is_none_or(|(at, _)| at.elapsed() > LINKS_HOLD) {
            let own = self.partners.ledger().all();
            let all = self.ask_for_partners(None).await.into_iter();
            let elsewhere = all.map(|(server, seen)| {
                let here = own.get(&server).map_or(0, |own| own.usage.links);
                (server, seen.usage.links.saturating_sub(here))
            });
            *kept = Some((Instant::now(), elsewhere.collect()));
        }
        let elsewhere = kept.as_ref().and_then(|(_, links)| links.get(server)).copied();
        drop(kept);
        let crossing = self.crossing.get();
        let here = crossing.and_then(|crossing| crossing.figures().get(server).map(|now| now.links));
        part(kbps, here.unwrap_or(0), elsewhere.unwrap_or(0))
    }

    /// Where the pages of `server` are, as it has said to a node of this one, the best first.
    pub(crate) async fn pages_of(&self, server: &ServerName) -> Vec<Pages> {
        let here = self.partners.ledger().of(server).map(|seen| seen.pages);
        match here.filter(|pages| !pages.is_empty()) {
            Some(pages) => pages,
            None => self.all_pages().await.remove(server).unwrap_or_default(),
        }
    }

    /// Which other server has said that those are its pages.
    pub(crate) async fn server_at(&self, pages: &Pages) -> Option<ServerName> {
        let of = |(server, said): (ServerName, Vec<Pages>)| said.contains(pages).then_some(server);
        let here = self.partners.ledger().all().into_iter();
        if let Some(server) = here.map(|(server, seen)| (server, seen.pages)).find_map(of) {
            return Some(server);
        }
        self.all_pages().await.into_iter().find_map(of)
    }

    async fn all_pages(&self) -> BTreeMap<ServerName, Vec<Pages>> {
        let mut kept = self.partners.pages.lock().await;
        if let Some((_, pages)) = kept.as_ref().filter(|(at, _)| at.elapsed() <= PAGES_HOLD) {
            return pages.clone();
        }
        let all = self.ask_for_partners(None).await.into_iter();
        let pages: BTreeMap<_, _> = all.map(|(server, seen)| (server, seen.pages)).collect();
        *kept = Some((Instant::now(), pages.clone()));
        pages
    }

    /// What this node knows, with who of it is in their conferences right now.
    fn seen_here(&self) -> BTreeMap<ServerName, Seen> {
        let mut seen = self.partners.ledger().all();
        if let Some(meetings) = self.meetings.get() {
            for (server, people) in meetings.abroad_counts() {
                seen.entry(server).or_default().usage.own_users = people;
            }
        }
        seen
    }

    /// What this node knows, for another one.
    pub(crate) fn answer_of_partners(&self, request: &wire::PartnersRequest) -> wire::PartnersResponse {
        if let Ok(server) = request.release.parse::<ServerName>() {
            self.partners.ledger().lift(&server);
        }
        let now = Timestamp(clock_ms());
        let partners = self.seen_here().into_iter();
        wire::PartnersResponse {
            partners: partners.map(|(server, seen)| write(&server, seen, now)).collect(),
        }
    }

    /// What all nodes that answer know; `release` is a server whose quarantine they end.
    async fn ask_for_partners(&self, release: Option<&ServerName>) -> BTreeMap<ServerName, Seen> {
        let request = wire::PartnersRequest {
            release: release.map(ToString::to_string).unwrap_or_default(),
        };
        let others = self
            .others()
            .into_iter()
            .filter(|(node, ..)| self.peers.is_up(*node));
        let asked = others.map(|(_, name, channel)| {
            let request = request.clone();
            async move {
                let answer = ask(channel, request).await;
                answer.inspect_err(|status| tracing::debug!(node = %name, %status, "a node did not say what it knows of partners"))
            }
        });
        let mut seen = self.seen_here();
        for answer in futures::future::join_all(asked).await.into_iter().flatten() {
            for (server, other) in answer.partners.into_iter().filter_map(read) {
                let known = seen.remove(&server).unwrap_or_default();
                seen.insert(server, known.and(other));
            }
        }
        seen
    }
}

/// Of so many links here and elsewhere; the first link here is one before it is up.
fn part(kbps: u32, here: u64, elsewhere: u64) -> u32 {
    let here = here.max(1);
    let part = u64::from(kbps).saturating_mul(here) / here.saturating_add(elsewhere);
    u32::try_from(part).unwrap_or(kbps).max(1)
}

async fn ask(
    channel: Channel,
    request: wire::PartnersRequest,
) -> Result<wire::PartnersResponse, tonic::Status> {
    let late = |_| tonic::Status::deadline_exceeded("it took too long");
    let mut client = ClusterClient::new(channel);
    let answer = tokio::time::timeout(ANSWER_WITHIN, client.partners(request));
    Ok(answer.await.map_err(late)??.into_inner())
}

fn write(server: &ServerName, seen: Seen, now: Timestamp) -> wire::PartnerSeen {
    let attempt = |attempt: Attempt| {
        let (trouble, is_change) = match attempt.trouble {
            Some(Trouble { words, is_change }) => (words, is_change),
            None => (String::new(), false),
        };
        wire::PartnerAttempt {
            at_ms: attempt.at.0,
            trouble,
            is_change,
        }
    };
    let certificate = |shown: Shown| wire::PartnerCertificate {
        subject: shown.subject,
        issuer: shown.issuer,
        expires_ms: shown.expires.0,
        fingerprint: shown.fingerprint.into(),
        names: shown.names,
    };
    wire::PartnerSeen {
        server: server.to_string(),
        way: seen.way,
        certificate: seen.certificate.map(certificate),
        outgoing: seen.outgoing.map(attempt),
        incoming: seen.incoming.map(attempt),
        changed: seen.changed.map(certificate),
        claimed: seen.claimed.map(attempt),
        round_trip_ms: seen.round_trip_ms,
        reached_ms: seen.reached.map_or(0, |at| at.0),
        quarantined_until_ms: seen.quarantine.until(now).map_or(0, |until| until.0),
        users: seen.usage.users,
        conferences: seen.usage.conferences,
        own_users: seen.usage.own_users,
        pages: seen.pages.iter().map(ToString::to_string).collect(),
        received_bytes: seen.usage.received_bytes,
        sent_bytes: seen.usage.sent_bytes,
        links: seen.usage.links,
        link_ms: seen.usage.link_ms,
    }
}

/// `None` where it cannot be read: a newer node said it.
fn read(seen: wire::PartnerSeen) -> Option<(ServerName, Seen)> {
    let attempt = |attempt: wire::PartnerAttempt| Attempt {
        at: Timestamp(attempt.at_ms),
        trouble: (!attempt.trouble.is_empty()).then_some(Trouble {
            words: attempt.trouble,
            is_change: attempt.is_change,
        }),
    };
    let certificate = |shown: wire::PartnerCertificate| {
        Some(Shown {
            subject: shown.subject,
            issuer: shown.issuer,
            expires: Timestamp(shown.expires_ms),
            fingerprint: shown.fingerprint.parse().ok()?,
            names: shown.names,
        })
    };
    let server: ServerName = seen.server.parse().ok()?;
    let seen_by = Seen {
        pages: Pages::all_of(&server, seen.pages.iter().map(String::as_str)),
        way: seen.way,
        certificate: seen.certificate.and_then(certificate),
        outgoing: seen.outgoing.map(attempt),
        incoming: seen.incoming.map(attempt),
        changed: seen.changed.and_then(certificate),
        claimed: seen.claimed.map(attempt),
        round_trip_ms: seen.round_trip_ms,
        reached: (seen.reached_ms != 0).then_some(Timestamp(seen.reached_ms)),
        quarantine: Quarantine::lasting(Timestamp(seen.quarantined_until_ms)),
        usage: Usage {
            users: seen.users,
            conferences: seen.conferences,
            own_users: seen.own_users,
            received_bytes: seen.received_bytes,
            sent_bytes: seen.sent_bytes,
            links: seen.links,
            link_ms: seen.link_ms,
        },
    };
    Some((server, seen_by))
}

/// Reads what is pinned for each partner.
pub(crate) async fn load_pins(server: &Server, authorities: &Authorities) -> Result<(), ReadError> {
    let partners = server.query(queries::partners).await?;
    let pins = partners.into_iter().filter_map(|partner| {
        let pin = match partner.pin {
            PartnerPin::None => return None,
            PartnerPin::Authority(pem) => Pin::of_pem(&pem),
            PartnerPin::Certificate(fingerprint) => Pin::Certificate(fingerprint),
        };
        Some((partner.server, pin))
    });
    authorities.set_pins(pins.collect());
    Ok(())
}

/// Follows what is pinned; the pins of the start are loaded.
pub(crate) async fn follow_pins(
    server: Arc<Server>,
    authorities: Authorities,
    mut changes: broadcast::Receiver<Changes>,
) {
    loop {
        match changes.recv().await {
            Ok(change) if !concerns_partners(&change) => continue,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
        while let Err(error) = load_pins(&server, &authorities).await {
            tracing::warn!(%error, "what is pinned for partners cannot be read; what was pinned before counts");
            tokio::time::sleep(READ_AGAIN).await;
        }
    }
}

fn concerns_partners(change: &Changes) -> bool {
    change
        .notices
        .as_ref()
        .is_none_or(|notices| notices.iter().any(|notice| notice.topic == Topic::Settings))
}

/// Registers what is counted of partners.
pub(crate) fn register(metrics: &Metrics, ledger: Ledger) {
    metrics.figures(move |figures| {
        let now = ledger.figures();
        let gauges = [
            (
                "federation_partners",
                "Servers of other enterprises of which this node knows something",
                now.partners,
            ),
            (
                "federation_partners_quarantined",
                "Of them, those that are not answered for a while",
                now.quarantined,
            ),
        ];
        for (name, help, value) in gauges {
            figures.gauge(name, help, value as f64)?;
        }
        let counters = [
            (
                "federation_greeted",
                "Servers that came and were answered",
                now.greeted,
            ),
            (
                "federation_refused",
                "Servers that came and were refused",
                now.refused,
            ),
            (
                "federation_too_fast",
                "Messages of servers that came too fast",
                now.too_fast,
            ),
            (
                "federation_names_slowed",
                "Times that a partner asked for more names than it may",
                now.slowed,
            ),
            (
                "federation_quarantines",
                "Times that a server was put into quarantine",
                now.quarantines,
            ),
            (
                "federation_reached",
                "Attempts to reach a server that went well",
                now.reached,
            ),
            (
                "federation_failed",
                "Attempts to reach a server that failed",
                now.failed,
            ),
        ];
        for (name, help, value) in counters {
            figures.counter(name, help, value)?;
        }
        let help = "What servers that came were refused, by the code that they were answered";
        figures.counters("federation_refusals", help, "code", ledger.refusals())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_model::Fingerprint;

    #[test]
    fn all_nodes_together_carry_what_may_be_exchanged() {
        assert_eq!(part(3_000, 0, 0), 3_000);
        assert_eq!([part(3_000, 1, 2), part(3_000, 2, 1)], [1_000, 2_000]);
        assert_eq!(part(3_000, 0, 2), 1_000);
        assert_eq!(part(1, 1, 40), 1, "nothing at all would be off");
    }

    #[test]
    fn what_a_node_knows_reaches_the_others_whole() {
        let now = Timestamp(1_700_000_000_000);
        let attempt = |at, trouble: Option<&str>| {
            Some(Attempt {
                at: Timestamp(at),
                trouble: trouble.map(|words| Trouble {
                    words: words.into(),
                    is_change: true,
                }),
            })
        };
        let certificate = |print| Shown {
            subject: "CN=oslo".into(),
            issuer: "CN=Authority".into(),
            expires: Timestamp(5),
            fingerprint: Fingerprint::of([print; 32]),
            names: vec!["oslo.example.net".into()],
        };
        let seen = Seen {
            way: "node-1.example.net:4307".into(),
            certificate: Some(certificate(7)),
            changed: Some(certificate(8)),
            claimed: attempt(2, Some("not proved")),
            outgoing: attempt(3, Some("changed")),
            incoming: attempt(4, None),
            round_trip_ms: Some(7),
            reached: Some(Timestamp(4)),
            pages: Pages::at("https://meet.oslo.example.net:8443")
                .into_iter()
                .collect(),
            quarantine: Quarantine::lasting(Timestamp(now.0 + 1)),
            usage: Usage {
                users: 1,
                conferences: 2,
                own_users: 7,
                received_bytes: 3,
                sent_bytes: 4,
                links: 5,
                link_ms: Some(6),
            },
        };
        let server: ServerName = "oslo.example.net".parse().expect("a name");
        let read = read(write(&server, seen.clone(), now));
        assert_eq!(read, Some((server.clone(), seen)));
        let nothing = Seen::default();
        assert_eq!(
            super::read(write(&server, nothing.clone(), now)),
            Some((server, nothing))
        );
    }
}
