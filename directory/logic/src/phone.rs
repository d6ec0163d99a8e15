//! Phone numbers, however people write them.

/// Fewest digits of what is searched among phone numbers.
pub const DIGITS: usize = 3;

/// A number in digits: without blanks, `+`, an international `00` or `011`, a national `0`, or the `(0)` of `+44 (0)20`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phone {
    /// With the country where that was written.
    pub digits: String,
    /// Whether the country was written.
    pub international: bool,
    /// Digits after `ext.`, `x`, `#`, `доб.` and their like.
    pub extension: Option<String>,
}

/// What stands before an extension.
const EXTENSIONS: &[&str] = &[
    "extension",
    "ext",
    "poste",
    "durchwahl",
    "dw",
    "доб",
    "вн",
    "tel",
    "x",
    "#",
];

impl Phone {
    /// Reads a number; `None` where there are fewer than [`DIGITS`] digits.
    pub fn of(text: &str) -> Option<Self> {
        let lower = text.to_lowercase();
        let (number, extension) = split_extension(&lower);
        let number = number.replace("(0)", "");
        let mut digits: String = number.chars().filter_map(digit).collect();
        let mut international = number.trim_start().starts_with('+');
        for out in ["00", "011"] {
            if !international && digits.len() > 8 && digits.starts_with(out) {
                digits.drain(..out.len());
                international = true;
            }
        }
        if !international && digits.len() > DIGITS && digits.starts_with('0') {
            digits.remove(0);
        }
        let extension = extension.map(|text| text.chars().filter_map(digit).collect::<String>());
        (digits.len() >= DIGITS).then_some(Self {
            digits,
            international,
            extension: extension.filter(|digits| !digits.is_empty()),
        })
    }

    /// What the number may be where it was stored without a country: codes of countries have one to three digits.
    pub fn national(&self) -> impl Iterator<Item = &str> {
        let most = if self.international { 3 } else { 0 };
        (1..=most)
            .filter_map(|code| self.digits.get(code..))
            .filter(|rest| rest.len() >= 6)
            .map(|rest| rest.strip_prefix('0').unwrap_or(rest))
    }
}

/// Whether a text is written as phone numbers are, and as nothing else is.
pub fn is_like_a_phone(text: &str) -> bool {
    let lower = text.trim().to_lowercase();
    let (number, extension) = split_extension(&lower);
    let written = |text: &str| {
        text.chars()
            .all(|c| digit(c).is_some() || c.is_whitespace() || "+-()./·–".contains(c))
    };
    written(number)
        && extension.is_none_or(|text| written(text.trim_start_matches(['.', ':'])))
        && number.chars().filter_map(digit).count() >= DIGITS
}

fn split_extension(lower: &str) -> (&str, Option<&str>) {
    let Some(start) = lower.find(|c: char| digit(c).is_some()) else {
        return (lower, None);
    };
    let found = EXTENSIONS
        .iter()
        .filter_map(|word| {
            let at = start + lower.get(start..)?.find(word)?;
            Some((at, at + word.len()))
        })
        .min();
    match found {
        Some((at, end)) => (lower.get(..at).unwrap_or_default(), lower.get(end..)),
        None => (lower, None),
    }
}

/// Digits of any script, as ASCII.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '٠'..='٩' => char::from_digit(u32::from(c) - u32::from('٠'), 10),
        '۰'..='۹' => char::from_digit(u32::from(c) - u32::from('۰'), 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_same_however_they_are_written() {
        let digits = |text: &str| Phone::of(text).expect("a number").digits;
        for text in [
            "+33 1 23 45 67 89",
            "0033123456789",
            "+33 (0)1.23.45.67.89",
            "011 33 1-23-45-67-89",
        ] {
            assert_eq!(digits(text), "33123456789", "{text}");
        }
        assert_eq!(digits("01 23 45 67 89"), "123456789");
        let phone = Phone::of("+49 30 1234-0 ext. 4521").expect("a number");
        assert_eq!(
            (phone.digits.as_str(), phone.extension.as_deref()),
            ("493012340", Some("4521"))
        );
        assert_eq!(
            Phone::of("8 (495) 123-45-67 доб. 12")
                .and_then(|phone| phone.extension)
                .as_deref(),
            Some("12")
        );
        assert_eq!(Phone::of("ab 1"), None);
    }

    #[test]
    fn an_international_number_may_be_stored_as_a_national_one() {
        let phone = Phone::of("+33 1 23 45 67 89").expect("a number");
        assert!(phone.national().any(|number| number == "123456789"));
        assert_eq!(
            Phone::of("01 23 45 67 89").expect("a number").national().count(),
            0
        );
    }

    #[test]
    fn names_are_no_phones() {
        assert!(
            is_like_a_phone("+33 1 23") && is_like_a_phone("(01) 23-45") && is_like_a_phone("1234 ext 5")
        );
        assert!(!is_like_a_phone("room 1234") && !is_like_a_phone("12") && !is_like_a_phone("anna"));
    }
}
