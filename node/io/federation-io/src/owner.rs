//! To whom the domains of servers belong, as far as names tell.

use plenary_model::ServerName;

/// The part of a domain that its owner had to register, by the list of suffixes below which the public registers
/// (<https://publicsuffix.org>): `example.co.uk` of `node.paris.example.co.uk`. Whoever has it makes as many names below it as they
/// like. Where there is none, as of names that are not public, the domain itself.
pub(crate) fn owner_of(server: &ServerName) -> String {
    let registered = psl::domain_str(server.as_str());
    registered.unwrap_or(server.as_str()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_one_that_is_registered_have_one_owner() {
        for (server, owner) in [
            ("paris.example.com", "example.com"),
            ("a.b.paris.example.co.uk", "example.co.uk"),
            ("example.com", "example.com"),
            ("com", "com"),
            ("oslo.internal", "oslo.internal"),
            ("plenary", "plenary"),
        ] {
            assert_eq!(owner_of(&server.parse().expect("a name")), owner, "{server}");
        }
    }
}
