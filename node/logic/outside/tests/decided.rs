//! Whoever adds a call, a page or a file decides whether the outside reaches it: until then these fail.

use plenary_outside::{
    Reach, path,
    reach::{decided, reach},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const DESCRIPTION: &str = include_str!("../../../../base/contracts/openapi/v1.json");
const PAGES: &str = include_str!("../../../web-ui/src/routeTree.gen.ts");

fn of(path: &str, method: &str) -> Option<Reach> {
    let filled: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(|part| if part.starts_with('{') { "some-id" } else { part })
        .collect();
    reach(method, &filled)
}

#[test]
fn every_call_of_the_interface_is_decided_and_nothing_else_is() {
    let description: serde_json::Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let paths = description["paths"].as_object().expect("paths");
    let mut described = BTreeSet::new();
    for (path, methods) in paths {
        for method in methods.as_object().expect("methods").keys() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                described.insert((path.clone(), method.to_uppercase()));
            }
        }
    }
    let others = ["/api/v1/openapi.json", "/api/v1/signal"];
    let here: BTreeSet<_> = decided()
        .filter(|(path, _, _)| path.starts_with("/api/") && !others.contains(&path.as_str()))
        .map(|(path, method, _)| (path, method.to_owned()))
        .collect();
    let undecided: Vec<_> = described.difference(&here).collect();
    assert!(
        undecided.is_empty(),
        "decide in node/logic/outside/src/reach.rs whether the outside reaches {undecided:?}"
    );
    let gone: Vec<_> = here.difference(&described).collect();
    assert!(gone.is_empty(), "there are no such calls: {gone:?}");
}

#[test]
fn every_page_is_decided_and_those_of_the_administration_are_for_the_inside() {
    let (_, list) = PAGES
        .split_once("interface FileRoutesByTo {")
        .expect("the list of pages");
    let (list, _) = list.split_once('}').expect("its end");
    let pages: Vec<String> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix('\'')?.split_once('\''))
        .map(|(page, _)| {
            let parts = page.split('/');
            let parts = parts.map(|part| if part.starts_with('$') { "some-id" } else { part });
            parts.collect::<Vec<_>>().join("/")
        })
        .collect();
    assert!(pages.len() > 20, "they are read: {pages:?}");
    for page in pages {
        let parts = path::parts(&page).expect("in its one form");
        let expected = if parts.first() == Some(&"admin") {
            Reach::Inside
        } else {
            Reach::Open
        };
        assert_eq!(
            reach("GET", &parts),
            Some(expected),
            "decide in node/logic/outside/src/reach.rs whether the outside reaches {page}"
        );
    }
}

#[test]
fn every_file_beside_the_pages_is_decided() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web-ui/public");
    for file in fs::read_dir(folder).expect("the folder") {
        let name = file.expect("a file").file_name();
        let name = name.to_str().expect("UTF-8");
        assert!(
            reach("GET", &[name]).is_some(),
            "decide in node/logic/outside/src/reach.rs whether the outside reaches /{name}"
        );
    }
}

#[test]
fn nothing_is_decided_twice_and_all_is_found_as_it_was_decided() {
    let mut seen = BTreeMap::new();
    for (path, method, how) in decided() {
        assert!(
            seen.insert((path.clone(), method), how).is_none(),
            "{method} {path} twice"
        );
        assert_eq!(of(&path, method), Some(how), "{method} {path}");
    }
}
