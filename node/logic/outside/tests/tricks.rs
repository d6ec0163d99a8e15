//! However the path of the administration is written, nothing that is let in is it.

use plenary_outside::{Head, Http, Reach, Refused, admit, path, reach::reach};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::BTreeSet;

/// What paths are made of, honest and not.
const PIECES: &[&str] = &[
    "/",
    "//",
    "\\",
    ".",
    "..",
    "...",
    "%2e",
    "%2E",
    "%252e",
    "%2f",
    "%2F",
    "%5c",
    "%5C",
    "%00",
    "%0A",
    ";",
    ";x=1",
    "%3B",
    "%20",
    "?",
    "%3F",
    "#",
    "*",
    "http:",
    "admin",
    "Admin",
    "ADMIN",
    "%61dmin",
    "adm%69n",
    "api",
    "API",
    "v1",
    "users",
    "settings",
    "server",
    "session",
    "me",
    "m",
    "w",
    "assets",
    "home",
    "weekly",
    "~",
    "@",
    "%C0%AF",
    "%E2%88%95",
    "%EF%BC%8F",
    "%uFF0F",
];

/// What the most generous of servers makes of a path: decoded again and again, backslashes are slashes, what follows a semicolon
/// is cut off, empty parts and those of one dot count for nothing, two dots go up, capital letters are small ones.
fn generous(path: &str) -> Vec<String> {
    let mut text = path.to_owned();
    for _ in 0..4 {
        text = decoded(&text);
    }
    let text = text.replace('\\', "/").to_lowercase();
    let mut parts: Vec<String> = Vec::new();
    for part in text.split('/') {
        let part = part.split([';', '\0', '?', '#']).next().unwrap_or_default();
        match part.trim_end_matches(['.', ' ']) {
            "" if part == ".." => drop(parts.pop()),
            "" => {}
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).expect("two digits"));
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn told(path: &str) -> Result<(), Refused> {
    let names = BTreeSet::from(["meet.example.com".to_owned()]);
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let head = Head {
        http: Http::One,
        method: "GET",
        scheme: None,
        authority: None,
        path,
        query,
        headers: vec![("host", b"meet.example.com")],
    };
    admit(&head, &names)
}

#[test]
fn what_is_generous_does_see_through_the_tricks() {
    for path in [
        "//admin",
        "/%2e%2e/admin",
        "/m/..%2fadmin",
        "/m/%252e%252e/admin",
        "/ADMIN;x",
        "/m\\..\\admin.",
    ] {
        assert_eq!(generous(path), ["admin"], "{path}");
        told(path).expect_err("refused");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn nothing_that_is_let_in_is_the_administration_to_anybody(pieces in vec(select(PIECES), 0..9)) {
        let path = format!("/{}", pieces.concat());
        if told(&path).is_ok() {
            let (bare, _) = path.split_once('?').unwrap_or((&path, ""));
            let seen = generous(bare);
            let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
            prop_assert_ne!(seen.first(), Some(&"admin"), "{}", path);
            prop_assert_eq!(reach("GET", &seen), Some(Reach::Open), "{}", path);
        }
    }

    #[test]
    fn foreign_paths_do_no_harm(text in "\\PC{0,80}") {
        told(&text).ok();
        told(&format!("/{text}")).ok();
    }

    #[test]
    fn foreign_heads_do_no_harm(lines in vec("\\PC{0,40}", 0..8)) {
        plenary_outside::fuzz(lines.join("\n").as_bytes());
        let honest = format!("GET\n/m/{}\nhost:meet.example.com\n{}", lines.first().map_or("", String::as_str), lines.join("\n"));
        plenary_outside::fuzz(honest.as_bytes());
    }

    #[test]
    fn a_path_in_its_one_form_is_that_of_what_it_means(parts in vec("[^/\\\\%;?#\\p{C}]{1,8}", 1..6)) {
        prop_assume!(parts.iter().all(|part| !part.ends_with('.') && part.trim() == part));
        let encoded: Vec<String> = parts.iter().map(|part| encode(part)).collect();
        let whole = format!("/{}", encoded.join("/"));
        let read = path::parts(&whole).expect("its one form");
        let back: Vec<String> = read.iter().map(|part| decoded(part)).collect();
        prop_assert_eq!(back, parts);
    }
}

/// As `encodeURIComponent` of browsers does.
fn encode(part: &str) -> String {
    part.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
