#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "model/job.h"

bool terminal_find(int *rows, int *columns)
{
    struct winsize size;

    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        return false;
    /* Some say 0 for "not known". */
    *rows = size.ws_row == 0 ? 24 : size.ws_row < JOB_MAX_WINDOW ? size.ws_row : JOB_MAX_WINDOW;
    *columns = size.ws_col == 0 ? 80 : size.ws_col < JOB_MAX_WINDOW ? size.ws_col : JOB_MAX_WINDOW;
    return true;
}

bool terminal_enter(struct terminal *terminal)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
        return false;
    raw = terminal->before;
    cfmakeraw(&raw);
    terminal->is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
    return terminal->is_raw;
}

void terminal_leave(struct terminal *terminal)
{
    if (terminal->is_raw)
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
    terminal->is_raw = false;
}
