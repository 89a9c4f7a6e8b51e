// Places in the program that compilers and tracebacks name: "main.c:3:5: error", 'File "main.py", line 3', ...
// Pure: what is a place depends only on the text and the names of the program's files.

export interface Place {
    file: string;
    line: number; // from 1
    column: number | null; // from 1
}

export interface Link extends Place {
    from: number; // in the text
    to: number;
}

// A line of output that is longer is no message.
const textMax = 2000;

function escaped(name: string): string {
    return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

// Finds places of these files, by their names with or without the folder that programs run in.
export class LinkFinder {
    private readonly pattern: RegExp | null;

    constructor(names: string[]) {
        const alternatives = [...names].sort((a, b) => b.length - a.length).map(escaped).join('|');
        // name:3:5   name(3,5)   name:3   name", line 3   name: line 3   name on line 3   name line 3
        this.pattern =
            alternatives === ''
                ? null
                : new RegExp(
                      `(?<![\\w./-])(?:file://)?(?:/box/|\\./)?(${alternatives})` +
                          `(?::(\\d{1,7})(?::(\\d{1,5}))?|\\((\\d{1,7})(?:,(\\d{1,5}))?\\)|["']?[,:]?(?: on)? line (\\d{1,7}))(?!\\d)`,
                      'g',
                  );
    }

    find(text: string): Link[] {
        if (this.pattern === null || text.length > textMax) return [];
        return Array.from(text.matchAll(this.pattern), (match) => {
            const [whole, file, line, column, inBrackets, columnInBrackets, word] = match;
            return {
                file: file ?? '',
                line: Number(line ?? inBrackets ?? word),
                column: Number(column ?? columnInBrackets) || null,
                from: match.index,
                to: match.index + whole.length,
            };
        });
    }
}
