//! Ten thousand accounts in two hundred groups: the import is all or nothing, and pages stay quick (USR-01, USR-04).

use crate::{Place, Server, scenarios::Figures};
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

const USERS: usize = 10_000;
const GROUPS: usize = 200;
/// Requests of each kind.
const TIMES: usize = 200;
/// What 95 of 100 answers should take at most, in milliseconds; told, not asserted.
const AIM_MS: f64 = 100.0;

/// Imports them on a server of three nodes, then asks for what the pages ask for, at all nodes in turns.
pub async fn many_people() -> anyhow::Result<Figures> {
    let server = Server::start(vec![Place::local(), Place::local(), Place::local()]).await?;
    let mut figures = Figures::default();
    refuse_wrong_lines(&server).await?;

    let file = file(|_| None);
    let begun = Instant::now();
    let rehearsed = import(&server, "?dry_run=true", &file).await?;
    let dry = begun.elapsed();
    ensure!(
        rehearsed.1["created"] == USERS && total(&server, "/users").await? == 1,
        "a dry run says {rehearsed:?}, or changed something"
    );
    let begun = Instant::now();
    let imported = import(&server, "", &file).await?;
    let took = begun.elapsed();
    ensure!(
        imported.0 == 200 && imported.1["created"] == USERS && imported.1["groups_created"] == GROUPS,
        "the import says {imported:?}"
    );
    ensure!(
        total(&server, "/users").await? == USERS + 1,
        "not all accounts are there"
    );
    figures.acknowledged = USERS;
    figures.notes.push(format!(
        "{USERS} accounts in {GROUPS} groups imported in {:.1} s, rehearsed in {:.1} s",
        took.as_secs_f64(),
        dry.as_secs_f64()
    ));
    for (what, path) in lists() {
        let mut took = Vec::new();
        for round in 0..TIMES {
            let begun = Instant::now();
            server.get(round % 3, &path(round)).await?;
            took.push(begun.elapsed());
        }
        figures.notes.push(told(what, took));
    }
    figures.notes.push(told("edit an account", edits(&server).await?));
    Ok(figures)
}

type Path = fn(usize) -> String;

/// What the pages ask for.
fn lists() -> [(&'static str, Path); 7] {
    [
        ("first page of accounts", |_| {
            "/users?sort=display_name&limit=100".into()
        }),
        ("search for an account", |round| {
            format!("/users?search=last{}&limit=100", round * 37 % USERS)
        }),
        ("accounts whose last page is far", |_| {
            "/users?sort=-display_name&limit=100".into()
        }),
        ("list of groups", |_| "/groups?sort=name&limit=200".into()),
        ("search for a group", |round| {
            format!("/groups?search=group%20{}", round % GROUPS)
        }),
        ("one account", |round| {
            format!("/users/{}", id(round * 31 % USERS))
        }),
        ("newest events", |_| "/events?limit=100".into()),
    ]
}

async fn edits(server: &Server) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    for round in 0..TIMES {
        let path = format!("/users/{}", id(round * 31 % USERS));
        let begun = Instant::now();
        let request = server.http.patch(server.url(round % 3, &path));
        let request = request
            .bearer_auth(&server.token)
            .json(&json!({ "job_title": format!("Title {round}") }));
        request.send().await?.error_for_status()?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

fn told(what: &str, mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |share: usize| {
        let index = (took.len() * share / 100).min(took.len().saturating_sub(1));
        took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    };
    let missed = if at(95) > AIM_MS { ", above the aim" } else { "" };
    format!("{what}: p50 {:.1} ms, p95 {:.1} ms{missed}", at(50), at(95))
}

/// Three lines of many are wrong: each is named with its line, and nobody is created.
async fn refuse_wrong_lines(server: &Server) -> anyhow::Result<()> {
    let file = file(|at| match at {
        10 => Some("no spaces please;X;x@example.com;;Group 1".into()),
        5_000 => Some(format!("{};X;not an email;;Group 1", id(at))),
        9_999 => Some(format!("{};X;x@example.com;;Group 1", id(0))),
        _ => None,
    });
    let (status, problem) = import(server, "", &file).await?;
    ensure!(status == 422, "wrong lines are answered with {status}: {problem}");
    let errors = problem["errors"].as_array().context("no errors are named")?;
    // The header is line 1.
    let lines: Vec<_> = errors.iter().filter_map(|error| error["line"].as_u64()).collect();
    ensure!(lines == [12, 5_002, 10_001], "other lines are named: {problem}");
    ensure!(
        total(server, "/users").await? == 1,
        "some accounts of a refused import are there"
    );
    Ok(())
}

fn id(at: usize) -> String {
    format!("user{at:05}")
}

/// A CSV file of all accounts; `instead` gives other lines for some.
fn file(instead: impl Fn(usize) -> Option<String>) -> String {
    let mut file = String::from("id;display_name;email;department;groups\n");
    for at in 0..USERS {
        let line = instead(at).unwrap_or_else(|| {
            format!(
                "{};Élodie Last{at} Иванова;user{at}@example.com;Department {};Group {}",
                id(at),
                at % 50,
                at % GROUPS
            )
        });
        writeln!(file, "{line}").expect("writing to a string does not fail");
    }
    file
}

async fn import(server: &Server, query: &str, file: &str) -> anyhow::Result<(u16, Value)> {
    let request = server
        .http
        .post(server.url(1, &format!("/users/import{query}")))
        .bearer_auth(&server.token)
        .header("Content-Type", "text/csv")
        .timeout(Duration::from_secs(120))
        .body(file.to_owned());
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

async fn total(server: &Server, list: &str) -> anyhow::Result<usize> {
    let page = server.get(1, &format!("{list}?limit=1")).await?;
    let total = page["total"].as_u64().context("a list says how many there are")?;
    Ok(usize::try_from(total)?)
}
