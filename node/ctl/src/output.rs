//! Tables for people, JSON for scripts.

use serde_json::Value;
use std::io::Write as _;

#[derive(Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
}

/// Writes to standard output; a closed pipe (`| head`) ends the program quietly.
pub(crate) fn say(text: &str) {
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

impl Output {
    /// One value: as JSON, or `text`.
    pub(crate) fn one(self, value: &Value, text: impl FnOnce() -> String) {
        say(&if self.json { pretty(value) } else { text() });
    }

    /// Rows with the columns `(head, path)`, where a path is `field` or `field/inner`.
    pub(crate) fn table(self, rows: &[Value], columns: &[(&str, &str)]) {
        if self.json {
            return say(&pretty(&Value::Array(rows.to_vec())));
        }
        let mut lines: Vec<Vec<String>> = vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect()];
        lines.extend(rows.iter().map(|row| {
            columns
                .iter()
                .map(|(_, path)| cell(row.pointer(&format!("/{path}")).unwrap_or(&Value::Null)))
                .collect()
        }));
        let widths: Vec<usize> = (0..columns.len())
            .map(|i| {
                lines
                    .iter()
                    .filter_map(|line| line.get(i))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for line in lines {
            let padded: Vec<String> = line
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
                .collect();
            say(padded.join("  ").trim_end());
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A value as people read it in a table; control characters never reach the terminal.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
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
    fn cells_hide_control_characters() {
        assert_eq!(cell(&json!("a\u{1b}[31mb")), "a [31mb");
        assert_eq!(cell(&json!(["x", "y"])), "x, y");
        assert_eq!(cell(&Value::Null), "–");
    }
}
