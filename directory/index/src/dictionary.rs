//! All terms of a segment, sorted.

use memchr::memmem::Finder;
use plenary_people::query::Term;
use std::ops::Range;

/// Between two terms; no term contains it.
const SEPARATOR: u8 = b'\n';

/// What the bytes of a term begin with, so that terms of one sort stand together. Plain words begin with a letter or a
/// digit, and have no mark.
pub(crate) const DIGITS: &str = "+";
pub(crate) const DOMAIN: &str = "@";
pub(crate) const ID: &str = "=";
pub(crate) const READING: &str = "_";

/// A term as it stands in the dictionary.
pub(crate) fn spell(term: Term<'_>, into: &mut String) {
    into.clear();
    let (mark, text) = match term {
        Term::Plain(text) => ("", text),
        Term::Id(text) => (ID, text),
        Term::Reading(text) => (READING, text),
        Term::Digits(text) => (DIGITS, text),
        Term::Domain(text) => (DOMAIN, text),
    };
    into.push_str(mark);
    into.push_str(text);
}

/// Terms by their number, which is their place in the order of bytes.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    text: Vec<u8>,
    /// Where each term ends, and the separator stands.
    ends: Vec<u32>,
}

impl Dictionary {
    /// Of terms that are sorted already.
    pub(crate) fn of<'a>(sorted: impl Iterator<Item = &'a str>) -> Self {
        let mut dictionary = Self::default();
        for term in sorted {
            dictionary.text.extend_from_slice(term.as_bytes());
            dictionary.ends.push(dictionary.text.len() as u32);
            dictionary.text.push(SEPARATOR);
        }
        dictionary.text.shrink_to_fit();
        dictionary.ends.shrink_to_fit();
        dictionary
    }

    pub(crate) fn bytes(&self) -> usize {
        self.text.len() + 4 * self.ends.len()
    }

    pub(crate) fn all(&self) -> Range<usize> {
        0..self.ends.len()
    }

    fn start(&self, number: usize) -> usize {
        match number.checked_sub(1) {
            Some(before) => self.ends[before] as usize + 1,
            None => 0,
        }
    }

    pub(crate) fn term(&self, number: usize) -> &[u8] {
        &self.text[self.start(number)..self.ends[number] as usize]
    }

    /// Those of some terms that begin so. Costs O(log n).
    pub(crate) fn beginning(&self, within: Range<usize>, start: &[u8]) -> Range<usize> {
        let first = self.first(within.clone(), |term| term < start);
        let end = self.first(first..within.end, |term| term.starts_with(start));
        first..end
    }

    /// The first of some terms of which something is not true that is true of all before it.
    fn first(&self, within: Range<usize>, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let Range { mut start, mut end } = within;
        while start < end {
            let middle = start + (end - start) / 2;
            if is_before(self.term(middle)) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }

    /// Those of some terms that have a text inside. Reads all of them: some gigabytes in a second.
    pub(crate) fn containing(&self, within: Range<usize>, text: &[u8], mut found: impl FnMut(usize)) {
        if within.is_empty() || text.is_empty() {
            return;
        }
        let finder = Finder::new(text);
        let end = self.ends[within.end - 1] as usize;
        let mut number = within.start;
        let mut at = self.start(number);
        while let Some(next) = finder.find(&self.text[at..end]) {
            at += next;
            number += self.ends[number..within.end].partition_point_near(at as u32);
            found(number);
            number += 1;
            if number == within.end {
                return;
            }
            at = self.start(number);
        }
    }
}

/// A search that looks near the beginning first: hits follow each other closely where there are many.
trait Near {
    /// How many numbers at the beginning are not above a bound.
    fn partition_point_near(&self, bound: u32) -> usize;
}

impl Near for [u32] {
    fn partition_point_near(&self, bound: u32) -> usize {
        let mut step = 1;
        while self.get(step).is_some_and(|number| *number <= bound) {
            step *= 2;
        }
        let (from, to) = (step / 2, (step + 1).min(self.len()));
        from + self[from..to].partition_point(|number| *number <= bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_found_by_their_beginning_and_their_inside() {
        let terms = [
            "+331",
            "@a",
            "_anna",
            "anna",
            "annette",
            "hanna",
            "joanna",
            "щукин",
        ];
        let dictionary = Dictionary::of(terms.into_iter());
        assert_eq!(dictionary.beginning(dictionary.all(), b"ann"), 3..5);
        assert_eq!(dictionary.beginning(dictionary.all(), b"+"), 0..1);
        assert!(dictionary.beginning(dictionary.all(), b"zz").is_empty());
        let inside = |range, text: &str| {
            let mut found = Vec::new();
            dictionary.containing(range, text.as_bytes(), |number| found.push(number));
            found
        };
        assert_eq!(inside(dictionary.all(), "ann"), [2, 3, 4, 5, 6]);
        assert_eq!(inside(3..6, "anna"), [3, 5]);
        assert_eq!(inside(dictionary.all(), "укин"), [7]);
        assert_eq!(
            inside(dictionary.all(), "aa"),
            Vec::<usize>::new(),
            "not across two terms"
        );
        assert_eq!(inside(0..0, "a"), Vec::<usize>::new());
    }
}
