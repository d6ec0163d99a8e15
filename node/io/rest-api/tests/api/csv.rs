use crate::server::*;
use plenary_rest_api::{Cost, Passwords};
use serde_json::json;
use std::{io::Write as _, sync::Arc, time::Instant};

async fn import(server: &TestServer, query: &str, file: &str) -> Answer {
    let call = server.call("POST", &format!("/users/import{query}")).by("root");
    call.body("text/csv; charset=utf-8", file).send().await
}

/// Lines and fields that are wrong.
fn wrong(answer: &Answer) -> Vec<(u64, String)> {
    let problem = answer.problem(422, "invalid-rows");
    let errors = problem["errors"].as_array().expect("errors").iter();
    errors
        .map(|error| {
            let field = error["field"].as_str().expect("a field").to_owned();
            (error["line"].as_u64().expect("a line"), field)
        })
        .collect()
}

#[tokio::test]
async fn a_file_that_was_cut_off_inside_a_cell_is_refused() {
    let server = TestServer::new();
    let before = server.digest();
    for cut in [
        "id;display_name\nbob;good\neve;\"Eve of the",
        "id;display_name\nbob;\"a \"\"b\"\"\"\neve;\"Eve\"\"",
    ] {
        assert_eq!(
            wrong(&import(&server, "", cut).await),
            [(3, String::new())],
            "{cut}"
        );
    }
    assert_eq!(server.digest(), before);
    let whole = "id;display_name\nbob;a \"b\neve;\"Eve; \"\"of\"\"\"\n";
    import(&server, "", whole).await.is(200);
}

#[tokio::test]
async fn a_good_file_is_imported_as_a_whole() {
    let server = TestServer::new();
    let file = "\u{feff}id;password;display_name;groups;active;bandwidth_in_kbps\r\n\
                bob;long enough;\"Bob; the \"\"first\"\"\";Sales,Paris;true;64\r\n\
                Иван;;Иван;\"Sales, Lyon\\, centre\";no;\r\n\
                alice;;;;;\r\n";
    let rehearsed = import(&server, "?dry_run=true", file).await.is(200);
    let expected = json!({"created": 2, "updated": 1, "groups_created": 3});
    assert_eq!(rehearsed.json(), expected);
    let index = rehearsed.header("plenary-index").to_owned();
    let next = server
        .call("GET", "/users/bob")
        .by("root")
        .header("plenary-index", &index);
    next.send().await.problem(404, "not-found");
    assert_eq!(import(&server, "", file).await.is(200).json(), expected);
    let bob = server.get("/users/bob").await.is(200).json();
    assert_eq!(bob["display_name"], "Bob; the \"first\"");
    assert_eq!(bob["bandwidth"], json!({"in_kbps": 64, "out_kbps": null}));
    assert_eq!(bob["groups"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        server
            .get("/users/иван".replace("иван", "%D0%B8%D0%B2%D0%B0%D0%BD").as_str())
            .await
            .json()["active"],
        false
    );
    let names = server.get("/groups").await.json();
    let names: Vec<_> = names["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|g| g["name"].clone())
        .collect();
    assert!(names.contains(&json!("Lyon, centre")), "{names:?}");
    let sign_in = json!({"login": "bob", "password": "long enough"});
    server
        .call("POST", "/session")
        .json(&sign_in)
        .send()
        .await
        .is(201);
}

#[tokio::test]
async fn wrong_lines_are_named_and_nothing_is_imported() {
    let server = TestServer::new();
    server
        .write("PATCH", "/users/alice", &json!({"email": "a@example.com"}))
        .await
        .is(200);
    let before = server.digest();
    let at = |errors: &[(u64, &str)]| {
        let errors = errors.iter();
        errors
            .map(|(line, field)| (*line, (*field).to_owned()))
            .collect::<Vec<_>>()
    };
    let cases: &[(&str, &[(u64, &str)])] = &[
        ("", &[(1, "")]),
        ("email\nx@example.com\n", &[(1, "id")]),
        ("id;salary\nbob;1\n", &[(1, "salary")]),
        ("id,email\nbob,x\n", &[(1, "id,email")]),
        // What the file itself tells.
        (
            "id;password\nbob;long enough\neve;short\na b;\n",
            &[(3, "password"), (4, "id")],
        ),
        ("id;active\r\nbob;yes\r\n\r\n\r\neve;maybe\r\n", &[(5, "active")]),
        (
            "id;address;admin\nbob;\"two\nlines\";\neve;;boss\n",
            &[(2, "address"), (4, "admin")],
        ),
        (
            "id;bandwidth_in_kbps\nbob;31\neve;x\n",
            &[(2, "bandwidth_in_kbps"), (3, "bandwidth_in_kbps")],
        ),
        ("id\nbob\nBOB\n", &[(3, "id")]),
        ("id\nguest\n", &[(2, "id")]),
        ("id\nbob;more\n", &[(2, "")]),
        // What the rules tell.
        ("id;email\nbob;b@x.example\neve;B@X.example\n", &[(3, "email")]),
        ("id;email\nbob;A@example.com\n", &[(2, "email")]),
        ("id;email\n\nbob;nonsense\n", &[(3, "email")]),
        ("id;groups\nbob;Guests\neve;Sales\n", &[(2, "groups")]),
        ("id;admin\nalice;security\nroot;none\n", &[(3, "admin")]),
        // Both, in one answer.
        (
            "id;email;active\nbob;nonsense;\na b;;\neve;A@example.com;yes\nzoe;;maybe\n",
            &[(2, "email"), (3, "id"), (4, "email"), (5, "active")],
        ),
    ];
    for (file, errors) in cases {
        for query in ["", "?dry_run=true"] {
            assert_eq!(wrong(&import(&server, query, file).await), at(errors), "{file:?}");
            assert_eq!(server.digest(), before, "{file:?}");
        }
    }
    let bytes = b"id;first_name\nbob;x\neve;\xff\xfe\n".to_vec();
    let call = server
        .call("POST", "/users/import")
        .by("root")
        .body("text/csv", bytes);
    assert_eq!(wrong(&call.send().await), at(&[(3, "")]));
    let bad = import(&server, "?dry_run=maybe", "id\nbob\n").await;
    bad.problem(400, "bad-query");
    let many: String = (0..=20_000).map(|at| format!("u{at}\n")).collect();
    import(&server, "", &format!("id\n{many}"))
        .await
        .problem(413, "too-large");
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn an_import_is_repeated_without_harm() {
    let server = TestServer::new();
    let send = || {
        let call = server.call("POST", "/users/import").by("root");
        let call = call.header("idempotency-key", "import");
        call.body("text/csv", "id;password;groups\nbob;long enough;Sales\n")
            .send()
    };
    let first = send().await.is(200).json();
    let before = server.digest();
    assert_eq!(send().await.is(200).json(), first);
    assert_eq!(server.digest(), before);
}

#[tokio::test]
async fn an_export_holds_no_formulas_and_can_be_imported_again() {
    let server = TestServer::new();
    for (at, text) in ["=1+1", "+33 1", "-x", "@cmd", "'=x", "a;b\"c", "plain"]
        .iter()
        .enumerate()
    {
        let user = json!({"id": format!("u{at}"), "job_title": text, "password": PASSWORD});
        server.write("POST", "/users", &user).await.is(201);
    }
    let group = json!({"name": "=cmd(), the group"});
    let group = server.write("POST", "/groups", &group).await.json();
    let path = format!("/groups/{}/members", group["id"].as_str().expect("an ID"));
    server
        .write("POST", &path, &json!({"add": ["u0", "u1"]}))
        .await
        .is(200);
    let export = server.call("GET", "/users.csv").by("eye").send().await.is(200);
    assert_eq!(content_type(&export), "text/csv; charset=utf-8");
    assert!(export.header("content-disposition").contains("users.csv"));
    let text = export.text().to_owned();
    assert!(text.starts_with("id;password;display_name;"));
    assert!(!text.contains("argon2"), "no passwords");
    for cell in text.lines().skip(1).flat_map(|line| line.split(';')) {
        let cell = cell.trim_start_matches('"');
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell:?}");
    }
    let rows = |text: &str| text.lines().count();
    assert_eq!(rows(&text), 11);
    let before = server.get("/users?limit=100").await.json();
    let imported = import(&server, "", &text).await.is(200).json();
    assert_eq!(
        imported,
        json!({"created": 0, "updated": 10, "groups_created": 0})
    );
    let after = server.get("/users?limit=100").await.json();
    let plain = |page: &serde_json::Value| {
        let mut items = page["items"].as_array().expect("items").clone();
        for item in &mut items {
            item["revision"] = json!(null);
            item["updated_at"] = json!(null);
        }
        items
    };
    assert_eq!(plain(&before), plain(&after));
    let events = server.call("GET", "/events.csv").by("eye").send().await.is(200);
    assert!(events.text().starts_with("id;at;kind;"));
}

/// Seconds that an import takes.
async fn seconds(server: &TestServer, file: &str) -> f64 {
    let start = Instant::now();
    import(server, "", file).await.is(200);
    start.elapsed().as_secs_f64()
}

/// `cargo test --release -p plenary-rest-api --test api -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; takes a minute"]
async fn ten_thousand_rows_are_imported_in_seconds_and_their_passwords_in_minutes() {
    const HASHED: usize = 500;
    let cost = Cost::measured();
    let server = TestServer::with(|options| options.passwords = Arc::new(Passwords::new(cost)));
    let file = |rows: usize, password: &str| {
        let rows = (0..rows).map(|at| {
            let group = at % 200;
            format!("user{at:05};{password};Name {at};user{at}@example.com;Group {group}\n")
        });
        format!(
            "id;password;display_name;email;groups\n{}",
            rows.collect::<String>()
        )
    };
    let plain = seconds(&server, &file(10_000, "")).await;
    let again = seconds(&server, &file(10_000, "")).await;
    let hashed = seconds(&server, &file(HASHED, PASSWORD)).await;
    let each_ms = hashed * 1e3 / HASHED as f64;
    writeln!(
        std::io::stdout(),
        "10,000 rows: {plain:.2} s new, {again:.2} s changed; {HASHED} with passwords ({cost:?}): {hashed:.1} s, \
         {each_ms:.0} ms each, so {:.0} s for 10,000",
        each_ms * 10.0
    )
    .expect("prints");
    assert!(plain < 30.0 && again < 30.0);
}
