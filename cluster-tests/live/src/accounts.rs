//! What the product promises of accounts, on a server of three nodes: whatever is said to one node holds on every other
//! one, and after all of them were started again.

use crate::{Place, Server};
use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

const PASSWORD: &str = "a-long-password-9";
const NODES: usize = 3;

/// Somebody who is signed in and goes from node to node.
struct Person<'a> {
    server: &'a Server,
    token: String,
    /// The newest that this person has written or seen; goes along, so that no node answers with less.
    seen: &'a AtomicU64,
}

struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn is(self, status: u16) -> anyhow::Result<Value> {
        ensure!(
            self.status == status,
            "answered with {} instead of {status}: {}",
            self.status,
            self.body
        );
        Ok(self.body)
    }

    /// Refused with this status and this code.
    fn refused(self, status: u16, code: &str) -> anyhow::Result<()> {
        let body = self.is(status)?;
        ensure!(body["code"] == code, "refused as {body}, not as {code}");
        Ok(())
    }
}

impl<'a> Person<'a> {
    async fn call(
        &self,
        node: usize,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.server.http.request(method, self.server.url(node, path));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let seen = self.seen.load(Ordering::Relaxed);
        let answer = request.header("Plenary-Index", seen.to_string()).send().await?;
        let index = answer.headers().get("plenary-index");
        let index = index.and_then(|value| value.to_str().ok()?.parse().ok());
        self.seen.fetch_max(index.unwrap_or(0), Ordering::Relaxed);
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, body })
    }

    async fn get(&self, node: usize, path: &str) -> anyhow::Result<Value> {
        self.call(node, Method::GET, path, None).await?.is(200)
    }

    async fn post(&self, node: usize, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call(node, Method::POST, path, Some(body)).await
    }

    async fn patch(&self, node: usize, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.call(node, Method::PATCH, path, Some(body)).await
    }

    /// Somebody signs in at a node.
    async fn sign_in(&self, node: usize, login: &str, password: &str) -> anyhow::Result<Answer> {
        let nobody = Person {
            token: String::new(),
            ..*self
        };
        let body = json!({ "login": login, "password": password });
        nobody.post(node, "/session", body).await
    }

    async fn signed_in(&self, node: usize, login: &str) -> anyhow::Result<Person<'a>> {
        let answer = self.sign_in(node, login, PASSWORD).await?.is(201)?;
        let token = answer["token"].as_str().context("a session has a token")?;
        Ok(Person {
            token: token.to_owned(),
            ..*self
        })
    }
}

/// Tells the whole story; each part is one promise.
pub async fn accounts() -> anyhow::Result<()> {
    let mut server = Server::start(vec![Place::local(); NODES]).await?;
    let seen = AtomicU64::new(0);
    let tokens = {
        let admin = administrator(&server, &seen);
        make_people(&admin).await?;
        lock_and_unlock(&admin).await?;
        policy_and_lifetime(&admin).await?;
        address_book(&admin).await?;
        security_administrator(&admin).await?;
        sessions_end_everywhere(&admin).await?
    };
    let before = everything(&administrator(&server, &seen), 0).await?;
    (0..NODES).try_for_each(|node| server.kill(node))?;
    (0..NODES).try_for_each(|node| server.launch(node))?;
    for node in 0..NODES {
        server.wait_ready(node).await?;
    }
    let admin = administrator(&server, &seen);
    for node in 0..NODES {
        let after = everything(&admin, node).await?;
        ensure!(
            before == after,
            "after the restart node {node} shows {after}, not {before}"
        );
        let (kept, ended) = &tokens;
        let person = |token: &String| Person {
            token: token.clone(),
            ..admin
        };
        person(kept).get(node, "/me").await?;
        let gone = person(ended).call(node, Method::GET, "/me", None).await?;
        gone.refused(401, "not-signed-in")?;
    }
    Ok(())
}

fn administrator<'a>(server: &'a Server, seen: &'a AtomicU64) -> Person<'a> {
    Person {
        server,
        token: server.token.clone(),
        seen,
    }
}

/// What must be the same before and after, on every node.
async fn everything(admin: &Person<'_>, node: usize) -> anyhow::Result<Value> {
    Ok(json!([
        admin.get(node, "/users/alice").await?,
        admin.get(node, "/users/bob/contacts").await?,
        admin.get(node, "/groups?limit=100").await?["items"],
        admin.get(node, "/aliases/front-desk").await?,
        admin.get(node, "/settings").await?,
    ]))
}

/// Accounts with all fields, groups, an alias: USR-01, USR-04, USR-09.
async fn make_people(admin: &Person<'_>) -> anyhow::Result<()> {
    let fields = json!({
        "display_name": "Алиса Martin", "email": "alice@example.com", "first_name": "Алиса", "middle_name": "B.",
        "last_name": "Martin", "organisation": "Example", "branch": "Paris", "department": "Sales",
        "job_title": "Head", "manager": "bob", "address": "1 rue de la Paix", "mobile_phone": "+33 6 00 00 00 00",
        "work_phone": "+33 1 00 00 00 00", "home_phone": "+33 1 00 00 00 01", "sip_number": "4711",
        "bandwidth": { "in_kbps": 2000, "out_kbps": 1000 },
    });
    let mut alice = fields.clone();
    alice["id"] = json!("alice");
    alice["password"] = json!(PASSWORD);
    admin.post(0, "/users", alice).await?.is(201)?;
    for id in ["bob", "carol", "eve", "борис"] {
        let body = json!({ "id": id, "password": PASSWORD, "display_name": id });
        admin.post(1, "/users", body).await?.is(201)?;
    }
    for node in 0..NODES {
        let read = admin.get(node, "/users/alice").await?;
        for (field, value) in fields.as_object().context("fields are an object")? {
            ensure!(
                read[field] == *value,
                "node {node} shows {field} as {}",
                read[field]
            );
        }
        let twice = json!({ "id": "Alice", "display_name": "Another" });
        admin.post(node, "/users", twice).await?.refused(409, "exists")?;
    }
    let desk = json!({ "id": "front-desk", "target": "alice" });
    admin.post(2, "/aliases", desk).await?.is(201)?;
    let bob = admin.signed_in(0, "bob").await?;
    let found = bob.get(1, "/resolve?call=front-desk").await?;
    ensure!(
        found["user_id"] == "alice@live.internal",
        "the alias leads to {found}"
    );
    Ok(())
}

/// Wrong passwords count on all nodes together; an administrator unlocks for all: USR-03, USR-10.
async fn lock_and_unlock(admin: &Person<'_>) -> anyhow::Result<()> {
    let lockout = json!({ "enabled": true, "duration_s": 3600, "attempts": 5, "window_s": 600 });
    admin
        .patch(0, "/settings", json!({ "lockout": lockout }))
        .await?
        .is(200)?;
    for attempt in 0..5 {
        let wrong = admin.sign_in(attempt % NODES, "eve", "not-the-password").await?;
        ensure!(
            wrong.status == 401 || (attempt == 4 && wrong.status == 403),
            "attempt {attempt}: {} {}",
            wrong.status,
            wrong.body
        );
    }
    for node in 0..NODES {
        let right = admin.sign_in(node, "eve", PASSWORD).await?;
        right.refused(403, "account-locked")?;
        ensure!(
            admin.get(node, "/users/eve").await?["locked_until"].is_string(),
            "node {node} does not show that the account is locked"
        );
    }
    admin.post(2, "/users/eve/unlock", json!({})).await?.is(204)?;
    for node in 0..NODES {
        admin.signed_in(node, "eve").await?;
    }
    admin
        .patch(1, "/users/eve", json!({ "active": false }))
        .await?
        .is(200)?;
    for node in 0..NODES {
        let disabled = admin.sign_in(node, "eve", PASSWORD).await?;
        disabled.refused(403, "account-disabled")?;
    }
    Ok(())
}

/// A new policy holds on every node, and a new lifetime for new sessions: USR-10, AUTH-01.
async fn policy_and_lifetime(admin: &Person<'_>) -> anyhow::Result<()> {
    let settings = json!({
        "password": { "min_length": 12, "mixed_case": true, "digits": true, "specials": false },
        "sessions": { "lifetime_days": 7 },
    });
    admin.patch(1, "/settings", settings).await?.is(200)?;
    let carol = admin.signed_in(2, "carol").await?;
    for node in 0..NODES {
        let short = json!({ "old": PASSWORD, "new": "Short-1" });
        let refused = carol.post(node, "/me/password", short).await?;
        refused.refused(422, "password-policy")?;
    }
    // The administrator signed in under the usual sixty days; times in UTC are in the order of their texts.
    let (usual, short) = (expiry(admin).await?, expiry(&carol).await?);
    ensure!(
        short < usual,
        "a session of seven days ends at {short}, one of sixty at {usual}"
    );
    Ok(())
}

/// When the session ends that this person uses.
async fn expiry(person: &Person<'_>) -> anyhow::Result<String> {
    let answer = person.get(0, "/me/sessions").await?;
    let sessions = answer.as_array().or_else(|| answer["items"].as_array());
    let current = sessions
        .into_iter()
        .flatten()
        .find(|session| session["current"] == true);
    let ends = current.and_then(|session| session["expires_at"].as_str());
    Ok(ends.context("the own session says when it ends")?.to_owned())
}

/// Who sees whom is what the groups say; hand-picked entries and own ones come on top: USR-05, USR-06.
async fn address_book(admin: &Person<'_>) -> anyhow::Result<()> {
    let sales = json!({
        "name": "Sales",
        "rights": ["make_calls", "edit_address_book"],
        "address_book": {
            "scope": "nobody", "groups": [],
            "entries": [{ "call": "#tel:+33100000000", "display_name": "Reception" }],
        },
    });
    let sales = admin.post(0, "/groups", sales).await?.is(201)?;
    let group = sales["id"].as_str().context("a group has an ID")?.to_owned();
    let members = json!({ "add": ["bob"], "remove": [] });
    admin
        .post(1, &format!("/groups/{group}/members"), members)
        .await?
        .is(200)?;
    let bob = admin.signed_in(2, "bob").await?;
    for node in 0..NODES {
        let book = bob.get(node, "/me/contacts").await?;
        let seen = names(&book);
        ensure!(seen == ["Reception"], "node {node} shows bob {seen:?}");
    }
    let own = json!({ "call": "alice", "display_name": "Alice", "contact_groups": ["Team"] });
    let kept = bob.call(0, Method::PUT, "/me/contacts", Some(own)).await?;
    ensure!(kept.status < 300, "an own entry is refused: {}", kept.body);
    let scope = json!({ "address_book": { "scope": "groups", "groups": [group], "entries": [] } });
    admin
        .patch(2, &format!("/groups/{group}"), scope)
        .await?
        .is(200)?;
    let members = json!({ "add": ["carol"], "remove": [] });
    admin
        .post(0, &format!("/groups/{group}/members"), members)
        .await?
        .is(200)?;
    for node in 0..NODES {
        let book = bob.get(node, "/me/contacts").await?;
        let calls: Vec<_> = book["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item["user_id"].as_str())
            .collect();
        ensure!(
            calls.contains(&"alice@live.internal") && calls.contains(&"carol@live.internal"),
            "node {node} shows bob {book}"
        );
        ensure!(
            !calls.contains(&"eve@live.internal"),
            "node {node} shows bob who is in no group of his: {book}"
        );
    }
    Ok(())
}

fn names(book: &Value) -> Vec<&str> {
    let items = book["items"].as_array().into_iter().flatten();
    items.filter_map(|item| item["display_name"].as_str()).collect()
}

/// Reads everything, changes nothing: AUTH-07.
async fn security_administrator(admin: &Person<'_>) -> anyhow::Result<()> {
    let role = json!({ "admin": "security" });
    admin.patch(0, "/users/carol", role).await?.is(200)?;
    let carol = admin.signed_in(1, "carol").await?;
    for node in 0..NODES {
        for path in ["/users", "/groups", "/events", "/settings", "/cluster"] {
            carol.get(node, path).await?;
        }
        let change = json!({ "display_name": "Changed" });
        let refused = carol.patch(node, "/users/alice", change).await?;
        refused.refused(403, "forbidden")?;
        let bob = admin.signed_in(node, "bob").await?;
        let refused = bob.call(node, Method::GET, "/users", None).await?;
        refused.refused(403, "forbidden")?;
    }
    let outside = json!({ "admin_access": { "networks": ["203.0.113.0/24"] } });
    let refused = admin.patch(2, "/settings", outside).await?;
    ensure!(
        refused.status == 422 || refused.status == 409,
        "an administrator could lock everybody out: {}",
        refused.body
    );
    Ok(())
}

/// Signing out and disconnecting count on every node at once. Gives a token that stays good and one that ended.
async fn sessions_end_everywhere(admin: &Person<'_>) -> anyhow::Result<(String, String)> {
    let alice = admin.signed_in(0, "alice").await?;
    let other = admin.signed_in(1, "alice@live.internal").await?;
    other.call(2, Method::DELETE, "/session", None).await?.is(204)?;
    for node in 0..NODES {
        let gone = other.call(node, Method::GET, "/me", None).await?;
        gone.refused(401, "not-signed-in")?;
        alice.get(node, "/me").await?;
    }
    admin
        .post(1, "/users/alice/disconnect", json!({}))
        .await?
        .is(204)?;
    for node in 0..NODES {
        let gone = alice.call(node, Method::GET, "/me", None).await?;
        gone.refused(401, "not-signed-in")?;
    }
    let kept = admin.signed_in(2, "alice@example.com").await?;
    Ok((kept.token, alice.token))
}
