//! Reads a CSV file of accounts: either all of it is good, or every wrong line is named.

use crate::{
    csv_file::{open_quote, split_names, unguard},
    dto::{KBPS, check_text},
    passwords,
    problem::{Code, FieldError, Problem},
};
use plenary_access::{AdminRole, Bandwidth, ImportRow, PasswordPolicy, ProfilePatch, UserPatch};
use plenary_model::{UserName, limits};
use std::collections::BTreeMap;

/// The columns, in the order of the export.
pub(crate) const COLUMNS: &[&str] = &[
    "id",
    "password",
    "display_name",
    "email",
    "first_name",
    "middle_name",
    "last_name",
    "organisation",
    "branch",
    "department",
    "job_title",
    "manager",
    "address",
    "mobile_phone",
    "work_phone",
    "home_phone",
    "sip_number",
    "groups",
    "active",
    "admin",
    "bandwidth_in_kbps",
    "bandwidth_out_kbps",
];

/// Most wrong cells that are named.
const MOST_ERRORS: usize = 1_000;

/// The rows of a file; passwords apart, by the position of their rows, as they are yet to be hashed.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) rows: Vec<ImportRow>,
    pub(crate) passwords: Vec<(usize, String)>,
    /// What cannot be read; the rows are those that can.
    pub(crate) errors: Vec<FieldError>,
}

/// How a role is written in a cell.
pub(crate) fn role_name(role: AdminRole) -> &'static str {
    match role {
        AdminRole::None => "none",
        AdminRole::Security => "security",
        AdminRole::Full => "full",
    }
}

/// Reads a file with a header line. Quoted cells may hold line breaks; lines are those where rows start.
///
/// # Errors
/// When it is no such file. Lines that cannot be read are named in [`Parsed::errors`].
pub(crate) fn parse(text: &str, policy: &PasswordPolicy) -> Result<Parsed, Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines = Lines::of(text);
    let mut parsed = Parsed::default();
    let mut seen = BTreeMap::new();
    let mut columns: Option<Vec<&'static str>> = None;
    if let Some(at) = open_quote(text) {
        let line = Lines::of(text).line_at(at as u64);
        let reason = "has a quote that is never closed; was the file cut off?";
        parsed.errors.push(wrong(line, "", reason.into()));
    }
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = lines.line_at(record.position().map_or(0, csv::Position::byte));
        let Some(columns) = &columns else {
            columns = Some(header(&record)?);
            continue;
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        if parsed.rows.len() >= limits::IMPORT_ROWS {
            let detail = format!(
                "the file has more than {} accounts; split it",
                limits::IMPORT_ROWS
            );
            return Err(Problem::new(Code::TooLarge, detail));
        }
        match row(line, &record, columns, policy) {
            Ok((row, password)) => {
                if let Some(first) = seen.get(&row.id) {
                    let reason = format!("stands in line {first} already");
                    parsed.errors.push(wrong(line, "id", reason));
                    continue;
                }
                seen.insert(row.id.clone(), line);
                parsed
                    .passwords
                    .extend(password.map(|password| (parsed.rows.len(), password)));
                parsed.rows.push(row);
            }
            Err(mut wrong) => parsed.errors.append(&mut wrong),
        }
        if parsed.errors.len() >= MOST_ERRORS {
            break;
        }
    }
    if columns.is_none() {
        return Err(invalid(vec![wrong(
            1,
            "",
            "the file is empty; the first line names the columns".into(),
        )]));
    }
    Ok(parsed)
}

/// Counts lines up to where rows start, each byte once.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of the row that begins at or after `byte`: the reader's own count stops before the second
    /// half of a line's end, and before empty lines. Called with growing positions.
    fn line_at(&mut self, byte: u64) -> u32 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(next) = self.bytes.get(self.at) {
            if self.at >= byte && !matches!(next, b'\r' | b'\n') {
                break;
            }
            self.line += u32::from(*next == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn unreadable(error: &csv::Error) -> Problem {
    let line = error.position().map_or(1, csv::Position::line);
    let line = u32::try_from(line).unwrap_or(u32::MAX);
    invalid(vec![wrong(line, "", format!("cannot be read: {error}"))])
}

pub(crate) fn wrong(line: u32, field: &str, reason: String) -> FieldError {
    FieldError {
        line: Some(line),
        field: field.into(),
        reason,
    }
}

/// Nothing is imported because of these; they are put in the order of their lines.
pub(crate) fn invalid(mut errors: Vec<FieldError>) -> Problem {
    errors.sort_by_key(|error| error.line);
    let mut lines: Vec<_> = errors.iter().map(|error| error.line).collect();
    lines.dedup();
    let detail = format!("nothing was imported: {} of the lines are wrong", lines.len());
    Problem::new(Code::InvalidRows, detail).with_errors(errors)
}

/// Reads the first line: known columns, each once, `id` among them.
fn header(record: &csv::StringRecord) -> Result<Vec<&'static str>, Problem> {
    let mut columns = Vec::new();
    let mut errors = Vec::new();
    for name in record {
        let name = name.trim();
        match COLUMNS.iter().find(|column| **column == name) {
            None => errors.push(wrong(
                1,
                name,
                format!("is no column; the columns are {}", COLUMNS.join(";")),
            )),
            Some(column) if columns.contains(column) => {
                errors.push(wrong(1, name, "stands there twice".into()))
            }
            Some(column) => columns.push(*column),
        }
    }
    if errors.is_empty() && !columns.contains(&"id") {
        errors.push(wrong(
            1,
            "id",
            "is missing; it is the one column that must be there".into(),
        ));
    }
    if errors.is_empty() {
        Ok(columns)
    } else {
        Err(invalid(errors))
    }
}

type Row = (ImportRow, Option<String>);

fn row(
    line: u32,
    record: &csv::StringRecord,
    columns: &[&'static str],
    policy: &PasswordPolicy,
) -> Result<Row, Vec<FieldError>> {
    if record.len() > columns.len() {
        let reason = format!(
            "has {} cells, but there are {} columns",
            record.len(),
            columns.len()
        );
        return Err(vec![wrong(line, "", reason)]);
    }
    let mut cells = Cells {
        id: None,
        password: None,
        patch: UserPatch::default(),
        limits: Bandwidth::default(),
        group_names: None,
    };
    let mut errors = Vec::new();
    for (column, cell) in columns.iter().zip(record) {
        let cell = unguard(cell);
        // An empty cell leaves the field as it is.
        if !cell.is_empty()
            && let Err(reason) = cells.read(column, cell, policy)
        {
            errors.push(wrong(line, column, reason));
        }
    }
    if cells.id.is_none() && !errors.iter().any(|error| error.field == "id") {
        errors.push(wrong(line, "id", "is empty".into()));
    }
    match cells.id {
        Some(id) if errors.is_empty() => {
            let has_limits = cells.limits != Bandwidth::default();
            cells.patch.bandwidth = has_limits.then_some(cells.limits);
            let row = ImportRow {
                line,
                id,
                patch: cells.patch,
                group_names: cells.group_names,
            };
            Ok((row, cells.password))
        }
        _ => Err(errors),
    }
}

/// What the cells of one line say.
struct Cells {
    id: Option<UserName>,
    password: Option<String>,
    patch: UserPatch,
    limits: Bandwidth,
    group_names: Option<std::collections::BTreeSet<String>>,
}

impl Cells {
    fn read(&mut self, column: &str, cell: &str, policy: &PasswordPolicy) -> Result<(), String> {
        match column {
            "id" => self.id = Some(cell.trim().parse().map_err(|error| format!("{error}"))?),
            "password" => self.password = Some(read_password(cell, policy)?),
            "groups" => self.group_names = Some(read_groups(cell)?),
            "active" => self.patch.active = Some(read_bool(cell)?),
            "admin" => self.patch.admin = Some(read_role(cell)?),
            "bandwidth_in_kbps" => self.limits.in_kbps = Some(read_kbps(cell)?),
            "bandwidth_out_kbps" => self.limits.out_kbps = Some(read_kbps(cell)?),
            field => {
                let most = if field == "email" {
                    limits::EMAIL
                } else {
                    limits::PROFILE_FIELD
                };
                check_text(field, cell, most).map_err(|_| {
                    format!("must have at most {most} characters, none of them control characters")
                })?;
                if let Some(place) = profile_field(&mut self.patch.profile, field) {
                    *place = Some(cell.to_owned());
                }
            }
        }
        Ok(())
    }
}

fn profile_field<'a>(profile: &'a mut ProfilePatch, field: &str) -> Option<&'a mut Option<String>> {
    Some(match field {
        "display_name" => &mut profile.display_name,
        "email" => &mut profile.email,
        "first_name" => &mut profile.first_name,
        "middle_name" => &mut profile.middle_name,
        "last_name" => &mut profile.last_name,
        "organisation" => &mut profile.organisation,
        "branch" => &mut profile.branch,
        "department" => &mut profile.department,
        "job_title" => &mut profile.job_title,
        "manager" => &mut profile.manager,
        "address" => &mut profile.address,
        "mobile_phone" => &mut profile.mobile_phone,
        "work_phone" => &mut profile.work_phone,
        "home_phone" => &mut profile.home_phone,
        "sip_number" => &mut profile.sip_number,
        _ => return None,
    })
}

fn read_password(cell: &str, policy: &PasswordPolicy) -> Result<String, String> {
    if cell.chars().count() > limits::PASSWORD {
        return Err(format!("is too long; at most {} characters", limits::PASSWORD));
    }
    match passwords::unmet(cell, policy).first() {
        Some(missing) => Err(missing.clone()),
        None => Ok(cell.to_owned()),
    }
}

fn read_groups(cell: &str) -> Result<std::collections::BTreeSet<String>, String> {
    let names = split_names(cell);
    if names.len() > limits::GROUPS_PER_USER {
        return Err(format!(
            "has too many groups; at most {}",
            limits::GROUPS_PER_USER
        ));
    }
    match names
        .iter()
        .find(|name| name.chars().count() > limits::GROUP_NAME)
    {
        Some(_) => Err(format!(
            "has a name that is too long; at most {} characters",
            limits::GROUP_NAME
        )),
        None => Ok(names.into_iter().collect()),
    }
}

fn read_bool(cell: &str) -> Result<bool, String> {
    match cell.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

fn read_role(cell: &str) -> Result<AdminRole, String> {
    let roles = [AdminRole::None, AdminRole::Security, AdminRole::Full];
    let role = roles.into_iter().find(|role| role_name(*role) == cell.trim());
    role.ok_or_else(|| "must be none, security or full".into())
}

fn read_kbps(cell: &str) -> Result<u32, String> {
    let kbps = cell.trim().parse().ok().filter(|kbps| KBPS.contains(kbps));
    kbps.ok_or_else(|| "must be a whole number from 32 to 10000000, in kbit/s".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<(u32, String)> {
        let parsed = parse(text, &PasswordPolicy::default());
        let problem = parsed.map_or_else(|problem| problem, |parsed| invalid(parsed.errors));
        let error = |error: &FieldError| (error.line.unwrap_or_default(), error.field.clone());
        problem.errors().iter().map(error).collect()
    }

    #[test]
    fn good_rows_are_read_whatever_the_order_of_columns() {
        let text = "email;id;password;groups;admin;active;bandwidth_in_kbps;mobile_phone\r\n\
             a@b.example;Иван;longenough;\"Sales, Paris\";full;no;512;'+33 1\r\n\
             ;bob\r\n\r\n";
        let parsed = parse(text, &PasswordPolicy::default()).expect("all good");
        assert_eq!(parsed.rows.len(), 2);
        let ivan = &parsed.rows[0];
        assert_eq!((ivan.line, ivan.id.as_str()), (2, "иван"));
        assert_eq!(ivan.patch.profile.email.as_deref(), Some("a@b.example"));
        assert_eq!(ivan.patch.profile.mobile_phone.as_deref(), Some("+33 1"));
        assert_eq!(ivan.patch.admin, Some(AdminRole::Full));
        assert_eq!(ivan.patch.active, Some(false));
        assert_eq!(ivan.patch.bandwidth.and_then(|limits| limits.in_kbps), Some(512));
        let groups = ivan.group_names.as_ref().expect("given");
        assert_eq!(groups.iter().collect::<Vec<_>>(), ["Paris", "Sales"]);
        assert_eq!(parsed.passwords, [(0, "longenough".to_owned())]);
        assert_eq!(parsed.rows[1].patch, UserPatch::default());
    }

    #[test]
    fn every_wrong_line_is_named() {
        let text = "id;password;admin;bandwidth_in_kbps\n\
             alice;short;boss;0\n\
             bob\n\
             BOB\n\
             ;x\n\
             a b\n\
             carol;;;;;too many\n";
        let found = errors(text);
        let expected = [
            (2, "password"),
            (2, "admin"),
            (2, "bandwidth_in_kbps"),
            (4, "id"),
            (5, "password"),
            (5, "id"),
            (6, "id"),
            (7, ""),
        ];
        assert_eq!(found, expected.map(|(line, field)| (line, field.to_owned())));
    }

    #[test]
    fn the_header_must_be_known() {
        assert_eq!(errors(""), [(1, String::new())]);
        assert_eq!(errors("email\nx@y\n"), [(1, "id".to_owned())]);
        assert_eq!(errors("id;id\n"), [(1, "id".to_owned())]);
        assert_eq!(errors("id;salary\n"), [(1, "salary".to_owned())]);
        assert_eq!(errors("id,email\n"), [(1, "id,email".to_owned())]);
    }
}
