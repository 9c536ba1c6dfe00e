//! `docs/reference/api.md`: the fields of the resources, from their definitions.

use oms_operator::api::{Kind, crds};
use serde_json::{Map, Value};

use super::markdown::{code, head, heads, prose, row};

/// The whole numbers that a JSON number holds exactly, and those of 32 bits: as bounds they say
/// nothing that a reader wants to know.
const LARGEST: [i64; 2] = [9_007_199_254_740_991, 2_147_483_647];

/// How a duration is written in a resource.
const DURATION: &str = r"^([0-9]{1,6}(\.[0-9]{1,6})?(ms|s|m|h))+$";

/// The page.
pub fn page() -> String {
    let mut page = head("Resources");
    page.push_str(
        "\nThe same texts come from `kubectl explain`. A null means the same as leaving the field out. Lengths count\n\
         characters.\n",
    );
    for (kind, definition) in Kind::ALL.into_iter().zip(crds()) {
        let name = &definition.spec.names.kind;
        let mut names = vec![definition.spec.names.plural.clone()];
        names.extend(
            definition
                .spec
                .names
                .short_names
                .clone()
                .unwrap_or_default(),
        );
        let names: Vec<String> = names.iter().map(|name| code(name)).collect();
        let value = serde_json::to_value(&definition).expect("a definition is plain data");
        for version in list(&value["spec"]["versions"]) {
            let schema = &version["schema"]["openAPIV3Schema"];
            page.push_str(&format!(
                "\n## {name}\n\n{}\n\n`apiVersion: {}/{}`, `kind: {name}`; in `kubectl`: {}. Definition: \
                 [crds/{}.yaml](../../crds/{}.yaml)\n",
                prose(text(schema, "description")),
                definition.spec.group,
                text(version, "name"),
                names.join(", "),
                kind.definition_name(),
                kind.definition_name(),
            ));
            rules(&mut page, schema);
            columns(&mut page, version);
            for part in ["spec", "status"] {
                object(
                    &mut page,
                    &format!("{name}.{part}"),
                    &schema["properties"][part],
                );
            }
        }
    }
    page
}

fn columns(page: &mut String, version: &Value) {
    page.push_str("\nColumns of `kubectl get`; the last ones only with `-o wide`:\n");
    page.push_str(&heads(&["Column", "Meaning"]));
    let columns = list(&version["additionalPrinterColumns"]);
    let wide = |column: &&Value| column["priority"].as_i64().unwrap_or(0) > 0;
    let (wide, plain): (Vec<_>, Vec<_>) = columns.iter().partition(wide);
    for (columns, note) in [(plain, ""), (wide, " (`-o wide`)")] {
        for column in columns {
            let name = format!("{}{note}", text(column, "name"));
            let meaning = match text(column, "description") {
                "" => "Since when the resource exists.",
                meaning => meaning,
            };
            page.push_str(&row([name.as_str(), &prose(meaning)]));
        }
    }
}

/// A section for an object, and one for each object inside.
fn object(page: &mut String, path: &str, schema: &Value) {
    page.push_str(&format!("\n### {path}\n"));
    let about = text(schema, "description");
    if !about.is_empty() {
        page.push_str(&format!("\n{}\n", prose(about)));
    }
    rules(page, schema);
    let required = list(&schema["required"]);
    let empty = Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&empty);
    page.push_str(&heads(&["Field", "Type", "Meaning"]));
    let mut inner = Vec::new();
    for (name, field) in fields {
        let below = below(&format!("{path}.{name}"), field);
        let must = required.iter().any(|one| one == name);
        let shown = if must {
            format!("{} (required)", code(name))
        } else {
            code(name)
        };
        let place = below.as_ref().map(|(path, _)| path.as_str());
        page.push_str(&row([
            shown.as_str(),
            &kind(field, place),
            &prose(text(field, "description")),
        ]));
        inner.extend(below);
    }
    for (path, schema) in inner {
        object(page, &path, schema);
    }
}

/// The object inside of a field, with its path, if the field holds one or a list of them.
fn below<'a>(path: &str, field: &'a Value) -> Option<(String, &'a Value)> {
    if field["properties"].is_object() {
        return Some((path.to_owned(), field));
    }
    let path = format!("{path}[]");
    field["items"]
        .is_object()
        .then(|| below(&path, &field["items"]))?
}

/// The type in words, with its bounds.
fn kind(field: &Value, inner: Option<&str>) -> String {
    let values: Vec<String> = list(&field["enum"])
        .iter()
        .filter_map(|value| value.as_str().map(code))
        .collect();
    if !values.is_empty() {
        return match values.as_slice() {
            [only] => only.clone(),
            many => format!("one of {}", many.join(", ")),
        };
    }
    match text(field, "type") {
        "object" if field["properties"].is_object() => match inner {
            Some(path) => format!("[object](#{})", anchor(path)),
            None => "object".to_owned(),
        },
        "object" if field["additionalProperties"].is_object() => {
            let of = kind(&field["additionalProperties"], None);
            format!(
                "map{} of {of}",
                span(field, "minProperties", "maxProperties", "entries")
            )
        }
        "object" => "object with any fields".to_owned(),
        "array" => {
            let of = match kind(&field["items"], inner) {
                of if of.starts_with("[object]") => of.replacen("[object]", "[objects]", 1),
                of => of,
            };
            format!(
                "list{} of {of}",
                span(field, "minItems", "maxItems", "items")
            )
        }
        "integer" => format!("integer{}", span(field, "minimum", "maximum", "")),
        "string" if text(field, "format") == "date-time" => "time".to_owned(),
        "string" if text(field, "pattern") == DURATION => "duration".to_owned(),
        "string" => {
            let like = match text(field, "pattern") {
                "" => String::new(),
                pattern => format!(", matching {}", code(pattern)),
            };
            format!(
                "string{}{like}",
                span(field, "minLength", "maxLength", "characters")
            )
        }
        other => other.to_owned(),
    }
}

/// Two bounds in words, or nothing.
fn span(field: &Value, least: &str, most: &str, of: &str) -> String {
    let least = field[least].as_f64().map(|bound| bound as i64);
    let most = field[most].as_f64().map(|bound| bound as i64);
    let most = most.filter(|most| !LARGEST.contains(most));
    let words = match (least, most) {
        (None, None) => return String::new(),
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("{least} or more"),
        (None, Some(most)) => format!("at most {most}"),
    };
    let space = if of.is_empty() { "" } else { " " };
    format!(" ({words}{space}{of})")
}

fn rules(page: &mut String, schema: &Value) {
    let rules = list(&schema["x-kubernetes-validations"]);
    if rules.is_empty() {
        return;
    }
    page.push_str("\nThe API server refuses what breaks one of these rules:\n\n");
    for rule in rules {
        page.push_str(&format!("- {}\n", prose(text(rule, "message"))));
    }
}

fn anchor(path: &str) -> String {
    path.chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect::<String>()
        .to_lowercase()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bounds_are_said_in_words() {
        let said = |field: Value| kind(&field, None);
        assert_eq!(
            said(json!({"type": "string", "minLength": 1, "maxLength": 63})),
            "string (1 to 63 characters)"
        );
        assert_eq!(
            said(json!({"type": "integer", "minimum": 0, "maximum": 2_147_483_647})),
            "integer (0 or more)"
        );
        assert_eq!(
            said(json!({"type": "array", "maxItems": 2, "items": {"type": "string"}})),
            "list (at most 2 items) of string"
        );
        assert_eq!(said(json!({"enum": ["A", "B"]})), "one of `A`, `B`");
    }

    #[test]
    fn every_rule_and_every_field_of_the_spec_is_told() {
        let page = page();
        for definition in crds() {
            let value = serde_json::to_value(&definition).expect("plain data");
            let schema = &value["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let spec = &schema["properties"]["spec"];
            for name in spec["properties"].as_object().expect("fields").keys() {
                assert!(page.contains(&format!("| `{name}`")), "{name}");
            }
            for rule in list(&spec["x-kubernetes-validations"]) {
                assert!(page.contains(&prose(text(rule, "message"))), "{rule}");
            }
        }
    }
}
