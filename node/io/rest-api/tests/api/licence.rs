use crate::server::*;
use plenary_licences::{
    PoolId, Seats,
    licence::{Confirmation, Covers, Edition, Licence, LicenceId, Request, Signed, Signer, Support, Term},
};
use plenary_licensing::Change;
use plenary_model::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn licence(id: u128, pro: u32) -> Licence {
    let servers = ["paris.example.com".parse().expect("a name")];
    Licence {
        id: LicenceId(id),
        enterprise: "Société des Essais".into(),
        contact: "Joe, joe@example.com".into(),
        covers: Covers::Only(servers.into()),
        seats: Seats {
            pro,
            online: 30,
            guest: 4,
            gateway: 0,
        },
        extensions: Default::default(),
        term: Term::Annual,
        edition: Edition::Server,
        support: Support::Advanced,
        issued: Timestamp(0),
        valid_from: Timestamp(0),
        valid_until: Some(Timestamp(4_102_444_800_000)),
    }
}

fn file(licence: &Licence) -> Value {
    json!({ "file": Signed::issue(licence, &vendor()).expect("it can be issued") })
}

#[tokio::test]
async fn a_licence_is_installed_shown_and_removed() {
    let server = TestServer::new();
    let free = server.get("/licence").await.is(200).json();
    assert_eq!(
        (free["free"].clone(), free["seats"]["pro"].clone()),
        (json!(true), json!(10))
    );
    assert_eq!(free["pool"], format!("{:032x}", 7));
    let made = server
        .write("POST", "/licence", &file(&licence(1, 20)))
        .await
        .is(201)
        .json();
    for (field, value) in [
        ("id", json!(format!("{:032x}", 1))),
        ("servers", json!(["paris.example.com"])),
        ("valid_until", json!("2100-01-01T00:00:00.000Z")),
        ("installed_by", json!("root")),
        ("development", json!(false)),
        ("idle", json!(null)),
        ("warning", json!(null)),
        ("support", json!("advanced")),
    ] {
        assert_eq!(made[field], value, "{made}");
    }
    server
        .write("POST", "/licence", &file(&licence(2, 5)))
        .await
        .is(201);
    let both = server.get("/licence").await.is(200).json();
    assert_eq!(
        (both["free"].clone(), both["seats"]["pro"].clone()),
        (json!(false), json!(25))
    );
    assert_eq!(both["files"].as_array().map(Vec::len), Some(2));
    let path = format!("/licence/{:032x}", 1);
    server.call("DELETE", &path).by("root").send().await.is(204);
    server
        .call("DELETE", &path)
        .by("root")
        .send()
        .await
        .problem(404, "not-found");
    let left = server.get("/licence").await.is(200).json();
    assert_eq!(left["seats"]["pro"], 5);
    server
        .call("DELETE", "/licence/xyz")
        .by("root")
        .send()
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn what_does_not_count_is_refused_with_the_reason() {
    let server = TestServer::new();
    server
        .write("POST", "/licence", &file(&licence(1, 20)))
        .await
        .is(201);
    let before = server.digest();
    let stranger = Signer::of_seed([9; 32]).expect("a key");
    let foreign = json!({ "file": Signed::issue(&licence(2, 1), &stranger).expect("issued") });
    let other = Licence {
        covers: Covers::Only(["oslo.example.com".parse().expect("a name")].into()),
        ..licence(3, 1)
    };
    let over = Licence {
        valid_until: Some(Timestamp(1_000_000)),
        ..licence(4, 1)
    };
    let later = Licence {
        valid_from: Timestamp(4_000_000_000_000),
        ..licence(5, 1)
    };
    for (body, status, code) in [
        (file(&licence(1, 20)), 409, "licence-known"),
        (foreign, 422, "licence-foreign-key"),
        (file(&other), 422, "licence-other-servers"),
        (file(&over), 422, "licence-expired"),
        (file(&later), 422, "licence-not-yet-valid"),
        (json!({ "file": "nonsense" }), 422, "licence-unreadable"),
        (json!({ "file": "A".repeat(70_000) }), 422, "licence-too-large"),
    ] {
        let problem = server
            .write("POST", "/licence", &body)
            .await
            .problem(status, code);
        assert!(
            problem["detail"].as_str().is_some_and(|text| text.len() > 20),
            "{problem}"
        );
    }
    for who in ["alice", "eye"] {
        let call = server
            .call("POST", "/licence")
            .by(who)
            .json(&file(&licence(6, 1)));
        call.send().await.problem(403, "forbidden");
    }
    let outside = server.call("POST", "/licence").by("root").from(OUTSIDE);
    outside
        .json(&file(&licence(6, 1)))
        .send()
        .await
        .problem(403, "admin-network");
    assert_eq!(server.digest(), before);
    server.call("GET", "/licence").by("eye").send().await.is(200);
    server
        .call("GET", "/licence")
        .by("alice")
        .send()
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn development_licences_are_marked() {
    let server = TestServer::new();
    let developer = Signer::for_development().expect("a key");
    let body = json!({ "file": Signed::issue(&licence(1, 20), &developer).expect("issued") });
    let made = server.write("POST", "/licence", &body).await.is(201).json();
    assert_eq!(made["development"], true);
    assert_eq!(server.get("/licence").await.is(200).json()["development"], true);
}

#[tokio::test]
async fn a_request_goes_out_and_its_confirmation_comes_in() {
    let server = TestServer::new();
    let several = ["paris.example.com", "oslo.example.com"].map(|name| name.parse().expect("a name"));
    let wide = Licence {
        covers: Covers::Only(several.into()),
        ..licence(1, 40)
    };
    let made = server
        .write("POST", "/licence", &file(&wide))
        .await
        .is(201)
        .json();
    assert_eq!(made["idle"]["code"], "licence-not-confirmed");
    let path = format!("/licence/{:032x}/request", 1);
    let text = server.get(&path).await.is(200).json()["file"].clone();
    let request = Request::of_text(text.as_str().expect("text").as_bytes()).expect("it can be read");
    let answer = Confirmation::issue(&request, Timestamp(1), &vendor());
    let elsewhere = Request {
        pool: PoolId(8),
        ..request
    };
    let stolen = Confirmation::issue(&elsewhere, Timestamp(1), &vendor());
    let call = server
        .write("POST", "/licence/confirmations", &json!({ "file": stolen }))
        .await;
    call.problem(422, "licence-other-pool");
    let confirmed = server
        .write("POST", "/licence/confirmations", &json!({ "file": answer }))
        .await;
    let confirmed = confirmed.is(200).json();
    assert_eq!(confirmed["seats"]["pro"], 40);
    assert_eq!(confirmed["files"][0]["idle"], json!(null));
}

#[tokio::test]
async fn seats_are_shown_taken_asked_for_and_revoked() {
    let server = TestServer::new();
    server
        .write("POST", "/licence", &file(&licence(1, 1)))
        .await
        .is(201);
    let ask = |who: &'static str| server.call("POST", "/me/pro").by(who).send();
    let own = ask("alice").await.is(200).json();
    assert_eq!(
        (own["kind"].clone(), own["may_ask"].clone()),
        (json!("temporary"), json!(true))
    );
    let refused = ask("eye").await.problem(409, "no-pro-seat");
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|text| text.contains("calls and chats"))
    );
    let seats = server.get("/seats").await.is(200).json();
    assert_eq!(seats["pro"], json!({"total": 1, "taken": 1}));
    assert_eq!(
        (seats["temporary"].clone(), seats["without_temporary"].clone()),
        (json!(1), json!(1))
    );
    let list = server.get("/seats/pro?kind=temporary").await.is(200).json();
    assert_eq!(
        (list["total"].clone(), list["items"][0]["user"].clone()),
        (json!(1), json!("alice"))
    );
    let without = server.get("/seats/without?kind=temporary").await.is(200).json();
    assert_eq!(without["items"][0]["user"], "eye");
    let revoke = |who: &'static str, by: &'static str| {
        let path = format!("/seats/pro/{who}");
        let server = &server;
        async move { server.call("DELETE", &path).by(by).send().await }
    };
    revoke("alice", "eye").await.problem(403, "forbidden");
    revoke("alice", "root").await.is(204);
    revoke("alice", "root").await.problem(409, "not-temporary-pro");
    ask("eye").await.is(200);
    server.sleep(DAY);
    server.system(Change::Tick);
    let list = server.get("/seats/pro?kind=temporary").await.is(200).json();
    assert_eq!(list["total"], 0);
    let events = server
        .get("/events?kind=pro_license_revocation")
        .await
        .is(200)
        .json();
    assert_eq!(events["items"][0]["object"], "alice");
    let events = server.get("/events?kind=pro_license_limit").await.is(200).json();
    assert_eq!(events["items"][0]["object"], "eye");
}

#[tokio::test]
async fn groups_with_permanent_pro_are_chosen_in_order_and_picked() {
    let server = TestServer::new();
    server
        .write("POST", "/licence", &file(&licence(1, 2)))
        .await
        .is(201);
    let group = json!({"name": "Staff", "rights": []});
    let id = server.write("POST", "/groups", &group).await.is(201).json()["id"].clone();
    let members = json!({"add": ["alice"]});
    let path = format!("/groups/{}/members", id.as_str().expect("an ID"));
    server.write("POST", &path, &members).await.is(200);
    for (groups, reason) in [
        (json!(["nowhere"]), "is no group"),
        (json!(["guests"]), "nobody who can have PRO"),
        (json!([id, id]), "twice"),
    ] {
        let call = server
            .write("PATCH", "/seats", &json!({ "permanent_groups": groups }))
            .await;
        let problem = call.problem(422, "invalid-field");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.contains(reason)),
            "{problem}"
        );
    }
    let patch = json!({"permanent_groups": [id, "ungrouped"], "show_pro": false});
    let set = server.write("PATCH", "/seats", &patch).await.is(200);
    let tag = set.header("etag").to_owned();
    assert_eq!(set.json()["permanent_groups"][0]["name"], "Staff");
    let picked = server
        .call("POST", "/seats/pick")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(
        (picked["permanent"].clone(), picked["without_permanent"].clone()),
        (json!(2), json!(1))
    );
    let list = server
        .get("/seats/pro?kind=permanent&sort=place")
        .await
        .is(200)
        .json();
    let users: Vec<_> = list["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| &row["user"])
        .collect();
    assert_eq!(users, ["alice", "eye"]);
    // What users do not see, they are not told.
    let own = server
        .call("GET", "/me/pro")
        .by("alice")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(
        (own["shown"].clone(), own["kind"].clone()),
        (json!(false), json!(null))
    );
    server
        .write("PATCH", "/seats", &json!({"ask_for_pro": false}))
        .await
        .is(200);
    let stale = server.call("PATCH", "/seats").by("root").header("if-match", &tag);
    stale
        .json(&json!({"show_pro": true}))
        .send()
        .await
        .problem(412, "stale");
    server
        .call("POST", "/me/pro")
        .by("alice")
        .send()
        .await
        .problem(409, "asking-for-pro-is-off");
}

#[tokio::test]
async fn a_server_is_connected_to_a_license_manager_and_disconnected() {
    let server = TestServer::new();
    let none = server.get("/licence").await.is(200).json();
    assert_eq!(none["license_manager"], json!(null));
    let connect = |token: &str| json!({ "token": token });
    let post = async |body: &Value| server.write("POST", "/licence/manager", body).await;
    post(&json!({})).await.problem(400, "bad-json");
    post(&connect("no name"))
        .await
        .problem(422, "licence-manager-token");
    let reader = server.call("POST", "/licence/manager").by("eye");
    let reader = reader.json(&connect("licences.example.com")).send().await;
    reader.problem(403, "forbidden");

    server
        .write("POST", "/licence", &file(&licence(1, 20)))
        .await
        .is(201);
    post(&connect("licences.example.com"))
        .await
        .problem(409, "licences-installed");
    let path = format!("/licence/{:032x}", 1);
    server.call("DELETE", &path).by("root").send().await.is(204);

    let connected = post(&connect("licences.example.com")).await.is(200).json();
    let manager = &connected["license_manager"];
    for (field, value) in [
        ("name", json!("licences.example.com")),
        ("pool", json!(format!("{:032x}", 9))),
        ("addresses", json!(["lm-1.example.com:4310"])),
        ("by", json!("root")),
        ("stage", json!("waiting")),
        ("alarm", json!("none")),
        ("replica", json!(null)),
        ("trouble", json!("no replica answers")),
        ("refusal", json!(null)),
        ("time_left_s", json!(null)),
    ] {
        assert_eq!(manager[field], value, "{manager}");
    }
    assert_eq!(connected["seats"]["pro"], 10, "the own licence holds meanwhile");
    post(&connect("licences.example.com"))
        .await
        .problem(409, "licence-manager-connected");
    server
        .write("POST", "/licence", &file(&licence(1, 20)))
        .await
        .problem(409, "licence-manager-connected");

    let disconnect = async |query: &str| {
        let path = format!("/licence/manager{query}");
        server.call("DELETE", &path).by("root").send().await
    };
    disconnect("?end=perhaps").await.problem(400, "bad-query");
    disconnect("").await.is(204);
    let leaving = server.get("/licence").await.is(200).json();
    assert_eq!(leaving["license_manager"]["stage"], "leaving");
    disconnect("").await.problem(409, "licence-manager-leaving");
    disconnect("?end=true").await.is(204);
    disconnect("").await.problem(409, "licence-manager-not-connected");
}

#[tokio::test]
async fn administrators_look_after_the_license_manager() {
    let server = TestServer::new();
    let refused = server.get("/license-manager").await;
    refused.problem(409, "licence-manager-not-connected");
    let connect = json!({ "token": "licences.example.com" });
    server.write("POST", "/licence/manager", &connect).await.is(200);
    let seen = server.call("GET", "/license-manager").by("eye").send().await;
    let seen = seen.is(200).json();
    assert_eq!(
        (seen["standing"].clone(), seen["ttl_s"].clone()),
        (json!("serving"), json!(43_200))
    );
    let oslo = &seen["servers"][0];
    for (field, value) in [
        ("server", json!("oslo.example.com")),
        ("most", json!(null)),
        ("left_s", json!(40_000)),
        ("silent_s", json!(1)),
    ] {
        assert_eq!(oslo[field], value, "{oslo}");
    }
    assert_eq!(seen["history"][0]["at"], "1970-01-01T00:00:00.000Z");

    let recall = "/license-manager/servers/oslo.example.com/recall";
    let back = server.write("POST", recall, &json!({ "pro": 3 })).await;
    assert_eq!(back.is(200).json()["servers"][0]["leased"]["pro"], 4);
    server
        .write("POST", recall, &json!({}))
        .await
        .problem(422, "invalid-field");
    let dead = "/license-manager/servers/oslo.example.com/declare-dead";
    server
        .write("POST", dead, &json!({ "off": "rome.example.com" }))
        .await
        .problem(422, "invalid-field");
    let reader = server.call("POST", dead).by("eye");
    let reader = reader.json(&json!({ "off": "oslo.example.com" })).send().await;
    reader.problem(403, "forbidden");
    let gone = server
        .write("POST", dead, &json!({ "off": "oslo.example.com" }))
        .await;
    assert_eq!(gone.is(200).json()["leased"]["pro"], 0);
}
