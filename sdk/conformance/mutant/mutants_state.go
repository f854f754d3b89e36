// SPDX-License-Identifier: Apache-2.0

package mutant

import (
	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
	"github.com/iostreamkit/iostreamkit/sdk/userclient"
)

func stateMutants() []Mutant {
	return []Mutant{
		{
			Name: "open-twice", Rule: "STATE-01",
			Wrong: "It answers success to an open of the stream that the client has running.",
			New:   hooked("open-twice", answering(userclient.SelOpen, userclient.StateRunning, ioreturn.Success)),
		},
	}
}
