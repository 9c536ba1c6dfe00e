//! What the documentation says that can be tried.

use std::fs;
use std::path::{Path, PathBuf};

use oms_harness::ControlPlane;
use oms_operator::api::v1alpha1::{ConditionType, DeletionPolicy, OnDeletionTimeout, Reason};
use oms_operator::api::{Kind, crds_yaml};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every page, from the root on.
fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    for folder in [
        "",
        "docs",
        "docs/decisions",
        "docs/reference",
        "dev/harness",
        "dev/simulator",
        "examples",
        "charts/oms-operator",
        "deploy/argocd",
    ] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".md") {
                pages.push(Path::new(folder).join(&*name).display().to_string());
            }
        }
    }
    assert!(pages.len() > 10, "{pages:?}");
    pages
}

/// What stands between `[…](` and `)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://"))
}

/// A heading as it is linked to.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = Path::new(&page).parent().expect("a folder");
            let target = match file {
                "" => PathBuf::from(&page),
                file => folder.join(file),
            };
            assert!(
                root().join(&target).exists(),
                "{page} links to {link}, which is not there"
            );
            if !heading.is_empty() {
                let text = read(&target.display().to_string());
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line) == heading),
                    "{page} links to {link}, which has no such heading"
                );
            }
        }
    }
}

#[test]
fn every_reason_in_the_safety_page_is_one_that_the_operator_gives() {
    let text = read("docs/safety.md");
    let section = text
        .split("\n## ")
        .find(|one| one.starts_with("When a resource waits"));
    let text = section.expect("a section of its own");
    let known: Vec<&str> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    let rows: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(rows.len() > 5, "{rows:?}");
    for reason in rows {
        assert!(known.contains(&reason), "there is no reason {reason}");
    }
}

#[test]
fn the_safety_page_tells_what_each_deletion_policy_destroys() {
    let text = read("docs/safety.md");
    let section = text
        .split("\n### ")
        .find(|section| section.starts_with("What deleting a resource destroys"))
        .expect("a section of its own");
    for policy in DeletionPolicy::ALL {
        let row = format!("\n| `{}`", policy.as_str());
        assert!(section.contains(&row), "{policy:?} has no row");
    }
    for at_the_end in [OnDeletionTimeout::Abandon, OnDeletionTimeout::Block] {
        let word = format!("`{at_the_end:?}`");
        assert!(section.contains(&word), "{word} is not told");
    }
    for field in ["allowedDeletionPolicies", "deletionTimeout"] {
        assert!(section.contains(field), "{field} is not told");
    }
}

#[test]
fn every_word_to_look_for_when_in_trouble_is_one_that_the_operator_says() {
    let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
    let types = ConditionType::ALL.iter().map(|type_| type_.as_str());
    let known: Vec<&str> = reasons.chain(types).collect();
    let text = read("docs/troubleshooting.md");
    let symptoms = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let mut seen = 0;
    for symptom in symptoms {
        let words = symptom.split('`').skip(1).step_by(2);
        let is_word = |word: &&str| {
            word.starts_with(|letter: char| letter.is_ascii_uppercase())
                && word.chars().all(|letter| letter.is_ascii_alphanumeric())
        };
        for word in words.filter(is_word) {
            assert!(known.contains(&word), "nothing says {word}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}

/// Reasons for which nobody looks for help: what goes its way, what was asked for,
/// and what only repeats another condition.
const NO_TROUBLE: [Reason; 23] = [
    Reason::Recreating,
    Reason::Starting,
    Reason::Running,
    Reason::Resuming,
    Reason::Paused,
    Reason::Created,
    Reason::Finished,
    Reason::InProgress,
    Reason::Succeeded,
    Reason::PrecheckPassed,
    Reason::FullCopied,
    Reason::Verified,
    Reason::InSync,
    Reason::NotCompared,
    Reason::LagWithinLimit,
    Reason::Releasing,
    Reason::Connected,
    Reason::ProjectCreated,
    Reason::ProjectPaused,
    Reason::ProjectResumed,
    Reason::ProjectReleased,
    Reason::ProjectDeleted,
    Reason::ProjectAdopted,
];

#[test]
fn every_reason_of_a_trouble_is_in_troubleshooting() {
    let text = read("docs/troubleshooting.md");
    let is_told = |reason: &Reason| text.contains(&format!("`{reason}`"));
    let troubles = Reason::ALL.iter().filter(|one| !NO_TROUBLE.contains(one));
    let missing: Vec<_> = troubles.filter(|one| !is_told(one)).collect();
    assert!(missing.is_empty(), "no word on {missing:?}");
}

#[test]
fn every_decision_is_in_the_index() {
    let index = read("docs/decisions/README.md");
    for page in pages() {
        if let Some(name) = page.strip_prefix("docs/decisions/0") {
            assert!(index.contains(name), "{page} is not in the index");
        }
    }
}

#[tokio::test]
async fn the_resources_in_the_readme_are_accepted() {
    let control_plane = ControlPlane::shared();
    for kind in Kind::ALL {
        let definition = crds_yaml(kind);
        control_plane.apply_yaml(&definition).await.expect("a CRD");
    }
    let readme = read("README.md");
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the README shows no resource");
    let namespace = control_plane.namespace("docs").await.expect("a namespace");
    for block in blocks {
        let applied = control_plane.apply_yaml_in(&namespace, block).await;
        let applied = applied.unwrap_or_else(|error| panic!("{error:#} in\n{block}"));
        assert!(!applied.is_empty(), "no object in\n{block}");
    }
}
