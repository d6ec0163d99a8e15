//! Which packages of the workspace may depend on which (docs/architecture.md, dependency rules).

use cargo_metadata::{DependencyKind, Metadata};

/// Packages from outside that logic/ and base/model may use: data types, their words and errors; nothing that does.
const PURE: &[&str] = &[
    // Calendars and time zones, with the database that is built in; clippy.toml bans its clock and the system's zones.
    "jiff",
    "serde",
    "serde_json",
    // How much two texts differ.
    "strsim",
    "subtle",
    "thiserror",
    "unicode-normalization",
    // Describes data types; the messages of signalling are published with the interface.
    "utoipa",
];
/// What their tests may use besides.
const PURE_TESTS: &[&str] = &[
    "proptest",
    // The form of the log, which what is logged must survive.
    "rmp-serde",
];

/// One arrow between packages.
struct Arrow<'a> {
    /// The folder of the package that depends, from the root of the workspace.
    from: &'a str,
    /// The name of what it depends on.
    to: &'a str,
    /// Its folder, if it is in the workspace.
    folder: Option<&'a str>,
    /// Whether only tests do.
    test: bool,
}

pub(super) fn faults(metadata: &Metadata) -> Vec<String> {
    let root = &metadata.workspace_root;
    let mut faults = Vec::new();
    for package in metadata.workspace_packages() {
        let folder = package
            .manifest_path
            .parent()
            .and_then(|path| path.strip_prefix(root).ok());
        let from = folder.map(|folder| folder.as_str()).unwrap_or_default();
        for dependency in &package.dependencies {
            let folder = dependency
                .path
                .as_ref()
                .and_then(|path| path.strip_prefix(root).ok());
            let arrow = Arrow {
                from,
                to: &dependency.name,
                folder: folder.map(|folder| folder.as_str()),
                test: dependency.kind == DependencyKind::Development,
            };
            faults.extend(
                reason(&arrow).map(|reason| format!("{from}/Cargo.toml: {}: {reason}", dependency.name)),
            );
        }
    }
    faults
}

/// Why an arrow is refused.
fn reason(arrow: &Arrow<'_>) -> Option<&'static str> {
    let Arrow {
        from,
        to,
        folder,
        test,
    } = *arrow;
    let logic = from.starts_with("node/logic/");
    let Some(folder) = folder else {
        let pure = PURE.contains(&to) || (test && PURE_TESTS.contains(&to));
        return ((logic || from == "base/model") && !pure)
            .then_some("what only decides uses nothing that does");
    };
    let programs = [
        "node/daemon",
        "node/ctl",
        "license-manager/daemon",
        "directory/daemon",
        "border-controller/daemon",
        "xtask",
    ];
    if programs.contains(&folder) {
        return Some("programs are not depended on");
    }
    let decides = [
        "license-manager/logic",
        "directory/logic",
        "border-controller/logic",
    ];
    if decides.contains(&from) && !["base/model", "base/stun"].contains(&folder) {
        return Some("logic/ depends on base/model, base/stun and other packages of logic/ only");
    }
    if folder == "base/testkit" {
        let tests = test || from.starts_with("cluster-tests/");
        return (!tests).then_some("it is for tests only");
    }
    if from == "base/model" {
        return Some("base/model depends on no other package here");
    }
    // What is bought and lent is the same for a License Manager and for a server that has its licences itself.
    // What is shown of people is the same for the Directory and for a server that tells of them.
    let shared = ["base/model", "license-manager/logic", "directory/logic"];
    let pure = shared.contains(&folder) || folder.starts_with("node/logic/");
    if logic && !pure {
        return Some("logic/ depends on base/model and other packages of logic/ only");
    }
    // A test may wire as the daemon does: what it shows is then the real thing, not a stand-in.
    if from.starts_with("node/io/") && folder.starts_with("node/io/") && !test {
        return Some("packages of io/ do not depend on each other; declare a trait, the daemon wires");
    }
    if from.starts_with("base/") && !folder.starts_with("base/") {
        return Some("base/ does not depend on what is built upon it");
    }
    // The vendor's tools work on files: what those say is decided without any server.
    let files = ["base/model", "license-manager/logic"].contains(&folder);
    if from == "node/ctl" && !files {
        return Some("plenaryctl knows the server by its REST interface only");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(from: &str, to: &str, folder: Option<&str>, test: bool) -> bool {
        reason(&Arrow {
            from,
            to,
            folder,
            test,
        })
        .is_some()
    }

    #[test]
    fn logic_depends_on_data_types_and_logic() {
        assert!(!refused(
            "node/logic/access",
            "plenary-model",
            Some("base/model"),
            false
        ));
        assert!(!refused(
            "node/logic/signalling",
            "plenary-access",
            Some("node/logic/access"),
            false
        ));
        assert!(!refused("node/logic/access", "serde", None, false));
        assert!(refused("node/logic/access", "tokio", None, false));
        assert!(refused(
            "node/logic/access",
            "plenary-replication",
            Some("base/replication"),
            false
        ));
        assert!(refused(
            "node/logic/access",
            "plenary-store",
            Some("node/io/store"),
            true
        ));
    }

    #[test]
    fn tests_of_logic_use_what_makes_cases() {
        assert!(!refused("node/logic/access", "proptest", None, true));
        assert!(refused("node/logic/access", "proptest", None, false));
    }

    #[test]
    fn io_packages_know_nothing_of_each_other() {
        assert!(refused(
            "node/io/rest-api",
            "plenary-store",
            Some("node/io/store"),
            false
        ));
        assert!(!refused(
            "node/io/rest-api",
            "plenary-store",
            Some("node/io/store"),
            true
        ));
        assert!(!refused(
            "node/io/store",
            "plenary-replication",
            Some("base/replication"),
            false
        ));
        assert!(!refused(
            "node/daemon",
            "plenary-store",
            Some("node/io/store"),
            false
        ));
    }

    #[test]
    fn nothing_points_upwards() {
        assert!(refused(
            "base/replication",
            "plenary-access",
            Some("node/logic/access"),
            false
        ));
        assert!(refused(
            "base/model",
            "plenary-contracts",
            Some("base/contracts"),
            false
        ));
        assert!(refused(
            "cluster-tests/live",
            "plenary-node",
            Some("node/daemon"),
            false
        ));
        assert!(refused("node/ctl", "plenary-store", Some("node/io/store"), false));
        assert!(!refused(
            "node/ctl",
            "plenary-licences",
            Some("license-manager/logic"),
            false
        ));
        assert!(refused(
            "base/identity",
            "plenary-testkit",
            Some("base/testkit"),
            false
        ));
        assert!(!refused(
            "base/identity",
            "plenary-testkit",
            Some("base/testkit"),
            true
        ));
        assert!(!refused(
            "cluster-tests/live",
            "plenary-testkit",
            Some("base/testkit"),
            false
        ));
    }
}
