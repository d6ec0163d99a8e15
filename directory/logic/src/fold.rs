//! Text as it is compared and searched: accents, case and scripts do not matter.
//!
//! A word has two kinds of forms:
//!
//! * its **plain** form ([`fold`]), which keeps the script: `Šimek` is `simek`, `Щербаков` is `щербаков`;
//! * its **readings** ([`Word::readings`]): how it sounds, roughly, in Latin letters, of which `x` is read
//!   as `sh`, `q` as `ch`, `j` as `zh` and `c` as `ts`. Whatever the usual systems of
//!   transliteration make of a name reaches the same reading where possible: `Щербаков`, `Shcherbakov`, `Scherbakov`,
//!   `Ščerbakov` and `Szczerbakow` are all read `xqerbakov`. Where a spelling may be read in two ways (`ch`, `ö`, `ё`), it has both.
//!
//! The start of a word has the start of its plain form, so that whoever types finds it with every letter. For readings that
//! holds mostly, but not inside of what is read as one (`sh`, `ch`). So an index keeps both, and a plain match is the better one.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Most readings of one word.
pub const READINGS: usize = 4;

/// The plain form: compatibility forms, accents and case gone, ligatures and letters with strokes written out. Folding what
/// is folded changes nothing.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().flat_map(char::to_lowercase).nfkd() {
        match written_out(c) {
            Some(text) => folded.push_str(text),
            None if is_combining_mark(c) => {}
            None => folded.push(c),
        }
    }
    folded
}

/// Letters that no decomposition takes apart.
fn written_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ı' => "i",
        'ŋ' => "n",
        'ƒ' => "f",
        'ς' => "σ",
        'ґ' => "г",
        _ => return None,
    })
}

/// A word as it is searched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Word {
    /// Never empty.
    pub plain: String,
    /// At most [`READINGS`]; none where the word has neither Latin nor Cyrillic letters.
    pub readings: Vec<String>,
}

impl Word {
    /// `None` where nothing of it is a letter or a digit.
    pub fn of(raw: &str) -> Option<Self> {
        let plain: String = fold(raw).chars().filter(|c| c.is_alphanumeric()).collect();
        (!plain.is_empty()).then(|| Self {
            plain,
            readings: readings(raw),
        })
    }
}

/// Marks that stand inside of a word: `O'Brien`, `Solov'ev`.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | 'ʹ' | '`' | '´' | '′')
}

/// Pieces of a text that are words, as they are written.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c) && !is_apostrophe(c))
        .filter(|piece| piece.chars().any(char::is_alphanumeric))
}

/// The words that somebody types.
pub fn words(text: &str) -> impl Iterator<Item = Word> {
    pieces(text).filter_map(Word::of)
}

/// The words by which a text is found: those of [`words`], parts of names with an apostrophe, and names with a hyphen in one
/// (`Jean-Pierre` also as `jeanpierre`).
pub fn index_words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = words(text).collect();
    for piece in pieces(text).filter(|piece| piece.contains(is_apostrophe)) {
        let parts = piece.split(is_apostrophe).filter(|part| part.chars().count() > 2);
        found.extend(parts.filter_map(Word::of));
    }
    for whole in text.split_whitespace().filter(|whole| whole.contains('-')) {
        found.extend(Word::of(whole));
    }
    found
}

/// All readings of a word, cut off where they are too many.
fn readings(raw: &str) -> Vec<String> {
    let letters = letters(raw);
    if !letters.iter().any(|c| is_latin(*c) || is_cyrillic(*c)) {
        return Vec::new();
    }
    let mut built = vec![String::new()];
    let mut at = 0;
    while let Some(rest) = letters.get(at..).filter(|rest| !rest.is_empty()) {
        let before = at.checked_sub(1).and_then(|at| letters.get(at).copied());
        let (read, sounds) = if is_cyrillic(rest[0]) {
            cyrillic(before, rest)
        } else {
            latin(rest)
        };
        at += read;
        extend(&mut built, sounds, rest[0]);
    }
    let mut found: Vec<String> = Vec::new();
    for reading in built.iter().map(|built| smooth(built)) {
        if !reading.is_empty() && !found.contains(&reading) {
            found.push(reading);
        }
    }
    found
}

fn extend(built: &mut Vec<String>, sounds: &[&str], letter: char) {
    let Some((first, others)) = sounds.split_first() else {
        // It sounds as it is written: digits, and letters of other scripts.
        built.iter_mut().for_each(|built| built.push(letter));
        return;
    };
    let before = built.len();
    for other in others {
        for at in 0..before {
            if built.len() < READINGS {
                built.push(format!("{}{other}", built[at]));
            }
        }
    }
    built
        .iter_mut()
        .take(before)
        .for_each(|built| built.push_str(first));
}

/// Stand for letters whose mark changes how they sound; capital letters do not come up otherwise.
const CARON_C: char = 'C';
const CARON_S: char = 'X';
const CARON_Z: char = 'Z';
const CEDILLA_C: char = 'S';
const UMLAUT_A: char = 'A';
const UMLAUT_O: char = 'O';
const UMLAUT_U: char = 'U';
const YO: char = 'Ё';

/// Lower-case letters and digits without marks, but for those marks that are heard.
fn letters(raw: &str) -> Vec<char> {
    let mut letters: Vec<char> = Vec::new();
    for c in raw.nfkd().flat_map(char::to_lowercase).nfkd() {
        let last = letters.last_mut();
        match (c, last) {
            ('\u{30c}' | '\u{301}' | '\u{302}', Some(last)) if *last == 'c' => *last = CARON_C,
            ('\u{30c}' | '\u{327}' | '\u{326}', Some(last)) if *last == 's' => *last = CARON_S,
            ('\u{30c}' | '\u{307}', Some(last)) if *last == 'z' => *last = CARON_Z,
            ('\u{327}', Some(last)) if *last == 'c' => *last = CEDILLA_C,
            ('\u{308}', Some(last)) if *last == 'a' => *last = UMLAUT_A,
            ('\u{308}' | '\u{30b}', Some(last)) if *last == 'o' => *last = UMLAUT_O,
            ('\u{308}' | '\u{30b}', Some(last)) if *last == 'u' => *last = UMLAUT_U,
            ('\u{308}', Some(last)) if *last == 'е' => *last = YO,
            ('ø' | 'œ', _) => letters.push(UMLAUT_O),
            ('æ', _) => letters.push(UMLAUT_A),
            _ if is_combining_mark(c) || !c.is_alphanumeric() => {}
            _ => match written_out(c) {
                Some(text) => letters.extend(text.chars()),
                None => letters.push(c),
            },
        }
    }
    letters
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
}

fn is_cyrillic(c: char) -> bool {
    ('\u{0400}'..='\u{052F}').contains(&c)
}

/// How many letters are read, and how they sound.
type Read = (usize, &'static [&'static str]);

/// Several letters that are read as one, the longest first where one begins another.
const LATIN: &[(&str, &[&str])] = &[
    ("schtsch", &["xq"]),
    ("shtch", &["xq"]),
    ("chtch", &["xq"]),
    ("stsch", &["xq"]),
    ("shch", &["xq"]),
    ("szcz", &["xq"]),
    ("tsch", &["q"]),
    ("tch", &["q"]),
    ("ck", &["k"]),
    ("cz", &["q"]),
    ("ts", &["c"]),
    ("tz", &["c"]),
    ("sh", &["x"]),
    ("sz", &["x"]),
    ("zh", &["j"]),
    ("kh", &["h"]),
    ("ph", &["f"]),
    ("th", &["t"]),
    ("gh", &["g"]),
    ("qu", &["k"]),
];

fn latin(rest: &[char]) -> Read {
    let starts = |text: &str| text.chars().enumerate().all(|(at, c)| rest.get(at) == Some(&c));
    if let Some((text, sounds)) = LATIN.iter().find(|(text, _)| starts(text)) {
        return (text.len(), sounds);
    }
    if starts("sch") {
        // Шмидт, but also щ as some write it.
        let vowel = rest.get(3).is_some_and(|c| is_vowel(*c));
        return (3, if vowel { &["x", "xq"] } else { &["x"] });
    }
    if starts("ch") {
        return match rest.get(2) {
            Some('r' | 'l') => (2, &["k", "h"]),
            Some(next) if !is_vowel(*next) => (2, &["h", "k"]),
            _ => (2, &["q", "h"]),
        };
    }
    let sounds: &[&str] = match rest[0] {
        'c' => match rest.get(1) {
            Some('e' | 'i' | 'y' | 'v') => &["c"],
            _ => &["k"],
        },
        CARON_C => &["q"],
        CARON_S => &["x"],
        CARON_Z => &["j"],
        CEDILLA_C => &["s"],
        UMLAUT_A => &["a", "ae"],
        UMLAUT_O => &["o", "oe"],
        UMLAUT_U => &["u", "ue"],
        'q' => &["k"],
        'w' => &["v"],
        'x' => &["ks"],
        'j' | 'y' => &["i"],
        _ => &[],
    };
    (1, sounds)
}

fn cyrillic(before: Option<char>, rest: &[char]) -> Read {
    let after_sign = matches!(before, Some('ь' | 'ъ'));
    let after_sibilant = matches!(before, Some('ж' | 'ч' | 'ш' | 'щ'));
    let sounds: &[&str] = match rest[0] {
        'а' | 'ә' => &["a"],
        'б' => &["b"],
        'в' => &["v"],
        'г' | 'ґ' | 'ѓ' | 'ғ' => &["g"],
        'д' | 'ђ' => &["d"],
        'е' | 'є' if after_sign => &["ie", "e"],
        YO if after_sign => &["ie", "io", "e"],
        YO if after_sibilant => &["e", "o"],
        YO => &["e", "io", "o"],
        'е' | 'э' | 'є' => &["e"],
        'ж' => &["j"],
        'з' => &["z"],
        'и' | 'ы' | 'і' | 'ј' => &["i"],
        'к' | 'ќ' | 'қ' => &["k"],
        'л' | 'љ' => &["l"],
        'м' => &["m"],
        'н' | 'њ' | 'ң' => &["n"],
        'о' | 'ө' => &["o"],
        'п' => &["p"],
        'р' => &["r"],
        'с' => &["s"],
        'ш' => &["x"],
        'т' => &["t"],
        'у' | 'ұ' | 'ү' => &["u"],
        'ф' => &["f"],
        'х' | 'һ' | 'ҳ' => &["h"],
        'ц' => &["c"],
        'ч' | 'ћ' | 'ҷ' => &["q"],
        'щ' => &["xq"],
        'ъ' | 'ь' => &[""],
        'џ' | 'ѕ' => &["dz"],
        'ю' if before.is_some_and(|c| !is_vowel(c)) => &["iu", "u"],
        'ю' => &["iu"],
        'я' => &["ia"],
        _ => &[],
    };
    (1, sounds)
}

fn is_vowel(c: char) -> bool {
    matches!(
        c,
        'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'j' | UMLAUT_A | UMLAUT_O | UMLAUT_U
    ) || matches!(c, 'а' | 'е' | YO | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я' | 'і')
}

/// Differences that systems of transliteration do not agree about: double letters, `ou` for `u`, `ts` for `c`, and a `y` or
/// `j` before `e` that Russian leaves unwritten (`Yelena`, `Andreyev`).
fn smooth(reading: &str) -> String {
    let mut smooth = String::with_capacity(reading.len());
    let mut rest = reading.chars().peekable();
    while let Some(c) = rest.next() {
        let last = smooth.chars().next_back();
        let sound = match (c, rest.peek()) {
            ('i', Some('e')) if last.is_none_or(is_vowel) => {
                rest.next();
                'e'
            }
            ('o', Some('u')) => {
                rest.next();
                'u'
            }
            ('t', Some('s')) => {
                rest.next();
                'c'
            }
            _ => c,
        };
        if last != Some(sound) || sound.is_ascii_digit() {
            smooth.push(sound);
        }
    }
    smooth
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn readings_of(text: &str) -> Vec<String> {
        Word::of(text).expect("a word").readings
    }

    #[test]
    fn accents_case_and_ligatures_are_gone() {
        for (text, folded) in [
            ("Zoé Ёлкин ＡＢ", "zoe елкин ab"),
            ("STRASSE Straße", "strasse strasse"),
            (
                "Łódź Øresund Þór Đặng İzmir Iğdır",
                "lodz oresund thor dang izmir igdir",
            ),
            ("Æsir Œuvre", "aesir oeuvre"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn all_spellings_of_a_name_have_a_common_reading() {
        for spellings in [
            "Щербаков Shcherbakov Scherbakov Ščerbakov Szczerbakow Schtscherbakow Chtcherbakov",
            "Чайковский Tchaikovsky Chaykovskiy Čajkovskij Tschaikowski",
            "Хрущёв Khrushchev Hruščëv Khrushchov",
            "Шмидт Schmidt Shmidt Šmidt",
            "Юрий Yuri Yury Yuriy Jurij Iurii",
            "Евгений Evgeny Yevgeny Jewgenij Yevgeniy",
            "Наталья Natalya Natalia Natalja Наталия",
            "Андреев Andreev Andreyev Andrejew",
            "Соловьёв Soloviev Solovyov Solovjev Solov'ev",
            "Зайцев Zaytsev Zaitsev Zajcev Zaitzev",
            "Сергей Sergey Sergei Sergej",
            "Михаил Mikhail Mihail Michail",
            "Королёв Korolev Korolyov Koroljov",
            "Елена Elena Yelena Jelena",
            "Müller Mueller Muller Мюллер",
            "Виктор Viktor Victor",
            "Софья Sofia Sophia Sofja",
            "Цветаева Tsvetaeva Tsvetayeva Cvetaeva",
            "Jørgensen Joergensen Jorgensen",
        ] {
            let all: Vec<Vec<String>> = spellings.split(' ').map(readings_of).collect();
            for (at, readings) in all.iter().enumerate() {
                let common = readings.iter().any(|reading| all[0].contains(reading));
                assert!(common, "{spellings}, {at}: {readings:?} and {:?}", all[0]);
            }
        }
    }

    #[test]
    fn names_with_marks_inside_are_found_whole_and_in_parts() {
        let plain =
            |text: &str| -> Vec<String> { index_words(text).into_iter().map(|word| word.plain).collect() };
        assert_eq!(
            plain("Jean-Pierre O’Brien"),
            ["jean", "pierre", "obrien", "brien", "jeanpierre"]
        );
        assert_eq!(plain(" - ' … "), Vec::<String>::new());
        assert_eq!(plain("Nguyễn Văn Đức"), ["nguyen", "van", "duc"]);
    }

    proptest! {
        #[test]
        fn folding_what_is_folded_changes_nothing(text in "\\PC{0,20}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn readings_are_few_and_never_empty(text in "[a-zA-ZÀ-žА-яЁё']{0,40}") {
            if let Some(word) = Word::of(&text) {
                prop_assert!(word.readings.len() <= READINGS);
                prop_assert!(word.readings.iter().all(|reading| !reading.is_empty()));
            }
        }

        #[test]
        fn the_start_of_a_word_has_the_start_of_its_plain_form(text in "[a-zA-ZÀ-žА-яЁё]{1,20}", length in 1..20_usize) {
            let start: String = text.chars().take(length).collect();
            prop_assert!(fold(&text).starts_with(&fold(&start)));
        }
    }
}
