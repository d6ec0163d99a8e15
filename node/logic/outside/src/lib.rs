//! What of a node's web server the outside may reach through a Border Controller (ENT-04, `docs/decisions/0026`).
//!
//! ```text
//!  head of a request ──request::admit──► on it goes
//!         │                  │
//!         │                  └─► Refused: what is not in its one form, of another host, too much, or not decided to be open
//!         └──headers::is_hearsay──► taken off: what strangers say of where they come from
//! ```
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`reach`] | which methods and paths are open to the outside; all others are not |
//! | [`path`] | the one form in which a path may be written |
//! | [`request`] | whether the head of a request is taken: [`admit`] |
//! | [`headers`] | which headers of strangers count for nothing |
//! | [`refused`] | the reasons: [`Refused`] |
//!
//! Invariant: what is not listed as open is answered as what does not exist.
//!
//! Deliberately not here: HTTP itself, its bodies, rates and times (they need sockets and a clock), and who may do what: that
//! is asked once a request is let in. Administrators are none to the outside, see [`CameFromOutside`].

pub mod headers;
pub mod path;
pub mod reach;
pub mod refused;
pub mod request;

pub use headers::is_hearsay;
pub use reach::Reach;
pub use refused::Refused;
pub use request::{Head, Http, admit};

/// Marks requests that came through a Border Controller: whoever asks administers nothing, from whichever address, and is told of
/// no address of the inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CameFromOutside;

/// Foreign bytes as the head of a request: a line for the method, one for the target, and one for each header; for fuzzers. Nothing
/// here does anything but return.
///
/// # Panics
/// Where something is let in whose path is not in its one form.
pub fn fuzz(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let (method, target) = (text(), text());
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let headers = lines.map(|line| match line.iter().position(|byte| *byte == b':') {
        Some(at) => line.split_at(at),
        None => (line, &b""[..]),
    });
    let headers =
        headers.filter_map(|(name, value)| Some((std::str::from_utf8(name).ok()?, value.get(1..)?)));
    let head = Head {
        http: Http::One,
        method,
        scheme: None,
        authority: None,
        path,
        query,
        headers: headers.collect(),
    };
    let names = std::collections::BTreeSet::from(["meet.example.com".to_owned()]);
    if admit(&head, &names).is_ok() {
        let parts = path::parts(path).expect("what was let in is in its one form");
        assert_eq!(format!("/{}", parts.join("/")), path);
    }
}
