//! The certificate for browsers by ACME (RFC 8555, RFC 8737): the leader orders it, all nodes answer for it and show it.
//!
//! ```text
//!  leader: act ─► order ─► Account, Challenges, Certificate, Trouble ─► log ─► each node: follow ─► HTTPS
//!                   └──────── what each node answers and wants ◄── status of nodes ◄───────────┘
//! ```

mod config;
mod order;
mod web;

use crate::{config::Config, options::system, roster::concerning, server::Server};
pub(crate) use config::AcmeConfig;
use order::{Failed, Orderer};
use plenary_access::{
    ACME_LEVEL, Acme, AcmeAct, AcmeCertificate, AcmeChallenge, AcmeNews, AcmePlan, AcmeTrouble, AcmeView,
    Change, Command, acme_retry_at,
};
use plenary_cluster::{Problem, Severity};
use plenary_identity::{WebCertificate, WebTls};
use plenary_rest_api::backend::{ReadError, WriteError};
use plenary_store::{Changes, queries};
use plenary_telemetry::Metrics;
use sha2::{Digest as _, Sha256};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::{
    sync::broadcast,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

/// What account keys and certificate keys are sealed for.
const ACCOUNT: &str = "acme account";
const KEY: &str = "acme certificate key";

/// It is looked so often whether something is to be done, and whether something is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The whole of an order.
const ORDER_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Nodes that do not say within this that they answer are not waited for: they may be about to be lost.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const ANSWERS_AGAIN: Duration = Duration::from_millis(50);
/// A node that was just started knows after this which others are there.
const ACQUAINTED: Duration = Duration::from_secs(15);

/// What this node says of itself to the others about the certificate.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// What its configuration wants; none: nothing.
    plan: OnceLock<String>,
    /// Which challenges it answers.
    answers: Mutex<Vec<u8>>,
    /// Orders that failed in a row.
    failures: AtomicU64,
}

impl Desk {
    /// What this node wants, for other nodes to compare; empty: nothing.
    pub(crate) fn plan(&self) -> String {
        self.plan.get().cloned().unwrap_or_default()
    }

    pub(crate) fn answers(&self) -> Vec<u8> {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// By it nodes compare what they want.
fn mark_of_plan(plan: &AcmePlan) -> String {
    let mut hash = Sha256::new();
    for part in std::iter::once(&plan.directory).chain(&plan.names) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// By it nodes compare what they answer, whatever the order; empty: nothing.
fn mark_of_answers(challenges: &[AcmeChallenge]) -> Vec<u8> {
    if challenges.is_empty() {
        return Vec::new();
    }
    let mut digests: Vec<&[u8; 32]> = challenges.iter().map(|one| &one.digest).collect();
    digests.sort();
    let mut hash = Sha256::new();
    digests.into_iter().for_each(|digest| hash.update(digest));
    hash.finalize().to_vec()
}

/// Answers, shows, and orders where this node leads; until the tasks are dropped.
pub(crate) fn start(
    tasks: &mut JoinSet<()>,
    server: &Arc<Server>,
    config: &Config,
    web: Option<&WebTls>,
    changes: broadcast::Receiver<Changes>,
) {
    let wanted = config.web.acme.as_ref();
    if let Some(plan) = wanted.map(|acme| acme.plan(&server.facts.server)) {
        server.acme.plan.get_or_init(|| mark_of_plan(&plan));
    }
    if let Some(web) = web {
        tasks.spawn(follow(server.clone(), web.clone(), changes));
    }
    tasks.spawn(lead(server.clone(), config.web.acme.clone()));
}

/// What is measured of the certificate that browsers are shown.
pub(crate) fn register(metrics: &Metrics, server: &Arc<Server>, web: Option<&WebTls>) {
    let Some(web) = web.cloned() else { return };
    let server = Arc::downgrade(server);
    metrics.figures(move |figures| {
        if let Ok(since) = web
            .until()
            .map(|until| until.duration_since(SystemTime::UNIX_EPOCH))
        {
            figures.gauge(
                "web_certificate_expiry_timestamp_seconds",
                "When the certificate ends that is shown for the server's name, in seconds since 1970",
                since.unwrap_or_default().as_secs_f64(),
            )?;
        }
        let failures = server.upgrade();
        let failures = failures.map_or(0, |server| server.acme.failures.load(Ordering::Relaxed));
        figures.gauge(
            "acme_orders_failed_in_a_row",
            "Orders of a certificate that failed since one did not",
            failures as f64,
        )
    });
}

/// What this node has taken over.
#[derive(Default)]
struct Taken {
    challenges: Vec<AcmeChallenge>,
    certificate: Option<AcmeCertificate>,
}

async fn follow(server: Arc<Server>, web: WebTls, mut changes: broadcast::Receiver<Changes>) {
    let mut taken = Taken::default();
    loop {
        match server.query(queries::acme).await {
            Ok(acme) => take_over(&server, &web, acme, &mut taken),
            Err(error) => tracing::debug!(%error, "what is known of the certificate cannot be read"),
        }
        tokio::select! {
            closed = concerning(&mut changes) => if closed { return },
            // Challenges and certificates end by themselves.
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

fn take_over(server: &Server, web: &WebTls, acme: Acme, taken: &mut Taken) {
    let now = server.now_ms();
    let answered: Vec<AcmeChallenge> = acme.answered(now).cloned().collect();
    if answered != taken.challenges {
        let all = answered.iter().map(|one| (one.name.as_str(), &one.digest));
        match web.answer_challenges(all) {
            Ok(()) => {
                let mark = mark_of_answers(&answered);
                *server.acme.answers.lock().unwrap_or_else(PoisonError::into_inner) = mark;
                taken.challenges = answered;
            }
            Err(error) => tracing::error!(%error, "an authority that looks for this server gets no answer"),
        }
    }
    let failures = acme.trouble.as_ref().map_or(0, |trouble| trouble.failures);
    server.acme.failures.store(failures.into(), Ordering::Relaxed);
    let certificate = acme.certificate.filter(|one| now < one.until);
    if certificate == taken.certificate {
        return;
    }
    let read = certificate.as_ref().map(|one| open(server, one)).transpose();
    match read {
        Ok(read) => {
            let until = read.as_ref().map(|read| read.until);
            if web.show(read) {
                tracing::info!(?until, "browsers are shown another certificate");
            }
        }
        Err(why) => {
            web.show(None);
            tracing::warn!(%why, "the certificate by ACME cannot be used here; browsers are shown the server's own");
        }
    }
    taken.certificate = certificate;
}

fn open(server: &Server, one: &AcmeCertificate) -> Result<WebCertificate, String> {
    let key = server.identity.unseal(KEY, &one.key.0);
    let key = key.ok_or("its key was sealed by other issuers; it is ordered anew")?;
    WebCertificate::read(&one.chain, &key).map_err(|error| plenary_identity::explain(&error))
}

async fn lead(server: Arc<Server>, config: Option<AcmeConfig>) {
    let plan = config.as_ref().map(|config| config.plan(&server.facts.server));
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if !server.leads() || server.replica.status().level < ACME_LEVEL {
            continue;
        }
        let Ok(acme) = server.query(queries::acme).await else {
            continue;
        };
        let readable = |one: &AcmeCertificate| server.identity.unseal(KEY, &one.key.0).is_some();
        let act = acme.act(AcmeView {
            now: server.now_ms(),
            plan: plan.as_ref(),
            readable: acme.certificate.as_ref().is_none_or(readable),
            agreed: agreed(&server).await,
            jitter: jitter(&server),
        });
        match (act, &config, &plan) {
            (AcmeAct::Order, Some(config), Some(plan)) => {
                tokio::select! {
                    () = order(&server, config, plan, &acme) => {}
                    () = until_another_leads(&server) => {
                        tracing::info!("another node leads: it orders the certificate");
                    }
                }
            }
            (AcmeAct::Forget, ..) => {
                if let Err(error) = propose(&server, AcmeNews::Forget).await {
                    tracing::debug!(%error, "the certificate by ACME is not forgotten yet");
                }
            }
            _ => {}
        }
    }
}

async fn order(server: &Arc<Server>, config: &AcmeConfig, plan: &AcmePlan, acme: &Acme) {
    tracing::info!(directory = %plan.directory, names = ?plan.names, "a certificate is ordered");
    let made = match web::Web::new(config) {
        Ok(web) => {
            let orderer = Orderer {
                server,
                config,
                plan,
                web,
            };
            let ordered = timeout(ORDER_WITHIN, orderer.order(acme)).await;
            ordered.unwrap_or_else(|_| Err(Failed::new("timeout", "the authority takes too long")))
        }
        Err(error) => Err(Failed::new("configuration", format!("{error:#}"))),
    };
    let news = match made {
        Ok(certificate) => AcmeNews::Certificate(certificate),
        Err(failed) => {
            tracing::warn!(code = %failed.code, detail = %failed.detail, "no certificate was issued");
            AcmeNews::Trouble(trouble(server, plan, acme, failed))
        }
    };
    if let Err(error) = propose(server, news).await {
        tracing::warn!(%error, "what became of the order cannot be kept");
        // Without a note of it the next look would order again at once.
        sleep(Duration::from_secs(60)).await;
    }
}

fn trouble(server: &Server, plan: &AcmePlan, acme: &Acme, failed: Failed) -> AcmeTrouble {
    let before = acme.trouble.as_ref().filter(|trouble| trouble.plan == *plan);
    let failures = before.map_or(0, |trouble| trouble.failures).saturating_add(1);
    let at = server.now_ms();
    AcmeTrouble {
        plan: plan.clone(),
        code: failed.code,
        detail: failed.detail,
        failures,
        at,
        retry_at: acme_retry_at(at, failures, failed.asked_ms, jitter(server)),
    }
}

/// 0 to 999, the same as long as the server is.
fn jitter(server: &Server) -> u32 {
    let hash = Sha256::digest(server.facts.server.as_str().as_bytes());
    hash.iter()
        .take(4)
        .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte))
        % 1_000
}

/// Whether all other nodes that are up want the same as this one.
async fn agreed(server: &Server) -> bool {
    let Ok(rows) = server.node_rows().await else {
        return false;
    };
    rows.iter()
        .filter(|row| row.id != server.me())
        .all(|row| match server.peers.heard(row.id) {
            Some(heard) if server.peers.is_up(row.id) => heard.vitals.acme == server.acme.plan(),
            _ => server.started.elapsed() > ACQUAINTED,
        })
}

async fn until_another_leads(server: &Server) {
    while server.leads() {
        sleep(LOOK_EVERY / 4).await;
    }
}

/// Waits until all nodes that are up answer what this one answers: any of them may be looked at.
async fn until_all_answer(server: &Server) {
    let deadline = Instant::now() + ANSWERS_WITHIN;
    while Instant::now() < deadline {
        let own = server.acme.answers();
        let Ok(rows) = server.node_rows().await else {
            return;
        };
        let mut others = rows.iter().filter(|row| row.id != server.me());
        let same = others.all(|row| {
            let heard = server.peers.heard(row.id);
            !server.peers.is_up(row.id) || heard.is_some_and(|heard| heard.acme_answers == own)
        });
        if same && !own.is_empty() {
            return;
        }
        sleep(ANSWERS_AGAIN).await;
    }
    tracing::warn!("not all nodes say that they answer the authority; it is asked to look even so");
}

async fn propose(server: &Server, news: AcmeNews) -> Result<(), WriteError> {
    let command = Command {
        by: system(),
        idempotency: None,
        change: Change::Acme(news),
    };
    server.propose_command(&command).await.map(drop)
}

impl Server {
    /// What needs a person about the certificate.
    pub(crate) async fn acme_problems(&self) -> Result<Vec<Problem>, ReadError> {
        let acme = self.query(queries::acme).await?;
        let wanted = |trouble: &&AcmeTrouble| mark_of_plan(&trouble.plan) == self.acme.plan();
        let Some(trouble) = acme.trouble.as_ref().filter(wanted) else {
            return Ok(Vec::new());
        };
        Ok(vec![Problem {
            code: "acme-failed".into(),
            severity: match acme.is_pressing(self.now_ms()) {
                true => Severity::Critical,
                false => Severity::Warning,
            },
            object: trouble.detail.clone(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_model::Timestamp;

    #[test]
    fn nodes_that_want_the_same_have_the_same_mark_and_others_another() {
        let plan = |directory: &str, names: &[&str]| AcmePlan {
            directory: directory.into(),
            names: names.iter().map(ToString::to_string).collect(),
        };
        let one = mark_of_plan(&plan("https://a", &["b", "c"]));
        assert_eq!(one, mark_of_plan(&plan("https://a", &["c", "b"])));
        for other in [plan("https://a", &["bc"]), plan("https://ab", &["c"])] {
            assert_ne!(one, mark_of_plan(&other));
        }
    }

    #[test]
    fn what_is_answered_is_compared_whatever_the_order() {
        let challenge = |digest: u8| AcmeChallenge {
            name: "a".into(),
            digest: [digest; 32],
            until: Timestamp(1),
        };
        let both = mark_of_answers(&[challenge(1), challenge(2)]);
        assert_eq!(both, mark_of_answers(&[challenge(2), challenge(1)]));
        assert_ne!(both, mark_of_answers(&[challenge(1)]));
        assert!(mark_of_answers(&[]).is_empty());
    }
}
