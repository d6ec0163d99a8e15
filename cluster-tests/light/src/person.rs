//! A light participant: what it is told to do, and what it has seen.

use crate::{media::Tag, session::Session, watch::Watch};
use plenary_signalling::meeting::{Participant, ParticipantId};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::{sync::oneshot, task::JoinHandle};

/// Who meets where, and how.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// URLs of all nodes (`http://…`), and the number of the one to begin with.
    pub nodes: Vec<String>,
    pub at: usize,
    /// Of a sign-in, or a guest's.
    pub token: String,
    /// The CID.
    pub room: String,
    /// Below 128; names this participant in its packets.
    pub tag: Tag,
    /// Own address to send media from.
    pub address: IpAddr,
    /// The only addresses to which media is sent, whatever the node offers; any, if none is named.
    pub through: Vec<SocketAddr>,
    /// How many pictures can be shown at once.
    pub pictures: usize,
    /// How loud the voice is, in -dBov: 0 is the loudest, 127 silence.
    pub level: u8,
}

/// What a participant knows of the meeting.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub me: Option<ParticipantId>,
    /// The node that it is at.
    pub at: usize,
    /// Itself too.
    pub roster: BTreeMap<ParticipantId, Participant>,
    /// Both connections are up.
    pub connected: bool,
    pub moves: Vec<Move>,
    /// What was refused, and what failed, in words.
    pub complaints: Vec<String>,
}

/// From a lost node to another one.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    pub from: usize,
    pub to: usize,
    /// It was noticed that the node is lost.
    pub noticed: Instant,
    /// Another node took the participant in.
    pub joined: Option<Instant>,
    /// Both connections are up (ICE, DTLS).
    pub connected: Option<Instant>,
    /// The first picture of anybody was shown.
    pub first_picture: Option<Instant>,
}

impl Move {
    pub(crate) fn new(from: usize, to: usize, noticed: Instant) -> Self {
        Self {
            from,
            to,
            noticed,
            joined: None,
            connected: None,
            first_picture: None,
        }
    }
}

/// A participant who meets until it leaves or is dropped.
pub struct Person {
    seen: Arc<Mutex<Seen>>,
    watch: Arc<Mutex<Watch>>,
    leave: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Person {
    /// Comes in; returns at once.
    #[must_use]
    pub fn enter(ticket: Ticket) -> Self {
        let seen = Arc::new(Mutex::new(Seen {
            at: ticket.at,
            ..Seen::default()
        }));
        let watch = Arc::default();
        let (leave, left) = oneshot::channel();
        let session = Session::new(ticket, Arc::clone(&seen), Arc::clone(&watch));
        Self {
            seen,
            watch,
            leave: Some(leave),
            task: tokio::spawn(session.run(left)),
        }
    }

    #[must_use]
    pub fn seen(&self) -> Seen {
        locked(&self.seen).clone()
    }

    /// What came so far.
    #[must_use]
    pub fn watch(&self) -> Watch {
        locked(&self.watch).clone()
    }

    /// Measures gaps from now on.
    pub fn forget_gaps(&self) {
        locked(&self.watch).forget_gaps();
    }

    /// Leaves the meeting.
    pub async fn leave(mut self) {
        if let Some(leave) = self.leave.take() {
            leave.send(()).ok();
        }
        (&mut self.task).await.ok();
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
