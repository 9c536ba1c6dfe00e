use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use super::*;

fn checker() -> Checker {
    Checker::new(Options {
        namespace: "default".into(),
        naming: Naming::default(),
        bodies: true,
    })
    .unwrap()
}

fn check(text: &str) -> Report {
    checker().text("a.yaml", text)
}

/// The lines of the report.
fn lines(text: &str) -> Vec<String> {
    let report = check(text);
    report.text().lines().map(str::to_owned).collect()
}

/// What is wrong with the one document of a text.
fn problems(text: &str) -> Vec<String> {
    let report = check(text);
    assert!(report.unreadable.is_empty(), "{}", report.text());
    let [checked] = report.documents.as_slice() else {
        panic!("{report:?}");
    };
    let problems = checked.problems.iter();
    problems.map(|problem| problem.message.clone()).collect()
}

const CONNECTION: &str = "apiVersion: oms.oceanbase.com/v1alpha1
kind: OMSConnection
metadata: {name: oms}
spec: {url: 'https://oms.example.com:8089', credentialsSecretRef: {name: oms}}
";

/// A connection with other lines for its spec.
fn connection(spec: &str) -> String {
    CONNECTION.replace(
        "spec: {url: 'https://oms.example.com:8089', credentialsSecretRef: {name: oms}}\n",
        spec,
    )
}

/// A phase, so that there is something to do.
const FULL: &str =
    "    enableFullTransfer: true\n    fullTransferConfig: {fullTransferSpeedMode: NORMAL}\n";

/// A project with `more` lines in its spec and in its request.
fn project(more: &str, request: &str) -> String {
    format!(
        "apiVersion: oms.oceanbase.com/v1alpha1
kind: MigrationProject
metadata: {{name: orders, namespace: shop}}
spec:
{more}
  project:
{request}
    type: MIGRATION
    sourceEndpointId: e_1
    sinkEndpointId: e_2
    transferMapping: {{mode: WILDCARD}}
"
    )
}

#[test]
fn a_good_document_has_no_problem_and_a_body() {
    let report = check(&project("", ""));
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.refused(), 0);
    let body = report.documents[0].body.as_ref().unwrap();
    assert_eq!(body["name"], "shop.orders");
    assert_eq!(body["enableFullTransfer"], false);
}

#[test]
fn a_data_source_by_name_stands_in_the_body_as_words() {
    let text = project("  sourceEndpointRef: {name: mysql-prod}", "")
        .replace("    sourceEndpointId: e_1\n", "");
    let body = check(&text).documents.remove(0).body.unwrap();
    assert_eq!(
        body["sourceEndpointId"],
        "<id of the data source \"mysql-prod\">"
    );
    assert_eq!(body["sinkEndpointId"], "e_2");
}

#[test]
fn nothing_is_sent_for_a_project_that_is_taken_over_and_none_for_a_refused_one() {
    for text in [
        project("  adopt: {projectId: np_1}", ""),
        project("  adopt: {byName: true}", ""),
        project("  stat: Running", ""),
    ] {
        assert_eq!(check(&text).documents[0].body, None, "{text}");
    }
}

#[test]
fn the_namespace_and_the_pattern_make_the_name() {
    let checker = Checker::new(Options {
        namespace: "team".into(),
        naming: "k8s-{namespace}-{name}".parse().unwrap(),
        bodies: true,
    })
    .unwrap();
    let text = project("", "").replace(", namespace: shop", "");
    let report = checker.text("a.yaml", &text);
    let body = report.documents[0].body.as_ref().unwrap();
    assert_eq!(body["name"], "k8s-team-orders");
}

#[test]
fn every_fault_of_a_document_is_said_each_in_one_line() {
    let text = project(
        "  stat: Running\n  extraProperties: {name: x, fullTransferConfig: 5}",
        "    enableFullTransfer: yes\n    name: a b\n    labelIds: null\n    importance: URGENT",
    )
    .replace("shop", "Shop_");
    let prefix = "a.yaml:1 (MigrationProject Shop_/orders): ";
    let found: Vec<String> = lines(&text)
        .into_iter()
        .map(|line| line.strip_prefix(prefix).unwrap_or_default().to_owned())
        .collect();
    let begins = [
        "unknown field \"spec.stat\"; did you mean \"state\"?",
        "spec.project.importance: Unsupported value: \"URGENT\": supported values: \"IGNORE\"",
        "metadata.namespace: Invalid value: \"Shop_\": a lowercase RFC 1123 label must",
        "spec.project.fullTransferConfig.fullTransferSpeedMode: Required value: fullTransfer",
        "spec.project.name: Invalid value: project.name must not contain spaces or control characters",
        "spec.extraProperties.fullTransferConfig: must be an object",
        "spec.extraProperties.name: is a field that spec.project knows: set spec.project.name",
    ];
    assert_eq!(found.len(), begins.len(), "{found:#?}");
    for begin in begins {
        assert!(
            found.iter().any(|line| line.starts_with(begin)),
            "{begin}\n{found:#?}"
        );
    }
}

#[test]
fn a_field_out_of_place_is_told_its_place() {
    let text = project(
        "  type: MIGRATION\n  nmae: x\n  sourceEndpointId: e_1",
        "    throttle: 5\n    fullTransferConfig: {rps: 5}",
    );
    assert_eq!(
        problems(&text),
        [
            "unknown field \"spec.nmae\"",
            "unknown field \"spec.project.fullTransferConfig.rps\"; a field of OMS that this version does not know \
             goes into spec.extraProperties.fullTransferConfig.rps",
            "unknown field \"spec.project.throttle\"; a field of OMS that this version does not know goes into \
             spec.extraProperties.throttle",
            "unknown field \"spec.sourceEndpointId\"; did you mean spec.project.sourceEndpointId?",
            "unknown field \"spec.type\"; did you mean spec.project.type?",
        ]
    );
}

#[test]
fn fields_given_twice_are_named_in_yaml_and_in_json() {
    let yaml = project("  state: Running\n  state: Created", "    type: SYNC");
    let json = r#"{"apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "OMSConnection",
        "metadata": {"name": "a", "name": "oms"}, "spec": {"credentialsSecretRef": {"name": "oms"},
        "url": "http://a", "formerUrls": ["http://b"], "url": "https://a"}}"#;
    assert_eq!(
        problems(&yaml),
        [
            "duplicate field \"spec.state\"",
            "duplicate field \"spec.project.type\""
        ]
    );
    assert_eq!(
        problems(json),
        [
            "duplicate field \"metadata.name\"",
            "duplicate field \"spec.url\""
        ]
    );
}

#[test]
fn broken_text_is_told_by_line_and_column_of_the_file_and_hides_no_neighbour() {
    let text = format!("# first\n---\na: [b\nc: d\n---\n{CONNECTION}---\n{{\"a\":\n  b\n");
    let report = check(&text);
    assert_eq!(report.documents.len(), 1, "{report:?}");
    assert_eq!(report.documents[0].place.document, 2);
    assert_eq!(report.documents[0].place.line, 5);
    assert_eq!(report.exit_code(), 2);
    let [yaml, json] = report.unreadable.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((yaml.document, yaml.line), (Some(1), Some(4)));
    assert!(yaml.column.is_some());
    assert_eq!(
        (json.document, json.line, json.column),
        (Some(3), Some(12), Some(3)),
        "{json}"
    );
    assert_eq!(
        json.to_string(),
        "a.yaml:3: line 12, column 3: expected value"
    );
}

#[test]
fn what_yaml_1_1_reads_otherwise_is_read_as_kubectl_reads_it() {
    let text = project("", "    enableIncrTransfer: yes\n    enableFullVerify: off");
    let body = check(&text).documents.remove(0).body.unwrap();
    assert_eq!(body["enableIncrTransfer"], true);
    assert_eq!(body["enableFullVerify"], false);
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let text = connection(
        "x-common: &common {name: oms}\nspec:\n  url: https://a\n  credentialsSecretRef: {<<: *common}\n",
    );
    assert_eq!(problems(&text), ["unknown field \"x-common\""]);
}

#[test]
fn a_list_is_taken_apart_and_other_kinds_are_counted() {
    let item = "\n- apiVersion: oms.oceanbase.com/v1alpha1
  kind: OMSConnection
  metadata: {name: oms}
  spec: {url: https://a, url: https://b}";
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Secret}}{item}\n"
    );
    let report = check(&text);
    assert_eq!(report.skipped, 2);
    assert_eq!(
        report.text(),
        "a.yaml:2[1] (OMSConnection oms): duplicate field \"spec.url\"\n\
         a.yaml:2[1] (OMSConnection oms): spec.credentialsSecretRef: Required value\n"
    );
    assert_eq!(
        report.summary(),
        "1 checked, 1 refused, 2 of other kinds skipped\n"
    );
}

#[test]
fn a_wrong_group_version_or_kind_is_refused_with_the_right_one() {
    let first = |text: &str| problems(text).remove(0);
    let with = |api_version: &str, kind: &str| {
        let text = CONNECTION.replace("oms.oceanbase.com/v1alpha1", api_version);
        text.replace("OMSConnection", kind)
    };
    assert_eq!(
        first(&with("oms.oceanbase.com/v1", "OMSConnection")),
        "apiVersion: no matches for kind \"OMSConnection\" in version \"oms.oceanbase.com/v1\"; \
         did you mean oms.oceanbase.com/v1alpha1?"
    );
    assert_eq!(
        first(&with("oms.oceanbase.com/v1alpha1", "OmsConection")),
        "kind: no matches for kind \"OmsConection\" in version \"oms.oceanbase.com/v1alpha1\"; \
         did you mean OMSConnection in oms.oceanbase.com/v1alpha1?"
    );
    assert!(first(&with("oms.oceanbase.org/v1alpha1", "OMSConnections")).starts_with("kind: "));
    let stranger = with("oms.oceanbase.com/v1alpha1", "Cluster");
    assert_eq!(
        problems(&stranger),
        [
            "kind: no matches for kind \"Cluster\" in version \"oms.oceanbase.com/v1alpha1\"; \
             the kinds are OMSConnection or MigrationProject"
        ]
    );
    let nameless = CONNECTION.replace("apiVersion: oms.oceanbase.com/v1alpha1\n", "");
    assert_eq!(
        first(&nameless),
        "apiVersion: Required value: did you mean oms.oceanbase.com/v1alpha1?"
    );
    for (api_version, kind) in [
        ("oceanbase.oceanbase.com/v1alpha1", "OBCluster"),
        ("v1", "Secret"),
        ("example.com/v1", "Migration"),
    ] {
        let report = check(&with(api_version, kind));
        assert_eq!((report.skipped, report.documents.len()), (1, 0), "{kind}");
    }
}

#[test]
fn a_name_of_another_type_is_said_once() {
    assert_eq!(
        problems(&CONNECTION.replace("{name: oms}\nspec", "{name: 5}\nspec")),
        [
            "metadata.name: Invalid value: \"integer\": metadata.name in body must be of type string: \"integer\""
        ]
    );
}

#[test]
fn what_only_the_operator_refuses_is_refused() {
    let spec = "spec:\n  url: https://oms.example.com:99999\n  credentialsSecretRef: {name: oms}\n  \
        formerUrls: ['http://a', 'http://b c']\n  allowedNamespaces:\n    from: Selector\n    \
        selector: {matchExpressions: [{key: a, operator: In}]}\n";
    let found = problems(&connection(spec));
    assert!(found[0].starts_with("spec.formerUrls"), "{found:#?}");
    let spec = spec.replace("b c", "b");
    let found = problems(&connection(&spec));
    assert!(
        found[0].starts_with("spec.url: the URL cannot be understood"),
        "{found:#?}"
    );
    assert!(
        found[1].starts_with("spec.allowedNamespaces.selector: it matches no namespace"),
        "{found:#?}"
    );
}

#[test]
fn standard_input_files_and_folders_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let paths = [PathBuf::from("-"), folder, PathBuf::from("/no/such/file")];
    let report = checker().run(
        &paths,
        &mut Cursor::new(CONNECTION.replace("spec:", "spce:")),
    );
    assert_eq!(report.documents[0].place.file, "-");
    assert_eq!(report.documents[0].problems.len(), 2);
    assert!(report.documents.len() > 4, "{report:?}");
    assert_eq!(report.refused(), 1, "{}", report.text());
    assert_eq!(report.unreadable.len(), 1);
    assert_eq!(report.exit_code(), 2);
}

#[test]
fn in_a_folder_only_what_names_our_kinds_has_to_be_readable() {
    let broken = |text: &str, found: bool| {
        let mut report = Report::default();
        let source = input::Source {
            name: "a.yaml".into(),
            text: Ok(text.into()),
            found,
        };
        checker().source(source, &mut report);
        report.exit_code()
    };
    let template = "kind: Deployment\nspec: {{ .Values.spec }}: [";
    let beside = |text: &str| format!("{CONNECTION}---\n{text}");
    assert_eq!(broken(&beside(template), true), 0);
    assert_eq!(broken(&beside(template), false), 2);
    let ours = template.replace("Deployment", "MigrationProject");
    assert_eq!(broken(&ours, true), 2);
}

#[test]
fn whole_numbers_with_a_fraction_or_an_exponent_reach_the_body_as_the_server_stores_them() {
    for (hours, stored) in [("1.0", 1), ("1e3", 1000), ("87.60e2", 8760)] {
        let request = format!("    incrTransferConfig: {{storeLogKeptHour: {hours}}}");
        let text = project("  extraProperties: {more: 2.0, half: 0.5}", &request);
        let checked = check(&text).documents.remove(0);
        assert_eq!(checked.problems, [], "{hours}");
        let body = checked.body.unwrap();
        assert_eq!(
            body["incrTransferConfig"]["storeLogKeptHour"],
            json!(stored)
        );
        assert_eq!((&body["more"], &body["half"]), (&json!(2), &json!(0.5)));
    }
    for hours in ["8761.0", "1e17", "1.5", "-1.0"] {
        let request = format!("    incrTransferConfig: {{storeLogKeptHour: {hours}}}");
        assert_ne!(problems(&project("", &request)), [""; 0], "{hours}");
    }
}

#[test]
fn what_the_operator_cannot_read_is_said() {
    // The schema refuses it; here it is as if it did not.
    let project = json!({ "metadata": { "name": "a" }, "spec": {
        "project": { "incrTransferConfig": { "storeLogKeptHour": 1.5 } } } });
    let connection = json!({ "metadata": { "name": "a" }, "spec": {} });
    for (kind, object) in [
        (Kind::MigrationProject, &project),
        (Kind::OMSConnection, &connection),
    ] {
        let found = operator::problems(kind, object, true);
        let [problem] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(problem.message.contains("cannot read it"), "{problem:?}");
        assert_eq!(operator::problems(kind, object, false), []);
    }
    let kind = Kind::MigrationProject;
    let body = operator::request(kind, &project, "default", &Naming::default());
    assert!(body.unwrap_err().message.contains("cannot read it"));
}

#[test]
fn what_will_hardly_be_meant_is_taken_with_a_warning() {
    let warnings = |spec: &str, request: &str| {
        let report = check(&project(spec, request));
        assert_eq!(report.exit_code(), 0, "{}", report.text());
        report.documents[0].warnings.clone()
    };
    assert_eq!(warnings("", FULL), Vec::<String>::new());
    let just = format!("{FULL}    name: {}\n", "x".repeat(64));
    assert_eq!(warnings("", &just), Vec::<String>::new());
    let long = format!("{FULL}    name: {}\n", "x".repeat(65));
    let retry = "  retry: {maxAttempts: 2, initialDelay: 2h}";
    let padded = "  adopt: {projectId: 'np_1 '}";
    for (spec, request, expected) in [
        ("", long.as_str(), "spec.project.name: it has 65 characters"),
        ("", "", "spec.project: all of enableStructTransfer"),
        (
            "",
            "    enableIncrTransfer: false\n",
            "spec.project: all of",
        ),
        (
            retry,
            FULL,
            "spec.retry: initialDelay (7200 s) is longer than maxDelay (3600 s)",
        ),
        (padded, FULL, "spec.adopt.projectId: \"np_1 \""),
    ] {
        let said = warnings(spec, request);
        assert!(
            said.len() == 1 && said[0].starts_with(expected),
            "{expected}: {said:?}"
        );
    }
    // What is taken over is there already, whatever its description says.
    let adopts = "  adopt: {projectId: np_1}";
    assert_eq!(warnings(adopts, ""), Vec::<String>::new());
}

#[test]
fn what_is_too_large_is_refused_or_warned_of() {
    // A field of this size, in bytes.
    let of = |size: usize| {
        let words = "x".repeat(size);
        check(&project(
            &format!("  extraProperties: {{more: {words}}}"),
            FULL,
        ))
    };
    let small = of(200 * 1024);
    assert_eq!(
        (small.exit_code(), small.documents[0].warnings.len()),
        (0, 0)
    );
    let large = of(300 * 1024);
    assert_eq!(large.exit_code(), 0);
    let line = large.text().lines().next().unwrap().to_owned();
    assert!(
        line.starts_with("a.yaml:1 (MigrationProject shop/orders): warning: kubectl apply"),
        "{line}"
    );
    let huge = of(1536 * 1024);
    assert_eq!(huge.exit_code(), 1);
    let text = huge.text();
    assert!(text.contains("orders): Too large: "), "{text}");
    assert!(text.contains("at most 1572864"), "{text}");
}

#[test]
fn the_copy_that_kubectl_keeps_does_not_count_and_other_annotations_do() {
    let manifest = |size: usize, annotation: &str, bytes: usize| {
        json!({
            "metadata": { "annotations": { annotation: "x".repeat(bytes) } },
            "spec": "x".repeat(size),
        })
    };
    const LAST: &str = "kubectl.kubernetes.io/last-applied-configuration";
    let kib = 1024;
    assert_eq!(size::warning(&manifest(200 * kib, LAST, 200 * kib)), None);
    // It stands in the annotation, and once more within the manifest in the other.
    assert_eq!(size::warning(&manifest(10 * kib, "a", 100 * kib)), None);
    assert!(size::warning(&manifest(10 * kib, "a", 127 * kib)).is_some());
    assert!(size::warning(&manifest(257 * kib, LAST, 1)).is_some());
}

#[test]
fn a_check_of_nothing_is_not_green() {
    for text in ["", "# only words\n---\n", "kind: List\nitems: []\n"] {
        let report = check(text);
        assert_eq!(report.exit_code(), 2, "{text}");
        assert!(report.summary().starts_with("nothing was checked: "));
    }
    let others = check("apiVersion: v1\nkind: Secret\n");
    assert_eq!(others.exit_code(), 2);
    assert_eq!(
        others.summary(),
        "nothing was checked: no document of kind OMSConnection or MigrationProject; 1 of other kinds skipped\n"
    );
    // One that is checked is enough.
    let both = check(&format!("apiVersion: v1\nkind: Secret\n---\n{CONNECTION}"));
    assert_eq!(both.exit_code(), 0);
    let no_manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check");
    let report = checker().run(&[no_manifests], &mut Cursor::new(""));
    assert_eq!(report.exit_code(), 2);
}

#[test]
fn what_says_neither_kind_nor_version_is_refused_where_it_is_named() {
    let run = |text: &str, found: bool| {
        let mut report = Report::default();
        let text = Ok(format!("{CONNECTION}---\n{text}"));
        let name = "a.yaml".into();
        checker().source(input::Source { name, text, found }, &mut report);
        (report.exit_code(), report.skipped, report.text())
    };
    for (text, words) in [
        ("a: b", "it has neither apiVersion nor kind"),
        ("[a, b]", "the document is a list"),
        ("just words", "the document is a text"),
        ("5", "the document is a single value"),
        (
            "{apiversion: apps/v1, Kind: Deployment}",
            "\"apiVersion\" instead of \"apiversion\" and \"kind\" instead of \"Kind\"?",
        ),
    ] {
        let (code, skipped, said) = run(text, false);
        assert_eq!((code, skipped), (1, 0), "{text}");
        assert!(said.starts_with("a.yaml:2 (? ?): no resource: "), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(run(text, true), (0, 1, String::new()), "{text}");
    }
    // What is ours but for its keys is told in folders, too.
    let cased = CONNECTION.replace("apiVersion", "apiversion");
    let both = cased.replace("kind", "KIND");
    let kind = CONNECTION.replace("kind", "Kind");
    let list = "[{apiVersion: oms.oceanbase.com/v1alpha1, kind: OMSConnection}]";
    for (text, words) in [
        (&*cased, "\"apiVersion\" instead of \"apiversion\"?"),
        (&both, "and \"kind\" instead of \"KIND\"?"),
        (
            &kind,
            "no resource; did you mean \"kind\" instead of \"Kind\"?",
        ),
        (list, "under items of a List"),
    ] {
        for found in [false, true] {
            let (code, skipped, said) = run(text, found);
            assert_eq!((code, skipped), (1, 0), "{text}");
            assert!(said.contains(words), "{said}");
        }
    }
}

#[test]
fn no_secret_is_repeated() {
    let spec = "spec:\n  url: https://admin:hunter2@oms.example.com\n  credentialsSecretRef: {name: oms}\n  \
        formerUrls: ['https://admin:hunter2@oms.example.com', 5]\n  password: hunter2\n";
    let secret =
        "---\nkind: Secret\nstringData: {password: hunter2}\n---\nkind: Secret\ndata: 'hunter2\n";
    let report = check(&format!("{}{secret}", connection(spec)));
    assert!(report.refused() == 1 && report.unreadable.len() == 1);
    for text in [report.text(), report.json()] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn every_published_rule_is_evaluated_and_broken_by_a_fixture() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/invalid");
    let report = checker().run(&[folder], &mut Cursor::new(""));
    let said: Vec<&str> = report
        .documents
        .iter()
        .flat_map(|checked| &checked.problems)
        .map(|problem| problem.message.as_str())
        .collect();
    let mut count = 0;
    for kind in Kind::ALL {
        for message in messages(&kind.schema()) {
            assert!(
                said.iter().any(|said| said.ends_with(message.as_str())),
                "no fixture breaks the rule of {kind:?}: {message}"
            );
            count += 1;
        }
    }
    assert!(count >= 18, "only {count} rules");
}

/// The messages of the rules of a schema that are no transition rules.
fn messages(node: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match node {
        Value::Object(object) => {
            for rule in object
                .get("x-kubernetes-validations")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if !rule["rule"].as_str().unwrap().contains("oldSelf") {
                    found.insert(rule["message"].as_str().unwrap().to_owned());
                }
            }
            object
                .values()
                .for_each(|child| found.extend(messages(child)));
        }
        Value::Array(items) => items.iter().for_each(|child| found.extend(messages(child))),
        _ => {}
    }
    found
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_an_error() {
    let schema = |rule: Value| json!({ "type": "object", "x-kubernetes-validations": [rule] });
    for (rule, why) in [
        (json!({"rule": "self.a ==", "message": "m"}), "cannot"),
        (
            json!({"rule": "self.__type__ == 1", "message": "m"}),
            "escaped",
        ),
        (
            json!({"rule": "true", "messageExpression": "'a'"}),
            "messageExpression",
        ),
        (
            json!({"rule": "true", "reason": "FieldValueDuplicate"}),
            "FieldValueDuplicate",
        ),
    ] {
        let error = Rules::compile(&schema(rule)).err().unwrap().to_string();
        assert!(error.contains(why), "{error}");
    }
    // What can only be known at the value is said there, not passed over.
    let schema = schema(json!({"rule": "noSuchFunction(self.a)", "message": "m"}));
    let rules = Rules::compile(&schema).unwrap();
    assert_eq!(rules.broken(&json!({ "a": 1 }), false).len(), 1);
}

#[test]
fn the_schemas_hold_no_word_that_the_walk_does_not_know() {
    fn walk(node: &Value, path: &str) {
        let known = [
            "additionalProperties",
            "description",
            "enum",
            "format",
            "items",
            "maxItems",
            "maxLength",
            "maxProperties",
            "maximum",
            "minLength",
            "minimum",
            "pattern",
            "properties",
            "required",
            "type",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-validations",
        ];
        for key in node.as_object().unwrap().keys() {
            assert!(known.contains(&key.as_str()), "{path}: {key}");
        }
        // Their range is that of the bounds, which are always there.
        let format = node["format"].as_str().unwrap_or("int64");
        assert!(format.starts_with("int"), "{path}: {format}");
        for (name, child) in node["properties"].as_object().into_iter().flatten() {
            walk(child, &format!("{path}.{name}"));
        }
        for key in ["items", "additionalProperties"] {
            if let Some(child) = node.get(key) {
                walk(child, &format!("{path}[]"));
            }
        }
    }
    for kind in Kind::ALL {
        // The status is not checked.
        walk(&kind.schema()["properties"]["spec"], "spec");
    }
}
