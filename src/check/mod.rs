//! `oms-operator check`: what an API server and the operator would say to
//! resources in files, without either of them.
//!
//! A document goes the way it would go in the API server, on create and with
//! strict validation: unknown and repeated fields are refused, nulls taken out,
//! then metadata and schema are held against it, then the rules in CEL. Last
//! comes what the operator alone would refuse. Everything that is wrong is
//! said, also what the API server would only say at the next try.
//!
//! What it cannot know: whether a connection, a Secret or a data source
//! exists, what may not change any more, quotas and admission webhooks.

mod document;
mod doubts;
mod input;
mod kind;
mod metadata;
mod operator;
mod problem;
mod report;
mod rules;
mod schema;
mod similar;
mod size;
mod tree;
mod url;

use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api::Kind;
use crate::decide::Naming;

pub use problem::Problem;
pub use report::{Checked, Place, Report, Unreadable};
pub use rules::RuleError;

use document::Document;
use kind::Meant;
use rules::Rules;

/// What the check cannot see in the files.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of documents that name none.
    pub namespace: String,
    /// How the operator names projects.
    pub naming: Naming,
    /// Whether the report holds the bodies of CreateProject.
    pub bodies: bool,
}

/// Everything that a check needs of the two kinds.
pub struct Checker {
    options: Options,
    kinds: Vec<(Kind, Value, Rules)>,
}

impl Checker {
    /// A checker for the kinds as this version defines them.
    ///
    /// # Errors
    /// When a rule cannot be evaluated here, which would make the verdict worthless.
    pub fn new(options: Options) -> Result<Self, RuleError> {
        let mut kinds = Vec::new();
        for kind in Kind::ALL {
            let mut schema = kind.schema();
            let rules = Rules::compile(&schema)?;
            schema["properties"]["apiVersion"] = json!({ "type": "string" });
            schema["properties"]["kind"] = json!({ "type": "string" });
            schema["properties"]["metadata"] = metadata::SCHEMA.clone();
            kinds.push((kind, schema, rules));
        }
        Ok(Self { options, kinds })
    }

    /// Checks the files, the folders and, for `-`, the standard input.
    pub fn run(&self, paths: &[PathBuf], stdin: &mut dyn Read) -> Report {
        let mut report = Report::default();
        for path in paths {
            for source in input::sources(path, stdin) {
                self.source(source, &mut report);
            }
        }
        report
    }

    /// Checks a text; `file` is what to call it.
    pub fn text(&self, file: &str, text: &str) -> Report {
        let mut report = Report::default();
        let source = input::Source {
            name: file.into(),
            text: Ok(text.into()),
            found: false,
        };
        self.source(source, &mut report);
        report
    }

    fn source(&self, source: input::Source, report: &mut Report) {
        let input::Source { name, text, found } = source;
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                report.unreadable.push(Unreadable {
                    file: name,
                    document: None,
                    line: None,
                    column: None,
                    message: error.to_string(),
                });
                return;
            }
        };
        for document in document::documents(&text) {
            match document {
                Ok(document) => match self.document(&name, found, document) {
                    Some(checked) => report.documents.push(checked),
                    None => report.skipped += 1,
                },
                // A folder may hold templates and other things of no concern.
                Err(broken) if found && !broken.names_ours => report.skipped += 1,
                Err(broken) => report.unreadable.push(Unreadable {
                    file: name.clone(),
                    document: Some(broken.number),
                    line: Some(broken.line),
                    column: Some(broken.column),
                    message: broken.message,
                }),
            }
        }
    }

    /// None for a document that is not of our kinds. `found`: the user did not
    /// name the file.
    fn document(&self, file: &str, found: bool, mut document: Document) -> Option<Checked> {
        let (kind, mut problems) = match kind::of(&document.value) {
            Meant::Ours(kind) => (Some(kind), Vec::new()),
            Meant::Nearly(kind, problem) => (Some(kind), vec![problem]),
            Meant::Unknown(problem) => (None, vec![problem]),
            Meant::Other => return None,
            // Kustomizations and values of charts lie in folders, too.
            Meant::None(_) if found => return None,
            Meant::None(problem) => (None, vec![problem]),
        };
        let mut warnings: Vec<String> = kind
            .and_then(|_| size::warning(&document.value))
            .into_iter()
            .collect();
        let metadata = document.value["metadata"].clone();
        let text = |field: &str| metadata[field].as_str().map(str::to_owned);
        let namespace = text("namespace");
        let name = text("name").or_else(|| text("generateName"));
        let said = document.value["kind"].as_str().map(str::to_owned);
        let mut body = None;
        if let Some(kind) = kind {
            self.content(kind, &mut document, &mut problems);
            if problems.is_empty() {
                warnings.extend(doubts::of(kind, &document.value));
            }
            if self.options.bodies && problems.is_empty() {
                let namespace = namespace.as_deref().unwrap_or(&self.options.namespace);
                let request =
                    operator::request(kind, &document.value, namespace, &self.options.naming);
                body = request.unwrap_or_else(|problem| {
                    problems.push(problem);
                    None
                });
            }
        }
        Some(Checked {
            place: Place {
                file: file.into(),
                document: document.number,
                item: document.item,
                line: document.line,
            },
            kind: said
                .or(kind.map(|kind| kind.name().into()))
                .unwrap_or_default(),
            namespace,
            name: name.unwrap_or_default(),
            problems,
            warnings,
            body,
        })
    }

    /// Adds what is wrong with the content; what the API server would not store
    /// is taken out of the document.
    fn content(&self, kind: Kind, document: &mut Document, problems: &mut Vec<Problem>) {
        let Some((_, schema, rules)) = self.kinds.iter().find(|(known, ..)| *known == kind) else {
            return;
        };
        let value = &mut document.value;
        let duplicates = document.duplicates.iter();
        problems.extend(duplicates.map(|path| Problem::duplicate(path)));
        problems.extend(schema::prune(value, schema));
        // A create does not take a status.
        if let Some(object) = value.as_object_mut() {
            object.remove("status");
        }
        let mut invalid = schema::validate(value, schema);
        invalid.extend(metadata::problems(&value["metadata"]));
        let blocked = invalid.iter().any(|problem| problem.blocks);
        invalid.extend(rules.broken(value, blocked));
        invalid.extend(size::problem(value));
        let taken = invalid.is_empty();
        problems.extend(invalid);
        problems.extend(operator::problems(kind, value, taken));
    }
}

#[cfg(test)]
mod tests;
