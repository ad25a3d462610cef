//! The description of the API, made from the handlers and their types: served as `/api/openapi.json`, and committed as
//! `docs/openapi.json`.

use serde_json::Value;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::error::Problem;

/// What holds for all of the API; its addresses are added by [`routes`](crate::routes).
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Constellation",
        version = "1",
        description = "Rooms where devices learn together: the calls of protocol version 1. What travels over the two \
                       WebSockets, and inside of updates, docs/protocol.md says.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/")),
    tags(
        (name = "rooms", description = "Make rooms, look at them, find the way into them."),
        (name = "devices", description = "Join, take part, and leave."),
        (name = "desk", description = "Control a room."),
        (name = "arms", description = "What an arm has found: its models and coalitions."),
        (name = "operation", description = "For whoever runs the server.")
    ),
    components(schemas(Problem))
)]
pub(crate) struct Description;

/// A file's bytes.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes bodies that are no JSON")]
pub(crate) struct File(Vec<u8>);

/// Tokens, by the names that handlers call them.
const TOKENS: [(&str, &str); 3] = [
    ("admin_token", "Makes rooms: the server's --admin-token."),
    ("desk_token", "Controls a room: given to whoever makes it."),
    (
        "device_token",
        "Posts a device's updates: given to it when it joins.",
    ),
];

/// Completes the description of all addresses.
pub(crate) fn complete(mut api: OpenApi) -> Value {
    let components = api.components.get_or_insert_default();
    for (name, description) in TOKENS {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description));
        components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
    }
    let mut api = serde_json::to_value(api).expect("descriptions have string keys");
    let mut parts = Vec::new();
    find_parts(&api, &mut parts);
    for part in parts {
        // A part that refused fields it does not know would refuse those of the other parts.
        if let Some(Value::Object(schema)) = api.pointer_mut(&part) {
            schema.remove("additionalProperties");
        }
    }
    bound_integers(&mut api);
    api
}

/// Says of unsigned integers what the registry of formats calls them, which utoipa spells otherwise, and where they end.
fn bound_integers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let named = match fields.get("format").and_then(Value::as_str) {
                Some("u-int16") => Some(("uint16", u64::from(u16::MAX))),
                Some("u-int32") => Some(("uint32", u64::from(u32::MAX))),
                Some("u-int64") => Some(("uint64", u64::MAX)),
                _ => None,
            };
            if let Some((format, maximum)) = named {
                fields.insert("format".to_owned(), format.into());
                fields.insert("maximum".to_owned(), maximum.into());
            }
            fields.values_mut().for_each(bound_integers);
        }
        Value::Array(values) => values.iter_mut().for_each(bound_integers),
        _ => {}
    }
}

/// Finds the schemas that others are put together from, as pointers.
fn find_parts(value: &Value, parts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Array(all)) = fields.get("allOf") {
                let references = all.iter().filter_map(|part| part.get("$ref")?.as_str());
                parts
                    .extend(references.filter_map(|part| Some(part.strip_prefix('#')?.to_owned())));
            }
            fields.values().for_each(|value| find_parts(value, parts));
        }
        Value::Array(values) => values.iter().for_each(|value| find_parts(value, parts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::routes;

    /// Written anew by `UPDATE_OPENAPI=1 cargo test -p constellation-server openapi`.
    #[test]
    fn the_committed_description_is_what_the_code_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let described = serde_json::to_string_pretty(&routes::description()).unwrap() + "\n";
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(&path, &described).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == described,
            "docs/openapi.json is not what the code says; write it anew with\n\
             UPDATE_OPENAPI=1 cargo test -p constellation-server openapi"
        );
    }

    #[test]
    fn every_call_has_a_name_of_its_own() {
        let api = routes::description();
        let calls = api["paths"].as_object().unwrap().values();
        let calls = calls.flat_map(|path| path.as_object().unwrap().values());
        let names: Vec<&str> = calls
            .map(|call| call["operationId"].as_str().unwrap())
            .collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[test]
    fn parts_of_unions_take_what_the_others_add() {
        let api = routes::description();
        let schemas = &api["components"]["schemas"];
        let arm = &schemas["StrategyConfig"];
        let mut parts = Vec::new();
        find_parts(arm, &mut parts);
        assert!(
            parts.contains(&"/components/schemas/CflOptions".to_owned()),
            "{arm}"
        );
        assert_eq!(schemas["CflOptions"].get("additionalProperties"), None);
        assert_eq!(schemas["RunConfig"]["additionalProperties"], false);
    }

    #[test]
    fn integers_have_the_bounds_of_their_type() {
        let api = routes::description();
        let seed = &api["components"]["schemas"]["RunConfig"]["properties"]["seed"];
        assert_eq!(
            (&seed["minimum"], &seed["maximum"]),
            (&0.into(), &u32::MAX.into())
        );
    }
}
