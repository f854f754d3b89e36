// SPDX-License-Identifier: Apache-2.0

package streams

import "fmt"

// What the functions of this package answer, beside a bare Errno. Each wraps the Errno
// that a caller of the stream would be told.
var (
	// ErrShared refuses to change a block whose data has other references. Copy it first.
	ErrShared = fmt.Errorf("streams: the data block is shared: %w", EINVAL)
	// ErrType refuses a change of type that System V does not allow, and an operation on
	// a message of the wrong type.
	ErrType = fmt.Errorf("streams: wrong message type: %w", EINVAL)
	// ErrSpace refuses bytes that are not in the block, or do not fit it.
	ErrSpace = fmt.Errorf("streams: out of the block's range: %w", EMSGSIZE)
	// ErrReferences refuses a duplicate of data that has 255 references.
	ErrReferences = fmt.Errorf("streams: too many references to a data block: %w", ENOSR)
	// ErrMessage refuses a message that was freed, or is in a queue, or in a chain twice.
	ErrMessage = fmt.Errorf("streams: not a message of the caller's: %w", EINVAL)
)
