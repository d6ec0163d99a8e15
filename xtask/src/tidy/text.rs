//! What stands in files: length, words, blanks, links.

use crate::steps::root;
use std::path::{Path, PathBuf};

/// Longest file of Rust, tests at its end not counted; a longer one has more than one reason to change.
const LINES: usize = 600;
/// What deciding must not touch: clocks, files, sockets, threads.
const IMPURE: &[&str] = &[
    "tokio::",
    "std::net::Tcp",
    "std::net::Udp",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    // Every node computes the same thing only if it walks through the same order.
    "HashMap",
    "HashSet",
];
/// What belongs to the machine of whoever wrote it.
const FOREIGN: &[&str] = &["/work/", "/root/"];
/// What stands for code that is missing.
const UNWRITTEN: &[&str] = &["todo!(", "unimplemented!("];

pub(super) fn faults(files: &[PathBuf]) -> Vec<String> {
    let mut faults = Vec::new();
    for path in files {
        // What is no text has none of these faults.
        let Ok(text) = std::fs::read_to_string(root().join(path)) else {
            continue;
        };
        let name = path.to_string_lossy();
        let found = lines(&name, &text).into_iter().chain(rust(&name, &text));
        faults.extend(found.map(|fault| format!("{name}{fault}")));
        if name.ends_with(".md") {
            faults.extend(
                dead_links(path, &text)
                    .into_iter()
                    .map(|fault| format!("{name}{fault}")),
            );
        }
    }
    faults
}

/// Whether this is the file that names what is forbidden.
fn here(name: &str) -> bool {
    name == "xtask/src/tidy/text.rs"
}

fn lines(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let generated = name.ends_with("lock.json") || name.ends_with("Cargo.lock") || name.ends_with("v1.json");
    for (number, line) in (1..).zip(text.lines()) {
        let mut fault = |what: String| faults.push(format!(":{number}: {what}"));
        if line.ends_with([' ', '\t']) && !generated {
            fault("ends with a blank".into());
        }
        if let Some(word) = FOREIGN.iter().find(|word| line.contains(**word) && !here(name)) {
            fault(format!("{word} is a path of somebody's machine"));
        }
        if name.ends_with("package-lock.json") && line.contains("\"resolved\"") {
            fault("names a registry; run npm with omit-lockfile-registry-resolved".into());
        }
    }
    faults
}

fn rust(name: &str, text: &str) -> Vec<String> {
    if !name.ends_with(".rs") {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let code = without_tests(text);
    let tests = name.contains("/tests/") || name.ends_with("/tests.rs");
    let length = code.lines().count();
    if length > LINES && !tests {
        faults.push(format!(
            ": has {length} lines, more than {LINES}: cut it by reasons to change"
        ));
    }
    let unwritten = UNWRITTEN.iter().find(|word| text.contains(**word) && !here(name));
    faults.extend(unwritten.map(|word| format!(": {word}…) stands for code that is missing")));
    if name.starts_with("node/logic/") && name.contains("/src/") && !tests {
        let used = IMPURE.iter().filter(|word| has_code(code, word));
        faults.extend(used.map(|word| format!(": {word} does not belong into logic/, which only decides")));
    }
    faults
}

/// Up to the tests that stand at the end of a file; tests in files of their own are not in it anyway.
fn without_tests(text: &str) -> &str {
    let end = text.match_indices("#[cfg(test)]").find(|(at, _)| {
        let item = text
            .get(*at..)
            .and_then(|rest| rest.lines().nth(1))
            .unwrap_or_default();
        !item.trim_end().ends_with(';')
    });
    end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

/// Comments may speak about what code may not touch.
fn has_code(text: &str, word: &str) -> bool {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| line.contains(word))
}

/// Links to files that are not there.
fn dead_links(path: &Path, text: &str) -> Vec<String> {
    let folder = root().join(path.parent().unwrap_or(Path::new("")));
    local_links(text)
        .filter(|target| !folder.join(target).exists())
        .map(|target| format!(": the link to {target} leads nowhere"))
        .collect()
}

/// Targets of links that are files, without their anchors.
fn local_links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| {
            !target.contains("://") && !target.starts_with(['#', '<', '/']) && !target.starts_with("mailto:")
        })
        .filter_map(|target| target.split(['#', ' ']).next())
        .filter(|target| !target.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_sockets_are_kept_out_of_logic() {
        let code = "fn f() { let _ = std::time::SystemTime::now(); }\n";
        assert_eq!(rust("node/logic/access/src/x.rs", code).len(), 1);
        assert!(rust("node/io/store/src/x.rs", code).is_empty());
        let test = format!("#[cfg(test)]\nmod tests {{ {code} }}\n");
        assert!(rust("node/logic/access/src/x.rs", &test).is_empty());
        assert!(rust("node/logic/access/src/x.rs", "/// No SystemTime::now here.\n").is_empty());
    }

    #[test]
    fn code_after_tests_in_a_file_of_their_own_is_checked() {
        let code = "#[cfg(test)]\nmod tests;\nuse std::fs;\n#[cfg(test)]\nmod more {\n use std::thread;\n}\n";
        assert_eq!(rust("node/logic/access/src/x.rs", code).len(), 1);
    }

    #[test]
    fn long_files_are_cut_and_tests_do_not_count() {
        let code = "x\n".repeat(LINES);
        assert!(
            rust(
                "base/model/src/x.rs",
                &format!("{code}#[cfg(test)]\nmod tests {{\n{code}}}\n")
            )
            .is_empty()
        );
        assert_eq!(rust("base/model/src/x.rs", &format!("{code}x\n")).len(), 1);
        assert!(rust("base/model/tests/x.rs", &format!("{code}x\n")).is_empty());
    }

    #[test]
    fn missing_code_is_found() {
        assert_eq!(
            rust("base/model/src/x.rs", &format!("{})", UNWRITTEN[0])).len(),
            1
        );
    }

    #[test]
    fn paths_of_machines_and_blanks_are_found() {
        assert_eq!(lines("README.md", &format!("see {}x \n", FOREIGN[0])).len(), 2);
    }

    #[test]
    fn registries_are_not_named() {
        let lock = "  \"resolved\": \"https://registry.example/x.tgz\",\n";
        assert_eq!(lines("node/web-ui/package-lock.json", lock).len(), 1);
    }

    #[test]
    fn links_to_files_are_followed() {
        let text = "[a](x.md#part) [b](https://example.com) [c](#here) [d](mailto:a@example.com) ![e](y.svg \"title\")";
        assert_eq!(local_links(text).collect::<Vec<_>>(), ["x.md", "y.svg"]);
        assert_eq!(
            dead_links(Path::new("README.md"), "[a](LICENSE) [b](no/such.md)").len(),
            1
        );
    }
}
