// SPDX-License-Identifier: Apache-2.0

package iostream_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const reference = "../../docs/reference/iostream.md"

// TestReferenceNamesTests holds the page that maps Apple's methods to ours: each row of
// a mapping names at least one test, and each test that the page names exists.
func TestReferenceNamesTests(t *testing.T) {
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	known := tests(t)
	name := regexp.MustCompile("`((?:Test|Example|Fuzz)[A-Za-z0-9_]*)`")
	mapping, rows := false, 0
	for i, line := range strings.Split(string(page), "\n") {
		names := name.FindAllStringSubmatch(line, -1)
		for _, n := range names {
			if !known[n[1]] {
				t.Errorf("%s:%d: there is no %s", reference, i+1, n[1])
			}
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			mapping = false
		case strings.HasSuffix(line, "| shown by |"):
			mapping = true
		case mapping && !strings.HasPrefix(line, "|---"):
			rows++
			if len(names) == 0 {
				t.Errorf("%s:%d: the row names no test", reference, i+1)
			}
		}
	}
	if rows < 60 {
		t.Errorf("only %d rows were found", rows)
	}
}

// TestReferenceIsComplete has Apple's methods by name, so that none is left out.
func TestReferenceIsComplete(t *testing.T) {
	page, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range strings.Fields(`
		withBuffers init initWithBuffers free handleOpen handleClose createQueues destroyQueues
		getOutputQueue getInputQueue getOutputQueueMemoryDescriptor getInputQueueMemoryDescriptor
		addBuffer addBuffers removeBuffer removeAllBuffers getBufferCount getBuffers getBufferWithID
		getInputPort setInputPort getOutputPort setOutputPort sendOutputNotification
		enqueueOutputBuffer enqueueOutputEntry dequeueInputEntry inputCallback inputSyncCallback
		getStreamMode setStreamMode startStream stopStream suspendStream newUserClient
		withMemoryDescriptors initWithMemoryDescriptors getBufferID setBufferID getDataBuffer setDataBuffer
		getControlBuffer setControlBuffer getClientReferenceCount sendClientReference receiveClientReference
		registerNotificationPort clientMemoryForType getTargetAndMethodForIndex getTargetAndTrapForIndex
		openMethod closeMethod startMethod stopMethod suspendMethod getModeMethod setModeMethod getBufferCountMethod
		inputTrap inputSyncTrap clientClose clientDied connectClient getService
		QueryInterface AddRef Release version revision Open Close GetBufferCount GetBufferInfo GetOutputPort GetInputPort
		GetOutputQueue GetInputQueue SetOutputCallback GetRunLoopSource AddToRunLoop RemoveFromRunLoop
		DequeueOutputEntry EnqueueInputEntry EnqueueInputBuffer SendInputNotification SendInputSyncNotification
		GetDataBuffer GetDataBufferLength GetControlBuffer GetControlBufferLength
		StartStream StopStream SuspendStream GetMode SetMode`) {
		if !strings.Contains(string(page), "`"+method+"`") {
			t.Errorf("%s does not say what became of %s", reference, method)
		}
	}
}

// tests returns the names of all tests of this package.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	files, err := filepath.Glob("*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	function := regexp.MustCompile(`(?m)^func (\w+)\(`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range function.FindAllSubmatch(source, -1) {
			names[string(m[1])] = true
		}
	}
	return names
}
