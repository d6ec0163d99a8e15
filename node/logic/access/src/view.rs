use crate::{
    Acme, Alias, BorderController, Contact, DirectoryLink, Document, Group, Idempotency, Invitation, Member,
    Outcome, Partner, Refusal, Scheme, Session, Settings, User,
};
use plenary_model::{AliasName, CallString, GroupId, NodeId, NodeName, ServerName, UserName};

/// What the rules read of the replicated state while they decide.
///
/// Methods cannot fail: an implementation whose storage fails remembers that and answers as if nothing were
/// there, and its caller throws the decision away.
pub trait View {
    /// The server that was founded, with the name of its enterprise.
    fn founded(&self) -> Option<(ServerName, String)>;
    fn user(&self, id: &UserName) -> Option<User>;
    /// The account with this email, compared folded ([`crate::fold`]).
    fn user_with_email(&self, folded: &str) -> Option<UserName>;
    fn password(&self, id: &UserName) -> Option<crate::PasswordHash>;
    fn failures(&self, id: &UserName) -> Option<crate::Failures>;
    /// Active accounts with full administrator's rights.
    fn full_administrators(&self) -> u64;
    fn group(&self, id: &GroupId) -> Option<Group>;
    /// The group with this name, compared folded.
    fn group_named(&self, folded: &str) -> Option<GroupId>;
    /// The group that is called by this name.
    fn group_called(&self, name: &UserName) -> Option<GroupId>;
    fn members(&self, id: &GroupId) -> Vec<UserName>;
    /// Groups whose address book shows the members of this one.
    fn groups_showing(&self, id: &GroupId) -> Vec<Group>;
    fn alias(&self, id: &AliasName) -> Option<Alias>;
    fn contact(&self, user: &UserName, call: &CallString) -> Option<Contact>;
    fn contacts(&self, user: &UserName) -> u64;
    fn settings(&self) -> Settings;
    /// The document at a place, for who changes it.
    fn document(&self, place: u8) -> Option<Document>;
    fn has_logo(&self, scheme: Scheme) -> bool;
    /// What is written down of another server.
    fn partner(&self, server: &ServerName) -> Option<Partner>;
    /// Of how many something is.
    fn partners(&self) -> u64;
    /// The Directory in which people of this server are found.
    fn directory(&self) -> Option<DirectoryLink>;
    fn session(&self, id: &str) -> Option<Session>;
    fn sessions_of(&self, user: &UserName) -> Vec<Session>;
    /// Sessions that are online on a node.
    fn sessions_on(&self, node: NodeId) -> Vec<Session>;
    /// Sessions that ended by `now`, at most a thousand.
    fn expired_sessions(&self, now: plenary_model::Timestamp) -> Vec<Session>;
    /// Accounts whose lock ended by `now`, at most a thousand.
    fn expired_locks(&self, now: plenary_model::Timestamp) -> Vec<UserName>;
    fn node(&self, id: NodeId) -> Option<Member>;
    fn node_named(&self, name: &NodeName) -> Option<NodeId>;
    fn nodes(&self) -> Vec<Member>;
    /// The highest number that a node ever had.
    fn last_node(&self) -> NodeId;
    fn invitation(&self, id: &str) -> Option<Invitation>;
    /// Border Controllers in the order of their numbers, those that were removed as well.
    fn border_controllers(&self) -> Vec<BorderController>;
    /// What is kept of the certificate by ACME.
    fn acme(&self) -> Acme;
    /// What an earlier request with this key of this actor asked and got.
    fn remembered(&self, actor: &str, key: &str) -> Option<(Idempotency, Result<Outcome, Refusal>)>;
}
