//! What lies in the folders, and what happens when somebody changes it.

use crate::common::{enterprise, machine, node_name, server};
use plenary_identity::{EnterpriseCa, Identity, IdentityError, Program, RevocationList};
use plenary_model::NodeId;
use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

struct Kept {
    demo: crate::common::Enterprise,
    folder: PathBuf,
    file: PathBuf,
}

fn kept() -> Kept {
    let demo = enterprise();
    let folder = demo.folder.path().join("node");
    let ca = demo
        .root
        .certify(Program::Node, &server("paris.example.com"), &[])
        .expect("issuers");
    Identity::create(&folder, machine(&folder), ca, node_name("node-1"), NodeId(1)).expect("made");
    let file = folder.join("identity.json");
    Kept { demo, folder, file }
}

fn open(kept: &Kept) -> Result<Identity, IdentityError> {
    Identity::open(&kept.folder, machine(&kept.folder))
}

#[test]
fn files_with_keys_are_for_their_owner_only() {
    let kept = kept();
    for (path, expected) in [
        (kept.folder.clone(), 0o700),
        (kept.file.clone(), 0o600),
        (kept.folder.join("machine.key"), 0o600),
        (kept.demo.folder.path().join("root"), 0o700),
        (kept.demo.folder.path().join("root/root.key"), 0o600),
    ] {
        // The folder with the machine key was made by the test itself.
        if path != kept.folder {
            assert_eq!(mode(&path), expected, "{}", path.display());
        }
    }
    let left: Vec<_> = std::fs::read_dir(&kept.folder)
        .expect("folder")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(left.len(), 2, "nothing else lies around: {left:?}");

    std::fs::set_permissions(&kept.file, std::fs::Permissions::from_mode(0o644)).expect("changed");
    assert!(matches!(
        open(&kept).expect_err("refused"),
        IdentityError::Exposed { .. }
    ));
}

#[test]
fn an_identity_is_the_same_after_a_restart_with_a_new_certificate() {
    let kept = kept();
    let (first, second) = (open(&kept).expect("opens"), open(&kept).expect("opens"));
    assert_eq!(first.me(), second.me());
    assert_ne!(first.certificate(), second.certificate());
    assert_eq!(first.root_der(), kept.demo.root.certificate());
    assert!(first.root_pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(first.root_pem(), kept.demo.root.certificate_pem());
}

#[test]
fn the_keys_cannot_be_read_without_the_machine_key() {
    let kept = kept();
    std::fs::remove_file(kept.folder.join("machine.key")).expect("removed");
    let error = open(&kept).expect_err("another key was made");
    assert!(matches!(error, IdentityError::Sealed { .. }), "{error}");
    assert!(error.to_string().contains("join again"), "{error}");
    let text = std::fs::read_to_string(&kept.file).expect("there");
    assert!(
        !text.contains("MIGH") && !text.contains("PRIVATE"),
        "no key in clear"
    );
}

#[test]
fn a_changed_identity_is_refused() {
    let kept = kept();
    let text = std::fs::read_to_string(&kept.file).expect("there");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let write = |json: &serde_json::Value| std::fs::write(&kept.file, json.to_string()).expect("written");
    for (field, value) in [
        ("name", serde_json::json!("node-2")),
        ("member", serde_json::json!(2)),
    ] {
        let mut changed = json.clone();
        changed[field] = value;
        write(&changed);
        assert!(
            matches!(open(&kept).expect_err(field), IdentityError::Sealed { .. }),
            "{field}"
        );
    }
    for field in ["root", "programs", "web", "sealed_keys"] {
        let mut changed = json.clone();
        let mut text = changed[field].as_str().expect("text").to_owned();
        let letter = if text.as_bytes()[20] == b'A' { "B" } else { "A" };
        text.replace_range(20..21, letter);
        changed[field] = text.into();
        write(&changed);
        assert!(
            matches!(open(&kept).expect_err(field), IdentityError::Sealed { .. }),
            "{field}"
        );
    }
    write(&serde_json::json!({ "format": 9, "unknown": true }));
    assert!(
        open(&kept)
            .expect_err("newer")
            .to_string()
            .contains("newer version")
    );
    std::fs::write(&kept.file, &text[..text.len() / 2]).expect("written");
    assert!(matches!(
        open(&kept).expect_err("cut off"),
        IdentityError::Damaged { .. }
    ));
    std::fs::write(&kept.file, text).expect("written");
    open(&kept).expect("whole again");
}

#[test]
fn nothing_is_overwritten() {
    let kept = kept();
    let ca = kept
        .demo
        .root
        .certify(Program::Node, &server("paris.example.com"), &[])
        .expect("issuers");
    let again = Identity::create(
        &kept.folder,
        machine(&kept.folder),
        ca,
        node_name("node-2"),
        NodeId(2),
    );
    assert!(matches!(again.expect_err("taken"), IdentityError::Exists { .. }));
    assert_eq!(open(&kept).expect("opens").me().name.as_str(), "node-1");

    let root = kept.demo.folder.path().join("root");
    let again = EnterpriseCa::create(&root, &"Other".parse().expect("good"));
    assert!(matches!(again.expect_err("taken"), IdentityError::Exists { .. }));
    assert_eq!(
        EnterpriseCa::open(&root).expect("opens").enterprise().as_str(),
        "Demo"
    );
}

#[test]
fn a_root_whose_files_do_not_belong_together_is_refused() {
    let (one, two) = (enterprise(), enterprise());
    let (one, two) = (one.folder.path().join("root"), two.folder.path().join("root"));
    std::fs::copy(two.join("root.pem"), one.join("root.pem")).expect("copied");
    let error = EnterpriseCa::open(&one).expect_err("refused");
    assert!(error.to_string().contains("not the key of root.pem"), "{error}");
    std::fs::remove_file(two.join("root.key")).expect("removed");
    assert!(
        EnterpriseCa::open(&two)
            .expect_err("refused")
            .to_string()
            .contains("root.key cannot be read")
    );
}

#[test]
fn revocations_are_remembered_and_must_be_signed_by_the_own_issuer() {
    let kept = kept();
    let one = open(&kept).expect("opens");
    let mut list = RevocationList::empty(one.ca().scope().clone());
    list.version = 3;
    list.members.insert((Program::Node, NodeId(9)));
    let signed = one.sign_revocations(&list).expect("signed");
    // It travels as JSON.
    let travelled = serde_json::from_slice(&serde_json::to_vec(&signed).expect("JSON")).expect("JSON");
    assert_eq!(signed, travelled);
    assert!(one.accept_revocations(&travelled).expect("taken"));
    drop(one);
    let one = open(&kept).expect("opens");
    assert_eq!(
        one.revocations()
            .list(one.ca().scope())
            .expect("remembered")
            .version,
        3
    );

    list.version = 2;
    let older = one.sign_revocations(&list).expect("signed");
    assert!(
        !one.accept_revocations(&older).expect("in order"),
        "older than what is known"
    );

    let text = serde_json::to_string(&signed).expect("JSON");
    let forged = text.replace("\\\"version\\\":3", "\\\"version\\\":4");
    assert_ne!(text, forged);
    let error = one
        .accept_revocations(&serde_json::from_str(&forged).expect("JSON"))
        .expect_err("refused");
    assert!(error.to_string().contains("signature is wrong"), "{error}");

    let oslo = kept.demo.node("oslo.example.com", "node-1", 1);
    assert!(oslo.sign_revocations(&list).is_err(), "a list of another scope");
    let stranger = enterprise().node("paris.example.com", "node-1", 1);
    let foreign = stranger
        .sign_revocations(&RevocationList::empty(stranger.ca().scope().clone()))
        .expect("signed");
    assert!(
        one.accept_revocations(&foreign)
            .expect_err("refused")
            .to_string()
            .contains("another enterprise")
    );
}
