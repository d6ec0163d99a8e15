//! What is written down of other servers, and how they are (FED-01, FED-02, LIC-02).

use crate::server::*;
use plenary_federation::{Attempt, Pages, Shown, Tried, Trouble, Usage};
use plenary_model::{Fingerprint, ServerName, Timestamp};
use serde_json::{Value, json};

const DAY: u64 = 24 * 3_600_000;

fn oslo() -> ServerName {
    name("oslo.example.net")
}

fn shown(expires: Timestamp) -> Shown {
    Shown {
        subject: "CN=oslo.example.net".into(),
        issuer: "CN=Authority".into(),
        expires,
        fingerprint: Fingerprint::of([7; 32]),
        names: vec!["oslo.example.net".into()],
    }
}

fn usual() -> Value {
    json!({
        "calls": true, "conferences": true, "chat": true, "content": true, "recording": false,
        "bandwidth_kbps": null, "participants": null
    })
}

async fn meets_with_all(server: &TestServer) {
    server.write("POST", "/licence", &any_licence()).await.is(201);
    let open =
        json!({ "federation": { "mode": "blacklist", "whitelist": [], "blacklist": ["*.example.org"] } });
    server.write("PATCH", "/settings", &open).await.is(200);
}

#[tokio::test]
async fn federation_needs_a_licence() {
    let server = TestServer::new();
    let on =
        json!({ "federation": { "mode": "whitelist", "whitelist": ["oslo.example.net"], "blacklist": [] } });
    let refused = server
        .write("PATCH", "/settings", &on)
        .await
        .problem(409, "not-licensed");
    let detail = refused["detail"].as_str().expect("text");
    assert!(detail.contains("free licence"), "{detail}");
    let partners = server.get("/federation/partners").await.is(200).json();
    assert_eq!(partners, json!({ "licensed": false, "items": [] }));
    server.write("POST", "/licence", &any_licence()).await.is(201);
    server.write("PATCH", "/settings", &on).await.is(200);
    let partners = server.get("/federation/partners").await.is(200).json();
    assert_eq!(partners["licensed"], true);
}

#[tokio::test]
async fn a_partner_is_written_down_shown_and_dropped() {
    let server = TestServer::new();
    meets_with_all(&server).await;
    let path = "/federation/partners/oslo.example.net";
    server.get(path).await.problem(404, "not-found");
    let terms = json!({ "calls": true, "conferences": false, "chat": true, "content": false, "recording": false,
        "bandwidth_kbps": 4096, "participants": 20 });
    let print = ["07"; 32].join(":");
    let body = json!({ "note": "Ask Olav", "terms": terms, "certificate": print.to_uppercase() });
    let made = server.write("PUT", path, &body).await.is(200).json();
    for (field, value) in [
        ("server", json!("oslo.example.net")),
        ("state", json!("untried")),
        ("note", json!("Ask Olav")),
        ("terms", terms),
        ("certificate", json!("07".repeat(32))),
        ("authority", Value::Null),
        ("seen", Value::Null),
    ] {
        assert_eq!(made[field], value, "{made}");
    }
    // Whoever saves over what they have not seen is told.
    let stale = server
        .call("PUT", path)
        .by("root")
        .header("if-match", "\"0\"")
        .json(&json!({}));
    stale.send().await.problem(412, "stale");
    let plain = server.write("PUT", path, &json!({})).await.is(200).json();
    assert_eq!(
        (&plain["terms"], &plain["certificate"]),
        (&Value::Null, &Value::Null)
    );
    let event = server.get("/events?limit=1").await.is(200).json();
    assert_eq!(
        (&event["items"][0]["object_kind"], &event["items"][0]["object"]),
        (&json!("partner"), &json!("oslo.example.net"))
    );
    server.call("DELETE", path).by("root").send().await.is(204);
    server.get(path).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_cannot_be_pinned_is_refused_with_the_reason() {
    let server = TestServer::new();
    let path = "/federation/partners/oslo.example.net";
    let before = server.digest();
    for (body, field, words) in [
        (
            json!({ "authority": "who?" }),
            "authority",
            "no certificate as PEM",
        ),
        (
            json!({ "certificate": "1234" }),
            "certificate",
            "64 hexadecimal digits",
        ),
        (
            json!({ "certificate": "07".repeat(32), "authority": "who?" }),
            "certificate",
            "pin one of the two",
        ),
        (
            json!({ "terms": { "calls": true, "conferences": true, "chat": true, "content": true,
                "recording": true, "bandwidth_kbps": 1 } }),
            "terms.bandwidth_kbps",
            "64 to",
        ),
    ] {
        let problem = server
            .write("PUT", path, &body)
            .await
            .problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        let reason = problem["errors"][0]["reason"].as_str().expect("text");
        assert!(reason.contains(words), "{reason}");
    }
    let own = server
        .write("PUT", "/federation/partners/paris.example.com", &json!({}))
        .await;
    own.problem(422, "invalid-field");
    server
        .write("PUT", "/federation/partners/10.0.0.1%20x", &json!({}))
        .await
        .problem(404, "not-found");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn an_authority_is_pinned_as_pem_and_named() {
    let server = TestServer::new();
    let path = "/federation/partners/oslo.example.net";
    let pem = authority();
    let made = server
        .write("PUT", path, &json!({ "authority": pem }))
        .await
        .is(200)
        .json();
    assert_eq!(made["authority"], pem.trim());
    assert_eq!(made["authorities"][0]["subject"], "CN=Oslo Authority");
}

fn authority() -> String {
    let mut wanted = rcgen::CertificateParams::default();
    wanted.distinguished_name = rcgen::DistinguishedName::new();
    wanted
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Oslo Authority");
    wanted.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    wanted.self_signed(&key).expect("a certificate").pem()
}

#[tokio::test]
async fn the_terms_of_all_others_are_a_setting() {
    let server = TestServer::new();
    let settings = server.get("/settings").await.is(200).json();
    assert_eq!(settings["partner_terms"], usual());
    let mut terms = usual();
    terms["chat"] = json!(false);
    terms["participants"] = json!(50);
    let changed = server
        .write("PATCH", "/settings", &json!({ "partner_terms": terms }))
        .await;
    assert_eq!(changed.is(200).json()["partner_terms"], terms);
    terms["participants"] = json!(0);
    let refused = server
        .write("PATCH", "/settings", &json!({ "partner_terms": terms }))
        .await;
    let problem = refused.problem(422, "invalid-field");
    assert_eq!(problem["errors"][0]["field"], "partner_terms.participants");
}

#[tokio::test]
async fn how_partners_are_is_shown_beside_what_is_written_down() {
    let server = TestServer::new();
    meets_with_all(&server).await;
    let path = "/federation/partners/oslo.example.net";
    server
        .write("PUT", path, &json!({ "note": "Ask Olav" }))
        .await
        .is(200);
    let now = server.now();
    let tried = Tried {
        way: Some("node-1.oslo.example.net:4307".into()),
        certificate: Some(shown(Timestamp(now.0 + 10 * DAY))),
        round_trip_ms: Some(12),
        trouble: None,
    };
    server.book().tried(&oslo(), now, tried);
    server.book().uses(
        &oslo(),
        Usage {
            users: 3,
            own_users: 2,
            ..Usage::default()
        },
    );
    let trouble = Trouble {
        words: "it is on the blacklist".into(),
        is_change: false,
    };
    server
        .book()
        .came(&name("s.example.org"), now, shown(now), Some(trouble));
    let partners = server.get("/federation/partners").await.is(200).json();
    let [first, second] = partners["items"].as_array().expect("a list").as_slice() else {
        panic!("{partners}");
    };
    assert_eq!(
        (&first["state"], &first["note"]),
        (&json!("well"), &json!("Ask Olav"))
    );
    let seen = &first["seen"];
    for (field, value) in [
        ("way", json!("node-1.oslo.example.net:4307")),
        ("round_trip_ms", json!(12)),
        ("certificate_expires", json!(true)),
        ("users", json!(3)),
        ("own_users", json!(2)),
        ("quarantined_until", Value::Null),
    ] {
        assert_eq!(seen[field], value, "{seen}");
    }
    assert_eq!(seen["certificate"]["fingerprint"], "07".repeat(32));
    assert_eq!(seen["outgoing"]["trouble"], Value::Null);
    assert_eq!(
        (&second["state"], &second["revision"]),
        (&json!("not_allowed"), &Value::Null)
    );
    let attempt = Attempt {
        at: now,
        trouble: None,
    };
    assert_eq!(server.book().of(&oslo()).expect("noted").outgoing, Some(attempt));
}

#[tokio::test]
async fn what_is_to_be_confirmed_is_what_was_shown_where_dns_leads_and_no_claim_of_a_stranger() {
    let server = TestServer::new();
    meets_with_all(&server).await;
    let now = server.now();
    let trouble = || Trouble {
        words: "its certificate has changed".into(),
        is_change: true,
    };
    server.book().tried(&oslo(), now, Tried::default());
    server.book().claimed(&oslo(), now, trouble());
    let path = "/federation/partners/oslo.example.net";
    let partner = server.get(path).await.is(200).json();
    assert_eq!(partner["state"], "well", "{partner}");
    assert_eq!(partner["seen"]["changed"], Value::Null);
    assert_eq!(
        partner["seen"]["claimed"]["trouble"],
        "its certificate has changed"
    );

    let tried = Tried {
        certificate: Some(shown(Timestamp(now.0 + 90 * DAY))),
        trouble: Some(trouble()),
        ..Tried::default()
    };
    server.book().tried(&oslo(), now, tried);
    let partner = server.get(path).await.is(200).json();
    assert_eq!(partner["state"], "certificate_changed", "{partner}");
    assert_eq!(partner["seen"]["changed"]["fingerprint"], "07".repeat(32));
}

#[tokio::test]
async fn a_quarantine_is_shown_and_ended() {
    let server = TestServer::new();
    meets_with_all(&server).await;
    let rules = plenary_federation::QuarantineRules {
        faults: 1,
        ..Default::default()
    };
    let now = server.now();
    server.book().misbehaved(&oslo(), now, &rules);
    let path = "/federation/partners/oslo.example.net";
    let partner = server.get(path).await.is(200).json();
    assert_eq!(partner["state"], "quarantined");
    assert!(partner["seen"]["quarantined_until"].is_string(), "{partner}");
    let released = server
        .call("POST", &format!("{path}/release"))
        .by("root")
        .send()
        .await;
    assert_eq!(released.is(200).json()["seen"]["quarantined_until"], Value::Null);
}

#[tokio::test]
async fn which_fields_of_profiles_others_see_is_a_setting() {
    let server = TestServer::new();
    let profile = json!({ "email": "eye@example.com", "job_title": "Guard", "home_phone": "+33 1" });
    server
        .call("PATCH", "/me")
        .by("eye")
        .json(&profile)
        .send()
        .await
        .is(200);
    let person = || server.call("GET", "/people/eye").by("alice");
    let seen = person().send().await.is(200).json();
    assert_eq!(seen["user_id"], "eye@paris.example.com");
    assert_eq!(
        (&seen["job_title"], &seen["home_phone"]),
        (&json!("Guard"), &json!(""))
    );
    let settings = server.get("/settings").await.is(200).json();
    assert_eq!(settings["profile_fields"]["partners"], json!([]));
    let fields = json!({ "profile_fields": { "people": ["home_phone"], "partners": ["email", "email"] } });
    let changed = server.write("PATCH", "/settings", &fields).await.is(200).json();
    assert_eq!(
        changed["profile_fields"],
        json!({ "people": ["home_phone"], "partners": ["email"] })
    );
    let seen = person().send().await.is(200).json();
    assert_eq!(
        (&seen["email"], &seen["job_title"], &seen["home_phone"]),
        (&json!(""), &json!(""), &json!("+33 1"))
    );
    let contacts = server
        .call("GET", "/me/contacts?search=eye")
        .by("alice")
        .send()
        .await;
    assert_eq!(contacts.is(200).json()["items"][0]["email"], "");
    server
        .call("GET", "/people/nobody")
        .by("alice")
        .send()
        .await
        .problem(404, "not-found");
    let bad = json!({ "profile_fields": { "people": ["password"], "partners": [] } });
    server.write("PATCH", "/settings", &bad).await.is(400);
}

#[tokio::test]
async fn people_are_told_with_whom_they_may_meet() {
    let server = TestServer::new();
    let path = "/me/partners/oslo.example.net";
    let told = async || server.get(path).await.is(200).json();
    let may = |calls: bool, conferences: bool, reason: Value| json!({ "server": "oslo.example.net", "calls": calls, "conferences": conferences, "reason": reason, "pages": null });
    assert_eq!(told().await, may(false, false, json!("off")));
    meets_with_all(&server).await;
    assert_eq!(told().await, may(true, true, Value::Null));
    let terms = json!({ "terms": { "calls": true, "conferences": false, "chat": true, "content": true,
        "recording": false, "bandwidth_kbps": null, "participants": null } });
    let partner = "/federation/partners/oslo.example.net";
    server.write("PUT", partner, &terms).await.is(200);
    assert_eq!(told().await, may(true, false, Value::Null));
    let other = server.get("/me/partners/lyon.example.org").await.is(200).json();
    assert_eq!(other["reason"], "not_allowed", "it is on the blacklist: {other}");
    let bad = server.get("/me/partners/10.0.0.1%20x").await;
    bad.is(404);
}

#[tokio::test]
async fn links_to_pages_of_other_servers_are_known_by_what_those_said() {
    let server = TestServer::new();
    let told = async |address: &str| {
        let path = format!("/me/pages?address={address}");
        server.get(&path).await.is(200).json()["server"].clone()
    };
    let pages = "https://meet.oslo.example.net:8443";
    assert_eq!(told(pages).await, Value::Null);
    server
        .book()
        .says(&oslo(), Pages::at(pages).into_iter().collect());
    assert_eq!(told(pages).await, "oslo.example.net");
    assert_eq!(told(&format!("{pages}/m/review?x=1")).await, "oslo.example.net");
    assert_eq!(told("https://meet.oslo.example.net").await, Value::Null);
    let may = server.get("/me/partners/oslo.example.net").await.is(200).json();
    assert_eq!(may["pages"], pages);
    for bad in [
        "meet.oslo.example.net",
        "http://oslo.example.net",
        "https://a%20b",
    ] {
        let path = format!("/me/pages?address={bad}");
        server.get(&path).await.problem(422, "invalid-field");
    }
}
