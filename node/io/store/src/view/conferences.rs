//! Conferences, as the rules see them.

use super::{StoreView, body, bound, number};
use plenary_access::View;
use plenary_conference::{Conference, SWEEP};
use plenary_model::{Cid, Timestamp, UserName};
use rusqlite::params;

/// Conferences that are scheduled or not (?1) and were used and changed last before ?2.
pub(crate) const UNUSED: &str = "FROM conferences c LEFT JOIN runs r ON r.cid = c.cid
     WHERE c.call = 0 AND c.next_start IS NULL AND c.scheduled = ?1 AND c.updated_at < ?2
         AND coalesce(r.started_at, 0) < ?2 AND coalesce(r.left_at, 0) < ?2
         AND coalesce(r.participants, 0) = 0 AND r.opened_at IS NULL";

impl plenary_conference::View for StoreView<'_> {
    fn conference(&self, cid: &Cid) -> Option<Conference> {
        self.one(
            "SELECT body FROM conferences WHERE cid = ?",
            [cid.as_str()],
            |row| body(row, 0),
        )
    }

    fn conference_called(&self, id: &Cid) -> Option<Conference> {
        self.one(
            "SELECT body FROM conferences WHERE id = ?",
            [id.as_str()],
            |row| body(row, 0),
        )
    }

    fn conferences(&self) -> u64 {
        self.one("SELECT count(*) FROM conferences", [], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn owned(&self, owner: &UserName) -> u64 {
        let sql = "SELECT count(*) FROM conferences WHERE owner = ?";
        self.one(sql, [owner.as_str()], |row| number(row, 0)).unwrap_or(0)
    }

    fn owned_by(&self, owner: &UserName) -> Vec<Conference> {
        let sql = "SELECT body FROM conferences WHERE owner = ? ORDER BY cid";
        self.all(sql, [owner.as_str()], |row| body(row, 0))
    }

    fn is_account(&self, user: &UserName) -> bool {
        self.one("SELECT 1 FROM users WHERE id = ?", [user.as_str()], |_| Ok(()))
            .is_some()
    }

    fn is_called(&self, name: &Cid) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1) OR EXISTS (SELECT 1 FROM aliases WHERE id = ?1)";
        self.one(sql, [name.as_str()], |row| row.get(0)).unwrap_or(true)
    }

    fn is_group_called(&self, name: &Cid) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM groups WHERE call_id = ?1)";
        self.one(sql, [name.as_str()], |row| row.get(0)).unwrap_or(true)
    }

    fn owners_choose_ids(&self) -> bool {
        View::settings(self).conference_ids.by_owners
    }

    fn unused_since(&self, before: Timestamp, scheduled: bool) -> Vec<Conference> {
        let query = format!("SELECT c.body {UNUSED} ORDER BY c.cid LIMIT {SWEEP}");
        self.all(&query, params![scheduled, bound(before)], |row| body(row, 0))
    }

    fn naming(&self, user: &UserName) -> Vec<Conference> {
        let sql = "SELECT body FROM conferences WHERE cid IN
                       (SELECT cid FROM conference_people WHERE user = ?1
                            UNION SELECT cid FROM layout_people WHERE user = ?1) ORDER BY cid";
        self.all(sql, [user.as_str()], |row| body(row, 0))
    }
}
