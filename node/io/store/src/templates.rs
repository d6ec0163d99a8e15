//! Rows of templates of conferences (CONF-16).

use crate::{
    codec::encode,
    effects::run,
    view::{StoreView, body, number, sql},
};
use plenary_access::fold;
use plenary_conference::{Template, TemplateId, TemplateView};
use plenary_model::UserName;
use plenary_replication::AppError;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;

pub(crate) fn put(db: &Connection, template: &Template) -> Result<(), AppError> {
    let stored = encode(template).map_err(|error| AppError::Defect(error.to_string()))?;
    let search = format!("{} {} {}", template.name, template.description, template.owner);
    run(
        db,
        "INSERT OR REPLACE INTO templates (id, owner, name, search, for_all, created_at, updated_at, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            sql(template.id.0),
            template.owner.as_str(),
            fold(&template.name),
            fold(&search),
            template.for_all,
            sql(template.created_at.0),
            sql(template.updated_at.0),
            stored
        ],
    )?;
    forget_people(db, template.id)?;
    let named: BTreeSet<_> = template.settings.named().collect();
    for user in named.union(&template.settings.in_layouts()) {
        run(
            db,
            "INSERT INTO template_people (user, template) VALUES (?, ?)",
            params![user.as_str(), sql(template.id.0)],
        )?;
    }
    Ok(())
}

pub(crate) fn remove(db: &Connection, id: TemplateId) -> Result<(), AppError> {
    forget_people(db, id)?;
    run(db, "DELETE FROM templates WHERE id = ?", [sql(id.0)])
}

fn forget_people(db: &Connection, id: TemplateId) -> Result<(), AppError> {
    run(db, "DELETE FROM template_people WHERE template = ?", [sql(id.0)])
}

impl TemplateView for StoreView<'_> {
    fn template(&self, id: TemplateId) -> Option<Template> {
        let query = "SELECT body FROM templates WHERE id = ?";
        self.one(query, [sql(id.0)], |row| body(row, 0))
    }

    fn templates(&self) -> u64 {
        self.one("SELECT count(*) FROM templates", [], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn templates_of(&self, owner: &UserName) -> Vec<Template> {
        let query = "SELECT body FROM templates WHERE owner = ? ORDER BY id";
        self.all(query, [owner.as_str()], |row| body(row, 0))
    }

    fn templates_naming(&self, user: &UserName) -> Vec<Template> {
        let query = "SELECT t.body FROM template_people p JOIN templates t ON t.id = p.template
                         WHERE p.user = ? ORDER BY p.template";
        self.all(query, [user.as_str()], |row| body(row, 0))
    }
}
