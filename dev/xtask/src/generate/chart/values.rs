//! Reads `values.yaml` together with its comments, of which the README and the schema are made.
//!
//! A documented value has a comment `# -- …`, which may go on in lines that begin with `# `, and perhaps a line
//! `# @schema …` with JSON Schema. Everything below a documented value belongs to it. Every other key only
//! groups. `# @section -- …` is a heading of the README.

use anyhow::{Context, bail, ensure};
use serde_json::Value;

/// What the file says.
#[derive(Debug)]
pub struct Values {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// One documented value.
#[derive(Debug)]
pub struct Entry {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// The heading that it stands under.
    pub section: String,
    /// What it is for.
    pub words: String,
    /// What it may be, beside what follows from the default.
    pub schema: Value,
    /// What it is unless set.
    pub default: Value,
}

/// A comment on its way to the key below it.
#[derive(Default)]
struct Comment {
    words: Option<String>,
    schema: Option<Value>,
}

impl Values {
    /// Of the text of `values.yaml`.
    pub fn parse(text: &str) -> anyhow::Result<Values> {
        let defaults: Value = serde_saphyr::from_str(text).context("it is not YAML")?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut section = None;
        let mut comment = Comment::default();
        // The keys above the line at hand, with their indentation.
        let mut above: Vec<(usize, &str)> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let content = line.trim_start();
            let indent = line.len() - content.len();
            if let Some(remark) = content.strip_prefix("# ") {
                comment
                    .take(remark, &mut section)
                    .with_context(|| format!("line {number}"))?;
                continue;
            }
            let Some((key, rest)) = content.split_once(':') else {
                continue;
            };
            if content.starts_with(['-', '#']) {
                continue;
            }
            above.retain(|(depth, _)| *depth < indent);
            let path: Vec<String> = above
                .iter()
                .map(|(_, key)| *key)
                .chain([key])
                .map(str::to_owned)
                .collect();
            if let Some(owner) = entries.last()
                && path.starts_with(&owner.path)
            {
                ensure!(
                    path != owner.path,
                    "line {number}: {} is there twice",
                    path.join(".")
                );
                continue;
            }
            above.push((indent, key));
            let Comment { words, schema } = std::mem::take(&mut comment);
            match words {
                Some(words) => entries.push(Entry {
                    section: section
                        .clone()
                        .with_context(|| format!("line {number}: no # @section above"))?,
                    words,
                    schema: schema.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
                    default: at(&defaults, &path)
                        .with_context(|| format!("line {number} is read as another key"))?
                        .clone(),
                    path,
                }),
                None if rest.trim().is_empty() => {}
                None => bail!(
                    "line {number}: {} has no comment `# -- …`: say what it is for",
                    path.join(".")
                ),
            }
        }
        Ok(Values { entries })
    }
}

impl Comment {
    /// Takes in one line of a comment.
    fn take(&mut self, remark: &str, section: &mut Option<String>) -> anyhow::Result<()> {
        if let Some(name) = remark.strip_prefix("@section -- ") {
            *section = Some(name.to_owned());
        } else if let Some(schema) = remark.strip_prefix("@schema ") {
            self.schema = Some(serde_json::from_str(schema).context("@schema is not JSON")?);
        } else if let Some(words) = remark.strip_prefix("-- ") {
            self.words = Some(words.to_owned());
        } else if let Some(words) = &mut self.words {
            words.push(' ');
            words.push_str(remark);
        }
        Ok(())
    }
}

fn at<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "\
# A head that nobody reads.

# @section -- First
a:
  # -- Of two
  # lines.
  # @schema {\"minimum\": 1}
  b: 3
# -- A map.
c:
  d:
    e: [1]
# @section -- Second
# -- A text: with a colon.
f: \"x: y\"
";

    #[test]
    fn values_have_their_words_section_bounds_and_defaults() {
        let values = Values::parse(TEXT).unwrap();
        let found: Vec<_> = values
            .entries
            .iter()
            .map(|entry| (entry.path.join("."), entry.words.as_str(), &*entry.section))
            .collect();
        assert_eq!(
            found,
            [
                ("a.b".to_owned(), "Of two lines.", "First"),
                ("c".to_owned(), "A map.", "First"),
                ("f".to_owned(), "A text: with a colon.", "Second"),
            ]
        );
        assert_eq!(values.entries[0].schema, json!({"minimum": 1}));
        assert_eq!(values.entries[1].default, json!({"d": {"e": [1]}}));
    }

    #[test]
    fn a_value_without_a_comment_is_refused() {
        let error = Values::parse("# @section -- S\na:\n  b: 1\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 3: a.b has no comment"));
    }
}
