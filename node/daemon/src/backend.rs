//! What the REST API asks of the server, answered by the replicated store.

mod errors;

use crate::{federation, server::Server};
use async_trait::async_trait;
pub(crate) use errors::write_error;
use errors::{query_error, read_error};
use plenary_access::{
    Actor, ActorKind, AddressBookRow, AdminRole, Alias, Avatar, Change, Command, Document, Event, EventQuery,
    Group, GroupRow, GuestPage, ListQuery, NewDirectoryLink, NodeRow, Page, PasswordHash, PastDocument,
    Profile, Refusal, Scheme, Session, Settings, Standing, TokenHash, UserQuery, UserRow,
};
use plenary_cluster::ClusterReport;
use plenary_conference::{
    Call, CallQuery, Conference, ConferenceQuery, Line, Participant, PartnerInvitation, PastRun, Run, RunId,
    ShutOut, Template, TemplateId, TemplateQuery, Visit, Watcher,
};
use plenary_contracts::cluster::v1::steer_request::Act;
use plenary_federation::{LocalName, Pages};
use plenary_licences::licence::PublicKey;
use plenary_licensing::Desk;
use plenary_model::{
    AliasName, CallString, Cid, GroupId, GuestId, NodeName, Revision, ServerName, Timestamp, UserName,
};
use plenary_replication::Stamp;
use plenary_rest_api::backend::{
    Applied, Backend, DirectoryView, Look, Looked, ManagerLink, ManagerOverview, OverseeAct, PartnerTried,
    Partners, ProSeat, ReadError, Registered, SearchResult, WithoutPro, WriteError,
};
use plenary_store::{AnyCommand, QueryError, queries};
use rusqlite::Connection;
use std::{path::PathBuf, time::Duration};

/// How long a read that carries an index waits for this node to get there.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(2);
/// How long who calls somebody of a partner's server waits for what that one says of it.
const TOLD_WITHIN: Duration = Duration::from_secs(6);

fn pro_seat(row: queries::ProRow) -> ProSeat {
    ProSeat {
        user: row.user,
        display_name: row.display_name,
        holding: row.holding,
        seated: row.seated,
        places: row.places,
    }
}

impl Server {
    /// Runs a query on the local copy.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, QueryError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.replica
            .read(query)
            .await
            .map_err(read_error)?
            .map_err(query_error)
    }

    async fn node_named(&self, name: &NodeName) -> Result<NodeRow, WriteError> {
        let rows = self
            .node_rows()
            .await
            .map_err(|error| WriteError::Internal(error.into()))?;
        let found = rows.into_iter().find(|row| row.name == *name);
        Ok(found.ok_or_else(|| Refusal::NotFound {
            what: "node".into(),
            id: name.to_string(),
        })?)
    }

    /// Acts of the leader that are not log entries need the same right as those that are.
    async fn require_admin(&self, by: &Actor) -> Result<(), WriteError> {
        let forbidden = || {
            WriteError::Refused(Refusal::Forbidden {
                needs: "full administrator".into(),
            })
        };
        match &by.kind {
            ActorKind::System => Ok(()),
            ActorKind::User(user) => {
                let user = self
                    .user(user.clone())
                    .await
                    .map_err(|error| WriteError::Internal(error.into()))?;
                let full = user.is_some_and(|row| row.user.admin == AdminRole::Full && row.user.active);
                full.then_some(()).ok_or_else(forbidden)
            }
            ActorKind::Anonymous => Err(forbidden()),
        }
    }

    /// What a command would do by this node's copy right now; changes nothing.
    async fn try_out(&self, command: impl Into<AnyCommand> + Send + 'static) -> Result<Applied, WriteError> {
        let (index, now_ms, level) = (self.applied() + 1, self.now_ms().0, self.replica.status().level);
        let at = Stamp {
            index,
            position: 0,
            now_ms,
            level,
        };
        let internal = |error: Box<dyn std::error::Error + Send + Sync>| WriteError::Internal(error);
        let reply = self
            .replica
            .read(move |db| plenary_store::rehearse(db, at, command))
            .await
            .map_err(|error| internal(error.into()))?
            .map_err(|error| internal(error.into()))?;
        Ok(Applied {
            index,
            outcome: reply?,
        })
    }

    /// The same of a command about licences and seats.
    pub(crate) async fn rehearse_licensing(
        &self,
        command: plenary_licensing::Command,
    ) -> Result<(), WriteError> {
        self.try_out(command).await.map(drop)
    }

    async fn change(&self, by: Actor, change: Change) -> Result<Applied, WriteError> {
        self.propose_command(&Command {
            by,
            idempotency: None,
            change,
        })
        .await
    }

    /// Refuses what nodes of older versions cannot read.
    pub(crate) fn all_know(&self, level: u32) -> Result<(), WriteError> {
        if self.replica.status().level < level {
            let text = "not every node knows this yet; try again once all run this version";
            return Err(Refusal::Conflict(text.into()).into());
        }
        Ok(())
    }
}

#[async_trait]
impl Backend for Server {
    async fn propose(&self, command: Command) -> Result<Applied, WriteError> {
        self.all_know(command.change.level())?;
        self.propose_command(&command).await
    }

    async fn propose_conference(&self, command: plenary_conference::Command) -> Result<Applied, WriteError> {
        crate::gate::propose(self, command).await
    }

    async fn propose_licensing(&self, command: plenary_licensing::Command) -> Result<Applied, WriteError> {
        self.all_know(command.change.level())?;
        if matches!(command.change, plenary_licensing::Change::AskForPro) && self.lessee.needs().is_some() {
            // Asking twice is asking once, and a refusal is not the last word.
            let again = plenary_licensing::Command {
                idempotency: None,
                ..command
            };
            return self.with_a_seat(|| self.propose_command(&again)).await;
        }
        self.propose_command(&command).await
    }

    async fn rehearse(&self, command: Command) -> Result<Applied, WriteError> {
        self.try_out(command).await
    }

    async fn fresh(&self) -> Result<u64, ReadError> {
        self.replica.read_index().await.map_err(read_error)
    }

    async fn wait_applied(&self, index: u64) -> Result<(), ReadError> {
        if self.replica.applied() >= index {
            return Ok(());
        }
        // What the leader has is all that any node can have given; nobody waits for more than that.
        match tokio::time::timeout(CATCH_UP_WITHIN, self.replica.read_index()).await {
            Ok(Ok(fresh)) if fresh < index => Err(ReadError::BadQuery(format!(
                "Plenary-Index: {index} was given by no node of this server; the newest is {fresh}"
            ))),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ReadError::Behind),
        }
    }

    fn applied(&self) -> u64 {
        self.replica.applied()
    }

    async fn users(&self, query: UserQuery) -> Result<Page<UserRow>, ReadError> {
        self.query(move |db| queries::users(db, &query)).await
    }

    async fn user(&self, id: UserName) -> Result<Option<UserRow>, ReadError> {
        self.query(move |db| queries::user(db, &id)).await
    }

    async fn credentials(&self, login: String) -> Result<Option<(UserRow, Option<PasswordHash>)>, ReadError> {
        self.query(move |db| queries::credentials(db, &login)).await
    }

    async fn avatar(&self, id: UserName) -> Result<Option<Avatar>, ReadError> {
        self.query(move |db| queries::avatar(db, &id)).await
    }

    async fn sessions(&self, user: UserName) -> Result<Vec<Session>, ReadError> {
        let now = self.now_ms();
        self.query(move |db| queries::sessions(db, &user, now)).await
    }

    async fn session(&self, token: TokenHash) -> Result<Option<(Session, UserRow)>, ReadError> {
        let now = self.now_ms();
        self.query(move |db| queries::session(db, &token, now)).await
    }

    async fn groups_of(&self, user: UserName) -> Result<Vec<Group>, ReadError> {
        self.query(move |db| queries::groups_of(db, &user)).await
    }

    async fn address_book(&self, user: UserName, list: ListQuery) -> Result<Page<AddressBookRow>, ReadError> {
        let mut page = self
            .query(move |db| queries::address_book(db, &user, &list))
            .await?;
        let me = &self.facts.server;
        self.neighbours.fill(me, &mut page.items, self.now_ms().0);
        Ok(page)
    }

    async fn look(&self, by: &UserName, server: &ServerName, name: &LocalName) -> Looked {
        self.look_elsewhere(by, server, name).await
    }

    async fn person(&self, viewer: UserName, user: UserName) -> Result<Option<Profile>, ReadError> {
        self.query(move |db| queries::person(db, &viewer, &user)).await
    }

    async fn groups(&self, list: ListQuery) -> Result<Page<GroupRow>, ReadError> {
        self.query(move |db| queries::groups(db, &list)).await
    }

    async fn group(&self, id: GroupId) -> Result<Option<GroupRow>, ReadError> {
        self.query(move |db| queries::group(db, &id)).await
    }

    async fn aliases(&self, list: ListQuery) -> Result<Page<Alias>, ReadError> {
        self.query(move |db| queries::aliases(db, &list)).await
    }

    async fn alias(&self, id: AliasName) -> Result<Option<Alias>, ReadError> {
        self.query(move |db| queries::alias(db, &id)).await
    }

    async fn group_behind(&self, call: CallString) -> Result<Option<Group>, ReadError> {
        self.query(move |db| queries::group_behind(db, &call)).await
    }

    async fn resolve(&self, call: CallString) -> Result<CallString, ReadError> {
        self.query(move |db| queries::resolve(db, &call)).await
    }

    async fn conferences(&self, query: ConferenceQuery) -> Result<Page<Conference>, ReadError> {
        self.query(move |db| queries::conferences(db, &query)).await
    }

    async fn directory(&self) -> Result<Option<DirectoryView>, ReadError> {
        self.directory_view().await
    }

    async fn directory_key(&self) -> Result<Option<String>, ReadError> {
        self.key_for_directory().await
    }

    fn new_directory(&self, addresses: Vec<String>) -> NewDirectoryLink {
        self.new_directory_link(addresses)
    }

    async fn search(&self, user: UserName, look: Look) -> Result<SearchResult, ReadError> {
        self.search_people(user, look).await
    }

    async fn partner_invitations(&self, user: UserName) -> Result<Vec<PartnerInvitation>, ReadError> {
        self.query(move |db| queries::partner_invitations(db, &user))
            .await
    }

    async fn runs_over(
        &self,
        of: Conference,
        user: Option<UserName>,
        list: ListQuery,
    ) -> Result<Page<(PastRun, u64)>, ReadError> {
        self.query(move |db| queries::runs_over(db, &of, user.as_ref(), &list))
            .await
    }

    async fn runs_with(
        &self,
        user: UserName,
        list: ListQuery,
    ) -> Result<Page<(PastRun, u64, Vec<Visit>)>, ReadError> {
        self.query(move |db| queries::runs_with(db, &user, &list)).await
    }

    async fn past_run(&self, of: Conference, run: RunId) -> Result<Option<(PastRun, u64)>, ReadError> {
        self.query(move |db| queries::past_run(db, &of, run)).await
    }

    async fn visits(
        &self,
        run: RunId,
        user: Option<UserName>,
        list: ListQuery,
    ) -> Result<Page<Visit>, ReadError> {
        self.query(move |db| queries::visits(db, run, user.as_ref(), &list))
            .await
    }

    async fn calls_of(
        &self,
        user: UserName,
        query: CallQuery,
        list: ListQuery,
    ) -> Result<Page<Call>, ReadError> {
        self.query(move |db| queries::calls_of(db, &user, &query, &list))
            .await
    }

    async fn conference(&self, id: Cid) -> Result<Option<Conference>, ReadError> {
        self.query(move |db| queries::conference_called(db, &id)).await
    }

    async fn conference_at(&self, cid: Cid) -> Result<Option<Conference>, ReadError> {
        self.query(move |db| queries::conference(db, &cid)).await
    }

    async fn call(&self, cid: Cid) -> Result<Option<Call>, ReadError> {
        self.query(move |db| queries::call(db, &cid)).await
    }

    async fn call_told(&self, cid: Cid) -> Result<(), ReadError> {
        let told = federation::until_told(self, &cid);
        // Whoever waits longer sees how it goes on.
        tokio::time::timeout(TOLD_WITHIN, told).await.unwrap_or(Ok(()))
    }

    async fn calls(&self, user: UserName, most: u32) -> Result<Vec<Call>, ReadError> {
        self.query(move |db| queries::calls(db, &user, most)).await
    }

    async fn rings(&self, cid: Cid, since: Timestamp, most: usize) -> Result<Vec<(Call, String)>, ReadError> {
        self.query(move |db| queries::rings(db, &cid, since, most)).await
    }

    async fn names(&self, users: Vec<UserName>) -> Result<Vec<(UserName, String)>, ReadError> {
        self.query(move |db| queries::names(db, &users)).await
    }

    async fn runs(&self, cids: Vec<Cid>) -> Result<Vec<Run>, ReadError> {
        self.query(move |db| queries::runs_of(db, &cids)).await
    }

    async fn templates(&self, query: TemplateQuery) -> Result<Page<Template>, ReadError> {
        self.query(move |db| queries::templates(db, &query)).await
    }

    async fn template(&self, id: TemplateId) -> Result<Option<Template>, ReadError> {
        self.query(move |db| queries::template(db, id)).await
    }

    async fn registrants(
        &self,
        cid: Cid,
        list: ListQuery,
    ) -> Result<Page<plenary_conference::Registrant>, ReadError> {
        self.query(move |db| queries::registrants(db, &cid, &list)).await
    }

    async fn registrant(&self, id: GuestId) -> Result<Option<plenary_conference::Registrant>, ReadError> {
        self.query(move |db| queries::registrant(db, &id)).await
    }

    async fn registered(&self, cid: Cid) -> Result<Registered, ReadError> {
        let counts = self.query(move |db| queries::registered(db, &cid)).await?;
        Ok(Registered {
            registered: counts.registered,
            came: counts.came,
        })
    }

    async fn roster(&self, cid: Cid) -> Result<Vec<Participant>, ReadError> {
        self.query(move |db| queries::roster(db, &cid)).await
    }

    async fn watchers(&self, cid: Cid) -> Result<Vec<(Watcher, String)>, ReadError> {
        self.query(move |db| queries::named_watchers(db, &cid)).await
    }

    async fn removed(&self, cid: Cid) -> Result<Vec<ShutOut>, ReadError> {
        self.query(move |db| queries::shut_out(db, &cid)).await
    }

    async fn strangers_inside(
        &self,
        federated: bool,
        limit: u32,
    ) -> Result<Vec<(Participant, Cid, String)>, ReadError> {
        self.query(move |db| queries::strangers_inside(db, federated, limit))
            .await
    }

    async fn chat(&self, cid: Cid, after: u64, limit: u32) -> Result<Vec<Line>, ReadError> {
        self.query(move |db| queries::chat(db, &cid, after, limit)).await
    }

    async fn settings(&self) -> Result<Settings, ReadError> {
        self.query(queries::settings).await
    }

    async fn guest_page(&self) -> Result<GuestPage, ReadError> {
        self.query(queries::guest_page).await
    }

    async fn document(&self, place: u8) -> Result<Option<Document>, ReadError> {
        self.query(move |db| queries::document(db, place)).await
    }

    async fn past_documents(&self, place: u8) -> Result<Vec<PastDocument>, ReadError> {
        self.query(move |db| queries::past_documents(db, place)).await
    }

    async fn past_document(&self, place: u8, version: Revision) -> Result<Option<Document>, ReadError> {
        self.query(move |db| queries::past_document(db, place, version))
            .await
    }

    async fn logo(&self, scheme: Scheme) -> Result<Option<Avatar>, ReadError> {
        self.query(move |db| queries::logo(db, scheme)).await
    }

    async fn events(&self, query: EventQuery) -> Result<Page<Event>, ReadError> {
        self.query(move |db| queries::events(db, &query)).await
    }

    async fn nodes(&self) -> Result<Vec<NodeRow>, ReadError> {
        self.query(queries::nodes).await
    }

    async fn desk(&self) -> Result<Option<Desk>, ReadError> {
        self.query(queries::desk).await
    }

    async fn license_manager(&self) -> Result<Option<ManagerLink>, ReadError> {
        Ok(self.manager_link().await)
    }

    async fn connect_license_manager(&self, by: Actor, token: String) -> Result<Applied, WriteError> {
        self.require_admin(&by).await?;
        self.connect_manager(by, &token).await
    }

    async fn oversee(&self, by: Actor, act: OverseeAct) -> Result<ManagerOverview, WriteError> {
        if act != OverseeAct::Look {
            self.require_admin(&by).await?;
        }
        self.oversee_manager(&by, act).await
    }

    async fn standing_to(&self, server: ServerName) -> Result<Standing, ReadError> {
        self.query(move |db| queries::standing(db, &server)).await
    }

    async fn pages_of(&self, server: ServerName) -> Option<Pages> {
        self.pages_of(&server).await.into_iter().next()
    }

    async fn server_at(&self, pages: Pages) -> Option<ServerName> {
        self.server_at(&pages).await
    }

    async fn partners(&self) -> Result<Partners, ReadError> {
        self.all_partners().await
    }

    async fn release_partner(&self, server: ServerName) {
        self.release(&server).await;
    }

    async fn try_partner(&self, server: ServerName) -> Option<PartnerTried> {
        self.reach_out(&server).await
    }

    async fn seat_figures(&self) -> Result<Option<plenary_seats::Figures>, ReadError> {
        let figures = self.query(queries::figures).await?;
        Ok(figures.map(|figures| figures.seats))
    }

    async fn pro_of(&self, user: UserName) -> Result<Option<ProSeat>, ReadError> {
        let row = self.query(move |db| queries::pro_of(db, &user)).await?;
        Ok(row.map(pro_seat))
    }

    async fn pro_seats(&self, permanent: bool, list: ListQuery) -> Result<Page<ProSeat>, ReadError> {
        let page = self
            .query(move |db| queries::pro_seats(db, permanent, &list))
            .await?;
        Ok(Page {
            items: page.items.into_iter().map(pro_seat).collect(),
            total: page.total,
            next: page.next,
        })
    }

    async fn without_pro(&self, permanent: bool, list: ListQuery) -> Result<Page<WithoutPro>, ReadError> {
        let page = self
            .query(move |db| queries::without_pro(db, permanent, &list))
            .await?;
        let row = |row: queries::WithoutProRow| WithoutPro {
            user: row.user,
            display_name: row.display_name,
            since: row.since,
        };
        Ok(Page {
            items: page.items.into_iter().map(row).collect(),
            total: page.total,
            next: page.next,
        })
    }

    fn now(&self) -> Timestamp {
        self.now_ms()
    }

    fn licence_keys(&self) -> Vec<PublicKey> {
        self.licence_keys.get().cloned().unwrap_or_default()
    }

    async fn cluster(&self) -> Result<ClusterReport, ReadError> {
        self.report().await
    }

    async fn invite(&self, by: Actor, ttl_s: u64) -> Result<(String, Timestamp), WriteError> {
        self.make_invitation(by, ttl_s).await
    }

    async fn promote(&self, by: Actor, node: NodeName) -> Result<(), WriteError> {
        self.require_admin(&by).await?;
        let row = self.node_named(&node).await?;
        self.steer(Act::Promote(row.id.0)).await
    }

    async fn hand_over(&self, by: Actor, node: NodeName) -> Result<(), WriteError> {
        self.require_admin(&by).await?;
        let row = self.node_named(&node).await?;
        self.steer(Act::HandOver(row.id.0)).await
    }

    async fn drain(&self, by: Actor, node: NodeName, drain: bool) -> Result<(), WriteError> {
        let row = self.node_named(&node).await?;
        self.change(by, Change::DrainNode { node: row.id, drain })
            .await
            .map(drop)
    }

    async fn remove_node(&self, by: Actor, node: NodeName) -> Result<(), WriteError> {
        let row = self.node_named(&node).await?;
        self.change(by, Change::RemoveNode { node: row.id })
            .await
            .map(drop)
    }

    async fn backup(&self) -> Result<PathBuf, ReadError> {
        self.write_backup()
            .await
            .map_err(|error| ReadError::Internal(error.into()))
    }
}
