use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// The form in which names are compared and searched: compatibility forms and accents gone, lower case.
///
/// `Zoé` and `zoe`, `Ёлкин` and `елкин` are the same.
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn accents_and_case_are_gone() {
        assert_eq!(super::fold("Zoé Ёлкин ＡＢ"), "zoe елкин ab");
    }
}
