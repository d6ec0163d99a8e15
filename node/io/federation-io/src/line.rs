//! A connection to a partner for questions, as long as somebody has any.

use crate::{
    Reach, Tried, Unreached,
    door::{CERTIFICATE_CHANGED, NOT_BELIEVED},
    reach::Answered,
};
use plenary_federation::{Capability, Common, Step};
use plenary_model::ServerName;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tonic::{Code, Status, transport::Channel};

/// A connection is kept so long at least: who asks one thing often asks another. Then it ends with the last who uses it.
const KEPT: Duration = Duration::from_secs(60);

/// Characters that are shown of what another server says.
const WORDS: usize = 200;

/// A connection to each partner that is asked something.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<BTreeMap<ServerName, Slot>>>);

/// Held while it is being made, so that many who ask at once share one, or why there is none.
type Slot = Arc<tokio::sync::Mutex<Kept>>;

#[derive(Default)]
struct Kept {
    line: Weak<Line>,
    /// When it was found that it cannot be made, and why.
    failed: Option<(Instant, Unreached)>,
}

/// Whoever holds it keeps the connection.
pub(crate) struct Line {
    channel: Channel,
    /// Where it leads.
    address: Option<SocketAddr>,
    common: Common,
    made: Instant,
    /// Set once the other end does not prove any more who it is.
    doubted: watch::Receiver<bool>,
}

impl Line {
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Waits until the other end does not prove any more who it is: whatever goes over this connection ends with that.
    pub(crate) async fn doubted(&self) {
        let mut doubted = self.doubted.clone();
        if doubted.wait_for(|is_so| *is_so).await.is_err() {
            // Whoever looked at it is gone: nobody says what the other end is.
            tracing::debug!("nobody looks any more who is at the other end of a connection");
        }
    }

    fn is_doubted(&self) -> bool {
        *self.doubted.borrow()
    }

    /// # Errors
    /// When that server has said what it can, and not this.
    pub(crate) fn is_able(&self, server: &ServerName, what: Capability) -> Result<(), Unreached> {
        if self.common.has(what) {
            return Ok(());
        }
        Err(Unreached {
            // Once they have a newer version there is a new connection.
            may_change: true,
            code: None,
            words: format!("{server} cannot do that yet ({what}): its version of Plenary is older"),
            detail: format!("{server} cannot do that yet ({what}): its version of Plenary is older"),
        })
    }
}

impl Lines {
    fn slot(&self, server: &ServerName) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody holds a slot of the others, and they lead nowhere any more.
        slots.retain(|known, slot| {
            known == server
                || Arc::strong_count(slot) > 1
                || slot.try_lock().is_ok_and(|kept| kept.line.strong_count() > 0)
        });
        slots.entry(server.clone()).or_default().clone()
    }

    /// The connection is lost; the next who asks makes a new one.
    pub(crate) async fn forget(&self, server: &ServerName, lost: &Arc<Line>) {
        let slot = self.slot(server);
        let mut kept = slot.lock().await;
        if kept.line.ptr_eq(&Arc::downgrade(lost)) {
            kept.line = Weak::new();
        }
    }
}

impl Reach {
    /// Asks `server` for what it can, over the connection that is there; over a new one where that turns out to be lost.
    ///
    /// # Errors
    /// When it cannot be reached, or what it answered.
    pub(crate) async fn ask<T, F>(
        &self,
        server: &ServerName,
        what: Capability,
        ask: impl Fn(Arc<Line>) -> F,
    ) -> Result<T, Unreached>
    where
        F: Future<Output = Result<T, Status>>,
    {
        // The lists count at once, also where a connection is there.
        self.allowed(server).await.map_err(|words| {
            let words = format!("{server} cannot be reached: {words}");
            Unreached {
                may_change: false,
                code: None,
                detail: words.clone(),
                words,
            }
        })?;
        let since = Instant::now();
        let line = self.line(server).await?;
        line.is_able(server, what)?;
        let lost = match ask(line.clone()).await {
            Ok(answer) => return Ok(answer),
            // What this server showed as it was made counts no more; what it shows now may.
            Err(status) if disbelieves(&status) && line.made < since => status,
            Err(status) if spoke(&status) => return Err(unanswered(&status)),
            Err(status) => status,
        };
        tracing::debug!(%server, error = lost.message(), "a connection to a partner is lost; it is made again");
        self.lines.forget(server, &line).await;
        let line = self.line(server).await?;
        let again = ask(line.clone()).await;
        if again.as_ref().is_err_and(|status| !spoke(status)) {
            self.lines.forget(server, &line).await;
        }
        again.map_err(|status| unanswered(&status))
    }

    /// Where the connection to a partner leads, if there is one.
    pub fn whereabouts(&self, server: &ServerName) -> Option<SocketAddr> {
        let slot = self.lines.slot(server);
        // While it is being made it leads nowhere.
        let line = slot.try_lock().ok()?.line.upgrade()?;
        line.address
    }

    /// The connection to a partner; a new one where there is none.
    pub(crate) async fn line(&self, server: &ServerName) -> Result<Arc<Line>, Unreached> {
        let (slot, came) = (self.lines.slot(server), Instant::now());
        let mut kept = slot.lock().await;
        if let Some(line) = kept.line.upgrade().filter(|line| !line.is_doubted()) {
            return Ok(line);
        }
        // Who waited while it was tried does not wait for the same once more.
        if let Some((_, why)) = kept.failed.as_ref().filter(|(at, _)| *at > came) {
            return Err(why.clone());
        }
        let mut tried = Tried::default();
        let answered = self.steps(server, &mut tried).await;
        self.home.ledger().tried(server, &tried);
        let Some(Answered {
            channel,
            common,
            chain,
            ..
        }) = answered
        else {
            let why = unreached(server, tried);
            kept.failed = Some((Instant::now(), why.clone()));
            return Err(why);
        };
        let address = tried.address;
        let (tell, doubted) = watch::channel(false);
        let line = Arc::new(Line {
            channel,
            address,
            common,
            made: Instant::now(),
            doubted,
        });
        let (authorities, there) = (self.tls.authorities().clone(), server.clone());
        tokio::spawn(async move {
            tokio::select! {
                why = authorities.until_doubted(there.as_str(), &chain) => {
                    tracing::info!(server = %there, reason = %why, "a connection ends: who is at its other end is not believed any more");
                    tell.send_replace(true);
                }
                () = tell.closed() => {}
            }
        });
        *kept = Kept {
            line: Arc::downgrade(&line),
            failed: None,
        };
        let held = line.clone();
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            drop(held);
        });
        Ok(line)
    }
}

/// Why no step led to it.
fn unreached(server: &ServerName, tried: Tried) -> Unreached {
    let last = tried.trial.steps().last();
    let detail = last.map(|last| last.detail.clone()).unwrap_or_default();
    let words = match last.map(|last| last.step) {
        // What the lists say, and what that server does.
        None | Some(Step::Policy | Step::Answer) => cut(&detail),
        Some(Step::Srv | Step::Address) => "it cannot be found".into(),
        Some(Step::Connection) => "nothing answers there".into(),
        Some(Step::Certificate) => "whoever answers there does not prove to be it by a certificate".into(),
    };
    // Lists change when administrators change them; everything else may be a matter of a moment.
    let is_ours = last.is_none_or(|last| last.step == Step::Policy);
    let (may_change, code) = match tried.refused {
        Some(refused) => (refused.may_change, refused.code),
        None => (!is_ours, None),
    };
    Unreached {
        may_change,
        code,
        words: format!("{server} cannot be reached: {words}"),
        detail: format!("{server} cannot be reached: {detail}"),
    }
}

/// Words of another server, as people may be shown them.
fn cut(words: &str) -> String {
    let plain = words.chars().filter(|one| !one.is_control());
    plain.take(WORDS).collect()
}

/// What a partner's refusal means for who asked.
pub(crate) fn unanswered(status: &Status) -> Unreached {
    Unreached {
        may_change: !matches!(
            status.code(),
            Code::PermissionDenied | Code::Unauthenticated | Code::InvalidArgument | Code::Unimplemented
        ),
        code: code_of(status),
        words: format!("the other server answered: {}", cut(status.message())),
        detail: format!("the other server answered: {}", status.message()),
    }
}

fn code_of(status: &Status) -> Option<String> {
    let code = status.metadata().get("plenary-code")?;
    code.to_str().ok().map(ToOwned::to_owned)
}

/// Whether the other server does not believe who this one is.
fn disbelieves(status: &Status) -> bool {
    let code = code_of(status);
    matches!(code.as_deref(), Some(NOT_BELIEVED | CERTIFICATE_CHANGED))
}

/// Whether the other server itself has spoken, and not what lies between.
pub(crate) fn spoke(status: &Status) -> bool {
    status.metadata().contains_key("plenary-code") || status.code() == Code::Unimplemented
}
