//! Administrators of this machine: a Unix socket in the data folder, for root and the user that the replica runs as.
//!
//! How they ask and are answered is the same for all members (`plenary_member::admin`); here is what they may wish for.

mod answer;
mod ask;

pub(crate) use ask::{Backup, Events, Licence, MemberCommand, Recover, ServerCommand, Status, Ttl};

use crate::{data, running::Running};
use plenary_licences::{Seats, lessor::Limits, licence::LicenceId};
use plenary_member::admin::{self, Desk, Said};
use plenary_model::{NodeName, ServerName};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};
use tokio::net::UnixListener;

/// What an administrator wants.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Status,
    Licences,
    Install { text: String },
    RemoveLicence { id: LicenceId },
    RequestLicence { id: LicenceId },
    Servers,
    InviteServer { server: ServerName, ttl_s: u64 },
    RemoveServer { server: ServerName },
    Oversee { server: ServerName, may: bool },
    DeclareDead { server: ServerName },
    Bounds { server: ServerName, limits: Limits },
    Recall { server: ServerName, seats: Seats },
    Members,
    InviteMember { ttl_s: u64 },
    RemoveMember { name: NodeName },
    Ttl { ms: u64 },
    Recover,
    Backup { path: PathBuf },
    Events { before: Option<i64>, most: u32 },
}

/// Answers until the task is dropped.
pub(crate) async fn serve(running: Arc<Running>, listener: UnixListener) {
    admin::serve(&data::KIND, Arc::new(Answers(running)), listener).await;
}

struct Answers(Arc<Running>);

impl Desk for Answers {
    type Wish = Wish;

    async fn answer(&self, by: String, wish: Wish) -> Said {
        answer::answer(&self.0, by, wish).await
    }
}
