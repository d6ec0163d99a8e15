//! The messages as they stand on the wire.

use crate::meeting::{
    Answer, Call, CallOff, Called, Chat, ChatChanged, ChatEarlier, Earlier, Edit, Ended, Follow, Invitations,
    Join, Joined, Layers, List, Listed, Lost, Moderate, Offer, OwnLayout, Quality, React, Read, Readers,
    Refused, RemovedPeople, Room, Roster, Say, Show, Slots, Speaking, State, Unsay, Waiting, Watchers,
    Writing,
};
use plenary_access::Presence;
use plenary_model::{NodeName, ServerName, UserName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeSet, fmt};
use utoipa::ToSchema;

/// The version of the protocol that `v` tells.
pub const VERSION: u32 = 1;

/// Why bytes are not a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadFrame {
    #[error("not the JSON that is expected: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("version {0} is not spoken here, only {VERSION}")]
    Version(u32),
    #[error("the first message must be a hello")]
    NoHello,
    #[error("a hello is only the first message")]
    SecondHello,
    #[error("there is no message type {0:?}")]
    Type(String),
}

/// What a client can hear about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignalTopic)]
pub enum Topic {
    Users,
    Groups,
    Aliases,
    Settings,
    Events,
    Sessions,
    /// Who watches it hears of the presence of those in the address book too.
    Contacts,
    Cluster,
    Conferences,
    /// Calls from and to oneself.
    Calls,
    /// Licences, and who has which seat.
    Licensing,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 11] = [
        Self::Users,
        Self::Groups,
        Self::Aliases,
        Self::Settings,
        Self::Events,
        Self::Sessions,
        Self::Contacts,
        Self::Cluster,
        Self::Conferences,
        Self::Calls,
        Self::Licensing,
    ];

    /// Whether one who is no administrator may watch it.
    pub fn is_for_all(self) -> bool {
        self.is_personal() || self == Self::Conferences
    }

    /// Whether what changes is one user's own; beside that user only administrators hear of it.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Sessions | Self::Contacts | Self::Calls)
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Aliases => "aliases",
            Self::Settings => "settings",
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Contacts => "contacts",
            Self::Cluster => "cluster",
            Self::Conferences => "conferences",
            Self::Calls => "calls",
            Self::Licensing => "licensing",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The first message of a client. `Debug` hides the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Hello {
    /// The token of the session; may be empty, which no session has.
    pub token: String,
    /// The run to go on with.
    pub resume: Option<String>,
    /// The last message of the server that the client has handled in that run.
    pub last_seq: u64,
}

impl Hello {
    /// Reads the first message.
    pub fn parse(text: &str) -> Result<Self, BadFrame> {
        let raw: RawHello = serde_json::from_str(text)?;
        if raw.kind != "hello" {
            return Err(BadFrame::NoHello);
        }
        match raw.v {
            Some(VERSION) => Ok(Self {
                token: raw.token.unwrap_or_default(),
                resume: raw.resume,
                last_seq: raw.last_seq.unwrap_or(0),
            }),
            Some(other) => Err(BadFrame::Version(other)),
            None => Err(BadFrame::Missing("v")),
        }
    }

    /// As a client writes it.
    pub fn to_json(&self) -> String {
        let raw = RawHello {
            kind: "hello".into(),
            v: Some(VERSION),
            token: Some(self.token.clone()),
            resume: self.resume.clone(),
            last_seq: Some(self.last_seq),
        };
        to_json(&raw)
    }
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Hello");
        out.field("resume", &self.resume.is_some());
        out.field("last_seq", &self.last_seq).finish_non_exhaustive()
    }
}

/// The first message of a client, within 5 s.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = SignalHello)]
pub(crate) struct RawHello {
    #[serde(rename = "type")]
    #[schema(pattern = "^hello$")]
    kind: String,
    /// The version of the protocol: 1.
    #[schema(required, nullable = false, minimum = 1, maximum = 1)]
    v: Option<u32>,
    /// Of the session.
    #[schema(required, nullable = false)]
    token: Option<String>,
    /// What the welcome of the run to go on with said.
    resume: Option<String>,
    /// The last message of the server that the client has handled in that run.
    last_seq: Option<u64>,
}

/// The answer to a hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename = "welcome")]
#[schema(as = SignalWelcome)]
pub struct Welcome {
    pub v: u32,
    /// What to give in the next hello to go on with this run; a secret.
    pub resume: String,
    /// Whether this is the run that was asked for. If not, numbers begin anew and what is shown is loaded again.
    pub resumed: bool,
    /// The last message of the client that the server has handled.
    pub last_seq: u64,
    /// Silence after which either side pings; after three times that it closes.
    pub heartbeat_ms: u64,
    /// The account, or the guest's ID.
    #[schema(value_type = String)]
    pub user: UserName,
    #[schema(value_type = String)]
    pub server: ServerName,
    #[schema(value_type = String)]
    pub node: NodeName,
    /// URLs of the nodes.
    pub nodes: Vec<String>,
}

impl Welcome {
    /// Reads the first message of the server.
    pub fn parse(text: &str) -> Result<Self, BadFrame> {
        Ok(serde_json::from_str(text)?)
    }

    /// As it stands on the wire.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// What the server tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "body", rename_all = "snake_case")]
#[schema(as = SignalServerBody)]
pub enum ServerBody {
    /// Something is no longer as it was: read it again.
    Changed {
        topic: Topic,
        /// The ID of what changed; empty for "any of them".
        object: String,
        /// A read that carries this index sees the change.
        #[serde(with = "number_text")]
        #[schema(value_type = String, pattern = "^[0-9]+$")]
        index: u64,
    },
    /// The presence of somebody in the address book.
    Presence {
        #[schema(value_type = String)]
        user: UserName,
        /// As in the accounts of the REST interface.
        #[schema(value_type = String)]
        presence: Presence,
    },
    /// The presence of somebody of another server who is in the address book.
    PartnerPresence {
        /// With `@` and the server, as in the address book.
        user: String,
        /// Null where it is not known any more.
        #[schema(value_type = Option<String>, required)]
        presence: Option<Presence>,
    },
    /// The client is in the meeting.
    Joined(Joined),
    /// The client waits to be let in, or was sent back to wait.
    Waiting(Waiting),
    /// The conference is not as it was.
    Room(Room),
    /// A request about the meeting was refused.
    Refused(Refused),
    Answer(Answer),
    Lost(Lost),
    Roster(Roster),
    Listed(Listed),
    Slots(Slots),
    Speaking(Speaking),
    Layers(Layers),
    Quality(Quality),
    Chat(Chat),
    /// Lines of the chat were edited or deleted.
    ChatChanged(ChatChanged),
    /// What was asked for by `earlier`.
    ChatEarlier(ChatEarlier),
    /// Who is writing into the chat.
    Writing(Writing),
    /// How far the chat was read; told to who writes.
    Readers(Readers),
    /// Who was called into the meeting; told to moderators.
    Called(Called),
    /// Who watches by a program; told to moderators.
    Watchers(Watchers),
    /// Whom moderators removed from the run that goes on; told to moderators.
    Removed(RemovedPeople),
    /// Who is invited to the podium; told to moderators and to who is.
    Invitations(Invitations),
    /// A moderator lays the pictures out for this client alone.
    OwnLayout(OwnLayout),
    Ended(Ended),
}

impl ServerBody {
    /// Whether who hears it is in no meeting after it.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Ended(_) => true,
            Self::Refused(refused) => refused.request == "join",
            _ => false,
        }
    }
}

/// What the client asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "body", rename_all = "snake_case")]
#[schema(as = SignalClientBody)]
pub enum ClientBody {
    /// From now on tell about these and no other topics.
    Watch {
        topics: BTreeSet<Topic>,
    },
    Join(Join),
    Offer(Offer),
    Show(Show),
    State(State),
    React(React),
    Say(Say),
    Edit(Edit),
    Unsay(Unsay),
    Earlier(Earlier),
    /// Is writing into the chat; said again every three seconds for as long as that goes on.
    Writing {},
    Read(Read),
    Moderate(Moderate),
    Call(Call),
    CallOff(CallOff),
    List(List),
    Follow(Follow),
    /// Goes out of the meeting.
    Leave {},
}

impl ClientBody {
    const TYPES: [&str; 18] = [
        "watch", "join", "offer", "show", "state", "react", "say", "edit", "unsay", "earlier", "writing",
        "read", "moderate", "call", "call_off", "list", "follow", "leave",
    ];
}

/// A message after the hello or the welcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed<B> {
    Ping { ack: u64 },
    Pong { ack: u64 },
    Body { seq: u64, ack: u64, body: B },
}

/// A message of a client after its hello.
pub type ClientFrame = Sealed<ClientBody>;
/// A message of the server after its welcome.
pub type ServerFrame = Sealed<ServerBody>;

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    seq: Option<u64>,
    ack: Option<u64>,
}

#[derive(Serialize)]
struct Envelope<'a, B> {
    #[serde(flatten)]
    numbers: Numbers,
    #[serde(flatten)]
    body: &'a B,
}

/// What stands in every message after the hello and the welcome, but for pings and pongs.
#[derive(Serialize, ToSchema)]
#[schema(as = SignalNumbers)]
pub(crate) struct Numbers {
    /// Counts from 1 for each direction.
    #[schema(minimum = 1)]
    seq: u64,
    /// The last one handled from the other side.
    ack: u64,
}

/// A sign of life, which has no number.
#[derive(Serialize, ToSchema)]
#[schema(as = SignalBeat)]
pub(crate) struct Beat<'a> {
    #[serde(rename = "type")]
    #[schema(pattern = "^(ping|pong)$")]
    kind: &'a str,
    /// The last message handled from the other side.
    ack: u64,
}

impl ClientFrame {
    /// Reads a message of a client.
    pub fn parse(text: &str) -> Result<Self, BadFrame> {
        parse(text, Some(&ClientBody::TYPES))
    }
}

impl ServerFrame {
    /// Reads a message of a server.
    pub fn parse(text: &str) -> Result<Self, BadFrame> {
        parse(text, None)
    }
}

impl<B: Serialize> Sealed<B> {
    /// As it stands on the wire.
    pub fn to_json(&self) -> String {
        match self {
            Self::Ping { ack } => to_json(&Beat {
                kind: "ping",
                ack: *ack,
            }),
            Self::Pong { ack } => to_json(&Beat {
                kind: "pong",
                ack: *ack,
            }),
            Self::Body { seq, ack, body } => seal(*seq, *ack, body),
        }
    }
}

/// A body in its envelope.
pub fn seal<B: Serialize>(seq: u64, ack: u64, body: &B) -> String {
    to_json(&Envelope {
        numbers: Numbers { seq, ack },
        body,
    })
}

fn parse<B: DeserializeOwned>(text: &str, types: Option<&[&str]>) -> Result<Sealed<B>, BadFrame> {
    let head: Head = serde_json::from_str(text)?;
    let ack = head.ack.ok_or(BadFrame::Missing("ack"))?;
    match head.kind.as_str() {
        "ping" => Ok(Sealed::Ping { ack }),
        "pong" => Ok(Sealed::Pong { ack }),
        "hello" => Err(BadFrame::SecondHello),
        kind if types.is_some_and(|types| !types.contains(&kind)) => Err(BadFrame::Type(head.kind)),
        _ => Ok(Sealed::Body {
            seq: head.seq.ok_or(BadFrame::Missing("seq"))?,
            ack,
            body: serde_json::from_str(text)?,
        }),
    }
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("messages have string keys only and no fallible fields")
}

/// Numbers that may exceed what a script's number holds, as texts.
mod number_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn messages_stand_on_the_wire_as_the_contract_shows_them() {
        let changed = ServerBody::Changed {
            topic: Topic::Users,
            object: "alice".into(),
            index: 7,
        };
        assert_eq!(
            seal(3, 2, &changed),
            r#"{"seq":3,"ack":2,"type":"changed","body":{"topic":"users","object":"alice","index":"7"}}"#
        );
        let presence = ServerBody::Presence {
            user: "bob".parse().unwrap(),
            presence: Presence::Online,
        };
        assert_eq!(
            seal(4, 2, &presence),
            r#"{"seq":4,"ack":2,"type":"presence","body":{"user":"bob","presence":"online"}}"#
        );
        let elsewhere = ServerBody::PartnerPresence {
            user: "demo2@oslo.example.net".into(),
            presence: None,
        };
        assert_eq!(
            seal(5, 2, &elsewhere),
            r#"{"seq":5,"ack":2,"type":"partner_presence","body":{"user":"demo2@oslo.example.net","presence":null}}"#
        );
        assert_eq!(
            ServerFrame::Ping { ack: 9 }.to_json(),
            r#"{"type":"ping","ack":9}"#
        );
        assert_eq!(
            ServerFrame::Pong { ack: 9 }.to_json(),
            r#"{"type":"pong","ack":9}"#
        );
        let welcome = Welcome {
            v: 1,
            resume: "r".into(),
            resumed: false,
            last_seq: 0,
            heartbeat_ms: 10_000,
            user: "alice".parse().unwrap(),
            server: "paris.example.com".parse().unwrap(),
            node: "node-1".parse().unwrap(),
            nodes: vec!["https://node-1.example.com".into()],
        };
        assert_eq!(
            welcome.to_json(),
            r#"{"type":"welcome","v":1,"resume":"r","resumed":false,"last_seq":0,"heartbeat_ms":10000,"user":"alice","server":"paris.example.com","node":"node-1","nodes":["https://node-1.example.com"]}"#
        );
        assert_eq!(Welcome::parse(&welcome.to_json()).unwrap(), welcome);
    }

    #[test]
    fn a_hello_is_read_with_and_without_a_run_to_resume() {
        let hello = Hello::parse(r#"{"type":"hello","v":1,"token":"t","resume":null,"last_seq":0}"#).unwrap();
        assert_eq!(
            hello,
            Hello {
                token: "t".into(),
                resume: None,
                last_seq: 0
            }
        );
        assert_eq!(
            Hello::parse(r#"{"type":"hello","v":1,"token":"t"}"#).unwrap(),
            hello
        );
        let again = Hello {
            resume: Some("r".into()),
            last_seq: 5,
            ..hello
        };
        assert_eq!(Hello::parse(&again.to_json()).unwrap(), again);
        assert!(!format!("{again:?}").contains("\"t\""));
    }

    #[test]
    fn a_hello_that_is_none_is_refused_with_the_reason() {
        let bad = |text| Hello::parse(text).unwrap_err();
        assert!(matches!(bad(r#"{"type":"ping","ack":0}"#), BadFrame::NoHello));
        assert!(matches!(
            bad(r#"{"type":"hello","v":2,"token":"t"}"#),
            BadFrame::Version(2)
        ));
        assert!(matches!(
            bad(r#"{"type":"hello","token":"t"}"#),
            BadFrame::Missing("v")
        ));
        assert!(matches!(
            bad(r#"{"type":"hello","v":1,"token":1}"#),
            BadFrame::Json(_)
        ));
        assert!(matches!(bad(""), BadFrame::Json(_)));
    }

    #[test]
    fn client_messages_are_read() {
        let watch = r#"{"seq":1,"ack":0,"type":"watch","body":{"topics":["users","contacts","users"]}}"#;
        let topics = [Topic::Users, Topic::Contacts].into();
        let body = ClientBody::Watch { topics };
        assert_eq!(
            ClientFrame::parse(watch).unwrap(),
            Sealed::Body { seq: 1, ack: 0, body }
        );
        assert_eq!(
            ClientFrame::parse(r#"{"type":"pong","ack":3}"#).unwrap(),
            Sealed::Pong { ack: 3 }
        );
        let bad = |text| ClientFrame::parse(text).unwrap_err();
        assert!(matches!(bad(r#"{"type":"ping"}"#), BadFrame::Missing("ack")));
        assert!(matches!(
            bad(r#"{"type":"hello","ack":1}"#),
            BadFrame::SecondHello
        ));
        assert!(
            matches!(bad(r#"{"seq":1,"ack":0,"type":"sing","body":{}}"#), BadFrame::Type(kind) if kind == "sing")
        );
        assert!(matches!(
            bad(r#"{"ack":0,"type":"watch","body":{"topics":[]}}"#),
            BadFrame::Missing("seq")
        ));
        let unknown = r#"{"seq":1,"ack":0,"type":"watch","body":{"topics":["weather"]}}"#;
        assert!(matches!(bad(unknown), BadFrame::Json(_)));
        let join = r#"{"seq":1,"ack":0,"type":"join","body":{"room":"demo","muted":true,"resume":{"participant":"18446744073709551615","secret":"s"}}}"#;
        let Sealed::Body {
            body: ClientBody::Join(join),
            ..
        } = ClientFrame::parse(join).unwrap()
        else {
            panic!("it is a join");
        };
        assert!(join.muted && !join.camera);
        let place = join.resume.unwrap();
        assert_eq!(place.participant.0, u64::MAX);
        assert!(!format!("{place:?}").contains("\"s\""), "secrets are not logged");
        let leave = r#"{"seq":1,"ack":0,"type":"leave","body":{}}"#;
        assert!(matches!(
            ClientFrame::parse(leave).unwrap(),
            Sealed::Body {
                body: ClientBody::Leave {},
                ..
            }
        ));
        let number = r#"{"seq":1,"ack":0,"type":"show","body":{"tiles":[{"participant":7,"kind":"video","height":1}]}}"#;
        assert!(matches!(bad(number), BadFrame::Json(_)), "IDs are texts");
        let negative = r#"{"seq":-1,"ack":0,"type":"watch","body":{"topics":[]}}"#;
        assert!(matches!(bad(negative), BadFrame::Json(_)));
    }

    #[test]
    fn the_name_of_a_topic_is_its_json() {
        for topic in Topic::ALL {
            assert_eq!(serde_json::to_string(&topic).unwrap(), format!("\"{topic}\""));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seq in any::<u64>(), ack in any::<u64>(), object in ".*", index in any::<u64>()) {
            let body = ServerBody::Changed { topic: Topic::Events, object, index };
            let frame = Sealed::Body { seq, ack, body };
            prop_assert_eq!(ServerFrame::parse(&frame.to_json()).unwrap(), frame);
        }

        #[test]
        fn garbage_is_refused_and_never_panics(text in ".*") {
            prop_assert!(Hello::parse(&text).is_err());
            prop_assert!(ClientFrame::parse(&text).is_err());
        }
    }
}
