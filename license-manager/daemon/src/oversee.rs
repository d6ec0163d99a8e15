//! What administrators of servers that look after the manager see, and do (ENT-02, LIC-14).

use crate::running::{NotDone, Running};
use plenary_contracts::leases::v1::{
    Borrower, OverseeRequest, Overview, RecallFrom, Replica, Sample, oversee_request::Act,
    oversee_response::What,
};
use plenary_licences::{
    Recall, Seats,
    lessor::{self, Standing},
    manager::{Command, Manager},
};
use plenary_license_manager_client::{reading, wire};
use plenary_links::clock_ms;
use plenary_model::ServerName;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::PoisonError,
    time::{Duration, Instant},
};
use tonic::Status;

const SAMPLE_EVERY: Duration = Duration::from_secs(30);
/// Of a day.
const SAMPLES: usize = 24 * 60 * 2;
/// Longest name of an administrator.
const NAME: usize = 256;

/// How the pool was used, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History {
    taken: Option<Instant>,
    samples: VecDeque<Sample>,
}

impl History {
    fn add(&mut self, sample: Sample) {
        self.samples.push_back(sample);
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }
}

impl Running {
    /// Notes how the pool is used, if it is time.
    pub(crate) fn take_sample(&self) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if history.taken.is_some_and(|taken| taken.elapsed() < SAMPLE_EVERY) {
            return;
        }
        let sample = self.app.look(|manager| Sample {
            at_ms: clock_ms(),
            capacity: Some(wire::seats_to(manager.lessor.capacity())),
            leased: Some(wire::seats_to(manager.lessor.leased())),
            used: Some(wire::seats_to(used(manager))),
        });
        if let Some(sample) = sample {
            history.taken = Some(Instant::now());
            history.add(sample);
        }
    }

    /// Does what an administrator of `server` wants, and tells how it is then.
    pub(crate) async fn oversee(&self, server: &ServerName, request: OverseeRequest) -> Result<What, Status> {
        if request.by.len() > NAME || request.by.chars().any(char::is_control) {
            return Err(Status::invalid_argument(
                "the administrator has no name that can be written down",
            ));
        }
        // Only the leader talks with servers, and knows when it heard of them.
        if !self.leads() {
            return Ok(What::Elsewhere(self.leader_address()));
        }
        let by = format!("{}@{server}", request.by);
        match request.act {
            None => {}
            Some(Act::Recall(recall)) => self.recall_from(&by, recall)?,
            Some(Act::DeclareDead(name)) => {
                let name = parse(&name)?;
                let dead = Command::Lend(lessor::Command::DeclareDead { server: name });
                self.command(Some(by), dead).await.map_err(not_done)?;
                self.wake.notify_one();
            }
        }
        // What was acknowledged anywhere before is seen.
        let fresh = self.replica.read_index().await;
        fresh.map_err(|error| Status::unavailable(error.to_string()))?;
        let overview = self.overview();
        overview
            .map(What::Overview)
            .ok_or_else(|| Status::unavailable("this replica has no state yet; try again in a moment"))
    }

    #[allow(clippy::result_large_err)] // The error type is tonic's.
    fn recall_from(&self, by: &str, recall: RecallFrom) -> Result<(), Status> {
        let server = parse(&recall.server)?;
        let epoch = self.app.look(|manager| {
            let serving = manager.lessor.standing() == Standing::Serving;
            serving
                .then(|| manager.lessor.servers().get(&server)?.current())
                .flatten()
        });
        let epoch = epoch
            .flatten()
            .ok_or_else(|| Status::failed_precondition(format!("{server} holds no lease")))?;
        let seats = wire::seats_from(recall.seats);
        tracing::info!(%by, %server, %seats, "an administrator asks for seats back");
        match self.recall(&server, Recall { epoch, seats }) {
            true => Ok(()),
            false => Err(Status::failed_precondition(format!(
                "{server} is not connected at the moment"
            ))),
        }
    }

    fn overview(&self) -> Option<Overview> {
        let heard = self.heard_ms();
        let raft = self.replica.status();
        let development = self
            .files
            .borrow()
            .as_ref()
            .is_some_and(|files| files.pool.is_for_development);
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        self.app.look_with_timers(|manager, timers| {
            let lessor = &manager.lessor;
            let replicas = manager.office.members.iter().map(|(id, member)| Replica {
                name: member.name.to_string(),
                address: member.address.clone(),
                role: match raft.members.get(&id.0) {
                    _ if raft.leader == Some(id.0) => "leader",
                    Some(known) if known.voter => "voter",
                    Some(_) => "learner",
                    None => "joining",
                }
                .to_owned(),
            });
            let left = |name: &ServerName| timers.left_ms(lessor, name, reading());
            Overview {
                manager: self.facts.manager.to_string(),
                pool: wire::id_to(lessor.pool().0),
                standing: match lessor.standing() {
                    Standing::Serving => "serving",
                    Standing::Behind => "behind",
                    Standing::Recovering => "recovering",
                }
                .to_owned(),
                capacity: Some(wire::seats_to(lessor.capacity())),
                leased: Some(wire::seats_to(lessor.leased())),
                ttl_ms: lessor.ttl_ms(),
                development,
                replicas: replicas.collect(),
                servers: borrowers(manager, &heard, left),
                history: history.samples.iter().copied().collect(),
            }
        })
    }
}

fn used(manager: &Manager) -> Seats {
    let leases = manager.lessor.servers().values();
    leases
        .flat_map(|server| server.leases.values())
        .map(|lease| lease.used)
        .sum()
}

fn borrowers(
    manager: &Manager,
    heard: &BTreeMap<ServerName, u64>,
    left: impl Fn(&ServerName) -> Option<u64>,
) -> Vec<Borrower> {
    let lessor = &manager.lessor;
    let mut names: Vec<&ServerName> = manager
        .office
        .servers
        .iter()
        .chain(lessor.servers().keys())
        .collect();
    names.sort();
    names.dedup();
    let borrower = |name: &&ServerName| {
        let server = lessor.servers().get(*name);
        let lease = server.and_then(|server| server.leases.get(&server.current()?));
        let seats = |seats: Option<Seats>| Some(wire::seats_to(seats.unwrap_or_default()));
        Borrower {
            server: name.to_string(),
            leased: seats(server.map(lessor::Server::leased)),
            used: seats(lease.map(|lease| lease.used)),
            wanted: seats(lease.map(|lease| lease.wanted)),
            guaranteed: seats(server.map(|server| server.limits.guaranteed)),
            most: server.and_then(|server| server.limits.most).map(wire::seats_to),
            left_ms: left(name),
            silent_ms: heard.get(*name).map(|at| clock_ms().saturating_sub(*at)),
            expected: manager.office.servers.contains(*name),
            covered: lessor.covers(name),
        }
    };
    names.iter().map(borrower).collect()
}

#[allow(clippy::result_large_err)] // The error type is tonic's.
fn parse(name: &str) -> Result<ServerName, Status> {
    name.parse()
        .map_err(|error: plenary_model::ParseError| Status::invalid_argument(error.to_string()))
}

fn not_done(error: NotDone) -> Status {
    match error {
        NotDone::Denied(denial) => Status::failed_precondition(denial.to_string()),
        other => Status::unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_history_is_kept() {
        let mut history = History::default();
        for at_ms in 0..5_000 {
            history.add(Sample {
                at_ms,
                ..Sample::default()
            });
        }
        assert_eq!(history.samples.len(), SAMPLES);
        assert_eq!(history.samples.back().map(|sample| sample.at_ms), Some(4_999));
    }
}
