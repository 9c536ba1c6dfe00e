//! The documents of a text.

use std::cell::RefCell;

use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options};

use super::tree;

/// Words that only documents of this operator are likely to hold.
const OURS: [&str; 3] = ["oms.oceanbase.com", "MigrationProject", "OMSConnection"];

/// One document, or one item of a document of kind `List`.
#[derive(Debug)]
pub struct Document {
    /// Which document of the file, from 1.
    pub number: usize,
    /// Which item of the list, from 0.
    pub item: Option<usize>,
    /// The line of the file where the document begins, from 1.
    pub line: usize,
    /// The content.
    pub value: Value,
    /// Fields that are given more than once.
    pub duplicates: Vec<String>,
}

/// A document that is neither YAML nor JSON.
#[derive(Debug)]
pub struct Broken {
    /// Which document of the file, from 1.
    pub number: usize,
    /// Where in the file, from 1.
    pub line: usize,
    /// Where in the line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
    /// Whether the document names a kind or the group of this operator.
    pub names_ours: bool,
}

/// The documents of a text, in order; empty ones are left out. A broken one
/// does not hide its neighbours.
pub fn documents(text: &str) -> Vec<Result<Document, Broken>> {
    let mut found = Vec::new();
    for (number, (line, chunk)) in chunks(text).into_iter().enumerate() {
        match parse(chunk, number + 1, line) {
            Ok(document) if document.value.is_null() => {}
            Ok(document) => found.extend(items(document).into_iter().map(Ok)),
            Err(broken) => found.push(Err(broken)),
        }
    }
    found
}

/// The text cut before each line that begins with `---`, which ends a document
/// wherever it stands; with the line where each piece begins.
fn chunks(text: &str) -> Vec<(usize, &str)> {
    let mut chunks = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if separates(line) && has_content(&text[start..at]) {
            chunks.push((start_line, &text[start..at]));
            (start, start_line) = (at, index + 1);
        }
        at += line.len();
    }
    chunks.push((start_line, &text[start..]));
    chunks.retain(|(_, chunk)| has_content(chunk));
    chunks
}

fn separates(line: &str) -> bool {
    line.strip_prefix("---")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// Whether there is more than separators, comments and directives.
fn has_content(chunk: &str) -> bool {
    chunk.lines().any(|line| {
        let rest = if separates(line) { &line[3..] } else { line };
        let rest = rest.trim_start();
        !rest.is_empty() && !rest.starts_with('#') && !line.starts_with('%')
    })
}

fn parse(chunk: &str, number: usize, first_line: usize) -> Result<Document, Broken> {
    let duplicates = RefCell::default();
    let broken = |line: usize, column: usize, message: String| Broken {
        number,
        line: first_line + line.max(1) - 1,
        column: column.max(1),
        message,
        names_ours: OURS.iter().any(|word| chunk.contains(word)),
    };
    // JSON may be indented with tabs, which YAML refuses; and what is broken in
    // it is better said by its own parser.
    let bare = chunk.strip_prefix("---").unwrap_or(chunk);
    let json = looks_like_json(bare).then(|| from_json(bare, &duplicates));
    let value = match json {
        Some(Ok(value)) => value,
        json => {
            duplicates.borrow_mut().clear();
            from_yaml(chunk, &duplicates).map_err(|as_yaml| {
                let fault = json.and_then(Result::err).unwrap_or(as_yaml);
                broken(fault.line, fault.column, fault.message)
            })?
        }
    };
    Ok(Document {
        number,
        item: None,
        line: first_line,
        value,
        duplicates: duplicates.into_inner(),
    })
}

/// What a parser stumbles over, and where in its text.
struct Fault {
    line: usize,
    column: usize,
    message: String,
}

fn looks_like_json(chunk: &str) -> bool {
    let inside = chunk.trim_start().strip_prefix('{');
    inside.is_some_and(|inside| inside.trim_start().starts_with(['"', '}']))
}

fn from_json(text: &str, duplicates: &RefCell<Vec<String>>) -> Result<Value, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = tree::read(&mut reader, duplicates);
    read.and_then(|value| reader.end().map(|()| value))
        .map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            let place = format!(" at line {line} column {column}");
            let message = message.trim_end_matches(&place).to_owned();
            Fault {
                line,
                column,
                message,
            }
        })
}

fn from_yaml(text: &str, duplicates: &RefCell<Vec<String>>) -> Result<Value, Fault> {
    let read = |reader: serde_saphyr::Deserializer<'_, '_>| tree::read(reader, duplicates);
    serde_saphyr::with_deserializer_from_str_with_options(text, options(), read).map_err(|error| {
        let place = error.location();
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Fault {
            line: place.map_or(1, |place| number(place.line())),
            column: place.map_or(1, |place| number(place.column())),
            message: words(&error),
        }
    })
}

/// YAML as kubectl reads it, which is YAML 1.1: `yes` is true, 0644 is octal.
fn options() -> Options {
    let mut options = Options::default();
    options.duplicate_keys = DuplicateKeyPolicy::PassThrough;
    options.legacy_octal_numbers = true;
    options.with_snippet = false;
    // The files are the user's own, and large mappings are expected.
    options.budget = None;
    options
}

/// The first line of what the parser says, without the place, which is told
/// apart and would be that in the piece of the file.
fn words(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or_default();
    line.trim_start_matches("error: ").trim().to_owned()
}

/// The items of a list, or the document itself.
fn items(mut document: Document) -> Vec<Document> {
    let is_list = document.value["kind"]
        .as_str()
        .is_some_and(|kind| kind.ends_with("List"));
    let Some(Value::Array(items)) = document.value.get_mut("items").filter(|_| is_list) else {
        return vec![document];
    };
    let (number, line) = (document.number, document.line);
    let items = std::mem::take(items);
    items
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let prefix = format!("items[{index}].");
            let own = |path: &String| path.strip_prefix(&prefix).map(str::to_owned);
            Document {
                number,
                item: Some(index),
                line,
                value,
                duplicates: document.duplicates.iter().filter_map(own).collect(),
            }
        })
        .collect()
}
