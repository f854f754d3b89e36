/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer: ZeroMQ over ipc. Messages are pushed and pulled; with one buffer, each is
 * the reply to a request of 8 bytes. A message is made by copying the payload into it.
 */
#include "bench.h"
#include <zmq.h>

struct sides {
	struct args a;
	char address[512];
	int bound[2]; /* a pipe that tells of it */
};

static void failed(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, zmq_strerror(zmq_errno()));
	exit(1);
}

static void *open_socket(int type)
{
	void *context = zmq_ctx_new(), *socket = context ? zmq_socket(context, type) : NULL;
	if (!socket)
		failed("zmq_socket");
	return socket;
}

static void drive(void *arg)
{
	struct sides *s = arg;
	char byte;
	pin(s->a.cpu_b);
	unsigned char *source = malloc(s->a.size);
	if (!source || read(s->bound[0], &byte, 1) != 1)
		die("begin");
	memset(source, 1, s->a.size);
	int replies = s->a.buffers == 1;
	void *socket = open_socket(replies ? ZMQ_REP : ZMQ_PUSH);
	if (zmq_connect(socket, s->address))
		failed("zmq_connect");
	for (;;) {
		uint64_t request;
		if (replies && zmq_recv(socket, &request, sizeof request, 0) != sizeof request)
			failed("zmq_recv");
		zmq_msg_t m;
		if (zmq_msg_init_size(&m, s->a.size))
			failed("zmq_msg_init_size");
		if (s->a.full)
			memcpy(zmq_msg_data(&m), source, s->a.size);
		if (zmq_msg_send(&m, socket, 0) < 0)
			failed("zmq_msg_send");
	}
}

static volatile uint64_t sink;

static void take(struct sides *s, void *socket)
{
	zmq_msg_t m;
	if (zmq_msg_init(&m) || zmq_msg_recv(&m, socket, 0) < 0)
		failed("zmq_msg_recv");
	if (zmq_msg_size(&m) != s->a.size) {
		fprintf(stderr, "a message of %zu bytes\n", zmq_msg_size(&m));
		exit(1);
	}
	if (s->a.full)
		sink += touch(zmq_msg_data(&m), s->a.size);
	zmq_msg_close(&m);
}

static void round_trips(struct sides *s, void *socket)
{
	static struct hist h;
	uint64_t stop = 0, before = now_ns(), request = 0;
	for (uint64_t i = 1; stop == 0 || before < stop; i++) {
		if (zmq_send(socket, &request, sizeof request, 0) != sizeof request)
			failed("zmq_send");
		take(s, socket);
		uint64_t now = now_ns();
		if (i > WARM_UP)
			hist_add(&h, now - before);
		else if (i == WARM_UP)
			stop = now + s->a.ms * 1000000u;
		before = now;
	}
	hist_print(&h);
}

static void stream(struct sides *s, void *socket)
{
	static struct rates rates;
	uint32_t many = often(s->a.size);
	rates_begin(&rates, s->a.ms);
	do {
		for (uint32_t i = 0; i < many; i++)
			take(s, socket);
	} while (rates_add(&rates, many));
	rates_print(&rates);
}

int main(int argc, char **argv)
{
	if (argc != 11) {
		fprintf(stderr, "usage: %s, the nine arguments of the others, and a directory for the socket\n", argv[0]);
		return 2;
	}
	struct sides s = {.a = parse(10, argv)};
	size_t length = sizeof s.address;
	if ((size_t)snprintf(s.address, length, "ipc://%s/zeromq", argv[10]) >= length) {
		fprintf(stderr, "%s: the directory's name is too long\n", argv[0]);
		return 2;
	}
	if (pipe(s.bound))
		die("pipe");
	pid_t pid = other(drive, &s);
	pin(s.a.cpu_a);
	void *socket = open_socket(s.a.buffers == 1 ? ZMQ_REQ : ZMQ_PULL);
	if (zmq_bind(socket, s.address))
		failed("zmq_bind");
	if (write(s.bound[1], "", 1) != 1)
		die("write");
	if (s.a.buffers == 1)
		round_trips(&s, socket);
	else
		stream(&s, socket);
	end(pid);
	return 0;
}
