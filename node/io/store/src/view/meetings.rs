//! What the rules see of meetings, of those who may be in them, and of calls.

use super::{ENDS, StoreView, body, bound, ends_by, name, number, sql};
use crate::{
    history::{PAST_RUN, past_run_of},
    lines::{LINE, line_of},
    meetings::{
        ACCOUNT_PERSONS, FEDERATED_PERSONS, GUEST, GUEST_PERSONS, PARTICIPANT, RUN, attempts_of, guest_of,
        participant_of, person_key, place_of, run_of,
    },
    watchers::{REMOVED, WATCHER, removed_of, watcher_of},
};
use plenary_access::{PartnerTerms, TokenHash, View, Zones, rights_of_federated, rules::rights_of};
use plenary_conference::{
    Account, Attempts, Call, Guest, GuestId, Line, Participant, ParticipantId, Party, PastRun, Person,
    Removed, Run, RunId, SWEEP, Watcher,
};
use plenary_model::{Cid, GroupId, NodeId, Right, Rights, ServerName, Timestamp, UserName, limits};
use rusqlite::params;

const PLACES_OF_KIND: &str =
    "SELECT cid, id FROM participants WHERE person >= ? AND person < ? ORDER BY cid, id";

impl StoreView<'_> {
    /// The accounts that have a place in any conference, each once and ordered by ID.
    pub(crate) fn accounts_inside(&self) -> Vec<UserName> {
        self.accounts_in("true")
    }

    /// Of those the ones whose places are such.
    pub(crate) fn accounts_in(&self, which: &str) -> Vec<UserName> {
        let query = format!(
            "SELECT DISTINCT substr(person, 9) AS user FROM participants p
                 WHERE person >= ? AND person < ? AND {which} ORDER BY user"
        );
        self.all(&query, ACCOUNT_PERSONS, |row| name(row, 0))
    }

    /// Partners' servers of which people have a place in any conference, each once and ordered by name.
    pub(crate) fn servers_inside(&self) -> Vec<ServerName> {
        self.all(
            "SELECT DISTINCT substr(person, instr(person, '@') + 1) AS server FROM participants
                 WHERE person >= ? AND person < ? ORDER BY server",
            FEDERATED_PERSONS,
            |row| name(row, 0),
        )
    }
}

impl plenary_conference::MeetingView for StoreView<'_> {
    fn account(&self, user: &UserName) -> Option<Account> {
        let user = View::user(self, user)?;
        Some(Account {
            active: user.active,
            display_name: user.profile.display_name,
        })
    }

    fn start_of(&self, node: NodeId) -> Option<u64> {
        View::node(self, node).map(|member| member.epoch)
    }

    fn run_of(&self, cid: &Cid) -> Option<Run> {
        self.one(
            &format!("SELECT {RUN} FROM runs WHERE cid = ?"),
            [cid.as_str()],
            run_of,
        )
    }

    fn participant(&self, cid: &Cid, id: ParticipantId) -> Option<Participant> {
        let query = format!("SELECT {PARTICIPANT} FROM participants WHERE cid = ? AND id = ?");
        self.one(&query, params![cid.as_str(), sql(id.0)], participant_of)
    }

    fn line(&self, cid: &Cid, id: u64) -> Option<Line> {
        let query = format!("SELECT {LINE} FROM lines WHERE cid = ? AND id = ?");
        self.one(&query, params![cid.as_str(), sql(id)], line_of)
    }

    fn line_by_key(&self, cid: &Cid, person: &Person, key: &str) -> Option<Line> {
        let query = format!("SELECT {LINE} FROM lines WHERE cid = ? AND person = ? AND key = ?");
        self.one(&query, params![cid.as_str(), person_key(person), key], line_of)
    }

    fn places(&self, cid: &Cid, person: &Person) -> Vec<Participant> {
        let query =
            format!("SELECT {PARTICIPANT} FROM participants WHERE person = ? AND cid = ? ORDER BY id");
        self.all(
            &query,
            [person_key(person).as_str(), cid.as_str()],
            participant_of,
        )
    }

    fn places_of(&self, person: &Person) -> Vec<(Cid, ParticipantId)> {
        self.all(
            "SELECT cid, id FROM participants WHERE person = ? ORDER BY cid, id",
            [person_key(person)],
            place_of,
        )
    }

    fn is_operator(&self, user: &UserName) -> bool {
        let user = View::user(self, user);
        user.is_some_and(|user| rights_of(self, &user).allows(Right::Operator))
    }

    fn may_call(&self, user: &UserName) -> bool {
        let user = View::user(self, user);
        user.is_some_and(|user| rights_of(self, &user).allows(Right::MakeCalls))
    }

    fn may_share(&self, person: &Person) -> bool {
        match person {
            Person::Account(user) => {
                let user = View::user(self, user);
                user.is_some_and(|user| rights_of(self, &user).allows(Right::ShareScreen))
            }
            Person::Guest(_) => {
                let group = View::group(self, &GroupId::guests());
                group.is_some_and(|group| group.rights.allows(Right::ShareScreen))
            }
            Person::Federated(_) => {
                // What their own server takes away is kept with their place.
                let (home, group) = (
                    Rights(Right::ALL.into()),
                    View::group(self, &GroupId::federated()),
                );
                group
                    .is_some_and(|group| rights_of_federated(&home, &group.rights).allows(Right::ShareScreen))
            }
        }
    }

    fn zones(&self) -> Zones {
        View::settings(self).zones
    }

    fn account_places(&self) -> Vec<(Cid, ParticipantId)> {
        self.all(PLACES_OF_KIND, ACCOUNT_PERSONS, place_of)
    }

    fn guest_places(&self) -> Vec<(Cid, ParticipantId)> {
        self.all(PLACES_OF_KIND, GUEST_PERSONS, place_of)
    }

    fn federated_places(&self) -> Vec<(Cid, ParticipantId)> {
        self.all(PLACES_OF_KIND, FEDERATED_PERSONS, place_of)
    }

    fn places_from(&self, server: &ServerName) -> Vec<(Cid, ParticipantId)> {
        let [from, until] = FEDERATED_PERSONS;
        self.all(
            "SELECT cid, id FROM participants
                 WHERE person >= ?1 AND person < ?2 AND substr(person, -length(?3)) = ?3 ORDER BY cid, id",
            params![from, until, format!("@{server}")],
            place_of,
        )
    }

    fn partner_terms(&self, server: &ServerName) -> PartnerTerms {
        let own = View::partner(self, server).and_then(|partner| partner.terms);
        own.unwrap_or_else(|| View::settings(self).partner_terms)
    }

    fn federated_call(&self) -> bool {
        let group = View::group(self, &GroupId::federated());
        group.is_some_and(|group| group.rights.allows(Right::MakeCalls))
    }

    fn everybody(&self, cid: &Cid) -> Vec<Participant> {
        let query = format!("SELECT {PARTICIPANT} FROM participants WHERE cid = ? ORDER BY id");
        self.all(&query, [cid.as_str()], participant_of)
    }

    fn accounts_in(&self, cid: &Cid) -> Vec<UserName> {
        let [from, until] = ACCOUNT_PERSONS;
        self.all(
            "SELECT DISTINCT substr(person, 9) AS user FROM participants WHERE cid = ? AND person >= ? AND person < ?
                 ORDER BY user",
            [cid.as_str(), from, until],
            |row| name(row, 0),
        )
    }

    fn watcher(&self, cid: &Cid, id: ParticipantId) -> Option<Watcher> {
        let query = format!("SELECT {WATCHER} FROM watchers WHERE cid = ? AND id = ?");
        self.one(&query, params![cid.as_str(), sql(id.0)], watcher_of)
    }

    fn watching(&self, cid: &Cid) -> u64 {
        let query = "SELECT count(*) FROM watchers WHERE cid = ? AND removed_at IS NULL";
        self.one(query, [cid.as_str()], |row| number(row, 0)).unwrap_or(0)
    }

    fn watched_by(&self, user: &UserName) -> Vec<Watcher> {
        let query = format!("SELECT {WATCHER} FROM watchers WHERE user = ? ORDER BY cid, id");
        self.all(&query, [user.as_str()], watcher_of)
    }

    fn watched_on_other_starts(&self, node: NodeId, start: u64) -> Vec<Cid> {
        self.all(
            "SELECT DISTINCT cid FROM watchers WHERE node = ? AND epoch <> ? AND removed_at IS NULL ORDER BY cid",
            [sql(node.0), sql(start)],
            |row| name(row, 0),
        )
    }

    fn removed(&self, cid: &Cid) -> Vec<Removed> {
        let query = format!("SELECT {REMOVED} FROM removed WHERE cid = ? ORDER BY at, id");
        self.all(&query, [cid.as_str()], removed_of)
    }

    fn podium_of(&self, cid: &Cid) -> Vec<Participant> {
        let query = format!(
            "SELECT {PARTICIPANT} FROM participants WHERE cid = ? AND podium IS NOT NULL ORDER BY id"
        );
        self.all(&query, [cid.as_str()], participant_of)
    }

    fn runs_to_end(&self, now: Timestamp) -> Vec<Run> {
        let query = format!("SELECT {RUN} FROM runs WHERE {ENDS} ORDER BY cid LIMIT {SWEEP}");
        self.all(&query, ends_by(now), run_of)
    }

    fn attempts(&self, cid: &Cid, source: &str) -> Attempts {
        let query = "SELECT count, last_at FROM pin_attempts WHERE cid = ? AND source = ?";
        self.one(query, [cid.as_str(), source], attempts_of)
            .unwrap_or_default()
    }

    fn has_attempts_before(&self, until: Timestamp) -> bool {
        let query = "SELECT 1 FROM pin_attempts WHERE last_at < ? LIMIT 1";
        self.one(query, [bound(until)], |_| Ok(())).is_some()
    }

    fn places_of_guests(&self, cid: &Cid) -> Vec<ParticipantId> {
        let [from, until] = GUEST_PERSONS;
        self.all(
            "SELECT cid, id FROM participants WHERE cid = ? AND person >= ? AND person < ? ORDER BY id",
            [cid.as_str(), from, until],
            |row| place_of(row).map(|(_, id)| id),
        )
    }

    fn open_run(&self, cid: &Cid) -> Option<PastRun> {
        let query = format!(
            "SELECT {PAST_RUN} FROM past_runs WHERE cid = ? AND ended_at IS NULL ORDER BY id LIMIT 1"
        );
        self.one(&query, [cid.as_str()], past_run_of)
    }

    fn last_run(&self) -> RunId {
        let query = "SELECT coalesce(max(id), 0) FROM past_runs";
        RunId(self.one(query, [], |row| number(row, 0)).unwrap_or(0))
    }

    fn call(&self, cid: &Cid) -> Option<Call> {
        self.one("SELECT body FROM calls WHERE cid = ?", [cid.as_str()], |row| {
            body(row, 0)
        })
    }

    fn open_call_of(&self, user: &UserName) -> Option<Call> {
        let query = "SELECT body FROM calls WHERE over = 0 AND room IS NULL AND (caller = ?1 OR callee = ?1) ORDER BY cid LIMIT 1";
        self.one(query, [user.as_str()], |row| body(row, 0))
    }

    fn rang_since(&self, until: Timestamp) -> Vec<Call> {
        let query = format!(
            "SELECT body FROM calls WHERE answered = 0 AND over = 0 AND began_at < ? ORDER BY cid LIMIT {SWEEP}"
        );
        self.all(&query, [bound(until)], |row| body(row, 0))
    }

    fn callable_group(&self, id: &GroupId) -> Option<(UserName, String)> {
        let group = View::group(self, id)?;
        Some((group.call_id?, group.name))
    }

    fn members_there(&self, id: &GroupId) -> Vec<UserName> {
        let query = "SELECT m.user FROM members m JOIN users u ON u.id = m.user WHERE m.grp = ? AND u.active = 1
             AND EXISTS (SELECT 1 FROM sessions s WHERE s.user = m.user AND s.online_on IS NOT NULL) ORDER BY m.user";
        self.all(query, [id.as_str()], |row| name(row, 0))
    }

    fn rings_into(&self, cid: &Cid) -> Vec<Call> {
        let query = "SELECT body FROM calls WHERE room = ? AND over = 0 ORDER BY callee, cid";
        self.all(query, [cid.as_str()], |row| body(row, 0))
    }

    fn rings_of(&self, cid: &Cid, user: &Party, since: Timestamp) -> Vec<Call> {
        let query = format!(
            "SELECT body FROM calls WHERE room = ? AND callee = ? AND began_at >= ?
                 ORDER BY began_at DESC, cid DESC LIMIT {}",
            limits::RINGS_PER_RUN
        );
        let params = params![cid.as_str(), user.to_string(), bound(since)];
        self.all(&query, params, |row| body(row, 0))
    }

    fn rings_at(&self, user: &UserName) -> usize {
        let query = "SELECT count(*) FROM calls WHERE callee = ? AND over = 0 AND room IS NOT NULL";
        let count = self.one(query, [user.as_str()], |row| number(row, 0));
        count.map_or(0, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn calls_from_away(&self, user: &UserName) -> Vec<Call> {
        let query =
            "SELECT body FROM calls WHERE callee = ? AND over = 0 AND instr(caller, '@') > 0 ORDER BY cid";
        self.all(query, [user.as_str()], |row| body(row, 0))
    }

    fn answered_from_away(&self) -> Vec<Call> {
        let query =
            "SELECT body FROM calls WHERE over = 0 AND answered = 1 AND instr(caller, '@') > 0 ORDER BY cid";
        self.all(query, [], |row| body(row, 0))
    }

    fn rings_by(&self, caller: &UserName) -> Vec<Call> {
        let query =
            "SELECT body FROM calls WHERE caller = ? AND over = 0 AND room IS NOT NULL ORDER BY callee, cid";
        self.all(query, [caller.as_str()], |row| body(row, 0))
    }

    fn is_online(&self, user: &UserName) -> bool {
        let query = "SELECT 1 FROM sessions WHERE user = ? AND online_on IS NOT NULL LIMIT 1";
        self.one(query, [user.as_str()], |_| Ok(())).is_some()
    }

    fn rooms_on_other_starts(&self, node: NodeId, start: u64) -> Vec<Cid> {
        self.all(
            "SELECT DISTINCT cid FROM participants WHERE node = ? AND epoch <> ? AND away_since IS NULL ORDER BY cid",
            [sql(node.0), sql(start)],
            |row| name(row, 0),
        )
    }

    fn away_before(&self, until: Timestamp) -> Vec<(Cid, ParticipantId)> {
        let query = format!(
            "SELECT cid, id FROM participants WHERE away_since < ? ORDER BY away_since, cid, id LIMIT {SWEEP}"
        );
        self.all(&query, [bound(until)], place_of)
    }

    fn invited_before(&self, until: Timestamp) -> Vec<(Cid, ParticipantId)> {
        let query = format!(
            "SELECT cid, id FROM participants WHERE invited < ? ORDER BY invited, cid, id LIMIT {SWEEP}"
        );
        self.all(&query, [bound(until)], place_of)
    }

    fn guest(&self, id: &GuestId) -> Option<Guest> {
        let query = format!("SELECT {GUEST} FROM guests WHERE id = ?");
        self.one(&query, [id.as_str()], guest_of)
    }

    fn guest_with(&self, token: &TokenHash) -> Option<Guest> {
        let query = format!("SELECT {GUEST} FROM guests WHERE token = ?");
        self.one(&query, [token.0], guest_of)
    }

    fn guest_by_key(&self, key: &TokenHash) -> Option<Guest> {
        let query =
            format!("SELECT {GUEST} FROM guests WHERE key = ?1 OR key_before = ?1 ORDER BY id LIMIT 1");
        self.one(&query, [key.0], guest_of)
    }

    fn stored_guests(&self) -> u64 {
        let query = "SELECT coalesce(sum(count), 0) FROM guest_hours";
        self.one(query, [], |row| number(row, 0)).unwrap_or(0)
    }

    fn oldest_kept_guest(&self, now: Timestamp) -> Option<GuestId> {
        let query = "SELECT id FROM guests WHERE kept_until IS NOT NULL AND expires_at <= ?
                         ORDER BY kept_until, id LIMIT 1";
        self.one(query, [bound(now)], |row| name(row, 0))
    }

    fn guests_in(&self, cid: &Cid, now: Timestamp) -> u64 {
        let query = "SELECT count(*) FROM guests WHERE cid = ? AND expires_at > ?";
        self.one(query, params![cid.as_str(), bound(now)], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn unregistered_in(&self, cid: &Cid, since: Timestamp) -> u64 {
        let query = "SELECT
                 (SELECT count(*) FROM guests g WHERE g.cid = ?1 AND g.created_at > ?2
                      AND NOT EXISTS (SELECT 1 FROM registrants r WHERE r.id = g.id))
               + (SELECT count(DISTINCT p.person) FROM participants p JOIN guests g ON g.id = substr(p.person, 7)
                      WHERE p.cid = ?1 AND p.person >= ?3 AND p.person < ?4 AND g.created_at <= ?2
                      AND NOT EXISTS (SELECT 1 FROM registrants r WHERE r.id = g.id))";
        let [from, to] = GUEST_PERSONS;
        self.one(query, params![cid.as_str(), bound(since), from, to], |row| {
            number(row, 0)
        })
        .unwrap_or(0)
    }

    fn guests_from(&self, cid: &Cid, source: &str, now: Timestamp, most: u64) -> u64 {
        let query = "SELECT count(*) FROM
             (SELECT 1 FROM guests WHERE cid = ? AND source = ? AND expires_at > ? LIMIT ?)";
        let params = params![cid.as_str(), source, bound(now), sql(most)];
        self.one(query, params, |row| number(row, 0)).unwrap_or(0)
    }

    fn guests_about(&self, now: Timestamp) -> u64 {
        let query = "SELECT coalesce(sum(count), 0) FROM guest_hours WHERE hour >= ? / 3600000";
        self.one(query, [bound(now)], |row| number(row, 0)).unwrap_or(0)
    }

    fn guests(&self, now: Timestamp) -> u64 {
        let query = "SELECT count(*) FROM guests WHERE expires_at > ?";
        self.one(query, [bound(now)], |row| number(row, 0)).unwrap_or(0)
    }

    fn has_expired_guests(&self, now: Timestamp) -> bool {
        let query = "SELECT 1 FROM guests WHERE forget_at <= ? LIMIT 1";
        self.one(query, [bound(now)], |_| Ok(())).is_some()
    }
}
