//! `.github/`: what can be said of the workflows without running them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Name and text of each workflow.
fn workflows() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join(".github/workflows")).expect("a folder");
    let read = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).expect("a workflow");
        (entry.file_name().to_string_lossy().into_owned(), text)
    };
    let workflows: Vec<_> = folder.map(|entry| read(entry.expect("an entry"))).collect();
    assert!(workflows.len() >= 3);
    workflows
}

/// A tag can be moved; what it stood for when it was looked at cannot.
#[test]
fn every_action_is_named_by_its_commit() {
    for (name, text) in workflows() {
        let uses = text
            .lines()
            .filter_map(|line| line.trim().split_once("uses: "));
        for (_, action) in uses {
            let commit = action.split_once('@').map(|(_, commit)| commit);
            let commit = commit.and_then(|rest| rest.split_once(" # v"));
            let (commit, _) = commit.unwrap_or_else(|| panic!("{name}: {action}"));
            assert!(
                commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit()),
                "{name}: {action}"
            );
        }
    }
}

#[test]
fn a_workflow_may_read_and_a_job_says_what_more_it_needs() {
    for (name, text) in workflows() {
        let workflow: Value = serde_saphyr::from_str(&text).expect(&name);
        let permissions = serde_json::json!({"contents": "read"});
        assert_eq!(workflow["permissions"], permissions, "{name}");
        for (job, content) in workflow["jobs"].as_object().expect("jobs") {
            assert!(content["timeout-minutes"].is_u64(), "{name}: {job}");
        }
    }
}

/// Users check signatures against this file's name.
#[test]
fn the_documentation_names_the_workflow_that_signs() {
    let (name, text) = workflows()
        .into_iter()
        .find(|(_, text)| text.contains("cosign sign"))
        .expect("a workflow that signs");
    for page in ["docs/install.md", "deploy/flux/operator.yaml"] {
        let page_text = fs::read_to_string(root().join(page)).expect(page);
        let plain = page_text.replace('\\', "");
        assert!(
            plain.contains(&format!(".github/workflows/{name}@")),
            "{page} does not name {name}"
        );
    }
    let image = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("IMAGE: "));
    let install = fs::read_to_string(root().join("docs/install.md")).expect("docs/install.md");
    assert!(install.contains(image.expect("an image")));
}

/// What is typed to look at a signature has been fetched by then, and is what the release has.
#[test]
fn what_is_verified_is_downloaded_first() {
    let install = fs::read_to_string(root().join("docs/install.md")).expect("docs/install.md");
    let (before, after) = install
        .split_once("cosign verify-blob SHA256SUMS")
        .expect("the list of files is verified");
    let (_, signatures) = before.split_once("## Signatures").expect("the section");
    assert!(signatures.contains("    VERSION="), "{signatures}");
    let fetched = signatures.lines().find(|line| line.contains("curl "));
    let fetched = fetched.expect("a download");
    let release = fs::read_to_string(root().join(".github/workflows/release.yml"));
    let release = release.expect("release.yml");
    for file in ["SHA256SUMS", "SHA256SUMS.sigstore.json"] {
        assert!(
            fetched.split([' ', ';']).any(|word| word == file),
            "{fetched}"
        );
    }
    assert!(after.starts_with(" --bundle SHA256SUMS.sigstore.json"));
    assert!(release.contains("--bundle SHA256SUMS.sigstore.json SHA256SUMS"));
}

/// Who lets go of resources from his machine gets the binary from there.
#[test]
fn the_binary_that_is_downloaded_is_one_of_the_release() {
    let install = fs::read_to_string(root().join("docs/install.md")).expect("docs/install.md");
    let release = fs::read_to_string(root().join(".github/workflows/release.yml"));
    let release: Value = serde_saphyr::from_str(&release.expect("release.yml")).expect("YAML");
    let built = &release["jobs"]["image"];
    let copied = built["steps"].as_array().expect("steps").iter();
    let mut copied = copied.filter_map(|step| step["run"].as_str());
    assert!(copied.any(|script| script.contains("\"out/oms-operator-linux-$ARCH\"")));
    let builds = built["strategy"]["matrix"]["include"].as_array();
    let first = builds.expect("architectures")[0]["arch"].as_str();
    let name = format!("/oms-operator-linux-{}", first.expect("a name"));
    assert!(install.contains(&name), "docs/install.md has no {name}");
    for other in builds.into_iter().flatten().skip(1) {
        let other = format!("# or -{}", other["arch"].as_str().expect("a name"));
        assert!(install.contains(&other), "docs/install.md has no {other}");
    }
}

/// What nobody bumps stays behind without a word.
#[test]
fn every_go_module_is_kept_up_to_date() {
    let text = fs::read_to_string(root().join(".github/dependabot.yml")).expect("dependabot.yml");
    let settings: Value = serde_saphyr::from_str(&text).expect("YAML");
    let updates = settings["updates"].as_array().expect("updates").iter();
    let kept: Vec<&str> = updates
        .filter(|one| one["package-ecosystem"] == "gomod")
        .flat_map(|one| one["directories"].as_array().expect("directories"))
        .filter_map(Value::as_str)
        .collect();
    let mut modules = Vec::new();
    go_modules(&root().join("dev"), "/dev", &mut modules);
    assert!(modules.len() > 3, "{modules:?}");
    for module in modules {
        assert!(
            kept.contains(&module.as_str()),
            "dependabot leaves out {module}"
        );
    }
}

fn go_modules(folder: &Path, name: &str, out: &mut Vec<String>) {
    if folder.join("go.mod").exists() {
        out.push(name.to_owned());
    }
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            go_modules(&entry.path(), &name, out);
        }
    }
}

#[test]
fn a_version_with_a_hyphen_is_released_as_a_pre_release() {
    let (_, text) = workflows()
        .into_iter()
        .find(|(_, text)| text.contains("gh release create"))
        .expect("a workflow that releases");
    assert!(text.contains(r#"case "$VERSION" in *-*) kind=(--prerelease) ;; esac"#));
    assert!(text.contains(r#"gh release create "$TAG" out/* --verify-tag "${kind[@]}""#));
}
