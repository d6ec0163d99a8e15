//! Who stays where two servers meet (FED-03): in calls of two, and in conferences, as long as the terms allow that. Both servers
//! look after it, each by its own terms: of partners' people here those who came by a call, which may have become a conference
//! (for all others `Home::parted` says it), and its own people at partners'.

use super::unreadable;
use crate::server::Server;
use plenary_access::policy_for;
use plenary_federation_io::{Home as _, Hosted};
use plenary_model::{Cid, ServerName};
use plenary_rest_api::backend::ReadError;
use plenary_signalling::meeting::Why;
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{
    Notify,
    broadcast::{self, error::RecvError},
};

/// Where it cannot be read whether they may stay, it is tried again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Has somebody leave at once, and hear why.
type Part = Box<dyn FnOnce() + Send>;

/// Those of partners' who are at this node by a call.
#[derive(Default)]
pub(crate) struct Callers {
    here: Mutex<Vec<Caller>>,
    came: Notify,
}

#[derive(Clone)]
struct Caller {
    server: ServerName,
    /// Of the call, and of the conference that it may have become.
    cid: Cid,
    /// Goes with their connection.
    part: Weak<Mutex<Option<Part>>>,
}

impl Callers {
    /// Notes somebody who has come.
    pub(super) fn note(&self, server: ServerName, cid: Cid, hosted: Hosted) -> Hosted {
        let part = Arc::new(Mutex::new(Some(hosted.part)));
        let caller = Caller {
            server,
            cid,
            part: Arc::downgrade(&part),
        };
        self.here
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(caller);
        self.came.notify_one();
        let part = Box::new(move || leave(&part));
        Hosted { part, ..hosted }
    }

    fn here(&self) -> Vec<Caller> {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.retain(|caller| caller.part.strong_count() > 0);
        here.clone()
    }
}

fn leave(part: &Mutex<Option<Part>>) {
    let part = part.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(part) = part {
        part();
    }
}

/// Has those leave who may not stay any more, until the task is dropped.
pub(super) async fn watch_over(server: Arc<Server>) {
    let mut changes = server.notifications.subscribe();
    loop {
        call_home(&server).await;
        let is_known = part_with_callers(&server).await.inspect_err(unreadable);
        let is_known = is_known.unwrap_or(false);
        tokio::select! {
            goes_on = may_change(&mut changes) => if !goes_on { return },
            () = server.callers.came.notified() => {}
            () = tokio::time::sleep(READ_AGAIN), if !is_known => {}
        }
    }
}

/// Has people of this server leave what they may not be in any more at partners'.
async fn call_home(server: &Server) {
    let Some(meetings) = server.meetings.get() else {
        return;
    };
    for (partner, is_call) in meetings.abroad_meetings() {
        let standing = server.standing(&partner).await;
        let terms = standing.as_ref().map(|standing| policy_for(standing, &partner));
        // Where it cannot be read, what was found last holds.
        if terms.is_some_and(|terms| !terms.is_ok_and(|terms| terms.lets_meet(is_call))) {
            tracing::info!(%partner, is_call, "people leave what is not allowed with a partner any more");
            meetings.end_meetings(&partner, is_call, Why::NotAllowed);
        }
    }
}

/// Has people of partners leave what their call became. Gives whether all could be read.
async fn part_with_callers(server: &Server) -> Result<bool, ReadError> {
    let mut is_known = true;
    for Caller {
        server: from,
        cid,
        part,
    } in server.callers.here()
    {
        let Some(standing) = server.standing(&from).await else {
            is_known = false;
            continue;
        };
        let found = server.query(move |db| queries::conference(db, &cid)).await?;
        // Without a conference they are gone anyway.
        let Some(conference) = found else { continue };
        let terms = policy_for(&standing, &from);
        if !terms.is_ok_and(|terms| terms.lets_meet(conference.call))
            && let Some(part) = part.upgrade()
        {
            leave(&part);
        }
    }
    Ok(is_known)
}

/// Waits until they may have to leave; `false` if that will not be any more.
async fn may_change(changes: &mut broadcast::Receiver<Notification>) -> bool {
    loop {
        match changes.recv().await {
            Ok(Notification::Changed {
                topic: Topic::Settings | Topic::Licensing | Topic::Conferences,
                ..
            })
            | Err(RecvError::Lagged(_)) => return true,
            Ok(_) => {}
            // The node ends, and with it everything.
            Err(RecvError::Closed) => return false,
        }
    }
}
