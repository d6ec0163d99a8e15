//! Whether the head of a request from outside is taken.

use crate::{
    Refused, path,
    reach::{self, Reach},
};
use std::collections::BTreeSet;

/// Bytes of the longest body that is open to the outside: a description of a conference, with room; calls have their own limits.
pub const BODY: u64 = 2 << 20;
/// Headers of one request, and their bytes as HTTP/2 counts them, 32 for each beside name and value (RFC 9113 §6.5.2). Browsers send
/// about twenty; cookies of other programs in the same domain may be long.
pub const HEADERS: usize = 96;
pub const HEADER_BYTES: usize = 32 << 10;

/// The version that a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Http {
    /// HTTP/1.0 and 1.1: `Host` says which host is meant, and the target is a path.
    One,
    /// HTTP/2: `:scheme`, `:authority` and `:path`.
    Two,
}

/// The head of a request, as it came.
#[derive(Debug, Clone)]
pub struct Head<'a> {
    pub http: Http,
    pub method: &'a str,
    /// Of the target; in HTTP/1 there is none in what is meant for a server that is no proxy.
    pub scheme: Option<&'a str>,
    pub authority: Option<&'a str>,
    /// Without the query.
    pub path: &'a str,
    pub query: Option<&'a str>,
    /// Names in lower case.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Head<'a> {
    fn all<'b>(&'b self, name: &'b str) -> impl Iterator<Item = &'a [u8]> + 'b {
        let named = self.headers.iter().filter(move |(one, _)| *one == name);
        named.map(|(_, value)| *value)
    }

    fn one(&self, name: &str) -> Result<Option<&'a [u8]>, Refused> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (found, None) => Ok(found),
            _ => Err(Refused::BadHeaders),
        }
    }
}

/// Lets a request in, or says why not. `names` are the hosts that this node is, in lower case.
///
/// # Errors
/// [`Refused`]; first what cannot be read in one way alone, last what is not open.
pub fn admit(head: &Head<'_>, names: &BTreeSet<String>) -> Result<(), Refused> {
    small(head)?;
    target(head)?;
    host(head, names)?;
    let parts = path::parts(head.path)?;
    path::query(head.query.unwrap_or_default())?;
    body(head)?;
    upgrade(head)?;
    match reach::reach(head.method, &parts) {
        Some(Reach::Open) => Ok(()),
        Some(Reach::Inside) | None => Err(Refused::NotReachable),
    }
}

fn small(head: &Head<'_>) -> Result<(), Refused> {
    let bytes = head
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 32);
    if head.headers.len() > HEADERS || bytes.sum::<usize>() > HEADER_BYTES {
        return Err(Refused::TooManyHeaders);
    }
    Ok(())
}

/// RFC 9112 §3.2, RFC 9113 §8.3.1.
fn target(head: &Head<'_>) -> Result<(), Refused> {
    let good = match head.http {
        Http::One => head.scheme.is_none() && head.authority.is_none(),
        Http::Two => head.scheme == Some("https"),
    };
    // Whole URLs, `*`, and what CONNECT asks for begin otherwise.
    (good && head.path.starts_with('/'))
        .then_some(())
        .ok_or(Refused::BadTarget)
}

fn host(head: &Head<'_>, names: &BTreeSet<String>) -> Result<(), Refused> {
    let mut all = head.all("host");
    let (said, second) = (all.next(), all.next());
    if second.is_some() {
        return Err(Refused::BadHost);
    }
    let said = said.map(std::str::from_utf8).transpose();
    let said = said.map_err(|_| Refused::BadHost)?;
    let meant = match (head.authority, said) {
        (Some(one), Some(other)) if !one.eq_ignore_ascii_case(other) => return Err(Refused::BadHost),
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => return Err(Refused::BadHost),
    };
    let name = match meant.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => meant,
    };
    names
        .contains(&name.to_ascii_lowercase())
        .then_some(())
        .ok_or(Refused::WrongHost)
}

/// One length, said once. Chunks are not taken: with them a request may end where one reader thinks so and another does not
/// (RFC 9112 §11.2), and neither browsers nor programs need them for what is open.
fn body(head: &Head<'_>) -> Result<(), Refused> {
    if head.all("transfer-encoding").next().is_some() {
        return Err(Refused::NoLength);
    }
    let Some(length) = head.one("content-length")? else {
        return Ok(());
    };
    let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(length).ok().filter(|_| digits);
    let text = text.ok_or(Refused::BadHeaders)?;
    let length = text.parse::<u64>().map_err(|_| Refused::TooLarge)?;
    let reads = matches!(head.method, "GET" | "HEAD" | "OPTIONS");
    match length {
        0 => Ok(()),
        _ if reads => Err(Refused::BadHeaders),
        1..=BODY => Ok(()),
        _ => Err(Refused::TooLarge),
    }
}

/// Nothing becomes another protocol but signalling. HTTP/2 knows no upgrade.
fn upgrade(head: &Head<'_>) -> Result<(), Refused> {
    let Some(to) = head.one("upgrade")? else {
        return Ok(());
    };
    let fits = head.http == Http::One
        && head.method == "GET"
        && head.path == reach::SIGNAL
        && to.eq_ignore_ascii_case(b"websocket");
    fits.then_some(()).ok_or(Refused::BadHeaders)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: (&str, &[u8]) = ("host", b"Meet.example.com:8443");

    fn names() -> BTreeSet<String> {
        BTreeSet::from(["meet.example.com".to_owned()])
    }

    fn one<'a>(method: &'a str, path: &'a str, headers: &[(&'a str, &'a [u8])]) -> Head<'a> {
        Head {
            http: Http::One,
            method,
            scheme: None,
            authority: None,
            path,
            query: None,
            headers: headers.to_vec(),
        }
    }

    fn two<'a>(path: &'a str, headers: &[(&'a str, &'a [u8])]) -> Head<'a> {
        Head {
            http: Http::Two,
            scheme: Some("https"),
            authority: Some("meet.example.com"),
            ..one("GET", path, headers)
        }
    }

    fn told(head: &Head<'_>) -> Result<(), Refused> {
        admit(head, &names())
    }

    #[test]
    fn what_is_open_comes_in_by_either_version() {
        assert_eq!(told(&one("GET", "/", &[HOST])), Ok(()));
        assert_eq!(told(&two("/", &[])), Ok(()));
        assert_eq!(told(&two("/", &[("host", b"meet.example.com")])), Ok(()));
        let json: &[(&str, &[u8])] = &[HOST, ("content-length", b"34")];
        assert_eq!(told(&one("POST", "/api/v1/session", json)), Ok(()));
        let socket: &[(&str, &[u8])] = &[HOST, ("upgrade", b"WebSocket"), ("connection", b"Upgrade")];
        assert_eq!(told(&one("GET", "/api/v1/signal", socket)), Ok(()));
    }

    #[test]
    fn a_target_that_is_no_path_is_refused() {
        let absolute = Head {
            scheme: Some("https"),
            authority: Some("meet.example.com"),
            ..one("GET", "/", &[HOST])
        };
        let connect = Head {
            authority: Some("meet.example.com:443"),
            ..one("CONNECT", "", &[HOST])
        };
        let asterisk = one("OPTIONS", "*", &[HOST]);
        let plain = Head {
            scheme: Some("http"),
            ..two("/", &[])
        };
        let other = Head {
            scheme: None,
            ..two("/", &[])
        };
        for head in [absolute, connect, asterisk, plain, other] {
            assert_eq!(told(&head), Err(Refused::BadTarget), "{head:?}");
        }
    }

    #[test]
    fn there_is_one_host_and_it_is_ours() {
        let refused = |head: &Head<'_>| told(head).expect_err("refused");
        assert_eq!(refused(&one("GET", "/", &[])), Refused::BadHost);
        assert_eq!(refused(&one("GET", "/", &[HOST, HOST])), Refused::BadHost);
        assert_eq!(refused(&one("GET", "/", &[("host", b"\xff")])), Refused::BadHost);
        assert_eq!(
            refused(&two("/", &[("host", b"admin.example.com")])),
            Refused::BadHost
        );
        for other in [
            &b"admin.example.com"[..],
            b"10.0.0.5",
            b"[::1]:443",
            b"localhost",
            b"",
            b"meet.example.com.",
            b"meet.example.com:x",
            b"meet.example.com:",
            b"ann@meet.example.com",
        ] {
            assert_eq!(refused(&one("GET", "/", &[("host", other)])), Refused::WrongHost);
        }
    }

    #[test]
    fn requests_whose_end_may_be_disputed_are_refused() {
        let refused = |headers: &[(&str, &[u8])]| {
            let all: Vec<_> = std::iter::once(HOST).chain(headers.iter().copied()).collect();
            told(&one("POST", "/api/v1/session", &all)).expect_err("refused")
        };
        assert_eq!(refused(&[("transfer-encoding", b"chunked")]), Refused::NoLength);
        assert_eq!(
            refused(&[("content-length", b"4"), ("transfer-encoding", b"chunked")]),
            Refused::NoLength
        );
        assert_eq!(
            refused(&[("content-length", b"4"), ("content-length", b"5")]),
            Refused::BadHeaders
        );
        for bad in [&b"+4"[..], b"4, 4", b"0x4", b"", b"-1", b" 4"] {
            assert_eq!(
                refused(&[("content-length", bad)]),
                Refused::BadHeaders,
                "{bad:?}"
            );
        }
        assert_eq!(refused(&[("content-length", b"2097153")]), Refused::TooLarge);
        assert_eq!(
            refused(&[("content-length", b"99999999999999999999")]),
            Refused::TooLarge
        );
        let read = one("GET", "/", &[HOST, ("content-length", b"4")]);
        assert_eq!(told(&read), Err(Refused::BadHeaders));
    }

    #[test]
    fn nothing_but_signalling_becomes_another_protocol() {
        for (path, to) in [
            ("/", &b"websocket"[..]),
            ("/api/v1/signal", b"h2c"),
            ("/", b"TLS/1.0"),
        ] {
            let head = one("GET", path, &[HOST, ("upgrade", to)]);
            assert_eq!(told(&head), Err(Refused::BadHeaders), "{path}");
        }
        let head = two("/api/v1/signal", &[("upgrade", b"websocket")]);
        assert_eq!(told(&head), Err(Refused::BadHeaders));
    }

    #[test]
    fn heads_are_no_longer_than_browsers_write_them() {
        let many: Vec<(&str, &[u8])> = std::iter::once(HOST)
            .chain((0..HEADERS).map(|_| ("x", &b"y"[..])))
            .collect();
        assert_eq!(told(&one("GET", "/", &many)), Err(Refused::TooManyHeaders));
        let long = vec![b'x'; HEADER_BYTES];
        assert_eq!(
            told(&one("GET", "/", &[HOST, ("cookie", &long)])),
            Err(Refused::TooManyHeaders)
        );
    }

    #[test]
    fn what_is_not_open_is_answered_as_what_is_not_there() {
        for path in ["/admin", "/api/v1/users", "/metrics", "/nothing"] {
            assert_eq!(
                told(&one("GET", path, &[HOST])),
                Err(Refused::NotReachable),
                "{path}"
            );
        }
    }
}
