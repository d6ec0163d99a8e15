//! Rows of what partners' servers are to be told, and of what they told.

use crate::{
    effects::{body as encoded, run},
    view::{StoreView, body, bound, number, sql},
};
use plenary_access::View;
use plenary_conference::{InboxView, Message, OutboxView, PartnerInvitation};
use plenary_model::{Cid, ServerName, Timestamp, UserId, UserName};
use plenary_replication::AppError;
use rusqlite::{Connection, params};

pub(crate) fn put(db: &Connection, message: &Message) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO outbox (cid, user, server, revision, created_at, body) VALUES (?, ?, ?, ?, ?, ?)",
        params![
            message.cid.as_str(),
            message.user.to_string(),
            message.user.server.as_str(),
            sql(message.revision.0),
            sql(message.created_at.0),
            encoded(message)?
        ],
    )
}

pub(crate) fn remove(db: &Connection, cid: &Cid, user: &UserId) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM outbox WHERE cid = ? AND user = ?",
        [cid.as_str(), &user.to_string()],
    )
}

pub(crate) fn put_invitation(db: &Connection, one: &PartnerInvitation) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO partner_invitations (user, server, cid, withdrawn, forget_at, body)
         VALUES (?, ?, ?, ?, ?, ?)",
        params![
            one.user.as_str(),
            one.server.as_str(),
            one.cid.as_str(),
            !one.is_open(),
            one.forget_at().map(bound),
            encoded(one)?
        ],
    )
}

impl OutboxView for StoreView<'_> {
    fn own_server(&self) -> Option<ServerName> {
        self.founded().map(|(server, _)| server)
    }

    fn message(&self, cid: &Cid, user: &UserId) -> Option<Message> {
        let query = "SELECT body FROM outbox WHERE cid = ? AND user = ?";
        self.one(query, [cid.as_str(), &user.to_string()], |row| body(row, 0))
    }

    fn messages(&self) -> u64 {
        self.one("SELECT count(*) FROM outbox", [], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn messages_to(&self, server: &ServerName) -> u64 {
        let query = "SELECT count(*) FROM outbox WHERE server = ?";
        self.one(query, [server.as_str()], |row| number(row, 0))
            .unwrap_or(0)
    }
}

impl InboxView for StoreView<'_> {
    fn partner_invitation(
        &self,
        server: &ServerName,
        cid: &Cid,
        user: &UserName,
    ) -> Option<PartnerInvitation> {
        let query = "SELECT body FROM partner_invitations WHERE user = ? AND server = ? AND cid = ?";
        let key = [user.as_str(), server.as_str(), cid.as_str()];
        self.one(query, key, |row| body(row, 0))
    }

    fn partner_invitations_of(&self, user: &UserName) -> u64 {
        let query = "SELECT count(*) FROM partner_invitations WHERE user = ? AND withdrawn = 0";
        self.one(query, [user.as_str()], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn partner_invitations_from(&self, user: &UserName, server: &ServerName) -> u64 {
        let query =
            "SELECT count(*) FROM partner_invitations WHERE user = ? AND server = ? AND withdrawn = 0";
        self.one(query, [user.as_str(), server.as_str()], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn partner_invitations_by(&self, server: &ServerName) -> u64 {
        let query = "SELECT count(*) FROM partner_invitations WHERE server = ?";
        self.one(query, [server.as_str()], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn has_old_partner_invitations(&self, now: Timestamp) -> bool {
        let query = "SELECT 1 FROM partner_invitations WHERE forget_at <= ?";
        self.one(query, [bound(now)], |_| Ok(())).is_some()
    }
}
