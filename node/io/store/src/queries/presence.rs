//! What users do right now (USR-02), by their devices and the roster. Where they do it is nobody's business.

use crate::meetings::via_name;
use plenary_access::Presence;
use plenary_conference::Via;
use rusqlite::Row;

/// Has a device that is connected; for a query of `users u`.
const CONNECTED: &str = "EXISTS (SELECT 1 FROM sessions s WHERE s.user = u.id AND s.online_on IS NOT NULL)";

/// Has a place, is not away from it, and was not cut off, in a conference for which this holds.
fn placed(condition: &str) -> String {
    let by_device = Via::ALL.into_iter().filter(|via| via.needs_device());
    let by_device: Vec<_> = by_device.map(|via| format!("'{}'", via_name(via))).collect();
    format!(
        "EXISTS (SELECT 1 FROM participants p JOIN conferences c ON c.cid = p.cid
             WHERE p.person = 'account:' || u.id AND p.away_since IS NULL AND {condition}
             AND (p.via NOT IN ({}) OR {CONNECTED}))",
        by_device.join(", ")
    )
}

const CALL: &str = "c.call = 1";
const CONFERENCE: &str = "c.call = 0";
const OWN: &str = "c.call = 0 AND c.owner = u.id";

/// A column for [`presence_of`], of a query of `users u`.
pub(super) fn column() -> String {
    format!(
        "CASE WHEN u.active = 0 THEN 'disabled' WHEN {} THEN 'in_call' WHEN {} THEN 'owner'
             WHEN {} THEN 'in_conference' WHEN {CONNECTED} THEN 'online' ELSE 'offline' END",
        placed(CALL),
        placed(OWN),
        placed(CONFERENCE)
    )
}

pub(super) fn presence_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Presence> {
    Ok(match row.get_ref(column)?.as_str()? {
        "disabled" => Presence::Disabled,
        "in_call" => Presence::InCall,
        "owner" => Presence::Owner,
        "in_conference" => Presence::InConference,
        "online" => Presence::Online,
        _ => Presence::Offline,
    })
}

/// The condition of a filter, of a query of `users u`: who is in a meeting is online too, and who owns it is in it.
pub(super) fn condition(presence: Presence) -> String {
    let here = format!("({CONNECTED} OR {})", placed("1"));
    match presence {
        Presence::Disabled => "u.active = 0".to_owned(),
        Presence::Offline => format!("u.active = 1 AND NOT {here}"),
        Presence::Online => format!("u.active = 1 AND {here}"),
        Presence::InConference => format!("u.active = 1 AND {}", placed(CONFERENCE)),
        Presence::Owner => format!("u.active = 1 AND {}", placed(OWN)),
        Presence::InCall => format!("u.active = 1 AND {}", placed(CALL)),
    }
}
