use crate::server::*;
use serde_json::{Value, json};
use std::time::Duration;

fn weekly() -> Value {
    json!({
        "date": "2090-03-06", "time": "09:30", "zone": "Europe/Paris", "duration_minutes": 60,
        "weekdays": ["monday", "thursday"], "count": 4
    })
}

async fn create(server: &TestServer, more: Value) -> Answer {
    let mut body =
        json!({"cid": "review", "name": "Weekly review", "access": "public", "description": "All, of us"});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let call = server.call("POST", "/conferences").by("alice").json(&body);
    call.send().await
}

async fn see(server: &TestServer) -> Value {
    let call = server.call("GET", "/conferences/review").by("alice");
    call.send().await.is(200).json()
}

async fn act(server: &TestServer, who: &str, body: Value) -> Answer {
    let call = server.call("POST", "/conferences/review/acts").by(who);
    call.json(&body).send().await
}

#[tokio::test]
async fn a_conference_gets_a_schedule_and_loses_it() {
    let server = TestServer::new();
    let made = create(&server, json!({"schedule": weekly()}))
        .await
        .is(201)
        .json();
    assert_eq!(made["launch"], "scheduled");
    assert_eq!(made["schedule"]["weekdays"], json!(["monday", "thursday"]));
    assert_eq!(
        made["next"],
        json!({"start": "2090-03-06T08:30:00.000Z", "end": "2090-03-06T09:30:00.000Z"})
    );
    assert_eq!(made["meeting"]["open"], false);
    let path = "/conferences/review";
    let change = |body: Value| server.call("PATCH", path).by("alice").json(&body).send();
    let room = change(json!({"launch": "virtual_room"})).await.is(200).json();
    assert_eq!((&room["schedule"], &room["next"]), (&Value::Null, &Value::Null));
    assert_eq!(room["meeting"]["open"], true);
    let again = change(json!({"schedule": weekly()})).await.is(200).json();
    assert_eq!(again["launch"], "scheduled");
}

#[tokio::test]
async fn schedules_that_make_no_sense_are_refused_with_the_field() {
    let server = TestServer::new();
    let wrong = |change: Value| {
        let mut schedule = weekly();
        for (name, value) in change.as_object().expect("an object") {
            schedule[name] = value.clone();
        }
        json!({ "schedule": schedule })
    };
    for (body, field, word) in [
        (
            wrong(json!({"zone": "Europe/Pariss"})),
            "schedule",
            "Europe/Paris",
        ),
        (
            wrong(json!({"date": "2090-02-30"})),
            "schedule.date",
            "2090-02-30",
        ),
        (wrong(json!({"time": "24:00"})), "schedule.time", "24:00"),
        (wrong(json!({"weekdays": []})), "schedule.weekdays", "once"),
        (wrong(json!({"until": "2091-01-01"})), "schedule.count", "until"),
        (wrong(json!({"count": 1001})), "schedule", "1000"),
        (wrong(json!({"date": "2001-03-05"})), "schedule", "past"),
        (json!({"launch": "scheduled"}), "schedule", "missing"),
        (
            json!({"launch": "by_hand", "schedule": weekly()}),
            "schedule",
            "left out",
        ),
    ] {
        let problem = create(&server, body.clone()).await.problem(422, "invalid-field");
        let error = &problem["errors"][0];
        assert_eq!(error["field"], field, "{body}: {problem}");
        assert!(
            error["reason"].as_str().expect("text").contains(word),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn it_is_started_given_more_time_and_ended() {
    let server = TestServer::new();
    create(&server, json!({"schedule": weekly()})).await.is(201);
    act(&server, "eye", json!({"act": "start"}))
        .await
        .problem(403, "forbidden");
    act(&server, "alice", json!({"act": "extend"}))
        .await
        .problem(422, "invalid-field");
    act(&server, "alice", json!({"act": "extend", "minutes": 5}))
        .await
        .problem(409, "conflict");
    act(&server, "alice", json!({"act": "start"})).await.is(204);
    let open = see(&server).await;
    assert_eq!(open["meeting"]["open"], true);
    let ends = |seen: &Value| seen["meeting"]["ends_at"].as_str().expect("planned").to_owned();
    act(&server, "alice", json!({"act": "extend", "minutes": 5}))
        .await
        .is(204);
    assert!(ends(&see(&server).await) > ends(&open));
    act(&server, "alice", json!({"act": "end"})).await.is(204);
    let over = see(&server).await;
    assert_eq!(
        over["meeting"],
        json!({
            "open": false, "participants": 0, "locked": false, "began_at": null, "ends_at": null, "layout": null
        })
    );
}

#[tokio::test]
async fn strangers_see_when_it_begins_and_whether_it_has() {
    let server = TestServer::new();
    create(&server, json!({"schedule": weekly()})).await.is(201);
    let door = || async {
        let call = server.call("GET", "/conferences/review/door").from(OUTSIDE);
        call.send().await.is(200).json()
    };
    let shut = door().await;
    assert_eq!(shut["open"], false);
    assert_eq!(shut["next"]["start"], "2090-03-06T08:30:00.000Z");
    act(&server, "alice", json!({"act": "start"})).await.is(204);
    assert_eq!(door().await["open"], true);
}

#[tokio::test]
async fn a_schedule_is_a_file_for_calendars() {
    let server = TestServer::new();
    let get = |path: &str| server.call("GET", path).from(OUTSIDE);
    create(&server, json!({})).await.is(201);
    get("/conferences/review/door/calendar")
        .send()
        .await
        .problem(404, "not-found");
    let change = server.call("PATCH", "/conferences/review").by("alice");
    change.json(&json!({"schedule": weekly()})).send().await.is(200);
    let file = get("/conferences/review/door/calendar")
        .send()
        .await
        .is(200)
        .text()
        .to_owned();
    for line in [
        "BEGIN:VCALENDAR",
        "SUMMARY:Weekly review",
        "DTSTART;TZID=Europe/Paris:20900306T093000",
        "DURATION:PT1H",
    ] {
        assert!(file.contains(&format!("{line}\r\n")), "{line} is not in {file}");
    }
    assert!(file.contains("All\\, of us"), "{file}");
    let own = server.call("GET", "/conferences/review/calendar").by("eye");
    assert_eq!(own.send().await.is(200).text(), file);
}

#[tokio::test]
async fn a_calendar_knows_a_conference_again_that_was_changed() {
    let server = TestServer::new();
    create(&server, json!({"schedule": weekly()})).await.is(201);
    let told = async |id: &str| {
        let path = format!("/conferences/{id}/calendar");
        let file = server.call("GET", &path).by("eye").send().await;
        let file = file.is(200).text().to_owned();
        let line = |name: &str| {
            let line = file.lines().find_map(|line| line.strip_prefix(name));
            line.expect("it is there").to_owned()
        };
        let sequence: u32 = line("SEQUENCE:").parse().expect("a number");
        (line("UID:"), sequence, line("DTSTAMP:"))
    };
    let (uid, mut sequence, mut stamp) = told("review").await;
    assert_eq!(sequence, 0);
    // Also by another ID it is the same conference.
    for (id, change) in [
        ("review", json!({"name": "Another, one; called otherwise"})),
        ("other", json!({"cid": "other"})),
        ("other", json!({"description": "New"})),
    ] {
        server.sleep(Duration::from_millis(1_000));
        let path = if change["cid"] == "other" { "review" } else { id };
        let path = format!("/conferences/{path}");
        let patch = server.call("PATCH", &path).by("alice").json(&change);
        patch.send().await.is(200);
        let now = told(id).await;
        assert_eq!(now.0, uid);
        assert!(
            now.1 > sequence && now.2 > stamp,
            "{now:?} after {sequence}, {stamp}"
        );
        (sequence, stamp) = (now.1, now.2);
    }
}

#[tokio::test]
async fn an_agenda_has_each_time_of_the_own_conferences_and_those_that_name_one() {
    let server = TestServer::new();
    create(
        &server,
        json!({"schedule": weekly(), "settings": {"invited": ["eye"]}}),
    )
    .await
    .is(201);
    let agenda = async |who: &str, from: &str, until: &str| {
        let path = format!("/me/agenda?from={from}&until={until}");
        server.call("GET", &path).by(who).send().await
    };
    let (march, april) = ("2090-03-06T09:00:00Z", "2090-03-20T00:00:00Z");
    let starts = |found: &Value| -> Vec<String> {
        let items = found["items"].as_array().expect("a list").iter();
        items
            .map(|item| item["start"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    for (who, moderates) in [("alice", true), ("eye", false)] {
        let found = agenda(who, march, april).await.is(200).json();
        // One that goes on is there; the others follow on Mondays and Thursdays.
        let expected = [
            "2090-03-06T08:30:00.000Z",
            "2090-03-09T08:30:00.000Z",
            "2090-03-13T08:30:00.000Z",
            "2090-03-16T08:30:00.000Z",
        ];
        assert_eq!(starts(&found), expected);
        let first = &found["items"][0];
        assert_eq!(
            (&first["cid"], &first["owner"], &first["end"], &first["moderates"]),
            (
                &json!("review"),
                &json!("alice"),
                &json!("2090-03-06T09:30:00.000Z"),
                &json!(moderates)
            )
        );
        assert_eq!(found["more"], false);
    }
    let found = agenda("root", march, april).await.is(200).json();
    assert!(starts(&found).is_empty(), "others have nothing to do with it");
    for (from, until) in [
        (april, march),
        (march, march),
        (march, "2090-06-01T00:00:00Z"),
        ("soon", april),
        ("", april),
    ] {
        agenda("alice", from, until).await.problem(400, "bad-query");
    }
}
