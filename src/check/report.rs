//! What was found, for people and for programs.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::api::Kind;

/// What came of a check.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The documents of our kinds, in the order of the files.
    pub documents: Vec<Checked>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// How many documents there were of other kinds, or in folders of none.
    pub skipped: usize,
}

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file; `-` for standard input.
    pub file: String,
    /// Which document of the file, from 1.
    pub document: usize,
    /// Which item of a document of kind List, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// The line where the document begins, or where it is broken, from 1.
    pub line: usize,
}

/// A document of one of our kinds.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// The kind that it gives, or seems to be.
    pub kind: String,
    /// The namespace that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Why it would be refused; empty when it would not be.
    pub problems: Vec<Problem>,
    /// What would be in the way of some, and is no reason to refuse it.
    pub warnings: Vec<String>,
    /// The body of CreateProject, where one was asked for and would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Map<String, Value>>,
}

/// A file or a document that could not be read.
#[derive(Debug, Serialize)]
pub struct Unreadable {
    /// The file; `-` for standard input.
    pub file: String,
    /// Which document of the file, from 1; none when the file is not to be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<usize>,
    /// Where in the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Where in the line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// Why.
    pub message: String,
}

impl Report {
    /// How many documents would be refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        let refused = |checked: &&Checked| !checked.problems.is_empty();
        self.documents.iter().filter(refused).count()
    }

    /// Whether there was nothing to check: no document of our kinds, and none
    /// that should have been one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.unreadable.is_empty()
    }

    /// 0: everything would be taken; 1: something would be refused; 2:
    /// something could not be read, or nothing was there to be checked.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match (self.unreadable.is_empty(), self.refused()) {
            (false, _) => 2,
            _ if self.is_empty() => 2,
            (true, 0) => 0,
            (true, _) => 1,
        }
    }

    /// One line for each problem and each warning, then the bodies.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.unreadable.iter().map(ToString::to_string).collect();
        for checked in &self.documents {
            let problems = checked.problems.iter();
            lines.extend(problems.map(|problem| format!("{checked}: {}", problem.message)));
            let warnings = checked.warnings.iter();
            lines.extend(warnings.map(|warning| format!("{checked}: warning: {warning}")));
        }
        for checked in &self.documents {
            if let Some(body) = &checked.body {
                lines.push(format!("# {checked}: CreateProject"));
                lines.push(format!("{:#}", Value::Object(body.clone())));
            }
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// The same as one JSON document.
    #[must_use]
    pub fn json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("a report is plain data");
        json + "\n"
    }

    /// One line that counts.
    #[must_use]
    pub fn summary(&self) -> String {
        if self.is_empty() {
            let kinds = Kind::ALL.map(Kind::name).join(" or ");
            let skipped = self.skipped;
            return format!(
                "nothing was checked: no document of kind {kinds}; {skipped} of other kinds skipped\n"
            );
        }
        let mut counts = vec![
            format!("{} checked", self.documents.len()),
            format!("{} refused", self.refused()),
        ];
        if !self.unreadable.is_empty() {
            counts.push(format!("{} unreadable", self.unreadable.len()));
        }
        counts.push(format!("{} of other kinds skipped", self.skipped));
        format!("{}\n", counts.join(", "))
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            file,
            document,
            item,
            line: _,
        } = &self.place;
        write!(f, "{file}:{document}")?;
        if let Some(item) = item {
            write!(f, "[{item}]")?;
        }
        let kind = if self.kind.is_empty() {
            "?"
        } else {
            &self.kind
        };
        write!(f, " ({kind} ")?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        let name = if self.name.is_empty() {
            "?"
        } else {
            &self.name
        };
        write!(f, "{name})")
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(document) = self.document {
            write!(f, ":{document}")?;
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ": line {line}, column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}
