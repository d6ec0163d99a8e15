//! Why a member ends.

use crate::Kind;
use anyhow::bail;
use plenary_program::{UnsafeDisk, UsageError, signals::Until};
use plenary_replication::{Application, Failure, Replica};
use tokio::sync::oneshot;

/// Why a member that runs ends.
#[derive(Debug)]
pub enum End {
    /// A signal, or whoever started it.
    Asked,
    /// Its replica cannot go on.
    Failed(Failure),
    /// It is no member any more.
    Removed,
}

impl End {
    /// Waits for the end; `removed` is told when the group removed this member.
    pub async fn of<A: Application>(
        replica: &Replica<A>,
        until: Until,
        removed: oneshot::Receiver<()>,
    ) -> Self {
        let mut failure = replica.failure();
        tokio::select! {
            () = until.asked_to_stop() => Self::Asked,
            failed = failure.wait_for(Option::is_some) => match failed.ok().and_then(|failed| failed.clone()) {
                Some(failure) => Self::Failed(failure),
                None => Self::Asked,
            },
            told = removed => if told.is_ok() { Self::Removed } else { Self::Asked },
        }
    }

    /// What the program ends with; an error is logged too.
    ///
    /// # Errors
    /// [`UnsafeDisk`] when the log could not be kept, [`UsageError`] when the member was removed, else the failure.
    pub fn outcome(self, kind: &Kind) -> anyhow::Result<()> {
        let Kind { member, group, .. } = kind;
        match self {
            Self::Asked => Ok(()),
            Self::Failed(failure) => {
                tracing::error!(%failure, "the {member} ends");
                match failure {
                    Failure::Log { .. } => Err(UnsafeDisk(failure.to_string()).into()),
                    _ => bail!("{failure}"),
                }
            }
            Self::Removed => {
                let text = format!(
                    "this {member} was removed from the {group}; empty its data folder to let it join again"
                );
                tracing::error!("{text}");
                Err(UsageError::new(text).into())
            }
        }
    }
}
