//! Templates of conferences (CONF-16).

use super::{Found, page::Select};
use crate::view::{body, sql};
use plenary_access::Page;
use plenary_conference::{Template, TemplateId, TemplatePart, TemplateQuery};
use rusqlite::{Connection, OptionalExtension as _};

/// Templates that match.
pub fn templates(db: &Connection, query: &TemplateQuery) -> Found<Page<Template>> {
    let mut select = Select {
        columns: "body",
        from: "templates",
        keys: &[
            ("name", "name"),
            ("owner", "owner"),
            ("created_at", "created_at"),
            ("updated_at", "updated_at"),
        ],
        id: "id",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("search", &query.list.search);
    match &query.part {
        TemplatePart::All => {}
        TemplatePart::ForAll => select.conditions.push("for_all = 1".into()),
        TemplatePart::Own(user) => select.filter("owner = ?", user.to_string()),
        TemplatePart::Usable(user) => select.filter("(owner = ? OR for_all = 1)", user.to_string()),
    }
    select.page(db, &query.list, |row| body(row, 0))
}

/// One template.
pub fn template(db: &Connection, id: TemplateId) -> Found<Option<Template>> {
    Ok(db
        .prepare_cached("SELECT body FROM templates WHERE id = ?")?
        .query_row([sql(id.0)], |row| body(row, 0))
        .optional()?)
}
