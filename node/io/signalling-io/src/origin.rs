//! Which pages may connect. Browsers let any page open a WebSocket anywhere, and say whose page it is in `Origin`.

use axum::http::{Uri, header, request::Parts, uri::Authority};

/// Whether the page that asks was served by the host that it asks, or is one of `origins`. Programs that are no
/// browsers send no `Origin`, and could send any.
pub(crate) fn is_allowed(parts: &Parts, origins: &[String]) -> bool {
    let mut given = parts.headers.get_all(header::ORIGIN).iter();
    let Some(origin) = given.next() else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if given.next().is_some() {
        return false;
    }
    origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) || is_same(origin, parts)
}

fn is_same(origin: &str, parts: &Parts) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let default_port = match origin.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return false,
    };
    let (Some(theirs), Some(ours)) = (origin.authority(), host(parts)) else {
        return false;
    };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    theirs.host().eq_ignore_ascii_case(ours.host()) && port(theirs) == port(&ours)
}

/// What the client calls this host: `:authority` of HTTP/2, else the `Host` header.
fn host(parts: &Parts) -> Option<Authority> {
    if let Some(authority) = parts.uri.authority() {
        return Some(authority.clone());
    }
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?.parse().ok()?;
    hosts.next().is_none().then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn allowed(host: &str, origin: &str) -> bool {
        let request = Request::get("/api/v1/signal")
            .header("host", host)
            .header("origin", origin);
        is_allowed(
            &request.body(()).unwrap().into_parts().0,
            &["https://meet.example.com".into()],
        )
    }

    #[test]
    fn pages_of_the_same_host_may_connect() {
        for (host, origin) in [
            ("paris.example.com", "https://paris.example.com"),
            ("paris.example.com", "https://PARIS.example.com:443"),
            ("paris.example.com:443", "https://paris.example.com"),
            ("localhost:8080", "http://localhost:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("paris.example.com", "https://meet.example.com"),
        ] {
            assert!(allowed(host, origin), "{origin} at {host}");
        }
    }

    #[test]
    fn other_pages_may_not() {
        for (host, origin) in [
            ("paris.example.com", "https://evil.example.com"),
            ("paris.example.com", "https://paris.example.com.evil.com"),
            ("paris.example.com", "https://paris.example.com:8443"),
            ("paris.example.com", "https://paris.example.com@evil.com"),
            ("paris.example.com:8443", "https://paris.example.com"),
            ("paris.example.com", "http://paris.example.com:8080"),
            ("paris.example.com", "ftp://paris.example.com"),
            ("paris.example.com", "null"),
            ("paris.example.com", "file://"),
            ("paris.example.com", ""),
        ] {
            assert!(!allowed(host, origin), "{origin} at {host}");
        }
    }

    #[test]
    fn programs_without_origin_may_and_two_origins_may_not() {
        let request = Request::get("/").header("host", "a");
        assert!(is_allowed(&request.body(()).unwrap().into_parts().0, &[]));
        let request = Request::get("/")
            .header("host", "a")
            .header("origin", "http://a")
            .header("origin", "http://a");
        assert!(!is_allowed(&request.body(()).unwrap().into_parts().0, &[]));
    }
}
