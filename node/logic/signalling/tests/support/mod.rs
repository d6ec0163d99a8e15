//! A run on one side, a client that keeps to the contract on the other, and a wire that can be cut.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use plenary_signalling::{
    Attach, ClientBody, Close, CloseCode, Connection, Input, Limits, Link, Output, Sealed, ServerBody,
    ServerFrame, Station, Topic, Welcome, Who, seal,
};
use std::{collections::VecDeque, sync::Arc};

pub(crate) fn who(admin: bool) -> Who {
    Who {
        user: "alice".parse().unwrap(),
        guest_of: None,
        admin,
        session: "s-1".into(),
    }
}

pub(crate) fn connection(admin: bool, limits: Limits) -> Connection {
    let station = Station {
        server: "paris.example.com".parse().unwrap(),
        node: "node-1".parse().unwrap(),
    };
    Connection::new(who(admin), Arc::new(station), Arc::new(limits), "run-1".into())
}

pub(crate) fn attach(last_seq: u64) -> Input<'static> {
    Input::Attach(Attach {
        last_seq,
        nodes: vec!["https://node-1.example.com".into()],
    })
}

pub(crate) fn watch(seq: u64, ack: u64, topics: &[Topic]) -> String {
    seal(
        seq,
        ack,
        &ClientBody::Watch {
            topics: topics.iter().copied().collect(),
        },
    )
}

pub(crate) fn changed(object: &str, index: u64) -> Input<'_> {
    Input::Changed {
        topic: Topic::Users,
        object,
        index,
    }
}

/// The codes with which transports were closed.
pub(crate) fn codes(outputs: &[Output]) -> Vec<CloseCode> {
    let closes = outputs.iter().filter_map(|output| match output {
        Output::Close(close) => Some(Close::code(close)),
        _ => None,
    });
    closes.collect()
}

/// The bodies that were sent.
pub(crate) fn bodies(outputs: &[Output]) -> Vec<ServerBody> {
    let frames = outputs.iter().filter_map(|output| match output {
        Output::Send(text) => ServerFrame::parse(text).ok(),
        _ => None,
    });
    frames
        .filter_map(|frame| {
            if let Sealed::Body { body, .. } = frame {
                Some(body)
            } else {
                None
            }
        })
        .collect()
}

/// The client's side of a run.
pub(crate) struct Client {
    pub(crate) link: Link<ClientBody>,
    pub(crate) heard: Vec<ServerBody>,
    pub(crate) welcome: Option<Welcome>,
    /// On the way to the client and to the server.
    pub(crate) down: VecDeque<String>,
    pub(crate) up: VecDeque<String>,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self {
            link: Link::new(1_000, 1024 * 1024),
            heard: Vec::new(),
            welcome: None,
            down: VecDeque::new(),
            up: VecDeque::new(),
        }
    }

    /// Puts what the server sends on the wire.
    pub(crate) fn wire(&mut self, outputs: Vec<Output>) {
        self.down
            .extend(outputs.into_iter().filter_map(|output| match output {
                Output::Send(text) => Some(text),
                _ => None,
            }));
    }

    pub(crate) fn say(&mut self, topics: &[Topic]) {
        let body = ClientBody::Watch {
            topics: topics.iter().copied().collect(),
        };
        let seq = self.link.push(body.clone(), 50).unwrap();
        if self.welcome.is_some() {
            self.up.push_back(seal(seq, self.link.received(), &body));
        }
    }

    /// Says what was handled.
    pub(crate) fn ping(&mut self) {
        if self.welcome.is_some() {
            let ack = self.link.received();
            self.up.push_back(Sealed::<ClientBody>::Ping { ack }.to_json());
        }
    }

    /// Hears the next message on the wire, and answers as the contract wants it.
    pub(crate) fn hear(&mut self) {
        let Some(text) = self.down.pop_front() else { return };
        if self.welcome.is_none() {
            let welcome = Welcome::parse(&text).unwrap();
            self.link.acknowledge(welcome.last_seq).unwrap();
            let ack = self.link.received();
            self.up
                .extend(self.link.kept().map(|(seq, body)| seal(seq, ack, body)));
            self.welcome = Some(welcome);
            return;
        }
        match ServerFrame::parse(&text).unwrap() {
            Sealed::Ping { ack } => {
                self.link.acknowledge(ack).unwrap();
                let ack = self.link.received();
                self.up.push_back(Sealed::<ClientBody>::Pong { ack }.to_json());
            }
            Sealed::Pong { ack } => self.link.acknowledge(ack).unwrap(),
            Sealed::Body { seq, ack, body } => {
                self.link.acknowledge(ack).unwrap();
                if self.link.receive(seq).unwrap() {
                    self.heard.push(body);
                }
            }
        }
    }

    /// What was on the wire is gone.
    pub(crate) fn cut(&mut self) {
        self.down.clear();
        self.up.clear();
        self.welcome = None;
    }
}
