/* init: PID 1 of a box. */
#pragma once

/* For the process that setup_run() has prepared: a fresh clone of the zygote, with descriptors BOX_FD_*. */
_Noreturn void init_run(void);
