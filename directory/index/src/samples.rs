//! People who do not exist, in any number, with names as enterprises have them: for tests and benchmarks.
//!
//! The same numbers give the same people. Names are as unequal as real ones: of a list, those in front are the most common
//! (Zipf), so a short prefix is met by a tenth of all.

use plenary_model::ServerName;
use plenary_people::{Entry, EntryId, Kind, Viewer, fold};

/// Makes people of some servers.
#[derive(Debug, Clone)]
pub struct Samples {
    servers: Vec<ServerName>,
}

/// Letters from the inside of a name, of those that are long enough: what an index of beginnings does not help with.
pub const INSIDE: &str = "letters inside of a name";

/// What somebody types who looks for one of the people, and who it is.
#[derive(Debug, Clone)]
pub struct Typed {
    pub class: &'static str,
    pub words: Vec<String>,
    pub viewer: Viewer,
}

/// A language with its most common first names and family names, the most common first.
struct Names {
    share: u64,
    first: &'static str,
    last: &'static str,
    /// What makes further family names of those: rare ones, as a country has hundreds of thousands.
    ends: &'static [&'static str],
}

const NAMES: &[Names] = &[
    Names {
        share: 22,
        first: "Marie Jean Pierre Michel Nathalie Philippe Isabelle Alain Sylvie Nicolas Catherine Laurent Christophe Céline Julien François Hélène Éric Stéphane Chloé Léa Zoé Mathieu Jérôme Jean-Pierre Marie-Claire Anne-Sophie Gaël Noël André",
        last: "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefebvre Mercier Faure André Garnier Chevalier François Legrand Gauthier Perrin Marchand Lemaire Noël",
        ends: &["", "", "et", "ot", "eau", "ier", "in", "elle", "ard", "on"],
    },
    Names {
        share: 20,
        first: "Thomas Michael Andreas Stefan Christian Sabine Martin Petra Monika Jürgen Susanne Wolfgang Claudia Markus Jörg Karin Matthias Anna Lukas Björn Günther Käthe Anja Uwe Heike Jens Katrin Maximilian Sophie Johannes",
        last: "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier Lehmann Köhler Herrmann König Mayer Groß Weiß Jäger Böhm Vogel Schütz",
        ends: &["", "", "mann", "er", "ke", "ing", "sen", "bach", "berg", "feld"],
    },
    Names {
        share: 14,
        first: "Александр Сергей Елена Ольга Наталья Андрей Дмитрий Татьяна Алексей Ирина Владимир Анна Михаил Светлана Евгений Юлия Николай Мария Иван Екатерина Юрий Артём Фёдор Пётр Ксения Людмила Виктор Григорий Щукарь Яна",
        last: "Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Семёнов Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров Зайцев Соловьёв Борисов Яковлев Григорьев Щербаков Королёв Хрущёв Чайковский Жуков Цветков Шевченко Юдин Эрнст Рыбин",
        ends: &["", "", "ский", "енко", "ин", "ев", "ых", "чук", "цев", "ян"],
    },
    Names {
        share: 10,
        first: "Anna Piotr Krzysztof Andrzej Katarzyna Małgorzata Agnieszka Tomasz Paweł Barbara Jan Michał Ewa Marcin Zofia Łukasz Grażyna Stanisław Jerzy Wojciech",
        last: "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jankowski Mazur Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski Pawłowski Szczepański Wróbel Stępień Żak",
        ends: &["", "", "ski", "cki", "czyk", "ak", "ek", "owicz", "ewski", "iak"],
    },
    Names {
        share: 12,
        first: "José María Antonio Manuel Carmen Francisco Juan Ana David Laura Javier Isabel Jesús Cristina Miguel Marta Ángel Lucía Íñigo Begoña",
        last: "García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Núñez Ibáñez",
        ends: &["", "", "ez", "es", "al", "era", "osa", "illo", "ero", "eda"],
    },
    Names {
        share: 8,
        first: "Mohamed Fatima Ahmed Khadija Youssef Aïcha Ali Maryam Hassan Layla Omar Nour Abdelkader Zaynab Ibrahim Samira Mustafa Yasmine Khalid Amina",
        last: "Ben-Ali El-Amrani Haddad Mansour Benali Saidi Khalil Rahmani Bouzid Nasser Al-Masri Chérif Toumi Zidane Slimani Kaddour Hamidi Bakr Fawzi Qasim",
        ends: &["", "", "i", "ani", "oui", "ah", "un", "aoui", "iri", "ad"],
    },
    Names {
        share: 9,
        first: "James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Barbara Richard Susan Joseph Jessica Charles Sarah Sean Siobhan",
        last: "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Moore Jackson White Harris O'Brien Clark Lewis O'Connor Walker Young Ashcroft Wright McDonald Green Shaw Thompson",
        ends: &["", "", "s", "son", "ton", "ley", "ford", "wood", "well", "man"],
    },
    Names {
        share: 5,
        first: "Nguyễn Anh Minh Thị Hương Đức Quang Lan Tuấn Hà Phương Dũng Linh Trang Hùng",
        last: "Nguyễn Trần Lê Phạm Hoàng Huỳnh Phan Vũ Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý",
        ends: &["", "", "", "", "", "", " Văn", " Thị", " Minh", " Ngọc"],
    },
];

const STEMS: &str = "Bal Ver Cor Dal Fab Gar Hol Jan Kor Lam Mor Nev Ost Pal Rav Sal Tor Ulm Val Wal Zel Bran Cler Dorn Fal Grim Hart Klim Lind Mald Nord Pern Rost Stan Trev Wend Bel Car Del Ger Kal Lor Mar Nav Per Rob Sav Tal Var Zab";
const STEMS_CYRILLIC: &str = "Бел Вер Гол Дол Жел Зар Кал Лев Мар Нов Осип Пол Род Сав Тим Ул Фил Хар Чер Шар Щур Юрь Яр Бор Гор Кор Лап Мор Пер Руб";
const TITLES: &str = "Engineer;Senior Engineer;Accountant;Sales Manager;Project Manager;Lawyer;Nurse;Technicien;Ingénieure;Directeur commercial;Buchhalter;Sachbearbeiterin;Инженер;Бухгалтер;Księgowy;Director de ventas;Architect;Assistant;Analyst;Team Lead";
const DEPARTMENTS: &str = "Sales;Finance;Human Resources;Research and Development;Support;Legal;Production;Einkauf;Vertrieb;Ressources humaines;Отдел продаж;Бухгалтерия;Logistics;IT;Marketing;Security";
const COUNTRIES: &[&str] = &[
    "+33 1", "+49 30", "+7 495", "+48 22", "+34 91", "+212 5", "+44 20", "+84 28",
];

/// Numbers that follow from a number (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// One of a list, those in front more often: the n-th about n times more seldom than the first.
    fn common<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let most = (list.len() as f64).ln();
        let part = (self.below(1 << 20) as f64) / f64::from(1 << 20);
        let at = (part * most).exp() as usize - 1;
        list.get(at).copied().unwrap_or_default()
    }

    fn any<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = self.below(list.len() as u64) as usize;
        list.get(at).copied().unwrap_or_default()
    }
}

impl Samples {
    /// People of so many servers: `s0.example.com`, `s1.example.com`, ….
    pub fn new(servers: usize) -> Self {
        let servers = (0..servers.max(1)).filter_map(|number| format!("s{number}.example.com").parse().ok());
        Self {
            servers: servers.collect(),
        }
    }

    pub fn servers(&self) -> &[ServerName] {
        &self.servers
    }

    /// The person with a number: of the server whose turn it is, with groups `g0` to `g199` of it.
    pub fn person(&self, number: u64) -> Entry {
        let mut random = Random(number.wrapping_mul(0x5851_F42D_4C95_7F2D));
        let country = country(&mut random);
        let names = &NAMES[country];
        let first = random.common(&names.first.split(' ').collect::<Vec<_>>());
        let last = family_name(&mut random, names);
        let server = self.servers[(number % self.servers.len() as u64) as usize].clone();
        let name = latin(&format!("{first}.{last}"));
        let id = match random.below(3) {
            0 => {
                let last = name.split('.').next_back().unwrap_or_default();
                format!("{}{last}{number}", name.chars().next().unwrap_or('x'))
            }
            _ => format!("{name}{number}"),
        };
        let mut entry = Entry::new(
            EntryId {
                server: server.clone(),
                kind: Kind::User,
                id: id.clone(),
            },
            format!("{first} {last}"),
        );
        entry.first_name = first.into();
        entry.last_name = last;
        entry.email = format!("{id}@{server}");
        entry.phones = vec![phone(&mut random, COUNTRIES[country])];
        entry.job_title = random.any(&TITLES.split(';').collect::<Vec<_>>()).into();
        entry.department = random.any(&DEPARTMENTS.split(';').collect::<Vec<_>>()).into();
        entry.company = format!("Company {}", number % 50);
        entry.groups = (0..=random.below(3))
            .map(|_| format!("g{}", random.below(200)))
            .collect();
        entry
    }
}

impl Samples {
    /// What somebody types who looks for one of so many people: beginnings of one and of two words, a department besides,
    /// letters inside, typos.
    /// The same numbers give the same.
    pub fn typed(&self, people: u64, number: u64) -> Option<Typed> {
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let person = self.person(mixed % people.max(1));
        let mut words: Vec<String> = fold::words(&person.display_name).map(|word| word.plain).collect();
        let cut = |word: &str, length: u64| word.chars().take(length as usize).collect::<String>();
        let class = match number % 7 {
            0 => {
                words = vec![cut(words.first()?, 2 + mixed % 2)];
                "beginning of 2 or 3 letters"
            }
            1 => {
                words = vec![cut(words.last()?, 4 + mixed % 3)];
                "beginning of 4 to 6 letters"
            }
            2 | 3 => {
                if mixed.is_multiple_of(2) {
                    words.reverse();
                }
                let last = words.last_mut()?;
                *last = cut(last, 2 + mixed % 4);
                "two words"
            }
            4 => {
                words.push(cut(&fold::words(&person.department).next()?.plain, 3));
                "two words and a department"
            }
            5 => {
                let longest = words.iter().max_by_key(|word| word.chars().count())?;
                let inside: String = longest.chars().skip(1).take(4 + mixed as usize % 3).collect();
                // Shorter ones are looked for elsewhere.
                inside.chars().nth(3)?;
                words = vec![inside];
                INSIDE
            }
            _ => {
                let longest = words.iter_mut().max_by_key(|word| word.chars().count())?;
                let mut letters: Vec<char> = longest.chars().collect();
                if letters.len() > 4 {
                    let at = 1 + (mixed as usize) % (letters.len() - 2);
                    letters.swap(at, at + 1);
                }
                *longest = letters.into_iter().collect();
                "with a typo"
            }
        };
        let servers = self.servers.len();
        let mut viewer = Viewer::new(self.servers[(mixed / 7) as usize % servers].clone(), "somebody");
        viewer.groups = vec![format!("g{}", mixed % 200), format!("g{}", mixed / 3 % 200)];
        let recent = (0..20).map(|other| self.person((mixed + other * 104_729) % people.max(1)).id);
        viewer.recent = recent.collect();
        Some(Typed { class, words, viewer })
    }
}

fn country(random: &mut Random) -> usize {
    let mut left = random.below(NAMES.iter().map(|names| names.share).sum());
    for (at, names) in NAMES.iter().enumerate() {
        if left < names.share {
            return at;
        }
        left -= names.share;
    }
    0
}

/// Half of all have one of the common names, the others a rare one.
fn family_name(random: &mut Random, names: &Names) -> String {
    let common: Vec<&str> = names.last.split(' ').collect();
    if random.below(2) == 0 || names.share == 5 {
        return format!(
            "{}{}",
            random.common(&common),
            random.any(names.ends).trim_start_matches(char::is_alphabetic)
        );
    }
    let cyrillic = names.first.starts_with('А');
    let stems: Vec<&str> = if cyrillic { STEMS_CYRILLIC } else { STEMS }.split(' ').collect();
    let middle = if cyrillic {
        "ан ер ив ол ут ад ен ир ос ум"
    } else {
        "an er iv ol ut ad en ir os um"
    };
    let middle: Vec<&str> = middle.split(' ').collect();
    let mut name = random.any(&stems).to_owned();
    for _ in 0..random.below(3) {
        name.push_str(random.any(&middle));
    }
    name + random.any(names.ends).trim()
}

fn phone(random: &mut Random, country: &str) -> String {
    let mut pairs = String::from(country);
    for _ in 0..4 {
        pairs.push_str(&format!(" {:02}", random.below(100)));
    }
    pairs
}

/// As IDs are made of names.
fn latin(name: &str) -> String {
    const CYRILLIC: &str = "а a б b в v г g д d е e ж zh з z и i к k л l м m н n о o п p р r с s т t у u ф f х kh ц ts ч ch ш sh щ shch ы y э e ю yu я ya";
    let folded = plenary_people::fold::fold(name)
        .replace([' ', '\''], "-")
        .replace(['ь', 'ъ'], "");
    let pairs: Vec<&str> = CYRILLIC.split(' ').collect();
    let written = |c: char| {
        let pair = pairs.chunks_exact(2).find(|pair| pair[0].starts_with(c));
        pair.map_or_else(|| c.to_string(), |pair| pair[1].to_owned())
    };
    folded.chars().map(written).collect()
}
