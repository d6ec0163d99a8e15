//! How commands of administrators show what they were told.

use chrono::DateTime;
use clap::Args;
use plenary_program::say;
use serde_json::Value;

/// How answers are shown.
#[derive(Debug, Clone, Copy, Args)]
pub struct Shown {
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

impl Shown {
    /// As JSON, or by these words.
    pub fn value(self, value: &Value, text: impl FnOnce() -> String) {
        say(&match self.json {
            true => serde_json::to_string_pretty(value).unwrap_or_default(),
            false => text(),
        });
    }

    /// A list; of each row what stands under these keys, below these heads, written by [`cell`] or what stands in for it.
    pub fn table(self, rows: &Value, columns: &[(&str, &str)], cell: fn(&str, &Value) -> String) {
        self.value(rows, || table(rows, columns, cell));
    }
}

fn table(rows: &Value, columns: &[(&str, &str)], cell: fn(&str, &Value) -> String) -> String {
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let head = columns.iter().map(|(head, _)| (*head).to_owned());
    let mut lines = vec![head.collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| {
        let cells = columns.iter().map(|(_, key)| cell(key, &row[*key]));
        cells.collect()
    }));
    let widths = (0..columns.len()).map(|i| {
        let cells = lines.iter().filter_map(|line| line.get(i));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    });
    let widths: Vec<usize> = widths.collect();
    let lines = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A value as people read it; control characters never reach the terminal. Whether a number is a moment is known by its key.
pub fn cell(key: &str, value: &Value) -> String {
    let is_moment = key.ends_with("_ms") || matches!(key, "at" | "expires" | "valid_until");
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if is_moment => {
            let moment = number.as_i64().and_then(DateTime::from_timestamp_millis);
            moment.map_or(number.to_string(), |moment| moment.format("%F %T").to_string())
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| cell(key, item));
            items.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_stand_below_each_other_and_keep_the_terminal_as_it_is() {
        let rows = json!([
            { "name": "paris\u{1b}[31m", "at": 0, "up": true, "nodes": ["a", "b"] },
            { "name": "oslo", "at": null, "up": false, "nodes": [] },
        ]);
        let columns = [("NAME", "name"), ("AT", "at"), ("UP", "up"), ("NODES", "nodes")];
        let expected = "NAME        AT                   UP   NODES\n\
                        paris [31m  1970-01-01 00:00:00  yes  a, b\n\
                        oslo        –                    no";
        assert_eq!(table(&rows, &columns, cell), expected);
    }
}
