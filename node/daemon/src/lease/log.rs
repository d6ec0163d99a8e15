use super::{lessee::lock, say};
use crate::{seats::propose, server::Server};
use plenary_access::Refusal as Ruled;
use plenary_licences::{
    Epoch, Refusal, Seats,
    lessee::{Applied, Change, Held, Home, Watch},
};
use plenary_license_manager_client::{Leading, Log};
use plenary_licensing::{Change as Counting, LEASE_CHANGE_IGNORED, Stage};
use plenary_model::NodeId;
use plenary_replication::Role;
use plenary_rest_api::backend::{Backend as _, WriteError};
use std::sync::Arc;

/// The server's log, as its lessee uses it.
pub(super) struct ServerLog(pub(super) Arc<Server>);

#[async_trait::async_trait]
impl Log for ServerLog {
    fn leads(&self) -> Option<Leading> {
        let status = self.0.replica.status();
        let leads = status.role == Role::Leader;
        let count = {
            let mut leaderships = lock(&self.0.lessee.leaderships);
            if leads && !leaderships.leads {
                leaderships.count += 1;
            }
            leaderships.leads = leads;
            leaderships.count
        };
        let starts = lock(&self.0.lessee.book).kept.starts;
        leads.then(|| Leading {
            term: (status.term << 32) | ((starts & 0xff_ffff) << 8) | (count & 0xff),
            members: status
                .members
                .iter()
                .filter(|(_, member)| member.voter)
                .map(|(id, _)| NodeId(*id))
                .collect(),
        })
    }

    fn state(&self) -> (Held, Seats) {
        let needs = self.0.lessee.needs.borrow();
        needs
            .as_ref()
            .map_or_else(Default::default, |needs| (needs.lease.held, needs.granted()))
    }

    fn wanted(&self) -> Seats {
        let now = self.0.now_ms();
        let needs = self.0.lessee.needs.borrow();
        needs.as_ref().map_or(Seats::NONE, |needs| needs.wanted(now))
    }

    fn statements(&self) -> Vec<(NodeId, Option<Epoch>)> {
        let status = self.0.replica.status();
        let others = status.members.keys().map(|id| NodeId(*id));
        let said = others.filter_map(|id| {
            let heard = self.0.peers.heard(id)?;
            (heard.term == status.term).then_some((id, heard.lease))
        });
        let me = lock(&self.0.lessee.book).kept.watch.lease(self.0.lessee.home);
        said.chain([(self.0.me(), me)]).collect()
    }

    fn home(&self) -> Home {
        self.0.lessee.home
    }

    fn watch(&self, f: &mut dyn FnMut(&mut Watch)) {
        self.0.lessee.with_watch(f);
    }

    async fn propose(&self, term: u64, change: Change) -> Result<Applied, String> {
        if self.leads().is_none_or(|leading| leading.term != term) {
            return Err("this node does not lead any more".into());
        }
        let applied = match propose(&self.0, Counting::Lease(change)).await {
            Ok(applied) => {
                let caught_up = self.0.wait_applied(applied.index).await;
                caught_up.map_err(|error| error.to_string())?;
                Applied::Changed
            }
            Err(WriteError::Refused(Ruled::Licensing { code, .. })) if code == LEASE_CHANGE_IGNORED => {
                Applied::Ignored
            }
            Err(error) => return Err(error.to_string()),
        };
        self.0.look_at_lease().await;
        Ok(applied)
    }

    async fn changed(&self) {
        self.0.lessee.changed.notified().await;
    }

    fn refused(&self, refusal: Option<Refusal>) {
        *lock(&self.0.lessee.refusal) = refusal;
    }

    fn leaves(&self) -> bool {
        self.0
            .lessee
            .lease()
            .is_some_and(|lease| lease.stage == Stage::Leaving)
    }

    fn left(&self) {
        let Some(lease) = self.0.lessee.lease() else {
            return;
        };
        let server = self.0.clone();
        tokio::spawn(async move {
            say(&server, Counting::Left { pool: lease.pool }).await;
        });
    }
}
