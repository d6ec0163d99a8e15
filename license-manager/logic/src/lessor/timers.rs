use super::state::{Command, Lessor, Outcome, Standing};
use crate::{
    Epoch, Order,
    clock::{self, Reading, Span},
    mutant::{self, Mutant},
};
use plenary_model::ServerName;
use std::collections::BTreeMap;

/// When leases run out by the clock of one replica. Every replica keeps one, so that a new leader need not begin all
/// times anew: a lease lasts from when *this* replica applied its last message, which is never before it was sent.
/// A replica that starts has nothing but its start to count from.
///
/// Only the boot clock counts: a wall clock that is set a year ahead must not end anybody's lease.
#[derive(Debug, Clone, Default)]
pub struct Timers {
    leases: BTreeMap<(ServerName, Epoch), (Order, Reading)>,
    /// Since when servers tell what they hold, with the branch.
    recovery: Option<(u64, Reading)>,
}

impl Timers {
    /// A replica starts with this state: everything counts from now.
    pub fn new(lessor: &Lessor, now: Reading) -> Self {
        let mut timers = Self::default();
        timers.restart(lessor, now);
        timers
    }

    fn restart(&mut self, lessor: &Lessor, now: Reading) {
        self.leases.clear();
        for (name, server) in &lessor.servers {
            for (epoch, lease) in &server.leases {
                self.leases.insert((name.clone(), *epoch), (lease.order, now));
            }
        }
    }

    /// To be told of each command that this replica applied, with its outcome, in order.
    pub fn applied(&mut self, lessor: &Lessor, command: &Command, outcome: &Outcome, now: Reading) {
        if matches!(command, Command::Recover { .. }) && lessor.standing == Standing::Recovering {
            self.recovery = Some((lessor.position.branch, now));
            self.restart(lessor, now);
        }
        if !outcome.events.is_empty() {
            self.prune(lessor);
        }
        if let Some((name, epoch)) = &outcome.touched {
            let lease = lessor
                .servers
                .get(name)
                .and_then(|server| server.leases.get(epoch));
            if let Some(lease) = lease {
                self.leases.insert((name.clone(), *epoch), (lease.order, now));
            }
        }
    }

    /// Leases that ended are of no interest.
    fn prune(&mut self, lessor: &Lessor) {
        self.leases.retain(|(name, epoch), _| {
            let server = lessor.servers.get(name);
            server.is_some_and(|server| server.leases.contains_key(epoch))
        });
    }

    /// Milliseconds until a server has no lease any more if it stays silent; `None` if it has none.
    pub fn left_ms(&self, lessor: &Lessor, server: &ServerName, now: Reading) -> Option<u64> {
        let leases = &lessor.servers.get(server)?.leases;
        let left = leases.iter().filter_map(|(epoch, lease)| {
            let (_, since) = self.leases.get(&(server.clone(), *epoch))?;
            let gone = now.boot_ms.saturating_sub(since.boot_ms);
            Some(clock::lessor_ms(lease.ttl_ms).saturating_sub(gone))
        });
        left.max()
    }

    /// What the leader has to propose now. It may be proposed again and by several replicas: the log decides.
    pub fn due(&mut self, lessor: &Lessor, now: Reading) -> Vec<Command> {
        if lessor.standing == Standing::Recovering {
            let branch = lessor.position.branch;
            let since = match self.recovery {
                Some((known, since)) if known == branch => since,
                // This replica started amid the recovery.
                _ => now,
            };
            self.recovery = Some((branch, since));
            let over = is_over(since, lessor.longest_ttl_ms(), now);
            return over
                .then_some(Command::Recovered { branch })
                .into_iter()
                .collect();
        }
        let ran_out = self.leases.iter().filter(|((name, epoch), (_, since))| {
            let lease = lessor
                .servers
                .get(name)
                .and_then(|server| server.leases.get(epoch));
            lease.is_some_and(|lease| is_over(*since, lease.ttl_ms, now))
        });
        ran_out
            .map(|((server, epoch), (order, _))| Command::Expire {
                server: server.clone(),
                epoch: *epoch,
                order: *order,
            })
            .collect()
    }
}

impl Lessor {
    /// Of all leases that somebody may still hold: a TTL that was shortened since counts until it was renewed.
    fn longest_ttl_ms(&self) -> u64 {
        let leases = self.servers.values().flat_map(|server| server.leases.values());
        leases.map(|lease| lease.ttl_ms).fold(self.ttl_ms, u64::max)
    }
}

fn is_over(since: Reading, ttl_ms: u64, now: Reading) -> bool {
    let length = clock::lessor_ms(ttl_ms);
    if mutant::planted(Mutant::WallClockBelieved) {
        return Span::new(since, length).is_over(now);
    }
    // A reading of another boot cannot be here: timers are made anew when the process starts.
    now.boot_ms.saturating_sub(since.boot_ms) >= length
}
