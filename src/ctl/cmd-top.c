/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/loop.h"
#include "ctl/ctl.h"
#include "ctl/top.h"

#define INTERVAL_MS 1000

/* another screen, no cursor, no line goes on in the next one; and back */
#define SCREEN_BEGIN "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_END "\033[?7h\033[?25h\033[?1049l"
/* draw over what is there, so that nothing flickers: each line is cleared behind its end */
#define DRAW_BEGIN "\033[H"
#define LINE_END "\033[K\n"
#define DRAW_END "\033[J"

struct screen {
	struct ctl *ctl;
	struct top *top;
	struct termios before;
	bool has_keys; /* standard input is a terminal */
	bool is_open;
	struct loop_source *keys;
	struct loop_source *stop;
};

static void screen_open(struct screen *screen)
{
	struct termios raw;

	if (screen->is_open)
		return;
	screen->has_keys = tcgetattr(STDIN_FILENO, &screen->before) == 0;
	if (screen->has_keys) {
		raw = screen->before;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	fputs(SCREEN_BEGIN, stdout);
	fflush(stdout);
	screen->is_open = true;
}

static void screen_close(struct screen *screen)
{
	if (!screen->is_open)
		return;
	fputs(SCREEN_END, stdout);
	fflush(stdout);
	if (screen->has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
	screen->is_open = false;
}

static void on_key(void *data, int fd, uint32_t events)
{
	struct screen *screen = data;
	char key;

	(void)events;
	if (read(fd, &key, 1) == 1 && key != 'q' && key != 'Q')
		return;
	client_interrupt(screen->ctl->client);
	loop_io_set(screen->keys, 0);
}

/* Ctrl-Z: the shell gets its screen, and we get ours when we go on. */
static void on_stop(void *data, int number)
{
	struct screen *screen = data;

	(void)number;
	screen_close(screen);
	raise(SIGSTOP);
	screen_open(screen);
}

static int take(struct screen *screen, struct err *err)
{
	struct js *documents[TOP_LISTS] = { NULL };
	struct str paths[TOP_LISTS];
	const char *texts[TOP_LISTS];
	bool failed = false;
	size_t i;
	int r;

	for (i = 0; i < TOP_LISTS; i++) {
		paths[i] = STR_NULL;
		str_add(&paths[i], top_path((enum top_list)i));
		/* of events some are asked for, and no more */
		client_add_query(&paths[i], "limit", i == TOP_EVENTS ? NULL : CLIENT_PAGE);
		texts[i] = str_get(&paths[i]);
		failed = failed || paths[i].failed;
	}
	r = failed ? err_nomem(err)
		   : client_get_all(screen->ctl->client, texts, TOP_LISTS, documents, err);
	for (i = 0; i < TOP_LISTS; i++)
		str_deinit(&paths[i]);
	if (r == 0 && top_take(screen->top, documents, clock_monotonic_ms()) < 0)
		r = err_nomem(err);
	return r;
}

static void frame_init(const struct ctl *ctl, struct top_frame *frame)
{
	*frame = (struct top_frame){
		.url = ctl->settings.url,
		.style = ctl->style,
		.wall_ms = clock_wall_ms(),
		.now_ms = clock_monotonic_ms(),
	};
}

static int draw(const struct screen *screen, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct top_frame frame;
	struct winsize size;
	const char *c;

	frame_init(screen->ctl, &frame);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		frame.style.width = size.ws_col;
		frame.rows = size.ws_row;
	}
	top_format(screen->top, &frame, &text);
	if (text.failed)
		return err_nomem(err);
	fputs(DRAW_BEGIN, stdout);
	for (c = str_get(&text); *c; c++) {
		/* the last line break would move the picture up */
		if (*c == '\n' && c[1] == '\0')
			fputs("\033[K", stdout);
		else if (*c == '\n')
			fputs(LINE_END, stdout);
		else
			putchar(*c);
	}
	fputs(DRAW_END, stdout);
	return fflush(stdout) == 0 ? 0 : err_set(err, -EIO, "the terminal is gone");
}

static int draw_on(struct screen *screen, struct err *err)
{
	uint64_t interval = screen->ctl->opt.interval_ms;
	struct err why = ERR_NULL;
	int r = 0;

	while (r == 0) {
		r = draw(screen, err);
		if (r == 0 && client_sleep(screen->ctl->client,
					   interval ? (int64_t)interval : INTERVAL_MS) < 0)
			break;
		if (r < 0)
			break;
		r = take(screen, &why);
		if (r == -EINTR)
			break;
		if (r == -ENOMEM || r == -EPERM) {
			*err = why;
			return r;
		}
		if (r < 0)
			top_fail(screen->top, why.text);
		r = 0;
	}
	return r == -EINTR ? 0 : r;
}

static int live(struct screen *screen, struct err *err)
{
	struct loop *loop = client_loop(screen->ctl->client);
	int r = client_catch_signals(screen->ctl->client, err);

	if (r == 0)
		r = loop_add_signal(loop, SIGTSTP, on_stop, screen, &screen->stop, err);
	if (r == 0 && isatty(STDIN_FILENO))
		r = loop_add_io(loop, STDIN_FILENO, EPOLLIN, on_key, screen, &screen->keys, err);
	if (r == 0) {
		screen_open(screen);
		r = draw_on(screen, err);
		screen_close(screen);
	}
	screen->keys = loop_source_free(screen->keys);
	screen->stop = loop_source_free(screen->stop);
	return r;
}

static int once(const struct screen *screen, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct top_frame frame;

	if (screen->ctl->cli.result) {
		js_set(screen->ctl->cli.result, "top", top_json(screen->top, clock_monotonic_ms()));
		return 0;
	}
	frame_init(screen->ctl, &frame);
	top_format(screen->top, &frame, &text);
	if (text.failed)
		return err_nomem(err);
	cli_print(&screen->ctl->cli, str_get(&text));
	return 0;
}

int cmd_top(struct ctl *ctl, struct err *err)
{
	struct screen screen = { .ctl = ctl };
	int r;

	if (ctl->cli.json)
		ctl->opt.once = true;
	if (!ctl->opt.once && !isatty(STDOUT_FILENO))
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "top draws on a terminal; elsewhere --once prints one "
					 "picture"));
	screen.top = top_new();
	if (!screen.top)
		return err_nomem(err);
	r = take(&screen, err);
	if (r == 0)
		r = ctl->opt.once ? once(&screen, err) : live(&screen, err);
	top_free(screen.top);
	return r;
}
