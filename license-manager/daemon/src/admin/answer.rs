//! What administrators are told.

use super::Wish;
use crate::running::{NotDone, Running};
use plenary_licences::{
    Recall,
    lessor::{self, Standing},
    licence::{Covers, Request, Trust},
    manager::{Command, Guest, judge},
};
use plenary_links::clock_ms;
use plenary_member::admin::Said;
use plenary_model::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn answer(running: &Arc<Running>, by: String, wish: Wish) -> Said {
    match carry_out(running, by, wish).await {
        Ok(value) => Said::Done(value),
        Err(Refused { code, reason }) => Said::Refused { code, reason },
    }
}

struct Refused {
    code: String,
    reason: String,
}

impl Refused {
    fn new(code: &str, reason: impl ToString) -> Self {
        Self {
            code: code.to_owned(),
            reason: reason.to_string(),
        }
    }
}

impl From<NotDone> for Refused {
    fn from(error: NotDone) -> Self {
        let code = match &error {
            NotDone::Denied(denial) => denial.code(),
            NotDone::Propose(_) => "no_majority",
            NotDone::Defect(_) => "internal",
        };
        Self::new(code, &error)
    }
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<NotDone>() {
            Ok(error) => error.into(),
            Err(error) => Self::new("internal", format!("{error:#}")),
        }
    }
}

async fn carry_out(running: &Arc<Running>, by: String, wish: Wish) -> Result<Value, Refused> {
    let lend = |command| (Some(by.clone()), Command::Lend(command));
    let (by, command) = match wish {
        Wish::Status => return status(running).await,
        Wish::Licences => return licences(running).await,
        Wish::Servers => return servers(running).await,
        Wish::Members => return Ok(members(running)),
        Wish::Events { before, most } => return events(running, before, most).await,
        Wish::Backup { path } => return backup(running, path).await,
        Wish::InviteServer { server, ttl_s } => {
            return invite(running, by, Guest::Server(server), ttl_s).await;
        }
        Wish::InviteMember { ttl_s } => return invite(running, by, Guest::Member, ttl_s).await,
        Wish::Recall { server, seats } => return recall(running, &server, seats),
        Wish::RequestLicence { id } => return request(running, id).await,
        Wish::Install { text } => (Some(by), install(running, text).await?),
        Wish::RemoveLicence { id } => (Some(by), Command::RemoveLicence { id }),
        Wish::Oversee { server, may } => (Some(by), Command::Oversee { server, may }),
        Wish::RemoveServer { server } => (Some(by), Command::RemoveServer { server }),
        Wish::RemoveMember { name } => (Some(by), Command::RemoveMember { name }),
        Wish::DeclareDead { server } => lend(lessor::Command::DeclareDead { server }),
        Wish::Bounds { server, limits } => lend(lessor::Command::Limits { server, limits }),
        Wish::Ttl { ms } => lend(lessor::Command::Ttl { ms }),
        Wish::Recover => lend(lessor::Command::Recover {
            branch: rand::random(),
        }),
    };
    running.command(by, command).await?;
    running.wake.notify_one();
    Ok(Value::Null)
}

/// What was acknowledged anywhere before is seen; without a majority, what this replica has.
async fn freshen(running: &Running) -> bool {
    running.replica.read_index().await.is_ok()
}

async fn status(running: &Running) -> Result<Value, Refused> {
    let fresh = freshen(running).await;
    let raft = running.replica.status();
    let of = |leader: Option<u64>| leader.and_then(|id| Some(raft.members.get(&id)?.member.name.clone()));
    let known = running.app.look(|manager| {
        let lessor = &manager.lessor;
        json!({
            "pool": lessor.pool().to_string(),
            "standing": lessor.standing(),
            "capacity": lessor.capacity(),
            "leased": lessor.leased(),
            "ttl_s": lessor.ttl_ms() / 1000,
            "servers": manager.office.servers.len(),
            "position": lessor.position(),
        })
    });
    let mut value = known.unwrap_or_else(|| json!({}));
    value["manager"] = running.facts.manager.to_string().into();
    value["replica"] = running.facts.name.to_string().into();
    value["leader"] = of(raft.leader).into();
    value["term"] = raft.term.into();
    value["disk_full"] = raft.disk_full.into();
    value["fresh"] = fresh.into();
    value["warning"] = running.trust.warning().into();
    let development = running
        .files
        .borrow()
        .as_ref()
        .is_some_and(|files| files.pool.is_for_development);
    value["mark"] = development.then_some(Trust::MARK).into();
    Ok(value)
}

fn members(running: &Running) -> Value {
    let raft = running.replica.status();
    let office = running
        .app
        .look(|manager| manager.office.members.clone())
        .unwrap_or_default();
    let rows = office.iter().map(|(id, member)| {
        let known = raft.members.get(&id.0);
        json!({
            "name": member.name,
            "number": id,
            "address": member.address,
            "role": match known {
                _ if raft.leader == Some(id.0) => "leader",
                Some(known) if known.voter => "voter",
                Some(_) => "learner",
                None => "joining",
            },
            "behind": known.and_then(|known| known.lag),
        })
    });
    rows.collect()
}

async fn licences(running: &Running) -> Result<Value, Refused> {
    freshen(running).await;
    let files = running.judge_files().ok_or_else(no_state)?;
    let rows = files.judged.iter().map(|file| {
        let licence = file.licence.as_ref();
        json!({
            "licence": file.id.to_string(),
            "enterprise": licence.map(|licence| &licence.enterprise),
            "servers": licence.map(|licence| match &licence.covers {
                Covers::Any => json!("any"),
                Covers::Only(names) => json!(names),
            }),
            "seats": licence.map(|licence| licence.seats),
            "valid_until": licence.and_then(|licence| licence.valid_until),
            "counts": file.refused.is_none(),
            "reason": file.refused.as_ref().map(|error| error.code()),
            "why": file.refused.as_ref().map(ToString::to_string),
            "development": file.is_for_development,
        })
    });
    Ok(rows.collect())
}

fn no_state() -> Refused {
    Refused::new("no_state", "this replica has no state yet; try again in a moment")
}

async fn install(running: &Running, text: String) -> Result<Command, Refused> {
    freshen(running).await;
    let now = Timestamp(clock_ms());
    let judged = running
        .app
        .look(|manager| {
            judge(
                &manager.office,
                manager.lessor.pool(),
                text.as_bytes(),
                &running.trust,
                now,
            )
        })
        .ok_or_else(no_state)?;
    let (id, confirms) = judged.map_err(|error| Refused::new(error.code(), &error))?;
    Ok(match confirms {
        true => Command::Confirm { id, text },
        false => Command::Install { id, text },
    })
}

async fn request(running: &Running, id: plenary_licences::licence::LicenceId) -> Result<Value, Refused> {
    freshen(running).await;
    let pool = running.app.look(|manager| {
        let known = manager.office.licences.iter().any(|file| file.id == id);
        known.then(|| manager.lessor.pool())
    });
    let pool = pool
        .flatten()
        .ok_or_else(|| Refused::new("unknown", format!("there is no licence {id}; install it first")))?;
    let request = Request {
        licence: id,
        pool,
        made: Timestamp(clock_ms()),
        version: crate::run::VERSION.to_owned(),
    };
    Ok(json!({ "text": request.to_text() }))
}

async fn servers(running: &Running) -> Result<Value, Refused> {
    freshen(running).await;
    let heard = running.heard_ms();
    let rows = running.app.look(|manager| {
        let leases = manager.lessor.servers();
        let mut names: Vec<_> = manager.office.servers.iter().chain(leases.keys()).collect();
        names.sort();
        names.dedup();
        let rows = names.into_iter().map(|name| {
            let server = leases.get(name);
            let lease = server.and_then(|server| server.leases.get(&server.current()?));
            json!({
                "server": name,
                "leased": server.map(lessor::Server::leased).unwrap_or_default(),
                "used": lease.map(|lease| lease.used).unwrap_or_default(),
                "wanted": lease.map(|lease| lease.wanted).unwrap_or_default(),
                "guaranteed": server.map(|server| server.limits.guaranteed).unwrap_or_default(),
                "most": server.and_then(|server| server.limits.most),
                "leases": server.map_or(0, |server| server.leases.len()),
                "expected": manager.office.servers.contains(name),
                "oversees": manager.office.overseers.contains(name),
                "covered": manager.lessor.covers(name),
                // Only the leader talks with servers.
                "connected": heard.contains_key(name),
                "heard_ms": heard.get(name),
            })
        });
        rows.collect()
    });
    rows.ok_or_else(no_state)
}

async fn events(running: &Running, before: Option<i64>, most: u32) -> Result<Value, Refused> {
    freshen(running).await;
    let read = running
        .replica
        .read(move |db| crate::app::events(db, before, most.min(1000)))
        .await;
    let rows = read
        .map_err(|error| Refused::new("internal", &error))?
        .map_err(|error| Refused::new("internal", &error))?;
    let rows = rows.into_iter().map(|(number, text)| {
        let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
        value["number"] = number.into();
        value
    });
    Ok(rows.collect())
}

async fn backup(running: &Running, path: std::path::PathBuf) -> Result<Value, Refused> {
    let made = running.replica.backup(&path).await;
    let made =
        made.map_err(|error| Refused::new("backup_failed", format!("{:#}", anyhow::Error::from(error))))?;
    let private = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    std::fs::set_permissions(&path, private).map_err(anyhow::Error::from)?;
    Ok(json!({ "path": path, "entry": made.applied, "bytes": made.bytes, "sha256": made.sha256 }))
}

async fn invite(running: &Running, by: String, guest: Guest, ttl_s: u64) -> Result<Value, Refused> {
    let (token, expires) = running.invite(by, guest, ttl_s).await?;
    Ok(json!({ "token": token, "expires": expires }))
}

/// Only the leader has lines to servers; what is not heard is not remembered.
fn recall(
    running: &Running,
    server: &plenary_model::ServerName,
    seats: plenary_licences::Seats,
) -> Result<Value, Refused> {
    if !running.leads() {
        let text = "another replica leads and talks with the servers; run this on its machine (member list says which)";
        return Err(Refused::new("not_leader", text));
    }
    let epoch = running.app.look(|manager| {
        let serving = manager.lessor.standing() == Standing::Serving;
        serving
            .then(|| manager.lessor.servers().get(server)?.current())
            .flatten()
    });
    let epoch = epoch
        .flatten()
        .ok_or_else(|| Refused::new("unknown", format!("{server} holds no lease")))?;
    match running.recall(server, Recall { epoch, seats }) {
        true => Ok(Value::Null),
        false => Err(Refused::new(
            "not_connected",
            format!("{server} is not connected at the moment"),
        )),
    }
}
