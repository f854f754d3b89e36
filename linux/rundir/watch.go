// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rundir

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iostreamkit/iostreamkit/sdk/ioreturn"
)

// What is watched for. A driver that dies writes nothing, but its descriptor of
// the info file, open for writing, is closed. Readers open the file for reading
// only, so the watch is not woken by its own looking.
const (
	selfMask = unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_CLOSE_WRITE |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
	parentMask = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ATTRIB |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
	lostMask = unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_UNMOUNT | unix.IN_IGNORED
)

// A dying process closes the file a moment before its lock is released (the
// kernel tells watchers first), so an entry that still looks alive after an event
// is looked at again a few times, with growing pauses. There is no polling beyond.
const (
	firstCheck = time.Millisecond
	lastCheck  = 5 * time.Second
)

// Watch yields what happens to live streams in all directories of the search
// path: first Added for each that is there, then every change, until ctx ends or
// the caller breaks off. A driver that is killed is noticed, too. Directories may
// be missing and may come and go.
//
// An error about one directory that must not be used is yielded once, and the
// watch goes on with the others and with that one when it is mended. A watch that
// cannot go on ends with its error; after ctx has ended that is ctx's cause.
//
// A caller that is slow loses no state: what happened meanwhile is merged into
// what is different then. Each range over the sequence is a watch of its own.
func (d Dir) Watch(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		in, err := newInotify()
		if err != nil {
			yield(Event{}, ioreturn.Op("watch", d.Path(), err))
			return
		}
		defer in.close()
		defer context.AfterFunc(ctx, in.interrupt)()
		w := watcher{in: in, d: d}
		for _, p := range d.search {
			w.places = append(w.places, newWatched(p))
		}
		if err := w.run(ctx, yield); err != nil {
			yield(Event{}, ioreturn.Op("watch", d.Path(), err))
		}
	}
}

// watcher is the state of one watch. Events of the kernel are only hints where to
// look; what is yielded is the difference between what was seen and what is there.
type watcher struct {
	in     *inotify
	d      Dir
	places []*watched
}

// watched is what a watcher knows about one directory.
type watched struct {
	place
	parent  int32  // watch of the directory's parent, or of the nearest one above that is there
	awaited string // the name below parent on the way to the directory
	self    int32  // watch of the directory, -1 if there is none

	lost    bool                // the watches must be made anew, and everything looked at
	dirty   map[string]struct{} // names of streams to look at
	live    map[string]Stream
	checks  map[string]check
	problem string // the last error yielded
}

func newWatched(p place) *watched {
	return &watched{
		place: p, parent: -1, self: -1, lost: true,
		live: make(map[string]Stream), checks: make(map[string]check),
	}
}

// check is when a live stream is looked at again, and the pause after that.
type check struct {
	at    time.Time
	pause time.Duration
}

// run yields until ctx ends or something fails, and returns why; nil means that
// the caller broke off.
func (w *watcher) run(ctx context.Context, yield func(Event, error) bool) error {
	for {
		for _, p := range w.places {
			events, problem, err := w.update(ctx, p)
			if err != nil {
				return err
			}
			for _, e := range events {
				if !yield(e, nil) {
					return nil
				}
			}
			if problem != nil && !yield(Event{}, ioreturn.Op("watch", p.path, problem)) {
				return nil
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		notices, err := w.in.read(ctx, w.deadline())
		if err != nil {
			return err
		}
		for _, n := range notices {
			w.mark(n)
		}
		w.markChecks(time.Now())
	}
}

// mark notes what an event of the kernel says must be looked at.
func (w *watcher) mark(n notice) {
	for _, p := range w.places {
		switch {
		case n.mask&unix.IN_Q_OVERFLOW != 0:
			p.lost = true
		case n.wd == p.parent && (n.mask&lostMask != 0 || n.name == p.awaited):
			p.lost = true
		case n.wd == p.self && n.mask&lostMask != 0:
			p.lost = true
		case n.wd == p.self:
			if name, ok := nameOf(n.name); ok {
				p.touch(name)
				delete(p.checks, name) // begin anew: something has happened
			}
		}
	}
}

func (p *watched) touch(name string) {
	if p.dirty == nil {
		p.dirty = make(map[string]struct{})
	}
	p.dirty[name] = struct{}{}
}

// markChecks notes the live streams whose time to be looked at again has come.
func (w *watcher) markChecks(now time.Time) {
	for _, p := range w.places {
		for name, c := range p.checks {
			if !c.at.After(now) {
				p.touch(name)
			}
		}
	}
}

// deadline returns when the next check is due, zero if none is.
func (w *watcher) deadline() (t time.Time) {
	for _, p := range w.places {
		for _, c := range p.checks {
			if t.IsZero() || c.at.Before(t) {
				t = c.at
			}
		}
	}
	return t
}

// update looks at what was marked and returns the differences. problem is a new
// error about the directory, err ends the watch.
func (w *watcher) update(ctx context.Context, p *watched) (events []Event, problem, err error) {
	all := p.lost
	if p.lost {
		if err := w.arm(p); err != nil {
			return nil, nil, err
		}
	}
	if !all && len(p.dirty) == 0 {
		return nil, nil, nil
	}
	dirty := p.dirty
	p.lost, p.dirty = false, nil
	seen, err := w.look(ctx, p, all, dirty)
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	text := ""
	if err != nil && !w.d.ignored(p.place, err) {
		text = err.Error()
		if text != p.problem {
			problem = err
		}
	}
	p.problem = text
	if all {
		dirty = make(map[string]struct{})
		for name := range p.live {
			dirty[name] = struct{}{}
		}
		for name := range seen {
			dirty[name] = struct{}{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(dirty)) {
		if e, ok := p.compare(name, seen); ok {
			events = append(events, e)
		}
	}
	return events, problem, nil
}

// look returns the live streams among those marked.
func (w *watcher) look(ctx context.Context, p *watched, all bool, dirty map[string]struct{}) (map[string]Stream, error) {
	seen := make(map[string]Stream)
	if all {
		streams, err := w.d.listPlace(ctx, p.place)
		for _, s := range streams {
			seen[s.Name] = s
		}
		return seen, err
	}
	fd, err := p.open(w.d.euid, false)
	if err != nil {
		return seen, err
	}
	defer unix.Close(fd)
	for name := range dirty {
		if s, ok := readEntry(fd, p.place, name); ok {
			seen[name] = s
		}
	}
	return seen, nil
}

// compare returns the event that makes what is known of a stream equal to what
// was seen, and arranges when to look again.
func (p *watched) compare(name string, seen map[string]Stream) (Event, bool) {
	now, there := seen[name]
	before, known := p.live[name]
	if !there || !now.Live || now.Err != nil {
		delete(p.live, name)
		delete(p.checks, name)
		before.Live = false
		return Event{Kind: Removed, Stream: before}, known
	}
	p.live[name] = now
	p.checkAgain(name)
	switch {
	case !known:
		return Event{Kind: Added, Stream: now}, true
	case before.file != now.file: // a driver writes a new one each time
		return Event{Kind: Changed, Stream: now}, true
	}
	return Event{}, false
}

// checkAgain arranges the next look at a live stream, or that there is none
// before something happens.
func (p *watched) checkAgain(name string) {
	c, ok := p.checks[name]
	switch {
	case !ok:
		c.pause = firstCheck
	case c.at.After(time.Now()):
		return // this look was for another reason
	default:
		c.pause *= 4
	}
	if c.pause > lastCheck {
		delete(p.checks, name) // until the next event
		return
	}
	p.checks[name] = check{at: time.Now().Add(c.pause), pause: c.pause}
}

// arm watches the directory, if it is there, and what is above it: the parent
// tells when the directory comes and goes. (Its own watch would not tell of its
// removal as long as any process has it open.)
func (w *watcher) arm(p *watched) error {
	oldParent, oldSelf := p.parent, p.self
	if err := w.armParent(p); err != nil {
		return err
	}
	wd, err := w.in.add(p.path, selfMask|unix.IN_DONT_FOLLOW)
	if err != nil {
		if !climbable(err) {
			return err
		}
		wd = -1
	}
	p.self = wd
	w.drop(oldParent)
	w.drop(oldSelf)
	return nil
}

// armParent watches the nearest directory above p that is there.
func (w *watcher) armParent(p *watched) error {
	for {
		dir, child := filepath.Split(p.path)
		var missing error
		wd, err := w.in.add(filepath.Clean(dir), parentMask)
		for err != nil && climbable(err) && filepath.Clean(dir) != "/" {
			missing = err
			dir, child = filepath.Split(filepath.Clean(dir))
			wd, err = w.in.add(filepath.Clean(dir), parentMask)
		}
		if err != nil {
			return err
		}
		p.parent, p.awaited = wd, child
		if !errors.Is(missing, fs.ErrNotExist) {
			return nil
		}
		if _, err := os.Stat(filepath.Join(dir, child)); err != nil {
			return nil
		}
		// It came after the attempt to watch it and perhaps before the watch above it.
	}
}

// climbable reports whether a directory that cannot be watched may be waited for
// from above.
func climbable(err error) bool {
	for _, e := range [...]error{unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EACCES} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// drop ends a watch that no directory needs any more.
func (w *watcher) drop(wd int32) {
	if wd >= 0 && !slices.ContainsFunc(w.places, func(p *watched) bool { return p.parent == wd || p.self == wd }) {
		w.in.remove(wd)
	}
}
