//! CSV as spreadsheets read it: UTF-8, `;` between cells, a header line, and no cell that would be run as a
//! formula.

use crate::{backend::ReadError, import, problem::Problem};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::{Stream, StreamExt as _, stream};
use utoipa::ToSchema;

/// A CSV file.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[allow(dead_code)] // Describes text that never takes this form.
pub(crate) struct CsvText(String);

/// Rows and the cursor of the next ones.
pub(crate) type RowPage = (Vec<Vec<String>>, Option<String>);

/// Reads page after page until the last one.
pub(crate) fn pages<F, R>(mut read: F) -> impl Stream<Item = Result<RowPage, ReadError>> + Send
where
    F: FnMut(Option<String>) -> R + Send,
    R: Future<Output = Result<RowPage, ReadError>> + Send,
{
    let start = Some(None);
    stream::unfold(
        (start, move |cursor| read(cursor)),
        |(cursor, mut read)| async move {
            let page = read(cursor?).await;
            let next = match &page {
                Ok((_, Some(next))) => Some(Some(next.clone())),
                _ => None,
            };
            Some((page, (next, read)))
        },
    )
}

/// A download that is written while it is read.
pub(crate) fn response(
    name: &str,
    columns: &[&str],
    pages: impl Stream<Item = Result<RowPage, ReadError>> + Send + 'static,
) -> Response {
    // Names of columns may be texts that people chose.
    let head: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let head = Bytes::from(lines(&[head]));
    let head = stream::once(async move { Ok(head) });
    let rows = pages.map(|page| match page {
        Ok((rows, _)) => Ok(Bytes::from(lines(&rows))),
        Err(error) => {
            // The status is sent: only a broken connection tells that the file is not whole.
            tracing::warn!(%error, "export broke off");
            Err(error)
        }
    });
    let disposition =
        HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).expect("ASCII names");
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, Body::from_stream(head.chain(rows))).into_response()
}

fn lines(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    for row in rows {
        let guarded = row.iter().map(|cell| guard(cell));
        writer.write_record(guarded).expect("writing to memory");
    }
    writer.into_inner().expect("writing to memory")
}

/// Whether a spreadsheet could run the cell.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn is_guarded(cell: &str) -> bool {
    cell.starts_with('\'') && is_formula(cell.trim_start_matches('\''))
}

/// Puts a `'` before what a spreadsheet could run; [`unguard`] takes it away.
pub(crate) fn guard(cell: &str) -> String {
    if is_formula(cell) || is_guarded(cell) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// The cell as it was before [`guard`].
pub(crate) fn unguard(cell: &str) -> &str {
    if is_guarded(cell) { &cell[1..] } else { cell }
}

/// Where a cell begins whose quotes are never closed: the file was cut off, and its last cell is not whole.
pub(crate) fn open_quote(text: &str) -> Option<usize> {
    let mut opened = None;
    let mut at_start = true;
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match (opened, letter) {
            // Doubled, it stands for itself.
            (Some(_), '"') if letters.next_if(|(_, next)| *next == '"').is_some() => {}
            (Some(_), '"') => opened = None,
            (None, '"') if at_start => opened = Some(at),
            _ => {}
        }
        at_start = opened.is_none() && matches!(letter, ';' | '\n' | '\r');
    }
    opened
}

/// Names in one cell: separated by `,`, with `\` before a `,` or `\` that belongs to a name.
pub(crate) fn join_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let escaped = names.map(|name| name.replace('\\', "\\\\").replace(',', "\\,"));
    escaped.collect::<Vec<_>>().join(",")
}

/// The names of a cell that [`join_names`] made, without spaces around them.
pub(crate) fn split_names(cell: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut letters = cell.chars();
    while let Some(letter) = letters.next() {
        let last = names.last_mut().expect("never empty");
        match letter {
            '\\' => last.extend(letters.next()),
            ',' => names.push(String::new()),
            letter => last.push(letter),
        }
    }
    let names = names.into_iter().map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Refuses what is not UTF-8; takes the mark away that spreadsheets write at the start.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let reason = "is not UTF-8; save the file as UTF-8".to_owned();
        import::invalid(vec![import::wrong(line, "", reason)])
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_disarmed() {
        assert_eq!(guard("=1+1"), "'=1+1");
        assert_eq!(guard("+33 1 23"), "'+33 1 23");
        assert_eq!(guard("o'neil"), "o'neil");
        assert_eq!(guard("'quoted'"), "'quoted'");
        assert_eq!(
            unguard("+33 1 23"),
            "+33 1 23",
            "files written by hand need no guard"
        );
    }

    proptest! {
        #[test]
        fn guarding_is_undone_by_reading(cell in "['=+@a-]{0,6}") {
            let guarded = guard(&cell);
            prop_assert!(!is_formula(&guarded));
            prop_assert_eq!(unguard(&guarded), cell);
        }

        #[test]
        fn names_survive_one_cell(names in proptest::collection::vec("[a,\\\\]{1,4}", 0..4)) {
            let cell = join_names(names.iter().map(String::as_str));
            prop_assert_eq!(split_names(&cell), names);
        }
    }
}
