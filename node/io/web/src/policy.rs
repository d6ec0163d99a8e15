use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::fmt::Write;

/// 16 random bytes as base64: what style elements of one page must carry.
pub(crate) fn nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

/// What a page may load and whom it may talk to: its own origin and the server's other nodes.
pub(crate) fn content_security_policy(nonce: &str, members: &[String]) -> HeaderValue {
    let mut connect = String::from("'self'");
    for url in members {
        if let Some((http, socket)) = origins(url) {
            write!(connect, " {http} {socket}").expect("writing to a string does not fail");
        }
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; \
         img-src 'self' data: blob:; media-src 'self' blob: mediastream:; worker-src 'self' blob:; \
         manifest-src 'self'; connect-src {connect}; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'; object-src 'none'"
    );
    HeaderValue::from_str(&policy).expect("the nonce and the checked origins are plain ASCII")
}

/// Origins of a node for requests and for its WebSocket; `None` for what is not a plain origin, so that a
/// strange URL cannot add words to the policy.
fn origins(url: &str) -> Option<(String, String)> {
    let url = url.strip_suffix('/').unwrap_or(url);
    let (host, secure) = match url.strip_prefix("https://") {
        Some(host) => (host, true),
        None => (url.strip_prefix("http://")?, false),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(plain) {
        return None;
    }
    let socket = if secure { "wss" } else { "ws" };
    Some((url.to_owned(), format!("{socket}://{host}")))
}

/// What the widget may load and talk to, its own origin, and who may frame it: every site (`docs/decisions/0017`).
pub(crate) const WIDGET_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; frame-ancestors *; base-uri 'none'; form-action 'none'; object-src 'none'";

/// Headers that every answer carries; `framed`: other sites may frame it, and it gets nothing from the device.
pub(crate) fn harden(headers: &mut HeaderMap, framed: bool) {
    const NO_DEVICE: &str = "camera=(), microphone=(), display-capture=(), fullscreen=(), geolocation=(), \
                             payment=(), usb=()";
    const CAMERA: &str = "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), \
                          geolocation=(), payment=(), usb=()";
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("permissions-policy"), CAMERA),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if framed {
        headers.remove(X_FRAME_OPTIONS);
        let other = [
            ("cross-origin-resource-policy", "cross-origin"),
            ("permissions-policy", NO_DEVICE),
            ("referrer-policy", "no-referrer"),
        ];
        for (name, value) in other {
            let name = HeaderName::from_static(name);
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_talk_to_every_member() {
        let members = [
            "https://node-2.example.com:8443/".to_owned(),
            "http://[::1]:8080".to_owned(),
        ];
        let policy = content_security_policy("abc", &members);
        let text = policy.to_str().expect("ASCII");
        assert!(text.contains(
            "connect-src 'self' https://node-2.example.com:8443 wss://node-2.example.com:8443 http://[::1]:8080 ws://[::1]:8080;"
        ));
        assert!(text.contains("style-src 'self' 'nonce-abc';"));
        assert!(text.contains("frame-ancestors 'none';"));
    }

    #[test]
    fn a_strange_url_adds_nothing() {
        for url in [
            "https://a; script-src *",
            "javascript:x",
            "https://",
            "https://ä.example",
            "//x",
            "",
        ] {
            assert_eq!(origins(url), None, "{url}");
        }
    }

    #[test]
    fn no_two_nonces_are_the_same() {
        let one = nonce().expect("random");
        assert_eq!(one.len(), 22);
        assert_ne!(one, nonce().expect("random"));
    }
}
