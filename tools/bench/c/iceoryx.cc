/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer: iceoryx with polling subscribers. The publisher waits where a queue is full.
 * With one buffer, each sample is the reply to one of 8 bytes on a second topic.
 *
 * Its daemon RouDi uses names that there are once on a machine, and leaves them behind
 * where it is killed. So it runs here, with both sides, where /tmp and /dev/shm are their
 * own: nobody else's RouDi is disturbed, and nothing is left, however they end.
 */
#include "bench.h"
#include <errno.h>
#include <sys/mount.h>

#include "iceoryx_hoofs/log/logmanager.hpp"
#include "iceoryx_hoofs/posix_wrapper/posix_access_rights.hpp"
#include "iceoryx_posh/popo/untyped_publisher.hpp"
#include "iceoryx_posh/popo/untyped_subscriber.hpp"
#include "iceoryx_posh/roudi/iceoryx_roudi_app.hpp"
#include "iceoryx_posh/runtime/posh_runtime.hpp"

namespace
{
void put_line(const char *path, const char *format, unsigned id)
{
	FILE *f = fopen(path, "we");
	if (!f)
		die(path);
	fprintf(f, format, id, id);
	if (fclose(f))
		die(path);
}

/* isolate gives this process and those it starts a /tmp and a /dev/shm of their own,
   which are gone with the last of them. */
void isolate()
{
	unsigned user = geteuid(), group = getegid();
	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
			fprintf(stderr, "iceoryx needs directories of its own, for which this system gives no user namespace: %s; "
					"allow them, or run as root\n", strerror(errno));
			exit(1);
		}
		put_line("/proc/self/setgroups", "deny", 0);
		put_line("/proc/self/uid_map", "%u %u 1", user);
		put_line("/proc/self/gid_map", "%u %u 1", group);
	}
	if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr))
		die("make mounts private");
	for (const char *dir : {"/tmp", "/dev/shm"})
		if (mount("bench", dir, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"))
			die(dir);
}

/* quiet lets this process say errors only, and nothing where the result goes. */
void quiet()
{
	dup2(STDERR_FILENO, STDOUT_FILENO);
	auto &log = iox::log::LogManager::GetLogManager();
	log.SetDefaultLogLevel(iox::log::LogLevel::kError, iox::log::LogLevelOutput::kHideLogLevel);
}

/* run_roudi is the daemon, with memory for one stream. */
void run_roudi(void *arg)
{
	auto *a = static_cast<args *>(arg);
	quiet();
	/* What a queue holds, and what both sides may have in hand. */
	uint32_t answers = 128, chunks = static_cast<uint32_t>(iox::popo::SubscriberOptions().queueCapacity) + 32;
	iox::mepoo::MePooConfig pools;
	pools.addMemPool({answers, chunks});
	if (a->size > answers)
		pools.addMemPool({static_cast<uint32_t>(a->size + 7) & ~7u, chunks});
	auto group = iox::posix::PosixGroup::getGroupOfCurrentProcess().getName();
	iox::RouDiConfig_t config;
	config.m_sharedMemorySegments.push_back({group, group, pools});
	iox::config::CmdLineArgs_t options;
	options.monitoringMode = iox::roudi::MonitoringMode::OFF;
	options.logLevel = iox::log::LogLevel::kError;
	iox::roudi::IceOryxRouDiApp(options, config).run(); /* to its end */
}

/* join makes this process one that RouDi knows, as soon as that is there. */
void join(const char *name)
{
	iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name));
}

constexpr char MESSAGES[] = "messages", ANSWERS[] = "answers";

iox::capro::ServiceDescription topic(const char *name)
{
	return {"bench", "bench", iox::capro::IdString_t(iox::cxx::TruncateToCapacity, name)};
}

struct publisher {
	iox::popo::UntypedPublisher p;

	explicit publisher(const char *name) : p(topic(name), options())
	{
		while (!p.hasSubscribers())
			usleep(1000);
	}

	static iox::popo::PublisherOptions options()
	{
		iox::popo::PublisherOptions o;
		o.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
		return o;
	}

	/* send publishes size bytes, copied from source if that is not null. */
	void send(const unsigned char *source, size_t size)
	{
		auto loan = p.loan(static_cast<uint32_t>(size));
		if (loan.has_error()) {
			fprintf(stderr, "iceoryx lent no memory: %d\n", static_cast<int>(loan.get_error()));
			exit(1);
		}
		if (source)
			memcpy(*loan, source, size);
		p.publish(*loan);
	}
};

struct subscriber {
	iox::popo::UntypedSubscriber s;

	explicit subscriber(const char *name) : s(topic(name), options()) {}

	static iox::popo::SubscriberOptions options()
	{
		iox::popo::SubscriberOptions o;
		o.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
		return o;
	}

	/* take polls for the next sample and reads size bytes of it. */
	uint64_t take(size_t size)
	{
		for (;;) {
			auto got = s.take();
			if (got.has_error()) {
				relax();
				continue;
			}
			uint64_t sum = touch(static_cast<const unsigned char *>(*got), size);
			s.release(*got);
			return sum;
		}
	}
};

void drive(void *arg)
{
	auto *a = static_cast<args *>(arg);
	pin(a->cpu_b);
	quiet();
	join("bench-far");
	auto *source = static_cast<unsigned char *>(malloc(a->size));
	if (!source)
		die("malloc");
	memset(source, 1, a->size);
	unsigned char *fill = a->full ? source : nullptr;
	bool answered = a->buffers == 1;
	subscriber answers(ANSWERS);
	publisher messages(MESSAGES);
	for (;;) {
		messages.send(fill, a->size);
		if (answered)
			answers.take(0);
	}
}

volatile uint64_t sink;
hist times;
rates speeds;

void round_trips(const args *a, subscriber &messages)
{
	publisher answers(ANSWERS);
	size_t size = a->full ? a->size : 0;
	uint64_t stop = 0, before = now_ns();
	for (uint64_t i = 1; stop == 0 || before < stop; i++) {
		sink = messages.take(size);
		uint64_t now = now_ns();
		if (i > WARM_UP)
			hist_add(&times, now - before);
		else if (i == WARM_UP)
			stop = now + a->ms * 1000000u;
		before = now;
		answers.send(nullptr, 8);
	}
}

void stream(const args *a, subscriber &messages)
{
	size_t size = a->full ? a->size : 0;
	uint32_t many = often(a->size);
	rates_begin(&speeds, a->ms);
	do {
		for (uint32_t i = 0; i < many; i++)
			sink = messages.take(size);
	} while (rates_add(&speeds, many));
}
} // namespace

/* With the one argument "check" it only says whether it can run here. */
int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "check")) {
		isolate();
		return 0;
	}
	args a = parse(argc, argv);
	isolate();
	pid_t roudi = other(run_roudi, &a), far = other(drive, &a);
	pin(a.cpu_a);
	int result = dup(STDOUT_FILENO);
	quiet();
	join("bench-near");
	subscriber messages(MESSAGES);
	if (a.buffers == 1)
		round_trips(&a, messages);
	else
		stream(&a, messages);
	end(far);
	end(roudi);
	fflush(stdout);
	dup2(result, STDOUT_FILENO);
	if (a.buffers == 1)
		hist_print(&times);
	else
		rates_print(&speeds);
	fflush(stdout);
	_exit(0); /* there is no RouDi to say goodbye to */
}
