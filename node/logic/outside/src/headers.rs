//! Headers of strangers that count for nothing.

/// By which programs before a server say where a request comes from or what was asked of them. Before a node stands only the
/// Border Controller, which reads nothing of it and says it otherwise: whoever writes these is a stranger.
const HEARSAY: [&str; 14] = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "true-client-ip",
    "cf-connecting-ip",
];
const PREFIX: &str = "x-forwarded";

/// Whether a header is taken off before anything reads it, by its name in lower case: `X-Forwarded-…`, `Forwarded` (RFC 7239),
/// and what others use for the same or to change method and path behind a filter's back.
pub fn is_hearsay(name: &str) -> bool {
    name.starts_with(PREFIX) || HEARSAY.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_say_of_where_they_come_from_is_taken_off_and_nothing_else() {
        for name in [
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-forwarded",
            "forwarded",
            "x-real-ip",
            "x-original-url",
            "x-http-method-override",
        ] {
            assert!(is_hearsay(name), "{name}");
        }
        for name in [
            "host",
            "authorization",
            "content-type",
            "origin",
            "if-match",
            "plenary-index",
            "plenary-request-id",
            "sec-websocket-key",
            "upgrade",
            "user-agent",
        ] {
            assert!(!is_hearsay(name), "{name}");
        }
    }
}
