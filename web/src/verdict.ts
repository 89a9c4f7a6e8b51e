// What happened, in words, and what it cost. Pure: runs.ts shows it.

import type { Result, StageResult, Status } from './api';

export type Tone = 'good' | 'bad' | 'limit' | 'neutral';

export interface Verdict {
    tone: Tone;
    title: string;
    detail: string;
    figures: [string, string][]; // name, value
    notes: string[];
}

const titles: Record<Status, [Tone, string]> = {
    ok: ['good', 'Finished'],
    compile_error: ['bad', 'Does not compile'],
    runtime_error: ['bad', 'Ended with an error'],
    signaled: ['bad', 'Ended by a signal'],
    wall_time_limit: ['limit', 'Out of time'],
    cpu_time_limit: ['limit', 'Out of CPU time'],
    memory_limit: ['limit', 'Out of memory'],
    output_limit: ['limit', 'Too much output'],
    process_limit: ['limit', 'Too many processes'],
    disk_limit: ['limit', 'Disk full'],
    cancelled: ['neutral', 'Cancelled'],
    internal_error: ['bad', "The server's fault"],
};

const signals: Record<string, string> = {
    SIGSEGV: 'it touched memory that is not its own',
    SIGABRT: 'it aborted itself',
    SIGFPE: 'arithmetic that has no result, like a division by zero',
    SIGILL: 'an instruction that does not exist',
    SIGBUS: 'a bad memory access',
    SIGKILL: 'killed',
    SIGTRAP: 'a trap: a failed check of the runtime',
};

export function duration(ms: number): string {
    if (ms < 10) return `${ms.toFixed(1)} ms`;
    if (ms < 1000) return `${Math.round(ms)} ms`;
    return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
}

export function size(bytes: number): string {
    const units = ['B', 'KiB', 'MiB', 'GiB'];
    let value = bytes;
    let unit = 0;
    for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
    return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

function detailOf(result: Result, stage: StageResult | null): string {
    if (result.message !== '') return result.message;
    if (stage === null) return '';
    if (stage.signal !== null) {
        const why = signals[stage.signal];
        return why === undefined ? stage.signal : `${stage.signal}: ${why}`;
    }
    return stage.exit_code === null ? '' : `exit code ${stage.exit_code}`;
}

function figuresOf(result: Result): [string, string][] {
    const { compile, run } = result.stages;
    const figures: [string, string][] = [];
    if (compile !== null) figures.push(['Compile', compile.cached === true ? 'cached' : duration(compile.wall_ms)]);
    if (run !== null) {
        figures.push(['Time', duration(run.wall_ms)], ['CPU', duration(run.cpu_ms)], ['Memory', size(run.memory_bytes)]);
    }
    return figures;
}

function notesOf(result: Result): string[] {
    const notes: string[] = [];
    const stages = [result.stages.compile, result.stages.run].filter((stage) => stage !== null);
    const cut = (['stdout', 'stderr'] as const).filter((name) => stages.some((stage) => stage.truncated[name]));
    if (cut.length > 0) notes.push(`There was more: ${cut.join(' and ')} ${cut.length > 1 ? 'were' : 'was'} cut at the limit.`);
    if (stages.some((stage) => stage.binary)) notes.push('Some of it was not UTF-8 text; \uFFFD stands for what could not be shown.');
    return notes;
}

export function verdictOf(result: Result): Verdict {
    const [tone, title] = titles[result.status] ?? ['neutral', result.status];
    const stage = result.stages.run ?? result.stages.compile;
    return { tone, title, detail: detailOf(result, stage), figures: figuresOf(result), notes: notesOf(result) };
}
