use crate::{
    Access, Act, Arrangement, AwayCall, AwaySeat, Delivery, GuestId, Heard, How, NewRegistrant, NewTemplate,
    PartnerSaid, Party, PersonalLink, Pin, Plan, SettingsPatch, Settled, TemplateId, TemplatePatch, Whom,
    meeting::{ParticipantId, Person, SecretHash, StatePatch, Via},
};
use plenary_access::{DocumentVersion, TokenHash};
use plenary_model::{Cid, GroupId, NodeId, Revision, ServerName, Timestamp, UserId, UserName};
use plenary_schedule::Occurrence;
use serde::{Deserialize, Serialize};

/// A command about conferences, in the form that all commands of a server have.
pub type Command = plenary_access::Command<Change>;

/// What a command changes.
///
/// Encoded as a MessagePack map with field names (`docs/decisions/0003`): fields may be added with
/// `#[serde(default)]`, never renamed. Every variant that names `expect` is refused as stale if the conference's
/// revision is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Create(NewConference),
    Update {
        cid: Cid,
        expect: Option<Revision>,
        patch: Patch,
    },
    Delete {
        cid: Cid,
        expect: Option<Revision>,
    },

    /// Somebody without an account wants to come to a public conference and gets a token for it. All changes from here
    /// on are proposed by the server itself, for those who ask.
    GuestEnter {
        cid: Cid,
        /// A random ID; not used if the guest keeps one.
        guest: GuestId,
        name: String,
        token: TokenHash,
        /// The token of before: as long as it is valid, the guest keeps the ID and the token of before ends.
        #[serde(default)]
        before: Option<TokenHash>,
        /// Where they come from: whose wrong PINs count together.
        #[serde(default)]
        source: Option<String>,
        /// The personal link of who has registered: they are the guest of their registration, called as they said there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<PersonalLink>,
        /// What they agree to now.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        agreed: Vec<DocumentVersion>,
        /// The key by which they come back once the token has ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        returning: Option<TokenHash>,
        /// A new key for the next time; not used by who comes by a token alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<TokenHash>,
    },
    /// Whoever has the key of a guest is somebody else from now on: neither token nor key brings the guest back.
    ForgetGuest {
        cid: Cid,
        key: TokenHash,
    },
    /// Somebody without an account registers for a public conference.
    Register(NewRegistrant),
    /// Somebody takes a new place; gives [`Outcome::Entered`](plenary_access::Outcome::Entered).
    Enter {
        cid: Cid,
        /// Random.
        participant: ParticipantId,
        person: Person,
        /// `None`: the display name of the account, or what the guest calls itself.
        #[serde(default)]
        name: Option<String>,
        via: Via,
        node: NodeId,
        /// The node's start; refused if it is not the one that the server knows.
        epoch: u64,
        secret: SecretHash,
        muted: bool,
        camera: bool,
        #[serde(default)]
        pin: Option<Pin>,
        /// Of who is federated: their own server does not let them show a screen.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        screenless_at_home: bool,
    },
    /// A place is taken up again, here or on another node; gives
    /// [`Outcome::Entered`](plenary_access::Outcome::Entered) too. What still belongs to the time before is fenced off
    /// by `moves`.
    Resume {
        cid: Cid,
        participant: ParticipantId,
        secret: SecretHash,
        node: NodeId,
        epoch: u64,
    },
    /// Gives a place up; nothing follows if it is gone, or was taken up again.
    Leave {
        cid: Cid,
        participant: ParticipantId,
        moves: u64,
    },
    /// A program of an account watches from now on.
    Watch {
        cid: Cid,
        /// Random.
        watcher: ParticipantId,
        user: UserName,
        node: NodeId,
        /// As of [`Change::Enter`].
        epoch: u64,
    },
    /// It does not any more; nothing follows if it was removed.
    Unwatch {
        cid: Cid,
        watcher: ParticipantId,
    },
    /// Nothing follows if the place was taken up again. So with [`Change::React`].
    Set {
        cid: Cid,
        participant: ParticipantId,
        moves: u64,
        patch: StatePatch,
    },
    React {
        cid: Cid,
        participant: ParticipantId,
        moves: u64,
        /// 1 to 8 characters.
        text: String,
    },
    /// Gives [`Outcome::Said`](plenary_access::Outcome::Said).
    Say {
        cid: Cid,
        participant: ParticipantId,
        /// 1 to 4,000 characters, with line breaks.
        text: String,
        /// The number of the line that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
        /// Those whom it mentions: `@` and the name of each stands in the text.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<ParticipantId>,
        /// What the same person says once more by the same key is the line that is there already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// A moderator with an account writes from outside the meeting while it goes on; otherwise as [`Change::Say`].
    Write {
        cid: Cid,
        text: String,
        reply_to: Option<u64>,
        key: Option<String>,
    },
    /// Who wrote a line changes it, whatever place they have now.
    EditLine {
        cid: Cid,
        participant: ParticipantId,
        line: u64,
        text: String,
        mentions: Vec<ParticipantId>,
    },
    /// Who wrote a line, or a moderator, takes it out: as somebody in the meeting or, without `by`, as who asks.
    DeleteLine {
        cid: Cid,
        by: Option<ParticipantId>,
        line: u64,
    },
    /// A moderator does something, as somebody in the meeting or, without `by`, as who asks.
    Act {
        cid: Cid,
        by: Option<ParticipantId>,
        act: Act,
    },
    /// A node has heard these, the loudest first; what follows in a smart meeting.
    Spoke {
        cid: Cid,
        heard: Vec<Heard>,
    },
    /// The time has come that a schedule says: the conference is open from now on. Proposed by the leader, who has
    /// computed when the time after it is.
    Begin {
        cid: Cid,
        /// Of [`Conference::next`](crate::Conference::next).
        start: Timestamp,
        next: Option<Occurrence>,
    },
    /// Who asks takes a registration back: its link ends, and who came by it goes.
    RemoveRegistrant {
        cid: Cid,
        registrant: GuestId,
    },
    /// Who asks calls another account of this server.
    Dial {
        /// Random.
        cid: Cid,
        to: UserName,
    },
    /// Who asks calls a group of this server.
    DialGroup {
        /// Random.
        cid: Cid,
        group: GroupId,
    },
    /// Who asks calls somebody of a partner's server, by whatever name they have there.
    DialAway {
        /// Random.
        cid: Cid,
        to: UserId,
    },
    /// The server of who is called has said something of a call. This and the next ones are proposed by the server itself.
    PartnerSaid {
        cid: Cid,
        said: PartnerSaid,
    },
    /// A partner, which has proven its name, calls somebody here.
    Receive(AwayCall),
    /// A user of this server is in a conference of a partner's, by this connection.
    CameAway {
        server: ServerName,
        room: Cid,
        user: UserName,
        seat: AwaySeat,
    },
    /// And is not any more.
    LeftAway {
        server: ServerName,
        room: Cid,
        user: UserName,
        seat: AwaySeat,
    },
    /// A partner says that a call of its own is over.
    AwayEnds {
        cid: Cid,
        server: ServerName,
        how: How,
    },
    /// Who is called does not answer: it rings on no device any more.
    Decline {
        cid: Cid,
    },
    /// The call becomes a conference.
    Widen {
        cid: Cid,
    },
    /// A moderator calls people into a conference that goes on, as somebody in it or, without `by`, as who asks.
    Call {
        cid: Cid,
        by: Option<ParticipantId>,
        whom: Whom,
    },
    /// A moderator takes calls into a conference back: it rings no more at these, or at nobody. As with [`Change::Call`].
    CallOff {
        cid: Cid,
        by: Option<ParticipantId>,
        /// `None`: everybody whom it rings at.
        users: Option<Vec<Party>>,
    },
    /// Deletes conferences that were used last before then: those whose schedule is over, and those without one. Proposed
    /// by the leader, by the settings of the server.
    DeleteOld {
        past: Option<Timestamp>,
        unused: Option<Timestamp>,
    },
    /// Forgets runs that ended before then, and calls that began before then, the oldest first. Proposed by the leader, by the
    /// settings of the server.
    ForgetHistory {
        runs: Timestamp,
        calls: Timestamp,
    },
    /// Forgets lines of chats that were said before then, the oldest first. Proposed by the leader, by the settings of the
    /// server.
    ForgetLines {
        before: Timestamp,
    },
    /// Who asks keeps how conferences are set up; gives [`Outcome::Revision`](plenary_access::Outcome::Revision), which is
    /// the ID of the template too.
    CreateTemplate(NewTemplate),
    UpdateTemplate {
        id: TemplateId,
        expect: Option<Revision>,
        patch: TemplatePatch,
    },
    DeleteTemplate {
        id: TemplateId,
        expect: Option<Revision>,
    },
    /// What became of messages to partners. Proposed by the leader, who delivers them.
    SettleMessages {
        settled: Vec<Settled>,
    },
    /// A partner's server, which has proven its name, tells of its conferences; gives
    /// [`Outcome::Heard`](plenary_access::Outcome::Heard).
    TakeDeliveries {
        server: ServerName,
        deliveries: Vec<Delivery>,
    },
    /// Who asks does not want to be told any more of a conference of a partner's server that names them; whatever that server
    /// tells of it from then on is kept, and not shown.
    DeclineInvitation {
        server: ServerName,
        /// Names the conference there.
        cid: Cid,
    },
    /// Frees places that were kept long enough and forgets guests whose tokens have ended. Proposed by the leader when
    /// there is something to do.
    Sweep,
}

impl Change {
    /// The level of the rules from which on nodes can read it.
    pub fn level(&self) -> u32 {
        let settings = self.settings().map_or(0, SettingsPatch::level);
        let act = match self {
            Self::Act {
                act: Act::LetBack(_), ..
            } => crate::REMOVALS_LEVEL,
            _ => 0,
        };
        self.level_of_kind().max(settings).max(act)
    }

    /// How a conference is to be run by it.
    fn settings(&self) -> Option<&SettingsPatch> {
        match self {
            Self::Create(NewConference { settings, .. })
            | Self::Update {
                patch: Patch { settings, .. },
                ..
            }
            | Self::CreateTemplate(NewTemplate { settings, .. })
            | Self::UpdateTemplate {
                patch: TemplatePatch { settings, .. },
                ..
            } => Some(settings),
            _ => None,
        }
    }

    fn level_of_kind(&self) -> u32 {
        match self {
            Self::Act {
                act: Act::HandLecture(_),
                ..
            } => crate::LECTURES_LEVEL,
            Self::Act {
                act: Act::SetLayout(layout) | Act::SetLayoutOf(_, layout),
                ..
            } if layout.arrangement == Arrangement::Content => crate::LECTURES_LEVEL,
            Self::Watch { .. }
            | Self::Unwatch { .. }
            | Self::Act {
                act: Act::RemoveWatcher(_),
                ..
            } => crate::WATCHERS_LEVEL,
            Self::SettleMessages { .. } | Self::TakeDeliveries { .. } => crate::OUTBOX_LEVEL,
            Self::DeclineInvitation { .. } => crate::DECLINES_LEVEL,
            Self::Enter {
                person: Person::Federated(_),
                ..
            } => crate::FEDERATED_LEVEL,
            Self::Act {
                act: Act::SetPin(_) | Act::SetWaitingRoom(_),
                ..
            } => crate::DOORS_LEVEL,
            Self::Act {
                act: Act::StopContent(_),
                ..
            } => crate::CONTENT_LEVEL,
            Self::Say { key: Some(_), .. } | Self::Write { .. } | Self::ForgetLines { .. } => {
                crate::LINES_LEVEL
            }
            Self::EditLine { .. } | Self::DeleteLine { .. } | Self::ForgetGuest { .. } => crate::CHAT_LEVEL,
            Self::Say {
                reply_to, mentions, ..
            } if reply_to.is_some() || !mentions.is_empty() => crate::CHAT_LEVEL,
            Self::GuestEnter { returning, key, .. } if returning.is_some() || key.is_some() => {
                crate::CHAT_LEVEL
            }
            Self::CallOff { .. }
            | Self::Act {
                act: Act::InviteToPodium(_) | Act::SetLayoutOf(..) | Act::ClearLayoutOf(_),
                ..
            }
            | Self::Set {
                patch: StatePatch {
                    invitation: Some(_), ..
                },
                ..
            } => crate::MODERATION_LEVEL,
            Self::Create(NewConference { or_else: Some(_), .. })
            | Self::Update {
                patch: Patch { id: Some(_), .. },
                ..
            } => crate::IDS_LEVEL,
            Self::Act {
                act: Act::SetLayout(layout),
                ..
            } if layout.kept.is_some() => crate::PLACES_LEVEL,
            Self::Act {
                act: Act::SetLayout(layout),
                ..
            } if layout.is_of_slots() => crate::IDS_LEVEL,
            Self::GuestEnter { agreed, .. } | Self::Register(NewRegistrant { agreed, .. })
                if !agreed.is_empty() =>
            {
                crate::GUESTS_LEVEL
            }
            Self::Register(_) | Self::RemoveRegistrant { .. } | Self::GuestEnter { link: Some(_), .. } => {
                crate::REGISTRATION_LEVEL
            }
            Self::DialAway { .. }
            | Self::PartnerSaid { .. }
            | Self::Receive(_)
            | Self::CameAway { .. }
            | Self::LeftAway { .. }
            | Self::AwayEnds { .. } => crate::AWAY_CALLS_LEVEL,
            Self::Call { whom, .. } if whom.is_away() => crate::AWAY_CALLS_LEVEL,
            Self::Call { .. } | Self::DialGroup { .. } => crate::CALLING_LEVEL,
            Self::Dial { .. } | Self::Decline { .. } | Self::Widen { .. } | Self::DeleteOld { .. } => {
                crate::CALLS_LEVEL
            }
            Self::ForgetHistory { .. } => plenary_access::HISTORY_LEVEL,
            Self::CreateTemplate(_) | Self::UpdateTemplate { .. } | Self::DeleteTemplate { .. } => {
                crate::TEMPLATES_LEVEL
            }
            Self::Create(NewConference { plan: Some(_), .. })
            | Self::Update {
                patch: Patch { plan: Some(_), .. },
                ..
            }
            | Self::Begin { .. }
            | Self::Act {
                act: Act::Start | Act::Extend(_) | Act::SetLayout(_) | Act::ClearLayout,
                ..
            } => crate::SCHEDULES_LEVEL,
            Self::Create(_) | Self::Update { .. } | Self::Delete { .. } => 2,
            Self::Act { .. } | Self::Spoke { .. } => crate::CONFERENCES_LEVEL,
            _ => plenary_access::MEETINGS_LEVEL,
        }
    }
}

/// A new conference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewConference {
    pub cid: Cid,
    /// `Some`: the ID was made up by the server, which takes the first of `cid` and these that is free, and gives
    /// [`Outcome::Made`](plenary_access::Outcome::Made).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub or_else: Option<Vec<Cid>>,
    pub name: String,
    #[serde(default)]
    pub description: String,
    /// `None`: who asks. Another account takes the role of an administrator with full rights.
    #[serde(default)]
    pub owner: Option<UserName>,
    #[serde(default)]
    pub access: Access,
    #[serde(default, skip_serializing_if = "SettingsPatch::is_empty")]
    pub settings: SettingsPatch,
    /// Without it: a virtual room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// Changes to a conference: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Patch {
    pub name: Option<String>,
    pub description: Option<String>,
    /// Another account takes the role of an administrator with full rights.
    pub owner: Option<UserName>,
    pub access: Option<Access>,
    #[serde(skip_serializing_if = "SettingsPatch::is_empty")]
    pub settings: SettingsPatch,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// Another ID by which people find it: the one of before leads nowhere then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<NewId>,
}

impl Patch {
    /// What a moderator may change who is not the owner: what is needed while the meeting runs, and the ID.
    pub(crate) fn is_for_moderators(&self, level: u32) -> bool {
        let rest = Self {
            settings: SettingsPatch::default(),
            // Nodes of before know nothing of it, and all must have the same.
            id: self.id.clone().filter(|_| level < crate::DOORS_LEVEL),
            ..self.clone()
        };
        rest == Self::default() && self.settings.is_for_moderators()
    }
}

/// An ID for a conference that has one (CONF-04).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewId {
    Chosen(Cid),
    /// Made up by the server, which takes the first that is free.
    MadeUp(Vec<Cid>),
}
