//! One client's run: from its welcome, over cuts, to its end.

use crate::{
    BadFrame, ClientBody, ClientFrame, Close, CloseCode, Limits, Link, Sealed, ServerBody, ServerFrame,
    Topic, VERSION, Welcome, changes::Changes, limits::Bucket, seal,
};
use plenary_access::Presence;
use plenary_model::{Cid, NodeName, ServerName, UserName};
use std::{collections::BTreeSet, sync::Arc};

/// Silences of this many heartbeats end a transport.
const SILENT_BEATS: u64 = 3;

/// Who a client is, as its session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The account, or the ID of a guest.
    pub user: UserName,
    /// The one room that a guest may enter; `None` for accounts.
    pub guest_of: Option<Cid>,
    /// Whether the control panel is open to this client (its role and its address): it may hear of everything.
    pub admin: bool,
    /// The ID of the session (not its token).
    pub session: String,
}

impl Who {
    fn may_watch(&self, topic: Topic) -> bool {
        self.guest_of.is_none() && (self.admin || topic.is_for_all())
    }

    /// Users hear of their own sessions and contacts. An empty object is "any", so theirs may be among them.
    fn may_hear(&self, topic: Topic, object: &str) -> bool {
        let is_theirs = object.is_empty() || object == self.user.as_str();
        self.admin || topic.is_for_all() && (is_theirs || !topic.is_personal())
    }
}

/// Where a client has come to, for the welcome.
#[derive(Debug, Clone)]
pub struct Station {
    pub server: ServerName,
    pub node: NodeName,
}

/// A transport for a run: a new one, or one to go on with.
#[derive(Debug, Clone)]
pub struct Attach {
    /// `last_seq` of the hello; [`Connection::can_resume`] has said yes to it. Not looked at for a new run.
    pub last_seq: u64,
    /// URLs of the nodes, for the welcome.
    pub nodes: Vec<String>,
}

/// What happens to a run.
#[derive(Debug)]
pub enum Input<'a> {
    /// A transport took up the run; an older one is replaced.
    Attach(Attach),
    /// A text message.
    Text(&'a str),
    /// A binary message of so many bytes; nobody should send one.
    Binary(usize),
    /// A ping or pong of the transport itself, of so many bytes.
    Control(usize),
    /// A message that the transport did not take because of its length.
    Oversize,
    /// The transport is gone. `left`: the client said goodbye, and will not come back for the run.
    Lost { left: bool },
    /// Something changed. Given to all; whether this client hears of it is decided here.
    Changed {
        topic: Topic,
        object: &'a str,
        index: u64,
    },
    /// The presence of somebody whom this user may see.
    Presence { user: UserName, presence: Presence },
    /// The presence of somebody of another server, by name and server, who is in the user's address book.
    PartnerPresence {
        user: String,
        presence: Option<Presence>,
    },
    /// Something for this client alone.
    Tell(Box<ServerBody>),
    /// Notifications up to about `index` were not heard, nobody knows which.
    Missed { index: u64 },
    /// What the session says now; `None` when it is over.
    Checked(Option<Who>),
    /// The node takes leave; these URLs are left.
    GoAway { nodes: &'a [String] },
    /// The place is needed for others.
    Evict,
    /// [`Connection::next_deadline`] has come.
    Tick,
}

/// What to do about it, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// What follows is for the new transport.
    Attached,
    /// A text message for the transport.
    Send(String),
    /// The client asks for something about its meeting.
    Request(ClientBody),
    /// Close the transport.
    Close(Close),
    /// The user is here.
    Present,
    /// The user has been gone for a while, or for good.
    Absent,
    /// The run is over and can be forgotten. Nothing follows, and nothing comes of later inputs.
    Ended,
}

#[derive(Debug)]
struct Attached {
    heard_ms: u64,
    pinged_ms: Option<u64>,
    messages: Bucket,
    bytes: Bucket,
}

impl Attached {
    fn new(limits: &Limits, now_ms: u64) -> Self {
        Self {
            heard_ms: now_ms,
            pinged_ms: None,
            messages: Bucket::new(limits.burst_messages, limits.messages_per_s, now_ms),
            bytes: Bucket::new(limits.burst_bytes, limits.bytes_per_s, now_ms),
        }
    }

    fn ping_due_ms(&self, limits: &Limits) -> u64 {
        let quiet_since = self.pinged_ms.map_or(self.heard_ms, |at| at.max(self.heard_ms));
        quiet_since.saturating_add(limits.heartbeat_ms)
    }

    fn close_due_ms(&self, limits: &Limits) -> u64 {
        self.heard_ms
            .saturating_add(limits.heartbeat_ms.saturating_mul(SILENT_BEATS))
    }
}

#[derive(Debug)]
enum State {
    New,
    Attached(Attached),
    Detached { since_ms: u64, absent: bool },
    Ended,
}

/// One client's run. See the crate's drawing.
#[derive(Debug)]
pub struct Connection {
    who: Who,
    station: Arc<Station>,
    limits: Arc<Limits>,
    resume: String,
    state: State,
    link: Link<ServerBody>,
    watched: BTreeSet<Topic>,
    changes: Changes,
}

impl Connection {
    /// A run without a transport yet; [`Input::Attach`] comes next. `resume` is a secret that cannot be guessed.
    pub fn new(who: Who, station: Arc<Station>, limits: Arc<Limits>, resume: String) -> Self {
        Self {
            who,
            station,
            resume,
            state: State::New,
            link: Link::new(limits.kept_messages, limits.kept_bytes),
            limits,
            watched: BTreeSet::new(),
            changes: Changes::default(),
        }
    }

    /// Whether somebody who has handled all up to `last_seq` can go on with this run. Only the same session with the
    /// same rights can: what is kept was meant for it.
    pub fn can_resume(&self, who: &Who, last_seq: u64) -> bool {
        let alive = !matches!(self.state, State::Ended);
        alive && self.who == *who && self.link.can_replay(last_seq)
    }

    /// Whose run this is.
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// Whether the client asked for this topic.
    pub fn watches(&self, topic: Topic) -> bool {
        self.watched.contains(&topic)
    }

    /// The topics that the client asked for.
    pub fn watched(&self) -> &BTreeSet<Topic> {
        &self.watched
    }

    /// Whether there is a transport.
    pub fn is_attached(&self) -> bool {
        matches!(self.state, State::Attached(_))
    }

    /// Whether the run is over.
    pub fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// When [`Input::Tick`] is due, in milliseconds of the clock of `now_ms`; perhaps in the past.
    pub fn next_deadline(&self) -> Option<u64> {
        let own = match &self.state {
            State::New | State::Ended => return None,
            State::Attached(attached) => {
                let limits = &self.limits;
                attached.ping_due_ms(limits).min(attached.close_due_ms(limits))
            }
            State::Detached { since_ms, absent } => {
                let expires = since_ms.saturating_add(self.limits.resume_for_ms);
                let absent_at = since_ms.saturating_add(self.limits.absent_after_ms);
                if *absent { expires } else { expires.min(absent_at) }
            }
        };
        Some(self.changes.due_ms().map_or(own, |due| due.min(own)))
    }

    /// Takes in what happened at `now_ms` and gives what to do about it.
    pub fn handle(&mut self, input: Input<'_>, now_ms: u64) -> Vec<Output> {
        let mut out = Vec::new();
        if !self.is_ended() {
            self.take_in(input, now_ms, &mut out);
            self.pass_time(now_ms, &mut out);
        }
        out
    }

    fn take_in(&mut self, input: Input<'_>, now_ms: u64, out: &mut Vec<Output>) {
        match input {
            Input::Attach(attach) => self.attach(attach, now_ms, out),
            Input::Text(text) => self.text(text, now_ms, out),
            Input::Binary(bytes) => {
                if self.hear(bytes, now_ms, out) {
                    self.fail(Close::not_understood("messages are texts"), out);
                }
            }
            Input::Control(bytes) => {
                self.hear(bytes, now_ms, out);
            }
            Input::Oversize => self.too_long(out),
            Input::Lost { left: true } => self.end(out),
            Input::Lost { left: false } => self.detach(now_ms),
            Input::Changed { topic, object, index } => self.changed(topic, object, index),
            Input::Presence { user, presence } => {
                if self.watches(Topic::Contacts) {
                    self.changes.presence(user, presence);
                }
            }
            Input::PartnerPresence { user, presence } => {
                if self.watches(Topic::Contacts) {
                    self.changes.partner_presence(user, presence);
                }
            }
            Input::Tell(body) => self.tell_or_fail(*body, out),
            Input::Missed { index } => self.missed(index),
            Input::Checked(who) => self.checked(who, out),
            Input::GoAway { nodes } => self.fail(Close::elsewhere(nodes), out),
            Input::Evict => self.fail(Close::new(CloseCode::TooSlow, "the place was needed"), out),
            Input::Tick => {}
        }
    }

    fn attach(&mut self, attach: Attach, now_ms: u64, out: &mut Vec<Output>) {
        let resumed = !matches!(self.state, State::New);
        if self.is_attached() {
            let words = "another connection goes on with this run";
            out.push(Output::Close(Close::new(CloseCode::Replaced, words)));
        }
        if resumed {
            debug_assert!(self.link.can_replay(attach.last_seq), "can_resume was not asked");
            // Known to be within what was sent: see above.
            self.link.acknowledge(attach.last_seq).ok();
        }
        self.state = State::Attached(Attached::new(&self.limits, now_ms));
        let ack = self.link.received();
        let welcome = Welcome {
            v: VERSION,
            resume: self.resume.clone(),
            resumed,
            last_seq: ack,
            heartbeat_ms: self.limits.heartbeat_ms,
            user: self.who.user.clone(),
            server: self.station.server.clone(),
            node: self.station.node.clone(),
            nodes: attach.nodes,
        };
        out.extend([Output::Attached, Output::Present, Output::Send(welcome.to_json())]);
        let kept = self.link.kept();
        out.extend(kept.map(|(seq, body)| Output::Send(seal(seq, ack, body))));
    }

    /// Counts what came; false if there is no transport any more that it could have come from.
    fn hear(&mut self, bytes: usize, now_ms: u64, out: &mut Vec<Output>) -> bool {
        let State::Attached(attached) = &mut self.state else {
            return false;
        };
        attached.heard_ms = attached.heard_ms.max(now_ms);
        if attached.messages.take(1, now_ms) && attached.bytes.take(bytes as u64, now_ms) {
            return true;
        }
        self.fail(
            Close::not_understood("too many messages in too short a time"),
            out,
        );
        false
    }

    fn text(&mut self, text: &str, now_ms: u64, out: &mut Vec<Output>) {
        if !self.hear(text.len(), now_ms, out) {
            return;
        }
        if text.len() > self.limits.message_bytes {
            return self.too_long(out);
        }
        if let Err(close) = self.frame(text, out) {
            self.fail(close, out);
        }
    }

    fn too_long(&mut self, out: &mut Vec<Output>) {
        let words = format!("a message is longer than {} bytes", self.limits.message_bytes);
        self.fail(Close::not_understood(words), out);
    }

    fn frame(&mut self, text: &str, out: &mut Vec<Output>) -> Result<(), Close> {
        let frame = ClientFrame::parse(text).map_err(|error: BadFrame| Close::not_understood(error))?;
        let (Sealed::Ping { ack } | Sealed::Pong { ack } | Sealed::Body { ack, .. }) = frame;
        self.link.acknowledge(ack).map_err(Close::not_understood)?;
        match frame {
            Sealed::Pong { .. } => return Ok(()),
            Sealed::Ping { .. } => {}
            Sealed::Body { seq, body, .. } => {
                if self.link.receive(seq).map_err(Close::not_understood)? {
                    self.obey(body, out)?;
                }
            }
        }
        // Not only pings: a client that has asked for a topic waits for the acknowledgement before it reads.
        let ack = self.link.received();
        out.push(Output::Send(ServerFrame::Pong { ack }.to_json()));
        Ok(())
    }

    fn obey(&mut self, body: ClientBody, out: &mut Vec<Output>) -> Result<(), Close> {
        match body {
            ClientBody::Watch { topics } => {
                if let Some(topic) = topics.iter().find(|topic| !self.who.may_watch(**topic)) {
                    return Err(forbidden(*topic));
                }
                self.watched = topics;
                self.changes.retain(|topic| self.watched.contains(&topic));
            }
            request => out.push(Output::Request(request)),
        }
        Ok(())
    }

    fn changed(&mut self, topic: Topic, object: &str, index: u64) {
        if self.watches(topic) && self.who.may_hear(topic, object) {
            self.changes.changed(topic, object.into(), index);
        }
    }

    fn missed(&mut self, index: u64) {
        for topic in &self.watched {
            self.changes.changed(*topic, String::new(), index);
        }
    }

    fn checked(&mut self, who: Option<Who>, out: &mut Vec<Output>) {
        let Some(who) = who.filter(|who| who.user == self.who.user && who.session == self.who.session) else {
            return self.fail(Close::new(CloseCode::NotSignedIn, "the session is over"), out);
        };
        self.who = who;
        let lost = self
            .watched
            .iter()
            .copied()
            .find(|topic| !self.who.may_watch(*topic));
        if let Some(topic) = lost {
            self.fail(forbidden(topic), out);
        }
    }

    /// What time brings: messages that waited, pings, and the ends of patience.
    fn pass_time(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        if self.is_ended() {
            return;
        }
        for body in self.changes.take(now_ms) {
            self.tell_or_fail(body, out);
            if self.is_ended() {
                return;
            }
        }
        match &self.state {
            State::New | State::Ended => {}
            State::Attached(_) => self.beat(now_ms, out),
            State::Detached { since_ms, absent } => {
                let away = now_ms.saturating_sub(*since_ms);
                if away >= self.limits.resume_for_ms {
                    return self.end(out);
                }
                if !absent && away >= self.limits.absent_after_ms {
                    self.state = State::Detached {
                        since_ms: *since_ms,
                        absent: true,
                    };
                    out.push(Output::Absent);
                }
            }
        }
    }

    fn tell_or_fail(&mut self, body: ServerBody, out: &mut Vec<Output>) {
        if self.tell(body, out).is_err() {
            let words = "too much was not acknowledged; load anew";
            self.fail(Close::new(CloseCode::TooSlow, words), out);
        }
    }

    fn tell(&mut self, body: ServerBody, out: &mut Vec<Output>) -> Result<(), crate::Full> {
        let seq = self.link.sent() + 1;
        let text = seal(seq, self.link.received(), &body);
        self.link.push(body, text.len())?;
        if self.is_attached() {
            out.push(Output::Send(text));
        }
        Ok(())
    }

    fn beat(&mut self, now_ms: u64, out: &mut Vec<Output>) {
        let ack = self.link.received();
        let filling = self.link.is_half_full();
        let State::Attached(attached) = &mut self.state else {
            return;
        };
        if now_ms >= attached.close_due_ms(&self.limits) {
            out.push(Output::Close(Close::new(CloseCode::TooSlow, "nothing was heard")));
            return self.detach(now_ms);
        }
        let unanswered = attached.pinged_ms.is_some_and(|at| at >= attached.heard_ms);
        if now_ms >= attached.ping_due_ms(&self.limits) || filling && !unanswered {
            attached.pinged_ms = Some(now_ms);
            out.push(Output::Send(ServerFrame::Ping { ack }.to_json()));
        }
    }

    fn detach(&mut self, now_ms: u64) {
        if self.is_attached() {
            self.state = State::Detached {
                since_ms: now_ms,
                absent: false,
            };
        }
    }

    fn fail(&mut self, close: Close, out: &mut Vec<Output>) {
        if self.is_attached() {
            out.push(Output::Close(close));
        }
        self.end(out);
    }

    fn end(&mut self, out: &mut Vec<Output>) {
        match self.state {
            State::Ended => return,
            State::New | State::Detached { absent: true, .. } => {}
            State::Attached(_) | State::Detached { .. } => out.push(Output::Absent),
        }
        self.state = State::Ended;
        out.push(Output::Ended);
    }
}

fn forbidden(topic: Topic) -> Close {
    Close::new(
        CloseCode::Forbidden,
        format!("the topic {topic} is for administrators"),
    )
}
