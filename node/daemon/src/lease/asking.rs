//! What people ask of the lease: a seat, to be connected, how it stands.

use super::lessee::{Usable, lock};
use crate::server::Server;
use plenary_access::{Actor, Refusal as Ruled};
use plenary_identity::JoinToken;
use plenary_licences::{Kind, PoolId, Refusal};
use plenary_license_manager_client::{EnrolError, Enrolled, enrol};
use plenary_licensing::{Change as Counting, Command, Needs};
use plenary_model::NodeId;
use plenary_rest_api::backend::{Applied as Committed, Backend as _, ManagerLink, WriteError};
use plenary_store::queries;
use std::{future::Future, sync::atomic::Ordering, time::Duration};
use tokio::{sync::watch, time::Instant};

/// Of lines that say, at each change, how many seats are held and used.
const LEDGER: &str = "seat_ledger";
/// How long somebody who found no seat waits for one of the manager.
const SEAT_WITHIN: Duration = Duration::from_millis(1_500);

/// The kind of seat that was not free.
fn no_seat(error: &WriteError) -> Option<Kind> {
    let WriteError::Refused(Ruled::Licensing { code, .. }) = error else {
        return None;
    };
    match code.as_str() {
        "no_pro_seat" => Some(Kind::Pro),
        "no_online_seat" => Some(Kind::Online),
        "no_guest_seat" => Some(Kind::Guest),
        _ => None,
    }
}

/// Waits for news by which a seat of a kind is free.
async fn is_free(needs: &mut watch::Receiver<Option<Needs>>, kind: Kind) {
    loop {
        if needs.changed().await.is_err() {
            // The node ends.
            return std::future::pending().await;
        }
        let known = needs.borrow_and_update();
        let Some(needs) = &*known else { return };
        if needs.lease.held.seats.of(kind) > needs.taken.of(kind) {
            return;
        }
    }
}

impl Server {
    /// Does what takes a seat, again while the License Manager may have one: the first refusal has the leader ask for it.
    pub(crate) async fn with_a_seat<T, F>(&self, mut take: impl FnMut() -> F) -> Result<T, WriteError>
    where
        F: Future<Output = Result<T, WriteError>>,
    {
        let until = Instant::now() + SEAT_WITHIN;
        let mut needs = self.lessee.needs.subscribe();
        loop {
            let last = Instant::now() >= until;
            needs.mark_unchanged();
            let error = match take().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let lent = self.lessee.lease().is_some_and(|lease| lease.is_lent());
            match no_seat(&error) {
                Some(kind) if lent && !last => {
                    // Without news it is tried a last time.
                    tokio::time::timeout_at(until, is_free(&mut needs, kind))
                        .await
                        .ok();
                }
                _ => return Err(error),
            }
        }
    }

    /// How it stands with the License Manager, for people; `None` while the server has its licences itself.
    pub(crate) async fn manager_link(&self) -> Option<ManagerLink> {
        self.look_at_lease().await;
        let needs = self.lessee.needs()?;
        let standing = self.lessee.standing().unwrap_or_default();
        let refusal = match self.leads() {
            true => *lock(&self.lessee.refusal),
            false => {
                let leader = self.replica.status().leader;
                let heard = leader.and_then(|leader| self.peers.heard(NodeId(leader)));
                let code = heard.and_then(|heard| heard.lease_refusal);
                let mut known = Refusal::ALL.into_iter();
                code.and_then(|code| known.find(|refusal| refusal.code() == code))
            }
        };
        let left_ms = needs
            .lease
            .held
            .epoch()
            .and_then(|epoch| self.lessee.left_ms(epoch));
        Some(ManagerLink {
            needs,
            replica: standing.connected,
            trouble: standing.trouble,
            refusal,
            left_ms,
        })
    }

    /// Shows a token to the License Manager that made it, and borrows there from then on.
    pub(crate) async fn connect_manager(&self, by: Actor, token: &str) -> Result<Committed, WriteError> {
        let refused = |code: &str, reason: String| {
            WriteError::Refused(Ruled::Licensing {
                code: code.to_owned(),
                reason,
            })
        };
        let token: JoinToken = token.parse().map_err(|error: plenary_identity::JoinError| {
            refused("licence_manager_token", error.to_string())
        })?;
        // What would be refused anyway must not use the token up.
        let command = |manager: &Enrolled| Command {
            by: by.clone(),
            idempotency: None,
            change: Counting::Connect {
                manager: manager.manager.clone(),
                pool: manager.pool,
                addresses: manager.addresses.clone(),
            },
        };
        let tried = Enrolled {
            manager: token.server.clone(),
            pool: PoolId(0),
            addresses: Vec::new(),
        };
        self.rehearse_licensing(command(&tried)).await?;
        let enrolled = enrol(&self.identity, &token).await.map_err(|error| {
            let code = match &error {
                EnrolError::OtherProgram => "licence_manager_token",
                EnrolError::Refused(_) => "licence_manager_refused",
                EnrolError::Unreachable(_) => "licence_manager_unreachable",
            };
            refused(code, error.to_string())
        })?;
        let applied = self.propose_licensing(command(&enrolled)).await?;
        self.look_at_lease().await;
        Ok(applied)
    }

    /// For who has to show afterwards that no seat was used twice.
    pub(super) fn note_use(&self) {
        let Some(needs) = self.lessee.needs() else { return };
        let (held, granted) = (needs.lease.held, needs.granted());
        tracing::debug!(
            target: LEDGER,
            applied = self.applied(),
            epoch = held.order.epoch.number,
            held_pro = held.seats.pro,
            used_pro = granted.pro,
            held_guest = held.seats.guest,
            used_guest = granted.guest,
            usable = self.lessee.usable() == Usable::Yes,
            "seats"
        );
    }

    /// Reads again what the server borrows and needs.
    pub(crate) async fn look_at_lease(&self) {
        match self.query(queries::needs).await {
            Ok(needs) => {
                let changed = self.lessee.needs.send_if_modified(|known| {
                    let differs = *known != needs;
                    *known = needs;
                    differs
                });
                self.lessee.read.store(true, Ordering::Release);
                if changed {
                    self.lessee.changed.notify_one();
                    self.note_use();
                }
            }
            Err(error) => tracing::warn!(%error, "the lease cannot be read; it is tried again"),
        }
    }
}
