// Package kstatus holds the statuses that the operator has written in real
// runs against the library that decides what GitOps tools make of them.
package kstatus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const (
	fixtures = "../../tests/fixtures/status"
	// Each begins with a line that says what is expected.
	expectation = "# kstatus: "
	// That many statuses the contract asks for; fewer means that files are lost.
	atLeast = 20
)

func TestEveryStatusReadsAsItIsMeant(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(fixtures, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < atLeast {
		t.Fatalf("%d statuses in %s, at least %d are expected", len(files), fixtures, atLeast)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) { readsAsMeant(t, file) })
	}
}

func readsAsMeant(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	expected, found := strings.CutPrefix(first, expectation)
	if !found {
		t.Fatalf("%s: the first line has to be %q and a word, and is %q", file, expectation, first)
	}
	// By way of JSON, as objects come from an API server: whole numbers stay whole.
	json, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var object unstructured.Unstructured
	if err := object.UnmarshalJSON(json); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	result, err := status.Compute(&object)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if result.Status.String() != expected {
		t.Errorf("%s: expected %s, and the library says %s: %s", file, expected, result.Status, result.Message)
	}
}
