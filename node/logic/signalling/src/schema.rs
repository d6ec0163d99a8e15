//! The messages as they are published with the description of the REST interface.

use crate::frame::{Beat, ClientBody, Numbers, RawHello, ServerBody, Topic, Welcome};
use utoipa::{
    ToSchema,
    openapi::{
        Ref, RefOr, Schema,
        schema::{AllOfBuilder, OneOfBuilder},
    },
};

/// Name and schema of each message, and of what they are made of.
///
/// A client says a `SignalHello`, then `SignalClientMessage`s; a server a `SignalWelcome`, then `SignalServerMessage`s.
pub fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut all = Vec::new();
    add::<RawHello>(&mut all);
    add::<Welcome>(&mut all);
    add::<Topic>(&mut all);
    add::<Numbers>(&mut all);
    add::<Beat<'_>>(&mut all);
    add::<ClientBody>(&mut all);
    add::<ServerBody>(&mut all);
    ClientBody::schemas(&mut all);
    ServerBody::schemas(&mut all);
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all.dedup_by(|(one, _), (other, _)| one == other);
    all.push(("SignalClientMessage".into(), message::<ClientBody>()));
    all.push(("SignalServerMessage".into(), message::<ServerBody>()));
    all
}

fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
    all.push((T::name().into_owned(), T::schema()));
}

fn reference<T: ToSchema>() -> Ref {
    Ref::from_schema_name(T::name())
}

/// A sign of life, or numbers and a body side by side.
fn message<B: ToSchema>() -> RefOr<Schema> {
    let numbered = AllOfBuilder::new()
        .item(reference::<Numbers>())
        .item(reference::<B>())
        .build();
    let message = OneOfBuilder::new()
        .item(reference::<Beat<'_>>())
        .item(Schema::AllOf(numbered))
        .build();
    Schema::OneOf(message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let all = schemas();
        let text = serde_json::to_string(&all).expect("schemas are JSON");
        for name in text.split("#/components/schemas/").skip(1) {
            let name = name.split('"').next().unwrap_or_default();
            assert!(all.iter().any(|(known, _)| known == name), "{name} is missing");
        }
        assert!(
            text.contains(r#""enum":["changed"]"#) && text.contains(r#""enum":["watch"]"#),
            "{text}"
        );
    }
}
