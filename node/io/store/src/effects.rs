//! Carries effects out as rows.

use crate::{
    codec::{CodecError, encode},
    directory_link, found_by, guest_page, meetings, partners,
    schema::mode_name,
    view::{bound, sql},
};
use plenary_access::{
    Actor, ActorKind, AdminRole, Alias, BorderController, Contact, Decision, Effect, Event, EventDraft,
    EventKind, Group, Member, Session, TokenHash, User, fold,
};
use plenary_conference as conference;
use plenary_model::{GroupId, NodeId, Timestamp, UserName};
use plenary_replication::{AppError, Stamp};
use rusqlite::{Connection, Params, params};
use serde::Serialize;

/// Carries out a decision, each effect by `put`, and writes its events.
pub(crate) fn carry_out<E>(
    db: &Connection,
    at: Stamp,
    by: &Actor,
    decision: &Decision<E>,
    put: fn(&Connection, &E) -> Result<(), AppError>,
) -> Result<(), AppError> {
    for effect in &decision.effects {
        put(db, effect)?;
    }
    for draft in &decision.events {
        write_event(db, at, by, draft)?;
    }
    Ok(())
}

pub(crate) fn run(db: &Connection, query: &str, params: impl Params) -> Result<(), AppError> {
    db.prepare_cached(query)?.execute(params)?;
    Ok(())
}

pub(crate) fn body<T: Serialize>(value: &T) -> Result<Vec<u8>, AppError> {
    encode(value).map_err(|error: CodecError| AppError::Defect(format!("an object {error}")))
}

pub(crate) fn put(db: &Connection, effect: &Effect) -> Result<(), AppError> {
    match effect {
        Effect::Found { server, enterprise } => {
            fact(db, "server", server.as_str())?;
            fact(db, "enterprise", enterprise)
        }
        Effect::PutUser(user) => put_user(db, user),
        Effect::RemoveUser(id) => remove_user(db, id),
        Effect::PutPassword { user, password } => run(
            db,
            "INSERT OR REPLACE INTO passwords (user, hash) VALUES (?, ?)",
            [user.as_str(), &password.0],
        ),
        Effect::PutFailures {
            user,
            failures: Some(failures),
        } => run(
            db,
            "INSERT OR REPLACE INTO failures (user, count, last_at) VALUES (?, ?, ?)",
            params![user.as_str(), failures.count, sql(failures.last_at.0)],
        ),
        Effect::PutFailures { user, failures: None } => {
            run(db, "DELETE FROM failures WHERE user = ?", [user.as_str()])
        }
        Effect::PutAvatar {
            user,
            avatar: Some(avatar),
        } => run(
            db,
            "INSERT OR REPLACE INTO avatars (user, media_type, bytes) VALUES (?, ?, ?)",
            params![user.as_str(), avatar.media_type, avatar.bytes],
        ),
        Effect::PutAvatar { user, avatar: None } => {
            run(db, "DELETE FROM avatars WHERE user = ?", [user.as_str()])
        }
        Effect::PutGroup(group) => put_group(db, group),
        Effect::RemoveGroup(id) => remove_group(db, id),
        Effect::PutAlias(alias) => put_alias(db, alias),
        Effect::RemoveAlias(id) => {
            let meant = found_by::target(db, id.as_str())?;
            run(db, "DELETE FROM aliases WHERE id = ?", [id.as_str()])?;
            meant.map_or(Ok(()), |target| found_by::put_meant(db, &target))
        }
        Effect::PutContact { user, contact } => put_contact(db, user, contact),
        Effect::RemoveContact { user, call } => run(
            db,
            "DELETE FROM contacts WHERE user = ? AND call = ?",
            [user.as_str(), call.as_str()],
        ),
        Effect::PutSettings(settings) => run(
            db,
            "INSERT OR REPLACE INTO settings (id, body) VALUES (1, ?)",
            [body(settings)?],
        ),
        Effect::PutDocument(document) => guest_page::put_document(db, document),
        Effect::KeepDocument { document, until } => guest_page::keep_document(db, document, *until),
        Effect::RemoveDocument { place } => guest_page::remove_document(db, *place),
        Effect::PutLogo {
            scheme,
            logo,
            revision,
        } => guest_page::put_logo(db, *scheme, logo.as_ref(), *revision),
        Effect::PutPartner(partner) => partners::put(db, partner),
        Effect::RemovePartner(server) => partners::remove(db, server),
        Effect::PutDirectory(link) => directory_link::put(db, link),
        Effect::RemoveDirectory => directory_link::remove(db),
        Effect::AddSession { session, token } => add_session(db, session, *token),
        Effect::RemoveSession(id) => run(db, "DELETE FROM sessions WHERE id = ?", [id]),
        Effect::SetOnline { session, node } => run(
            db,
            "UPDATE sessions SET online_on = ? WHERE id = ?",
            params![node.map(|node| sql(node.0)), session],
        ),
        Effect::PutNode(member) => put_node(db, member),
        Effect::RemoveNode(NodeId(id)) => run(db, "DELETE FROM nodes WHERE id = ?", [sql(*id)]),
        Effect::PutInvitation(invitation) => run(
            db,
            "INSERT OR REPLACE INTO invitations (id, secret, expires_at) VALUES (?, ?, ?)",
            params![invitation.id, invitation.secret, sql(invitation.expires_at.0)],
        ),
        Effect::PutController(one) => put_controller(db, one),
        Effect::PutAcme(acme) => run(
            db,
            "INSERT OR REPLACE INTO acme (id, body) VALUES (1, ?)",
            [body(acme)?],
        ),
        Effect::RemoveInvitation(id) => run(db, "DELETE FROM invitations WHERE id = ?", [id]),
        Effect::Forget {
            invitations_until,
            keys_until,
        } => {
            run(
                db,
                "DELETE FROM invitations WHERE expires_at <= ?",
                [bound(*invitations_until)],
            )?;
            run(db, "DELETE FROM remembered WHERE at <= ?", [bound(*keys_until)])
        }
    }
}

pub(crate) fn put_conference(db: &Connection, effect: &conference::Effect) -> Result<(), AppError> {
    match effect {
        conference::Effect::Put(conference) => {
            let search = format!(
                "{} {} {} {}",
                conference.id(),
                conference.name,
                conference.description,
                conference.owner
            );
            run(
                db,
                "INSERT OR REPLACE INTO conferences (cid, owner, name, search, created_at, updated_at, body, next_start, call,
                     scheduled, mode, public, uninvited, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    conference.cid.as_str(),
                    conference.owner.as_str(),
                    fold(&conference.name),
                    fold(&search),
                    sql(conference.created_at.0),
                    sql(conference.updated_at.0),
                    body(conference)?,
                    conference.next.map(|next| sql(next.start.0)),
                    conference.call,
                    conference.launch.schedule().is_some(),
                    mode_name(conference.settings.mode),
                    conference.access == conference::Access::Public,
                    conference.settings.uninvited,
                    conference.id().as_str()
                ],
            )?;
            meetings::put(db, effect)
        }
        conference::Effect::Remove(cid) => {
            run(db, "DELETE FROM conferences WHERE cid = ?", [cid.as_str()])?;
            meetings::put(db, effect)
        }
        of_a_meeting => meetings::put(db, of_a_meeting),
    }
}

fn fact(db: &Connection, key: &str, value: &str) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)",
        [key, value],
    )
}

fn admin_rank(role: AdminRole) -> u8 {
    match role {
        AdminRole::None => 0,
        AdminRole::Security => 1,
        AdminRole::Full => 2,
    }
}

fn put_user(db: &Connection, user: &User) -> Result<(), AppError> {
    let profile = &user.profile;
    let mut search = user.id.to_string();
    for (_, value) in profile.fields() {
        if !value.is_empty() {
            search.push(' ');
            search.push_str(value);
        }
    }
    let email = (!profile.email.is_empty()).then(|| fold(&profile.email));
    run(
        db,
        "INSERT OR REPLACE INTO users (id, body, display, email, search, created_at, active, admin, locked_until)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            user.id.as_str(),
            body(user)?,
            fold(&profile.display_name),
            email,
            fold(&search),
            sql(user.created_at.0),
            user.active,
            admin_rank(user.admin),
            user.locked_until.map(|until| sql(until.0))
        ],
    )?;
    let mut known = db.prepare_cached("SELECT grp FROM members WHERE user = ?")?;
    let known: Vec<String> = known
        .query_map([user.id.as_str()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for group in known
        .iter()
        .filter(|group| !user.groups.iter().any(|id| id.as_str() == *group))
    {
        run(
            db,
            "DELETE FROM members WHERE grp = ? AND user = ?",
            [group, user.id.as_str()],
        )?;
    }
    for group in user
        .groups
        .iter()
        .filter(|id| !known.iter().any(|group| id.as_str() == group))
    {
        run(
            db,
            "INSERT OR IGNORE INTO members (grp, user) VALUES (?, ?)",
            [group.as_str(), user.id.as_str()],
        )?;
    }
    found_by::put(db, user)
}

fn put_controller(db: &Connection, one: &BorderController) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO border_controllers (id, body) VALUES (?, ?)",
        params![sql(one.id.0), body(one)?],
    )
}

fn remove_user(db: &Connection, id: &UserName) -> Result<(), AppError> {
    run(db, "DELETE FROM users WHERE id = ?", [id.as_str()])?;
    found_by::remove(db, id)?;
    for table in [
        "passwords",
        "failures",
        "avatars",
        "members",
        "contacts",
        "sessions",
        "partner_invitations",
    ] {
        run(db, &format!("DELETE FROM {table} WHERE user = ?"), [id.as_str()])?;
    }
    let actor = format!("user:{id}");
    run(db, "DELETE FROM remembered WHERE actor = ?", [actor])
}

fn put_group(db: &Connection, group: &Group) -> Result<(), AppError> {
    let folded = fold(&group.name);
    run(
        db,
        "INSERT OR REPLACE INTO groups (id, name, search, body, call_id) VALUES (?, ?, ?, ?, ?)",
        params![
            group.id.as_str(),
            folded,
            format!("{folded} {}", group.id),
            body(group)?,
            group.call_id.as_ref().map(UserName::as_str)
        ],
    )
}

fn remove_group(db: &Connection, id: &GroupId) -> Result<(), AppError> {
    run(db, "DELETE FROM groups WHERE id = ?", [id.as_str()])?;
    run(db, "DELETE FROM members WHERE grp = ?", [id.as_str()])
}

fn put_alias(db: &Connection, alias: &Alias) -> Result<(), AppError> {
    let meant = found_by::target(db, alias.id.as_str())?;
    run(
        db,
        "INSERT OR REPLACE INTO aliases (id, target, note, search, revision) VALUES (?, ?, ?, ?, ?)",
        params![
            alias.id.as_str(),
            alias.target.as_str(),
            alias.note,
            fold(&format!("{} {} {}", alias.id, alias.target, alias.note)),
            sql(alias.revision.0)
        ],
    )?;
    if let Some(before) = meant.filter(|before| before != alias.target.as_str()) {
        found_by::put_meant(db, &before)?;
    }
    found_by::put_meant(db, alias.target.as_str())
}

fn put_contact(db: &Connection, user: &UserName, contact: &Contact) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO contacts (user, call, body) VALUES (?, ?, ?)",
        params![user.as_str(), contact.call.as_str(), body(contact)?],
    )
}

fn add_session(db: &Connection, session: &Session, token: TokenHash) -> Result<(), AppError> {
    run(
        db,
        "INSERT INTO sessions (id, token, user, device, created_at, expires_at, online_on) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            session.id,
            token.0,
            session.user.as_str(),
            body(&session.device)?,
            sql(session.created_at.0),
            sql(session.expires_at.0),
            session.online_on.map(|node| sql(node.0))
        ],
    )
}

fn put_node(db: &Connection, member: &Member) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO nodes (id, name, body) VALUES (?, ?, ?)",
        params![sql(member.id.0), member.name.as_str(), body(member)?],
    )?;
    let mut last = db.prepare_cached("SELECT value FROM facts WHERE key = 'last_node'")?;
    let last: Option<String> = last.query_map([], |row| row.get(0))?.next().transpose()?;
    let last = last.and_then(|text| text.parse().ok()).unwrap_or(0);
    fact(db, "last_node", &member.id.0.max(last).to_string())
}

/// The name of a kind as it is stored and shown by the API.
pub(crate) fn kind_name(kind: EventKind) -> String {
    serde_json::to_value(kind)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn write_event(db: &Connection, at: Stamp, by: &Actor, draft: &EventDraft) -> Result<(), AppError> {
    let id: i64 = db
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM events")?
        .query_row([], |row| row.get(0))?;
    let actor = match &by.kind {
        ActorKind::User(user) => Some(user.clone()),
        ActorKind::Anonymous | ActorKind::System => draft.actor.clone(),
    };
    let event = Event {
        id: id.cast_unsigned(),
        at: Timestamp(at.now_ms),
        kind: draft.kind,
        success: draft.success,
        actor,
        address: by.address.clone(),
        user_agent: by.user_agent.clone(),
        object_kind: draft.object_kind.to_owned(),
        object: draft.object.clone(),
        description: draft.description.clone(),
        changes: draft.changes.clone(),
    };
    let actor = event.actor.as_ref().map(UserName::as_str);
    let mut search = format!(
        "{} {} {}",
        actor.unwrap_or_default(),
        event.object,
        event.description
    );
    for change in &event.changes {
        search.push(' ');
        search.push_str(&change.field);
    }
    run(
        db,
        "INSERT INTO events (id, at, kind, actor, object_kind, object, search, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            sql(at.now_ms),
            kind_name(event.kind),
            actor,
            event.object_kind,
            event.object,
            fold(&search),
            body(&event)?
        ],
    )
}
