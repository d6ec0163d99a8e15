//! Administrators of this machine: a Unix socket in the data folder, for root and the user that the instance runs as.
//!
//! How they ask and are answered is the same for all members (`plenary_member::admin`); here is what they may wish for.

mod answer;
mod ask;

pub(crate) use ask::{Add, Events, Remove, Servers, Status};

use crate::{data, running::Running};
use plenary_member::admin::{self, Desk, Said};
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::UnixListener;

/// What an administrator wants.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Status,
    Servers,
    Add { key: String },
    Remove { server: ServerName },
    Events { before: Option<String>, most: u32 },
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
