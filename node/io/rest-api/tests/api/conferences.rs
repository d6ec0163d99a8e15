use crate::server::*;
use serde_json::{Value, json};

async fn create(server: &TestServer, who: &str, body: Value) -> Answer {
    let call = server.call("POST", "/conferences").by(who).json(&body);
    call.send().await
}

async fn patch(server: &TestServer, who: &str, cid: &str, body: Value) -> Answer {
    let path = format!("/conferences/{cid}");
    server.call("PATCH", &path).by(who).json(&body).send().await
}

async fn delete(server: &TestServer, who: &str, cid: &str) -> Answer {
    let path = format!("/conferences/{cid}");
    server.call("DELETE", &path).by(who).send().await
}

fn room(cid: &str) -> Value {
    json!({"cid": cid, "name": "Weekly review"})
}

#[tokio::test]
async fn a_room_is_made_seen_changed_and_deleted() {
    let server = TestServer::new();
    let made = create(&server, "alice", room("Review")).await.is(201);
    assert_eq!(made.header("location"), "/api/v1/conferences/review");
    let made = made.json();
    for (field, value) in [
        ("cid", "review"),
        ("name", "Weekly review"),
        ("description", ""),
        ("owner", "alice"),
        ("access", "internal"),
    ] {
        assert_eq!(made[field], value, "{made}");
    }
    assert_eq!(made["created_at"], made["updated_at"]);
    let changed = json!({"description": "Bring\nnumbers", "access": "public"});
    let changed = patch(&server, "alice", "review", changed).await.is(200);
    let seen = server.call("GET", "/conferences/REVIEW").by("eye").send().await;
    let seen = seen.is(200);
    let own = server.call("GET", "/conferences/REVIEW").by("alice").send().await;
    assert_eq!(own.is(200).header("etag"), changed.header("etag"));
    assert_ne!(
        seen.header("etag"),
        changed.header("etag"),
        "who moderates sees more"
    );
    assert_eq!(seen.json()["description"], "Bring\nnumbers");
    assert_eq!(seen.json()["access"], "public");
    delete(&server, "alice", "review").await.is(204);
    let gone = server.call("GET", "/conferences/review").by("alice");
    gone.send().await.problem(404, "not-found");
}

#[tokio::test]
async fn names_of_other_letters_have_an_address() {
    let server = TestServer::new();
    let made = create(&server, "alice", room("Обзор")).await.is(201);
    let location = made.header("location").to_owned();
    assert!(location.is_ascii());
    let path = location.strip_prefix("/api/v1").expect("of this version");
    assert_eq!(server.get(path).await.is(200).json()["cid"], "обзор");
    let twice = create(&server, "eye", room("ОБЗОР")).await;
    twice.problem(409, "exists");
}

#[tokio::test]
async fn everybody_sees_all_rooms_and_changes_their_own() {
    let server = TestServer::new();
    create(&server, "alice", room("review")).await.is(201);
    create(&server, "eye", room("other")).await.is(201);
    let list = server.call("GET", "/conferences").by("alice").send().await;
    assert_eq!(list.is(200).json()["total"], 2);
    let before = server.digest();
    for (who, cid) in [("alice", "other"), ("eye", "review")] {
        patch(&server, who, cid, json!({"name": "Mine"}))
            .await
            .problem(403, "forbidden");
        delete(&server, who, cid).await.problem(403, "forbidden");
    }
    let for_another = json!({"cid": "gift", "name": "Gift", "owner": "eye"});
    create(&server, "alice", for_another.clone())
        .await
        .problem(403, "forbidden");
    patch(&server, "alice", "review", json!({"owner": "eye"}))
        .await
        .problem(403, "forbidden");
    assert_eq!(server.digest(), before);
    create(&server, "root", for_another).await.is(201);
    let given = patch(&server, "root", "review", json!({"owner": "eye"})).await;
    assert_eq!(given.is(200).json()["owner"], "eye");
    delete(&server, "alice", "review").await.problem(403, "forbidden");
    delete(&server, "eye", "review").await.is(204);
    delete(&server, "root", "other").await.is(204);
}

#[tokio::test]
async fn the_right_to_create_conferences_is_asked_for() {
    let server = TestServer::new();
    create(&server, "alice", room("review")).await.is(201);
    let rights = json!({"rights": ["make_calls"]});
    server.write("PATCH", "/groups/ungrouped", &rights).await.is(200);
    let before = server.digest();
    create(&server, "alice", room("more"))
        .await
        .problem(403, "forbidden");
    assert_eq!(server.digest(), before);
    patch(&server, "alice", "review", json!({"name": "Still mine"}))
        .await
        .is(200);
    create(&server, "root", room("more")).await.is(201);
}

#[tokio::test]
async fn rooms_of_others_are_administered_from_near_only() {
    let server = TestServer::new();
    create(&server, "alice", room("review")).await.is(201);
    let before = server.digest();
    let from_outside = |method: &str, path: &str, body: Value| {
        let call = server.call(method, path).by("root").from(OUTSIDE);
        call.json(&body)
    };
    for (method, path, body) in [
        ("PATCH", "/conferences/review", json!({"name": "Other"})),
        ("DELETE", "/conferences/review", json!(null)),
        (
            "POST",
            "/conferences",
            json!({"cid": "gift", "name": "Gift", "owner": "alice"}),
        ),
    ] {
        let answer = from_outside(method, path, body).send().await;
        answer.problem(403, "admin-network");
    }
    assert_eq!(server.digest(), before);
    let own = from_outside("POST", "/conferences", room("own"));
    own.send().await.is(201);
    from_outside("PATCH", "/conferences/own", json!({"name": "Own"}))
        .send()
        .await
        .is(200);
    from_outside("PATCH", "/conferences/own", json!({"owner": "alice"}))
        .send()
        .await
        .problem(403, "admin-network");
}

#[tokio::test]
async fn repetitions_of_writes_of_rooms_change_nothing_more() {
    let server = TestServer::new();
    let writes = [
        ("POST", "/conferences", room("review")),
        ("PATCH", "/conferences/review", json!({"name": "Other"})),
        ("PATCH", "/conferences/review", json!({"cid": "weekly"})),
        ("PATCH", "/conferences/weekly", json!({"cid": ""})),
        ("POST", "/conferences", room("review")),
        ("DELETE", "/conferences/review", json!(null)),
    ];
    for (at, (method, path, body)) in writes.into_iter().enumerate() {
        let send = || {
            let call = server.call(method, path).by("alice").json(&body);
            call.header("idempotency-key", &format!("key {at}")).send()
        };
        let first = send().await;
        assert!(first.status.is_success(), "{method}: {}", first.text());
        let before = server.digest();
        let again = send().await;
        assert_eq!(
            (again.status, &again.body),
            (first.status, &first.body),
            "{method}"
        );
        assert_eq!(server.digest(), before, "{method}");
    }
    let other = server
        .call("POST", "/conferences")
        .by("alice")
        .json(&room("other"));
    let other = other.header("idempotency-key", "key 0").send().await;
    other.problem(422, "idempotency-mismatch");
}

#[tokio::test]
async fn bodies_of_rooms_are_exactly_what_is_expected() {
    let server = TestServer::new();
    create(&server, "alice", room("review")).await.is(201);
    let before = server.digest();
    for body in [
        json!({"cid": "more", "name": "More", "pin": "1234"}),
        json!({"cid": "more"}),
        json!(["more", "More"]),
    ] {
        let answer = create(&server, "alice", body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}");
    }
    for body in [json!({"owned_by": "other"}), json!({"access": "secret"})] {
        let answer = patch(&server, "alice", "review", body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}");
    }
    assert_eq!(server.digest(), before);
}

async fn set(server: &TestServer, patch: Value) {
    let call = server.call("PATCH", "/settings").by("root").json(&patch);
    call.send().await.is(200);
}

#[tokio::test]
async fn the_server_makes_an_id_up_where_none_is_given() {
    let server = TestServer::new();
    let mut known = Vec::new();
    for (letters, length) in [(false, 9), (true, 12), (false, 4)] {
        set(
            &server,
            json!({"conference_ids": {"letters": letters, "length": length, "by_owners": true}}),
        )
        .await;
        let made = create(&server, "alice", json!({"name": "Weekly"})).await.is(201);
        let cid = made.json()["cid"].as_str().expect("a text").to_owned();
        assert_eq!(made.header("location"), format!("/api/v1/conferences/{cid}"));
        assert_eq!(cid.len(), length, "{cid}");
        assert_eq!(cid.bytes().all(|byte| byte.is_ascii_digit()), !letters, "{cid}");
        known.push(cid);
    }
    let list = server
        .call("GET", "/conferences")
        .by("alice")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(list["total"], known.len());
}

#[tokio::test]
async fn a_repeated_request_makes_one_conference_whose_id_is_made_up() {
    let server = TestServer::new();
    let ask = || {
        let call = server.call("POST", "/conferences").by("alice");
        call.header("idempotency-key", "once")
            .json(&json!({"name": "Weekly"}))
    };
    let first = ask().send().await.is(201).json();
    let second = ask().send().await.is(201).json();
    assert_eq!(first["cid"], second["cid"]);
    let list = server
        .call("GET", "/conferences")
        .by("alice")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(list["total"], 1);
}

#[tokio::test]
async fn where_owners_do_not_choose_ids_they_are_told() {
    let server = TestServer::new();
    let defaults = |who| server.call("GET", "/me/conference-defaults").by(who);
    assert_eq!(defaults("alice").send().await.is(200).json()["chooses_id"], true);
    set(
        &server,
        json!({"conference_ids": {"letters": true, "length": 10, "by_owners": false}}),
    )
    .await;
    let now = defaults("alice").send().await.is(200).json();
    assert_eq!(
        (&now["chooses_id"], &now["id_length"]),
        (&json!(false), &json!(10))
    );
    assert_eq!(defaults("root").send().await.is(200).json()["chooses_id"], true);
    let refused = create(&server, "alice", room("review")).await;
    refused.problem(422, "invalid-field");
    create(&server, "alice", json!({"name": "Weekly"})).await.is(201);
    create(&server, "root", room("review")).await.is(201);
    for length in [3, 21] {
        let patch = json!({"conference_ids": {"letters": true, "length": length, "by_owners": true}});
        let call = server.call("PATCH", "/settings").by("root").json(&patch);
        call.send().await.problem(422, "invalid-field");
    }
}

#[tokio::test]
async fn what_is_left_out_is_as_the_server_has_it_for_new_conferences() {
    let server = TestServer::new();
    create(&server, "alice", room("before")).await.is(201);
    let defaults = json!({
        "public": true, "uninvited": false, "waiting_room": "guests", "muted_on_entry": true,
        "camera_off_on_entry": true, "guests_chat": true, "guests_audio": false, "guests_video": true,
    });
    set(&server, json!({"new_conferences": defaults})).await;
    let shown = server
        .call("GET", "/me/conference-defaults")
        .by("alice")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(
        (&shown["access"], &shown["waiting_room"]),
        (&json!("public"), &json!("guests"))
    );
    let made = create(&server, "alice", json!({"name": "Weekly"}))
        .await
        .is(201)
        .json();
    assert_eq!(made["access"], "public");
    let settings = &made["settings"];
    assert_eq!(settings["waiting_room"], "guests");
    assert_eq!(
        settings["guests"],
        json!({"chat": true, "audio": false, "video": true})
    );
    for (field, value) in [
        ("uninvited", true),
        ("muted_on_entry", true),
        ("camera_off_on_entry", true),
    ] {
        assert_eq!(settings[field], value, "{settings}");
    }
    let own = json!({"name": "Own", "access": "internal",
        "settings": {"waiting_room": "off", "muted_on_entry": false, "uninvited": true}});
    let own = create(&server, "alice", own).await.is(201).json();
    assert_eq!(own["access"], "internal");
    assert_eq!(own["settings"]["waiting_room"], "off");
    assert_eq!(own["settings"]["muted_on_entry"], false);
    assert_eq!(own["settings"]["camera_off_on_entry"], true, "what was not said");
    let inside = json!({"name": "Inside", "access": "internal"});
    let inside = create(&server, "alice", inside).await.is(201).json();
    assert_eq!(inside["settings"]["uninvited"], false, "no guests come there");
    let both = json!({"name": "Both", "access": "public", "settings": {"uninvited": false}});
    let refused = create(&server, "alice", both).await.problem(422, "invalid-field");
    assert_eq!(refused["errors"][0]["field"], "uninvited", "{refused}");
    let before = server
        .call("GET", "/conferences/before")
        .by("alice")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(before["access"], "internal", "those from before stay");
}

async fn get(server: &TestServer, who: &str, path: &str) -> Answer {
    server.call("GET", path).by(who).send().await
}

#[tokio::test]
async fn a_conference_gets_another_id_and_the_old_one_leads_nowhere() {
    let server = TestServer::new();
    create(&server, "alice", room("review")).await.is(201);
    create(&server, "alice", room("other")).await.is(201);
    let before = server.digest();
    for (who, id, status, code) in [
        ("eye", "mine", 403, "forbidden"),
        ("alice", "other", 409, "exists"),
        ("alice", "join", 422, "invalid-field"),
        ("alice", "a b", 422, "invalid-field"),
    ] {
        patch(&server, who, "review", json!({"cid": id}))
            .await
            .problem(status, code);
    }
    assert_eq!(server.digest(), before);
    let changed = patch(&server, "alice", "review", json!({"cid": "Weekly"}))
        .await
        .is(200);
    assert_eq!(changed.json()["cid"], "weekly");
    for path in [
        "/conferences/review",
        "/conferences/review/participants",
        "/conferences/review/runs",
    ] {
        get(&server, "alice", path).await.problem(404, "not-found");
    }
    for path in [
        "/conferences/weekly",
        "/conferences/weekly/participants",
        "/conferences/weekly/runs",
    ] {
        get(&server, "alice", path).await.is(200);
    }
    patch(&server, "alice", "review", json!({"name": "Lost"}))
        .await
        .problem(404, "not-found");
    delete(&server, "alice", "review").await.problem(404, "not-found");
    // The ID is free, and what is done by it is done to the conference that has it now.
    create(&server, "eye", room("review")).await.is(201);
    patch(&server, "alice", "review", json!({"name": "Mine"}))
        .await
        .problem(403, "forbidden");
    patch(&server, "alice", "review", json!({"cid": "x"}))
        .await
        .problem(403, "forbidden");
    let list = get(&server, "alice", "/conferences?sort=cid")
        .await
        .is(200)
        .json();
    let cids: Vec<&str> = list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["cid"].as_str())
        .collect();
    assert_eq!(cids, ["other", "review", "weekly"]);
    let made = patch(&server, "alice", "weekly", json!({"cid": ""}))
        .await
        .is(200)
        .json();
    let made = made["cid"].as_str().expect("made up").to_owned();
    assert_eq!(made.len(), 9, "{made}");
    delete(&server, "alice", &made).await.is(204);
    get(&server, "eye", "/conferences/review").await.is(200);
}

#[tokio::test]
async fn who_changes_an_id_on_top_of_another_change_is_told() {
    let server = TestServer::new();
    let made = create(&server, "alice", room("review")).await.is(201);
    let tag = made.header("etag").to_owned();
    let change = |cid: &'static str, id: &str| {
        let call = server.call("PATCH", &format!("/conferences/{cid}")).by("alice");
        call.header("if-match", &tag).json(&json!({"cid": id}))
    };
    change("review", "weekly").send().await.is(200);
    change("weekly", "monthly").send().await.problem(412, "stale");
    change("review", "monthly").send().await.problem(404, "not-found");
}

#[tokio::test]
async fn what_people_send_is_limited_within_limits() {
    let server = TestServer::new();
    create(&server, "alice", room("review")).await.is(201);
    let quality = |height: u32, fps: u32| {
        json!({"settings": {"quality": {"camera_height": height, "camera_fps": fps,
            "content_height": 1080, "content_fps": 0}}})
    };
    for (height, fps) in [(89, 15), (4_321, 15), (360, 61)] {
        let refused = patch(&server, "alice", "review", quality(height, fps)).await;
        refused.problem(422, "invalid-field");
    }
    let set = patch(&server, "alice", "review", quality(360, 15))
        .await
        .is(200)
        .json();
    assert_eq!(
        set["settings"]["quality"],
        json!({"camera_height": 360, "camera_fps": 15, "content_height": 1080, "content_fps": 0})
    );
}

#[tokio::test]
async fn a_conference_keeps_layouts() {
    let server = TestServer::new();
    let made = json!({"cid": "review", "name": "Review"});
    let call = server.call("POST", "/conferences").by("alice").json(&made);
    assert_eq!(call.send().await.is(201).json()["settings"]["layouts"], json!([]));
    let layouts = json!([{
        "name": "Talk", "arrangement": "speaker", "locked": true, "slots": ["content", "speaker"],
        "shuffle_s": null, "names_hidden": false, "people": []
    }]);
    let change = async |layouts: &Value| {
        let body = json!({"settings": {"layouts": layouts}});
        let call = server
            .call("PATCH", "/conferences/review")
            .by("alice")
            .json(&body);
        call.send().await
    };
    let changed = change(&layouts).await.is(200).json();
    assert_eq!(changed["settings"]["layouts"], layouts);
    let before = server.digest();
    let twice = json!([layouts[0], layouts[0]]);
    let problem = change(&twice).await.problem(422, "invalid-field").to_string();
    assert!(problem.contains("is there twice"), "{problem}");
    let person = json!([{"name": "One", "arrangement": "gallery", "slots": ["person"]}]);
    change(&person).await.problem(400, "bad-json");
    assert_eq!(server.digest(), before);
    let shorter = json!([{"name": "Questions", "arrangement": "gallery", "shuffle_s": 4}]);
    change(&shorter).await.problem(422, "invalid-field");
    let with = |people: Value| json!([{"name": "Panel", "arrangement": "gallery", "slots": ["automatic", "speaker"], "people": people}]);
    for (wrong, status, code) in [
        (json!([{"place": 0, "user": "eye"}]), 422, "invalid-field"),
        (json!([{"place": 2, "user": "eye"}]), 422, "invalid-field"),
        (json!([{"place": 1, "user": "nobody"}]), 422, "invalid-field"),
        (
            json!([{"place": 1, "guest": "guest-aaaaaaaaaaaaaaaa"}]),
            400,
            "unknown-field",
        ),
    ] {
        change(&with(wrong)).await.problem(status, code);
    }
    let people = json!([{"place": 1, "user": "eye"}]);
    let changed = change(&with(people.clone())).await.is(200).json();
    assert_eq!(changed["settings"]["layouts"][0]["people"], people);
    // Who is in them is for those who moderate.
    let others = server.call("GET", "/conferences/review").by("eye");
    let shown = others.send().await.is(200).json();
    assert_eq!(shown["settings"]["layouts"][0]["people"], json!([]));
}
