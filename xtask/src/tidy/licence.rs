//! Licences as SPDX expressions.

/// Whether an expression (SPDX 2.3, annex D) can be fulfilled with these licences; an exception counts only together
/// with its licence, as `Apache-2.0 WITH LLVM-exception`. The old `/` of crates means `OR`.
pub(super) fn allowed(expression: &str, by: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { tokens: &tokens, by };
    let allowed = parser.any();
    // What cannot be read is not allowed.
    allowed == Some(true) && parser.tokens.is_empty()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    by: &'a [String],
}

impl Parser<'_> {
    fn takes(&mut self, word: &str) -> bool {
        match self.tokens.split_first() {
            Some((first, rest)) if *first == word => {
                self.tokens = rest;
                true
            }
            _ => false,
        }
    }

    fn any(&mut self) -> Option<bool> {
        let mut allowed = self.all()?;
        while self.takes("OR") {
            allowed |= self.all()?;
        }
        Some(allowed)
    }

    fn all(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.takes("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("(") {
            let allowed = self.any()?;
            return self.takes(")").then_some(allowed);
        }
        let mut name = self.word()?;
        if self.takes("WITH") {
            name = format!("{name} WITH {}", self.word()?);
        }
        Some(self.by.contains(&name))
    }

    fn word(&mut self) -> Option<String> {
        let (first, rest) = self.tokens.split_first()?;
        if matches!(*first, "OR" | "AND" | "WITH" | "(" | ")") {
            return None;
        }
        self.tokens = rest;
        Some((*first).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::allowed;

    fn by() -> Vec<String> {
        [
            "MIT",
            "Apache-2.0",
            "Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn one_of_several_is_enough_and_all_of_several_are_needed() {
        assert!(allowed("MIT", &by()));
        assert!(allowed("GPL-3.0 OR MIT", &by()));
        assert!(allowed("GPL-3.0/MIT", &by()));
        assert!(!allowed("GPL-3.0 AND MIT", &by()));
        assert!(allowed("(GPL-3.0 OR Apache-2.0) AND Unicode-3.0", &by()));
        assert!(!allowed("(MIT OR Apache-2.0) AND OpenSSL", &by()));
        // AND binds more tightly than OR.
        assert!(allowed("MIT OR GPL-3.0 AND OpenSSL", &by()));
    }

    #[test]
    fn exceptions_belong_to_their_licence() {
        assert!(allowed("Apache-2.0 WITH LLVM-exception", &by()));
        assert!(!allowed("MIT WITH LLVM-exception", &by()));
        assert!(!allowed("LLVM-exception", &by()));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for broken in [
            "", "MIT MIT", "(MIT", "MIT)", "MIT OR", "OR MIT", "MIT WITH", "()",
        ] {
            assert!(!allowed(broken, &by()), "{broken:?}");
        }
    }
}
