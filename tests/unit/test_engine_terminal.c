/* engine: jobs that somebody sits at: a terminal for all three streams, its size, signals, the operator's time for
 * it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#include <cmocka.h>

#include "base/fd.h"
#include "engine_world.h"

static int open_one(void **state)
{
    return world_open(state, 1, 2);
}

static struct job *terminal_job(const char *language)
{
    struct job *job = plain_job(language);

    job->interactive = job->stdin_open = true;
    job->terminal = (struct job_terminal){.rows = 24, .columns = 80};
    return job;
}

/* What init does: opens a terminal, hands its master over. Returns the slave, which does not block. */
static int give_terminal(struct world *world, struct box *box)
{
    struct wire_plain terminal = {.head = wire_head(WIRE_TERMINAL, box->lease)};
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    assert_true(slave >= 0);
    send_box(box, &terminal, master);
    world_turn(world);
    return slave;
}

static void expect_line(int slave, const char *line)
{
    char text[200];
    ssize_t n = read(slave, text, sizeof text - 1);

    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, line);
}

static void end_box(struct world *world, struct box *box, struct outcome *outcome)
{
    box_exited(world, box, 0);
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_USED, box->lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, outcome);
    box_close(box);
}

static void what_is_typed_goes_in_and_comes_back(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, terminal_job("plain"), &outcome);
    CLEANUP(closep) int slave = -1;
    struct box box;

    assert_int_equal(run_write_stdin(run, "early\n", 6), 0);
    box = lease_box(world);
    assert_int_equal(box.job.flags, WIRE_JOB_TERMINAL);
    assert_int_equal(box.job.rows, 24);
    assert_int_equal(box.job.columns, 80);
    assert_int_equal(run_write_stdin(run, "later\n", 6), 0); /* the box is there, its terminal is not */
    assert_int_equal(run_stdin_waiting(run), 12);
    slave = give_terminal(world, &box);
    assert_int_equal(run_stdin_waiting(run), 0);
    expect_line(slave, "early\n");
    expect_line(slave, "later\n");
    assert_int_equal(fd_write_all(slave, "said\n", 5), 0);
    world_turn(world);
    end_box(world, &box, &outcome);
    assert_string_equal(outcome.out[STAGE_RUN][0], "early\r\nlater\r\nsaid\r\n"); /* echoed, as people see it */
    assert_int_equal(outcome.len[STAGE_RUN][1], 0);
}

static void an_end_is_typed(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, terminal_job("plain"), &outcome);
    struct box box = lease_box(world);
    CLEANUP(closep) int slave = give_terminal(world, &box);

    run_close_stdin(run); /* at the start of a line */
    expect_line(slave, "");
    assert_int_equal(run_write_stdin(run, "more\n", 5), 0); /* it is no end for good */
    expect_line(slave, "more\n");
    assert_int_equal(run_write_stdin(run, "half", 4), 0);
    run_close_stdin(run);
    expect_line(slave, "half");
    expect_line(slave, "");
    end_box(world, &box, &outcome);
}

static void an_end_before_the_start_is_typed_too(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, terminal_job("plain"), &outcome);
    CLEANUP(closep) int slave = -1;
    struct box box;

    assert_int_equal(run_write_stdin(run, "all\n", 4), 0);
    run_close_stdin(run);
    box = lease_box(world);
    slave = give_terminal(world, &box);
    expect_line(slave, "all\n");
    expect_line(slave, "");
    end_box(world, &box, &outcome);
}

static void its_size_is_the_latest(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct run *run = start(world, terminal_job("plain"), &outcome);
    CLEANUP(closep) int slave = -1;
    struct winsize size;
    struct box box;

    run_resize(run, (struct job_terminal){.rows = 30, .columns = 100});
    box = lease_box(world);
    run_resize(run, (struct job_terminal){.rows = 31, .columns = 101});
    slave = give_terminal(world, &box);
    assert_int_equal(ioctl(slave, TIOCGWINSZ, &size), 0);
    assert_int_equal(size.ws_row, 31);
    run_resize(run, (struct job_terminal){.rows = 32, .columns = 102});
    assert_int_equal(ioctl(slave, TIOCGWINSZ, &size), 0);
    assert_int_equal(size.ws_row, 32);
    assert_int_equal(size.ws_col, 102);
    end_box(world, &box, &outcome);
}

/* The next packet that init gets; 0 where there is none. */
static int next_signal(struct box *box)
{
    char bytes[WIRE_MAX_BYTES];
    struct err err = {0};
    union wire_msg msg;
    size_t n_fds = 0;
    ssize_t n = fd_recv_packet(box->fd, bytes, sizeof bytes, NULL, 0, &n_fds, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return 0;
    assert_int_equal(wire_decode(&msg, bytes, (size_t)n, n_fds, WIRE_TO_INIT, &err), 0);
    assert_int_equal(msg.head.type, WIRE_SIGNAL);
    assert_int_equal(msg.head.id, box->lease);
    return msg.signal.signal;
}

static void signals_go_to_the_box_that_runs(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct job *job = plain_job("plain"); /* without a terminal, too */
    struct run *run = start(world, job, &outcome);
    struct box box;

    run_signal(run, SIGINT); /* for nobody yet */
    box = lease_box(world);
    assert_int_equal(next_signal(&box), 0);
    run_signal(run, SIGTERM);
    assert_int_equal(next_signal(&box), SIGTERM);
    for (int i = 0; i < 100000; i++) /* an init that does not read them stops nobody */
        run_signal(run, SIGUSR1);
    assert_int_equal(next_signal(&box), SIGUSR1);
    box_exited(world, &box, 0);
    while (next_signal(&box) != 0)
        ;
    run_signal(run, SIGINT); /* for nobody any more */
    assert_int_equal(next_signal(&box), 0);
    (void)expect_boxd(world, WIRE_USAGE);
    send_figures(world, WIRE_USED, box.lease, WIRE_CAUSE_NONE, 0);
    (void)expect_boxd(world, WIRE_RELEASE);
    wait_result(world, &outcome);
    box_close(&box);
}

static void a_person_has_the_operators_time(void **state)
{
    static const struct {
        uint64_t asked_ms, given_ms;
    } cases[] = {{0, WORLD_INTERACTIVE_MS}, {500, 500}, {3600000, WORLD_INTERACTIVE_MS}};
    struct world *world = *state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct outcome outcome = {0};
        struct job *job = terminal_job("plain");
        struct wire_failed no;
        union wire_msg lease;

        job->limits[STAGE_RUN].wall_time_ms = cases[i].asked_ms;
        (void)start(world, job, &outcome);
        lease = expect_boxd(world, WIRE_LEASE);
        assert_int_equal(lease.lease.flags & WIRE_LEASE_INTERACTIVE, WIRE_LEASE_INTERACTIVE);
        assert_int_equal(lease.lease.limits.wall_time_ms, cases[i].given_ms);
        no = wire_failed(WIRE_REFUSED, lease.head.id, &(struct err){.code = -EBUSY, .msg = "enough seen"});
        send_boxd(world, &no, -1);
        wait_result(world, &outcome);
    }
}

static void a_prompt_needs_a_language_that_has_one(void **state)
{
    struct world *world = *state;
    const struct engine_caller caller = {.name = "somebody", .weight = 1, .max_running = 1};
    const struct run_events events = {0};
    struct job *job = job_new();
    struct err err = {0};
    struct run *run;

    job->language = strdup("plain");
    job->repl = true;
    assert_int_equal(engine_start(&run, world->engine, &caller, job, &events, NULL, &err), ENGINE_E_LANGUAGE);
    assert_non_null(strstr(err.msg, "prompt"));
    job_free(job);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, open_one, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(what_is_typed_goes_in_and_comes_back),
        ONE(an_end_is_typed),
        ONE(an_end_before_the_start_is_typed_too),
        ONE(its_size_is_the_latest),
        ONE(signals_go_to_the_box_that_runs),
        ONE(a_person_has_the_operators_time),
        ONE(a_prompt_needs_a_language_that_has_one),
    };

    return cmocka_run_group_tests_name("engine_terminal", tests, NULL, NULL);
}
