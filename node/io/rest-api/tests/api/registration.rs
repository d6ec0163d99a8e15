//! People register for a public conference, and moderators see who has (CONF-12).

use crate::server::*;
use plenary_rest_api::SignInRates;
use serde_json::{Value, json};
use std::time::Duration;

/// The public room `webinar` of `alice`, with this registration.
async fn webinar(server: &TestServer, registration: Value) {
    let body = json!({
        "cid": "webinar", "name": "Webinar", "access": "public",
        "settings": {"registration": registration}
    });
    let call = server.call("POST", "/conferences").by("alice").json(&body);
    call.send().await.is(201);
}

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    let path = format!("/conferences/webinar/{path}");
    server.call("POST", &path).from(OUTSIDE).json(&body).send().await
}

async fn register(server: &TestServer, body: Value) -> Answer {
    post(server, "registrants", body).await
}

async fn link_of(server: &TestServer, body: Value) -> String {
    let made = register(server, body).await.is(201);
    assert!(!made.header("plenary-index").is_empty());
    made.json()["link"].as_str().expect("a link").to_owned()
}

async fn door(server: &TestServer) -> Value {
    let call = server.call("GET", "/conferences/webinar/door").from(OUTSIDE);
    call.send().await.is(200).json()
}

async fn listed(server: &TestServer, query: &str) -> Value {
    let path = format!("/conferences/webinar/registrants{query}");
    server.call("GET", &path).by("alice").send().await.is(200).json()
}

#[tokio::test]
async fn the_form_is_set_shown_at_the_door_and_kept() {
    let server = TestServer::new();
    let form = json!({
        "on": true, "email": "required", "phone": "optional", "limit": 40, "consent": "Terms",
        "fields": [
            {"label": "Colour", "kind": "choice", "choices": ["Red", "Blue"], "required": true},
            {"label": "Why", "kind": "long_text"}
        ]
    });
    webinar(&server, form).await;
    let call = server.call("GET", "/conferences/webinar").by("alice");
    let kept = call.send().await.is(200).json()["settings"]["registration"].clone();
    assert_eq!(
        (&kept["limit"], &kept["organisation"]),
        (&json!(40), &json!("off"))
    );
    assert_eq!(
        (&kept["fields"][0]["id"], &kept["fields"][1]["id"]),
        (&json!(1), &json!(2))
    );
    let shown = door(&server).await;
    assert_eq!(
        shown["rights"],
        json!({"chat": true, "audio": true, "video": true})
    );
    let shown = &shown["registration"];
    assert_eq!(
        (&shown["state"], &shown["others"]),
        (&json!("open"), &json!(false))
    );
    assert_eq!(
        (&shown["email"], &shown["fields"]),
        (&json!("required"), &kept["fields"])
    );
    // What was read is what can be written, with a field less.
    let mut less = kept.clone();
    less["fields"].as_array_mut().expect("a list").remove(0);
    less["closed"] = json!(true);
    let patch =
        json!({"settings": {"registration": less, "guests": {"chat": false, "audio": true, "video": true}}});
    let call = server
        .call("PATCH", "/conferences/webinar")
        .by("alice")
        .json(&patch);
    let changed = call.send().await.is(200).json();
    assert_eq!(changed["settings"]["registration"]["fields"][0]["id"], 2);
    let shown = door(&server).await;
    assert_eq!(shown["registration"]["state"], "closed");
    assert_eq!(shown["rights"]["chat"], false);
}

#[tokio::test]
async fn forms_that_make_no_sense_are_refused_with_the_field() {
    let server = TestServer::new();
    webinar(&server, json!({"on": true})).await;
    let before = server.digest();
    let text = json!({"label": "One", "kind": "text"});
    for (registration, field) in [
        (json!({"on": true, "closes": "at"}), "closes_at"),
        (json!({"on": true, "closes": "at_start"}), "closes"),
        (json!({"on": true, "limit": 5001}), "limit"),
        (json!({"on": true, "fields": vec![text; 11]}), "fields"),
        (
            json!({"on": true, "fields": [{"label": "One", "kind": "text", "choices": ["a"]}]}),
            "fields.0.choices",
        ),
        (
            json!({"on": true, "fields": [{"label": "One", "kind": "choice", "choices": ["a"]}]}),
            "fields.0.choices",
        ),
        (
            json!({"on": true, "fields": [{"id": 9, "label": "One", "kind": "text"}]}),
            "fields.0.id",
        ),
    ] {
        let body = json!({"settings": {"registration": registration}});
        let call = server
            .call("PATCH", "/conferences/webinar")
            .by("alice")
            .json(&body);
        let problem = call.send().await.problem(422, "invalid-field");
        assert_eq!(
            problem["errors"][0]["field"],
            format!("settings.registration.{field}")
        );
    }
    let body = json!({"settings": {"registration": {"on": true, "colour": "red"}}});
    let call = server
        .call("PATCH", "/conferences/webinar")
        .by("alice")
        .json(&body);
    call.send().await.problem(400, "unknown-field");
    let internal = json!({"cid": "inside", "name": "Inside", "settings": {"registration": {"on": true}}});
    let call = server.call("POST", "/conferences").by("alice").json(&internal);
    call.send().await.problem(422, "invalid-field");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn who_registers_gets_a_link_and_comes_by_it() {
    let server = TestServer::new();
    webinar(
        &server,
        json!({"on": true, "email": "required", "consent": "Terms"}),
    )
    .await;
    let before = server.digest();
    post(&server, "guests", json!({"name": "Ann"}))
        .await
        .problem(403, "not-registered");
    for (body, field) in [
        (json!({"name": "Ann", "consents": true}), "email"),
        (
            json!({"name": " ", "email": "ann@example.com", "consents": true}),
            "name",
        ),
        (json!({"name": "Ann", "email": "ann@example.com"}), "consent"),
        (
            json!({"name": "Ann", "email": "ann@example.com", "consents": true, "answers": [{"field": 4, "value": "x"}]}),
            "answers.4",
        ),
    ] {
        let problem = register(&server, body).await.problem(422, "invalid-field");
        assert_eq!(problem["errors"][0]["field"], field);
    }
    assert_eq!(server.digest(), before);
    let link = link_of(
        &server,
        json!({"name": " Ann ", "email": "ann@example.com", "consents": true}),
    )
    .await;
    let shown = post(&server, "door/registration", json!({"link": link}))
        .await
        .is(200)
        .json();
    assert_eq!(shown["name"], "Ann");
    let come = post(&server, "guests", json!({"link": link}))
        .await
        .is(201)
        .json();
    assert_eq!(
        (&come["name"], come["guest"].as_str()),
        (&json!("Ann"), link.split('.').next())
    );
    let token = come["token"].as_str().expect("a token").to_owned();
    assert_eq!(server.guest(&token).expect("stored by its hash").name, "Ann");
    // On another device: the same person, and the token of before has ended.
    let again = post(&server, "guests", json!({"link": link}))
        .await
        .is(201)
        .json();
    assert_eq!(again["guest"], come["guest"]);
    assert_eq!(server.guest(&token), None);
    let token = again["token"].as_str().expect("a token");
    // By the token of before one stays who one was.
    let by_token = post(&server, "guests", json!({"name": "Eve", "token": token}))
        .await
        .is(201)
        .json();
    assert_eq!(
        (&by_token["guest"], &by_token["name"]),
        (&come["guest"], &json!("Ann"))
    );
}

#[tokio::test]
async fn links_that_are_not_valid_are_refused_and_not_told_apart() {
    let server = TestServer::new();
    webinar(&server, json!({"on": true})).await;
    let link = link_of(&server, json!({"name": "Ann"})).await;
    let body = json!({
        "cid": "other", "name": "Other", "access": "public", "settings": {"registration": {"on": true}}
    });
    server
        .call("POST", "/conferences")
        .by("alice")
        .json(&body)
        .send()
        .await
        .is(201);
    let foreign = json!({"link": link});
    for path in [
        "/conferences/other/guests",
        "/conferences/other/door/registration",
    ] {
        let call = server.call("POST", path).from(OUTSIDE).json(&foreign);
        call.send().await.problem(403, "link-not-valid");
    }
    let forged = format!("{link}x");
    let nobody = "guest-aaaaaaaaaaaaaaaa.secret".to_owned();
    for link in [
        forged,
        nobody,
        "nonsense".into(),
        String::new(),
        ".".into(),
        link.replace('.', ""),
    ] {
        let body = json!({"link": link});
        post(&server, "guests", body.clone())
            .await
            .problem(403, "link-not-valid");
        post(&server, "door/registration", body)
            .await
            .problem(403, "link-not-valid");
    }
    let id = link.split('.').next().expect("an ID");
    let path = format!("/conferences/webinar/registrants/{id}");
    server
        .call("DELETE", &path)
        .send()
        .await
        .problem(401, "not-signed-in");
    server
        .call("DELETE", &path)
        .by("eye")
        .send()
        .await
        .problem(403, "forbidden");
    server.call("DELETE", &path).by("alice").send().await.is(204);
    post(&server, "guests", json!({"link": link}))
        .await
        .problem(403, "link-not-valid");
    post(&server, "door/registration", json!({"link": link}))
        .await
        .problem(403, "link-not-valid");
    server
        .call("DELETE", &path)
        .by("alice")
        .send()
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn registration_says_when_it_is_not_open() {
    let server = TestServer::new();
    webinar(&server, json!({"on": true, "limit": 1})).await;
    let change = |registration: Value| {
        let body = json!({"settings": {"registration": registration}});
        server
            .call("PATCH", "/conferences/webinar")
            .by("alice")
            .json(&body)
            .send()
    };
    link_of(&server, json!({"name": "Ann"})).await;
    register(&server, json!({"name": "Bob"}))
        .await
        .problem(403, "registration-full");
    assert_eq!(door(&server).await["registration"]["state"], "full");
    change(json!({"on": true, "opens_at": "2090-01-01T00:00:00Z"}))
        .await
        .is(200);
    register(&server, json!({"name": "Bob"}))
        .await
        .problem(403, "registration-not-open");
    assert_eq!(door(&server).await["registration"]["state"], "not_yet");
    change(json!({"on": true, "closes": "at", "closes_at": "2020-01-01T00:00:00Z"}))
        .await
        .is(200);
    register(&server, json!({"name": "Bob"}))
        .await
        .problem(403, "registration-closed");
    post(&server, "guests", json!({"name": "Bob"}))
        .await
        .problem(403, "registration-closed");
    change(json!({"on": false})).await.is(200);
    register(&server, json!({"name": "Bob"}))
        .await
        .problem(409, "conflict");
    assert_eq!(door(&server).await["registration"], Value::Null);
    post(&server, "guests", json!({"name": "Bob"})).await.is(201);
}

#[tokio::test]
async fn moderators_see_who_has_registered_and_came() {
    let server = TestServer::new();
    webinar(
        &server,
        json!({"on": true, "fields": [{"label": "=Colour", "kind": "text"}]}),
    )
    .await;
    for (name, colour) in [("Zoë", "=cmd|' /C calc'!A0"), ("Ann", "blue; red")] {
        let body = json!({"name": name, "answers": [{"field": 1, "value": colour}]});
        link_of(&server, body).await;
        // They stand in the order in which they came.
        server.sleep(Duration::from_secs(1));
    }
    let all = listed(&server, "?sort=name").await;
    let names: Vec<&str> = all["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["Ann", "Zoë"]);
    assert_eq!(
        (&all["registered"], &all["came"], &all["total"]),
        (&json!(2), &json!(0), &json!(2))
    );
    assert_eq!(
        all["items"][0]["answers"],
        json!([{"field": 1, "value": "blue; red"}])
    );
    assert!(all["items"][0].get("secret").is_none() && all["items"][0]["came_at"].is_null());
    assert_eq!(listed(&server, "?search=zoe").await["total"], 1);
    let path = "/conferences/webinar/registrants.csv";
    let file = server.call("GET", path).by("alice").send().await.is(200);
    assert_eq!(content_type(&file), "text/csv; charset=utf-8");
    let text = file.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("name;email;phone;organisation;job_title;'=Colour;registered_at;came_at"),
        "{text}"
    );
    assert!(lines[1].starts_with("Zoë;;;;;'=cmd|' /C calc'!A0;"), "{text}");
    assert!(lines[2].starts_with("Ann;;;;;\"blue; red\";"), "{text}");
    for path in ["/conferences/webinar/registrants", path] {
        server
            .call("GET", path)
            .by("eye")
            .send()
            .await
            .problem(403, "forbidden");
        server.get(path).await.is(200);
        server
            .call("GET", path)
            .by("root")
            .from(OUTSIDE)
            .send()
            .await
            .problem(403, "forbidden");
    }
}

#[tokio::test]
async fn registrations_of_one_address_are_bounded() {
    let server = TestServer::with(|options| {
        options.sign_in_rates = SignInRates {
            per_address: (15.0, 0.001),
            per_account: (1e6, 1e6),
        };
    });
    webinar(&server, json!({"on": true})).await;
    for _ in 0..3 {
        link_of(&server, json!({"name": "Ann"})).await;
    }
    let before = server.digest();
    register(&server, json!({"name": "Ann"}))
        .await
        .problem(429, "too-many-requests");
    assert_eq!(server.digest(), before);
    // What can be no registration is refused as such, however much of it there is.
    let server = TestServer::new();
    webinar(&server, json!({"on": true})).await;
    let many: Vec<Value> = (0..11)
        .map(|field| json!({"field": field, "value": ""}))
        .collect();
    register(&server, json!({"name": "Ann", "answers": many}))
        .await
        .problem(422, "invalid-field");
    register(&server, json!({"name": "x".repeat(129)}))
        .await
        .problem(422, "invalid-field");
    register(&server, json!({"name": "Ann", "role": "owner"}))
        .await
        .problem(400, "unknown-field");
}

#[tokio::test]
async fn a_personal_link_says_where_its_conference_is_found_by_now() {
    let server = TestServer::new();
    webinar(&server, json!({"on": true})).await;
    let link = link_of(&server, json!({"name": "Gil"})).await;
    let shown = post(&server, "door/registration", json!({"link": link}))
        .await
        .is(200)
        .json();
    assert_eq!(shown["cid"], "webinar");
    let call = server.call("PATCH", "/conferences/webinar").by("alice");
    call.json(&json!({"cid": "talk"})).send().await.is(200);
    let call = server.call("GET", "/conferences/webinar/door").from(OUTSIDE);
    call.send().await.problem(404, "not-found");
    let shown = post(&server, "door/registration", json!({"link": link}))
        .await
        .is(200)
        .json();
    assert_eq!((&shown["cid"], &shown["name"]), (&json!("talk"), &json!("Gil")));
    let forged = format!("{}x", link.trim_end_matches(|c: char| c.is_ascii_alphanumeric()));
    let strange = post(&server, "door/registration", json!({"link": forged})).await;
    assert!(
        [403, 404].contains(&strange.status.as_u16()),
        "{:?}",
        strange.status
    );
    let come = server.call("POST", "/conferences/talk/guests").from(OUTSIDE);
    come.json(&json!({"link": link})).send().await.is(201);
}
