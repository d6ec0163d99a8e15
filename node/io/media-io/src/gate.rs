//! What is not a shard's to do where there are several of them: taking connections in, and sorting what other nodes send.
//! It has a thread of its own, so that no shard waits for another one's, and none ends with another one.

use crate::{cascade::Router, tcp::Hall};
use std::{convert::Infallible, io};
use tokio::sync::mpsc;

#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) hall: Option<Hall>,
    pub(crate) router: Option<Router>,
}

impl Gate {
    /// Starts the thread if there is something to do. It ends when nobody holds the other end of `shards` any more.
    pub(crate) fn start(self, mut shards: mpsc::Receiver<Infallible>) -> io::Result<()> {
        let Self { hall, router } = self;
        if hall.is_none() && router.is_none() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new().name("media-gate".into());
        thread.spawn(move || {
            runtime.block_on(async move {
                if let Some(hall) = hall {
                    tokio::spawn(async {
                        if let Err(error) = hall.run().await {
                            tracing::error!(%error, "no media connections are taken");
                        }
                    });
                }
                if let Some(router) = router {
                    tokio::spawn(router.run());
                }
                shards.recv().await;
            });
        })?;
        Ok(())
    }
}
