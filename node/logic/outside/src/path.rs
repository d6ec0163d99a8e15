//! The one form in which a path may be written, so that what is compared here and what is routed later are the same.

use crate::Refused;

/// Bytes of the longest path, of the longest query, and parts of a path at most. The longest that the pages make has seven parts.
pub const PATH: usize = 1_024;
pub const QUERY: usize = 4_096;
const PARTS: usize = 12;

/// What stands for itself beside letters and digits: what is unreserved, and what separates nothing here (RFC 3986 §2.2, §2.3;
/// without `;`, by which some servers part parameters from a name).
const PLAIN: &[u8] = b"-._~!$&'()*+,=:@";
/// What is refused also where it is encoded: it parts or nests paths, or encodes once more.
const NEVER: &[u8] = b"/\\%;?#";

/// The parts of a path between its slashes, none for `/`.
///
/// # Errors
/// [`Refused::TooLong`]; [`Refused::BadPath`] for anything but normal form (RFC 3986 §6.2.2): empty parts and those of dots or with
/// one at the end, bytes that must be encoded, encoded bytes that need not be, small letters in hexadecimal digits, encoded slashes,
/// backslashes, percent signs and control characters, spaces at an end of a part, and what is no UTF-8.
pub fn parts(path: &str) -> Result<Vec<&str>, Refused> {
    if path.len() > PATH {
        return Err(Refused::TooLong);
    }
    let rest = path.strip_prefix('/').ok_or(Refused::BadPath)?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<&str> = rest.split('/').take(PARTS + 1).collect();
    if parts.len() > PARTS || !parts.iter().all(|part| is_canonical(part)) {
        return Err(Refused::BadPath);
    }
    Ok(parts)
}

fn is_canonical(part: &str) -> bool {
    // Also `.` and `..`; Windows drops a dot at the end, and some servers think like it.
    if part.is_empty() || part.ends_with('.') {
        return false;
    }
    let mut decoded = Vec::with_capacity(part.len());
    let mut bytes = part.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) if must_be_encoded(high * 16 + low) => high * 16 + low,
                _ => return false,
            },
            byte if byte.is_ascii_alphanumeric() || PLAIN.contains(&byte) => byte,
            _ => return false,
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).is_ok_and(|text| text.trim() == text && !text.chars().any(char::is_control))
}

/// Capital letters only.
fn digit(byte: Option<u8>) -> Option<u8> {
    match byte? {
        byte @ b'0'..=b'9' => Some(byte - b'0'),
        byte @ b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn must_be_encoded(byte: u8) -> bool {
    let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !is_unreserved && !NEVER.contains(&byte)
}

/// # Errors
/// [`Refused::TooLong`]; [`Refused::BadPath`] for bytes that no query has (RFC 3986 §3.4; browsers leave more of them as they are).
pub fn query(query: &str) -> Result<(), Refused> {
    if query.len() > QUERY {
        return Err(Refused::TooLong);
    }
    let good = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    good.then_some(()).ok_or(Refused::BadPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pages_and_programs_write_is_read_part_by_part() {
        for (path, expected) in [
            ("/", vec![]),
            ("/m/weekly-review", vec!["m", "weekly-review"]),
            (
                "/api/v1/people/ann%40paris.example.com",
                vec!["api", "v1", "people", "ann%40paris.example.com"],
            ),
            (
                "/api/v1/people/ann@paris.example.com",
                vec!["api", "v1", "people", "ann@paris.example.com"],
            ),
            ("/m/caf%C3%A9%20noir", vec!["m", "caf%C3%A9%20noir"]),
            ("/assets/index-B_x1~.js", vec!["assets", "index-B_x1~.js"]),
        ] {
            assert_eq!(parts(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn any_other_way_to_write_a_path_is_refused() {
        for path in [
            "",
            "*",
            "admin",
            "http://meet.example.com/admin",
            "//admin",
            "/m//admin",
            "/admin/",
            "/./admin",
            "/m/../admin",
            "/m/.",
            "/admin.",
            "/m/a./b",
            "/%61dmin",
            "/%2e%2e/admin",
            "/m/%2E%2E/admin",
            "/m%2fadmin",
            "/m%2Fadmin",
            "/m%5Cadmin",
            "/m\\..\\admin",
            "/%252e%252e/admin",
            "/m/%25",
            "/admin;x=1",
            "/admin%3Bx",
            "/admin%3Fx",
            "/admin%23",
            "/admin%00",
            "/m/%0d%0a",
            "/m/%0D%0A",
            "/m/%7F",
            "/m/%C2%85",
            "/m/%C0%AF",
            "/m/%FF",
            "/m/%E0%80%AF",
            "/m/caf\u{e9}",
            "/m/%c3%a9",
            "/m/%",
            "/m/%4",
            "/m/%zz",
            "/m/a b",
            "/m/%20",
            "/admin%20",
            "/m/<x>",
            "/m/a\tb",
            "/1/2/3/4/5/6/7/8/9/10/11/12/13",
        ] {
            assert_eq!(parts(path), Err(Refused::BadPath), "{path}");
        }
        assert_eq!(parts(&format!("/{}", "a".repeat(PATH))), Err(Refused::TooLong));
        assert_eq!(query(&"a".repeat(QUERY + 1)), Err(Refused::TooLong));
        assert_eq!(query("a=1&b=%2F..%2fadmin?"), Ok(()));
        for bad in ["a b", "caf\u{e9}", "a\0", "a#b"] {
            assert_eq!(query(bad), Err(Refused::BadPath), "{bad}");
        }
    }
}
