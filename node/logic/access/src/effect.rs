use crate::{
    Acme, Alias, Avatar, BorderController, Contact, DirectoryLink, Document, EventKind, Failures,
    FieldChange, Group, Invitation, Member, Notice, Outcome, Partner, PasswordHash, Scheme, Session,
    Settings, TokenHash, User,
};
use plenary_model::{AliasName, CallString, GroupId, NodeId, Revision, ServerName, Timestamp, UserName};

/// One change of the stored state. The store carries effects out in order and decides nothing.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // Lives for one decision; most effects are of the large kind.
pub enum Effect {
    Found {
        server: ServerName,
        enterprise: String,
    },
    /// Writes an account whole, with the groups it is in.
    PutUser(User),
    /// Removes an account with its password, avatar, contacts and sessions.
    RemoveUser(UserName),
    PutPassword {
        user: UserName,
        password: PasswordHash,
    },
    PutFailures {
        user: UserName,
        failures: Option<Failures>,
    },
    PutAvatar {
        user: UserName,
        avatar: Option<Avatar>,
    },
    PutGroup(Group),
    /// Removes a group; its members stay.
    RemoveGroup(GroupId),
    PutAlias(Alias),
    RemoveAlias(AliasName),
    PutContact {
        user: UserName,
        contact: Contact,
    },
    RemoveContact {
        user: UserName,
        call: CallString,
    },
    PutSettings(Settings),
    PutDocument(Document),
    /// It is no more as it was: of the versions of each place the newest [`PAST_DOCUMENTS`](plenary_model::limits::PAST_DOCUMENTS) are kept.
    KeepDocument {
        document: Document,
        until: Timestamp,
    },
    RemoveDocument {
        place: u8,
    },
    PutLogo {
        scheme: Scheme,
        logo: Option<Avatar>,
        revision: Revision,
    },
    PutPartner(Partner),
    RemovePartner(ServerName),
    /// With another incarnation than before what was kept of changes is forgotten.
    PutDirectory(Box<DirectoryLink>),
    RemoveDirectory,
    AddSession {
        session: Session,
        token: TokenHash,
    },
    RemoveSession(String),
    SetOnline {
        session: String,
        node: Option<NodeId>,
    },
    PutNode(Member),
    RemoveNode(NodeId),
    PutInvitation(Invitation),
    RemoveInvitation(String),
    PutController(BorderController),
    PutAcme(Box<Acme>),
    /// Forgets invitations that ended and idempotency keys older than this.
    Forget {
        invitations_until: Timestamp,
        keys_until: Timestamp,
    },
}

/// A line for the event log; the store numbers and dates it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDraft {
    pub kind: EventKind,
    pub success: bool,
    pub object_kind: &'static str,
    pub object: String,
    pub description: String,
    pub changes: Vec<FieldChange>,
    /// Who it is about where nobody is signed in: the account that was signed in to.
    pub actor: Option<UserName>,
}

/// What follows from a command that is not refused; `E` is what it does to the stored state.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<E = Effect> {
    pub effects: Vec<E>,
    pub events: Vec<EventDraft>,
    pub notices: Vec<Notice>,
    pub outcome: Outcome,
}

impl<E> Default for Decision<E> {
    fn default() -> Self {
        Self::giving(Outcome::default())
    }
}

impl<E> Decision<E> {
    /// A decision that does nothing yet but give this.
    pub fn giving(outcome: Outcome) -> Self {
        Self {
            effects: Vec::new(),
            events: Vec::new(),
            notices: Vec::new(),
            outcome,
        }
    }

    /// Adds a change of the stored state; they are carried out in order.
    pub fn effect(&mut self, effect: E) -> &mut Self {
        self.effects.push(effect);
        self
    }

    /// Adds that pages must load something again; `object` is empty for "any of them".
    pub fn notice(&mut self, topic: crate::Topic, object: impl Into<String>) -> &mut Self {
        self.notices.push(Notice {
            topic,
            object: object.into(),
        });
        self
    }

    /// Adds a line for the event log.
    pub fn event(&mut self, draft: EventDraft) -> &mut Self {
        self.events.push(draft);
        self
    }

    /// A change of configuration or data that administrators see as before → after.
    pub fn changed(
        &mut self,
        object_kind: &'static str,
        object: impl Into<String>,
        description: &str,
        changes: Vec<FieldChange>,
    ) -> &mut Self {
        self.event(EventDraft {
            kind: EventKind::Change,
            success: true,
            object_kind,
            object: object.into(),
            description: description.to_owned(),
            changes,
            actor: None,
        })
    }
}
