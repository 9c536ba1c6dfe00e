// Package gitops holds what the operator leaves behind in a cluster against
// the library by which Argo CD decides whether a resource differs from Git.
package gitops

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/argoproj/gitops-engine/pkg/diff"
	openapi "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/util/proto"
)

const (
	// Set by cargo xtask test; else where `cargo test --test it examples` has left them.
	folderVariable = "OMS_GITOPS_RECORDS"
	folderElse     = "../../target/tmp/gitops"
	// Each example has a resource at least, applied either way.
	atLeast = 26
)

// A record is written by tests/it/gitops.rs.
type record struct {
	How       string
	Manager   string
	Manifest  map[string]any
	Live      map[string]any
	Predicted map[string]any
}

// predicted answers for the API server: what it would make of the manifest now.
type predicted string

func (p predicted) Run(context.Context, *unstructured.Unstructured, string) (string, error) {
	return string(p), nil
}

func TestNoExampleDiffersFromGitAfterTheOperatorWasAtWork(t *testing.T) {
	schemas := readSchemas(t)
	seen := map[string]int{}
	for _, file := range files(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			one := read(t, file)
			seen[one.How]++
			for how, options := range one.options(t, schemas) {
				if result := compare(t, one, options); result.Modified {
					t.Errorf("%s: Argo CD would say OutOfSync\nlive:     %s\nexpected: %s",
						how, result.NormalizedLive, result.PredictedLive)
				}
			}
		})
	}
	for _, how := range []string{"ClientSide", "ServerSide"} {
		if seen[how] < atLeast/2 {
			t.Errorf("only %d resources were applied %s", seen[how], how)
		}
	}
}

// A comparison that sees nothing would pass the test above.
func TestADifferenceIsSeen(t *testing.T) {
	schemas := readSchemas(t)
	for _, file := range files(t) {
		one := read(t, file)
		if one.Manifest["kind"] != "MigrationProject" {
			continue
		}
		spec := one.Manifest["spec"].(map[string]any)
		spec["connectionRef"] = map[string]any{"name": "another"}
		// The dry run was of the manifest as it was: it cannot be asked again here.
		options := one.options(t, schemas)
		delete(options, "a dry run")
		for how, options := range options {
			if result := compare(t, one, options); !result.Modified {
				t.Errorf("%s: %s: another connection is no difference", filepath.Base(file), how)
			}
		}
	}
}

// The ways in which Argo CD may compare a resource that was applied so.
func (r record) options(t *testing.T, schemas *managedfields.GvkParser) map[string][]diff.Option {
	if r.How == "ClientSide" {
		return map[string][]diff.Option{"three ways": nil}
	}
	text, err := json.Marshal(r.Predicted)
	if err != nil {
		t.Fatal(err)
	}
	merge := []diff.Option{diff.WithGVKParser(schemas), diff.WithManager(r.Manager)}
	dryRun := append([]diff.Option{
		diff.WithServerSideDiff(true), diff.WithServerSideDryRunner(predicted(text)),
	}, merge...)
	return map[string][]diff.Option{
		"a structured merge": append([]diff.Option{diff.WithStructuredMergeDiff(true)}, merge...),
		"a dry run":          dryRun,
	}
}

func compare(t *testing.T, r record, options []diff.Option) *diff.DiffResult {
	t.Helper()
	manifest := &unstructured.Unstructured{Object: r.Manifest}
	live := &unstructured.Unstructured{Object: r.Live}
	result, err := diff.Diff(manifest.DeepCopy(), live.DeepCopy(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func folder() string {
	if given := os.Getenv(folderVariable); given != "" {
		return given
	}
	return folderElse
}

func files(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder(), "*.*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < atLeast {
		t.Fatalf("%d records in %s, at least %d are expected: `cargo test --test it examples` writes them",
			len(found), folder(), atLeast)
	}
	return found
}

func read(t *testing.T, file string) record {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var one record
	if err := json.Unmarshal(text, &one); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return one
}

// readSchemas gives what the API server publishes, as Argo CD reads it.
func readSchemas(t *testing.T) *managedfields.GvkParser {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder(), "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := openapi.ParseDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	models, err := proto.NewOpenAPIData(document)
	if err != nil {
		t.Fatal(err)
	}
	parser, err := managedfields.NewGVKParser(models, false)
	if err != nil {
		t.Fatal(err)
	}
	return parser
}
