//! People of other servers (FED-02): who a name there is, and how they stand in the address book.

use crate::server::*;
use serde_json::json;

#[tokio::test]
async fn a_name_of_another_server_is_who_that_server_says() {
    let server = TestServer::new();
    let look = async |call: &str| {
        let path = format!("/look?call={call}");
        server.call("GET", &path).by("alice").send().await
    };
    let person = look("Demo2@Oslo.example.net").await.is(200).json();
    assert_eq!(
        (&person["id"], &person["kind"], &person["presence"]),
        (
            &json!("demo2@oslo.example.net"),
            &json!("person"),
            &json!("in_call")
        )
    );
    assert_eq!(person["person"]["display_name"], "Demo Two");
    assert_eq!(person["person"]["user_id"], "demo2@oslo.example.net");
    assert_eq!(person["person"]["email"], "", "what is not shown is empty");

    let alias = look("111@oslo.example.net").await.is(200).json();
    assert_eq!(
        (&alias["kind"], &alias["conference"], &alias["person"]),
        (
            &json!("conference"),
            &json!("review@oslo.example.net"),
            &json!(null)
        )
    );
    let resolved = server
        .get("/resolve?call=111@oslo.example.net")
        .await
        .is(200)
        .json();
    assert_eq!(resolved["conference"], "review@oslo.example.net");
    let resolved = server
        .get("/resolve?call=demo2@oslo.example.net")
        .await
        .is(200)
        .json();
    assert_eq!(
        (&resolved["conference"], &resolved["elsewhere"]),
        (&json!(null), &json!("oslo.example.net"))
    );
    let group = look("sales@oslo.example.net").await.is(200).json();
    assert_eq!(
        (&group["kind"], &group["presence"]),
        (&json!("group"), &json!(null))
    );
    let nothing = look("nobody@oslo.example.net").await.is(200).json();
    assert_eq!(nothing["kind"], "nothing");
    let lost = look("demo3@lyon.example.org").await.is(200).json();
    assert_eq!(
        (&lost["kind"], &lost["reason"]),
        (
            &json!("unknown"),
            &json!("lyon.example.org cannot be reached, alice")
        )
    );
}

#[tokio::test]
async fn only_names_of_other_servers_are_looked_up_and_not_too_often() {
    let server = TestServer::new();
    for call in [
        "bob",
        "bob@paris.example.com",
        "%5Cc%5Creview@oslo.example.net",
        "%23sip:a@oslo.example.net",
    ] {
        let answer = server
            .call("GET", &format!("/look?call={call}"))
            .by("alice")
            .send()
            .await;
        answer.problem(422, "invalid-field");
    }
    let answer = server
        .call("GET", "/look?call=often@oslo.example.net")
        .by("alice")
        .send()
        .await;
    answer.problem(429, "too-many-requests");
    assert_eq!(answer.header("retry-after"), "7");
}

#[tokio::test]
async fn entries_of_the_address_book_say_that_they_are_of_another_server() {
    let server = TestServer::new();
    for call in [
        "Demo2@oslo.example.net",
        "eye@paris.example.com",
        "\\c\\review@oslo.example.net",
    ] {
        let entry = json!({ "call": call });
        let answer = server
            .call("PUT", "/me/contacts")
            .by("root")
            .json(&entry)
            .send()
            .await;
        answer.is(204);
    }
    let rows = server
        .call("GET", "/me/contacts?sort=call")
        .by("root")
        .send()
        .await
        .is(200)
        .json();
    let rows = rows["items"].as_array().expect("rows");
    let of = |call: &str| {
        let row = rows.iter().find(|row| row["call"] == call);
        row.unwrap_or_else(|| panic!("{call} in {rows:?}"))["partner_id"].clone()
    };
    assert_eq!(of("Demo2@oslo.example.net"), "demo2@oslo.example.net");
    assert_eq!(of("\\c\\review@oslo.example.net"), json!(null));
    assert_eq!(of("alice"), json!(null));
}
