//! Templates of conferences (CONF-16).

use crate::server::*;
use serde_json::{Value, json};

async fn create(server: &TestServer, who: &str, body: Value) -> Answer {
    let call = server.call("POST", "/templates").by(who);
    call.json(&body).send().await
}

async fn patch(server: &TestServer, who: &str, id: &str, body: Value) -> Answer {
    let call = server.call("PATCH", &format!("/templates/{id}")).by(who);
    call.json(&body).send().await
}

async fn delete(server: &TestServer, who: &str, id: &str) -> Answer {
    let call = server.call("DELETE", &format!("/templates/{id}")).by(who);
    call.send().await
}

fn id_of(answer: Answer) -> String {
    let json = answer.is(201).json();
    json["id"].as_str().expect("text").to_owned()
}

async fn names(server: &TestServer, who: &str, query: &str) -> Vec<String> {
    let answer = server.call("GET", &format!("/templates{query}")).by(who);
    let json = answer.send().await.is(200).json();
    let rows = json["items"].as_array().expect("rows").iter();
    rows.map(|row| row["name"].as_str().expect("text").to_owned())
        .collect()
}

fn webinar() -> Value {
    json!({
        "name": "Webinar",
        "description": "Open to all",
        "access": "public",
        "schedule": {"time": "09:30", "zone": "Europe/Paris", "duration_minutes": 60, "weekdays": ["monday"]},
        "settings": {
            "mode": "lecture",
            "waiting_room": "guests",
            "moderators": ["eye"],
            "invited": ["root"],
            "registration": {"on": true, "opens_at": "2030-01-01T00:00:00Z", "fields": [{"label": "Town", "kind": "text"}]},
        },
    })
}

#[tokio::test]
async fn a_template_is_kept_shown_changed_and_deleted() {
    let server = TestServer::new();
    let made = create(&server, "alice", webinar()).await.is(201);
    let json = made.json();
    let id = json["id"].as_str().expect("text").to_owned();
    assert_eq!(made.header("location"), format!("/api/v1/templates/{id}"));
    for (field, value) in [
        ("name", json!("Webinar")),
        ("owner", json!("alice")),
        ("for_all", json!(false)),
        ("access", json!("public")),
        ("launch", json!("scheduled")),
        ("changeable", json!(true)),
        ("schedule", webinar()["schedule"].clone()),
    ] {
        assert_eq!(json[field], value, "{field}");
    }
    let form = &json["settings"]["registration"];
    assert_eq!((&form["opens_at"], &form["on"]), (&json!(null), &json!(true)));
    let path = format!("/templates/{id}");
    let read = server.call("GET", &path).by("alice").send().await.is(200);
    assert_eq!(read.json(), json);
    let known = server.call("GET", &path).by("alice");
    let known = known.header("if-none-match", read.header("etag"));
    assert_eq!(known.send().await.status.as_u16(), 304);
    let changed = patch(
        &server,
        "alice",
        &id,
        json!({"name": "Talk", "launch": "by_hand", "settings": {"mode": "smart"}}),
    );
    let changed = changed.await.is(200).json();
    assert_eq!(
        (&changed["name"], &changed["launch"], &changed["schedule"]),
        (&json!("Talk"), &json!("by_hand"), &json!(null))
    );
    assert_eq!(
        changed["settings"]["waiting_room"], "guests",
        "what is not named stays"
    );
    let stale = server
        .call("DELETE", &path)
        .by("alice")
        .header("if-match", "\"1\"");
    stale.send().await.problem(412, "stale");
    delete(&server, "alice", &id).await.is(204);
    let gone = server.call("GET", &path).by("alice").send().await;
    gone.problem(404, "not-found");
}

#[tokio::test]
async fn who_asks_finds_the_own_ones_and_those_for_all() {
    let server = TestServer::new();
    let hers = id_of(
        create(
            &server,
            "alice",
            json!({"name": "Weekly", "settings": {"pin": "4711"}}),
        )
        .await,
    );
    let shared = json!({"name": "House", "for_all": true});
    create(&server, "alice", shared.clone())
        .await
        .problem(403, "forbidden");
    let house = id_of(create(&server, "root", shared).await);
    assert_eq!(names(&server, "alice", "").await, ["House", "Weekly"]);
    assert_eq!(names(&server, "alice", "?part=own").await, ["Weekly"]);
    assert_eq!(
        names(&server, "alice", "?part=for_all&search=hou").await,
        ["House"]
    );
    assert_eq!(names(&server, "eye", "").await, ["House"]);
    assert_eq!(
        names(&server, "eye", "?part=all&sort=-name").await,
        ["Weekly", "House"]
    );
    let all = server.call("GET", "/templates?part=all");
    all.by("alice").send().await.problem(403, "forbidden");
    let all = server.call("GET", "/templates?part=all").by("root").from(OUTSIDE);
    all.send().await.problem(403, "admin-network");
    let pin_for = async |who: &str| {
        let one = server.call("GET", &format!("/templates/{hers}")).by(who);
        one.send().await.is(200).json()["settings"]["pin"].clone()
    };
    assert_eq!(pin_for("alice").await, "4711");
    assert_eq!(pin_for("root").await, "4711");
    assert_eq!(
        pin_for("eye").await,
        json!(null),
        "who only looks after the server"
    );
    patch(&server, "alice", &house, json!({"name": "Mine"}))
        .await
        .problem(403, "forbidden");
    patch(&server, "root", &hers, json!({"for_all": true}))
        .await
        .problem(422, "invalid-field");
    patch(
        &server,
        "root",
        &hers,
        json!({"for_all": true, "settings": {"pin": ""}}),
    )
    .await
    .is(200);
    delete(&server, "alice", &hers).await.problem(403, "forbidden");
    assert_eq!(names(&server, "eye", "").await, ["House", "Weekly"]);
}

#[tokio::test]
async fn a_template_of_another_is_as_none_and_administered_from_near_only() {
    let server = TestServer::new();
    let roots = id_of(create(&server, "root", json!({"name": "Private"})).await);
    let hers = id_of(create(&server, "alice", json!({"name": "Weekly"})).await);
    let before = server.digest();
    for id in [roots.as_str(), "1"] {
        let read = server.call("GET", &format!("/templates/{id}")).by("alice");
        read.send().await.problem(404, "not-found");
        patch(&server, "alice", id, json!({"name": "Mine"}))
            .await
            .problem(404, "not-found");
        delete(&server, "alice", id).await.problem(404, "not-found");
    }
    let path = format!("/templates/{hers}");
    for (method, body) in [("PATCH", json!({"name": "Other"})), ("DELETE", json!(null))] {
        let call = server.call(method, &path).by("root").from(OUTSIDE);
        call.json(&body).send().await.problem(403, "admin-network");
    }
    let read = server.call("GET", &path).by("root").from(OUTSIDE);
    read.send().await.problem(404, "not-found");
    let share = server.call("POST", "/templates").by("root").from(OUTSIDE);
    let share = share.json(&json!({"name": "House", "for_all": true}));
    share.send().await.problem(403, "admin-network");
    assert_eq!(server.digest(), before);
    let own = server.call("PATCH", &format!("/templates/{roots}"));
    let own = own.by("root").from(OUTSIDE).json(&json!({"name": "Still mine"}));
    own.send().await.is(200);
}

#[tokio::test]
async fn the_right_to_create_conferences_is_asked_for_and_names_are_there_once() {
    let server = TestServer::new();
    create(&server, "alice", json!({"name": "Weekly"})).await.is(201);
    create(&server, "alice", json!({"name": "WEEKLY"}))
        .await
        .problem(409, "exists");
    create(&server, "eye", json!({"name": "Weekly"})).await.is(201);
    let rights = json!({"rights": ["make_calls"]});
    server.write("PATCH", "/groups/ungrouped", &rights).await.is(200);
    create(&server, "alice", json!({"name": "More"}))
        .await
        .problem(403, "forbidden");
    create(&server, "root", json!({"name": "More"})).await.is(201);
}

#[tokio::test]
async fn bodies_of_templates_are_exactly_what_is_expected() {
    let server = TestServer::new();
    let before = server.digest();
    for (body, status) in [
        (json!({"name": "More", "cid": "more"}), 400),
        (json!({}), 400),
        (json!({"name": " "}), 422),
        (json!({"name": "More", "launch": "scheduled"}), 422),
        (
            json!({"name": "More", "schedule": {"time": "9", "zone": "Europe/Paris"}}),
            422,
        ),
        (
            json!({"name": "More", "schedule": {"time": "09:30", "zone": "Europe/Nowhere"}}),
            422,
        ),
        (
            json!({"name": "More", "schedule": {"time": "09:30", "zone": "UTC", "date": "2030-01-01"}}),
            400,
        ),
        (
            json!({"name": "More", "launch": "by_hand", "schedule": {"time": "09:30", "zone": "UTC"}}),
            422,
        ),
        (
            json!({"name": "More", "settings": {"moderators": ["nobody"]}}),
            422,
        ),
    ] {
        let answer = create(&server, "alice", body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
    }
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn a_repetition_shows_the_template_that_was_made_first() {
    let server = TestServer::new();
    let send = || {
        let call = server.call("POST", "/templates").by("alice");
        let call = call.json(&json!({"name": "Weekly"}));
        call.header("idempotency-key", "one").send()
    };
    let first = send().await.is(201);
    let again = send().await.is(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(names(&server, "alice", "").await, ["Weekly"]);
}

#[tokio::test]
async fn who_is_gone_does_not_stand_in_the_way_of_a_conference() {
    let server = TestServer::new();
    let id = id_of(create(&server, "alice", webinar()).await);
    let deleted = server.call("DELETE", "/users/eye").by("root").send().await;
    deleted.is(204);
    let template = server.call("GET", &format!("/templates/{id}")).by("alice");
    let template = template.send().await.is(200).json();
    assert_eq!(template["settings"]["moderators"], json!([]));
    let made = server.call("POST", "/conferences").by("alice").json(&json!({
        "cid": "webinar",
        "name": "Webinar",
        "settings": {"moderators": template["settings"]["moderators"], "invited": template["settings"]["invited"]},
    }));
    made.send().await.is(201);
}
