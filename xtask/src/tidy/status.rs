//! The status of the product, row by row (docs/status.md).

use crate::steps::root;
use cargo_metadata::Metadata;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

const FILE: &str = "docs/status.md";

/// A row of its tables.
struct Row<'a> {
    id: &'a str,
    status: &'a str,
    shown_by: &'a str,
}

pub(super) fn faults(files: &[PathBuf], metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(root().join(FILE))?;
    let rows = rows(&text);
    let mut faults = rules(&rows);
    let folders: BTreeMap<String, PathBuf> = metadata
        .workspace_packages()
        .into_iter()
        .filter_map(|package| {
            let folder = package
                .manifest_path
                .parent()?
                .strip_prefix(&metadata.workspace_root)
                .ok()?;
            Some((package.name.to_string(), folder.into()))
        })
        .collect();
    for row in &rows {
        for (package, test) in shown(row.shown_by) {
            let folder = folders.get(package).cloned().unwrap_or_else(|| package.into());
            let inside = files.iter().filter(|file| file.starts_with(&folder));
            let mut texts = inside.filter_map(|file| std::fs::read_to_string(root().join(file)).ok());
            if !texts.any(|text| has_test(&text, test)) {
                faults.push(format!("{}: {package} has no test {test}", row.id));
            }
        }
    }
    Ok(faults
        .into_iter()
        .map(|fault| format!("{FILE}: {fault}"))
        .collect())
}

/// All rows of the tables that start with an ID.
fn rows(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.as_slice() {
            ["", "ID", ..] => inside = true,
            ["", id, _, status, shown_by, ""] if inside && !id.starts_with("---") => {
                rows.push(Row { id, status, shown_by });
            }
            ["", id, ..] if inside && !id.starts_with("---") => rows.push(Row {
                id,
                status: "not readable: a row has four cells",
                shown_by: "",
            }),
            ["", ..] if cells.len() > 1 => {}
            _ => inside = false,
        }
    }
    rows
}

/// IDs stand there once, in order and without gaps; each row has one of three words; what is done is shown.
fn rules(rows: &[Row<'_>]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for Row { id, status, shown_by } in rows {
        match parts(id) {
            None => faults.push(format!("{id} is no ID")),
            Some((word, number)) => {
                let expected = last.get(word).map_or(1, |last| last + 1);
                if number != expected {
                    faults.push(format!("{id} stands where {word}-{expected:02} was expected"));
                }
                last.insert(word, number);
            }
        }
        if !["done", "part", "not yet"]
            .into_iter()
            .any(|word| is_word(status, word))
        {
            faults.push(format!("{id} is {status:?}, not done, part or not yet"));
        }
        if is_word(status, "done") && shown(shown_by).is_empty() {
            faults.push(format!("{id} is done, but no test shows it"));
        }
    }
    if rows.is_empty() {
        faults.push("it has no rows".into());
    }
    faults
}

/// `USR-01` is `USR` and 1.
fn parts(id: &str) -> Option<(&str, u32)> {
    let (word, number) = id.split_once('-')?;
    let good = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()) && number.len() == 2;
    let number = number.parse().ok()?;
    good.then_some((word, number))
}

/// Whether a status is this word, alone or with what it means.
fn is_word(status: &str, word: &str) -> bool {
    status
        .strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
}

/// Packages and tests: `` `package`: `test` `` with line breaks between.
fn shown(cell: &str) -> BTreeSet<(&str, &str)> {
    let parts = cell.split("<br>").filter_map(|part| part.trim().split_once(": "));
    parts
        .map(|(package, test)| (package.trim_matches('`'), test.trim_matches('`')))
        .collect()
}

/// A function of this name, or a test of the pages with this title.
fn has_test(text: &str, test: &str) -> bool {
    text.contains(&format!("fn {test}("))
        || ['\'', '"']
            .iter()
            .any(|quote| text.contains(&format!("({quote}{test}{quote}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(table: &str) -> Vec<String> {
        rules(&rows(&format!(
            "# Status\n\n| ID | title | status | shown by |\n| --- | --- | --- | --- |\n{table}"
        )))
    }

    #[test]
    fn rows_are_single_complete_and_honest() {
        let good = "| USR-01 | Accounts | done | `plenary-node`: `a_test` |\n| USR-02 | Presence | part: no calls | – |\n";
        assert_eq!(checked(good), Vec::<String>::new());
        for bad in [
            "",
            "| USR-01 | Accounts | great | – |\n",
            "| USR-01 | Accounts | donee | – |\n",
            "| USR-01 | Accounts | done | – |\n",
            "| USR-02 | Presence | part | – |\n",
            "| USR-01 | Accounts | part | – |\n| USR-01 | Accounts | part | – |\n",
            "| USR-01 | Accounts | part | – |\n| USR-03 | Aliases | part | – |\n",
            "| Usr-01 | Accounts | part | – |\n",
            "| USR-01 | Accounts | part |\n",
        ] {
            assert_eq!(checked(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn tests_are_named_by_package() {
        let cell = "`plenary-access`: `one_thing`<br>`node/web-ui`: `is there for every key`";
        let expected = [
            ("node/web-ui", "is there for every key"),
            ("plenary-access", "one_thing"),
        ];
        assert_eq!(shown(cell), BTreeSet::from(expected));
        assert!(shown("–").is_empty());
        assert!(has_test("    fn one_thing() {", "one_thing"));
        assert!(!has_test("    fn one_thing_more() {", "one_thing"));
        assert!(has_test(
            "  it('is there for every key', () => {",
            "is there for every key"
        ));
    }
}
