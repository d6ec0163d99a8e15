use crate::server::*;
use plenary_access::Change;
use plenary_conference::{self as conference, ParticipantId, Person, SecretHash, Via};
use plenary_model::NodeId;
use serde_json::{Value, json};

async fn patch(server: &TestServer, who: &str, settings: Value) -> Answer {
    let call = server.call("PATCH", "/conferences/review").by(who);
    call.json(&json!({ "settings": settings })).send().await
}

async fn rename(server: &TestServer, who: &str) -> Answer {
    let call = server.call("PATCH", "/conferences/review").by(who);
    call.json(&json!({ "cid": "other" })).send().await
}

async fn see(server: &TestServer, who: &str) -> Value {
    let call = server.call("GET", "/conferences/review").by(who);
    call.send().await.is(200).json()
}

async fn act(server: &TestServer, who: &str, body: Value) -> Answer {
    let call = server.call("POST", "/conferences/review/acts").by(who);
    call.json(&body).send().await
}

async fn people(server: &TestServer, who: &str) -> Vec<Value> {
    let call = server.call("GET", "/conferences/review/participants").by(who);
    let list = call.send().await.is(200).json();
    list.as_array().expect("a list").clone()
}

/// Alice's conference `review`, with these settings.
async fn with_review(settings: Value) -> TestServer {
    let server = TestServer::new();
    let body = json!({"cid": "review", "name": "Weekly review", "settings": settings});
    let call = server.call("POST", "/conferences").by("alice").json(&body);
    call.send().await.is(201);
    server
}

/// Somebody is in.
fn enter(server: &TestServer, id: u64, user: &str) {
    server.system(Change::NodeStarted {
        node: NodeId(1),
        epoch: 11,
        version: "1".into(),
    });
    server.system(conference::Change::Enter {
        cid: "review".parse().expect("good"),
        participant: ParticipantId(id),
        person: Person::Account(user.parse().expect("good")),
        name: None,
        via: Via::Browser,
        node: NodeId(1),
        epoch: 11,
        secret: SecretHash([1; 32]),
        muted: false,
        camera: true,
        pin: None,
        screenless_at_home: false,
    });
}

#[tokio::test]
async fn how_a_conference_is_run_is_set_and_shown() {
    let server = with_review(json!({"mode": "smart", "podium_places": 4, "moderators": ["eye"]})).await;
    let made = see(&server, "alice").await;
    let settings = &made["settings"];
    assert_eq!(settings["mode"], "smart");
    assert_eq!(settings["podium_places"], 4);
    assert_eq!(settings["moderators"], json!(["eye"]));
    assert_eq!(
        (&settings["waiting_room"], &settings["uninvited"]),
        (&json!("off"), &json!(true))
    );
    assert_eq!(
        (&settings["participant_limit"], &settings["pin"]),
        (&json!(0), &Value::Null)
    );
    patch(
        &server,
        "alice",
        json!({"waiting_room": "guests", "programs": false, "participant_limit": 20, "place": " Room 7 "}),
    )
    .await
    .is(200);
    let settings = see(&server, "alice").await["settings"].clone();
    assert_eq!(settings["waiting_room"], "guests");
    assert_eq!(
        (&settings["browser"], &settings["programs"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&settings["participant_limit"], &settings["place"]),
        (&json!(20), &json!("Room 7"))
    );
    assert_eq!(settings["mode"], "smart", "what is missing stays");
    patch(
        &server,
        "alice",
        json!({"participant_limit": 0, "waiting_room": "off"}),
    )
    .await
    .is(200);
    assert_eq!(see(&server, "alice").await["settings"]["participant_limit"], 0);
    let before = server.digest();
    for (bad, field) in [
        (json!({"podium_places": 50}), "podium_places"),
        (json!({"pin": "12"}), "pin"),
        (json!({"moderators": ["nobody"]}), "moderators"),
        (json!({"participant_limit": 2001}), "participant_limit"),
    ] {
        let problem = patch(&server, "alice", bad).await.problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    patch(&server, "alice", json!({"colour": "red"}))
        .await
        .problem(400, "unknown-field");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn a_lecture_names_its_lecturers_and_is_handed_over() {
    let server = with_review(json!({"mode": "lecture", "uninvited": false, "lecturers": ["eye"]})).await;
    let settings = see(&server, "alice").await["settings"].clone();
    assert_eq!(settings["lecturers"], json!(["eye"]));
    assert_eq!(settings["invited"], json!(["eye"]), "or they could not come");
    for (bad, code) in [
        (json!(["nobody"]), "invalid-field"),
        (json!(["b@d@"]), "invalid-field"),
    ] {
        let problem = patch(&server, "alice", json!({ "lecturers": bad }))
            .await
            .problem(422, code);
        assert!(
            problem["errors"][0]["field"]
                .as_str()
                .is_some_and(|field| field.ends_with("lecturers"))
        );
    }
    enter(&server, 1, "alice");
    enter(&server, 2, "eye");
    let lecture = |people: Vec<Value>| {
        let up = people.into_iter().filter(|one| one["podium"] == true);
        up.map(|one| one["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(lecture(people(&server, "alice").await), [json!("2")]);
    let hand = json!({"act": "hand_lecture", "participant": "1"});
    act(&server, "eye", hand.clone()).await.problem(403, "forbidden");
    act(&server, "alice", hand.clone()).await.is(204);
    assert_eq!(lecture(people(&server, "alice").await), [json!("1")]);
    patch(&server, "alice", json!({"mode": "smart"})).await.is(200);
    act(&server, "alice", hand).await.problem(409, "conflict");
}

#[tokio::test]
async fn pins_are_for_those_who_moderate() {
    let server = with_review(json!({"pin": "4711", "invited": ["eye"]})).await;
    let own = see(&server, "alice").await;
    assert_eq!(
        (&own["settings"]["pin"], &own["moderates"]),
        (&json!("4711"), &json!(true))
    );
    let other = see(&server, "eye").await;
    assert_eq!(other["moderates"], false);
    assert_eq!(
        (&other["settings"]["pin"], &other["settings"]["has_pin"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(other["settings"]["invited"], Value::Null);
    let list = server.call("GET", "/conferences").by("eye").send().await.is(200);
    assert!(!list.text().contains("4711"));
    let events = server.call("GET", "/events").by("root").send().await.is(200);
    assert!(!events.text().contains("4711"), "events tell no PIN");
    // Administrators see it where the control panel is open to them.
    assert_eq!(see(&server, "root").await["settings"]["pin"], "4711");
    let far = server.call("GET", "/conferences/review").by("root").from(OUTSIDE);
    assert_eq!(far.send().await.is(200).json()["settings"]["pin"], Value::Null);
    patch(&server, "eye", json!({"pin": "1234"}))
        .await
        .problem(403, "forbidden");
    rename(&server, "eye").await.problem(403, "forbidden");
    patch(&server, "alice", json!({"moderators": ["eye"]}))
        .await
        .is(200);
    patch(&server, "eye", json!({"pin": ""})).await.is(200);
    assert_eq!(see(&server, "eye").await["settings"]["has_pin"], false);
    for owners in [json!({"mode": "lecture"}), json!({"begins_locked": true})] {
        patch(&server, "eye", owners).await.problem(403, "forbidden");
    }
    patch(&server, "alice", json!({"begins_locked": true}))
        .await
        .is(200);
    assert_eq!(see(&server, "eye").await["settings"]["begins_locked"], true);
    rename(&server, "eye").await.is(200);
    let found = server.call("GET", "/conferences/other").by("alice");
    found.send().await.is(200);
}

#[tokio::test]
async fn moderators_act_by_rest() {
    let server = with_review(json!({"waiting_room": "all"})).await;
    enter(&server, 1, "alice");
    enter(&server, 2, "eye");
    let all = people(&server, "alice").await;
    assert_eq!((&all[0]["role"], &all[0]["id"]), (&json!("owner"), &json!("1")));
    assert_eq!(
        (&all[1]["waiting"], &all[1]["user"]),
        (&json!(true), &json!("eye"))
    );
    assert_eq!(
        people(&server, "eye").await.len(),
        1,
        "others do not see who waits"
    );
    act(&server, "eye", json!({"act": "admit", "participant": "2"}))
        .await
        .problem(403, "forbidden");
    act(&server, "alice", json!({"act": "admit", "participant": "2"}))
        .await
        .is(204);
    assert_eq!(people(&server, "eye").await.len(), 2);
    act(&server, "root", json!({"act": "mute", "participant": "2"}))
        .await
        .is(204);
    assert_eq!(people(&server, "eye").await[1]["muted"], true);
    let far = server
        .call("POST", "/conferences/review/acts")
        .by("root")
        .from(OUTSIDE);
    let far = far.json(&json!({"act": "end"})).send().await;
    far.problem(403, "admin-network");
    act(&server, "alice", json!({"act": "remove", "participant": "1"}))
        .await
        .problem(409, "conflict");
    act(&server, "alice", json!({"act": "mute"}))
        .await
        .problem(422, "invalid-field");
    act(&server, "alice", json!({"act": "end", "participant": "2"}))
        .await
        .problem(422, "invalid-field");
    act(&server, "alice", json!({"act": "end"})).await.is(204);
    assert!(people(&server, "alice").await.is_empty());
    act(&server, "alice", json!({"act": "lock"}))
        .await
        .problem(409, "conflict");
    let nowhere = server.call("POST", "/conferences/nowhere/acts").by("alice");
    let nowhere = nowhere.json(&json!({"act": "end"})).send().await;
    nowhere.problem(404, "not-found");
}

#[tokio::test]
async fn moderators_change_in_the_meeting_how_others_come_in() {
    let server = with_review(json!({"moderators": ["eye"]})).await;
    let pin = |pin: &str| json!({"act": "set_pin", "pin": pin});
    let waiting = |whom: &str| json!({"act": "set_waiting_room", "waiting_room": whom});
    enter(&server, 1, "alice");
    let gate = async || {
        let settings = see(&server, "alice").await["settings"].clone();
        (settings["pin"].clone(), settings["waiting_room"].clone())
    };
    // Whoever moderates, whether they own it or not.
    act(&server, "eye", pin("4711")).await.is(204);
    act(&server, "eye", waiting("uninvited")).await.is(204);
    assert_eq!(gate().await, (json!("4711"), json!("uninvited")));
    act(&server, "root", pin("")).await.is(204);
    act(&server, "alice", waiting("off")).await.is(204);
    assert_eq!(gate().await, (Value::Null, json!("off")));
    let before = server.digest();
    for (bad, field) in [
        (json!({"act": "set_pin"}), "pin"),
        (pin("12"), "pin"),
        (
            json!({"act": "set_pin", "pin": "4711", "participant": "1"}),
            "participant",
        ),
        (json!({"act": "set_waiting_room"}), "waiting_room"),
    ] {
        let problem = act(&server, "eye", bad).await.problem(422, "invalid-field");
        let named = problem["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(named.ends_with(field), "{problem}");
    }
    act(&server, "eye", waiting("everybody"))
        .await
        .problem(400, "bad-json");
    patch(&server, "alice", json!({"moderators": []})).await.is(200);
    act(&server, "eye", pin("4711")).await.problem(403, "forbidden");
    patch(&server, "alice", json!({"moderators": ["eye"]}))
        .await
        .is(200);
    assert_ne!(
        server.digest(),
        before,
        "moderators were changed, and nothing else"
    );
    assert_eq!(gate().await, (Value::Null, json!("off")));
}

#[tokio::test]
async fn who_moderates_sees_the_layout_for_all_and_who_may_speak() {
    let server = with_review(json!({"mode": "role_based"})).await;
    enter(&server, 1, "alice");
    enter(&server, 2, "eye");
    let layout = async || see(&server, "alice").await["meeting"]["layout"].clone();
    assert_eq!(layout().await, Value::Null);
    let set = json!({"act": "set_layout", "layout": {"arrangement": "speaker", "locked": true}});
    act(&server, "alice", set).await.is(204);
    let shown = json!({"arrangement": "speaker", "locked": true, "kept": null});
    assert_eq!(layout().await, shown);
    act(&server, "alice", json!({"act": "clear_layout"}))
        .await
        .is(204);
    assert_eq!(layout().await, Value::Null);
    let remark = json!({"act": "give_remark", "participant": "2"});
    act(&server, "alice", remark).await.is(204);
    let eye = people(&server, "alice").await[1].clone();
    assert_eq!((&eye["remark"], &eye["via"]), (&json!(true), &json!("browser")));
}

#[tokio::test]
async fn those_whom_a_conference_names_are_shown_by_name_to_who_moderates_it() {
    let server = TestServer::new();
    let settings = json!({
        "moderators": ["root", "olav@oslo.example.net"],
        "invited": ["eye", "demo2@oslo.example.net"]
    });
    let team = json!({"cid": "named", "name": "Named", "settings": settings});
    let made = server.call("POST", "/conferences").by("alice").json(&team);
    made.send().await.is(201);
    let zoe = json!({"display_name": "Zoe"});
    server.write("PATCH", "/users/alice", &zoe).await.is(200);
    let path = "/conferences/named/people";
    let people = server.call("GET", path).by("alice").send().await.is(200).json();
    assert_eq!(
        people,
        json!([
            {
                "user": "demo2@oslo.example.net",
                "display_name": "demo2@oslo.example.net",
                "role": "invited"
            },
            {"user": "eye", "display_name": "eye", "role": "invited"},
            {"user": "olav@oslo.example.net", "display_name": "olav@oslo.example.net", "role": "moderator"},
            {"user": "root", "display_name": "root", "role": "moderator"},
            {"user": "alice", "display_name": "Zoe", "role": "owner"}
        ])
    );
    server
        .call("GET", path)
        .by("eye")
        .send()
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn somebody_is_invited_to_the_podium_and_moderators_see_how_it_ends() {
    let server = with_review(json!({"mode": "role_based"})).await;
    enter(&server, 1, "eye");
    let invite = json!({"act": "invite_to_podium", "participant": "1"});
    act(&server, "eye", invite.clone())
        .await
        .problem(403, "forbidden");
    act(&server, "alice", invite.clone()).await.is(204);
    assert_eq!(people(&server, "alice").await[0]["invitation"], "asked");
    assert_eq!(
        people(&server, "eye").await[0]["invitation"],
        Value::Null,
        "told to those who moderate only"
    );
    server.system(conference::Change::Set {
        cid: "review".parse().expect("good"),
        participant: ParticipantId(1),
        moves: 0,
        patch: conference::StatePatch {
            invitation: Some(false),
            ..conference::StatePatch::default()
        },
    });
    let declined = &people(&server, "alice").await[0];
    assert_eq!(
        (&declined["invitation"], &declined["podium"]),
        (&json!("declined"), &json!(false))
    );
    act(&server, "alice", invite).await.problem(409, "conflict");
}

#[tokio::test]
async fn one_participant_gets_a_layout_by_rest() {
    let server = with_review(json!({})).await;
    enter(&server, 1, "eye");
    let layout = json!({"arrangement": "alone", "locked": true});
    let set = json!({"act": "set_layout_of", "participant": "1", "layout": layout});
    act(&server, "eye", set.clone()).await.problem(403, "forbidden");
    act(&server, "alice", set).await.is(204);
    for (wrong, field) in [
        (json!({"act": "set_layout_of", "participant": "1"}), "layout"),
        (json!({"act": "set_layout_of", "layout": layout}), "participant"),
        (json!({"act": "clear_layout_of"}), "participant"),
    ] {
        let problem = act(&server, "alice", wrong).await.problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let clear = json!({"act": "clear_layout_of", "participant": "1"});
    act(&server, "alice", clear).await.is(204);
}

#[tokio::test]
async fn moderators_read_the_chat_and_take_lines_out() {
    let server = with_review(json!({})).await;
    enter(&server, 1, "alice");
    enter(&server, 2, "eye");
    let say = |by: u64, text: &str, reply_to, mentions: &[u64]| {
        server.system(conference::Change::Say {
            cid: "review".parse().expect("good"),
            participant: ParticipantId(by),
            text: text.into(),
            reply_to,
            mentions: mentions.iter().map(|id| ParticipantId(*id)).collect(),
            key: None,
        });
    };
    let name = people(&server, "alice").await[0]["name"]
        .as_str()
        .expect("a name")
        .to_owned();
    say(2, "Rude", None, &[]);
    say(2, &format!("@{name} sorry"), Some(1), &[1]);
    let read = async |who: &str, path: &str| {
        let path = format!("/conferences/review/chat{path}");
        server.call("GET", &path).by(who).send().await
    };
    let delete = async |who: &str, line: &str| {
        let path = format!("/conferences/review/chat/{line}");
        server.call("DELETE", &path).by(who).send().await
    };
    let lines = read("alice", "").await.is(200).json();
    assert_eq!(
        (&lines[0]["text"], &lines[0]["user"]),
        (&json!("Rude"), &json!("eye"))
    );
    assert_eq!(
        (&lines[1]["reply_to"], &lines[1]["mentions"]),
        (&json!("1"), &json!([name]))
    );
    assert_eq!(
        read("root", "?after=1")
            .await
            .is(200)
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    read("eye", "").await.problem(403, "forbidden");
    read("alice", "?after=x").await.problem(400, "bad-query");
    let before = server.digest();
    delete("eye", "1").await.problem(403, "forbidden");
    delete("alice", "9").await.problem(404, "not-found");
    delete("alice", "x").await.problem(404, "not-found");
    assert_eq!(server.digest(), before);
    delete("alice", "1").await.is(204);
    delete("root", "1").await.is(204);
    let lines = read("alice", "").await.is(200).json();
    assert_eq!(
        (&lines[0]["text"], &lines[0]["deleted"]),
        (&json!(""), &json!("moderator"))
    );
}

#[tokio::test]
async fn moderators_write_as_their_account_and_once_by_one_key() {
    let server = with_review(json!({})).await;
    let write = async |who: &str, body: serde_json::Value| {
        let call = server.call("POST", "/conferences/review/chat").by(who);
        call.json(&body).send().await
    };
    let body = json!({"text": "By a program", "key": "p-1"});
    write("alice", body.clone()).await.problem(409, "conflict");
    enter(&server, 2, "eye");
    let said = write("alice", body.clone()).await.is(201).json();
    assert_eq!(
        (&said["text"], &said["user"], &said["reply_to"]),
        (&json!("By a program"), &json!("alice"), &json!(null))
    );
    assert!(said["run"].is_string(), "{said}");
    let before = server.digest();
    assert_eq!(write("alice", body).await.is(201).json()["id"], said["id"]);
    write("eye", json!({"text": "Me too"}))
        .await
        .problem(403, "forbidden");
    for (wrong, field) in [
        (json!({"text": " "}), "text"),
        (json!({"text": "x", "key": "a b"}), "key"),
        (json!({"text": "x", "reply_to": "7"}), "reply_to"),
        (json!({"text": "x", "reply_to": "x"}), "reply_to"),
    ] {
        let problem = write("alice", wrong).await.problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    assert_eq!(server.digest(), before);
    let answer = json!({"text": "And more", "reply_to": said["id"]});
    assert_eq!(write("root", answer).await.is(201).json()["reply_to"], said["id"]);
}

#[tokio::test]
async fn moderators_see_whom_they_removed_and_let_them_back() {
    let server = with_review(json!({})).await;
    enter(&server, 7, "alice");
    enter(&server, 8, "eye");
    let list = async |who: &str| {
        let call = server.call("GET", "/conferences/review/removed").by(who);
        call.send().await
    };
    assert_eq!(list("alice").await.is(200).json(), json!([]));
    act(&server, "alice", json!({"act": "remove", "participant": "8"}))
        .await
        .is(204);
    list("eye").await.problem(403, "forbidden");
    let seen = list("alice").await.is(200).json();
    assert_eq!((&seen[0]["id"], &seen[0]["user"]), (&json!("8"), &json!("eye")));
    assert!(seen[0]["since"].is_string());
    assert_eq!(seen[0]["programs_only"], json!(false));
    let lets_back = async |who: &str, id: &str| {
        let path = format!("/conferences/review/removed/{id}");
        server.call("DELETE", &path).by(who).send().await
    };
    lets_back("eye", "8").await.problem(403, "forbidden");
    lets_back("alice", "9").await.problem(409, "conflict");
    lets_back("alice", "8").await.is(204);
    assert_eq!(list("root").await.is(200).json(), json!([]));
    enter(&server, 9, "eye");
    assert_eq!(people(&server, "alice").await.len(), 2);
}

#[tokio::test]
async fn moderators_see_and_remove_who_watches_by_a_program() {
    let server = with_review(json!({})).await;
    enter(&server, 7, "alice");
    server.system(conference::Change::Watch {
        cid: "review".parse().expect("good"),
        watcher: ParticipantId(1 << 63),
        user: "eye".parse().expect("good"),
        node: NodeId(1),
        epoch: 11,
    });
    let list = async |who: &str| {
        let call = server.call("GET", "/conferences/review/watchers").by(who);
        call.send().await
    };
    list("eye").await.problem(403, "forbidden");
    let seen = list("alice").await.is(200).json();
    let id = (1u64 << 63).to_string();
    assert_eq!(seen[0]["id"], id.as_str());
    assert_eq!(
        (&seen[0]["user"], &seen[0]["node"]),
        (&json!("eye"), &json!("node-1"))
    );
    assert!(seen[0]["since"].is_string());
    assert_eq!(
        people(&server, "alice").await.len(),
        1,
        "it is in no list of participants"
    );
    let body = json!({"act": "remove_watcher", "participant": id});
    act(&server, "eye", body.clone()).await.problem(403, "forbidden");
    act(&server, "alice", body.clone()).await.is(204);
    assert_eq!(list("root").await.is(200).json(), json!([]));
    act(&server, "alice", body).await.problem(409, "conflict");
    act(&server, "alice", json!({"act": "remove_watcher"}))
        .await
        .problem(422, "invalid-field");
    let removed = server.call("GET", "/conferences/review/removed").by("alice");
    let removed = removed.send().await.is(200).json();
    assert_eq!(
        (
            &removed[0]["id"],
            &removed[0]["user"],
            &removed[0]["programs_only"]
        ),
        (&json!(id), &json!("eye"), &json!(true))
    );
    let path = format!("/conferences/review/removed/{id}");
    let lets_back = server.call("DELETE", &path).by("alice");
    lets_back.send().await.is(204);
    let removed = server.call("GET", "/conferences/review/removed").by("alice");
    assert_eq!(removed.send().await.is(200).json(), json!([]));
}

#[tokio::test]
async fn who_is_not_invited_learns_neither_of_a_conference_nor_of_who_is_in_one() {
    let server = with_review(json!({})).await;
    for (cid, invited) in [("secret", json!([])), ("ours", json!(["eye"]))] {
        let body = json!({"cid": cid, "name": cid, "settings": {"uninvited": false, "invited": invited}});
        let call = server.call("POST", "/conferences").by("alice").json(&body);
        call.send().await.is(201);
    }
    let listed = async |who: &str, near: bool| -> Vec<String> {
        let call = server.call("GET", "/conferences?sort=cid").by(who);
        let call = if near { call } else { call.from(OUTSIDE) };
        let list = call.send().await.is(200).json();
        let items = list["items"].as_array().expect("a list").iter();
        items
            .map(|one| one["cid"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(listed("alice", true).await, ["ours", "review", "secret"]);
    assert_eq!(listed("eye", true).await, ["ours", "review", "secret"]);
    assert_eq!(
        listed("eye", false).await,
        ["ours", "review"],
        "no administrator there"
    );
    enter(&server, 1, "alice");
    let roster = async |cid: &str| {
        let path = format!("/conferences/{cid}/participants");
        server.call("GET", &path).by("eye").from(OUTSIDE).send().await
    };
    roster("ours").await.is(200);
    roster("review").await.problem(403, "forbidden");
    enter(&server, 2, "eye");
    roster("review").await.is(200);
}
