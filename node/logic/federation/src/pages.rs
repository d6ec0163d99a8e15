//! Where the pages of a server are for browsers, as it says itself (FED-04). Nothing is fetched there by servers: browsers of
//! people go there.

use plenary_model::ServerName;
use std::fmt;

/// The usual port of web pages.
const PORT: u16 = 443;

/// The address of web pages: `https://`, a host by its name, and the port where that is not 443.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pages {
    host: ServerName,
    port: u16,
}

impl Pages {
    /// Addresses of one server that count.
    pub const MOST: usize = 16;

    /// Whatever has more than a host and a port, or says less than `https`, is none.
    pub fn at(text: &str) -> Option<Self> {
        let place = text.strip_prefix("https://")?;
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.split_once(':') {
            None => (place, PORT),
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => {
                (host, port.parse::<u16>().ok().filter(|port| *port != 0)?)
            }
            Some(_) => return None,
        };
        let host = host.parse().ok()?;
        Some(Self { host, port })
    }

    /// Whether `server` may say that they are its own: the host is its domain, or below it.
    pub fn may_be_of(&self, server: &ServerName) -> bool {
        let above = self.host.as_str().strip_suffix(server.as_str());
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }

    /// The host is the server's domain itself.
    pub fn is_at(&self, server: &ServerName) -> bool {
        self.host == *server
    }

    /// Of what a server says of itself, what it may say; each once, in its order, at most [`Pages::MOST`].
    pub fn all_of<'a>(server: &ServerName, said: impl IntoIterator<Item = &'a str>) -> Vec<Self> {
        let mut all = Vec::new();
        for text in said.into_iter().take(Self::MOST) {
            let pages = Self::at(text).filter(|pages| pages.may_be_of(server));
            all.extend(pages.filter(|pages| !all.contains(pages)));
        }
        all
    }
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host)?;
        if self.port == PORT {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oslo() -> ServerName {
        "oslo.example.net".parse().expect("a name")
    }

    #[test]
    fn a_server_says_where_its_own_pages_are_and_nobody_elses() {
        let said = [
            "https://meet.oslo.example.net",
            "https://oslo.example.net:8443/",
            "https://Oslo.Example.Net:443",
            "https://meet.oslo.example.net/",
            "https://paris.example.com",
            "https://evil-oslo.example.net",
            "https://example.net",
            "http://meet.oslo.example.net",
            "https://meet.oslo.example.net/path",
            "https://user@oslo.example.net",
            "https://oslo.example.net@evil.example.org",
            "https://oslo.example.net:+443",
            "https://oslo.example.net:0",
            "https://oslo.example.net:",
            "https://10.0.0.1#.oslo.example.net",
        ];
        let all = Pages::all_of(&oslo(), said);
        let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "https://meet.oslo.example.net",
                "https://oslo.example.net:8443",
                "https://oslo.example.net"
            ]
        );
        assert!(all[1].is_at(&oslo()) && !all[0].is_at(&oslo()));
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_is_the_same_address_when_it_is_read_again(text in "https://[a-z0-9.@:/#?-]{1,40}") {
            if let Some(pages) = Pages::at(&text) {
                let shown = pages.to_string();
                proptest::prop_assert_eq!(Pages::at(&shown), Some(pages));
                proptest::prop_assert!(!shown["https://".len()..].contains(['/', '@', '#', '?']));
            }
        }

        #[test]
        fn no_more_than_so_many_count(count in 0_usize..100) {
            let said: Vec<_> = (0..count).map(|n| format!("https://n{n}.oslo.example.net")).collect();
            let all = Pages::all_of(&oslo(), said.iter().map(String::as_str));
            proptest::prop_assert_eq!(all.len(), count.min(Pages::MOST));
        }
    }
}
