/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/service.h"

static char directory[64];
static char path[96];
static int manager = -1;

static int make_manager(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	(void)state;
	strcpy(directory, "/tmp/test-service-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/notify", directory);
	strcpy(name.sun_path, path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setenv("NOTIFY_SOCKET", path, 1);
	return bind(manager, (struct sockaddr *)&name, sizeof(name));
}

static int remove_manager(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	close(manager);
	unlink(path);
	return rmdir(directory);
}

static const char *heard(void)
{
	static char text[2048];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void tells_that_it_is_ready_and_how_it_is(void **state)
{
	(void)state;
	service_ready("3 exports");
	assert_string_equal(heard(), "READY=1\nSTATUS=3 exports");
	service_status("%d of %s", 2, "three");
	assert_string_equal(heard(), "STATUS=2 of three");
}

static void tells_that_it_stops_or_reloads(void **state)
{
	unsigned long long usec = 0;

	(void)state;
	service_reloading();
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_true(usec > 0);
	service_stopping();
	assert_string_equal(heard(), "STOPPING=1");
}

static void a_status_cannot_say_more_than_a_status(void **state)
{
	char text[4096];

	(void)state;
	service_status("a\nMAINPID=1\tb");
	assert_string_equal(heard(), "STATUS=a MAINPID=1 b");
	service_ready("a\nMAINPID=1");
	assert_string_equal(heard(), "READY=1\nSTATUS=a MAINPID=1");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	service_status("%s", text);
	assert_in_range(strlen(heard()), 400, 600);
}

static void without_systemd_nothing_happens(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	service_ready("ready");
	service_status("fine");
	service_reloading();
	service_stopping();
	assert_int_equal(service_take_socket("ctl"), -1);
}

/* --- passed sockets: in a child, whose descriptors 3 .. are as systemd leaves them */

static int listening(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, 1) < 0)
		return -1;
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_in in = { 0 };
	socklen_t size = sizeof(in);

	getsockname(fd, (struct sockaddr *)&in, &size);
	return ntohs(in.sin_port);
}

static void pass(int first, int second, const char *names)
{
	char pid[16];
	int a = fcntl(first, F_DUPFD, 50);
	int b = fcntl(second, F_DUPFD, 50);

	dup2(a, 3);
	dup2(b, 4);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 250 + 1);                                                 \
	} while (0)

static int in_child(void (*function)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		function();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void take_by_name(void)
{
	int a = listening();
	int b = listening();
	int taken;

	MUST(a >= 0 && b >= 0);
	pass(a, b, "http:ctl");
	taken = service_take_socket("ctl");
	MUST(taken > 4 && port_of(taken) == port_of(b));
	MUST(fcntl(taken, F_GETFD) == FD_CLOEXEC);
	close(taken);
	taken = service_take_socket("http");
	MUST(taken > 4 && port_of(taken) == port_of(a));
	MUST(service_take_socket("other") == -1);
}

static void passed_sockets_are_found_by_their_names(void **state)
{
	(void)state;
	assert_int_equal(in_child(take_by_name), 0);
}

static void take_none(void)
{
	int a = listening();
	int b = socket(AF_INET, SOCK_STREAM, 0);
	int file = open("/", O_RDONLY);

	pass(b, file, "idle:file");
	MUST(service_take_socket("idle") == -1);
	MUST(service_take_socket("file") == -1);
	pass(a, b, "ctl:b");
	setenv("LISTEN_PID", "1", 1);
	MUST(service_take_socket("ctl") == -1);
	setenv("LISTEN_FDS", "junk", 1);
	MUST(service_take_socket("ctl") == -1);
}

static void what_does_not_listen_or_is_for_another_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(in_child(take_none), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_manager, remove_manager)
		TEST(tells_that_it_is_ready_and_how_it_is),
		TEST(tells_that_it_stops_or_reloads),
		TEST(a_status_cannot_say_more_than_a_status),
		TEST(without_systemd_nothing_happens),
		cmocka_unit_test(passed_sockets_are_found_by_their_names),
		cmocka_unit_test(what_does_not_listen_or_is_for_another_is_not_taken),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
