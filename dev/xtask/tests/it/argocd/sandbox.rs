//! Lua as Argo CD runs it: version 5.1, the libraries `base` and `table`, and
//! `require("os")` with date and time. There is no `string`, so that not even
//! `text:sub(1)` works, no `math`, no `io`.

use jiff::Timestamp;
use mlua::{HookTriggers, Lua, LuaOptions, StdLib, Table, Value as LuaValue};
use serde_json::{Map, Value, json};

/// Argo CD allows a second. Counted instead of timed: a thousandth of what Lua
/// does in that time, and many times what a script here needs.
const INSTRUCTIONS: u32 = 50_000;

/// The time that `os.date` tells.
const NOW: Timestamp = Timestamp::constant(1_767_323_045, 0);

/// What of Lua's base library Argo CD's does not have.
const NOT_THERE: [&str; 2] = ["coroutine", "gcinfo"];

/// What the script makes of the object, or what it fails with.
pub fn run(script: &str, object: &Value) -> Result<Value, String> {
    limited(script, object).map_err(|error| error.to_string())
}

fn limited(script: &str, object: &Value) -> mlua::Result<Value> {
    let lua = Lua::new_with(StdLib::TABLE, LuaOptions::default())?;
    let globals = lua.globals();
    for name in NOT_THERE {
        globals.set(name, LuaValue::Nil)?;
    }
    globals.set("require", lua.create_function(required)?)?;
    globals.set("obj", to_lua(&lua, object)?)?;
    globals.set("actionParams", lua.create_table()?)?;
    let triggers = HookTriggers::new().every_nth_instruction(INSTRUCTIONS);
    lua.set_hook(triggers, |_, _| {
        Err(mlua::Error::runtime("the script does not come to an end"))
    })?;
    from_lua(lua.load(script).into_function()?.call(())?)
}

fn required(lua: &Lua, name: String) -> mlua::Result<Table> {
    if name != "os" {
        let words = format!("module {name} not found");
        return Err(mlua::Error::runtime(words));
    }
    let os = lua.create_table()?;
    let date = |_: &Lua, format: String| {
        let format = format.strip_prefix('!').unwrap_or(&format);
        Ok(NOW.strftime(format).to_string())
    };
    os.set("date", lua.create_function(date)?)?;
    os.set("time", lua.create_function(|_, ()| Ok(NOW.as_second()))?)?;
    Ok(os)
}

fn to_lua(lua: &Lua, value: &Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Null => LuaValue::Nil,
        Value::Bool(value) => LuaValue::Boolean(*value),
        Value::Number(number) => LuaValue::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) => LuaValue::String(lua.create_string(text)?),
        Value::Array(items) => {
            let table = lua.create_table()?;
            for item in items {
                table.push(to_lua(lua, item)?)?;
            }
            LuaValue::Table(table)
        }
        Value::Object(fields) => {
            let table = lua.create_table()?;
            for (name, field) in fields {
                table.set(name.as_str(), to_lua(lua, field)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

/// An empty table is a list: Lua does not tell the two apart.
fn from_lua(value: LuaValue) -> mlua::Result<Value> {
    Ok(match value {
        LuaValue::Nil => Value::Null,
        LuaValue::Boolean(value) => json!(value),
        LuaValue::Integer(number) => json!(number),
        LuaValue::Number(number) if number.fract() == 0.0 => json!(number as i64),
        LuaValue::Number(number) => json!(number),
        LuaValue::String(text) => json!(text.to_str()?.to_string()),
        LuaValue::Table(table) if table.is_empty() || table.raw_len() > 0 => {
            let items = table.sequence_values::<LuaValue>();
            let items = items.map(|item| from_lua(item?));
            Value::Array(items.collect::<mlua::Result<_>>()?)
        }
        LuaValue::Table(table) => {
            let mut fields = Map::new();
            for pair in table.pairs::<String, LuaValue>() {
                let (name, field) = pair?;
                fields.insert(name, from_lua(field)?);
            }
            Value::Object(fields)
        }
        other => {
            let words = format!("a script cannot return a {}", other.type_name());
            return Err(mlua::Error::runtime(words));
        }
    })
}

#[test]
fn it_has_what_argo_cd_has_and_no_more() {
    let object = json!({"kind": "Thing", "list": [1, 2], "empty": {}, "whole": 3, "half": 0.5});
    assert_eq!(
        run("return obj", &object),
        Ok(json!({"kind": "Thing", "list": [1, 2], "empty": [], "whole": 3, "half": 0.5}))
    );
    let there = "return {table ~= nil, ipairs ~= nil, pcall ~= nil, tostring ~= nil}";
    assert_eq!(run(there, &json!({})), Ok(json!([true, true, true, true])));
    let date = r#"return require("os").date("!%Y-%m-%dT%H:%M:%SZ")"#;
    assert_eq!(run(date, &json!({})), Ok(json!("2026-01-02T03:04:05Z")));
    for absent in ["string", "math", "io", "os", "debug", "coroutine"] {
        assert_eq!(
            run(&format!("return {absent} == nil"), &json!({})),
            Ok(json!(true)),
            "{absent}"
        );
    }
    for wrong in [
        r#"return ("text"):sub(1, 2)"#,
        r#"return require("string")"#,
        r#"return require("os").getenv("PATH")"#,
        "while true do end",
    ] {
        assert!(run(wrong, &object).is_err(), "{wrong}");
    }
}
