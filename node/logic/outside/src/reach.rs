//! What is open to the outside: each method of each path is decided here, and what nobody decided is not open.

/// Whether the outside reaches something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// For everybody: who may do it is asked there.
    Open,
    /// For the inside alone: administration, and what tells of the inside.
    Inside,
}

/// A path, whose parts in braces stand for any one part; methods that are open, and those that are for the inside.
struct Place {
    path: &'static str,
    open: &'static str,
    inside: &'static str,
}

const fn open(path: &'static str, methods: &'static str) -> Place {
    both(path, methods, "")
}

const fn inside(path: &'static str, methods: &'static str) -> Place {
    both(path, "", methods)
}

const fn both(path: &'static str, open: &'static str, inside: &'static str) -> Place {
    Place { path, open, inside }
}

/// Under `/api/v1`, in the order of the interface's description. The rule: what asks for an administrator's role is for the inside.
/// What people do to their own things is open, also where administrators do it to those of others: from outside they are none.
const CALLS: &[Place] = &[
    inside("/aliases", "GET POST"),
    inside("/aliases/{id}", "GET PATCH DELETE"),
    inside("/backup", "GET"),
    inside("/border-controllers", "GET"),
    inside("/border-controllers/invitations", "POST"),
    inside("/border-controllers/{name}", "DELETE"),
    open("/calls", "GET POST"),
    open("/calls/{cid}", "GET"),
    open("/calls/{cid}/decline", "POST"),
    open("/calls/{cid}/widen", "POST"),
    inside("/cluster", "GET"),
    inside("/cluster/invitations", "POST"),
    inside("/cluster/leader", "POST"),
    inside("/cluster/nodes/{name}", "DELETE"),
    inside("/cluster/nodes/{name}/drain", "POST"),
    inside("/cluster/nodes/{name}/promote", "POST"),
    open("/conferences", "GET POST"),
    open("/conferences/{cid}", "GET PATCH DELETE"),
    open("/conferences/{cid}/acts", "POST"),
    open("/conferences/{cid}/calendar", "GET"),
    open("/conferences/{cid}/calls", "GET POST DELETE"),
    open("/conferences/{cid}/calls/{user}", "DELETE"),
    open("/conferences/{cid}/chat", "GET POST"),
    open("/conferences/{cid}/chat/{line}", "DELETE"),
    open("/conferences/{cid}/door", "GET"),
    open("/conferences/{cid}/door/calendar", "GET"),
    open("/conferences/{cid}/door/registration", "POST"),
    open("/conferences/{cid}/guests", "POST"),
    open("/conferences/{cid}/guests/forgotten", "POST"),
    open("/conferences/{cid}/participants", "GET"),
    open("/conferences/{cid}/people", "GET"),
    open("/conferences/{cid}/registrants", "GET POST"),
    open("/conferences/{cid}/registrants.csv", "GET"),
    open("/conferences/{cid}/registrants/{registrant}", "DELETE"),
    open("/conferences/{cid}/removed", "GET"),
    open("/conferences/{cid}/removed/{id}", "DELETE"),
    open("/conferences/{cid}/runs", "GET"),
    open("/conferences/{cid}/runs/{run}", "GET"),
    open("/conferences/{cid}/runs/{run}/visits", "GET"),
    open("/conferences/{cid}/runs/{run}/visits.csv", "GET"),
    open("/conferences/{cid}/watchers", "GET"),
    inside("/directory", "GET PATCH"),
    inside("/directory/activate", "POST"),
    inside("/directory/deactivate", "POST"),
    inside("/directory/key", "GET"),
    both("/documents/{place}", "GET", "PUT DELETE"),
    inside("/documents/{place}/versions", "GET"),
    inside("/documents/{place}/versions/{version}", "GET"),
    inside("/events", "GET"),
    inside("/events.csv", "GET"),
    inside("/federation/partners", "GET"),
    inside("/federation/partners/{server}", "GET PUT DELETE"),
    inside("/federation/partners/{server}/release", "POST"),
    inside("/federation/test", "POST"),
    inside("/groups", "GET POST"),
    inside("/groups/{id}", "GET PATCH DELETE"),
    inside("/groups/{id}/members", "GET POST"),
    inside("/groups/{id}/visitors", "GET"),
    inside("/licence", "GET POST"),
    inside("/licence/confirmations", "POST"),
    inside("/licence/manager", "POST DELETE"),
    inside("/licence/{licence}", "DELETE"),
    inside("/licence/{licence}/request", "GET"),
    inside("/license-manager", "GET"),
    inside("/license-manager/servers/{server}/declare-dead", "POST"),
    inside("/license-manager/servers/{server}/recall", "POST"),
    both("/logos/{scheme}", "GET", "PUT DELETE"),
    open("/look", "GET"),
    open("/me", "GET PATCH"),
    open("/me/agenda", "GET"),
    open("/me/avatar", "GET PUT DELETE"),
    open("/me/calls", "GET"),
    open("/me/conference-defaults", "GET"),
    open("/me/contacts", "GET PUT DELETE"),
    open("/me/invitations", "GET"),
    open("/me/invitations/{id}", "DELETE"),
    open("/me/pages", "GET"),
    open("/me/partners/{server}", "GET"),
    open("/me/password", "POST"),
    open("/me/password-policy", "GET"),
    open("/me/pro", "GET POST"),
    open("/me/runs", "GET"),
    open("/me/search", "GET"),
    open("/me/sessions", "GET"),
    open("/me/sessions/{id}", "DELETE"),
    open("/people/{id}", "GET"),
    open("/resolve", "GET"),
    inside("/seats", "GET PATCH"),
    inside("/seats/pick", "POST"),
    inside("/seats/pro", "GET"),
    inside("/seats/pro/{user}", "DELETE"),
    inside("/seats/without", "GET"),
    open("/server", "GET"),
    open("/session", "POST DELETE"),
    inside("/settings", "GET PATCH"),
    open("/templates", "GET POST"),
    open("/templates/{template}", "GET PATCH DELETE"),
    inside("/users", "GET POST"),
    inside("/users.csv", "GET"),
    inside("/users/import", "POST"),
    inside("/users/{id}", "GET PATCH DELETE"),
    inside("/users/{id}/avatar", "GET PUT DELETE"),
    inside("/users/{id}/calls", "GET"),
    inside("/users/{id}/contacts", "GET"),
    inside("/users/{id}/disconnect", "POST"),
    inside("/users/{id}/runs", "GET"),
    inside("/users/{id}/sessions", "GET"),
    inside("/users/{id}/unlock", "POST"),
];
const API: &str = "/api/v1";

/// What else a node serves. Files of the administration's pages are program text that everybody has; they lead nowhere from outside.
const OTHERS: &[Place] = &[
    // Which calls there are beside the open ones.
    inside("/api/v1/openapi.json", "GET"),
    // Signalling; see `SIGNAL`.
    open(SIGNAL, "GET"),
    // Programs that publish and watch sign in as people do, and are people's at home as well.
    open("/whip/{cid}", "POST"),
    open("/whip/{cid}/{session}", "PATCH DELETE"),
    open("/whep/{cid}", "POST"),
    open("/whep/{cid}/{session}", "PATCH DELETE"),
    // What every handshake shows anyway, for those whose devices have to know it.
    open("/ca.pem", "GET"),
    open("/", "GET"),
    open("/assets/{file}", "GET"),
    open("/calls.js", "GET"),
    open("/favicon.svg", "GET"),
    open("/m/{cid}", "GET"),
    open("/w/{cid}", "GET"),
    open("/contacts", "GET"),
    open("/devices", "GET"),
    open("/history", "GET"),
    open("/home", "GET"),
    open("/meetings", "GET"),
    open("/meetings/calendar", "GET"),
    open("/meetings/templates", "GET"),
    open("/password", "GET"),
    open("/profile", "GET"),
    open("/rights", "GET"),
    inside("/admin", "GET"),
    inside("/admin/aliases", "GET"),
    inside("/admin/backup", "GET"),
    inside("/admin/border", "GET"),
    inside("/admin/conferences", "GET"),
    inside("/admin/conferences/templates", "GET"),
    inside("/admin/directory", "GET"),
    inside("/admin/events", "GET"),
    inside("/admin/groups", "GET"),
    inside("/admin/groups/{id}", "GET"),
    inside("/admin/import", "GET"),
    inside("/admin/licence", "GET"),
    inside("/admin/license-manager", "GET"),
    inside("/admin/nodes", "GET"),
    inside("/admin/partners", "GET"),
    inside("/admin/settings", "GET"),
    inside("/admin/users", "GET"),
    inside("/admin/users/{id}", "GET"),
];

/// The one place where a request may become another kind of connection: a WebSocket (RFC 6455).
pub const SIGNAL: &str = "/api/v1/signal";

/// All that was decided: path, method, and how.
pub fn decided() -> impl Iterator<Item = (String, &'static str, Reach)> {
    let places = CALLS
        .iter()
        .map(|place| (API, place))
        .chain(OTHERS.iter().map(|place| ("", place)));
    places.flat_map(|(before, place)| {
        let path = format!("{before}{}", place.path);
        let open = place.open.split_whitespace().map(|method| (method, Reach::Open));
        let inside = place
            .inside
            .split_whitespace()
            .map(|method| (method, Reach::Inside));
        open.chain(inside)
            .map(move |(method, reach)| (path.clone(), method, reach))
            .collect::<Vec<_>>()
    })
}

/// What was decided of a method and a path, by its parts as [`crate::path::parts`] gives them; `None`: there is no such thing.
///
/// Of two that fit, the one whose first part to differ is not in braces counts, as routers have it. Where something is read, it is asked for
/// its head, too, and where anything is open, whether pages of other origins may (`OPTIONS`, as CORS does).
pub fn reach(method: &str, parts: &[&str]) -> Option<Reach> {
    let place = match parts {
        ["api", "v1", call @ ..] => best(CALLS, call).or_else(|| best(OTHERS, parts)),
        _ => best(OTHERS, parts),
    }?;
    let has = |methods: &str, method: &str| methods.split_whitespace().any(|one| one == method);
    let method = if method == "HEAD" { "GET" } else { method };
    if has(place.open, method) || (method == "OPTIONS" && !place.open.is_empty()) {
        return Some(Reach::Open);
    }
    (has(place.inside, method) || method == "OPTIONS").then_some(Reach::Inside)
}

fn best(places: &'static [Place], parts: &[&str]) -> Option<&'static Place> {
    let fitting = places.iter().filter(|place| fits(place.path, parts));
    fitting.min_by_key(|place| split(place.path).map(is_any).collect::<Vec<_>>())
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

fn is_any(part: &str) -> bool {
    part.starts_with('{')
}

fn fits(path: &str, parts: &[&str]) -> bool {
    let mut parts = parts.iter();
    split(path).all(|wanted| parts.next().is_some_and(|part| is_any(wanted) || *part == wanted))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, path: &str) -> Option<Reach> {
        let parts = crate::path::parts(path).expect("in its one form");
        reach(method, &parts)
    }

    #[test]
    fn people_reach_what_is_theirs_and_nobody_the_administration() {
        for (method, path) in [
            ("GET", "/"),
            ("HEAD", "/"),
            ("GET", "/m/weekly"),
            ("GET", "/assets/index-Bx1.js"),
            ("GET", "/api/v1/signal"),
            ("POST", "/api/v1/session"),
            ("OPTIONS", "/api/v1/session"),
            ("PATCH", "/api/v1/conferences/weekly"),
            ("GET", "/api/v1/conferences/weekly/registrants.csv"),
            ("GET", "/api/v1/documents/imprint"),
            ("OPTIONS", "/api/v1/documents/imprint"),
            ("POST", "/whip/weekly"),
        ] {
            assert_eq!(of(method, path), Some(Reach::Open), "{method} {path}");
        }
        for (method, path) in [
            ("GET", "/admin"),
            ("GET", "/admin/users/ann"),
            ("GET", "/api/v1/users"),
            ("OPTIONS", "/api/v1/users"),
            ("POST", "/api/v1/users/import"),
            ("PUT", "/api/v1/documents/imprint"),
            ("GET", "/api/v1/openapi.json"),
        ] {
            assert_eq!(of(method, path), Some(Reach::Inside), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/"),
            ("get", "/"),
            ("TRACE", "/"),
            ("CONNECT", "/api/v1/signal"),
            ("GET", "/metrics"),
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/Admin"),
            ("GET", "/ADMIN"),
            ("GET", "/API/v1/server"),
            ("GET", "/api"),
            ("GET", "/api/v2/server"),
            ("GET", "/assets/a/b"),
            ("GET", "/index.html"),
            ("GET", "/m"),
            ("GET", "/m/a/b"),
            ("DELETE", "/api/v1/users/import"),
            ("GET", "/no/such/page"),
        ] {
            assert_eq!(of(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn of_two_that_fit_the_one_that_names_it_counts() {
        const PLACES: &[Place] = &[open("/{a}/x", "GET"), open("/b/{c}", "GET"), open("/b/x", "GET")];
        let found = |parts: &[&str]| best(PLACES, parts).map(|place| place.path);
        assert_eq!(found(&["b", "x"]), Some("/b/x"));
        assert_eq!(found(&["b", "y"]), Some("/b/{c}"));
        assert_eq!(found(&["a", "x"]), Some("/{a}/x"));
        assert_eq!(found(&["a", "y"]), None);
    }
}
