//! The task of one run: it carries between socket, notifications and clock on one side and the rules on the other.

use crate::{
    Caller, Client, Notification, PartnerNews,
    dispatch::{Mail, News, touches_session},
    hub::Hub,
    transport::{Received, Transport},
};
use axum::extract::ws::WebSocket;
use plenary_signalling::{Attach, Close, CloseCode, Connection, Input, Output, ServerBody, Topic, Who};
use std::{collections::BTreeSet, future, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

/// Longest wait for an answer of the server behind.
const ASK: Duration = Duration::from_secs(10);
/// When a session could not be looked up, it is tried again so soon.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Somebody with a socket who has shown who it is.
pub(crate) struct Newcomer {
    pub(crate) socket: WebSocket,
    pub(crate) who: Who,
    pub(crate) token: String,
    pub(crate) caller: Caller,
    pub(crate) resume: Option<String>,
    pub(crate) last_seq: u64,
    pub(crate) nodes: Vec<String>,
}

/// What a run is told by others.
pub(crate) enum Command {
    /// Go on with this socket, or give it back.
    Attach {
        newcomer: Box<Newcomer>,
        back: oneshot::Sender<Box<Newcomer>>,
    },
    /// Make place.
    Evict,
}

enum Happened {
    Received(Received),
    Command(Command),
    Notified(News),
    Told(Box<ServerBody>),
    Recheck,
    Tick,
    Drained,
}

struct Run {
    hub: Hub,
    key: String,
    connection: Connection,
    client: Client,
    /// What the register knows of [`Connection::watched`].
    watched: BTreeSet<Topic>,
    /// Whether the client has asked for something about a meeting.
    asked: bool,
    token: String,
    caller: Caller,
    transport: Option<Transport>,
    /// Takes the place of `transport` when the rules say so.
    arriving: Option<Transport>,
    present: bool,
    /// What the register knows: whether there is a transport, and whether the user is present.
    noted: Option<(bool, bool)>,
    recheck: Instant,
}

/// Lives as long as the run.
pub(crate) async fn run(
    hub: Hub,
    key: String,
    connection: Connection,
    mut inbox: mpsc::Receiver<Command>,
    mut mail: Mail,
    first: Newcomer,
) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut run = Run {
        client: Client {
            run: hub.next_run(),
            who: connection.who().clone(),
            address: first.caller.address,
            from_outside: first.caller.from_outside,
            tell,
        },
        watched: BTreeSet::new(),
        asked: false,
        // The session may have ended after it was looked up and before this was told.
        recheck: Instant::now(),
        token: first.token,
        caller: first.caller,
        transport: None,
        arriving: Some(Transport::new(first.socket, hub.options(), hub.tasks())),
        present: false,
        noted: None,
        hub,
        key,
        connection,
    };
    run.feed(Input::Attach(Attach {
        last_seq: first.last_seq,
        nodes: first.nodes,
    }));
    while !run.connection.is_ended() {
        match run.next(&mut inbox, &mut mail, &mut told).await {
            Happened::Received(received) => run.received(received),
            Happened::Command(Command::Attach { newcomer, back }) => run.attach(newcomer, back),
            Happened::Command(Command::Evict) => run.feed(Input::Evict),
            Happened::Notified(News::Notification(notification)) => run.notified(notification).await,
            Happened::Notified(News::Missed) => {
                run.feed(Input::Missed {
                    index: run.hub.source().applied(),
                });
                run.recheck = Instant::now();
            }
            Happened::Told(body) => run.feed(Input::Tell(body)),
            Happened::Recheck => run.check().await,
            Happened::Tick => run.feed(Input::Tick),
            Happened::Drained => {
                let nodes = run.hub.others_for(&run.caller).await;
                run.feed(Input::GoAway { nodes: &nodes });
            }
        }
    }
    run.hub.forget(&run.key);
    if run.asked {
        run.hub.source().ended(run.client.run);
    }
    // Whoever asked for the run in its last moment gets a new one.
    inbox.close();
    while let Some(command) = inbox.recv().await {
        if let Command::Attach { newcomer, back } = command {
            back.send(newcomer).ok();
        }
    }
}

impl Run {
    async fn next(
        &mut self,
        inbox: &mut mpsc::Receiver<Command>,
        mail: &mut Mail,
        told: &mut mpsc::UnboundedReceiver<ServerBody>,
    ) -> Happened {
        let tick = self.connection.next_deadline().and_then(|ms| self.hub.moment(ms));
        tokio::select! {
            received = receive(&mut self.transport) => Happened::Received(received),
            Some(command) = inbox.recv() => Happened::Command(command),
            news = mail.next() => Happened::Notified(news),
            Some(body) = told.recv() => Happened::Told(Box::new(body)),
            () = sleep_until(self.recheck) => Happened::Recheck,
            () = wait_until(tick) => Happened::Tick,
            () = self.hub.drained() => Happened::Drained,
        }
    }

    fn received(&mut self, received: Received) {
        match received {
            Received::Text(text) => self.feed(Input::Text(&text)),
            Received::Binary(bytes) => self.feed(Input::Binary(bytes)),
            Received::Control(bytes) => self.feed(Input::Control(bytes)),
            Received::Oversize => self.feed(Input::Oversize),
            Received::Gone { left } => {
                if let Some(transport) = self.transport.take() {
                    transport.finish(self.hub.tasks());
                }
                self.feed(Input::Lost { left });
            }
        }
    }

    fn attach(&mut self, newcomer: Box<Newcomer>, back: oneshot::Sender<Box<Newcomer>>) {
        if !self.connection.can_resume(&newcomer.who, newcomer.last_seq) {
            // Whoever asked waits for it.
            back.send(newcomer).ok();
            return;
        }
        let Newcomer {
            socket,
            token,
            caller,
            last_seq,
            nodes,
            ..
        } = *newcomer;
        let before = (self.client.address, self.client.from_outside);
        let now = (caller.address, caller.from_outside);
        (self.client.address, self.client.from_outside) = now;
        (self.token, self.caller) = (token, caller);
        if self.asked && before != now {
            self.hub.source().moved(&self.client);
        }
        self.recheck = Instant::now() + self.hub.options().recheck;
        self.arriving = Some(Transport::new(socket, self.hub.options(), self.hub.tasks()));
        self.feed(Input::Attach(Attach { last_seq, nodes }));
    }

    async fn notified(&mut self, notification: Notification) {
        match notification {
            Notification::Changed { topic, object, index } => {
                self.feed(Input::Changed {
                    topic,
                    object: &object,
                    index,
                });
                let who = self.connection.who();
                let guest_of = who.guest_of.as_ref().map(plenary_model::Cid::as_str);
                if touches_session(who.user.as_str(), guest_of, topic, &object) {
                    self.check().await;
                }
            }
            Notification::Partner { news, .. } => match news {
                PartnerNews::Presence { user, presence } => {
                    self.feed(Input::PartnerPresence { user, presence });
                }
                PartnerNews::Profiles => {
                    let (object, index) = (
                        self.connection.who().user.to_string(),
                        self.hub.source().applied(),
                    );
                    self.feed(Input::Changed {
                        topic: Topic::Contacts,
                        object: &object,
                        index,
                    });
                }
            },
            Notification::Presence { user, presence } => {
                if !self.connection.watches(Topic::Contacts) {
                    return;
                }
                let who = self.connection.who();
                let sees =
                    async { Ok(who.admin || self.hub.source().in_address_book(&who.user, &user).await?) };
                match ask(sees).await {
                    Some(true) => self.feed(Input::Presence { user, presence }),
                    Some(false) => {}
                    // Nobody knows who may see it: the address book does.
                    None => self.feed(Input::Missed {
                        index: self.hub.source().applied(),
                    }),
                }
            }
        }
    }

    async fn check(&mut self) {
        match ask(self.hub.source().still_valid(&self.token, &self.caller)).await {
            Some(who) => {
                self.recheck = Instant::now() + self.hub.options().recheck;
                self.feed(Input::Checked(who));
            }
            None => self.recheck = Instant::now() + ASK_AGAIN,
        }
    }

    /// Tells the rules what happened and does what they say.
    fn feed(&mut self, input: Input<'_>) {
        let outputs = self.connection.handle(input, self.hub.now_ms());
        if self.watched != *self.connection.watched() {
            // Before the client hears that it is so.
            self.watched.clone_from(self.connection.watched());
            self.hub.watch(&self.key, self.watched.clone());
        }
        let mut too_slow = false;
        for output in outputs {
            match output {
                Output::Attached => self.transport = self.arriving.take(),
                Output::Send(text) => {
                    too_slow |= self
                        .transport
                        .as_ref()
                        .is_some_and(|transport| !transport.send(text));
                }
                Output::Request(request) => {
                    self.asked = true;
                    self.hub.source().request(&self.client, request);
                }
                Output::Close(close) => self.close(close),
                Output::Present => self.present = true,
                Output::Absent => self.present = false,
                Output::Ended => {}
            }
        }
        if too_slow && self.transport.is_some() {
            self.close(Close::new(
                CloseCode::TooSlow,
                "messages are not taken fast enough",
            ));
            return self.feed(Input::Lost { left: false });
        }
        let note = (self.transport.is_some(), self.present);
        if self.noted.replace(note) != Some(note) {
            self.hub.note(&self.key, note.0, note.1);
        }
    }

    fn close(&mut self, close: Close) {
        if let Some(transport) = self.transport.take() {
            transport.close(close, self.hub.tasks());
        }
    }
}

async fn receive(transport: &mut Option<Transport>) -> Received {
    match transport {
        Some(transport) => transport.receive().await,
        None => future::pending().await,
    }
}

async fn wait_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => future::pending().await,
    }
}

/// Asks the server behind; `None` if it cannot tell in time.
pub(crate) async fn ask<T>(question: impl Future<Output = Result<T, crate::Unavailable>>) -> Option<T> {
    match timeout(ASK, question).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            let cause = error.0;
            tracing::warn!(%cause, "the server cannot tell signalling what it asks");
            None
        }
        Err(_) => {
            tracing::warn!("the server did not tell signalling in time what it asks");
            None
        }
    }
}
