use crate::{
    AcmeNews, AddressBook, AdminRole, Avatar, Bandwidth, CallId, ConferencePolicy, Contact, Device,
    DirectoryPatch, FrontPage, NewDirectoryLink, NewDocument, NewPartner, Profile, ProfilePatch, Scheme,
    SettingsPatch, TokenHash,
};
use plenary_model::{
    AliasName, CallString, Cid, GroupId, GuestId, NodeId, NodeName, Revision, Rights, ServerName, UserName,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One entry of the replicated log of a server: who wants what. Other parts of the server have commands of the same
/// form with changes of their own; the store writes both into one log.
#[derive(Debug, Clone, PartialEq)]
pub struct Command<C = Change> {
    pub by: Actor,
    /// Makes a retry of the same request change nothing twice for 24 h of log time.
    pub idempotency: Option<Idempotency>,
    pub change: C,
}

/// `Idempotency-Key` of a request and the hash of what was asked with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// 1 to 255 printable ASCII characters, unique for each actor.
    pub key: String,
    /// SHA-256 of method, path and body: the same key with another request is refused.
    pub request: [u8; 32],
}

/// On whose behalf a command is proposed; written into events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub kind: ActorKind,
    /// The session that the request came with; empty for the system itself.
    #[serde(default)]
    pub session: String,
    /// Address of the client.
    #[serde(default)]
    pub address: String,
    #[serde(default)]
    pub user_agent: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A signed-in account; its rights are read when the command is applied, not when it was proposed.
    User(UserName),
    /// Nobody yet: signing in.
    Anonymous,
    /// The server itself: start, sweep, bootstrap, local administration tool.
    System,
}

/// Password hash in PHC string format (Argon2id).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A new account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewUser {
    pub id: UserName,
    pub profile: Profile,
    pub password: Option<PasswordHash>,
    pub groups: BTreeSet<GroupId>,
    pub active: bool,
    #[serde(default)]
    pub admin: AdminRole,
    #[serde(default)]
    pub bandwidth: Bandwidth,
}

/// Changes to an account: `Some` replaces, `None` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UserPatch {
    pub profile: ProfilePatch,
    pub password: Option<PasswordHash>,
    pub groups: Option<BTreeSet<GroupId>>,
    pub active: Option<bool>,
    pub admin: Option<AdminRole>,
    pub bandwidth: Option<Bandwidth>,
}

/// One row of an import: creates the account or, if it exists, changes what the row gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// Line of the file that the row came from, for messages; counted from 1.
    pub line: u32,
    pub id: UserName,
    pub patch: UserPatch,
    /// Names of groups; those that do not exist are created with `new_group` as IDs.
    #[serde(default)]
    pub group_names: Option<BTreeSet<String>>,
}

/// What a command changes.
///
/// Encoded as a MessagePack map with field names (`docs/decisions/0003`): fields may be added with
/// `#[serde(default)]`, never renamed. Every variant that names `expect` is refused with
/// [`Refusal::Stale`](crate::Refusal::Stale) if the object's revision is another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // Commands are encoded at once, never kept in collections.
pub enum Change {
    CreateUser(NewUser),
    UpdateUser {
        id: UserName,
        expect: Option<Revision>,
        patch: UserPatch,
    },
    DeleteUser {
        id: UserName,
        expect: Option<Revision>,
    },
    /// A user changes the own password; every other session of the account ends. Refused if `old`, the hash
    /// that was checked, is not the account's any more.
    ChangeOwnPassword {
        password: PasswordHash,
        #[serde(default)]
        old: Option<PasswordHash>,
    },
    /// A user changes the own profile: the fields that users may change themselves.
    UpdateOwnProfile {
        #[serde(default)]
        expect: Option<Revision>,
        patch: ProfilePatch,
    },
    SetAvatar {
        id: UserName,
        avatar: Option<Avatar>,
    },
    /// Ends all sessions of a user (USR-03).
    DisconnectUser {
        id: UserName,
    },
    UnlockUser {
        id: UserName,
    },
    /// All rows or none; `group_ids` are random IDs for groups that must be created, in order.
    ImportUsers {
        rows: Vec<ImportRow>,
        group_ids: Vec<GroupId>,
    },

    CreateGroup {
        id: GroupId,
        name: String,
        rights: Rights,
        address_book: AddressBook,
        bandwidth: Bandwidth,
    },
    UpdateGroup {
        id: GroupId,
        expect: Option<Revision>,
        name: Option<String>,
        rights: Option<Rights>,
        address_book: Option<AddressBook>,
        bandwidth: Option<Bandwidth>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call_id: Option<CallId>,
    },
    DeleteGroup {
        id: GroupId,
        expect: Option<Revision>,
    },
    /// Adds and removes members of a group, all or none.
    ChangeMembers {
        id: GroupId,
        add: BTreeSet<UserName>,
        remove: BTreeSet<UserName>,
    },

    PutAlias {
        id: AliasName,
        target: CallString,
        note: String,
        expect: Option<Revision>,
        create: bool,
    },
    /// Changes an alias: `Some` replaces, `None` leaves.
    UpdateAlias {
        id: AliasName,
        expect: Option<Revision>,
        target: Option<CallString>,
        note: Option<String>,
    },
    DeleteAlias {
        id: AliasName,
        expect: Option<Revision>,
    },

    PutContact {
        contact: Contact,
    },
    DeleteContact {
        call: CallString,
    },

    UpdateSettings {
        expect: Option<Revision>,
        patch: SettingsPatch,
    },
    /// Writes the document at a place, 1 to 5, new or instead of the one that is there.
    PutDocument {
        place: u8,
        /// The version that was there.
        expect: Option<Revision>,
        document: NewDocument,
    },
    RemoveDocument {
        place: u8,
        expect: Option<Revision>,
    },
    /// The logo of the enterprise on a light or a dark ground; the bytes were checked to be PNG or WebP.
    SetLogo {
        scheme: Scheme,
        logo: Option<Avatar>,
    },
    /// Writes down what is known of another server, new or instead of what is there.
    PutPartner {
        server: ServerName,
        /// The revision that was there.
        expect: Option<Revision>,
        partner: NewPartner,
    },
    RemovePartner {
        server: ServerName,
        expect: Option<Revision>,
    },

    /// The password was right; refused all the same if the account is disabled or locked by now, or if
    /// the password was changed since it was checked (`password` is the hash that was checked).
    SignIn {
        user: UserName,
        password: PasswordHash,
        /// The same password hashed anew, where the stored hash costs less than hashes do now.
        #[serde(default)]
        stronger: Option<PasswordHash>,
        session: String,
        token: TokenHash,
        device: Device,
    },
    /// A wrong password was given for an existing account.
    SignInFailed {
        user: UserName,
    },
    /// A session ends: signed out, or ended by its user from another device.
    EndSession {
        id: String,
    },

    /// People of this server are to be found in the Directory of the enterprise, and find others there; gives a new key
    /// where they are already.
    ActivateDirectory(NewDirectoryLink),
    UpdateDirectory {
        expect: Option<Revision>,
        patch: DirectoryPatch,
    },
    /// They are to be found there no more. With `at_once` the key is forgotten before the Directory has heard of it.
    DeactivateDirectory {
        at_once: bool,
    },
    /// The Directory has nobody of this server any more, who came by this key.
    DirectoryLeft {
        client_id: String,
    },
    /// An administrator reads the key.
    ShowDirectoryKey,
    /// The Directory has all up to there on its disk, of what this incarnation tells.
    CutDirectoryChanges {
        incarnation: [u8; 16],
        to: Revision,
    },
    /// Which other servers of the enterprise there are, as the Directory says.
    NoteDirectoryServers {
        servers: BTreeSet<ServerName>,
    },

    /// A device opened or closed its signalling connection on a node (USR-02). `epoch` is the random
    /// number of that node's start, so that a late message of an earlier run changes nothing.
    DeviceOnline {
        session: String,
        node: NodeId,
        epoch: u64,
    },
    DeviceOffline {
        session: String,
        node: NodeId,
        epoch: u64,
    },
    /// A node started: devices that were on it are not any more.
    NodeStarted {
        node: NodeId,
        epoch: u64,
        version: String,
    },
    /// The leader has not heard of a node for long: devices that were on it are offline.
    NodeLost {
        node: NodeId,
    },

    /// The first entry of a server: its name, its built-in groups and its first node.
    FoundServer {
        server: ServerName,
        enterprise: String,
        node: NodeId,
        name: NodeName,
        address: String,
    },
    /// The first entry after a backup was restored: the nodes of old are gone and `node` is the only one;
    /// devices are offline. Refused if a node of that number was ever admitted.
    RestoreServer {
        node: NodeId,
        name: NodeName,
        address: String,
    },
    /// A one-time token for a node to join with; `secret` is the SHA-256 of its secret.
    InviteNode {
        id: String,
        secret: [u8; 32],
        ttl_s: u64,
    },
    /// A node redeems a token. Refused if it is unknown, used or too old; gives out the node's number.
    AdmitNode {
        invitation: String,
        secret: [u8; 32],
        name: NodeName,
        address: String,
    },
    /// A node tells where it is reached; the last word wins.
    DescribeNode {
        node: NodeId,
        address: String,
        url: String,
        version: String,
    },
    DrainNode {
        node: NodeId,
        drain: bool,
    },
    /// A node leaves for good; its certificate counts no more.
    RemoveNode {
        node: NodeId,
    },

    /// A one-time token for a Border Controller; `secret` is the SHA-256 of its secret. Gives out its number.
    InviteController {
        name: NodeName,
        address: String,
        secret: [u8; 32],
        ttl_s: u64,
    },
    /// A Border Controller redeems its token.
    EnrolController {
        id: NodeId,
        secret: [u8; 32],
    },
    /// A Border Controller leaves for good; its certificate counts no more.
    RemoveController {
        id: NodeId,
    },

    /// The leader has come further with the certificate by ACME.
    Acme(AcmeNews),

    /// Removes what has expired: sessions, idempotency keys, locks. Proposed by the leader every minute.
    Sweep,
}

impl Change {
    /// The level of the rules from which on nodes can read it; 0 for what all can.
    pub fn level(&self) -> u32 {
        match self {
            Self::Acme(_) => ACME_LEVEL,
            Self::UpdateSettings { patch, .. } if patch.border.is_some() => BORDER_POLICY_LEVEL,
            Self::UpdateSettings { patch, .. } if patch.zones.is_some() => ZONES_LEVEL,
            Self::UpdateSettings { patch, .. } if patch.front_page.as_ref().is_some_and(has_contacts) => {
                CONTENT_LEVEL
            }
            Self::ActivateDirectory(_)
            | Self::UpdateDirectory { .. }
            | Self::DeactivateDirectory { .. }
            | Self::DirectoryLeft { .. }
            | Self::NoteDirectoryServers { .. } => DIRECTORY_LEVEL,
            Self::InviteController { .. } | Self::EnrolController { .. } | Self::RemoveController { .. } => {
                BORDER_LEVEL
            }
            Self::ShowDirectoryKey | Self::CutDirectoryChanges { .. } => DIRECTORY_KEPT_LEVEL,
            Self::PutPartner { .. } | Self::RemovePartner { .. } => PARTNERS_LEVEL,
            Self::UpdateSettings { patch, .. }
                if patch.partner_terms.is_some() || patch.profile_fields.is_some() =>
            {
                PARTNERS_LEVEL
            }
            Self::UpdateSettings { patch, .. } if patch.federation.is_some() => FEDERATION_LEVEL,
            Self::PutDocument { .. } | Self::RemoveDocument { .. } | Self::SetLogo { .. } => GUESTS_LEVEL,
            Self::UpdateSettings { patch, .. } if patch.front_page.as_ref().is_some_and(has_guide) => {
                GUESTS_LEVEL
            }
            Self::UpdateSettings { patch, .. }
                if patch.conference_ids.is_some() || patch.new_conferences.is_some() =>
            {
                IDS_LEVEL
            }
            Self::UpdateSettings {
                patch:
                    SettingsPatch {
                        conferences: Some(policy),
                        ..
                    },
                ..
            } if policy.keep_chat_days != ConferencePolicy::default().keep_chat_days => LINES_LEVEL,
            Self::UpdateSettings {
                patch: SettingsPatch {
                    conferences: Some(_), ..
                },
                ..
            } => HISTORY_LEVEL,
            Self::UpdateGroup { call_id: Some(_), .. } => CALLING_LEVEL,
            Self::PutContact { contact } if contact.tone.is_some() => CHAT_LEVEL,
            _ => 0,
        }
    }
}

/// The level from which on it is kept who was in which run of a conference, and for how long that is a setting.
pub const HISTORY_LEVEL: u32 = 10;

/// The level from which on groups can be called, and people are called into conferences.
pub const CALLING_LEVEL: u32 = 12;

/// The level from which on servers make up IDs of conferences, and these can be changed.
pub const IDS_LEVEL: u32 = 13;

/// The level from which on guests agree to documents, and the front page has a guide and a logo.
pub const GUESTS_LEVEL: u32 = 15;

/// The level from which on rights that are given or taken away count at once for who is in a meeting.
pub const RIGHTS_LEVEL: u32 = 16;

/// The level from which on it is a setting with which servers this one meets.
pub const FEDERATION_LEVEL: u32 = 17;

/// The level from which on lines of a chat are edited, deleted, answered and mention people, guests come back, and contacts
/// have a tone of their own.
pub const CHAT_LEVEL: u32 = 18;

/// The level from which on something is written down of partners, federation needs a licence, and it is a setting which fields
/// of profiles others see.
pub const PARTNERS_LEVEL: u32 = 19;

/// The level from which on a shared screen takes a place in a smart meeting, moderators end what somebody shows, the front
/// page has contacts, and earlier versions of documents are kept.
pub const CONTENT_LEVEL: u32 = 24;

/// The level from which on a place has one seat whatever licences come and go, calls of two go on without one, and layouts
/// that a conference keeps have people in their places.
pub const PLACES_LEVEL: u32 = 25;

/// The level from which on people of this server can be found in the Directory of the enterprise.
pub const DIRECTORY_LEVEL: u32 = 29;

/// The level from which on there are zones, and rosters keep where people come from.
pub const ZONES_LEVEL: u32 = 31;

/// The level from which on what is said in a conference outlasts its runs, and how long is a setting.
pub const LINES_LEVEL: u32 = 32;

/// The level from which on it is seen who read the key for the Directory, and what it was told is not kept without end.
pub const DIRECTORY_KEPT_LEVEL: u32 = 34;

/// The level from which on a server has Border Controllers.
pub const BORDER_LEVEL: u32 = 39;

/// The level from which on what Border Controllers let in is a setting.
pub const BORDER_POLICY_LEVEL: u32 = 41;

/// The level from which on a server gets its certificate for browsers by ACME.
pub const ACME_LEVEL: u32 = 42;

fn has_contacts(page: &FrontPage) -> bool {
    !page.contacts.is_empty()
}

fn has_guide(page: &FrontPage) -> bool {
    !page.guide.is_empty()
}

/// What an applied command gives back to its proposer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    #[default]
    Done,
    /// The object's new revision.
    Revision(Revision),
    SignedIn {
        expires_at: plenary_model::Timestamp,
    },
    /// The account after a wrong password.
    SignInCounted {
        locked: bool,
    },
    Imported {
        created: u32,
        updated: u32,
        groups: u32,
    },
    Admitted {
        node: NodeId,
    },
    /// A conference was made, under an ID that the server made up.
    Made {
        cid: Cid,
    },
    /// What a partner's server told was looked at.
    Heard {
        /// What was not taken, by its place, and why; stable codes.
        refused: std::collections::BTreeMap<u32, String>,
    },
    /// Somebody has a place in a meeting, or has it again.
    Entered {
        /// Fences what belongs to earlier times at the same place.
        moves: u64,
    },
    /// Somebody who has registered has taken their place over from another device.
    TakenOver {
        participant: u64,
        moves: u64,
    },
    /// Nobody was let in, and that was counted: a refusal with consequences.
    KeptOut {
        code: String,
        reason: String,
        /// How many attempts are left; `None`: a node of before does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<u32>,
    },
    Said {
        /// Number of the line.
        line: u64,
    },
    GuestEntered {
        /// The one that was proposed, or the one that the guest has kept.
        guest: GuestId,
        expires_at: plenary_model::Timestamp,
        /// Until when the guest comes back by a key; `None`: there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept_until: Option<plenary_model::Timestamp>,
        /// The key that was proposed is theirs.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        new_key: bool,
    },
}
