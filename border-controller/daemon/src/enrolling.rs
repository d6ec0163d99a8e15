//! `plenary-border-controller join`: waits until a node has come and enrolled this controller.

use crate::{
    config::Config,
    data,
    options::Common,
    run::{self, Ports},
};
use anyhow::{Context as _, bail};
use clap::Args;
use plenary_border_client::{
    quic::{self, Close, JOIN},
    wire::{self, LONGEST},
};
use plenary_contracts::border::v1::{EnrolProof, EnrolRequest, Enrolment};
use plenary_identity::{Enrolled, Enrolling, JoinToken, MachineKey};
use plenary_links::clock_ms;
use plenary_program::{UsageError, signals::Until};
use quinn::{Connection, Endpoint};
use std::{net::UdpSocket, sync::Arc, time::Duration};

/// For one node that has come.
const WITHIN: Duration = Duration::from_secs(15);
/// Nodes and strangers that are listened to at once.
const AT_ONCE: usize = 16;

/// Wait for a node to enrol this controller with the token of `plenaryctl border-controller invite`, then run
///
/// Nodes dial the address that was named when the token was made, which must lead to listen.tunnel. A controller that was
/// enrolled before becomes the new one. Start it again later with `plenary-border-controller run`.
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The one-time token
    #[arg(env = "PLENARY_TOKEN", hide_env_values = true)]
    token: String,
    /// Only join; do not go on running
    #[arg(long)]
    only: bool,
    #[command(flatten)]
    until: Until,
}

impl Join {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let config = common.load()?;
        let token: JoinToken = self.token.parse().map_err(UsageError::caused)?;
        token.check_time(clock_ms()).map_err(UsageError::caused)?;
        let enrolling = Enrolling::new(token).map_err(UsageError::caused)?;
        // Bound before anything is used up: a port in use must not cost the token.
        let ports = Ports::bind(&config)?;
        config.log.start()?;
        let tunnel = ports.tunnel.try_clone()?;
        let enrolled = tokio::select! {
            enrolled = wait(&config, enrolling, tunnel) => enrolled?,
            () = self.until.asked_to_stop() => return Ok(()),
        };
        tracing::info!(me = %enrolled.me(), "enrolled");
        if self.only {
            plenary_program::say("Enrolled. Start the controller with: plenary-border-controller run");
            return Ok(());
        }
        run::serve(config, ports, self.until).await
    }
}

/// Until a node has enrolled us, or the token is too old.
async fn wait(config: &Config, enrolling: Enrolling, socket: UdpSocket) -> anyhow::Result<Enrolled> {
    let machine = data::machine_key(config)?;
    let server = quic::listening(&enrolling.server_config(), &[JOIN])?;
    let runtime = Arc::new(quinn::TokioRuntime);
    let endpoint = Endpoint::new(quinn::EndpointConfig::default(), Some(server), socket, runtime)?;
    let left_ms = enrolling.token().expires_ms.saturating_sub(clock_ms());
    let expired = tokio::time::sleep(Duration::from_millis(left_ms));
    tracing::info!(server = %enrolling.token().server, "waiting for a node to enrol this controller");
    let met = async {
        let mut talks = tokio::task::JoinSet::new();
        let enrolling = Arc::new(enrolling);
        loop {
            tokio::select! {
                Some(incoming) = endpoint.accept() => {
                    if !incoming.remote_address_validated() {
                        incoming.retry().ok();
                    } else if talks.len() >= AT_ONCE {
                        incoming.ignore();
                    } else {
                        talks.spawn(tokio::time::timeout(WITHIN, talk(enrolling.clone(), incoming)));
                    }
                }
                Some(talked) = talks.join_next() => match talked {
                    Ok(Ok(Ok(answer))) => {
                        talks.shutdown().await;
                        return (enrolling, answer);
                    }
                    Ok(Ok(Err(error))) => tracing::warn!("a node did not enrol this controller: {error:#}"),
                    _ => tracing::warn!("a node did not enrol this controller in time"),
                },
            }
        }
    };
    let (enrolling, answer) = tokio::select! {
        met = met => met,
        () = expired => bail!("no node came while the token was good; look whether nodes reach this port, then make another"),
    };
    let enrolled = keep(config, &machine, enrolling, &answer);
    Close::Stopping.close(&answer.connection);
    // What was said is on its way; then the port is free for tunnels.
    endpoint.wait_idle().await;
    enrolled
}

struct Answer {
    connection: Connection,
    binding: [u8; 32],
    enrolment: Enrolment,
}

fn keep(
    config: &Config,
    machine: &MachineKey,
    enrolling: Arc<Enrolling>,
    answer: &Answer,
) -> anyhow::Result<Enrolled> {
    let enrolling = Arc::try_unwrap(enrolling)
        .ok()
        .context("all other talks have ended")?;
    let chain = answer.enrolment.chain.iter().cloned().map(Into::into).collect();
    let (binding, proof) = (&answer.binding, &answer.enrolment.proof);
    Ok(enrolling.finish(&data::identity(config), machine, binding, proof, chain)?)
}

/// With one node: nothing is said to whoever is none.
async fn talk(enrolling: Arc<Enrolling>, incoming: quinn::Incoming) -> anyhow::Result<Answer> {
    let connection = incoming.accept()?.await.context("the handshake failed")?;
    let Some(peer) = quic::peer(&connection) else {
        Close::Stranger.close(&connection);
        bail!("it showed no certificate");
    };
    let binding = quic::binding(&connection).context("the keys of the connection cannot be used")?;
    let (mut send, mut receive) = connection.accept_bi().await?;
    let asked: EnrolRequest = wire::read(&mut receive, LONGEST).await?;
    if asked.invitation != enrolling.token().invitation {
        Close::Stranger.close(&connection);
        bail!("{} is about another token", peer.name);
    }
    let said = EnrolProof {
        proof: enrolling.proof(&binding).to_vec(),
        certificate_request: enrolling.certificate_request()?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        clock_ms: clock_ms(),
    };
    wire::write(&mut send, &said).await?;
    let enrolment: Enrolment = wire::read(&mut receive, LONGEST).await?;
    if !enrolment.refusal.is_empty() {
        bail!("{} refused it: {}", peer.name, enrolment.refusal);
    }
    Ok(Answer {
        connection,
        binding,
        enrolment,
    })
}
