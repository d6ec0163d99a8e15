//! A server in memory: what the rules see of it, and their effects carried out as the store does.

use plenary_access::*;
use plenary_model::{
    AliasName, CallString, GroupId, NodeId, NodeName, Revision, ServerName, Timestamp, UserName,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    str::FromStr,
};

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const DAY: u64 = 24 * 60 * MINUTE;

/// A name, an ID or an address that is good.
pub(crate) fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a good name")
}

pub(crate) fn names<T: FromStr<Err: Debug> + Ord>(texts: &[&str]) -> BTreeSet<T> {
    texts.iter().map(|text| name(text)).collect()
}

pub(crate) fn hash(text: &str) -> PasswordHash {
    PasswordHash(text.into())
}

pub(crate) fn by(user: &str) -> Actor {
    Actor {
        kind: ActorKind::User(name(user)),
        session: format!("session of {user}"),
        address: "192.0.2.7".into(),
        user_agent: "test".into(),
    }
}

pub(crate) fn system() -> Actor {
    Actor {
        kind: ActorKind::System,
        session: String::new(),
        address: String::new(),
        user_agent: String::new(),
    }
}

pub(crate) fn anonymous() -> Actor {
    Actor {
        kind: ActorKind::Anonymous,
        ..system()
    }
}

pub(crate) fn new_user(id: &str) -> NewUser {
    NewUser {
        id: name(id),
        profile: Profile::default(),
        password: Some(hash(id)),
        groups: BTreeSet::new(),
        active: true,
        admin: AdminRole::None,
        bandwidth: Bandwidth::default(),
    }
}

/// What [`World::set`] and the like change of an account.
pub(crate) fn update(id: &str, patch: UserPatch) -> Change {
    Change::UpdateUser {
        id: name(id),
        expect: None,
        patch,
    }
}

pub(crate) fn create_group(id: &str, title: &str) -> Change {
    Change::CreateGroup {
        id: name(id),
        name: title.into(),
        rights: plenary_model::Rights::usual(),
        address_book: AddressBook::default(),
        bandwidth: Bandwidth::default(),
    }
}

/// When, what was asked, and what came of it.
type Remembered = (u64, Idempotency, Result<Outcome, Refusal>);

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) index: u64,
    pub(crate) level: u32,
    pub(crate) server: Option<(ServerName, String)>,
    pub(crate) users: BTreeMap<UserName, User>,
    pub(crate) passwords: BTreeMap<UserName, PasswordHash>,
    pub(crate) failures: BTreeMap<UserName, Failures>,
    pub(crate) avatars: BTreeMap<UserName, Avatar>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) aliases: BTreeMap<AliasName, Alias>,
    pub(crate) contacts: BTreeMap<(UserName, CallString), Contact>,
    pub(crate) settings: Settings,
    pub(crate) documents: BTreeMap<u8, Document>,
    pub(crate) past_documents: Vec<Document>,
    pub(crate) logos: BTreeMap<Scheme, Avatar>,
    pub(crate) partners: BTreeMap<ServerName, Partner>,
    pub(crate) directory: Option<DirectoryLink>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) nodes: BTreeMap<NodeId, Member>,
    pub(crate) last_node: u64,
    pub(crate) invitations: BTreeMap<String, Invitation>,
    pub(crate) controllers: BTreeMap<NodeId, BorderController>,
    pub(crate) acme: Acme,
    remembered: BTreeMap<(String, String), Remembered>,
    pub(crate) events: Vec<EventDraft>,
}

impl World {
    /// A server with a full administrator `root`, a security administrator `eye` and a user `alice`.
    pub(crate) fn founded() -> Self {
        let mut world = Self {
            now: 1_700_000_000_000,
            level: MEETINGS_LEVEL,
            ..Self::default()
        };
        world.ok(system(), found());
        let roles = [
            ("root", AdminRole::Full),
            ("eye", AdminRole::Security),
            ("alice", AdminRole::None),
        ];
        for (id, admin) in roles {
            let user = NewUser {
                admin,
                ..new_user(id)
            };
            world.ok(system(), Change::CreateUser(user));
        }
        world.events.clear();
        world
    }

    pub(crate) fn decide(&self, command: &Command) -> Result<Decision, Refusal> {
        let at = Moment {
            now: Timestamp(self.now),
            revision: Revision((self.index + 1) << 20),
            level: self.level,
        };
        decide(self, at, command)
    }

    pub(crate) fn run(&mut self, command: &Command) -> Result<Outcome, Refusal> {
        let decided = self.decide(command);
        self.index += 1;
        let reply = decided.map(|decision| {
            for effect in decision.effects {
                self.carry_out(effect);
            }
            self.events.extend(decision.events);
            decision.outcome
        });
        if let Some(asked) = &command.idempotency
            && reply != Err(Refusal::IdempotencyMismatch)
        {
            let key = (actor_key(&command.by), asked.key.clone());
            let first = (self.now, asked.clone(), reply.clone());
            self.remembered.entry(key).or_insert(first);
        }
        reply
    }

    pub(crate) fn try_to(&mut self, by: Actor, change: Change) -> Result<Outcome, Refusal> {
        self.run(&Command {
            by,
            idempotency: None,
            change,
        })
    }

    /// Does what is allowed.
    pub(crate) fn ok(&mut self, by: Actor, change: Change) -> Outcome {
        self.try_to(by, change).expect("not refused")
    }

    /// Asks for what is refused, and checks that nothing changes by it.
    pub(crate) fn refused(&mut self, by: Actor, change: Change) -> Refusal {
        let before = self.clone();
        let refusal = self.try_to(by, change).expect_err("must be refused");
        let after = Self {
            index: before.index,
            ..self.clone()
        };
        assert_eq!(after, before, "a refused command changes nothing");
        refusal
    }

    /// The field that is refused.
    pub(crate) fn bad_field(&mut self, by: Actor, change: Change) -> String {
        match self.refused(by, change) {
            Refusal::Invalid { field, reason } => {
                assert!(!reason.is_empty());
                field
            }
            other => panic!("not about a field: {other:?}"),
        }
    }

    pub(crate) fn user_of(&self, id: &str) -> &User {
        &self.users[&name(id)]
    }

    pub(crate) fn group_of(&self, id: &str) -> &Group {
        &self.groups[&name(id)]
    }

    pub(crate) fn sign_in(&mut self, user: &str, session: &str) -> Result<Outcome, Refusal> {
        self.try_to(anonymous(), sign_in(user, user, session))
    }

    pub(crate) fn kinds(&self) -> Vec<EventKind> {
        self.events.iter().map(|event| event.kind).collect()
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Found { server, enterprise } => self.server = Some((server, enterprise)),
            Effect::PutUser(user) => {
                self.users.insert(user.id.clone(), user);
            }
            Effect::RemoveUser(id) => {
                self.users.remove(&id);
                self.passwords.remove(&id);
                self.failures.remove(&id);
                self.avatars.remove(&id);
                self.contacts.retain(|(user, _), _| *user != id);
                self.sessions.retain(|_, session| session.user != id);
            }
            Effect::PutPassword { user, password } => {
                self.passwords.insert(user, password);
            }
            Effect::PutFailures { user, failures } => put(&mut self.failures, user, failures),
            Effect::PutAvatar { user, avatar } => put(&mut self.avatars, user, avatar),
            Effect::PutGroup(group) => {
                self.groups.insert(group.id.clone(), group);
            }
            Effect::RemoveGroup(id) => {
                self.groups.remove(&id);
            }
            Effect::PutAlias(alias) => {
                self.aliases.insert(alias.id.clone(), alias);
            }
            Effect::RemoveAlias(id) => {
                self.aliases.remove(&id);
            }
            Effect::PutContact { user, contact } => {
                self.contacts.insert((user, contact.call.clone()), contact);
            }
            Effect::RemoveContact { user, call } => {
                self.contacts.remove(&(user, call));
            }
            Effect::PutSettings(settings) => self.settings = settings,
            Effect::PutDocument(document) => {
                self.documents.insert(document.place, document);
            }
            Effect::KeepDocument { document, .. } => self.past_documents.push(document),
            Effect::RemoveDocument { place } => {
                self.documents.remove(&place);
            }
            Effect::PutLogo { scheme, logo, .. } => put(&mut self.logos, scheme, logo),
            Effect::PutPartner(partner) => {
                self.partners.insert(partner.server.clone(), partner);
            }
            Effect::RemovePartner(server) => {
                self.partners.remove(&server);
            }
            Effect::PutDirectory(link) => self.directory = Some(*link),
            Effect::RemoveDirectory => self.directory = None,
            Effect::AddSession { session, .. } => {
                self.sessions.insert(session.id.clone(), session);
            }
            Effect::RemoveSession(id) => {
                self.sessions.remove(&id);
            }
            Effect::SetOnline { session, node } => {
                let session = self
                    .sessions
                    .get_mut(&session)
                    .expect("only of sessions there are");
                session.online_on = node;
            }
            Effect::PutNode(member) => {
                self.last_node = self.last_node.max(member.id.0);
                self.nodes.insert(member.id, member);
            }
            Effect::RemoveNode(id) => {
                self.nodes.remove(&id);
            }
            Effect::PutInvitation(invitation) => {
                self.invitations.insert(invitation.id.clone(), invitation);
            }
            Effect::PutController(one) => {
                self.controllers.insert(one.id, one);
            }
            Effect::PutAcme(acme) => self.acme = *acme,
            Effect::RemoveInvitation(id) => {
                self.invitations.remove(&id);
            }
            Effect::Forget {
                invitations_until,
                keys_until,
            } => {
                self.invitations
                    .retain(|_, invitation| invitation.expires_at > invitations_until);
                self.remembered.retain(|_, (at, ..)| *at > keys_until.0);
            }
        }
    }

    /// Invariants of everything that is stored.
    pub(crate) fn check(&self) {
        let mut emails = BTreeSet::new();
        for user in self.users.values() {
            assert!(!user.profile.display_name.is_empty());
            let email = fold(&user.profile.email);
            assert!(
                email.is_empty() || emails.insert(email),
                "an email of two accounts"
            );
            for group in &user.groups {
                assert!(
                    self.groups.contains_key(group),
                    "a member of a group that is gone"
                );
                assert!(!group.is_builtin());
            }
            assert_eq!(user.has_password, self.passwords.contains_key(&user.id));
        }
        let mut titles = BTreeSet::new();
        for group in self.groups.values() {
            assert!(titles.insert(fold(&group.name)), "two groups of one name");
            let allowed = allowed_rights(&group.id);
            assert!(group.rights.0.is_subset(&allowed.0));
            if let AddressBookScope::Groups { groups } = &group.address_book.shows {
                assert!(!groups.is_empty());
                assert!(groups.iter().all(|id| self.groups.contains_key(id)));
            }
        }
        for session in self.sessions.values() {
            let user = self.users.get(&session.user);
            assert!(
                user.is_some_and(|user| user.active),
                "a session without an account"
            );
        }
        for (user, _) in self.contacts.keys() {
            assert!(self.users.contains_key(user));
        }
        assert!(self.full_administrators() > 0, "the last administrator is gone");
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

pub(crate) fn found() -> Change {
    Change::FoundServer {
        server: name("paris.example.com"),
        enterprise: "Example".into(),
        node: NodeId(1),
        name: name("node-1"),
        address: "192.0.2.1:7000".into(),
    }
}

pub(crate) fn sign_in(user: &str, password: &str, session: &str) -> Change {
    Change::SignIn {
        user: name(user),
        password: hash(password),
        stronger: None,
        session: session.into(),
        token: TokenHash([0; 32]),
        device: Device::default(),
    }
}

impl View for World {
    fn founded(&self) -> Option<(ServerName, String)> {
        self.server.clone()
    }
    fn user(&self, id: &UserName) -> Option<User> {
        self.users.get(id).cloned()
    }
    fn user_with_email(&self, folded: &str) -> Option<UserName> {
        let mut users = self.users.values();
        let has = |user: &&User| !user.profile.email.is_empty() && fold(&user.profile.email) == folded;
        users.find(has).map(|user| user.id.clone())
    }
    fn password(&self, id: &UserName) -> Option<PasswordHash> {
        self.passwords.get(id).cloned()
    }
    fn failures(&self, id: &UserName) -> Option<Failures> {
        self.failures.get(id).copied()
    }
    fn full_administrators(&self) -> u64 {
        let full = |user: &&User| user.active && user.admin == AdminRole::Full;
        self.users.values().filter(full).count() as u64
    }
    fn group(&self, id: &GroupId) -> Option<Group> {
        self.groups.get(id).cloned()
    }
    fn group_named(&self, folded: &str) -> Option<GroupId> {
        let mut groups = self.groups.values();
        groups
            .find(|group| fold(&group.name) == folded)
            .map(|group| group.id.clone())
    }
    fn group_called(&self, name: &UserName) -> Option<GroupId> {
        let mut groups = self.groups.values();
        let found = groups.find(|group| group.call_id.as_ref() == Some(name));
        found.map(|group| group.id.clone())
    }
    fn members(&self, id: &GroupId) -> Vec<UserName> {
        let users = self.users.values().filter(|user| user.groups.contains(id));
        users.map(|user| user.id.clone()).collect()
    }
    fn groups_showing(&self, id: &GroupId) -> Vec<Group> {
        let shows = |group: &&Group| match &group.address_book.shows {
            AddressBookScope::Groups { groups } => groups.contains(id),
            _ => false,
        };
        self.groups.values().filter(shows).cloned().collect()
    }
    fn alias(&self, id: &AliasName) -> Option<Alias> {
        self.aliases.get(id).cloned()
    }
    fn contact(&self, user: &UserName, call: &CallString) -> Option<Contact> {
        self.contacts.get(&(user.clone(), call.clone())).cloned()
    }
    fn contacts(&self, user: &UserName) -> u64 {
        self.contacts.keys().filter(|(owner, _)| owner == user).count() as u64
    }
    fn settings(&self) -> Settings {
        self.settings.clone()
    }
    fn document(&self, place: u8) -> Option<Document> {
        self.documents.get(&place).cloned()
    }
    fn has_logo(&self, scheme: Scheme) -> bool {
        self.logos.contains_key(&scheme)
    }
    fn partner(&self, server: &ServerName) -> Option<Partner> {
        self.partners.get(server).cloned()
    }
    fn partners(&self) -> u64 {
        self.partners.len() as u64
    }
    fn border_controllers(&self) -> Vec<BorderController> {
        self.controllers.values().cloned().collect()
    }
    fn acme(&self) -> Acme {
        self.acme.clone()
    }
    fn directory(&self) -> Option<DirectoryLink> {
        self.directory.clone()
    }
    fn session(&self, id: &str) -> Option<Session> {
        self.sessions.get(id).cloned()
    }
    fn sessions_of(&self, user: &UserName) -> Vec<Session> {
        let sessions = self.sessions.values();
        sessions
            .filter(|session| session.user == *user)
            .cloned()
            .collect()
    }
    fn sessions_on(&self, node: NodeId) -> Vec<Session> {
        let sessions = self.sessions.values();
        sessions
            .filter(|session| session.online_on == Some(node))
            .cloned()
            .collect()
    }
    fn expired_sessions(&self, now: Timestamp) -> Vec<Session> {
        let sessions = self.sessions.values();
        sessions
            .filter(|session| session.expires_at <= now)
            .take(1_000)
            .cloned()
            .collect()
    }
    fn expired_locks(&self, now: Timestamp) -> Vec<UserName> {
        let ended = |user: &&User| user.locked_until.is_some_and(|until| until <= now);
        let users = self.users.values().filter(ended).take(1_000);
        users.map(|user| user.id.clone()).collect()
    }
    fn node(&self, id: NodeId) -> Option<Member> {
        self.nodes.get(&id).cloned()
    }
    fn node_named(&self, name: &NodeName) -> Option<NodeId> {
        let mut nodes = self.nodes.values();
        nodes.find(|node| node.name == *name).map(|node| node.id)
    }
    fn nodes(&self) -> Vec<Member> {
        self.nodes.values().cloned().collect()
    }
    fn last_node(&self) -> NodeId {
        NodeId(self.last_node)
    }
    fn invitation(&self, id: &str) -> Option<Invitation> {
        self.invitations.get(id).cloned()
    }
    fn remembered(&self, actor: &str, key: &str) -> Option<(Idempotency, Result<Outcome, Refusal>)> {
        let found = self.remembered.get(&(actor.to_owned(), key.to_owned()));
        found.map(|(_, asked, answer)| (asked.clone(), answer.clone()))
    }
}
