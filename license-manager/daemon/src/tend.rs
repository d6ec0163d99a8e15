use crate::running::Running;
use plenary_identity::{Program, RevocationList};
use plenary_licences::{
    lessor,
    licence::Warning,
    manager::{Command, Files},
};
use plenary_links::clock_ms;
use plenary_model::{
    NodeId, Timestamp,
    membership::{Membership, Step, next_step},
};
use plenary_replication::Member;
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(200);
const MEMBERS_EVERY: Duration = Duration::from_millis(500);
const FILES_EVERY: Duration = Duration::from_secs(2);
/// How often it is looked which leases ran out; what was proposed is not proposed again before this.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);

/// Looks after leases while this replica leads; runs until the task is dropped.
pub(crate) async fn tend(running: Arc<Running>) {
    let mut changes = running.app.changes();
    let (mut led, mut judged, mut expired): (bool, Option<Instant>, Option<Instant>) = (false, None, None);
    let mut warned = None;
    loop {
        let waits = running.desk_waits_ms().map(Duration::from_millis);
        tokio::select! {
            // What is committed may let those go on who wait; it concerns nobody else.
            changed = changes.changed(), if waits.is_some() => if changed.is_err() { return },
            () = running.wake.notified() => {}
            () = tokio::time::sleep(waits.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)) => {}
        }
        if judged.is_none_or(|at| at.elapsed() >= FILES_EVERY) {
            judged = Some(Instant::now());
            judge(&running, &mut warned).await;
        }
        running.take_sample();
        let leads = running.leads();
        if leads != led {
            led = leads;
            running.clear_desk();
            running
                .counts
                .leaderships
                .fetch_add(u64::from(leads), Ordering::Relaxed);
            tracing::info!(leads, "this replica begins or ceases to lead");
            judged = None;
        }
        if !leads {
            continue;
        }
        if !running.reigns() {
            running.begin_reign().await;
        }
        let effects = running.at_desk(|desk, lessor, now| desk.poll(lessor, now));
        running.act(effects);
        if expired.is_none_or(|at| at.elapsed() >= EXPIRE_EVERY) {
            expired = Some(Instant::now());
            for command in running.app.due(plenary_license_manager_client::reading()) {
                lend(&running, command).await;
            }
        }
    }
}

async fn lend(running: &Running, command: lessor::Command) {
    if let Err(error) = running.command(None, Command::Lend(command)).await {
        tracing::debug!(%error, "housekeeping was not done; it is tried again");
    }
}

/// Judges the licence files, tells everybody, and has the log follow if this replica leads.
async fn judge(running: &Running, warned: &mut Option<Warning>) {
    let Some(files) = running.judge_files() else {
        return;
    };
    warn(&files, warned);
    let (seats, covers) = (files.pool.capacity(), files.pool.covers.clone());
    running.files.send_if_modified(|known| {
        let news = known.as_ref() != Some(&files);
        *known = Some(files);
        news
    });
    let same = running
        .app
        .look(|manager| manager.lessor.capacity() == seats && manager.lessor.covered() == covers.as_ref());
    if same == Some(false) && running.leads() {
        lend(running, lessor::Command::Licensed { seats, covers }).await;
    }
}

/// Says once for each step that a licence comes nearer to its end.
fn warn(files: &Files, warned: &mut Option<Warning>) {
    let now = Timestamp(clock_ms());
    let ends = files.judged.iter().filter(|file| file.refused.is_none());
    let next = ends
        .filter_map(|file| Warning::of(file.licence.as_ref()?.valid_until, now))
        .max();
    if next > *warned {
        tracing::warn!(warning = ?next, "a licence ends soon; ask the vendor to renew it");
    }
    *warned = next;
}

/// Keeps the members of the group those of the replicated state; runs until the task is dropped.
pub(crate) async fn members(running: Arc<Running>) {
    let mut tick = tokio::time::interval(MEMBERS_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        revoke(&running);
        if !running.leads() {
            continue;
        }
        if let Err(error) = step(&running).await {
            tracing::info!(%error, "a step of membership was not done; it is tried again");
        }
    }
}

/// Certificates of removed replicas count no more.
fn revoke(running: &Running) {
    let members: BTreeSet<NodeId> = running
        .replica
        .status()
        .members
        .keys()
        .map(|id| NodeId(*id))
        .collect();
    let Some((wanted, last)) = running.app.look(|manager| {
        let wanted: BTreeSet<NodeId> = manager.office.members.keys().copied().collect();
        (wanted, manager.office.last_member)
    }) else {
        return;
    };
    // While the majority still counts a removed replica, it must be heard.
    let gone: BTreeSet<(Program, NodeId)> = (1..=last.0)
        .map(NodeId)
        .filter(|id| !wanted.contains(id) && !members.contains(id))
        .map(|id| (Program::LicenseManager, id))
        .collect();
    if gone.is_empty() {
        return;
    }
    // Numbers are never given twice, so the list only grows and its length counts its versions.
    let list = RevocationList {
        version: gone.len() as u64,
        members: gone,
        ..RevocationList::empty(running.identity.ca().scope().clone())
    };
    let accepted = running
        .identity
        .sign_revocations(&list)
        .and_then(|signed| running.identity.accept_revocations(&signed));
    if let Err(error) = accepted {
        tracing::error!(%error, "certificates of removed replicas cannot be refused");
    }
}

async fn step(running: &Running) -> Result<(), plenary_replication::MembershipError> {
    let status = running.replica.status();
    let me = running.facts.member;
    let Some(wanted) = running.app.look(|manager| manager.office.members.clone()) else {
        return Ok(());
    };
    let ids = |voter: bool| {
        let members = status
            .members
            .iter()
            .filter(move |(_, member)| member.voter == voter);
        members.map(|(id, _)| NodeId(*id)).collect::<BTreeSet<_>>()
    };
    let lag = status.members.iter();
    let lag: std::collections::BTreeMap<NodeId, u64> = lag
        .filter_map(|(id, member)| Some((NodeId(*id), member.lag?)))
        .collect();
    let now = Membership {
        wanted: wanted
            .iter()
            .map(|(id, member)| (*id, member.address.clone()))
            .collect(),
        voters: ids(true),
        learners: ids(false),
        // The leader knows the lag of those that answered it.
        up: lag.keys().copied().chain([me]).collect(),
        lag,
        // A leader that cannot write any more lets another one lead.
        draining: status.disk_full.then_some(me).into_iter().collect(),
        leader: me,
    };
    match next_step(&now) {
        None => Ok(()),
        Some(Step::AddLearner { node, address }) => {
            let name = wanted
                .get(&node)
                .map(|member| member.name.to_string())
                .unwrap_or_default();
            tracing::info!(%node, %name, %address, "adding a replica");
            running
                .replica
                .add_learner(node.0, Member { name, address })
                .await
        }
        Some(Step::Promote(node)) => {
            tracing::info!(%node, "a replica has caught up: it votes from now on");
            running.replica.promote(node.0).await
        }
        Some(Step::Remove(node)) => {
            tracing::info!(%node, "removing a replica");
            running.replica.remove(node.0).await
        }
        Some(Step::HandOver(node)) => {
            tracing::info!(%node, "handing leadership over");
            running.replica.transfer_leader(node.0).await
        }
    }
}
