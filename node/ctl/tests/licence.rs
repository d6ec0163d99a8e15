//! The vendor's tools, as people call them (LIC-01, LIC-13).
#![allow(clippy::unwrap_used)] // tests

use serde_json::Value;
use std::{path::Path, process::Command};

const LICENCE: &str = r#"
enterprise = "Example Ltd"
servers = ["paris.example.com", "oslo.example.com"]
term = "lifetime"
edition = "server"
support = "basic"
[seats]
pro = 20
"#;

struct Ran {
    code: i32,
    out: String,
    reason: String,
}

fn ctl(folder: &Path, arguments: &[&str]) -> Ran {
    with(folder, arguments, "no")
}

fn with(folder: &Path, arguments: &[&str], development: &str) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_plenaryctl"))
        .arg("licence")
        .args(arguments)
        .current_dir(folder)
        .env("PLENARY_DEVELOPMENT_LICENCES", development)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        reason: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with a vendor's key, and its public half.
fn vendor() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("licence.toml"), LICENCE).unwrap();
    let made = ctl(folder.path(), &["keygen", "--out", "vendor.key", "--json"]);
    assert_eq!(made.code, 0, "{}", made.reason);
    let public: Value = serde_json::from_str(&made.out).unwrap();
    (folder, public["public_key"].as_str().unwrap().to_owned())
}

#[test]
fn a_licence_is_issued_asked_for_and_confirmed() {
    let (folder, public) = vendor();
    let folder = folder.path();
    let again = ctl(folder, &["keygen", "--out", "vendor.key"]);
    assert!(
        again.code == 1 && again.reason.contains("exists already"),
        "{}",
        again.reason
    );
    let issued = ctl(
        folder,
        &[
            "issue",
            "--key",
            "vendor.key",
            "licence.toml",
            "--out",
            "a.licence",
        ],
    );
    assert_eq!(issued.code, 0, "{}", issued.reason);

    let seen = ctl(folder, &["inspect", "a.licence", "--vendor", &public]);
    assert_eq!(seen.code, 0, "{}", seen.reason);
    for words in [
        "Example Ltd",
        "oslo.example.com, paris.example.com",
        "20 PRO, 30 online",
        "confirmation",
    ] {
        assert!(seen.out.contains(words), "{words}: {}", seen.out);
    }
    let json = ctl(folder, &["inspect", "a.licence", "--vendor", &public, "--json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let id = json["licence"].as_str().unwrap();

    let pool = "000000000000000000000000000000aa";
    let judge = |more: &[&str]| {
        let all = [
            &["inspect", "a.licence", "--vendor", &public, "--pool", pool],
            more,
        ]
        .concat();
        ctl(folder, &all)
    };
    let unconfirmed = judge(&[]);
    assert!(
        unconfirmed.reason.contains("licence_not_confirmed"),
        "{}",
        unconfirmed.reason
    );
    let request = plenary_licences::licence::Request {
        licence: plenary_licences::licence::LicenceId(u128::from_str_radix(id, 16).unwrap()),
        pool: plenary_licences::PoolId(0xaa),
        made: plenary_model::Timestamp(1_800_000_000_000),
        version: "0.1.0".into(),
    };
    std::fs::write(folder.join("a.request"), request.to_text()).unwrap();
    assert!(ctl(folder, &["inspect", "a.request"]).out.contains(pool));
    let confirm = [
        "confirm",
        "--key",
        "vendor.key",
        "a.request",
        "--licence",
        "a.licence",
        "--out",
        "a.confirmation",
    ];
    let confirmed = ctl(folder, &confirm);
    assert_eq!(confirmed.code, 0, "{}", confirmed.reason);
    let good = judge(&["--confirmation", "a.confirmation"]);
    assert_eq!(good.code, 0, "{}", good.reason);
}

#[test]
fn a_refused_file_says_why() {
    let (folder, public) = vendor();
    let folder = folder.path();
    let issue = |flags: &[&str], out: &str| {
        let issued = ctl(
            folder,
            &[&["issue", "licence.toml", "--out", out], flags].concat(),
        );
        assert_eq!(issued.code, 0, "{}", issued.reason);
    };
    issue(&["--key", "vendor.key"], "a.licence");
    issue(&["--development"], "d.licence");
    let foreign = ctl(folder, &["inspect", "a.licence"]);
    assert!(
        foreign.code == 1 && foreign.reason.contains("licence_foreign_key"),
        "{}",
        foreign.reason
    );
    assert!(
        foreign.out.contains("Example Ltd"),
        "what it says is shown all the same"
    );
    let development = ctl(folder, &["inspect", "d.licence"]);
    assert!(
        development.reason.contains("licence_development_key"),
        "{}",
        development.reason
    );
    assert!(
        development.out.contains("development licence, not for use"),
        "{}",
        development.out
    );
    assert_eq!(with(folder, &["inspect", "d.licence"], "yes").code, 0);
    let other = ctl(
        folder,
        &[
            "inspect",
            "a.licence",
            "--vendor",
            &public,
            "--server",
            "rome.example.com",
        ],
    );
    assert!(other.reason.contains("licence_other_servers"), "{}", other.reason);
    let early = ctl(
        folder,
        &["inspect", "a.licence", "--vendor", &public, "--at", "2020-01-01"],
    );
    assert!(early.reason.contains("licence_not_yet_valid"), "{}", early.reason);
    std::fs::write(folder.join("b.licence"), "nothing").unwrap();
    assert!(
        ctl(folder, &["inspect", "b.licence"])
            .reason
            .contains("cannot be read")
    );
}
